"""Artifacts: what a run shows in the Prefect UI. Outside a flow nothing is shown."""

from typing import cast
from uuid import UUID

from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact

from migration.database import Database
from migration.errors import MigrationError
from reporting.status import read_status, status_markdown
from tasks.steps import in_flow


def publish(key: str, text: str, description: str) -> None:
    """Create a markdown artifact. Artifacts with the same key are its earlier versions."""
    if in_flow():
        create_markdown_artifact(text, key=key, description=description)


def publish_status(database: Database) -> None:
    """Create the artifact `migration-status`: phase, what serves, the last gates, what can be run next.

    If the database cannot be read, the artifact has the error.
    """
    try:
        text = status_markdown(read_status(database))
    except MigrationError as error:
        text = f"# Migration status\n\nThe status could not be read: {error}\n"
    publish("migration-status", text, "Phase, what serves, the last gates, what can be run next")


class Progress:
    """A progress bar among the artifacts. Outside a flow it shows nothing."""

    def __init__(self, key: str, description: str) -> None:
        # called from a flow without an event loop, Prefect returns the id, although its type allows an awaitable
        self._artifact = cast(UUID, create_progress_artifact(0.0, key=key, description=description)) if in_flow() else None

    def show(self, done: int, total: int) -> None:
        """Set the bar to `done` of `total`."""
        if self._artifact:
            update_progress_artifact(self._artifact, 100.0 * done / total)
