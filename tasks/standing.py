"""Where the migration stands, for the flow that goes on from there."""

from reporting.status import Status, read_status
from tasks.verbs import open_database


def where_it_stands() -> Status:
    """Read the status. Raises BadInput where no database is set, and DatabaseUnreachable. Takes no lock."""
    database, _ = open_database("run_migration")
    try:
        return read_status(database)
    finally:
        database.dispose()
