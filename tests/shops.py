"""A shop database for a test: cloned from a template, with the ways to bring it into a phase without Prefect."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection

from migration.database import Database
from migration.errors import DatabaseUnreachable
from migration.ledger import ledger, runs, safety_window
from migration.ledger.phases import Phase
from migration.ledger.runs import Run
from migration.plans import execution, plan
from migration.plans.plan import Plan
from migration.settings import Settings, database_url
from migration.sync import backfill, carry_back, catch_up, post_copy, reconcile
from migration.verbs import clean_up, deploy_schema, roll_back, switch_over
from sample.server import EmbeddedServer

#: Chunks small enough that a small sample has several. Locks are waited for as long as a busy machine may need beside a busy application,
#: which costs nothing where they are had; a test of the refusal has a patience of its own.
SETTINGS = Settings(database_url=None, chunk_blocks=64, batch_size=500, run_wait_seconds=0.5, lock_wait_seconds=120)


@dataclass
class Shop:
    """One database of a test, gone when the test is over."""

    server: EmbeddedServer
    name: str
    _sessions: list[psycopg.Connection[Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """What ARTWORK_DATABASE_URL would be."""
        return self.server.url(self.name)

    @cached_property
    def database(self) -> Database:
        """The database as our own code sees it."""
        return Database(database_url(self.url), name="test")

    def session(self, *, role: str | None = None, autocommit: bool = False) -> psycopg.Connection[Any]:
        """A session of the application's own; closed with the test."""
        connection = psycopg.connect(self.server.conninfo(self.name), autocommit=autocommit)
        self._sessions.append(connection)
        if role:
            connection.execute(f"SET {'' if autocommit else 'SESSION '}ROLE {role}")
            connection.commit()
        return connection

    @cached_property
    def sql(self) -> psycopg.Connection[Any]:
        """An autocommit session for setting things up and looking at them."""
        return self.session(autocommit=True)

    def value(self, query: str, *parameters: object) -> Any:
        """The one value that a query returns."""
        row = self.sql.execute(query, parameters or None).fetchone()
        return row[0] if row else None

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.sql.execute(query, parameters or None).fetchall()

    def schema_dump(self, *options: str) -> list[str]:
        """pg_dump --schema-only without the random \\restrict lines."""
        dumped = subprocess.run(
            [self.server.binary("pg_dump"), "--schema-only", *options, "-d", self.server.conninfo(self.name)],
            capture_output=True,
            text=True,
            check=True,
        )
        return [line for line in dumped.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]

    def close(self) -> None:
        """Close every session."""
        for session in self._sessions:
            session.close()
        if "database" in self.__dict__:
            self.database.dispose()


@contextmanager
def running(shop: Shop, verb: str = "test", *, name: str = "test-run", patience: float = SETTINGS.lock_wait_seconds) -> Iterator[Run]:
    """A run that holds the lock, as a flow would."""
    settings = SETTINGS.model_copy(update={"lock_wait_seconds": patience})
    with runs.exclusive(shop.database, settings, verb=verb, name=name, run_id="") as run:
        yield run


def planned_deployment(shop: Shop) -> Plan:
    """The plan of deploy_schema, not kept."""
    with shop.database.transaction("planning", isolation="REPEATABLE READ", transaction_read_only="on") as connection:
        return deploy_schema.plan_deployment(connection)


def accept_exposure(shop: Shop) -> None:
    """The decision without which deploy_schema is refused: registered users will see artworks of the sample that had no owner."""
    shop.database.write("creating the ledger", ledger.create)
    decide(shop, "accept_exposure", "user_gained")


def deploy(shop: Shop) -> Plan:
    """NOT_STARTED → DEPLOYED, as an operator would: with the decision that the plan asks for."""
    accept_exposure(shop)
    made = planned_deployment(shop)
    _execute(shop, made, "deploy_schema", Phase.DEPLOYED)
    return made


def withdraw(shop: Shop) -> Plan:
    """Back to NOT_STARTED, with nothing of ours left."""
    with shop.database.transaction("planning") as connection:
        made = roll_back.plan_uninstall(connection)
    _execute(shop, made, "roll_back", Phase.NOT_STARTED)
    return made


