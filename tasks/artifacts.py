"""Artifacts: what a run shows in the Prefect UI. Outside a flow nothing is shown, and without Prefect's API the run goes on."""

import contextvars
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import cast
from uuid import UUID

from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact

from migration.database import Database
from migration.errors import MigrationError
from migration.ledger.progress import Progress, StepProgress
from migration.settings import of_database, read_settings
from reporting.progress import words
from reporting.status import read_status
from reporting.status_lines import status_markdown
from tasks.connection_block import chosen_database, for_terminal
from tasks.links import artifact_link, form_link, key_of
from tasks.steps import if_the_api_responds, in_flow

#: Seconds after which a step gets an artifact, and between two updates.
WORTH_SHOWING, SHOWN_EVERY = 3, 2


def publish(key: str, text: str, description: str) -> None:
    """Create a markdown artifact. Artifacts with the same key are its earlier versions."""
    if not in_flow():
        return
    with if_the_api_responds(key):
        create_markdown_artifact(for_terminal(text), key=key_of(key), description=description)


def publish_status(database: Database) -> None:
    """Create the artifact `migration-status`: a verdict, the next step with a link to its form, what to read, phases, the last gates.

    If the database cannot be read, the artifact has the error.
    """
    try:
        text = status_markdown(read_status(database), form_link, artifact_link, _list_of_reports())
    except MigrationError as error:
        text = f"# Migration status\n\nThe status could not be read: {error}\n"
    publish("migration-status", text, "How it stands, and the next step")


def _list_of_reports() -> str:
    """Return the address of the list of reports; empty if the folder is not served or has none yet."""
    settings = of_database(read_settings(), chosen_database())
    return f"{settings.reports_url}index.html" if settings.reports_url and (settings.reports / "index.html").exists() else ""


@contextmanager
def progress_shown(progress: Progress) -> Iterator[None]:
    """Show each longer step as a progress artifact during the block, from a thread: the run never waits for Prefect's API."""
    if not in_flow():
        yield
        return
    over = threading.Event()
    # in a copy of the context, in which Prefect finds the run
    thread = threading.Thread(target=contextvars.copy_context().run, args=(_show_steps, progress, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=10)


def _show_steps(progress: Progress, over: threading.Event) -> None:
    """Create an artifact for each step that takes long, and update it. What the API does not take is tried again, and said once."""
    artifacts: dict[datetime, UUID] = {}
    shown: set[datetime] = set()
    level, last = logging.WARNING, False
    while not last:
        last = over.wait(SHOWN_EVERY)
        for step in progress.steps:
            if step.begun_at in shown or step.seconds < WORTH_SHOWING:
                continue
            key = key_of(f"progress-{'-'.join(re.findall('[a-z0-9]+', step.step.lower()))}")
            with if_the_api_responds(key, level):
                artifacts[step.begun_at] = _show(key, step, artifacts.get(step.begun_at))
                if step.outcome:
                    shown.add(step.begun_at)
                continue
            level = logging.DEBUG


def _show(key: str, step: StepProgress, artifact: UUID | None) -> UUID:
    """Create the artifact of a step, or update it. Returns its id."""
    percent, description = round(100 * step.fraction, 1), f"{'✓ ' if step.outcome == 'done' else ''}{words(step)}"
    if artifact is None:
        # called without an event loop, Prefect returns the id, although its type allows an awaitable
        return cast(UUID, create_progress_artifact(percent, key=key, description=description))
    update_progress_artifact(artifact, percent, description=description)
    return artifact
