"""What all verbs share: the database, the lock of the run, the end state with its message, and the status artifact."""

import functools
import inspect
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import ParamSpec

import httpx
from prefect import flow
from prefect.client.schemas.objects import State
from prefect.exceptions import Abort, TerminationSignal
from prefect.flows import Flow
from prefect.runtime import deployment, flow_run
from prefect.settings import PREFECT_UI_URL
from prefect.states import Completed, Failed

from migration.database import Database
from migration.errors import BadInput, Blocked, DatabaseUnreachable, MigrationError, Refused, shortened
from migration.ledger import runs
from migration.ledger.phases import JOIN_COPY, Phase, Verb
from migration.ledger.runs import Run
from migration.plans.plan import FIX_HINT, serving
from migration.settings import Settings, of_database, read_settings, required_url
from reporting.descriptions import description
from reporting.plans import verdict
from reporting.status import Status, read_status
from tasks.artifacts import progress_shown, publish_status
from tasks.connection_block import chosen, chosen_database, database_of_run, for_terminal, stored_url
from tasks.ends import PLANNED
from tasks.links import key_of
from tasks.plans import OnlyPlanned
from tasks.reports import write_problems
from tasks.run_names import RunName, first_name, named, show_end
from tasks.steps import RETRIES, in_flow, log

P = ParamSpec("P")


#: What the log of a run says last that was cancelled, or whose process was asked to end.
STOPPED = "The run was cancelled or stopped. What was committed before stays; nothing is half done. To fix: run it again; it resumes."
#: The end of each description, which a deployment shows above its form.
TO_STATUS = "\n\nHow the migration stands, after the first run: [migration-status]({}/artifacts/key/migration-status)."
#: How the newest verb of this process has ended, None while it runs. The command line reports it also if Prefect's API is gone by then.
ENDED: deque[State | None] = deque(maxlen=1)


class PrefectUnreachable(MigrationError):
    """Prefect's API did not respond when the run needed it: to start a verb, or a step of one."""

    end = "Failed"

    def __init__(self) -> None:
        super().__init__(
            "Prefect's API does not respond, so the run could not continue. What was committed before stays. To fix: start Prefect's "
            "server, on this machine with `artwork-migration up`, then run it again; it resumes."
        )


class EndedWithMessage(Abort):
    """The error of a failed verb. It is an Abort, because Prefect logs any other error with a traceback that hides the message."""

    def __init__(self, error: MigrationError) -> None:
        super().__init__(for_terminal(str(error)))
        self.end, self.exit_code, self.in_name = error.end, error.exit_code, error.in_name


def verb(function: Callable[P, State]) -> Flow[P, State]:
    """Declare the flow of a verb. It ends in a state of Prefect's own, a MigrationError with its message and without a traceback.

    The kind of the end is in the run's name, and `ends.kind_of_end` returns it. Its parameter `database` is taken here: it is the same for
    every step of the run.
    """

    verb = function.__name__.replace("_", "-")

    @functools.wraps(function)
    def ending_with_message(*args: P.args, **kwargs: P.kwargs) -> State:
        parameters = inspect.signature(function).bind(*args, **kwargs).arguments
        ENDED.append(None)
        database, refusal = _database(str(parameters.get("database") or ""))
        with chosen(database), named(verb, parameters) as name:
            try:
                if refusal:
                    raise refusal
                state = function(*args, **kwargs)
            except OnlyPlanned as end:
                state = _planned(name, end)
            except MigrationError as error:
                state = _failed(name, error)
            except (TerminationSignal, KeyboardInterrupt):
                name.show("stopped")
                log().warning(STOPPED)
                raise
            except Exception as error:
                if not api_is_away(error):
                    raise
                state = _failed(name, PrefectUnreachable())
            state.message = for_terminal(state.message or "") or None
            ENDED.append(state)
            return state

    beside_the_form = description(function.__doc__) + TO_STATUS.format(PREFECT_UI_URL.value() or "")
    return flow(name=verb, description=beside_the_form, persist_result=False)(ending_with_message)


def api_is_away(error: BaseException) -> bool:
    """Return whether Prefect raised this because its API does not respond: before a run begins, it is a RuntimeError."""
    return isinstance(error, httpx.HTTPError) or (isinstance(error, RuntimeError) and "reach API" in str(error))


def _database(given: str) -> tuple[str, Exception | None]:
    """Return the name of the run's database, and the error of one that cannot be used, with which the run ends under its name."""
    try:
        return database_of_run(given), None
    except Exception as error:  # noqa: BLE001 (the run raises it again)
        return "", error


def _failed(name: RunName, error: MigrationError) -> State:
    """Return the end state of a run that was stopped by this error; all its problems are written to a file."""
    if isinstance(error, Refused):
        error.listed_in = write_problems(of_database(read_settings(), chosen_database()).reports, error.list_name, error.problems)
    if not isinstance(error, PrefectUnreachable):
        name.show(error.in_name)
    log().error("%s: %s", error.end, EndedWithMessage(error))
    return end_of(error)


