"""The decisions that exist, and what each takes for a value."""

import json
import re
from collections.abc import Callable
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection, text

from migration import database
from migration.errors import BadInput, DatabaseError
from migration.ledger import ledger
from migration.ledger.phases import Phase

#: What carry_columns and accept_exposure are without a decision, and what takes one back.
NONE = "none"

#: The kinds of exposure that can be accepted: a user comes to see artworks that had no owner, or that had another one.
EXPOSURES = ("user_gained", "user_changed")


class DecisionName(StrEnum):
    """The choices an operator can make. Each changes what is migrated or what a gate accepts."""

    IN_FLIGHT_AGE = "in_flight_age"
    MAX_QUARANTINED = "max_quarantined"
    CARRY_COLUMNS = "carry_columns"
    ACCEPT_EXPOSURE = "accept_exposure"
    FUNCTION_ROLES = "function_roles"
    CLEAR_REJECTED_WRITE = "clear_rejected_write"
    ACCEPT_DRIFT = "accept_drift"
    NO_ARCHIVE = "no_archive"
    REMOVE_TEST_DATA = "remove_test_data"
    REMOVE_OWNERLESS_USERS = "remove_ownerless_users"


#: Decisions that made the schema what it is, and what to do when it is there already.
_READ_BY_DEPLOY = {
    DecisionName.FUNCTION_ROLES: "GRANT EXECUTE on the functions yourself, or roll back first.",
    DecisionName.CARRY_COLUMNS: "Roll back first: the clean table gets its columns when it is made.",
}

#: Decisions that are one word, or the word that takes it back.
_WORDS = {
    DecisionName.NO_ARCHIVE: ("accepted", "no"),
    DecisionName.REMOVE_TEST_DATA: ("yes", "no"),
    DecisionName.REMOVE_OWNERLESS_USERS: ("yes", "no"),
}


def checked_value(connection: Connection, name: DecisionName, value: str) -> str:
    """The value in the form the ledger keeps. Raises BadInput, saying what the decision takes."""
    if name in _WORDS:
        return _word(name, value.strip())
    return _CHECKS[name](connection, value.strip())


def apply_at_once(connection: Connection, name: DecisionName, value: str) -> None:
    """What a decision does in the moment it is made: a cleared refusal puts its id into the log, so that catch-up, or the way back, looks
    at it again."""
    if name in _READ_BY_DEPLOY and ledger.phase(connection).phase is not Phase.NOT_STARTED:
        raise BadInput(f"{name} is read by deploy_schema, and that has run. {_READ_BY_DEPLOY[name]} Nothing was decided.")
    if name is not DecisionName.CLEAR_REJECTED_WRITE:
        return
    if connection.execute(text("SELECT TO_REGCLASS('artwork_migration.rejected_write') IS NULL")).scalar_one():
        raise BadInput("There is no refused write: nothing has been deployed. Nothing was decided.")
    switched = ledger.phase(connection).phase is Phase.SWITCHED
    if not switched:
        _require_legacy_row(connection, value)
    cleared = connection.execute(
        text(
            "WITH cleared AS (DELETE FROM artwork_migration.rejected_write WHERE id = CAST(:id AS uuid) RETURNING id)"
            " INSERT INTO artwork_migration.legacy_change (ids) SELECT ARRAY[cleared.id] FROM cleared"
        ),
        {"id": value},
    )
    if cleared.rowcount == 0:
        raise BadInput(f"artwork {value} has no refused write. Nothing was decided.")
    if switched:
        # what was refused counts as carried back: the way back must look at it again, and refuse it again if it must
        question = text("INSERT INTO artwork_migration.clean_change (ids) VALUES (ARRAY[CAST(:id AS uuid)])")
        connection.execute(question, {"id": value})


def _require_legacy_row(connection: Connection, artwork: str) -> None:
    """Refuse to clear what would take the only copy of an artwork away: catch-up removes a clean row that has no legacy row."""
    only_copy = text("SELECT artwork_migration.is_only_clean(c.id) FROM public.artworks_v2 AS c WHERE c.id = CAST(:id AS uuid)")
    if connection.execute(only_copy, {"id": artwork}).scalar_one_or_none():
        raise BadInput(
            f"artwork {artwork} is on the clean side only: cleared, it would be lost. Correct the clean row so that the legacy table takes"
            " it (that settles the refusal), or insert the legacy row by hand and clear it then, or delete the clean row if it may go."
            " Nothing was decided."
        )


def carried_columns(connection: Connection) -> tuple[str, ...]:
    """The legacy columns that the decision in force carries over beyond the mapping."""
    return _names(ledger.decision_value(connection, DecisionName.CARRY_COLUMNS, NONE))


