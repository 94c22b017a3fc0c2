"""The demo: a production-like database in use, migrated through a real Prefect server while the application goes on writing."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs
from rich.console import Console
from rich.live import Live
from rich.table import Table

from cli.prefect_server import PrefectServer
from cli.verbs import exit_code, run_verb
from migration.database import Database
from migration.errors import MigrationError
from migration.settings import database_url, read_settings
from reporting.accounts import Accounts, read_accounts
from reporting.status import read_status
from sample.build import Variant, build_sample
from sample.journal import JournalReport, check_journal
from sample.server import EmbeddedServer

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

HOME = Path(platformdirs.user_data_path("artwork-migration")) / "demo"
SHOP = "demo_shop"
APPROVAL = {"approved_by": "the demo", "reason": "to see it work"}
#: How long the application writes on both sides before the last catch-up.
SECONDS_ON_BOTH_SIDES = 8.0


#: Set by Ctrl-C. A package that is just being imported may swallow the exception, and the demo would go on to its end.
_INTERRUPTED = threading.Event()


class DemoFailed(Exception):
    """A step of the demo did not end as it should; the message is what the operator sees."""


def run_demo(console: Console, *, rows: int, seed: int) -> int:
    """Build, plan, deploy, migrate, check; returns the exit code. Nothing it started outlives it; the database's files stay for --undo."""
    begun = time.monotonic()
    with _servers(console) as server:
        _build(console, server, rows, seed)
        with _application(server, seed) as application:
            console.print("   the application is writing to the legacy table")
            try:
                _migrate(console, server)
            except DemoFailed as failure:
                console.print(f"[bold red]{failure}[/]")
                return 1
            console.print(f"   the application goes on, on both sides, for {SECONDS_ON_BOTH_SIDES:.0f} s")
            time.sleep(SECONDS_ON_BOTH_SIDES)
        console.rule("The application has stopped; a second migrate-data catches up with its last writes")
        state = run_verb("migrate_data")
        console.print(f"   {state.name}: {state.message}", highlight=False)
        accounts = read_accounts(Database(database_url(server.url(SHOP))))
        reports = [check_journal(server.conninfo(SHOP), [application.journal], side) for side in ("legacy", "clean")]
        _show_accounts(console, accounts)
        _show_application(console, application.summary(), reports)
        console.print(f"   The report: [bold]{_newest_report()}[/]", highlight=False, soft_wrap=True)
    good = state.is_completed() and accounts.adds_up and all(report.complete for report in reports)
    console.rule(f"{'Done' if good else 'NOT GOOD'} in {time.monotonic() - begun:.0f} s")
    console.print("   Take it all away again, and see that no trace is left: [bold].venv/bin/artwork-migration demo --undo[/]")
    return exit_code(state) or (0 if good else 1)


def undo_demo(console: Console) -> int:
    """Roll the demo's database back to NOT_STARTED and compare its schema with the one before; returns the exit code."""
    before = HOME / "schema-before.sql"
    if not before.exists():
        console.print("[bold red]There is no demo to undo.[/] Run make demo first.")
        return 1
    with _servers(console) as server:
        state = _approved(console, "roll_back", to="NOT_STARTED")
        console.print(f"   {state.name}: {state.message}", highlight=False)
        same = before.read_text(encoding="utf-8") == _schema(server)
    console.print(f"   the schema-only dump is {'the same as before deploy-schema' if same else '[bold red]NOT the same as before[/]'}")
    return exit_code(state) or (0 if same else 1)


@contextmanager
def _servers(console: Console) -> Iterator[EmbeddedServer]:
    """Postgres and a Prefect server on it, with the environment that the flows read; both are gone afterwards."""
    HOME.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGINT, _interrupt)
    with ExitStack() as stack:
        console.rule("Postgres and a Prefect server start")
        server = stack.enter_context(EmbeddedServer(HOME / "postgres"))
        server.drop_database("demo_prefect")
        server.create_database("demo_prefect")
        shutil.rmtree(HOME / "prefect", ignore_errors=True)
        prefect = stack.enter_context(PrefectServer(server.url("demo_prefect"), HOME / "prefect"))
        os.environ.update(prefect.environment, ARTWORK_DATABASE_URL=server.url(SHOP))
        console.print(f"   Postgres {server.version} in {server.data}")
        console.print(f"   Prefect at {prefect.ui_url} while this runs")
        stack.callback(_flush_logs)
        yield server


