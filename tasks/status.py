"""The artifact `migration-status`: always there, one screen, what an operator wants to know first."""

from migration.database import Database
from migration.errors import MigrationError
from reporting.status import read_status, status_markdown
from tasks.artifacts import publish


def publish_status(database: Database) -> None:
    """Write the artifact anew. A database that cannot be read is what the artifact then says."""
    try:
        text = status_markdown(read_status(database))
    except MigrationError as error:
        text = f"# Migration status\n\nThe status could not be read: {error}\n"
    publish("migration-status", text, "Phase, what serves, last gates, what may be run next")
