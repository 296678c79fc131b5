"""Where service problems are kept."""

from tmf_adapter.storage.database import Database
from tmf_adapter.storage.resources import ResourceStore
from tmf_adapter.storage.tables import problem


def problem_store(database: Database) -> ResourceStore:
    """The rows of TMF656 service problems."""
    return ResourceStore(database, problem, "service problem")
