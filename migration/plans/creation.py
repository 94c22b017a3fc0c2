"""Creating on trial: the plan of deploy_schema creates what it would create, looks at it, and rolls it back."""

from collections.abc import Iterable

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.errors import DatabaseError, Problem
from migration.ledger import ledger
from migration.ledger.creation import CLEAN_TABLE, OBJECTS, restoring
from migration.plans.plan import Statement
from migration.plans.statements import recheck

_ALTERED = (
    "The database changes it when it is created, and the migration would fail later. Disable the event trigger, or exempt the schema "
    "artwork_migration and the table public.artworks_v2 from it, until the clean-up."
)
_REFUSED = (
    "Grant what is missing. If an event trigger refuses it, disable the event trigger, or exempt the schema artwork_migration and the "
    "table public.artworks_v2 from it, until the clean-up."
)


def restored(stage: str, *, clean_table: bool) -> list[Statement]:
    """Return the statement that restores what an event trigger has changed of what was created before it."""
    queries = (OBJECTS, CLEAN_TABLE) if clean_table else (OBJECTS,)
    return [Statement(stage, "what was created, as it was meant", restoring(*queries), None, "")]


def as_meant() -> list[Statement]:
    """Return the statements that restore what was created under the locks, and check that nothing was changed again."""
    return [*restored("locked", clean_table=True), recheck(sql.load(OBJECTS)), recheck(sql.load(CLEAN_TABLE))]


def try_to_create(connection: Connection, statements: Iterable[Statement]) -> list[Problem]:
    """Create everything of the stage `prepare`, and roll it back. Returns what failed, or what the database changed for good.

    From then on the transaction is read-only; in one that was so before, nothing is tried. Locks nothing that the application uses.
    """
    if connection.execute(text("SHOW transaction_read_only")).scalar_one() == "on":
        return []
    trial = connection.begin_nested()
    try:
        problems = _altered(connection, statements)
    finally:
        trial.rollback()
        connection.execute(text("SET TRANSACTION READ ONLY"))
    return _with_event_triggers(connection, problems)


def _altered(connection: Connection, statements: Iterable[Statement]) -> list[Problem]:
    creations = [(statement.object, statement.do) for statement in statements if statement.stage == "prepare"]
    current = "schema artwork_migration"
    try:
        with database.translated("creating on trial", ""):
            database.set_all(connection, database.APPLICATION_CODE)  # event triggers are the application's, as in the execution
            if not ledger.exists(connection):
                ledger.create(connection)
            for current, creation in creations:  # noqa: B007 (the one that failed is named below)
                database.run_literally(connection, creation)
        return [
            Problem("altered_on_creation", row["subject"], row["problem"], _ALTERED)
            for query in (OBJECTS, CLEAN_TABLE)
            for row in database.rows(connection, query)
        ]
    except DatabaseError as error:
        where = f" on {error.objects}" if error.objects else ""
        return [Problem("creation_refused", current, f"creating it on trial failed with SQLSTATE {error.sqlstate}{where}.", _REFUSED)]


def _with_event_triggers(connection: Connection, problems: list[Problem]) -> list[Problem]:
    """Return the problems with the statement that disables the event trigger, if there is only one, or with the names of all."""
    triggers = database.rows(connection, "plan/event_triggers")
    if len(triggers) == 1:
        return [Problem(one.rule, one.subject, one.problem, one.remedy, statement=triggers[0]["statement"]) for one in problems]
    names = ", ".join(trigger["name"] for trigger in triggers)
    suffix = f" The event triggers are {names}." if names else ""
    return [Problem(one.rule, one.subject, one.problem, f"{one.remedy}{suffix}") for one in problems]
