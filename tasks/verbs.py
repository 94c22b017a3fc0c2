"""What every operator verb shares: the database, the run's lock, ends with a message, and the status artifact."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import ParamSpec

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.exceptions import Abort
from prefect.flows import Flow
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from migration.database import Database
from migration.errors import MigrationError
from migration.ledger import runs
from migration.ledger.phases import Phase, Verb
from migration.ledger.runs import Run
from migration.plans.plan import FIX_HINT, serving
from migration.settings import Settings, read_settings, required_url
from reporting.status import Status, read_status
from tasks.artifacts import publish_status
from tasks.connection_block import stored_url
from tasks.plans import OnlyPlanned

P = ParamSpec("P")


class EndedWithMessage(Abort):
    """The error behind a verb's end state. Prefect's engine lets an Abort pass without a log line.

    Anything else it would log with a traceback, and an operator would read that instead of the message.
    """

    def __init__(self, error: MigrationError) -> None:
        super().__init__(str(error))
        self.exit_code = error.exit_code


def verb(function: Callable[P, State]) -> Flow[P, State]:
    """A flow for an operator: an error of ours becomes its end state, with its message and without a traceback."""

    @functools.wraps(function)
    def ending_with_message(*args: P.args, **kwargs: P.kwargs) -> State:
        try:
            return function(*args, **kwargs)
        except OnlyPlanned as end:
            return _planned(end)
        except MigrationError as error:
            get_run_logger().error("%s: %s", error.end_state, error)
            return Failed(name=error.end_state, message=str(error), data=EndedWithMessage(error))

    return flow(name=function.__name__.replace("_", "-"), persist_result=False)(ending_with_message)


def open_database(verb_name: str) -> tuple[Database, Settings]:
    """The database to migrate and the settings. Raises BadInput where no database is configured."""
    settings = read_settings()
    name = f"{verb_name} run {flow_run.name or 'without a name'}"
    return Database(required_url(settings, stored_url), name=name, attempts=settings.attempts), settings


@contextmanager
def writing(verb: Verb) -> Iterator[Run]:
    """Hold the run's lock on the database for the body of a verb.

    Raises RunInProgress, PrerequisitesNotMet (a pooler), DatabaseUnreachable.
    """
    database, settings = open_database(verb.name)
    try:
        with runs.exclusive(database, settings, verb=verb, name=flow_run.name or verb.name, run_id=str(flow_run.id or "")) as run:
            try:
                yield run
            except MigrationError as error:
                if run.epoch:
                    with suppress(MigrationError):  # the error itself is what matters; a ledger out of reach shows the run as not ended
                        run.end(error.end_state)
                raise
    finally:
        publish_status(database)
        database.dispose()


def current_status() -> Status:
    """Read the status of the database to migrate. Raises BadInput, DatabaseUnreachable. Takes no lock."""
    database, _ = open_database("run_migration")
    try:
        return read_status(database)
    finally:
        database.dispose()


def ended_like(step: State) -> State:
    """The end of a flow whose last step was this run of a verb: the same name, message and exit code.

    Prefect takes another run's state itself for one of several results, and then makes an end of its own.
    """
    data = None if step.is_completed() else step.result(raise_on_failure=False)
    return State(type=step.type, name=step.name, message=step.message, data=data)


def completed(phase: Phase, changed: str) -> State:
    """The end of a run that did its work: what changed, what serves now, what comes next."""
    return Completed(message=f"{changed} {serving(phase)}")


def _planned(end: OnlyPlanned) -> State:
    """The end of a run that only planned: where the plan can be read, then the line that runs it, or what must be fixed first."""
    plan = end.plan
    read = f"Read it in the artifact plan-{plan.number}{f' or in {end.path}' if end.path else ''}"
    if plan.blockers:
        following = ". It is blocked:\n" + "\n".join([*(f"- {blocker}" for blocker in plan.blockers), FIX_HINT])
    else:
        following = f", then run\n{plan.command}\nor, in the UI, the same form with the number, approved_by and reason."
    message = f"Plan {plan.number} of {plan.verb}: {len(plan.statements)} statements; nothing was changed. {read}{following}"
    return Completed(name="Planned", message=message)
