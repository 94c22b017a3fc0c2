"""The judge: a superuser with statements of its own, who reads no table of the migration and compares with a replay of the journal."""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from sample.journal_entry import Side
from tests.adversary.journal import OUTCOMES, Intent, State, committed, read_journal
from tests.adversary.layout import JUDGED, Target
from tests.adversary.pool import HOT
from tests.fuzz.oracle import STRATEGY

#: Breaches of one kind that are named; more are counted.
NAMED = 5
_CLEAN = "SELECT TO_REGCLASS('public.artworks')::oid <> %s"
_FOLLOWS = """
SELECT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = TO_REGCLASS('public.artworks_v2') AND c.relkind = 'r')
  AND TO_REGCLASS('public.artworks')::oid = %s
"""
# What the clean table must hold of a legacy row beside the columns that are only named differently. The default 'pending' of an upscale
# that nobody requested is 'not_started'; a row that the clean side has written may hold either.
_DIFFERENT = """
SELECT a.id::text, ARRAY_REMOVE(ARRAY[
  CASE WHEN v.user_id IS DISTINCT FROM COALESCE(a.user_id, u.id) THEN 'user_id' END,
  CASE WHEN v.token_expires_at IS DISTINCT FROM a.token_expires_at THEN 'token_expires_at' END,
  CASE WHEN v.created_at IS DISTINCT FROM a.created_at THEN 'created_at' END,
  CASE WHEN v.upscale_completed_at IS DISTINCT FROM a.upscaled_at THEN 'upscaled_at' END,
  CASE WHEN a.id <> ALL(%s::uuid[]) AND v.upscale_status IS DISTINCT FROM CASE
      WHEN COALESCE(a.upscale_status, 'not_required') = 'not_required' THEN 'not_started'
      WHEN a.upscale_status = 'pending' AND a.upscaled_image_url IS NULL AND a.upscaled_at IS NULL
        AND NOT EXISTS (SELECT FROM public.orders AS o WHERE o.artwork_id = a.id) THEN 'not_started'
      ELSE a.upscale_status END
    THEN 'upscale_status' END
], NULL)
FROM public.artworks AS a JOIN public.artworks_v2 AS v USING (id) LEFT JOIN public.users AS u ON u.email = a.customer_email
"""
_ORPHANS = """
SELECT 'orders.artwork_id', o.id::text FROM public.orders AS o
WHERE NOT EXISTS (SELECT FROM public.artworks AS a WHERE a.id = o.artwork_id)
"""
# A backend may still be committing when its client is gone.
_AT_WORK = (
    "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'adversary' AND xact_start IS NOT NULL AND datname = CURRENT_DATABASE()"
)
_ORPHANED_OWNER = """
SELECT '{0}.user_id', a.id::text FROM public.{0} AS a
WHERE a.user_id IS NOT NULL AND NOT EXISTS (SELECT FROM public.users AS u WHERE u.id = a.user_id)
"""


@dataclass
class Judge:
    """What the database was before the writer began, and how to compare it."""

    conninfo: str
    journal: Path
    legacy: int
    eligible: set[str]
    start: State

    @classmethod
    def begin(cls, conninfo: str, journal: Path) -> "Judge":
        """Read the database before the first verb, while nobody writes."""
        journal.unlink(missing_ok=True)
        with psycopg.connect(conninfo) as session:
            session.execute(f"CREATE SCHEMA adversary; CREATE TABLE {OUTCOMES} (number bigint PRIMARY KEY)")
            session.execute(f"GRANT USAGE ON SCHEMA adversary TO PUBLIC; GRANT ALL ON {OUTCOMES} TO PUBLIC")
            legacy = _value(session, "SELECT 'public.artworks'::regclass::oid")
            eligible = {row[0] for row in session.execute(STRATEGY.format(legacy="public.artworks"))}
            start = State(_rows(session, Target("artworks", Side.LEGACY)), _orders(session), _users(session))
        return cls(conninfo, journal, legacy, eligible, start)

    @property
    def hot(self) -> list[str]:
        """Return the artworks that writers compete for."""
        return sorted(self.eligible)[:HOT]

    def expected(self, session: psycopg.Connection[Any]) -> State:
        """Return what the database must hold: the journal replayed. The server tells the outcome of a commit without an acknowledgement."""
        state = State({key: dict(row) for key, row in self.start.rows.items()}, dict(self.start.orders), dict(self.start.users))
        intents = read_journal(self.journal)
        for intent in intents:
            if intent.committed is None:
                intent.committed = _outcome(session, intent)
        for effects in committed(intents):
            state.apply(effects)
        return state

    def judge(self, *, caught_up: bool = False) -> list[str]:
        """Return each breach: missing, extra, differing, orphaned. `caught_up`: the clean table must agree with the legacy table."""
        with psycopg.connect(self.conninfo, autocommit=True) as session:
            settle(session)
            state = self.expected(session)
            serves_clean = _value(session, _CLEAN, self.legacy)
            breaches = list(state.broken)
            breaches += self._table(session, state, Target("artworks", Side.CLEAN if serves_clean else Side.LEGACY))
            tables = ["artworks"]
            if caught_up and _value(session, _FOLLOWS, self.legacy):
                breaches += self._table(session, state, Target("artworks_v2", Side.CLEAN))
                breaches += [
                    f"artworks_v2 differs: artwork {key}, {name}"
                    for key, names in session.execute(_DIFFERENT, (list(state.clean_written),))
                    for name in names
                ]
                tables.append("artworks_v2")
            breaches += _difference("orders", state.orders, _orders(session), "artwork_id")
            users = _users(session)
            breaches += [f"users lacks: user {key}" for key in state.users if key not in users]
            breaches += [f"users differs: user {key}, email" for key, email in state.users.items() if users.get(key, email) != email]
            for query in [_ORPHANS, *(_ORPHANED_OWNER.format(table) for table in tables)]:
                breaches += [f"orphan: {column} of {key}" for column, key in session.execute(query)]
        return _shortened(breaches)

    def _table(self, session: psycopg.Connection[Any], state: State, table: Target) -> list[str]:
        rows = _rows(session, table)
        required = {key: row for key, row in state.rows.items() if table.side is Side.LEGACY or key in self.eligible | state.written}
        breaches = [f"{table.name} lacks: artwork {key}" for key in required if key not in rows]
        breaches += [f"{table.name} has too much: artwork {key}" for key in rows if key not in state.rows]
        return breaches + [
            f"{table.name} differs: artwork {key}, {name}"
            for key, row in state.rows.items()
            for name, value in row.items()
            if key in rows and _clean(table, name, rows[key][name]) != _clean(table, name, value)
        ]


