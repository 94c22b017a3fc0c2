"""Checks that the database has every acknowledged write. The result holds ids and names of columns, never a value."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql as pgsql
from psycopg.rows import dict_row

from sample.expected import Expected, Written, replay
from sample.journal_entry import STATUS_COLUMNS, Side, digest

BATCH = 2000
UPLOADED = "original_image_url"  # only an upload writes it
# The clean table's names for columns of the legacy table; all other names are equal.
CLEAN_NAMES: Mapping[str, str] = {
    "original_pet_mom_url": "pet_mom_image_url",
    "original_pet_url": "pet_image_url",
    "upscaled_at": "upscale_completed_at",
}
LEGACY_MARK, CLEAN_MARK = UPLOADED, "pet_mom_image_url"
TABLES: Mapping[Side, tuple[str, tuple[str, ...]]] = {
    Side.LEGACY: (LEGACY_MARK, ("artworks", "artworks_old")),
    Side.CLEAN: (CLEAN_MARK, ("artworks", "artworks_v2")),
}
FIND_TABLE = """
    SELECT c.relname
    FROM pg_class AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid
    WHERE
        c.relnamespace = 'public'::regnamespace
        AND c.relkind IN ('r', 'p')
        AND c.relname = ANY(%s)
        AND a.attname = %s
        AND NOT a.attisdropped
"""
REFUSES_PROCESSING = """
    SELECT EXISTS (
        SELECT
        FROM pg_constraint AS c
        JOIN pg_class AS t ON t.oid = c.conrelid
        JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attname = %s
        WHERE
            t.relnamespace = 'public'::regnamespace
            AND c.contype = 'c'
            AND pg_get_constraintdef(c.oid) LIKE '%%generation_status%%'
            AND pg_get_constraintdef(c.oid) NOT LIKE '%%processing%%'
    )
"""


class Missing(NamedTuple):
    """One acknowledged write that is missing: the id of the artwork, order or user; the column or object; and what was found instead."""

    id: str
    what: str
    why: str


@dataclass
class JournalReport:
    """What was checked and what is missing; `acknowledged` counts transactions by 'side/kind'."""

    acknowledged: dict[str, int]
    in_doubt: int
    rows_checked: int = 0
    values_checked: int = 0
    deletions_checked: int = 0
    orders_checked: int = 0
    users_checked: int = 0
    missing: list[Missing] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing, and something was checked."""
        return not self.missing and self.rows_checked > 0 and self.values_checked > 0


def check_journal(conninfo: str, journal_paths: Sequence[Path], side: Side | str = Side.LEGACY) -> JournalReport:
    """Compare the journals with the legacy or the clean table in one snapshot. The clean table may lack rows that are not migrated.

    Raises LookupError if the database does not have that table.
    """
    expected = replay(journal_paths)
    report = JournalReport(dict(sorted(expected.acknowledged.items())), expected.in_doubt)
    with psycopg.connect(conninfo) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        check = _Check(connection, expected, report, Side(side))
        check.artworks()
        check.deletions()
        check.orders()
        check.users()
    report.missing.sort()
    return report


