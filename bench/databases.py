"""Databases for a benchmark: the production-like sample, cloned, and with the clean schema beside it or not."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from flows.migrate_data import fill_clean_table
from migration.database import Database
from migration.ledger import runs
from migration.ledger.phases import DEPLOY_SCHEMA, MIGRATE_DATA, SWITCH_OVER, Phase, Verb
from migration.ledger.runs import Approval, Run
from migration.plans.plan import Plan
from migration.settings import Settings, database_url
from migration.verbs.deploy_schema import plan_deployment
from migration.verbs.switch_over import plan_switch
from sample.build import Variant, build_sample
from sample.server import EmbeddedServer
from tasks.plans import execute_plan, keep_plan, read_plan
from tasks.switching import drain_log

SETTINGS = Settings(database_url=None, lock_wait_seconds=60)


@contextmanager
def server() -> Iterator[EmbeddedServer]:
    """A server of its own, with fsync on as in production; its data go with it."""
    with (
        tempfile.TemporaryDirectory(prefix="bench") as folder,
        EmbeddedServer(Path(folder) / "d", settings={"shared_buffers": "1GB", "max_wal_size": "8GB"}) as it,
    ):
        yield it


def build(on: EmbeddedServer, name: str, rows: int) -> str:
    """The sample as production has it, not started; returns its conninfo."""
    on.create_database(name)
    build_sample(on.conninfo(name), Variant.CURRENT, rows=rows)
    return on.conninfo(name)


def deploy(on: EmbeddedServer, name: str) -> None:
    """NOT_STARTED → DEPLOYED: the clean table, the capture and the write-through."""
    with running(on, name, DEPLOY_SCHEMA) as run:
        execute_plan(run, approved(run, plan_deployment))


def switch(on: EmbeddedServer, name: str) -> None:
    """DEPLOYED → SWITCHED: all that migrate_data and switch_over do, except the gates."""
    with running(on, name, MIGRATE_DATA) as run:
        run.begin()
        fill_clean_table(run)
        run.end("Completed", phase_after=Phase.MIGRATED)
    with running(on, name, SWITCH_OVER) as run:
        execute_plan(run, approved(run, plan_switch), before_attempt=drain_log(run))


def approved(run: Run, make: Callable[[Connection], Plan]) -> Plan:
    """The plan of a run, approved as soon as it is made; its blockers are for operators, and a benchmark passes over them."""
    plan = keep_plan(run, read_plan(run, make))
    run.begin(Approval(plan.number, "bench", "bench"))
    return plan


@contextmanager
def running(on: EmbeddedServer, name: str, verb: Verb) -> Iterator[Run]:
    """A run that holds the lock, as a flow would."""
    database = Database(database_url(on.url(name)), name="bench")
    try:
        with runs.exclusive(database, SETTINGS, verb=verb, name="bench", run_id="") as run:
            yield run
    finally:
        database.dispose()
