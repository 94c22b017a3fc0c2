"""The sum of law 1 and the cross-check against the strategy's own WHERE clause, as rows a person can add up."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from migration import database
from migration.database import Database


@dataclass(frozen=True)
class Accounts:
    """`sum_rows` add up to `legacy_rows`; `strategy_rows` lead from the strategy's count to the number migrated.

    Once the clean table serves, the legacy table is the retired one, what was `born_since` is in no sum, and nobody counts by the strategy.
    """

    legacy_rows: int
    migrated: int
    sum_rows: list[tuple[str, int]]
    strategy_rows: list[tuple[str, int]]
    born_since: int = 0

    @property
    def adds_up(self) -> bool:
        """Whether the headings add up to the rows of the legacy table, and the deviations to the number migrated."""
        return (
            sum(count for _, count in self.sum_rows) == self.legacy_rows and sum(count for _, count in self.strategy_rows) == self.migrated
        )


def read_accounts(target: Database) -> Accounts:
    """Read the accounts of the newest reconciliation. Raises DatabaseError before the first one."""
    with target.transaction("reading the accounts", transaction_read_only="on") as connection:
        return accounts_in(connection)


def accounts_in(connection: Connection) -> Accounts:
    """The same, in the caller's transaction."""
    headings = database.rows(connection, "report/sum")
    strategy = database.rows(connection, "report/strategy")
    legacy_rows = int(database.run(connection, "report/legacy_rows").scalar_one())
    in_sum = [(_heading(row["heading"], row["reason"]), int(row["row_count"])) for row in headings if row["legacy_row"]]
    return Accounts(
        legacy_rows=legacy_rows,
        migrated=int(sum(row["row_count"] for row in strategy if row["migrated"])),
        sum_rows=in_sum,
        strategy_rows=_strategy_rows(strategy) if strategy else [],
        born_since=int(sum(row["row_count"] for row in headings if row["heading"] == "born_since")),
    )


def accounts_markdown(accounts: Accounts) -> str:
    """Both accounts as markdown tables."""

    def table(title: str, rows: list[tuple[str, int]], total: str, amount: int) -> str:
        lines = "\n".join(f"| {label} | {count:,} |" for label, count in rows)
        return f"## {title}\n\n| | rows |\n|---|---:|\n{lines}\n| **{total}** | **{amount:,}** |\n"

    return "\n".join(
        [
            table("Every legacy row", accounts.sum_rows, "rows of the legacy table", accounts.legacy_rows),
            table("From the strategy to the number migrated", accounts.strategy_rows, "rows in the clean table", accounts.migrated),
        ]
    )


def _strategy_rows(counted: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [
        ("the strategy's WHERE clause", int(sum(row["row_count"] for row in counted if row["in_strategy"]))),
        *((f"+ {row['deviation']}", int(row["row_count"])) for row in counted if row["migrated"] and not row["in_strategy"]),
        *((f"− {row['deviation']}", -int(row["row_count"])) for row in counted if row["in_strategy"] and not row["migrated"]),
    ]


def _heading(verdict: str, reason: str) -> str:
    return f"{verdict}: {reason}".removesuffix(": ").replace("_", " ")
