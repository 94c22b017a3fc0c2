"""The decisions that exist, and the values that each accepts."""

import json
import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import partial
from uuid import UUID

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.driver_errors import translated
from migration.errors import BadInput, DatabaseError
from migration.ledger import ledger
from migration.ledger.phases import CLEAN_UP, SWITCH_OVER

#: The value of a list without a decision, and the value that revokes one.
NONE = "none"
#: The value of a list that names everything.
ALL = "all"

#: What a run reads between two batches to know whether the server is behind.
READINGS = tuple(block.rule for block in sql.blocks("throttle"))

#: The verbs that need not wait until the application has stopped using what ends with them, as they are typed.
NEED_READINESS = tuple(verb.name for verb in (SWITCH_OVER, CLEAN_UP))

#: The kinds of exposure that can be accepted: a user sees artworks that had no owner, or that had another owner.
EXPOSURES = ("user_gained", "user_changed")


class DecisionName(StrEnum):
    """The choices an operator can make. Each changes what is migrated or what a gate accepts, except the signature under a report."""

    IN_FLIGHT_AGE = "in_flight_age"
    MAX_QUARANTINED = "max_quarantined"
    CARRY_COLUMNS = "carry_columns"
    ACCEPT_EXPOSURE = "accept_exposure"
    ACCEPT_REJECTED_ARTWORKS = "accept_rejected_artworks"
    ACCEPT_USERS_ACCESS = "accept_users_access"
    ACCEPT_CHOSEN_EMAILS = "accept_chosen_emails"
    ACCEPT_USERS_TRIGGERS = "accept_users_triggers"
    ACCEPT_REFERENCES_WITHOUT_KEY = "accept_references_without_key"
    FUNCTION_ROLES = "function_roles"
    CLEAR_REJECTED_WRITE = "clear_rejected_write"
    ACCEPT_DRIFT = "accept_drift"
    NO_ARCHIVE = "no_archive"
    REMOVE_TEST_DATA = "remove_test_data"
    REMOVE_OWNERLESS_USERS = "remove_ownerless_users"
    ACCEPT_REJECTED_WRITES = "accept_rejected_writes"
    ORDERED_TEST_DATA = "ordered_test_data"
    MAX_LEFT_BEHIND = "max_left_behind"
    ALLOW_EMPTY = "allow_empty"
    WAIVE_READINGS = "waive_readings"
    QUIET_TIME = "quiet_time"
    WAIVE_READINESS = "waive_readiness"
    SERVE_OLD_NAMES = "serve_old_names"
    REVIEWED = "reviewed"


#: Decisions that accept one word, or the word that revokes it.
_WORDS = {
    DecisionName.ACCEPT_REJECTED_ARTWORKS: ("yes", "no"),
    DecisionName.NO_ARCHIVE: ("accepted", "no"),
    DecisionName.REMOVE_TEST_DATA: ("yes", "no"),
    DecisionName.REMOVE_OWNERLESS_USERS: ("yes", "no"),
    DecisionName.ORDERED_TEST_DATA: ("migrate", "no"),
    DecisionName.ALLOW_EMPTY: ("yes", "no"),
    DecisionName.SERVE_OLD_NAMES: ("yes", "no"),
}

_ROLES = ("names of roles, or PUBLIC", "SELECT rolname FROM pg_catalog.pg_roles UNION ALL SELECT 'PUBLIC'")
#: Decisions about things that must exist: what they are, and the query for their names.
_EXISTING = {
    DecisionName.ACCEPT_USERS_ACCESS: _ROLES,
    DecisionName.ACCEPT_CHOSEN_EMAILS: _ROLES,
    DecisionName.ACCEPT_USERS_TRIGGERS: (
        "names of triggers or rules of users",
        "SELECT tgname FROM pg_catalog.pg_trigger WHERE tgrelid = TO_REGCLASS('public.users') AND NOT tgisinternal"
        " UNION ALL SELECT rulename FROM pg_catalog.pg_rewrite WHERE ev_class = TO_REGCLASS('public.users')",
    ),
    DecisionName.ACCEPT_REFERENCES_WITHOUT_KEY: (
        "columns with their table, like public.orders.artwork_id",
        "SELECT FORMAT('%s.%I', a.attrelid::regclass, a.attname) FROM pg_catalog.pg_attribute AS a"
        " WHERE a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'uuid'::regtype",
    ),
}


def checked_value(connection: Connection, name: DecisionName, value: str) -> str:
    """Return the value in the form that the ledger keeps. Raises BadInput if the decision does not accept it."""
    if name in _WORDS:
        return _word(name, value.strip())
    if name in _EXISTING:
        return _existing(connection, name, value.strip())
    return _CHECKS[name](connection, value.strip())


def require_name_and_reason(approved_by: str, reason: str) -> None:
    """Raise BadInput if nobody decides, or for no reason."""
    if not approved_by.strip() or not reason.strip():
        raise undecided("A decision requires approved_by and reason.", "give who decides, and why.")


