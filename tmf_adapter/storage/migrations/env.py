"""How alembic runs here: on the connection it is handed, inside the caller's transaction."""

from alembic import context

from tmf_adapter.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
