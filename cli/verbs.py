"""The operator verbs on the command line: `artwork-migration run VERB`, as the Prefect UI would run it."""

import ast
import functools
import inspect
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from sqlalchemy import URL

import flows
from cli.output import AsJson, end, errors_printed, show, steps_console
from cli.prefect_server import SETTINGS
from cli.progress import shown
from cli.up import running_api, served_reports
from migration.database import Database
from migration.errors import BadInput
from migration.ledger import decisions
from migration.ledger.decisions import DecisionName
from migration.ledger.phases import VERIFY, verb_named
from migration.ledger.runs import Approval, Run
from migration.settings import Settings, of_database, read_settings, required_url
from migration.verbs.move_customers import Choice
from reporting.descriptions import description
from tasks.ends import exit_code, kind_of_end, message, plan_named

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

EXIT_CODES = (
    "Exit codes: 0 completed or planned, 1 refused, blocked or failed, 2 wrong usage, 3 database unreachable or connection lost, "
    "4 red, 5 another session or run was at work: try again."
)

#: Set by Ctrl-C: a package that is being imported, and Prefect without its API, end with another error.
INTERRUPTED = threading.Event()

run = typer.Typer(
    no_args_is_help=True, help=f"Run an operator's verb. A verb that requires a plan only shows it if --plan is missing. {EXIT_CODES}"
)

Plan = Annotated[str, typer.Option("--plan", help="number of the plan to run; without it, the plan is shown and nothing is changed")]
ApprovedBy = Annotated[str, typer.Option("--approved-by", help="who approves the plan; recorded in the ledger")]
Reason = Annotated[str, typer.Option("--reason", help="why; recorded in the ledger")]


def verb_description(verb: str) -> str:
    """Return the description of a verb. It is read from the source of its flow, because to import Prefect takes seconds."""
    name = flows.function_of(verb)
    module = ast.parse(Path(flows.__file__).with_name(f"{name}.py").read_text(encoding="utf-8"))
    (flow,) = (node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name)
    return description(ast.get_docstring(flow))


