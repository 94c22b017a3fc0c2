"""The sum of law 1: it adds up, or the accounts say that it does not."""

import dataclasses

import pytest

from reporting.accounts import Accounts, accounts_markdown

ACCOUNTS = Accounts(
    legacy_rows=1_110,
    migrated=1_000,
    sum_rows=[("match", 1_000), ("excluded: test data", 100), ("quarantined: duplicate access token", 10)],
    strategy_rows=[("the strategy's WHERE clause", 1_007), ("+ referenced", 3), ("− quarantined", -10)],
)


def test_accounts_that_add_up() -> None:
    """Accounts add up if both sums, of legacy rows and of clean rows, are right."""
    assert ACCOUNTS.adds_up


@pytest.mark.parametrize(
    "wrong",
    [
        {"legacy_rows": 1_111},
        {"migrated": 999},
        {"sum_rows": [("match", 1_000), ("excluded: test data", 100)]},
        {"strategy_rows": [("the strategy's WHERE clause", 1_007), ("− quarantined", -10)]},
        {"sum_rows": []},
        {"strategy_rows": []},
    ],
)
def test_accounts_that_do_not(wrong: dict[str, object]) -> None:
    """Accounts with one row too many or too few in any line do not add up."""
    assert not dataclasses.replace(ACCOUNTS, **wrong).adds_up  # type: ignore[arg-type]  # wrong on purpose, or a psycopg.sql text


def test_an_empty_table_adds_up() -> None:
    """The accounts of an empty table add up."""
    assert Accounts(0, 0, [], []).adds_up


def test_every_row_and_both_totals_are_shown() -> None:
    """The accounts are shown as two tables, with every line and both totals."""
    shown = accounts_markdown(ACCOUNTS)
    for label, count in [*ACCOUNTS.sum_rows, *ACCOUNTS.strategy_rows]:
        assert f"| {label} | {count:,} |" in shown
    assert "| **count(*) of the legacy table** | **1,110** |" in shown
    assert "| **rows in the clean table** | **1,000** |" in shown
