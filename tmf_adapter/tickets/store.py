"""Where tickets are kept."""

from tmf_adapter.storage.database import Database
from tmf_adapter.storage.resources import ResourceStore
from tmf_adapter.storage.tables import ticket


def ticket_store(database: Database) -> ResourceStore:
    """The rows of TMF621 trouble tickets."""
    return ResourceStore(database, ticket, "trouble ticket")
