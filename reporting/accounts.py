"""The accounts: where every legacy row went, and the cross-check against the strategy's own WHERE clause, as rows that add up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from migration import database
from migration.database import Database


class AccountTable(NamedTuple):
    """One account: labelled rows, and the count that they must add up to."""

    title: str
    rows: list[tuple[str, int]]
    total_label: str
    total: int

    @property
    def adds_up(self) -> bool:
        """Whether the rows add up to the total."""
        return sum(count for _, count in self.rows) == self.total


@dataclass(frozen=True)
class Accounts:
    """`sum_rows` add up to `legacy_rows`; `strategy_rows` lead from the strategy's count to the number of migrated rows.

    After the switch the legacy table is the retired one, no sum counts what was `born_since`, and there are no `strategy_rows`.
    """

    legacy_rows: int
    migrated: int
    sum_rows: list[tuple[str, int]]
    strategy_rows: list[tuple[str, int]]
    born_since: int = 0

    @property
    def tables(self) -> tuple[AccountTable, AccountTable]:
        """Both accounts."""
        return (
            AccountTable("Where every legacy row went", self.sum_rows, "count(*) of the legacy table", self.legacy_rows),
            AccountTable("From the strategy to the migrated rows", self.strategy_rows, "rows in the clean table", self.migrated),
        )

    @property
    def adds_up(self) -> bool:
        """Whether both accounts add up."""
        return all(table.adds_up for table in self.tables)


@dataclass(frozen=True)
class Heading:
    """One heading of the sum, with its rows; `legacy_row` if it counts rows of the legacy table."""

    heading: str
    reason: str
    row_count: int
    legacy_row: bool
    snapshot_at: datetime

    @property
    def label(self) -> str:
        """The heading and its reason in words."""
        return f"{self.heading}: {self.reason}".removesuffix(": ").replace("_", " ")


@dataclass(frozen=True)
class Deviation:
    """Rows that the strategy counts or not and that are migrated or not, and the name of the deviation between both."""

    in_strategy: bool
    migrated: bool
    deviation: str
    row_count: int


def read_accounts(target: Database) -> Accounts:
    """Read the accounts of the newest reconciliation. Raises DatabaseError before the first one."""
    with target.transaction("reading the accounts", transaction_read_only="on") as connection:
        return accounts_in(connection)


def accounts_in(connection: Connection) -> Accounts:
    """Read the accounts in the caller's transaction."""
    headings = [Heading(**row) for row in database.rows(connection, "report/sum")]
    strategy = [Deviation(**row) for row in database.rows(connection, "report/strategy")]
    return Accounts(
        legacy_rows=int(database.run(connection, "report/legacy_rows").scalar_one()),
        migrated=_count(row for row in strategy if row.migrated),
        sum_rows=[(heading.label, int(heading.row_count)) for heading in headings if heading.legacy_row],
        strategy_rows=_strategy_rows(strategy) if strategy else [],
        born_since=_count(heading for heading in headings if heading.heading == "born_since"),
    )


def accounts_markdown(accounts: Accounts) -> str:
    """Return both accounts as markdown tables."""
    return "\n".join(
        f"## {table.title}\n\n| | rows |\n|---|---:|\n"
        + "".join(f"| {label} | {count:,} |\n" for label, count in table.rows)
        + f"| **{table.total_label}** | **{table.total:,}** |\n"
        for table in accounts.tables
    )


def _strategy_rows(strategy: Sequence[Deviation]) -> list[tuple[str, int]]:
    return [
        ("the strategy's WHERE clause", _count(row for row in strategy if row.in_strategy)),
        *((f"+ {row.deviation}", int(row.row_count)) for row in strategy if row.migrated and not row.in_strategy),
        *((f"− {row.deviation}", -int(row.row_count)) for row in strategy if row.in_strategy and not row.migrated),
    ]


def _count(rows: Iterable[Heading] | Iterable[Deviation]) -> int:
    return int(sum(row.row_count for row in rows))
