"""A shop database for a test: cloned from a template, with the ways to bring it into a phase without Prefect."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection

from flows.migrate_data import fill_clean_table
from migration.database import Database
from migration.errors import DatabaseUnreachable
from migration.ledger import ledger, runs, safety_window
from migration.ledger.phases import (
    CLEAN_UP,
    DEPLOY_SCHEMA,
    JOIN_COPY,
    MIGRATE_DATA,
    ROLL_BACK_TO_MIGRATED,
    ROLL_BACK_TO_NOT_STARTED,
    SWITCH_OVER,
    VERIFY,
    Phase,
    Verb,
)
from migration.ledger.runs import Approval, Run
from migration.plans.plan import Plan
from migration.settings import Settings, database_url
from migration.sync import catch_up, reconcile
from migration.sync.carry_back import CarriedBack, carry_back, carry_back_before_locks
from migration.verbs.clean_up import EXPORT, plan_clean_up
from migration.verbs.deploy_schema import plan_deploy_schema
from migration.verbs.roll_back import plan_roll_back, plan_uninstall
from migration.verbs.switch_over import CHECKS, catch_up_before, plan_switch_over
from sample.server import EmbeddedServer
from tasks import switching
from tasks.copying import copy_chunks, create_users, find_quarantined
from tasks.plans import execute_plan, finish_plan, keep_plan
from tasks.switching import carry_back_writes, finish_steps

#: Chunks small enough that a small sample has several, however long they take; one at a time, so that a test knows which are done. Locks
#: are waited for as long as a busy machine may need beside a busy application, which costs nothing where they are had; a test of the
#: refusal has a patience of its own.
SETTINGS = Settings(
    database_url=None,
    chunk_blocks=64,
    chunk_seconds=600,
    copy_connections=1,
    batch_size=500,
    run_wait_seconds=0.5,
    lock_wait_seconds=120,
)


@dataclass
class Shop:
    """One database of a test, gone when the test is over; `settings` are those of the runs on it."""

    settings = SETTINGS
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
        return Database(database_url(self.url), name="test", work_mem=self.settings.work_mem)

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
def running(
    shop: Shop, verb: Verb = MIGRATE_DATA, *, name: str = "test-run", patience: float = SETTINGS.lock_wait_seconds
) -> Iterator[Run]:
    """A run that holds the lock, as a flow would."""
    settings = shop.settings.model_copy(update={"lock_wait_seconds": patience})
    with runs.exclusive(shop.database, settings, verb=verb, name=name, run_id="") as run:
        yield run


@contextmanager
def joined(shop: Shop, *, name: str = "joined-run") -> Iterator[Run]:
    """A run in a process of its own, as it were, that has joined the copy of the one that holds the lock."""
    database = Database(database_url(shop.url), name=name)
    try:
        with runs.beside(database, shop.settings, verb=JOIN_COPY, name=name, run_id="") as run:
            run.require_phase()
            run.join()
            yield run
    finally:
        database.dispose()


def approve(run: Run, made: Plan) -> None:
    """Keep the plan and begin the run that executes it, as the flows do with an approved number."""
    keep_plan(run, made)
    run.begin(Approval(made.number, "test", "test"))


def execute(run: Run, made: Plan, **how: Any) -> None:
    """The step `execute the plan` with these parameters, once more if a busy machine has lost the session: Prefect would retry it too."""
    try:
        execute_plan(run, made, **how)
    except DatabaseUnreachable:
        execute_plan(run, made, **how)


def planned(shop: Shop, make: Callable[[Connection], Plan]) -> Plan:
    """What `make` plans for the database, in one snapshot; not kept."""
    with shop.database.transaction("planning", isolation="REPEATABLE READ") as connection:
        return make(connection)


planned_deployment = partial(planned, make=plan_deploy_schema)
planned_switch = partial(planned, make=plan_switch_over)
planned_roll_back = partial(planned, make=plan_roll_back)
planned_clean_up = partial(planned, make=plan_clean_up)


def accept_exposure(shop: Shop) -> None:
    """The decision without which deploy_schema is refused: registered users will see artworks of the sample that had no owner."""
    shop.database.write("creating the ledger", ledger.create)
    decide(shop, "accept_exposure", "user_gained")


def deploy(shop: Shop) -> Plan:
    """NOT_STARTED → DEPLOYED, as an operator would: with the decision that the plan asks for.

    Then the clean table takes an artwork without a customer's name, which legacy rejects: tests of rejected writes need such a rule, and
    deploy_schema carries over all that the sample has.
    """
    accept_exposure(shop)
    made = planned_deployment(shop)
    with running(shop, DEPLOY_SCHEMA) as run:
        approve(run, made)
        execute(run, made)
    shop.sql.execute("ALTER TABLE public.artworks_v2 ALTER COLUMN customer_name DROP NOT NULL")
    return made


def deploy_with_old_names(shop: Shop) -> Plan:
    """NOT_STARTED → DEPLOYED with the decision serve_old_names."""
    accept_exposure(shop)
    decide(shop, "serve_old_names", "yes")
    return deploy(shop)


def uninstall(shop: Shop) -> Plan:
    """Back to NOT_STARTED, with no object of the migration left."""
    made = planned(shop, plan_uninstall)
    with running(shop, ROLL_BACK_TO_NOT_STARTED) as run:
        approve(run, made)
        execute(run, made)
        finish_plan(run, made)
    return made


def copy(shop: Shop) -> None:
    """The backfill without a catch-up."""
    with running(shop) as run:
        run.begin()
        find_quarantined(run)
        create_users(run)
        copy_chunks(run)


def catch_up_now(shop: Shop) -> catch_up.CaughtUp:
    """Apply the log until it is drained."""
    with running(shop) as run:
        run.begin()
        return catch_up.catch_up(run)


def reconcile_now(shop: Shop) -> dict[str, int]:
    """Compare every row; the counts by verdict."""
    with running(shop) as run:
        run.begin()
        return reconcile.reconcile(run)


def migrate(shop: Shop) -> dict[str, int]:
    """Everything that migrate_data does except the gates, and MIGRATED after it; the counts by verdict."""
    with running(shop) as run:
        run.begin()
        counts = fill_clean_table(run)
        run.end("Completed", phase_after=Phase.MIGRATED)
        return counts["verdicts"]


def execute_switch(
    shop: Shop,
    made: Plan | None = None,
    *,
    patience: float = SETTINGS.lock_wait_seconds,
    meanwhile: Callable[[], object] | None = None,
) -> Plan:
    """MIGRATED → SWITCHED up to the commit, without what follows it; `meanwhile` happens between the last catch-up and the lock."""
    made = made or planned_switch(shop)
    with running(shop, SWITCH_OVER, patience=patience) as run:
        approve(run, made)
        drain = partial(catch_up_before, run)
        execute(run, made, checks=CHECKS, **_drained(drain, drain, meanwhile))
    return made


def switch(shop: Shop) -> Plan:
    """MIGRATED → SWITCHED, with all that follows except the gate, which takes Great Expectations."""
    made = execute_switch(shop)
    finish_switch(shop)
    shop.database.write("closing the steps", lambda connection: ledger.close_steps(connection, SWITCH_OVER.name))
    return made


def finish_switch(shop: Shop, *, patience: float = SETTINGS.lock_wait_seconds) -> list[str]:
    """The steps that follow the commit, as far as they are still to do."""
    with running(shop, SWITCH_OVER, patience=patience) as run:
        run.begin()
        return finish_steps(run)


def execute_roll_back(
    shop: Shop,
    made: Plan | None = None,
    *,
    patience: float = SETTINGS.lock_wait_seconds,
    meanwhile: Callable[[], object] | None = None,
) -> CarriedBack:
    """SWITCHED → MIGRATED up to the commit, without what follows it; `meanwhile` happens between the last carry-back and the lock."""
    made = made or planned_roll_back(shop)
    with running(shop, ROLL_BACK_TO_MIGRATED, patience=patience) as run:
        approve(run, made)
        carried = carry_back_writes(run, made)
        execute(run, made, **_drained(partial(carry_back, run, made), partial(carry_back_before_locks, run, made), meanwhile))
    return carried


def roll_back(shop: Shop, made: Plan | None = None, *, patience: float = SETTINGS.lock_wait_seconds) -> CarriedBack:
    """SWITCHED → MIGRATED, with all that follows."""
    carried = execute_roll_back(shop, made, patience=patience)
    finish_roll_back(shop)
    return carried


def finish_roll_back(shop: Shop, *, patience: float = SETTINGS.lock_wait_seconds) -> list[str]:
    """The steps that follow the commit of the rollback, as far as they are still to do."""
    with running(shop, ROLL_BACK_TO_MIGRATED, patience=patience) as run:
        run.begin()
        return finish_steps(run)


def make_ready(shop: Shop) -> None:
    """What clean_up waits for: the days are over by the ledger's time, verified green just now, and no archive is wanted."""
    shop.sql.execute("UPDATE artwork_migration.phase_history SET ended_at = ended_at - interval '30 days' WHERE phase_after = 'SWITCHED'")
    verify(shop)
    decide(shop, "no_archive", "accepted")


def verify(shop: Shop, *red: str) -> None:
    """A verification that has just been made."""
    with running(shop, VERIFY) as run:
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
    with running(shop, CLEAN_UP, patience=patience) as run:
        approve(run, made)
        execute(run, made, checks=(EXPORT,))
    return made


def finish_clean_up(shop: Shop, folder: Path) -> list[str]:
    """What follows the commit, as far as it is still to do; the export goes into the folder."""
    with running(shop, CLEAN_UP) as run:
        run.settings = SETTINGS.model_copy(update={"reports": folder})
        run.begin()
        return switching.finish_clean_up(run)


def _drained(
    drain: Callable[[], object], drain_again: Callable[[], object], meanwhile: Callable[[], object] | None
) -> dict[str, Callable[[], object]]:
    """When an attempt drains the log: before it and right before its locks, or, with `meanwhile`, only before both."""

    def drain_first() -> None:
        drain()
        if meanwhile:
            meanwhile()

    return {"before_attempt": drain_first} if meanwhile else {"before_attempt": drain, "before_locks": drain_again}
