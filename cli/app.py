"""The command line `artwork-migration`: demo, playground, up, down, register, status, doctor, report, run."""

import re
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from typing import Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from cli.notifications import undelivered
from cli.output import AsJson, console, errors_printed, print_json
from cli.prefect_server import ui_of
from cli.progress import watch_status
from cli.up import Say, bring_up, known_api, register_elsewhere, registering, take_down
from cli.verbs import EXIT_CODES, open_database, run
from migration.errors import BadInput
from migration.ledger.phases import Verb
from reporting.status import Status, read_status
from reporting.status_lines import status_lines

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help=f"Migrate a live Postgres from a messy artworks table to a clean one. ARTWORK_DATABASE_URL names the database. {EXIT_CODES}",
)
app.add_typer(run, name="run")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(version("artwork-migration"))
        raise typer.Exit


@app.callback()
def program(
    version: Annotated[bool, typer.Option("--version", help="print the version", is_eager=True, callback=_print_version)] = False,
) -> None:
    """Take the options of the program itself."""


@app.command()
def demo(
    rows: Annotated[int, typer.Option(help="number of artworks in the sample", envvar="ROWS", min=100)] = 20_000,
    seed: Annotated[int, typer.Option(help="seed of the sample data and of the application's random choices")] = 1,
    until: Annotated[Literal["migrated", "switched", "cleaned"], typer.Option(help="last phase of the demo", envvar="UNTIL")] = "cleaned",
    undo: Annotated[bool, typer.Option("--undo", help="roll the demo's database back to its first phase")] = False,
    force: Annotated[bool, typer.Option("--force", help="with --undo: delete a database that was cleaned up")] = False,
) -> None:
    """Build a production-like database, and take it through the whole life cycle while an application writes to it."""
    from cli.demo import run_demo, undo_demo

    raise typer.Exit(undo_demo(console, force=force) if undo else run_demo(console, rows=rows, seed=seed, until=until))


@app.command()
def playground(
    rows: Annotated[int, typer.Option(help="number of artworks in the sample", envvar="ROWS", min=100)] = 20_000,
    seed: Annotated[int, typer.Option(help="seed of the sample data and of the application's random choices")] = 1,
) -> None:
    """Build the demo's database and keep it running with its application, a Prefect server and a worker, until Ctrl-C."""
    from cli.playground import run_playground

    with errors_printed():
        code = run_playground(console, rows=rows, seed=seed)
    raise typer.Exit(code)


@app.command()
def up(json: AsJson = False) -> None:
    """Start a Prefect server, its database and a worker on this machine, and register all deployments. What already runs, stays."""
    _reported(bring_up, json=json)


@app.command()
def down(json: AsJson = False) -> None:
    """Stop what `up` started, and nothing else. The data stay."""
    _reported(take_down, json=json)


@app.command()
def register(json: AsJson = False) -> None:
    """Register deployments, pool, blocks and automations at the server in PREFECT_API_URL. Deployments are updated, the rest stays."""
    _reported(register_elsewhere, json=json)


@app.command()
def status(
    watch: Annotated[bool, typer.Option("--watch", help="show it until Ctrl-C, with every step of the runs that are active")] = False,
    json: AsJson = False,
) -> None:
    """Show how it stands and the next step, then phases, plans that wait, what is running, the last gates and the log."""
    with errors_printed(), open_database() as (database, _):
        if watch and json:
            raise BadInput("--watch does not end, so it is no JSON document. Nothing was changed. To fix: give one of the two.")
        api = known_api()
        ui, notifications = ui_of(api) if api else None, undelivered(api, registering(api))
        prefect = {"Prefect UI": ui or "no server is known", **({"notifications": str(notifications)} if notifications else {})}
        if json:
            print_json({**_document(read_status(database)), "prefect_ui": ui, "notifications": str(notifications or "")})
        elif watch:
            watch_status(console, database, partial(_status_table, prefect))
        else:
            console.print(_status_table(prefect, read_status(database)))


@app.command()
def doctor(json: AsJson = False) -> None:
    """Check what the verbs rely on: database, Prefect, reports. A line each: ✓, ✗ and what to do, - if it is off. It changes nothing."""
    from cli.doctor import Line, examine

    def shown(line: Line) -> Line:
        if not json:
            for number, text in enumerate(line.to_do or [line.found]):
                mark = ("✗" if line.problems else "✓" if line.good else "-") if not number else " "
                _say(f"{mark} {line.check if not number else ''}", text, width=21)
        return line

    with errors_printed():
        lines = [shown(line) for line in examine()]
    if json:
        checks = [{"check": line.check, "good": line.good, "found": line.found, "to_do": line.to_do} for line in lines]
        print_json({"good": not any(line.problems for line in lines), "checks": checks})
    raise typer.Exit(max((line.code for line in lines if line.problems), default=0))


@app.command()
def report(json: AsJson = False) -> None:
    """Write the report of the newest run that compared every row, and print its path. It is made from the ledger alone."""
    from reporting.pages import write_report  # a second, for the plots

    with errors_printed(), open_database() as (database, settings):
        _, path = write_report(database, settings.reports, settings.database)
    if json:
        print_json({"report": path})
    else:
        console.print(str(path), highlight=False, markup=False, soft_wrap=True)


def _reported(work: Callable[[Say], None], *, json: bool) -> None:
    """Do the work, and print each line as it comes, or all of them as one document with the labels as keys."""
    lines: dict[str, object] = {}

    def collect(label: str, text: str) -> None:
        lines["_".join(re.findall(r"\w+", label.lower()))] = text

    with errors_printed():
        work(collect if json else _say)
    if json:
        print_json(lines)


def _document(found: Status) -> dict[str, object]:
    step = found.next_step

    def as_document(verb: Verb) -> dict[str, object]:
        return {
            "verb": verb.name,
            "to": verb.brings if verb.takes_target else None,
            "needs_approval": verb.needs_approval,
            "command": verb.typed(step.plan if step and step.verb is verb else ""),
        }

    first = step.verb if step else None
    steps = [as_document(verb) for verb in sorted(found.next_steps, key=lambda verb: verb is not first)]
    following = {"next_step": as_document(first) if first else None, "next_steps": steps}
    return {**asdict(found), "verdict": found.verdict, "serves": found.phase.phase.serves, **following}


def _status_table(prefect: dict[str, str], found: Status) -> Table:
    table = Table("", Column(overflow="fold"), show_header=False, box=None)
    for label, value in [*status_lines(found), *prefect.items()]:
        table.add_row(Text(label, "bold"), Text(value))
    return table


def _say(label: str, text: str, width: int = 16) -> None:
    console.print(f"[bold]{label:<{width}}[/]{escape(text)}", highlight=False, soft_wrap=True)


def main() -> None:
    """Run the console script."""
    app()
