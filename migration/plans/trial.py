"""The trial of a deployment: what the catalog cannot tell is tried, in a transaction of its own that is always rolled back."""

import json
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.driver_errors import translated
from migration.errors import DatabaseError, PrerequisitesNotMet, Problem
from migration.ledger.phases import DEPLOY_SCHEMA
from migration.plans import creation
from migration.plans.plan import Statement
from migration.plans.statements import Catalog, problems_found

#: How long the trial waits for each lock. The next plan tries again.
LOCK_TIMEOUT = "200ms"
CORRECT = "Correct what the message names, then plan again."
#: The lives of an artwork, stage by stage: what update_artwork_lifecycle writes.
_GENERATED = {"generation_status": "completed", "generated_image_url": "https://a.invalid/3"}
_LIVES: dict[str, list[dict[str, str]]] = {
    "a new artwork": [
        {"generation_status": "processing"},
        _GENERATED,
        {"upscale_status": "processing"},
        {"upscale_status": "completed", "upscaled_image_url": "https://a.invalid/4"},
    ],
    "an artwork whose generation fails": [{"generation_status": "processing"}, {"generation_status": "failed"}],
    "an artwork whose upscale fails": [_GENERATED, {"upscale_status": "pending"}, {"upscale_status": "failed"}],
}


class NotTried(Exception):
    """The trial could not be made; the text is why."""


def rejections(connection: Connection, statements: Sequence[Statement]) -> list[Problem]:
    """Return what the database would reject of the deployment itself, and of new artworks that are written through to legacy.

    The statements that touch nothing of the application are executed for it, with the write-through, and three artworks live through all
    statuses. Orders are not tried. It locks what one INSERT of the application locks. Raises PrerequisitesNotMet if the database refuses or
    changes what the deployment creates, and NotTried.
    """
    try:
        with database.beside(connection, "trying the deployment", lock_timeout=LOCK_TIMEOUT, statement_timeout="10s") as other:
            if problems := creation.problems(other, statements):
                raise PrerequisitesNotMet(DEPLOY_SCHEMA.name, problems)
            for row in database.rows(other, "plan/outside_the_transaction"):
                raise NotTried(f"{row['trigger']} may do what no rollback takes back")
            database.run_literally(other, sql.load("deploy_schema/write_through_triggers").statement)
            return live(other)
    except DatabaseError as error:
        if not error.sqlstate.startswith(creation.BUSY):
            raise
        raise NotTried(f"it failed with SQLSTATE {error.sqlstate}, which another session causes") from None


def live(connection: Connection) -> list[Problem]:
    """Let the artworks live; return each rejection once."""
    file, found = sql.load("plan/artwork_rejected"), dict[str, Problem]()
    for artwork, stages in _LIVES.items():
        connection.execute(text("SELECT SET_CONFIG('artwork_migration.stages', :stages, TRUE)"), {"stages": json.dumps(stages)})
        if failure := _failure(partial(database.run, connection, "plan/one_life")):
            return [*found.values(), Problem(file.rule, artwork, f"the database rejects it: {failure}.", CORRECT)]
        for problem in problems_found(connection, Catalog({"artwork": artwork}), file):
            found.setdefault(problem.problem, problem)
    return list(found.values())


def _failure(work: Callable[[], object]) -> str:
    """Do the work and return the SQLSTATE and the object of its failure; nothing if it did not fail. Raises DatabaseError if it is busy."""
    try:
        with translated("trying the deployment"):
            work()
    except DatabaseError as error:
        if error.sqlstate.startswith(creation.NO_REFUSAL):
            raise
        return f"SQLSTATE {error.sqlstate}{f' ({error.objects})' if error.objects else ''}"
    return ""
