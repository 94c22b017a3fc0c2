"""What every operator verb shares: the database, the run's lock, end states in words, and the status artifact that is always there."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ParamSpec

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.exceptions import Abort
from prefect.flows import Flow
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from migration.database import Database
from migration.errors import BadInput, MigrationError
from migration.ledger import runs
from migration.ledger.phases import Phase
from migration.ledger.runs import Run
from migration.plans.plan import MEND, Plan, serving
from migration.settings import Settings, database_url, read_settings
from tasks.connection_block import stored_url
from tasks.status import publish_status

P = ParamSpec("P")


class EndedInWords(Abort):
    """The error behind a verb's end state. Prefect's engine lets an Abort pass in silence; anything else it would log with a traceback,
    and an operator would read that instead of the message.
    """

    def __init__(self, error: MigrationError) -> None:
        super().__init__(str(error))
        self.exit_code = error.exit_code


def verb(function: Callable[P, State]) -> Flow[P, State]:
    """A flow for an operator: an error of ours becomes its end state, in words and without a traceback."""

    @functools.wraps(function)
    def ending_in_words(*args: P.args, **kwargs: P.kwargs) -> State:
        try:
            return function(*args, **kwargs)
        except MigrationError as error:
            get_run_logger().error("%s: %s", error.end_state, error)
            return Failed(name=error.end_state, message=str(error), data=EndedInWords(error))

    return flow(name=function.__name__.replace("_", "-"), persist_result=False)(ending_in_words)


def open_database(verb_name: str) -> tuple[Database, Settings]:
    """The database from ARTWORK_DATABASE_URL, or else from the block `artwork-database`. Raises BadInput where neither is set."""
    settings = read_settings()
    url = database_url(settings.database_url.get_secret_value()) if settings.database_url else stored_url()
    if url is None:
        raise BadInput(
            "No database is set. Set ARTWORK_DATABASE_URL, or in Prefect a block of the type Artwork Database called artwork-database."
        )
    return Database(url, name=f"{verb_name} run {flow_run.name or 'without a name'}", attempts=settings.attempts), settings


@contextmanager
def writing(verb_name: str) -> Iterator[Run]:
    """Hold the run's lock on the database for the body of a verb.

    Raises RunInProgress, PrerequisitesNotMet (a pooler), DatabaseUnreachable.
    """
    database, settings = open_database(verb_name)
    try:
        with runs.exclusive(database, settings, verb=verb_name, name=flow_run.name or verb_name, run_id=str(flow_run.id or "")) as run:
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


def ended_like(step: State) -> State:
    """The end of a flow whose last step was this run of a verb: the same name, words and exit code.

    Another run's state itself is taken for one of several results by Prefect, which then makes an end of its own.
    """
    data = None if step.is_completed() else step.result(raise_on_failure=False)
    return State(type=step.type, name=step.name, message=step.message, data=data)


def planned(plan: Plan, written_to: Path | None) -> State:
    """The end of a run that only planned: where it can be read, then the line that runs it, or what must go first."""
    read = f"Read it in the artifact plan-{plan.number}{f' or in {written_to}' if written_to else ''}"
    return Completed(
        name="Planned",
        message=f"Plan {plan.number} of {plan.verb}: {len(plan.statements)} statements; nothing was changed. {read}{_way_on(plan)}",
    )


def _way_on(plan: Plan) -> str:
    if plan.blockers:
        return ". It is blocked:\n" + "\n".join([*(f"- {blocker}" for blocker in plan.blockers), MEND])
    return f", then run\n{plan.command}\nor, in the UI, the same form with the number, approved_by and reason."


def completed(phase: Phase, changed: str) -> State:
    """The end of a run that did its work: what changed, what serves now, what comes next."""
    return Completed(message=f"{changed} {serving(phase)}")