class _Check:
    """The comparison with one table in one snapshot."""

    def __init__(self, connection: psycopg.Connection, expected: Expected, report: JournalReport, side: Side) -> None:
        self._connection, self._expected, self._report, self._side = connection, expected, report, side
        mark, names = TABLES[side]
        row = connection.execute(FIND_TABLE, (list(names), mark)).fetchone()
        if row is None:
            raise LookupError(f"This database has no {side.value} table of artworks.")
        self._table = pgsql.Identifier("public", row[0])
        refuses = connection.execute(REFUSES_PROCESSING, (LEGACY_MARK,)).fetchone()
        self._refuses_processing = bool(refuses and refuses[0])

    def artworks(self) -> None:
        for batch in _batches(self._expected.values.keys() | self._expected.created.keys()):
            rows = self._rows(batch)
            for identity in batch:
                if identity in rows:
                    self._row(identity, rows[identity])
                elif self._must_be_there(identity):
                    self._miss(identity, "artwork", "absent")

    def deletions(self) -> None:
        deleted = self._expected.deleted - self._expected.unknown - self._expected.values.keys()
        for batch in _batches(deleted):
            self._report.deletions_checked += len(batch)
            for identity in self._rows(batch):
                self._miss(identity, "deletion", "the artwork still exists")

    def orders(self) -> None:
        query = pgsql.SQL(
            "SELECT o.id::text, o.artwork_id::text, a.id IS NOT NULL FROM public.orders AS o"
            " LEFT JOIN {} AS a ON a.id = o.artwork_id WHERE o.id = ANY(%s::uuid[])"
        ).format(self._table)
        for batch in _batches(self._expected.orders):
            found = {order: (artwork, exists) for order, artwork, exists in self._connection.execute(query, (batch,))}
            self._report.orders_checked += len(batch)
            for order in batch:
                if order not in found:
                    self._miss(order, "order", "absent")
                elif found[order][0] != self._expected.orders[order]:
                    self._miss(order, "order", "belongs to another artwork")
                elif not found[order][1]:
                    self._miss(order, "order", "references no artwork")

    def users(self) -> None:
        kept, deleted = self._expected.users - self._expected.unknown, self._expected.deleted_users - self._expected.unknown
        query = """
            SELECT u.id::text, coalesce((to_jsonb(u) ->> 'is_anonymous')::boolean, false)
            FROM public.users AS u
            WHERE u.id = ANY(%s::uuid[])
        """
        for batch in _batches(kept | deleted):
            found = {str(user): bool(anonymous) for user, anonymous in self._connection.execute(query, (batch,))}
            self._report.users_checked += len(batch)
            for user in batch:
                if user in deleted and user in found:
                    self._miss(user, "deletion of a user", "the user still exists")
                elif user in kept and user not in found:
                    self._miss(user, "user", "absent")
                elif user in kept and found[user]:
                    self._miss(user, "user", "is anonymous but has signed up")

    def _must_be_there(self, identity: str) -> bool:
        """Whether the table must have this artwork. The clean table must have those created or written there, and completed uploads."""
        if identity in self._expected.unknown:
            return False
        if self._side is Side.LEGACY or self._expected.created.get(identity) is Side.CLEAN:
            return True
        last = self._expected.values.get(identity, {})
        if any(written.side is Side.CLEAN for column in last.values() for written in column):
            return True
        completed = [written.value == "completed" for written in last.get("generation_status", ())]
        return UPLOADED in last and bool(completed) and all(completed)

    def _rows(self, batch: list[str]) -> dict[str, dict[str, Any]]:
        query = pgsql.SQL("SELECT * FROM {} WHERE id = ANY(%s::uuid[])").format(self._table)
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return {str(row["id"]): row for row in cursor.execute(query, (batch,))}

    def _row(self, identity: str, row: dict[str, Any]) -> None:
        self._report.rows_checked += 1
        for column, candidates in self._expected.values.get(identity, {}).items():
            name = CLEAN_NAMES.get(column, column) if self._side is Side.CLEAN else column
            if name not in row:
                continue  # the table of this deployment does not have the column
            self._report.values_checked += 1
            value = digest(column, row[name])
            if not any(value in self._equivalents(column, written) for written in candidates):
                self._miss(identity, column, f"differs from the last value that the {candidates[-1].side.value} side wrote")

    def _equivalents(self, column: str, written: Written) -> frozenset[str | None]:
        """Return the values of this side that are equivalent to a written one: the two tables have different statuses."""
        value = written.value
        if column not in STATUS_COLUMNS:
            return frozenset({value})
        if column == "generation_status":
            return frozenset({value, "pending"} if value == "processing" and self._refuses_processing else {value})
        if value in ("not_started", "not_required", "pending"):  # pending is also the default of the legacy column
            return frozenset({"not_required", "pending"} if self._side is Side.LEGACY else {"not_started", "pending"})
        return frozenset({value})

    def _miss(self, identity: str, what: str, why: str) -> None:
        self._report.missing.append(Missing(identity, what, why))


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(sorted(ids))
    while batch := list(islice(remaining, BATCH)):
        yield batch
