"""Checks that every acknowledged write is there. Ids and names of columns come out, never a value."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql as pgsql
from psycopg.rows import dict_row

from sample.entry import STATUS_COLUMNS, Side, digest
from sample.expected import Expected, Written, replay

BATCH = 2000
UPLOADED = "original_image_url"  # written by an upload alone
# The clean table's names for the legacy table's columns; other names are the same in both.
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
    """One acknowledged write that is not there: the artwork, order or user, the column or what it was, and how it is missing."""

    id: str
    what: str
    why: str


@dataclass
class JournalReport:
    """`acknowledged` by 'side/kind'. Whoever relies on it should see that it looked at something."""

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
        return not self.missing and self.rows_checked > 0 and self.values_checked > 0


def check_journal(conninfo: str, journal_paths: Sequence[Path], side: Side | str = Side.LEGACY) -> JournalReport:
    """Compares with the legacy table, or with the clean one: of that the rows that are there, and those that must be. Reads one snapshot.

    Raises LookupError if the database has no such table.
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
    """One side, one snapshot."""

    def __init__(self, connection: psycopg.Connection, expected: Expected, report: JournalReport, side: Side) -> None:
        self._connection, self._expected, self._report, self._side = connection, expected, report, side
        mark, names = TABLES[side]
        row = connection.execute(FIND_TABLE, (list(names), mark)).fetchone()
        if row is None:
            raise LookupError(f"there is no {side.value} table of artworks in this database")
        self._table = pgsql.Identifier("public", row[0])
        refuses = connection.execute(REFUSES_PROCESSING, (LEGACY_MARK,)).fetchone()
        self._refuses_processing = bool(refuses and refuses[0])

    def artworks(self) -> None:
        for batch in _batches(self._expected.values.keys() | self._expected.born.keys()):
            found = self._rows(batch)
            for identity in batch:
                if identity in found:
                    self._row(identity, found[identity])
                elif self._must_be_there(identity):
                    self._miss(identity, "artwork", "absent")

    def deletions(self) -> None:
        gone = self._expected.deleted - self._expected.unknown - self._expected.values.keys()
        for batch in _batches(gone):
            self._report.deletions_checked += len(batch)
            for identity in self._rows(batch):
                self._miss(identity, "deletion", "the artwork is there")

    def orders(self) -> None:
        query = pgsql.SQL(
            "SELECT o.id::text, o.artwork_id::text, a.id IS NOT NULL FROM public.orders AS o"
            " LEFT JOIN {} AS a ON a.id = o.artwork_id WHERE o.id = ANY(%s::uuid[])"
        ).format(self._table)
        for batch in _batches(self._expected.orders):
            found = {order: (artwork, there) for order, artwork, there in self._connection.execute(query, (batch,))}
            self._report.orders_checked += len(batch)
            for order in batch:
                if order not in found:
                    self._miss(order, "order", "absent")
                elif found[order][0] != self._expected.orders[order]:
                    self._miss(order, "order", "is for another artwork")
                elif not found[order][1]:
                    self._miss(order, "order", "points to no artwork")

    def users(self) -> None:
        kept, gone = self._expected.users - self._expected.unknown, self._expected.deleted_users - self._expected.unknown
        query = """
            SELECT u.id::text, coalesce((to_jsonb(u) ->> 'is_anonymous')::boolean, false)
            FROM public.users AS u
            WHERE u.id = ANY(%s::uuid[])
        """
        for batch in _batches(kept | gone):
            found = {str(user): bool(anonymous) for user, anonymous in self._connection.execute(query, (batch,))}
            self._report.users_checked += len(batch)
            for user in batch:
                if user in gone and user in found:
                    self._miss(user, "deletion of a user", "the user is there")
                elif user in kept and user not in found:
                    self._miss(user, "user", "absent")
                elif user in kept and found[user]:
                    self._miss(user, "user", "is anonymous, though signed up")

    def _must_be_there(self, identity: str) -> bool:
        """On the clean side: what was born there, what was ever written there, and uploads that were completed."""
        if identity in self._expected.unknown:
            return False
        if self._side is Side.LEGACY or self._expected.born.get(identity) is Side.CLEAN:
            return True
        last = self._expected.values.get(identity, {})
        if any(one.side is Side.CLEAN for written in last.values() for one in written):
            return True
        completed = [one.value == "completed" for one in last.get("generation_status", ())]
        return UPLOADED in last and bool(completed) and all(completed)

    def _rows(self, batch: list[str]) -> dict[str, dict[str, Any]]:
        query = pgsql.SQL("SELECT * FROM {} WHERE id = ANY(%s::uuid[])").format(self._table)
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return {str(row["id"]): row for row in cursor.execute(query, (batch,))}

    def _row(self, identity: str, row: dict[str, Any]) -> None:
        self._report.rows_checked += 1
        for column, written in self._expected.values.get(identity, {}).items():
            name = CLEAN_NAMES.get(column, column) if self._side is Side.CLEAN else column
            if name not in row:
                continue  # this deployment has no such column on this side
            self._report.values_checked += 1
            read = digest(column, row[name])
            if not any(read in self._readings(column, one) for one in written):
                self._miss(identity, column, f"is not what the {written[-1].side.value} side wrote last")

    def _readings(self, column: str, written: Written) -> frozenset[str | None]:
        """How a value may read on this side: the statuses of the two tables are not the same."""
        value = written.value
        if column not in STATUS_COLUMNS:
            return frozenset({value})
        if column == "generation_status":
            return frozenset({value, "pending"} if value == "processing" and self._refuses_processing else {value})
        if value in ("not_started", "not_required", "pending"):  # pending is also the legacy column's default
            return frozenset({"not_required", "pending"} if self._side is Side.LEGACY else {"not_started", "pending"})
        return frozenset({value})

    def _miss(self, identity: str, what: str, why: str) -> None:
        self._report.missing.append(Missing(identity, what, why))


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(sorted(ids))
    while batch := list(islice(remaining, BATCH)):
        yield batch
