"""Creating on trial: what the database makes of what the plan of deploy_schema creates."""

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection

import sql
from migration import database
from migration.driver_errors import translated
from migration.errors import DatabaseError, Problem
from migration.ledger import ledger
from migration.ledger.creation import CLEAN_TABLE, OBJECTS, restoring
from migration.plans.plan import Statement
from migration.plans.statements import recheck

#: What another session causes, by how the SQLSTATE begins: a lock that could not be acquired, a conflict, a statement that took too long,
#: too few connections.
BUSY = (database.LOCK_NOT_AVAILABLE, "40", "57014", "53300")
#: That and what the server lacks, such as room on its disk: it says nothing about the deployment.
NO_REFUSAL = (*BUSY, "53", "57P", "58")

#: What comparing and restoring locks of the application's tables.
_LOCKS = "none"
ALTERED = (
    "The database changes it when it is created, and the migration would fail later. Disable the event trigger, or exempt the schema "
    "artwork_migration and the table public.artworks_v2 from it, until the clean-up."
)
REFUSED = (
    "Grant what is missing. If an event trigger refuses it, disable the event trigger, or exempt the schema artwork_migration and the "
    "table public.artworks_v2 from it, until the clean-up."
)


#: What later verbs do with tables of the schema public, on one of its own: the switch renames, the uninstall and the clean-up drop.
_LATER = (
    "a table of the schema public that is renamed and dropped",
    "CREATE TABLE public.artworks_v2_trial (id uuid PRIMARY KEY); ALTER TABLE public.artworks_v2_trial RENAME TO artworks_v2_trial_old;"
    " ALTER TABLE public.artworks_v2_trial_old RENAME CONSTRAINT artworks_v2_trial_pkey TO artworks_v2_trial_old_pkey;"
    " DROP TABLE public.artworks_v2_trial_old",
)


def restored(stage: str, *, clean_table: bool) -> list[Statement]:
    """Return the statement that restores what an event trigger has changed of what was created before it."""
    queries = (OBJECTS, CLEAN_TABLE) if clean_table else (OBJECTS,)
    return [Statement(stage, "what was created, as it was meant", restoring(*queries), None, _LOCKS)]


def as_meant() -> list[Statement]:
    """Return the statements that restore what was created under the locks, and check that nothing was changed again."""
    rechecks = (replace(recheck(sql.load(query)), lock=_LOCKS) for query in (OBJECTS, CLEAN_TABLE))
    return [*restored("locked", clean_table=True), *rechecks]


def problems(connection: Connection, statements: Iterable[Statement]) -> list[Problem]:
    """Create everything of the stage `prepare`. Returns what failed, or what the database changed for good. The caller rolls back."""
    creations = [(statement.object, statement.do) for statement in statements if statement.stage == "prepare"]
    current = "schema artwork_migration"
    try:
        with translated("creating on trial"):
            if not ledger.exists(connection):
                ledger.create(connection)
            for current, creation in [*creations, _LATER]:  # noqa: B007 (the one that failed is named below)
                database.run_literally(connection, creation)
        altered = [row for query in (OBJECTS, CLEAN_TABLE) for row in database.rows(connection, query)]
    except DatabaseError as error:
        if error.sqlstate.startswith(NO_REFUSAL):
            raise
        where = f" on {error.objects}" if error.objects else ""
        connection.rollback()
        failed = Problem("creation_refused", current, f"creating it on trial failed with SQLSTATE {error.sqlstate}{where}.", REFUSED)
        return _with_event_triggers(connection, [failed])
    found = [Problem("altered_on_creation", row["subject"], row["problem"], ALTERED) for row in altered]
    return _with_event_triggers(connection, found)


def _with_event_triggers(connection: Connection, found: list[Problem]) -> list[Problem]:
    """Return the problems with the statement that disables the event trigger, if there is only one, or with the names of all."""
    triggers = database.rows(connection, "plan/event_triggers")
    if len(triggers) == 1:
        return [
            Problem(problem.rule, problem.subject, problem.problem, problem.remedy, statement=triggers[0]["statement"]) for problem in found
        ]
    names = ", ".join(trigger["name"] for trigger in triggers)
    suffix = f" The event triggers are {names}." if names else ""
    return [Problem(problem.rule, problem.subject, problem.problem, f"{problem.remedy}{suffix}") for problem in found]