def _verb(signature: Callable[..., None]) -> Callable[..., None]:
    """Add the command `run NAME` with the options of this function; its text and its work are those of the flow of the same name."""
    verb = signature.__name__.replace("_", "-")

    @functools.wraps(signature)
    def command(json: bool, **parameters: Any) -> None:
        del json  # `output` knows it
        with errors_printed(verb=verb):
            refuse_at_once(verb, parameters)
        use_running_server()
        from cli import prefect_outage  # slow to import, like Prefect

        prefect_outage.quieten()
        signal.signal(signal.SIGINT, interrupt)
        try:
            state = run_verb(verb, **parameters)
        except (Exception, KeyboardInterrupt) as error:
            from tasks.verbs import api_is_away

            away = api_is_away(error)
            if not away and not INTERRUPTED.is_set():
                raise
            state = prefect_outage.interrupted_end() if INTERRUPTED.is_set() else prefect_outage.own_end()
            if away:  # Ctrl-C ends a server of the run's own, too
                show(kind_of_end(state), message(state), exit_code(state), verb=verb)
                prefect_outage.leave(exit_code(state))
        end(kind_of_end(state), message(state), exit_code(state), verb=verb, plan=plan_named(state))

    declared = inspect.signature(signature)
    option = inspect.Parameter("json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=AsJson)
    command.__signature__ = declared.replace(parameters=[*declared.parameters.values(), option])  # type: ignore[attr-defined]
    command.__annotations__ = {**signature.__annotations__, "json": AsJson}
    return run.command(verb, help=verb_description(verb))(command)


@_verb
def run_migration() -> None: ...


@_verb
def deploy_schema(plan: Plan = "", approved_by: ApprovedBy = "", reason: Reason = "") -> None: ...


@_verb
def migrate_data() -> None: ...


@_verb
def join_copy() -> None: ...


@_verb
def move_customers(  # noqa: PLR0917 (the fields of the form)
    to: Annotated[Literal["clean", "legacy"] | None, typer.Option(help="table that is to serve the customers")] = None,
    percent: Annotated[float | None, typer.Option(help="share of all customers")] = None,
    emails: Annotated[str, typer.Option(help="single customers instead: e-mails, or @ and the path of a file of them")] = "",
    plan: Plan = "",
    approved_by: ApprovedBy = "",
    reason: Reason = "",
) -> None: ...


@_verb
def switch_over(plan: Plan = "", approved_by: ApprovedBy = "", reason: Reason = "") -> None: ...


@_verb
def verify() -> None: ...


@_verb
def roll_back(
    to: Annotated[Literal["MIGRATED", "NOT_STARTED"], typer.Option(help="phase to return to")],
    plan: Plan = "",
    approved_by: ApprovedBy = "",
    reason: Reason = "",
) -> None: ...


@_verb
def clean_up(plan: Plan = "", approved_by: ApprovedBy = "", reason: Reason = "") -> None: ...


@_verb
def decide(
    name: Annotated[DecisionName, typer.Argument(help="name of the decision")],
    value: Annotated[str, typer.Argument(help="value of the decision")],
    approved_by: Annotated[str, typer.Option("--approved-by", help="who decides; recorded in the ledger")],
    reason: Annotated[str, typer.Option("--reason", help="why; recorded in the ledger")],
) -> None: ...


@_verb
def pause(
    approved_by: Annotated[str, typer.Option("--approved-by", help="who pauses; recorded in the ledger")],
    reason: Annotated[str, typer.Option("--reason", help="why; recorded in the ledger")],
) -> None: ...


@_verb
def resume(
    approved_by: Annotated[str, typer.Option("--approved-by", help="who resumes; recorded in the ledger")],
    reason: Annotated[str, typer.Option("--reason", help="why; recorded in the ledger")],
) -> None: ...


def refuse_at_once(verb: str, parameters: Mapping[str, Any]) -> None:
    """Raise the error with which the verb would end before it begins: bad parameters, no database, the wrong phase. Takes no lock.

    This is before Prefect is imported, and before a run is recorded. The verb repeats the checks when it holds its lock.
    """
    if "plan" in parameters:
        Approval.given(parameters["plan"], parameters["approved_by"], parameters["reason"])
    if "emails" in parameters:
        Choice.given(parameters["to"], parameters["emails"], parameters["percent"])
    if verb == "decide":
        decisions.require_name_and_reason(parameters["approved_by"], parameters["reason"])
    with open_database() as (database, settings):
        if verb == "decide":
            with database.transaction("checking the decision", transaction_read_only="on") as connection:
                decisions.checked_value(connection, parameters["name"], parameters["value"])
        declared = verb_named(verb, parameters.get("to"))
        if declared and declared is not VERIFY:  # which has nothing to do in another phase
            run = Run(database, settings, verb=declared, name=verb, run_id="")
            if not run.has_steps_left():
                run.require_phase()


def run_verb(verb: str, indent: int = 0, /, **parameters: object) -> "State[Any]":
    """Run the flow of this verb in this process, show its steps with this `indent`, and return its end state.

    The server in PREFECT_API_URL records the run; without that setting, the server that `up` has started. If it does not respond,
    Prefect's own error is raised (`prefect_outage`). If there is neither, the ledger alone records it: Prefect would start a server for
    the time of the run, which takes longer than most verbs, and whose pages nobody would see.
    """
    use_running_server()
    from prefect.settings import PREFECT_API_URL  # a second

    with shown(steps_console(), indent):
        return flows.end_of(verb, recorded=bool(PREFECT_API_URL.value()), **parameters)


def use_running_server() -> None:
    """Make Prefect use the server in PREFECT_API_URL, or the one that `up` has started. Call it before Prefect is imported."""
    api, reports = running_api(), served_reports()
    defaults = {**SETTINGS, **({"PREFECT_API_URL": api} if api else {})}
    if reports and reports[0] == read_settings().reports.absolute():
        defaults["ARTWORK_REPORTS_URL"] = reports[1]
    defaults["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "WARNING"  # by name: a number ends all logging, the server's too
    defaults["PREFECT_CLIENT_MAX_RETRIES"] = "2"  # some 6 s; with Prefect's five, each request takes a minute while the API is away
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def interrupt(number: int, frame: object) -> None:
    """Raise KeyboardInterrupt, as Python does, and remember it."""
    INTERRUPTED.set()
    raise KeyboardInterrupt


def stored_url(name: str) -> URL | None:
    """Return the URL in Prefect's block of this name. Prefect takes a second to import, so this is not called for ARTWORK_DATABASE_URL.

    Raises BadInput if Prefect's API, which may have a block, cannot be asked.
    """
    use_running_server()
    import httpx

    from tasks import connection_block

    try:
        return connection_block.stored_url(name)
    except (httpx.HTTPError, RuntimeError):
        raise BadInput(
            "No database is set, and Prefect's API did not return the block that may have one. Nothing was changed. "
            "To fix: set ARTWORK_DATABASE_URL, or correct PREFECT_API_URL."
        ) from None


@contextmanager
def open_database() -> Iterator[tuple[Database, Settings]]:
    """Yield the database to migrate and the settings. Raises BadInput."""
    settings = read_settings()
    settings = of_database(settings, settings.database)
    database = Database(required_url(settings, stored_url))
    try:
        yield database, settings
    finally:
        database.dispose()
