"""The output of the demo: a few lines for each step."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.columns import Columns
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cli.demo_application import OUTDATED_PLAN, Check
from cli.demo_servers import SHOP
from migration.settings import read_settings
from reporting.accounts import Accounts, AccountTable
from sample.journal_entry import Side
from sample.write_latency import WriteLatency
from tasks.ends import kind_of_end, message

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

#: How many of the missing writes are printed.
MISSING_SHOWN = 10
#: Columns by which everything below the heading of a step is indented.
INDENT = 3


@dataclass(frozen=True)
class Summary:
    """What the demo has done: its seconds, the accounts of the migration, the last check, and each switch with its writes."""

    seconds: float
    accounts: Accounts
    check: Check
    switches: Sequence[tuple[str, WriteLatency]]


def show_state(console: Console, state: "State[Any]") -> None:
    """Print the end state of a verb and its message."""
    _print(console, f"[bold]{kind_of_end(state)}[/]: {escape(message(state))}")


def show_accounts(console: Console, accounts: Accounts) -> None:
    """Print both accounts of the legacy rows as tables, side by side where the terminal is wide enough."""
    tables = [_account_table(account) for account in accounts.tables]
    console.print(Padding(Columns(tables, padding=(0, 4)), (0, 0, 0, INDENT)))
    console.print(f"   Both accounts {'add up.' if accounts.adds_up else '[bold red]do NOT add up[/].'}")


def _account_table(account: AccountTable) -> Table:
    table = Table(title=account.title, title_justify="left", show_header=False, show_footer=True)
    table.add_column(footer=account.total_label)
    table.add_column(footer=f"{account.total:,}", justify="right")
    for label, count in account.rows:
        table.add_row(label, f"{count:,}")
    return table


def show_check(console: Console, check: Check) -> None:
    """Print the comparison of the journal with the serving table, and the errors that the application got."""
    journal = check.journal
    missing = f"[bold red]{len(journal.missing)} MISSING[/]" if journal.missing else "none is missing"
    serving = "legacy" if check.side is Side.LEGACY else "clean"
    _print(
        console,
        f"Journal: {journal.values_checked:,} values of {journal.rows_checked:,} rows and {journal.orders_checked:,} orders were checked "
        f"in the serving table ({serving}); {missing}.",
    )
    for write in journal.missing[:MISSING_SHOWN]:
        _print(console, f"   {write.id}: {write.what} {write.why}")
    _print(console, f"Application: {check.transactions:,} transactions since the last check, {_errors(check)}.")


def show_latency(console: Console, latency: WriteLatency) -> None:
    """Print how many writes happened while the tables were renamed, and how long the slowest of them took."""
    _print(
        console,
        f"Writes: {latency.acknowledged:,} acknowledged while the verb ran; {latency.in_flight} in flight when the tables were renamed, "
        f"the slowest of these took {latency.slowest * 1000:.0f} ms.",
    )


def show_summary(console: Console, summary: Summary) -> None:
    """Print what the demo has proved, in a box: the rows, the writes that were checked and those during the switches. Then the report."""
    lines, journal, accounts = Table.grid(padding=(0, 3)), summary.check.journal, summary.accounts
    lines.add_row("rows", f"{accounts.legacy_rows:,} legacy, {accounts.migrated:,} migrated, each compared")
    lines.add_row(
        "writes", f"{journal.values_checked:,} values of {journal.rows_checked:,} rows, {journal.orders_checked:,} orders checked"
    )
    lines.add_row("lost", f"[bold green]{len(journal.missing)}[/]")
    for name, latency in summary.switches:
        lines.add_row(name, f"{latency.acknowledged:,} writes; slowest in flight {latency.slowest * 1000:.0f} ms")
    console.print(Panel(lines, title=f"Done in {summary.seconds:.0f} s", padding=(1, 2), expand=False), highlight=False)
    report = newest_report()
    console.print(f"   Report: [bold link={report.as_uri()}]{escape(str(report))}[/]", highlight=False, soft_wrap=True)


def newest_report() -> Path:
    """Return the path of the newest report."""
    return max(read_settings().reports.absolute().glob(f"{SHOP}-*/report.html"), key=lambda path: path.stat().st_mtime)


def _print(console: Console, text: str) -> None:
    """Print a text below the heading of its step, indented on every line."""
    console.print(Padding(Text.from_markup(text), (0, 0, 0, INDENT), expand=False), highlight=False)


def _errors(check: Check) -> str:
    if not check.errors:
        return "no errors"
    if check.good:
        return f"{sum(check.errors.values())} errors. All are {OUTDATED_PLAN} (outdated prepared SELECT *), and each retry succeeded"
    counts = ", ".join(f"{count} × {code}" for code, count in check.errors.items())
    return f"errors: [bold red]{counts}[/]. {check.retried} retries succeeded"
