"""Artifacts: what a run shows in the Prefect UI. Outside of a flow there is no UI, and nothing is shown."""

from typing import cast
from uuid import UUID

from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact

from migration.database import Database
from migration.errors import MigrationError
from reporting.status import read_status, status_markdown
from tasks.steps import in_flow


def publish(key: str, text: str, description: str) -> None:
    """Write a markdown artifact; one of the same key before it stays as its earlier version."""
    if in_flow():
        create_markdown_artifact(text, key=key, description=description)


def publish_status(database: Database) -> None:
    """Write the artifact `migration-status`: one screen with what an operator wants to know first.

    If the database cannot be read, the artifact says so.
    """
    try:
        text = status_markdown(read_status(database))
    except MigrationError as error:
        text = f"# Migration status\n\nThe status could not be read: {error}\n"
    publish("migration-status", text, "Phase, what serves, last gates, what may be run next")


class Progress:
    """A progress bar among the artifacts, from real counts."""

    def __init__(self, key: str, description: str) -> None:
        # called from a flow without a loop, Prefect does the work at once; its type says that it might not
        self._artifact = cast(UUID, create_progress_artifact(0.0, key=key, description=description)) if in_flow() else None

    def show(self, done: int, total: int) -> None:
        """Move the bar."""
        if self._artifact:
            update_progress_artifact(self._artifact, 100.0 * done / total)
