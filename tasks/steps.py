"""How a step is declared: it is measured, retried only after a lost connection, and never cached, because the ledger has its result."""

import functools
import inspect
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

import httpx
from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import FlowRunContext, TagsContext
from prefect.logging import get_logger, get_run_logger
from prefect.tasks import exponential_backoff

from migration.errors import DatabaseUnreachable
from migration.ledger.runs import Run

P = ParamSpec("P")
R = TypeVar("R")


def in_flow() -> bool:
    """Return whether a flow is running. Tests and benchmarks call the same steps without a flow and without a Prefect server."""
    return FlowRunContext.get() is not None


def log() -> "logging.Logger | logging.LoggerAdapter[logging.Logger]":
    """Return the logger of the run, or a plain one outside a flow."""
    return get_run_logger() if in_flow() else get_logger("steps")


@contextmanager
def if_the_api_responds(key: str, level: int = logging.WARNING) -> Iterator[None]:
    """Let the run go on without the artifact or name `key` if Prefect's API does not respond: the work is in the database."""
    try:
        yield
    except httpx.HTTPError as error:
        log().log(level, "Prefect's API did not take %s (%s); the run continues without it", key, type(error).__name__)


#: How often a step is repeated after a lost connection, with pauses of some 2 and 4 s.
RETRIES = 2


def step(name: str) -> Callable[[Callable[Concatenate[Run, P], R]], Callable[Concatenate[Run, P], R]]:
    """Declare a step: a Prefect task inside a flow, a plain function outside one. `name` may have parameters of the step in braces.

    A step can be repeated at any time; conflicts in the database are retried there. `run.seconds` has the time of all its attempts.
    """

    def declare(function: Callable[Concatenate[Run, P], R]) -> Callable[Concatenate[Run, P], R]:
        @functools.wraps(function)
        def measured(run: Run, /, *args: P.args, **kwargs: P.kwargs) -> R:
            label = name.format_map(inspect.signature(function).bind(run, *args, **kwargs).arguments)
            begun = time.monotonic()
            try:
                with run.progress.step(label):
                    return function(run, *args, **kwargs)
            finally:
                run.seconds[label] = run.seconds.get(label, 0.0) + time.monotonic() - begun

        @functools.wraps(measured)
        def repeated(run: Run, /, *args: P.args, **kwargs: P.kwargs) -> R:
            for attempt in range(1, run.repeats + 1):
                try:
                    return measured(run, *args, **kwargs)
                except DatabaseUnreachable as error:
                    log().warning("%s The step is repeated.", error.what)
                    time.sleep(2**attempt)
            return measured(run, *args, **kwargs)

        as_task = task(
            name=name,
            task_run_name=name,
            retries=RETRIES + 1,  # connection_lost ends them: of the last of these, Prefect would log a traceback
            retry_delay_seconds=exponential_backoff(backoff_factor=2),
            retry_jitter_factor=0.5,
            retry_condition_fn=connection_lost,
            cache_policy=NO_CACHE,
            persist_result=False,
        )(measured)

        @functools.wraps(function)
        def task_or_function(run: Run, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if not in_flow():
                return repeated(run, *args, **kwargs)
            with TagsContext(current_tags=set()):  # for each tag of the run, a task asks the API for a slot, and fails without it
                return as_task(run, *args, **kwargs)

        return task_or_function

    return declare


def forward(name: str, work: Callable[[Run], R], message: str = "") -> Callable[[Run], R]:
    """Declare the step `name`, which does `work` and logs the `message` with the result in its braces."""

    @step(name)
    @functools.wraps(work)
    def forwarded(run: Run) -> R:
        result = work(run)
        if message:
            log().info(message.format(result))
        return result

    return forwarded


def connection_lost(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Return whether the step failed because there was no connection, and may be repeated. After any other error it would fail again."""
    if task_run.run_count > RETRIES:
        return False
    try:
        state.result()
    except DatabaseUnreachable:
        return True
    except Exception:  # noqa: BLE001 (the question is only which error it was)
        return False
    return False
