"""What a database's failures mean to whoever asked it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tmf_adapter.tmf.errors import Overloaded, TooLarge

READ_SECONDS = 5.0
"""What reads longer is given up."""
NARROWER = (
    "Ask for fewer resources: by id, status, creationDate, or an identifier that has an index, such as that of a"
    " related party, a related entity or a characteristic."
)
_BEYOND_LIMITS = "54"
"""The class of PostgreSQL's errors about limits of its own, such as the size of a row in an index."""


@contextmanager
def reachable() -> Iterator[None]:
    """Raises ``Overloaded``: a database that is away is the client's cue to come back, not an internal error.

    Raises ``TooLarge`` for what PostgreSQL will never take, however often it is sent.
    """
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        if isinstance(error, OperationalError) and _is_given_up(error):
            raise Overloaded(f"This takes longer than {READ_SECONDS:g} seconds.", NARROWER) from error
        if isinstance(error, OperationalError) and _sqlstate(error).startswith(_BEYOND_LIMITS):
            raise TooLarge("A value is too long to be kept where it stands.", "Nothing was written.") from error
        raise Overloaded("The database cannot be reached or is too busy.") from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:
            raise
        raise Overloaded("The database is damaged, or is none.") from error  # SQLite has no narrower word for it


def _is_given_up(error: OperationalError) -> bool:
    """Whether the statement was ended because it took too long."""
    return _sqlstate(error) == "57014" or str(error.orig) == "interrupted"


def _sqlstate(error: OperationalError) -> str:
    """PostgreSQL's code for it; empty with SQLite, and where there was no answer."""
    return getattr(error.orig, "sqlstate", None) or ""


def closed() -> Overloaded:
    """What is asked of a database that was let go of."""
    return Overloaded("The adapter is shutting down.")


def is_duplicate(error: DBAPIError) -> bool:
    """Whether a unique key refused the row."""
    return "unique" in str(error.orig).lower()