def carried_columns(connection: Connection) -> tuple[str, ...]:
    """Return the legacy columns beyond the mapping that the decision in force carries over."""
    return _names(ledger.decision_value(connection, DecisionName.CARRY_COLUMNS, NONE))


def undecided(problem: str, fix: str) -> BadInput:
    """Return the error of a decision that cannot be made."""
    return BadInput(f"{problem} Nothing was decided. To fix: {fix}")


def nothing_rejected() -> BadInput:
    """Return the error of clearing a rejected write where there can be none."""
    return undecided("There is no rejected write, because nothing has been deployed.", "run deploy-schema first.")


def _not_accepted(name: DecisionName, value: str) -> BadInput:
    return undecided(f"{name} takes {value}.", "decide again with such a value.")


def _word(name: DecisionName, given: str) -> str:
    if given not in _WORDS[name]:
        raise _not_accepted(name, " or ".join(_WORDS[name]))
    return given


def _count(name: DecisionName, given: str) -> str:
    if not re.fullmatch(r"[0-9]{1,9}", given):
        raise _not_accepted(name, "a number of rows, like 12")
    return str(int(given))


def _run_number(_: Connection, given: str) -> str:
    if not re.fullmatch(r"[0-9]{1,18}", given):
        raise _not_accepted(DecisionName.REVIEWED, "the number of a run, as the heading of its report has it, like 12")
    return str(int(given))


def _roles(connection: Connection, given: str) -> str:
    roles = _names(given)
    there = set(connection.execute(text("SELECT p.rolname FROM pg_catalog.pg_roles AS p")).scalars())
    if unknown := [role for role in roles if role not in there]:
        raise undecided(f"These roles do not exist: {', '.join(unknown)}.", "create them, or give the names of roles that exist.")
    if not roles:
        raise _not_accepted(DecisionName.FUNCTION_ROLES, "the names of roles, separated by commas, like service_role")
    return ",".join(roles)


def _existing(connection: Connection, name: DecisionName, given: str) -> str:
    """Return the names as one list. Raises BadInput unless each is one of those that exist."""
    kind, query = _EXISTING[name]
    wanted = _names(given)
    unknown = set(wanted) - set(connection.execute(text(query)).scalars())
    if unknown or (not wanted and given != NONE):
        missing = f" Unknown: {', '.join(sorted(unknown))}." if unknown else ""
        raise undecided(f"{name} takes {kind}, separated by commas, or {NONE}.{missing}", "give the names as the plan has them.")
    return ",".join(wanted) or NONE


def _artworks(__: Connection, given: str) -> str:
    """Return the ids as one list, or the word for all with the name of what rejected them."""
    everything, _, rule = given.partition(" ")
    try:
        value = f"{ALL} {rule.strip()}" if everything == ALL and rule.strip() else _ids(given)
    except ValueError:
        value = ""
    if not value:
        wanted = f"ids of artworks, separated by commas, or {ALL} and the name of what rejected them, like {ALL} artworks.customer_name"
        raise _not_accepted(DecisionName.CLEAR_REJECTED_WRITE, wanted)
    return value


def _ids(given: str) -> str:
    """Return ids as one list, each once. Raises ValueError."""
    return ",".join(dict.fromkeys(str(UUID(name)) for name in _names(given)))


def _rejected(_: Connection, given: str) -> str:
    """Return the ids as one list, or the word for all or for none."""
    if given in (NONE, ALL):
        return given
    try:
        return _ids(given) or NONE
    except ValueError:
        wanted = f"ids of artworks, separated by commas, or {ALL}, or {NONE}"
        raise _not_accepted(DecisionName.ACCEPT_REJECTED_WRITES, wanted) from None


def _columns(connection: Connection, given: str) -> str:
    """Return the columns as one list. Raises BadInput if one of them cannot be carried over."""
    columns = _names(given)
    if not columns and given != NONE:
        raise _not_accepted(DecisionName.CARRY_COLUMNS, f"columns of artworks, separated by commas, or {NONE}")
    mapping = json.dumps(database.rows(connection, "mapping"))
    if problems := cannot_be_carried(connection, columns, mapping):
        listed = "; ".join(f"{column}: {problem}" for column, problem in problems.items())
        raise undecided(f"These columns cannot be carried over: {listed}.", "leave them out.")
    return ",".join(columns) or NONE


def _exposures(_: Connection, given: str) -> str:
    """Return the kinds of exposure as one list, in their order."""
    kinds = _names(given)
    if not set(kinds) <= set(EXPOSURES) or (not kinds and given != NONE):
        raise _not_accepted(DecisionName.ACCEPT_EXPOSURE, f"{' or '.join(EXPOSURES)}, or both with a comma between, or {NONE}")
    return ",".join(kind for kind in EXPOSURES if kind in kinds) or NONE


def _readings(_: Connection, given: str) -> str:
    """Return the readings as one list, in their order."""
    names = _names(given)
    if not set(names) <= set(READINGS) or (not names and given != NONE):
        raise _not_accepted(DecisionName.WAIVE_READINGS, f"{', '.join(READINGS)}, or some of them separated by commas, or {NONE}")
    return ",".join(name for name in READINGS if name in names) or NONE


