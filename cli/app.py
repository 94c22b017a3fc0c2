"""`artwork-migration`: demo, up, down, status, report, run."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import URL

from cli.up import bring_up, running_ui, take_down
from cli.verbs import exit_code, run_verb, use_running_server
from migration.database import Database
from migration.errors import BadInput, MigrationError
from migration.ledger.decisions import DecisionName
from migration.settings import Settings, read_settings, required_url
from reporting.status import read_status, status_lines

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

EXIT_CODES = "Exit codes: 0 done or planned, 1 refused or red gate, 2 wrong usage, 3 database unreachable."

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=f"Takes a live Postgres from a messy artworks table to a clean one. The database is in ARTWORK_DATABASE_URL. {EXIT_CODES}",
)
run = typer.Typer(no_args_is_help=True, help=f"Run an operator's verb. Without --plan a dangerous one only shows its plan. {EXIT_CODES}")
app.add_typer(run, name="run")
console = Console()

Plan = Annotated[str | None, typer.Option("--plan", help="the plan's number; without it nothing is changed and the plan is shown")]
ApprovedBy = Annotated[str | None, typer.Option("--approved-by", help="who approves the plan; kept in the ledger")]
Reason = Annotated[str | None, typer.Option("--reason", help="why; kept in the ledger")]


@app.command()
def demo(
    rows: Annotated[int, typer.Option(help="artworks in the sample", envvar="ROWS", min=100)] = 20_000,
    seed: Annotated[int, typer.Option(help="of the sample's data and of the application's choices")] = 1,
    until: Annotated[Literal["migrated", "switched", "cleaned"], typer.Option(help="how far to go", envvar="UNTIL")] = "cleaned",
    undo: Annotated[bool, typer.Option("--undo", help="take everything of ours out of the demo's database again")] = False,
    force: Annotated[bool, typer.Option("--force", help="with --undo, after the clean-up: remove the database as a whole")] = False,
) -> None:
    """Build a production-like database, keep an application writing to it, and take it through the whole life cycle with Prefect."""
    from cli.demo import run_demo, undo_demo

    raise typer.Exit(undo_demo(console, force=force) if undo else run_demo(console, rows=rows, seed=seed, until=until))


@app.command()
def up() -> None:
    """Have a Prefect server, its data and a worker on this machine, with every deployment. Run again, it starts only what is missing."""
    try:
        bring_up(_say)
    except MigrationError as error:
        _end_badly(error)


@app.command()
def down() -> None:
    """Stop what `up` started, and nothing else. The data stay."""
    take_down(_say)


@app.command()
def status() -> None:
    """Show the phase, what serves, the last gates, the log, and what may be run next."""
    with _asked_database() as (database, _):
        found = read_status(database)
    table = Table(show_header=False, box=None)
    for label, value in [*status_lines(found), ("Prefect UI", running_ui() or "not up on this machine")]:
        table.add_row(f"[bold]{label}[/]", value)
    console.print(table)


@app.command()
def report() -> None:
    """Write the report of the newest run that compared every row anew, from the ledger, and show where it is."""
    from reporting.pages import write_report  # a second, for the plots

    with _asked_database() as (database, settings):
        _, path = write_report(database, settings.reports)
    console.print(str(path), highlight=False, markup=False, soft_wrap=True)


@run.command("run-migration")
def run_migration() -> None:
    """Do what needs no person, and stop where one is needed: at the next plan, at a red gate, while the safety window is open."""
    _end(run_verb("run_migration"))


@run.command("deploy-schema")
def deploy_schema(plan: Plan = None, approved_by: ApprovedBy = None, reason: Reason = None) -> None:
    """Create the clean table beside the live one, with capture and write-through."""
    _end(run_verb("deploy_schema", plan=plan, approved_by=approved_by, reason=reason))


@run.command("migrate-data")
def migrate_data() -> None:
    """Create users, copy the good artworks, catch up, compare every row. Run again, it catches up."""
    _end(run_verb("migrate_data"))


@run.command("switch-over")
def switch_over(plan: Plan = None, approved_by: ApprovedBy = None, reason: Reason = None) -> None:
    """Let the clean table serve as artworks; the legacy table is kept as artworks_old."""
    _end(run_verb("switch_over", plan=plan, approved_by=approved_by, reason=reason))


@run.command("verify")
def verify() -> None:
    """Look at everything that the switch has promised, as the schedule does daily; outside the safety window there is nothing to verify."""
    _end(run_verb("verify"))


@run.command("roll-back")
def roll_back(
    to: Annotated[str, typer.Option(help="the phase to go back to: MIGRATED (after the switch) or NOT_STARTED")] = "NOT_STARTED",
    plan: Plan = None,
    approved_by: ApprovedBy = None,
    reason: Reason = None,
) -> None:
    """Let the legacy table serve again, or take everything of ours away; every write stays."""
    if to not in ("NOT_STARTED", "MIGRATED"):
        _end_badly(BadInput(f"There is no way back to {to}; --to takes MIGRATED or NOT_STARTED. Nothing was changed."))
    _end(run_verb("roll_back", to=to, plan=plan, approved_by=approved_by, reason=reason))


@run.command("clean-up")
def clean_up(plan: Plan = None, approved_by: ApprovedBy = None, reason: Reason = None) -> None:
    """Take the retired table away, and everything of ours but the record. There is no way back from it."""
    _end(run_verb("clean_up", plan=plan, approved_by=approved_by, reason=reason))


@run.command("decide")
def decide(
    name: Annotated[DecisionName, typer.Argument(help="which choice")],
    value: Annotated[str, typer.Argument(help="the choice")],
    approved_by: Annotated[str, typer.Option("--approved-by", help="who decides; kept in the ledger")],
    reason: Annotated[str, typer.Option("--reason", help="why; kept in the ledger")],
) -> None:
    """Keep a decision in the ledger; every later plan and run reads it there."""
    _end(run_verb("decide", name=name, value=value, approved_by=approved_by, reason=reason))


def _say(label: str, text: str) -> None:
    console.print(f"[bold]{label:<16}[/]{escape(text)}", highlight=False, soft_wrap=True)


@contextmanager
def _asked_database() -> Iterator[tuple[Database, Settings]]:
    """The database of the environment and the settings; an error of ours ends the program in words, with its exit code."""
    try:
        settings = read_settings()
        database = Database(required_url(settings, _stored_url))
        try:
            yield database, settings
        finally:
            database.dispose()
    except MigrationError as error:
        _end_badly(error)


def _stored_url() -> URL | None:
    """The address in Prefect's block. Imported here, because Prefect takes seconds and a set variable needs none of it."""
    use_running_server()
    from tasks.connection_block import stored_url

    return stored_url()


def _end(state: "State[object]") -> NoReturn:
    style = "green" if state.is_completed() else "red"
    console.print(f"[bold {style}]{state.name}[/]", highlight=False)
    console.print(state.message or "", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(exit_code(state))


def _end_badly(error: MigrationError) -> NoReturn:
    console.print(f"[bold red]{error.end_state}[/]", highlight=False)
    console.print(str(error), highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(error.exit_code)


def main() -> None:
    """The console script."""
    app()
