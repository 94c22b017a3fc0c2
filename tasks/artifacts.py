"""Artifacts: what a run shows in the Prefect UI."""

from typing import cast
from uuid import UUID

from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact


def publish(key: str, text: str, description: str) -> None:
    """Write a markdown artifact; one of the same key before it stays as its earlier version."""
    create_markdown_artifact(text, key=key, description=description)


class Progress:
    """A progress bar among the artifacts, from real counts."""

    def __init__(self, key: str, description: str) -> None:
        # called from a flow without a loop, Prefect does the work at once; its type says that it might not
        self._artifact = cast(UUID, create_progress_artifact(0.0, key=key, description=description))

    def show(self, done: int, total: int) -> None:
        """Move the bar."""
        update_progress_artifact(self._artifact, 100.0 * done / total)