def copy(shop: Shop) -> None:
    """The backfill without a catch-up."""
    with running(shop, "migrate_data") as run:
        run.begin()
        backfill.find_quarantined(run)
        backfill.create_users(run)
        backfill.plan_chunks(run)
        list(backfill.copy_chunks(run))


def catch_up_now(shop: Shop) -> catch_up.CaughtUp:
    """Apply the log until it is drained."""
    with running(shop, "migrate_data") as run:
        run.begin()
        return catch_up.catch_up(run)


def reconcile_now(shop: Shop) -> dict[str, int]:
    """Compare every row; the counts by verdict."""
    with running(shop, "migrate_data") as run:
        run.begin()
        return reconcile.reconcile(run)


def migrate(shop: Shop) -> dict[str, int]:
    """Everything that migrate_data does but the gate, and MIGRATED after it; the counts by verdict."""
    with running(shop, "migrate_data") as run:
        run.begin()
        backfill.find_quarantined(run)
        backfill.create_users(run)
        backfill.plan_chunks(run)
        list(backfill.copy_chunks(run))
        backfill.log_missing(run)
        list(post_copy.finish_table(run, on_attempt=lambda message: None))
        catch_up.catch_up(run)
        counts = reconcile.reconcile(run)
        run.end("Completed", phase_after=Phase.MIGRATED)
        return counts


def planned_switch(shop: Shop) -> Plan:
    """The plan of switch_over, not kept."""
    with shop.database.transaction("planning", isolation="REPEATABLE READ", transaction_read_only="on") as connection:
        return switch_over.plan_switch(connection)


def planned_roll_back(shop: Shop) -> Plan:
    """The plan of roll_back(to=MIGRATED), not kept."""
    with shop.database.transaction("planning", isolation="REPEATABLE READ", transaction_read_only="on") as connection:
        return roll_back.plan_roll_back(connection)


def execute_switch(
    shop: Shop,
    made: Plan | None = None,
    *,
    patience: float = SETTINGS.lock_wait_seconds,
    meanwhile: Callable[[], object] = lambda: None,
) -> Plan:
    """MIGRATED → SWITCHED up to the commit, without what follows it; `meanwhile` happens between the catch-up and the lock."""
    made = made or planned_switch(shop)
    with running(shop, "switch_over") as run:
        run.database.write("keeping the plan", lambda connection: plan.keep(connection, made, run.name))
        run.begin(plan=made.number, approved_by="test", reason="test")

        def before_attempt() -> None:
            switch_over.catch_up_before(run)
            meanwhile()

        _locked(
            shop,
            made,
            run,
            phase_after=Phase.SWITCHED,
            looks=switch_over.LOOKS,
            patience=patience,
            before_attempt=before_attempt,
        )
    return made


def switch(shop: Shop) -> Plan:
    """MIGRATED → SWITCHED, with all that follows but the gate, which takes Great Expectations."""
    made = execute_switch(shop)
    finish_switch(shop)
    shop.database.write("closing the steps", lambda connection: ledger.close_steps(connection, "switch_over"))
    return made


def finish_switch(shop: Shop, *, patience: float = SETTINGS.lock_wait_seconds) -> list[str]:
    """The steps that follow the commit, as far as they are still to do."""
    with running(shop, "switch_over", patience=patience) as run:
        run.begin()
        return switch_over.finish(run)


def execute_roll_back(
    shop: Shop,
    made: Plan | None = None,
    *,
    patience: float = SETTINGS.lock_wait_seconds,
    meanwhile: Callable[[], object] = lambda: None,
) -> carry_back.CarriedBack:
    """SWITCHED → MIGRATED up to the commit, without what follows it; `meanwhile` happens between the carry-back and the lock."""
    made = made or planned_roll_back(shop)
    with running(shop, "roll_back") as run:
        run.database.write("keeping the plan", lambda connection: plan.keep(connection, made, run.name))
        run.begin(plan=made.number, approved_by="test", reason="test")
        carried = carry_back.carry_back(run, made)

        def before_attempt() -> None:
            carry_back.carry_back(run, made)
            meanwhile()

        _locked(shop, made, run, phase_after=Phase.MIGRATED, patience=patience, before_attempt=before_attempt)
    return carried


