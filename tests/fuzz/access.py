"""What a caller reads, changes and comes to own, found by trying it: relation by relation and function by function."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

import psycopg
from psycopg import sql as pgsql

from tests.fuzz.fuzzed import READER, Fuzzed

T = TypeVar("T")
_SYSTEM = "'^(pg_|information_schema$)'"


@dataclass(frozen=True)
class Caller:
    """A role with the user id of its token."""

    role: str
    user: str = ""

    @property
    def claims(self) -> str:
        """Return the claims as the platform sets them."""
        return json.dumps({"role": self.role, **({"sub": self.user} if self.user else {})})


@dataclass
class Access:
    """What one caller reads, as a set of secrets, and how many rows of each relation the caller could change or delete."""

    reads: set[str] = field(default_factory=set)
    changes: dict[str, int] = field(default_factory=dict)


def callers(fuzzed: Fuzzed, registered: str) -> list[Caller]:
    """Return the callers to compare: a visitor, a registered user, one without a user, and a role of the application's own."""
    return [Caller("anon"), Caller("authenticated", registered), Caller("authenticated", str(uuid4())), Caller(READER)]


def secrets(fuzzed: Fuzzed) -> set[str]:
    """Return what nobody else may learn: e-mails and tokens, and which artworks there are."""
    found = fuzzed.rows("SELECT a.id::text, a.customer_email, a.access_token FROM artworks AS a")
    users = fuzzed.rows("SELECT u.email FROM users AS u") if fuzzed.value("SELECT TO_REGCLASS('public.users') IS NOT NULL") else []
    return {value for row in [*found, *users] for value in row if value and len(value) > 3}


def access(fuzzed: Fuzzed, caller: Caller, known: set[str], probes: tuple[str, str]) -> Access:
    """Return what the caller reaches of the `known` secrets. Functions are called with the probes: an e-mail and an artwork's id."""
    found = Access()
    with fuzzed.session(caller.role, caller.claims) as session:
        for relation, columns in _readable(fuzzed, caller.role):
            query = f"SELECT DISTINCT v.value FROM (SELECT {columns} FROM {relation}) AS r, JSONB_EACH_TEXT(TO_JSONB(r)) AS v"
            found.reads |= known & set(_tried(session, query))
        for call in _calls(fuzzed, caller.role, probes):
            query = f"SELECT TO_JSONB(r)::text FROM {call} AS r"
            texts = _tried(session, query)
            found.reads |= (
                {secret for secret in known if secret not in probes and any(secret in text for text in texts)} if texts else set()
            )
        for relation, column in _writable(fuzzed, caller.role):
            kind = _kind(relation)
            for statement in ([f"UPDATE {relation} SET {column} = {column}"] if column else []) + [f"DELETE FROM {relation}"]:
                what = f"{statement.split(maxsplit=1)[0]} {kind}"
                found.changes[what] = max(found.changes.get(what, 0), _affected(session, statement))
    return found


def _kind(relation: str) -> str:
    return relation.removeprefix("public.").removesuffix("_v2").removesuffix("_old")


def _readable(fuzzed: Fuzzed, role: str) -> Iterator[tuple[str, str]]:
    yield from fuzzed.rows(
        f"""
        SELECT c.oid::regclass::text, STRING_AGG(QUOTE_IDENT(a.attname), ', ')
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'v', 'm', 'p') AND n.nspname !~ {_SYSTEM}
          AND HAS_SCHEMA_PRIVILEGE(%s, n.oid, 'USAGE') AND HAS_COLUMN_PRIVILEGE(%s, c.oid, a.attnum, 'SELECT')
        GROUP BY c.oid ORDER BY 1
        """,
        role,
        role,
    )


def _writable(fuzzed: Fuzzed, role: str) -> Iterator[tuple[str, str]]:
    yield from fuzzed.rows(
        f"""
        SELECT c.oid::regclass::text, MIN(QUOTE_IDENT(a.attname)) FILTER (
          WHERE HAS_COLUMN_PRIVILEGE(%s, c.oid, a.attnum, 'UPDATE') AND HAS_COLUMN_PRIVILEGE(%s, c.oid, a.attnum, 'SELECT')
            AND a.attgenerated = '' AND a.attidentity = ''
        )
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'v', 'p') AND n.nspname !~ {_SYSTEM} AND HAS_SCHEMA_PRIVILEGE(%s, n.oid, 'USAGE')
          AND (HAS_ANY_COLUMN_PRIVILEGE(%s, c.oid, 'UPDATE') OR HAS_TABLE_PRIVILEGE(%s, c.oid, 'DELETE'))
        GROUP BY c.oid ORDER BY 1
        """,
        *[role] * 5,
    )


