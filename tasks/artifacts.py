"""Artifacts: what a run shows in the Prefect UI. Outside a flow nothing is shown, and without Prefect's API the run goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast
from uuid import UUID

import httpx
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact

from migration.database import Database
from migration.errors import MigrationError
from reporting.status import read_status, status_markdown
from tasks.steps import in_flow, log


@contextmanager
def _if_the_api_responds(key: str) -> Iterator[None]:
    """Let the run go on without the artifact if Prefect's API does not respond: the work is in the database."""
    try:
        yield
    except httpx.HTTPError as error:
        log().warning("Prefect's API did not take the artifact %s (%s); the run continues without it", key, type(error).__name__)


def publish(key: str, text: str, description: str) -> None:
    """Create a markdown artifact. Artifacts with the same key are its earlier versions."""
    if not in_flow():
        return
    with _if_the_api_responds(key):
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
    """A progress bar among the artifacts. Outside a flow it shows nothing; once the API does not respond, it shows no more."""

    def __init__(self, key: str, description: str) -> None:
        self._key, self._artifact = key, cast(UUID | None, None)
        if in_flow():
            with _if_the_api_responds(key):
                # called from a flow without an event loop, Prefect returns the id, although its type allows an awaitable
                self._artifact = cast(UUID, create_progress_artifact(0.0, key=key, description=description))

    def show(self, done: int, total: int) -> None:
        """Set the bar to `done` of `total`."""
        artifact, self._artifact = self._artifact, None
        if artifact:
            with _if_the_api_responds(self._key):
                update_progress_artifact(artifact, 100.0 * done / total)
                self._artifact = artifact
