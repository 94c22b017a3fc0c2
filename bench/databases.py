"""Databases for a benchmark: the production-like sample, cloned, and with the clean schema beside it or not."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from migration.database import Database
from migration.ledger import ledger, runs
from migration.ledger.phases import Phase
from migration.ledger.runs import Run
from migration.plans import execution, plan
from migration.plans.plan import Plan
from migration.settings import Settings, database_url
from migration.sync import backfill, catch_up, post_copy, reconcile
from migration.verbs import deploy_schema, switch_over
from sample.build import Variant, build_sample
from sample.server import EmbeddedServer

SETTINGS = Settings(database_url=None)


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
    with running(on, name, "deploy_schema") as run:
        with run.database.transaction("planning") as connection:
            made = deploy_schema.plan_deployment(connection)
        _execute(run, made, Phase.DEPLOYED)


def switch(on: EmbeddedServer, name: str) -> None:
    """DEPLOYED → SWITCHED: all that migrate_data and switch_over do, but the gates."""
    with running(on, name, "migrate_data") as run:
        run.begin()
        backfill.find_quarantined(run)
        backfill.create_users(run)
        backfill.plan_chunks(run)
        list(backfill.copy_chunks(run))
        backfill.log_missing(run)
        list(post_copy.finish_table(run, on_attempt=print))
        catch_up.catch_up(run)
        reconcile.reconcile(run)
        run.end("Completed", phase_after=Phase.MIGRATED)
    with running(on, name, "switch_over") as run:
        with run.database.transaction("planning") as connection:
            made = switch_over.plan_switch(connection)
        # what the loads have left pending is in flight: taken along before the lock, as the flow does
        _execute(run, made, Phase.SWITCHED, before_attempt=lambda: switch_over.catch_up_before(run))


def _execute(run: Run, made: Plan, phase_after: Phase, before_attempt: Callable[[], object] = lambda: None) -> None:
    run.database.write("keeping the plan", lambda connection: plan.keep(connection, made, run.name))
    run.begin(plan=made.number, approved_by="bench", reason="bench")
    execution.execute(
        run.database,
        made.statements,
        verb=made.verb,
        action="the plan",
        patience=60,
        before_commit=lambda connection: ledger.end_run(connection, run.epoch, outcome="Completed", phase_after=phase_after),
        on_attempt=print,
        before_attempt=before_attempt,
    )


@contextmanager
def running(on: EmbeddedServer, name: str, verb: str) -> Iterator[Run]:
    """A run that holds the lock, as a flow would."""
    database = Database(database_url(on.url(name)), name="bench")
    try:
        with runs.exclusive(database, SETTINGS, verb=verb, name="bench", run_id="") as run:
            yield run
    finally:
        database.dispose()