def switch_back(shop: Shop, made: Plan | None = None, *, patience: float = SETTINGS.lock_wait_seconds) -> carry_back.CarriedBack:
    """SWITCHED → MIGRATED, with all that follows."""
    carried = execute_roll_back(shop, made, patience=patience)
    finish_roll_back(shop)
    return carried


def finish_roll_back(shop: Shop, *, patience: float = SETTINGS.lock_wait_seconds) -> list[str]:
    """The steps that follow the commit of the way back, as far as they are still to do."""
    with running(shop, "roll_back", patience=patience) as run:
        run.begin()
        return switch_over.finish(run)


def planned_clean_up(shop: Shop) -> Plan:
    """The plan of clean_up, not kept."""
    with shop.database.transaction("planning", isolation="REPEATABLE READ", transaction_read_only="on") as connection:
        return clean_up.plan_clean_up(connection)


def make_ready(shop: Shop) -> None:
    """What clean_up waits for: the days are over by the ledger's time, verified green just now, and no archive is wanted."""
    shop.sql.execute("UPDATE artwork_migration.phase_history SET ended_at = ended_at - interval '30 days' WHERE phase_after = 'SWITCHED'")
    verify(shop)
    decide(shop, "no_archive", "accepted")


def verify(shop: Shop, *red: str) -> None:
    """A verification that has just been made."""
    with running(shop, "verify") as run:
        run.begin()
        run.database.write("noting", lambda connection: safety_window.note(connection, run.epoch, 31, red))


def decide(shop: Shop, name: str, value: str) -> None:
    """A decision in force."""
    shop.database.write(
        "deciding",
        lambda connection: ledger.decide(connection, name, value, approved_by="test", reason="test", run_name="test"),
    )


def execute_clean_up(shop: Shop, made: Plan | None = None, *, patience: float = SETTINGS.lock_wait_seconds) -> Plan:
    """SWITCHED → CLEANED up to the commit, without what follows it."""
    made = made or planned_clean_up(shop)
    with running(shop, "clean_up") as run:
        run.database.write("keeping the plan", lambda connection: plan.keep(connection, made, run.name))
        run.begin(plan=made.number, approved_by="test", reason="test")
        _locked(shop, made, run, phase_after=Phase.CLEANED, looks=(clean_up.EXPORT,), patience=patience)
    return made


def finish_clean_up(shop: Shop, folder: Path) -> list[str]:
    """What follows the commit, as far as it is still to do; the export goes into the folder."""
    from tasks.exporting import write_export

    with running(shop, "clean_up") as run:
        run.settings = SETTINGS.model_copy(update={"reports": folder})
        run.begin()
        return clean_up.finish(run, lambda one: {"path": str(write_export(one))})


def _locked(
    shop: Shop,
    made: Plan,
    run: Run,
    *,
    phase_after: Phase,
    looks: Sequence[str] = (),
    patience: float = SETTINGS.lock_wait_seconds,
    before_attempt: Callable[[], object] = lambda: None,
) -> None:
    """What the step `execute the plan` does, also in that a session lost on a busy machine is no reason to give up."""

    def enter_phase(connection: Connection) -> None:
        ledger.end_run(connection, run.epoch, outcome="Completed", phase_after=phase_after)
        after = [statement.object for statement in made.statements if statement.stage == "after"]
        ledger.note_steps_left(connection, run.epoch, [*after, *looks])

    def execute() -> None:
        execution.execute(
            shop.database,
            made.statements,
            verb=made.verb,
            action="the plan",
            patience=patience,
            before_commit=enter_phase,
            on_attempt=lambda message: None,
            before_attempt=before_attempt,
        )

    try:
        execute()
    except DatabaseUnreachable:
        with shop.database.transaction("looking whether it is done") as connection:
            done = ledger.brought_a_phase(connection, run.epoch)
        if not done:
            execute()


def _execute(shop: Shop, made: Plan, verb: str, phase_after: Phase) -> None:
    with running(shop, verb) as run:
        run.database.write("keeping the plan", lambda connection: plan.keep(connection, made, run.name))
        run.begin(plan=made.number, approved_by="test", reason="test")
        _locked(shop, made, run, phase_after=phase_after)
        execution.finish(shop.database, made.statements, verb=made.verb, patience=SETTINGS.lock_wait_seconds)