def _build(console: Console, server: EmbeddedServer, rows: int, seed: int) -> None:
    console.rule(f"A production-like shop with {rows:,} artworks")
    server.drop_database(SHOP)
    server.create_database(SHOP)
    build_sample(server.conninfo(SHOP), Variant.CURRENT, rows, seed)
    (HOME / "schema-before.sql").write_text(_schema(server), encoding="utf-8")


def _migrate(console: Console, server: EmbeddedServer) -> None:
    """Plan, deploy, migrate. Raises DemoFailed where a verb does not end well."""
    _require(console, _approved(console, "deploy_schema"))
    console.rule("migrate-data: users, copy, catch-up, every row compared, the gates")
    with _progress(console, Database(database_url(server.url(SHOP)))):
        state = run_verb("migrate_data")
    _require(console, state)


def _approved(console: Console, verb: str, **parameters: object) -> "State[Any]":
    """Ask for the plan, show its number, and run it with that number."""
    console.rule(f"{verb.replace('_', '-')}: first the plan, then the same with its number")
    planned = run_verb(verb, **parameters)
    console.print(f"   {planned.name}: {planned.message}", highlight=False)
    if planned.name != "Planned":
        return planned
    number = (planned.message or "").split()[1]
    return run_verb(verb, **parameters, plan=number, **APPROVAL)


def _interrupt(number: int, frame: object) -> None:
    _INTERRUPTED.set()
    raise KeyboardInterrupt


def _require(console: Console, state: "State[Any]") -> None:
    if _INTERRUPTED.is_set():
        raise KeyboardInterrupt
    console.print(f"   {state.name}: {state.message}", highlight=False)
    if not state.is_completed():
        raise DemoFailed(f"The demo stops here: {state.name}")


class _Application:
    """The sample's application as a process, with its journal and its summary."""

    def __init__(self, server: EmbeddedServer, seed: int) -> None:
        self.journal, self._summary = HOME / "journal.jsonl", HOME / "application.json"
        self.journal.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sample.application", "--seed", str(seed), "--workers", "3", "--rate", "150", *self._files()],
            env={**os.environ, "ARTWORK_APPLICATION_URL": server.conninfo(SHOP)},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
        )

    def _files(self) -> list[str]:
        return ["--journal", str(self.journal), "--summary", str(self._summary)]

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def summary(self) -> dict[str, Any]:
        return dict(json.loads(self._summary.read_text(encoding="utf-8")))


@contextmanager
def _application(server: EmbeddedServer, seed: int) -> Iterator[_Application]:
    application = _Application(server, seed)
    try:
        yield application
    finally:
        application.stop()


@contextmanager
def _progress(console: Console, database: Database) -> Iterator[None]:
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


def _show_accounts(console: Console, accounts: Accounts) -> None:
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


def _show_application(console: Console, summary: dict[str, Any], reports: list[JournalReport]) -> None:
    written = {side: sum(kinds.values()) for side, kinds in summary["committed"].items()}
    console.print(
        f"   The application committed {summary['transactions']:,} transactions meanwhile "
        f"({', '.join(f'{count:,} on the {side} side' for side, count in written.items())})."
    )
    for report, side in zip(reports, ("legacy", "clean"), strict=True):
        missing = f"[bold red]{len(report.missing)} MISSING[/]" if report.missing else "none is missing"
        console.print(
            f"   Its journal against the {side} table: {report.values_checked:,} values of {report.rows_checked:,} rows, {missing}."
        )
        for one in report.missing[:10]:
            console.print(f"      {one.id}: {one.what} {one.why}", highlight=False)


def _newest_report() -> Path:
    return max(read_settings().reports.absolute().glob(f"{SHOP}-*/report.html"), key=lambda path: path.stat().st_mtime)


def _schema(server: EmbeddedServer) -> str:
    dumped = subprocess.run(
        [server.binary("pg_dump"), "--schema-only", "-d", server.conninfo(SHOP)], capture_output=True, text=True, check=True
    )
    return "\n".join(line for line in dumped.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))


def _flush_logs() -> None:
    """Hand the last log lines over before the server goes."""
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=5)
