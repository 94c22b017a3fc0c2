"""Whether the application still uses what vanishes: a reading of pg_stat_statements, and what the readings say together.

The gate `application_ready`, the plans of switch_over and clean_up and the status read the same views (``sql/deploy_schema/34_old_names``).
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict, cast

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.driver_errors import translated
from migration.errors import DatabaseError
from migration.ledger import ledger
from migration.ledger.phases import CLEAN_UP, SWITCH_OVER, Phase, Verb
from migration.ledger.runs import Run

SUITE = "application_ready"
#: The fact of a plan that its section about the application is made of.
FACT = "readiness"
#: The verb with which the names end that a reading looks for, by the phase in which it is taken.
ENDS_WITH: dict[Phase, Verb] = {Phase.DEPLOYED: SWITCH_OVER, Phase.MIGRATED: SWITCH_OVER, Phase.SWITCHED: CLEAN_UP}
#: Why pg_stat_statements cannot be read, by SQLSTATE.
_UNREADABLE = {
    "42501": "this role may not read pg_stat_statements",
    "55000": "pg_stat_statements is not in shared_preload_libraries",
}
#: What a server from Postgres 18 on does.
_MIXED = "this server counts statements through legacy_names together with those on the table"


class Use(TypedDict):
    """A statement that names what ends: its role and application, the statement with its calls, and whether it is within the limit.

    `ambiguous`: it is not known whether it goes through legacy_names, where it continues to work.
    """

    subject: str
    problem: str
    recent: bool
    ambiguous: bool


class Readiness(TypedDict):
    """What a plan says of the application: what ends, when it was read, what was not seen, the limit, who has waived it, and the use."""

    names: list[dict[str, str]]
    read_at: str | None
    problems: list[str]
    quiet_seconds: float
    waived: str
    use: list[Use]


@dataclass(frozen=True)
class RolledBack:
    """How many transactions were rolled back since the switch, of how many, and the same before it."""

    since: int
    of_since: int
    before: int
    of_before: int


@dataclass(frozen=True)
class _Reading:
    """A reading: whether it could be read, with the statements of every role, what it may not show, and the statements."""

    readable: bool
    complete: bool
    problems: list[str]
    reset_at: datetime | None = None
    evicted: int | None = None
    statements: list[dict[str, Any]] = field(default_factory=list)


def read_use(run: Run) -> str:
    """Take a reading and keep it in the ledger. Returns what it was, as a sentence. Takes no lock on a table of the application.

    That pg_stat_statements cannot be read is no error, but a problem of the reading.
    """
    return run.database.write("reading pg_stat_statements", _take_reading)


def _take_reading(connection: Connection) -> str:
    verb = ENDS_WITH.get(ledger.phase(connection).phase)
    if verb is None:
        return "nothing is read in this phase"
    (source,) = database.rows(connection, "readiness/source")
    reading = _read(connection, source, verb)
    number = database.run(
        connection,
        "readiness/save_reading",
        ends_with=str(verb),
        readable=reading.readable,
        complete=reading.complete,
        problems=reading.problems,
        reset_at=reading.reset_at,
        evicted=reading.evicted,
        committed=source["committed"],
        rolled_back=source["rolled_back"],
        counted_since=source["counted_since"],
    ).scalar_one()
    database.run(connection, "readiness/save_statements", reading=number, statements=json.dumps(reading.statements))
    return "; ".join([f"{len(reading.statements)} statements name what ends with {verb}", *reading.problems])


def _read(connection: Connection, source: dict[str, Any], verb: Verb) -> _Reading:
    if source["schema_name"] is None:
        return _unreadable("pg_stat_statements is not installed in this database")
    if not source["reports_resets"]:
        return _unreadable("pg_stat_statements is older than 1.9, or its version is not known, so a reset may not be seen")
    if source["track"] == "none":
        return _unreadable("pg_stat_statements counts nothing: pg_stat_statements.track is none")
    given = {
        name: sql.load(f"readiness/{name}").statement.replace("extension_schema", source["schema_name"])
        for name in ("statement_counter", "counter_info")
    }
    try:
        with translated("reading pg_stat_statements"), connection.begin_nested():
            (counted,) = _rows(connection, "counted", given)
            statements = _rows(connection, "statements", given, ends_with=str(verb))
    except DatabaseError as error:
        return _unreadable(_UNREADABLE.get(error.sqlstate, f"pg_stat_statements cannot be read: {error.reason}"))
    hidden = counted["hidden"]
    problems = [f"the statements of other roles are hidden from this role ({hidden} of them)"] if hidden else []
    if counted["mixed"]:
        problems.append(_MIXED if verb is SWITCH_OVER else f"{_MIXED}, so only what legacy_names has counted itself is known of its use")
    return _Reading(
        readable=True,
        complete=not hidden and not (counted["mixed"] and verb is SWITCH_OVER),
        problems=problems,
        reset_at=counted["reset_at"],
        evicted=counted["evicted"],
        statements=statements,
    )


def _unreadable(problem: str) -> _Reading:
    return _Reading(readable=False, complete=False, problems=[problem])


def _rows(connection: Connection, block: str, given: dict[str, str], **parameters: object) -> list[dict[str, Any]]:
    statement = sql.load(f"readiness/{block}").given(given).statement
    return [dict(row) for row in connection.execute(text(statement), parameters).mappings()]


def readiness(connection: Connection, verb: Verb) -> Readiness:
    """Return what the readings so far say about the names that end with this verb. Reads only the ledger and the catalog."""
    (newest,) = database.rows(connection, "readiness/newest_reading", ends_with=str(verb))
    return Readiness(
        names=database.rows(connection, "readiness/names", ends_with=str(verb)),
        read_at=newest["read_at"],
        problems=newest["problems"],
        quiet_seconds=newest["quiet_seconds"],
        waived=newest["waived"],
        use=old_name_use(connection, verb),
    )


def old_name_use(connection: Connection, verb: Verb) -> list[Use]:
    """Return the statements that name what ends with this verb, those within the limit first."""
    return [cast(Use, row) for row in database.rows(connection, "readiness/use", ends_with=str(verb))]


def rolled_back(connection: Connection) -> RolledBack | None:
    """Return how many transactions were rolled back since the switch; None if the readings and the server's counters do not say that."""
    return next((RolledBack(**row) for row in database.rows(connection, "readiness/rolled_back")), None)
