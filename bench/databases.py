"""The databases of a benchmark: the sample as production has it, in the phase that the benchmark measures."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from flows.migrate_data import fill_clean_table
from migration.database import Database
from migration.ledger import runs
from migration.ledger.phases import DEPLOY_SCHEMA, MIGRATE_DATA, SWITCH_OVER, Phase, Verb
from migration.ledger.runs import Approval, Run
from migration.plans.plan import Plan
from migration.settings import Settings, database_url
from migration.verbs.deploy_schema import plan_deploy_schema
from migration.verbs.switch_over import catch_up_before, plan_switch_over
from sample.build import Variant, build_sample
from sample.server import EmbeddedServer
from tasks.plans import execute_plan, keep_plan, read_plan

SETTINGS = Settings(database_url=None, lock_wait_seconds=60)


@contextmanager
def server() -> Iterator[EmbeddedServer]:
    """Start a server with fsync on, as in production, and delete its data at the end of the block."""
    with (
        tempfile.TemporaryDirectory(prefix="bench") as folder,
        EmbeddedServer(Path(folder) / "d", settings={"shared_buffers": "1GB", "max_wal_size": "8GB"}) as started,
    ):
        yield started


def build(on: EmbeddedServer, name: str, rows: int) -> str:
    """Create the sample as production has it, in phase NOT_STARTED. Returns its conninfo."""
    on.create_database(name)
    build_sample(on.conninfo(name), Variant.CURRENT, rows=rows)
    return on.conninfo(name)


def deploy(on: EmbeddedServer, name: str) -> None:
    """Deploy the clean table, the capture and the write-through. NOT_STARTED → DEPLOYED."""
    with running(on, name, DEPLOY_SCHEMA) as run:
        execute_plan(run, approved(run, plan_deploy_schema))


def switch(on: EmbeddedServer, name: str) -> None:
    """Do everything that migrate_data and switch_over do, except the gates. DEPLOYED → SWITCHED."""
    with running(on, name, MIGRATE_DATA) as run:
        run.begin()
        fill_clean_table(run)
        run.end("Completed", phase_after=Phase.MIGRATED)
    with running(on, name, SWITCH_OVER) as run:
        execute_plan(run, approved(run, plan_switch_over), before_attempt=partial(catch_up_before, run))


def approved(run: Run, make: Callable[[Connection], Plan]) -> Plan:
    """Make a plan and begin the run with its approval. Returns the plan. A benchmark ignores its blockers, which are for operators."""
    plan = keep_plan(run, read_plan(run, make))
    run.begin(Approval(plan.number, "bench", "bench"))
    return plan


@contextmanager
def running(on: EmbeddedServer, name: str, verb: Verb) -> Iterator[Run]:
    """Hold the lock of a run during the block, as a flow does."""
    database = Database(database_url(on.url(name)), name="bench")
    try:
        with runs.exclusive(database, SETTINGS, verb=verb, name="bench", run_id="") as run:
            yield run
    finally:
        database.dispose()
