"""The databases of a benchmark: the sample as production has it, in the phase that the benchmark measures."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
from sqlalchemy import Connection

from bench.results import tell
from flows.migrate_data import copy_into_clean_table
from migration.database import Database
from migration.ledger import ledger, runs
from migration.ledger.phases import DEPLOY_SCHEMA, MIGRATE_DATA, ROLL_BACK_TO_MIGRATED, SWITCH_OVER, Phase, Verb
from migration.ledger.runs import Approval, Run
from migration.plans.plan import Plan
from migration.settings import Settings, database_url
from migration.sync.carry_back import carry_back, carry_back_before_locks
from migration.verbs.deploy_schema import plan_deploy_schema
from migration.verbs.roll_back import plan_roll_back
from migration.verbs.switch_over import CHECKS, catch_up_before, plan_switch_over
from sample.build import Variant, build_sample
from sample.server import EmbeddedServer
from tasks.plans import execute_plan, keep_plan, read_plan
from tasks.switching import carry_back_writes, finish_steps

SETTINGS = Settings(database_url=None, lock_wait_seconds=60)
#: Every database of a benchmark begins with it.
PREFIX = "bench_"
#: The clone that a benchmark works on.
CLONE = f"{PREFIX}clone"
DECIDED = {"approved_by": "bench", "reason": "bench", "run_name": "bench"}


@contextmanager
def server() -> Iterator[EmbeddedServer]:
    """Start a server with fsync on, as in production, and delete its data at the end of the block."""
    with (
        tempfile.TemporaryDirectory(prefix="bench") as folder,
        EmbeddedServer(Path(folder) / "d", settings={"shared_buffers": "1GB", "max_wal_size": "8GB"}) as started,
    ):
        yield started


def sample(on: EmbeddedServer, rows: int) -> str:
    """Return a template in phase NOT_STARTED, created once for each number of rows."""
    return _once(on, f"{PREFIX}sample_{rows}", None, lambda name: build(on, name, rows))


def deployed(on: EmbeddedServer, rows: int) -> str:
    """Return a template in phase DEPLOYED."""
    return _once(on, f"{PREFIX}deployed_{rows}", lambda: sample(on, rows), lambda name: deploy(on, name))


def filled(on: EmbeddedServer, rows: int) -> str:
    """Return a template in phase MIGRATED; no row has been compared."""
    return _once(on, f"{PREFIX}filled_{rows}", lambda: deployed(on, rows), lambda name: fill(on, name))


def _once(on: EmbeddedServer, name: str, template: Callable[[], str] | None, change: Callable[[str], object]) -> str:
    """Create a database unless it is there: empty, or a clone of a template, and then changed. Returns its name."""
    with psycopg.connect(on.conninfo("postgres")) as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).rowcount:
            return name
    if template:
        clone(on, template(), name)
    else:
        on.create_database(name)
    begun = time.monotonic()
    change(name)
    tell(f"{name} made in {time.monotonic() - begun:.0f} s")
    return name


def clone(on: EmbeddedServer, template: str, name: str) -> None:
    """Create a database from a template, without its rows in the WAL; a database of that name is dropped."""
    on.drop_database(name)
    execute(on, "postgres", f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY", "CHECKPOINT")


@contextmanager
def cloned(on: EmbeddedServer, template: str) -> Iterator[str]:
    """Clone a template, after a checkpoint, for the time of the block."""
    clone(on, template, CLONE)
    yield CLONE
    on.drop_database(CLONE)


def execute(on: EmbeddedServer, name: str, *statements: str) -> None:
    """Execute statements, each in a transaction of its own."""
    with psycopg.connect(on.conninfo(name), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def build(on: EmbeddedServer, name: str, rows: int) -> str:
    """Create the sample in an empty database, with the decision that its deployment requires. NOT_STARTED. Returns its conninfo."""
    build_sample(on.conninfo(name), Variant.CURRENT, rows=rows)
    database = _database(on, name)
    database.write("creating the ledger", ledger.create)
    database.write("deciding", lambda connection: ledger.decide(connection, "accept_exposure", "user_gained", **DECIDED))
    database.dispose()
    return on.conninfo(name)


def deploy(on: EmbeddedServer, name: str) -> None:
    """Deploy the clean table, the capture and the write-through. NOT_STARTED → DEPLOYED."""
    with running(on, name, DEPLOY_SCHEMA) as run:
        execute_plan(run, approved(run, plan_deploy_schema))


def fill(on: EmbeddedServer, name: str) -> None:
    """Do everything that migrate_data does, except the comparison and the gates. DEPLOYED → MIGRATED."""
    with running(on, name, MIGRATE_DATA) as run:
        run.begin()
        copy_into_clean_table(run)
        run.end("Completed", phase_after=Phase.MIGRATED)


def switch_over(on: EmbeddedServer, name: str) -> tuple[float, float]:
    """Switch over without the gates. MIGRATED → SWITCHED. Returns when all attempts to switch began and ended, in seconds of the clock."""
    with running(on, name, SWITCH_OVER) as run:
        plan = approved(run, plan_switch_over)
        catch_up_before(run)
        drain = partial(catch_up_before, run)
        span = _timed(lambda: execute_plan(run, plan, checks=CHECKS, before_attempt=drain, before_locks=drain))
        finish_steps(run)
        run.database.write("closing the steps", lambda connection: ledger.close_steps(connection, SWITCH_OVER.name))
    return span


def roll_back(on: EmbeddedServer, name: str) -> tuple[float, float]:
    """Roll back the switch. SWITCHED → MIGRATED. Returns when all attempts began and ended, in seconds of the clock."""
    with running(on, name, ROLL_BACK_TO_MIGRATED) as run:
        plan = approved(run, plan_roll_back)
        carry_back_writes(run, plan)
        drain, drain_again = partial(carry_back, run, plan), partial(carry_back_before_locks, run, plan)
        span = _timed(lambda: execute_plan(run, plan, before_attempt=drain, before_locks=drain_again))
        finish_steps(run)
    return span


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    begun = time.time()
    work()
    return begun, time.time()


def approved(run: Run, make: Callable[[Connection], Plan]) -> Plan:
    """Make a plan and begin the run with its approval. Returns the plan. A benchmark ignores its blockers, which are for operators."""
    plan = keep_plan(run, read_plan(run, make))
    run.begin(Approval(plan.number, "bench", "bench"))
    return plan


@contextmanager
def running(on: EmbeddedServer, name: str, verb: Verb, **settings: object) -> Iterator[Run]:
    """Hold the lock of a run during the block, as a flow does; `settings` differ from the default."""
    database = _database(on, name)
    try:
        with runs.exclusive(database, SETTINGS.model_copy(update=settings), verb=verb, name="bench", run_id="") as run:
            yield run
    finally:
        database.dispose()


def _database(on: EmbeddedServer, name: str) -> Database:
    return Database(database_url(on.url(name)), name="bench")
