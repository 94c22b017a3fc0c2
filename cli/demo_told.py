"""How the demo tells what happened: a few lines for each step."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from cli.demo_application import OUTDATED_PLAN, Check
from cli.demo_servers import SHOP
from migration.database import Database
from migration.errors import MigrationError
from migration.settings import read_settings
from reporting.accounts import Accounts
from reporting.status import read_status
from sample.entry import Side
from sample.moments import Writes

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

#: How many of the writes that are missing are named.
NAMED = 10


def show_state(console: Console, state: "State[Any]") -> None:
    """A verb's end, as an operator reads it."""
    console.print(f"   [bold]{state.name}[/]: {state.message}", highlight=False)


def show_accounts(console: Console, accounts: Accounts) -> None:
    """Where every legacy row went, twice."""
    for title, rows, total, amount in (
        ("Where every legacy row went", accounts.sum_rows, "count(*) of the legacy table", accounts.legacy_rows),
        ("From the strategy's WHERE clause to what was migrated", accounts.strategy_rows, "rows in the clean table", accounts.migrated),
    ):
        table = Table(title=title, title_justify="left", show_header=False, show_footer=True)
        table.add_column(footer=total)
        table.add_column(footer=f"{amount:,}", justify="right")
        for label, count in rows:
            table.add_row(label, f"{count:,}")
        console.print(table)
    console.print(f"   {'Both add up.' if accounts.adds_up else '[bold red]They do NOT add up.[/]'}")


def show_check(console: Console, check: Check) -> None:
    """The journal against the serving table, and the errors that the application saw."""
    report = check.journal
    missing = f"[bold red]{len(report.missing)} MISSING[/]" if report.missing else "none is missing"
    serving = "the legacy table" if check.side is Side.LEGACY else "the clean table"
    console.print(
        f"   journal: {report.values_checked:,} values of {report.rows_checked:,} rows and {report.orders_checked:,} orders "
        f"in the serving table ({serving}), {missing}",
        highlight=False,
    )
    for one in report.missing[:NAMED]:
        console.print(f"      {one.id}: {one.what} {one.why}", highlight=False)
    console.print(f"   the application: {check.transactions:,} transactions meanwhile, {_errors(check)}", highlight=False)


def show_writes(console: Console, writes: Writes) -> None:
    """What was written while the names changed hands."""
    console.print(
        f"   {writes.acknowledged:,} writes were acknowledged while it ran; {writes.in_flight} of them were in flight "
        f"when the names changed hands, the slowest took {writes.slowest * 1000:.0f} ms",
        highlight=False,
    )


@contextmanager
def progress(console: Console, database: Database) -> Iterator[None]:
    """What the ledger says, twice a second, while the flow runs."""
    over = threading.Event()

    def watch() -> None:
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            while not over.wait(0.5):
                try:
                    backlog = read_status(database).backlog
                except MigrationError:
                    continue
                live.update(
                    f"   {backlog['chunks_done']} of {backlog['chunks']} chunks, {backlog['copied']:,} rows copied, "
                    f"{backlog['logged']:,} ids in the log"
                )

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        database.dispose()


def newest_report() -> Path:
    """Where the report of the newest run is."""
    return max(read_settings().reports.absolute().glob(f"{SHOP}-*/report.html"), key=lambda path: path.stat().st_mtime)


def _errors(check: Check) -> str:
    if not check.errors:
        return "no error"
    told = ", ".join(f"{count} × {code}" for code, count in check.errors.items())
    if not check.good:
        return f"errors: [bold red]{told}[/], {check.overcome} retried with success"
    return f"{sum(check.errors.values())} errors, all {OUTDATED_PLAN} (a prepared SELECT * is outdated), each retried with success"