def _verbs(_: Connection, given: str) -> str:
    """Return the verbs as one list, in their order."""
    names = _names(given)
    if not set(names) <= set(NEED_READINESS) or (not names and given != NONE):
        raise _not_accepted(DecisionName.WAIVE_READINESS, f"{' or '.join(NEED_READINESS)}, or both with a comma between, or {NONE}")
    return ",".join(name for name in NEED_READINESS if name in names) or NONE


def waived_readings(connection: Connection) -> tuple[str, ...]:
    """Return the readings that the decision in force waives."""
    return _names(ledger.decision_value(connection, DecisionName.WAIVE_READINGS, NONE))


def cannot_be_carried(connection: Connection, columns: Iterable[str], mapping: str) -> dict[str, str]:
    """Return those of the columns that cannot be carried over unchanged, each with the reason."""
    rows = database.rows(connection, "plan/cannot_be_carried", columns=list(columns), mapping=mapping)
    problems = {row["column_name"]: row["problem"] for row in rows}
    unequal = [column for column in columns if column not in problems and not _has_equality(connection, column)]
    return problems | dict.fromkeys(unequal, "values of its type cannot be compared")


def _has_equality(connection: Connection, column: str) -> bool:
    """Return whether our functions can compare the values of a column.

    The equality operator may be in a schema that they do not see, as that of hstore may be. And an array or a composite type always has
    one, which fails for a value if a type in it has none, at whatever depth. The comparison of two empty arrays of the type shows that.
    """
    quoted = '"' + column.replace('"', '""') + '"'
    none = f"ARRAY(SELECT a.{quoted} FROM public.artworks AS a WHERE a.{quoted} IS DISTINCT FROM a.{quoted} LIMIT 0)"
    try:
        with translated("comparing"), connection.begin_nested():
            database.run_literally(connection, f"SELECT {none} = {none}")
    except DatabaseError:
        return False
    return True


def _drifted(connection: Connection, given: str) -> str:
    """Return the monitored objects whose drift is accepted, as one list."""
    if given == NONE:
        return NONE
    if connection.execute(text("SELECT TO_REGCLASS('artwork_migration.drift') IS NULL")).scalar_one():
        raise undecided("accept_drift takes what differs since deploy-schema, and that has not run.", "run deploy-schema first.")
    names = _names(given)
    unknown = [row["subject"] for row in database.rows(connection, "plan/cannot_drift", subjects=list(names))]
    if unknown or not names:
        raise undecided(
            f"accept_drift takes 'column NAME on public.artworks' or a constraint or an index, separated by commas, or {NONE}. Unknown, or "
            f"of a kind that may not differ: {'; '.join(unknown)}.",
            "give the names as the refusal of the verb lists them.",
        )
    return ",".join(names)


def _names(value: str) -> tuple[str, ...]:
    """Return the names in a list, each once, without the word for none."""
    names = (name.strip() for name in value.split(","))
    return tuple(dict.fromkeys(name for name in names if name and name != NONE))


def _interval(name: DecisionName, connection: Connection, given: str) -> str:
    """Return the interval as the server writes it, because the server reads it later."""
    if not re.fullmatch(r"[0-9]{1,6} ?(seconds?|minutes?|hours?|days?)", given):
        raise _not_accepted(name, "an interval like '15 minutes' or '2 hours'")
    return str(connection.execute(text("SELECT CAST(:given AS interval)::text"), {"given": given}).scalar_one())


def _time(name: DecisionName, connection: Connection, given: str) -> str:
    """Return the interval as `_interval` does. Raises BadInput if it is zero."""
    if not re.search("[1-9]", given):
        raise _not_accepted(name, "an interval above zero, like '15 minutes' or '2 hours'")
    return _interval(name, connection, given)


#: How the value of each decision is checked, except those of _WORDS.
_CHECKS: dict[DecisionName, Callable[[Connection, str], str]] = {
    DecisionName.IN_FLIGHT_AGE: partial(_interval, DecisionName.IN_FLIGHT_AGE),
    DecisionName.QUIET_TIME: partial(_time, DecisionName.QUIET_TIME),
    DecisionName.MAX_QUARANTINED: lambda _, given: _count(DecisionName.MAX_QUARANTINED, given),
    DecisionName.MAX_LEFT_BEHIND: lambda _, given: _count(DecisionName.MAX_LEFT_BEHIND, given),
    DecisionName.CARRY_COLUMNS: _columns,
    DecisionName.ACCEPT_EXPOSURE: _exposures,
    DecisionName.FUNCTION_ROLES: _roles,
    DecisionName.CLEAR_REJECTED_WRITE: _artworks,
    DecisionName.ACCEPT_DRIFT: _drifted,
    DecisionName.ACCEPT_REJECTED_WRITES: _rejected,
    DecisionName.WAIVE_READINGS: _readings,
    DecisionName.WAIVE_READINESS: _verbs,
    DecisionName.REVIEWED: _run_number,
}