def settle(session: psycopg.Connection[Any], seconds: int = 0) -> None:
    """Commit what a writer has prepared at least so long ago, and could not end."""
    prepared = (
        "SELECT gid FROM pg_prepared_xacts WHERE database = CURRENT_DATABASE() AND gid LIKE 'adversary %%'"
        " AND prepared <= NOW() - MAKE_INTERVAL(secs => %s)"
    )
    for (gid,) in session.execute(prepared, (seconds,)).fetchall():
        with suppress(psycopg.errors.UndefinedObject):  # somebody else has been faster
            session.execute(f"COMMIT PREPARED '{gid}'")  # type: ignore[call-overload]  # the writer's own name


def _outcome(session: psycopg.Connection[Any], intent: Intent) -> bool:
    deadline = time.monotonic() + 60
    while _value(session, _AT_WORK) and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(_value(session, f"SELECT EXISTS (SELECT FROM {OUTCOMES} WHERE number = %s)", intent.number))


def _clean(table: Target, name: str, value: str | None) -> str | None:
    """The clean table has a word for a missing url."""
    return None if value == "migrated-missing" and name in ("original_pet_mom_url", "original_pet_url") else value


def _rows(session: psycopg.Connection[Any], table: Target) -> dict[str, dict[str, str | None]]:
    columns = ", ".join(f"{table.column(name)} AS {name}" for name in JUDGED)
    with session.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(f"SELECT id::text, {columns} FROM public.{table.name}")  # type: ignore[call-overload]  # names of ours
        return {row.pop("id"): row for row in found}


def _orders(session: psycopg.Connection[Any]) -> dict[str, str]:
    return dict(session.execute("SELECT o.id::text, o.artwork_id::text FROM public.orders AS o").fetchall())


def _users(session: psycopg.Connection[Any]) -> dict[str, str]:
    return dict(session.execute("SELECT u.id::text, u.email FROM public.users AS u").fetchall())


def _difference(table: str, wanted: dict[str, str], found: dict[str, str], column: str) -> list[str]:
    return [
        *(f"{table} lacks: {key}" for key in wanted if key not in found),
        *(f"{table} has too much: {key}" for key in found if key not in wanted),
        *(f"{table} differs: {key}, {column}" for key in wanted if found.get(key, wanted[key]) != wanted[key]),
    ]


def _shortened(breaches: list[str]) -> list[str]:
    kinds: dict[str, list[str]] = {}
    for breach in breaches:
        kinds.setdefault(breach.partition(":")[0], []).append(breach)
    return [
        line
        for kind, lines in kinds.items()
        for line in [*lines[:NAMED], *([f"{kind}: {len(lines)} in all"] if len(lines) > NAMED else [])]
    ]


def _value(session: psycopg.Connection[Any], query: str, *parameters: object) -> Any:
    row = session.execute(query, parameters or None).fetchone()  # type: ignore[call-overload]  # texts of this file
    return row[0] if row else None