def end_of(error: MigrationError) -> State:
    """Return the state that says this error."""
    return Failed(message=shortened(for_terminal(error.brief)), data=EndedWithMessage(error))


def open_database(verb_name: str) -> tuple[Database, Settings]:
    """Return the database to migrate, and the settings. Raises BadInput if no database is set, or `require_lasting_reports` does."""
    settings = of_database(read_settings(), chosen_database())
    require_lasting_reports(settings)
    name = f"{verb_name} run {first_name()}"
    url = required_url(settings, stored_url)
    return Database(url, name=name, attempts=settings.attempts, work_mem=settings.work_mem), settings


def require_lasting_reports(settings: Settings) -> None:
    """Raise BadInput if a worker is to write reports to a relative path: Prefect chooses the folder of its runs, and may delete it."""
    if deployment.id and not settings.reports.is_absolute():
        raise BadInput(
            f"The worker has no absolute path for the reports: ARTWORK_REPORTS is `{settings.reports}`, in a folder that Prefect chooses"
            " for the run and may delete. Nothing was changed. To fix: set ARTWORK_REPORTS of the worker to the absolute path of a folder,"
            " start the worker again, then run the verb again."
        )


def writing(verb: Verb) -> AbstractContextManager[Run]:
    """Hold the lock of the run during the block. At its end, publish the status; after an error, record the outcome too.

    Raises RunInProgress, PrerequisitesNotMet (a pooler) or DatabaseUnreachable.
    """
    return _at_work(verb, runs.exclusive)


def joining() -> AbstractContextManager[Run]:
    """Like `writing`, for a run that holds no lock and whose outcome only Prefect records. Raises PrerequisitesNotMet or the like."""
    return _at_work(JOIN_COPY, runs.beside)


@contextmanager
def _at_work(verb: Verb, begin: Callable[..., AbstractContextManager[Run]]) -> Iterator[Run]:
    database, settings = open_database(verb.name)
    try:
        with begin(database, settings, verb=verb, name=first_name(), run_id=str(flow_run.id or "")) as run:
            run.repeats = RETRIES
            run.warn = lambda message: log().warning(for_terminal(message))  # the logger is that of the step which waits
            try:
                with progress_shown(run.progress):
                    yield run
            except Exception as error:
                end = _own_error(run, error)
                if end is None:
                    raise
                if run.epoch and not run.joined:
                    with suppress(MigrationError):  # the first error is the one to raise; without the ledger the run shows as not ended
                        run.end(end.end)
                raise end from None
    finally:
        publish_status(database)
        database.dispose()


def _own_error(run: Run, error: Exception) -> MigrationError | None:
    """Return the error with which the run ends because of this one; None if it is a defect, which must not look like an end."""
    if isinstance(error, DatabaseUnreachable):
        return run.interrupted(error)
    if api_is_away(error):
        return PrefectUnreachable()
    return error if isinstance(error, MigrationError) else None


def current_status() -> Status:
    """Return the status of the database to migrate. Raises BadInput or DatabaseUnreachable. Takes no lock."""
    database, _ = open_database("run-migration")
    try:
        return read_status(database)
    finally:
        database.dispose()


def ended_like(step: State) -> State:
    """Return the end state of a flow whose last verb ended in `step`, with the same kind, message and exit code.

    A flow that returned the state itself would end in a summary of Prefect's own.
    """
    data = step.result(raise_on_failure=False)
    show_end(getattr(data, "in_name", "planned" if data == PLANNED else ""))
    return State(type=step.type, name=step.name, message=step.message, data=data)


def completed(phase: Phase, changed: str) -> State:
    """Return the end state of a run that is done: what changed, what serves now, what can be run next."""
    return Completed(message=f"{changed} {serving(phase)}")


def _planned(name: RunName, end: OnlyPlanned) -> State:
    """Return the end state of a run that only planned: where to read the plan, and how to run it. A plan with blockers is a failure."""
    plan = end.plan
    name.about = f"plan {plan.number}"
    artifact = f"the artifact {key_of(f'plan-{plan.number}')}" if in_flow() else ""
    read = f"Read it in {' or in '.join(filter(None, [artifact, str(end.path or '')]))}"
    text = verdict(plan).replace("**", "")  # the message of a state is no markdown
    if plan.blockers:
        return _failed(
            name, Blocked(str(plan.verb), plan.number, plan.blockers, state=f"Nothing was changed. {text.strip()} {read}.", hint=FIX_HINT)
        )
    name.show()
    # nothing follows the address: Prefect's page of the log would take a full stop for its last character
    filled_in = f"open the form with this number filled in: {end.form}"
    form = f"\nor in the UI {filled_in if end.form else 'fill in the same form with plan, approved_by and reason.'}" if in_flow() else ""
    return Completed(
        message=f"{text}Plan {plan.number} of {plan.verb}: {len(plan.statements)} statements; nothing was changed. {read}, then run\n"
        f"{plan.command}{form}",
        data=PLANNED,
    )