def _calls(fuzzed: Fuzzed, role: str, probes: tuple[str, str]) -> Iterator[str]:
    email, artwork = (probe.replace("'", "''") for probe in probes)
    found = fuzzed.rows(
        f"""
        SELECT f.pronamespace::regnamespace::text || '.' || QUOTE_IDENT(f.proname), f.proargtypes::oid[]::regtype[]::text[]
        FROM pg_proc AS f JOIN pg_namespace AS n ON n.oid = f.pronamespace
        WHERE n.nspname !~ {_SYSTEM} AND f.prokind = 'f' AND f.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
          AND HAS_SCHEMA_PRIVILEGE(%s, n.oid, 'USAGE') AND HAS_FUNCTION_PRIVILEGE(%s, f.oid, 'EXECUTE')
          AND f.proargtypes::oid[] <@ ARRAY['text'::regtype, 'uuid'::regtype]::oid[]
        ORDER BY 1
        """,
        role,
        role,
    )
    for name, types in found:
        given = [f"'{email if of == 'text' else artwork}'::{of}" for of in types]
        yield f"{name}({', '.join(given)})"


def _tried(session: psycopg.Connection[Any], query: str) -> list[str]:
    return [row[0] for row in _rolled_back(session, query, lambda cursor: cursor.fetchall(), []) if row[0] is not None]


def _affected(session: psycopg.Connection[Any], statement: str) -> int:
    return _rolled_back(session, statement, lambda cursor: max(cursor.rowcount, 0), 0)


def _rolled_back(session: psycopg.Connection[Any], statement: str, found: Callable[[psycopg.Cursor[Any]], T], refused: T) -> T:
    """What a statement finds, or `refused`. A conflict with the application's writes is no refusal: it is tried again."""
    for _ in range(20):
        try:
            with session.transaction(force_rollback=True):
                return found(session.execute(statement))  # type: ignore[call-overload]  # made here
        except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure, psycopg.errors.LockNotAvailable):
            continue
        except psycopg.Error:
            return refused
    raise AssertionError(f"always in conflict with somebody: {statement}")


@dataclass(frozen=True)
class Attack:
    """A signed-in stranger who tries to get hold of other customers' artworks through `users`: by a new row, a new e-mail, a new id."""

    victims: tuple[str, ...]
    strangers: tuple[str, ...]

    def carry_out(self, fuzzed: Fuzzed) -> None:
        """Try everything; what the database refuses is refused."""
        first, second, third = self.victims
        one, two, three = self.strangers
        with suppress(psycopg.Error), fuzzed.session("authenticated", Caller("authenticated", one).claims) as session:
            session.execute("INSERT INTO users (id, email) VALUES (%s, %s)", (one, first))
        with suppress(psycopg.Error), fuzzed.session("authenticated", Caller("authenticated", two).claims) as session:
            session.execute("INSERT INTO users (id, email) VALUES (%s, %s)", (two, f"stranger.{two}@x.example"))
            session.execute("UPDATE users SET email = %s WHERE id = %s", (second, two))
        for role in ("authenticated", "anon"):
            with suppress(psycopg.Error), fuzzed.session(role, Caller(role, three).claims) as session:
                session.execute(pgsql.SQL("UPDATE users SET id = %s WHERE email = %s"), (three, third))

    def withdraw(self, fuzzed: Fuzzed) -> None:
        """Delete the users that the strangers have made."""
        with suppress(psycopg.Error):
            fuzzed.admin.execute("DELETE FROM users WHERE id = ANY(%s::uuid[])", (list(self.strangers),))

    def loot(self, fuzzed: Fuzzed) -> set[str]:
        """Return the artworks that the strangers read or own now."""
        found: set[str] = set()
        for stranger in self.strangers:
            caller = Caller("authenticated", stranger)
            with fuzzed.session(caller.role, caller.claims) as session:
                found |= set(_tried(session, "SELECT a.id::text FROM artworks AS a"))
                found |= set(_tried(session, "SELECT a.id::text FROM artworks_v2 AS a"))
        owned = fuzzed.rows("SELECT a.id::text FROM artworks AS a WHERE a.user_id = ANY(%s::uuid[])", list(self.strangers))
        return found | {row[0] for row in owned}