def _word(name: DecisionName, given: str) -> str:
    if given not in _WORDS[name]:
        raise BadInput(f"{name} takes {' or '.join(_WORDS[name])}. Nothing was decided.")
    return given


def _count(_: Connection, given: str) -> str:
    if not re.fullmatch(r"[0-9]{1,9}", given):
        raise BadInput("max_quarantined takes a number of rows, like 12. Nothing was decided.")
    return str(int(given))


def _roles(_: Connection, given: str) -> str:
    roles = _names(given)
    if not roles:
        raise BadInput("function_roles takes the names of roles, separated by commas, like service_role. Nothing was decided.")
    return ",".join(roles)


def _artwork(_: Connection, given: str) -> str:
    try:
        return str(UUID(given))
    except ValueError:
        raise BadInput("clear_rejected_write takes the id of one artwork. Nothing was decided.") from None


def _columns(connection: Connection, given: str) -> str:
    """The columns as one list, each of which can really be carried over."""
    columns = _names(given)
    if not columns and given != NONE:
        raise BadInput(f"carry_columns takes columns of artworks, separated by commas, or {NONE}. Nothing was decided.")
    mapping = json.dumps(database.rows(connection, "mapping"))
    found = database.rows(connection, "plan/cannot_be_carried", columns=list(columns), mapping=mapping)
    if found:
        told = "; ".join(f"{row['column_name']}: {row['problem']}" for row in found)
        raise BadInput(f"These columns cannot be carried over: {told}. Nothing was decided.")
    for column in columns:
        _require_equality(connection, column)
    return ",".join(columns) or NONE


def _exposures(_: Connection, given: str) -> str:
    """The kinds as one list, in their order."""
    kinds = _names(given)
    if not set(kinds) <= set(EXPOSURES) or (not kinds and given != NONE):
        raise BadInput(f"accept_exposure takes {' or '.join(EXPOSURES)}, or both with a comma between, or {NONE}. Nothing was decided.")
    return ",".join(kind for kind in EXPOSURES if kind in kinds) or NONE


def _require_equality(connection: Connection, column: str) -> None:
    """Refuse a type whose equality is found in no schema that our functions see: hstore and its like, where an extension put it."""
    quoted = '"' + column.replace('"', '""').replace("%", "%%") + '"'
    try:
        with database.translated("comparing", ""), connection.begin_nested():
            connection.exec_driver_sql(f"SELECT a.{quoted} IS DISTINCT FROM a.{quoted} FROM public.artworks AS a LIMIT 0")
    except DatabaseError:
        raise BadInput(
            f"These columns cannot be carried over: {column}: values of its type cannot be compared. Nothing was decided."
        ) from None


def _drifted(connection: Connection, given: str) -> str:
    """What may differ from what deploy_schema found, as one list; the word for none takes it all back."""
    if given == NONE:
        return NONE
    if connection.execute(text("SELECT TO_REGCLASS('artwork_migration.drift') IS NULL")).scalar_one():
        raise BadInput("accept_drift takes what differs since deploy_schema, and that has not run. Nothing was decided.")
    names = _names(given)
    unknown = [row["subject"] for row in database.rows(connection, "plan/cannot_drift", subjects=list(names))]
    if unknown or not names:
        wanted = f"'column NAME on public.artworks' or a constraint or an index, separated by commas, or {NONE}"
        raise BadInput(
            f"accept_drift takes {wanted}. Unknown, or of a kind that may not differ: {'; '.join(unknown)}. Nothing was decided."
        )
    return ",".join(names)


def _names(value: str) -> tuple[str, ...]:
    """The names in a list, each once; the word for none is no name."""
    names = (name.strip() for name in value.split(","))
    return tuple(dict.fromkeys(name for name in names if name and name != NONE))


def _interval(connection: Connection, given: str) -> str:
    """Ask the server: it is what reads the value later."""
    if not re.fullmatch(r"[0-9]{1,6} ?(seconds?|minutes?|hours?|days?)", given):
        raise BadInput("in_flight_age takes an interval like '15 minutes' or '2 hours'. Nothing was decided.")
    return str(connection.execute(text("SELECT CAST(:given AS interval)::text"), {"given": given}).scalar_one())


#: What each decision takes, but for those of _WORDS.
_CHECKS: dict[DecisionName, Callable[[Connection, str], str]] = {
    DecisionName.IN_FLIGHT_AGE: _interval,
    DecisionName.MAX_QUARANTINED: _count,
    DecisionName.CARRY_COLUMNS: _columns,
    DecisionName.ACCEPT_EXPOSURE: _exposures,
    DecisionName.FUNCTION_ROLES: _roles,
    DecisionName.CLEAR_REJECTED_WRITE: _artwork,
    DecisionName.ACCEPT_DRIFT: _drifted,
}
