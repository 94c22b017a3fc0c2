"""Locks that are not free: the application goes on, nothing is changed, and whoever stands in the way is named."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import Connection, text

from migration.database import CONNECTIONS_LOST, Database
from migration.errors import ConnectionLost
from migration.ledger import ledger
from migration.ledger.phases import Phase
from migration.lock_errors import LockNotObtained, WriteBlocked
from migration.plans import execution
from migration.plans.plan import Plan
from migration.settings import database_url
from migration.verbs import deploy_schema, roll_back
from tests.conftest import MakeShop
from tests.databases import Shop, approve, running
from tests.interleaving import DELETE_USER, PLACE_ORDER, TOUCH_ARTWORK, TOUCH_ORDER, Step, blocked_session, cross, holding
from tests.series import LONG, first, series
from tests.waiting import BOUND, wait_until

#: No name or token of it may come out in a message.
CANARY = "canary-of-the-statement"


class Verb:
    """A dangerous verb up to its execution: planned, kept, begun; `execute` may then be called again and again."""

    def __init__(self, shop: Shop, made: Plan, epoch: int, phase_after: Phase) -> None:
        self.shop = shop
        self.plan = made
        self.epoch = epoch
        self.phase_after = phase_after

    def execute(
        self,
        patience: float,
        on_attempt: Callable[[str], None] = lambda message: None,
        under_locks: Callable[[Connection], object] = lambda connection: None,
    ) -> int:
        """Execute the plan; the number of attempts it took."""

        def before_commit(connection: Connection) -> None:
            under_locks(connection)
            ledger.end_run(connection, self.epoch, outcome="Completed", phase_after=self.phase_after)

        return execution.execute(
            self.shop.database,
            self.plan.statements,
            verb=str(self.plan.verb),
            action="the plan",
            patience=patience,
            before_commit=before_commit,
            on_attempt=on_attempt,
        )

    def phase(self) -> Phase:
        """The phase in force."""
        with self.shop.database.transaction("reading the phase") as connection:
            return ledger.phase(connection).phase


@contextmanager
def begun(shop: Shop, verb: str) -> Iterator[Verb]:
    """The verb, ready to take its locks."""
    make = deploy_schema.plan_deploy_schema if verb == "deploy_schema" else roll_back.plan_uninstall
    with shop.database.transaction("planning") as connection:
        made = make(connection)
    with running(shop, made.verb, name=verb) as run:
        approve(run, made)
        yield Verb(shop, made, run.epoch, made.verb.brings)


@pytest.fixture(params=["deploy_schema", "roll_back"])
def verb(request: pytest.FixtureRequest, make_shop: MakeShop) -> Iterator[Verb]:
    """Each dangerous verb, begun on a database in the phase it starts from."""
    shop = make_shop(phase="NOT_STARTED" if request.param == "deploy_schema" else "DEPLOYED")
    with begun(shop, request.param) as it:
        yield it


class Enough(Exception):
    """The test has seen what it waited for."""


IN_THE_WAY_OF_BOTH = {
    "a write to artworks": ("public.artworks", f"UPDATE public.artworks SET pet_name = '{CANARY}' WHERE ctid = '(0,1)'"),
    "a write to orders": ("public.orders", "UPDATE public.orders SET status = status"),
    "a read of users": ("public.users", f"SELECT id FROM public.users WHERE email = '{CANARY}'"),
    "maintenance of artworks": ("public.artworks", "LOCK TABLE public.artworks IN SHARE UPDATE EXCLUSIVE MODE"),
}


@first(1)
@pytest.mark.parametrize("name", IN_THE_WAY_OF_BOTH)
def test_a_lock_that_is_not_had_changes_nothing_and_names_the_holder(verb: Verb, name: str) -> None:
    """Without a lock nothing changes, and the message has the holder's pid, application, state and table but no statement."""
    table, statement = IN_THE_WAY_OF_BOTH[name]
    phase, before = verb.phase(), verb.shop.schema_dump()
    with holding(verb.shop, statement) as session:
        with pytest.raises(LockNotObtained) as caught:
            verb.execute(patience=0)
        holder = next(holder for holder in caught.value.holders if holder.pid == session.info.backend_pid)
    assert ("webshop", "idle in transaction", table.removeprefix("public.")) == (
        holder.application,
        holder.state,
        holder.table.removeprefix("public."),
    )
    assert holder.seconds >= 0
    assert f"pid {session.info.backend_pid} (webshop, idle in transaction, open for" in str(caught.value)
    assert "with the same plan number" in str(caught.value)
    assert CANARY not in str(caught.value)
    assert "UPDATE" not in str(caught.value)
    assert caught.value.end == "Lock not obtained"
    assert (phase, before) == (verb.phase(), verb.shop.schema_dump())


def test_the_holder_of_another_role_is_named_as_far_as_it_can_be_seen(deployed: Shop) -> None:
    """Without pg_read_all_stats a holder of another role is named by pid and role, and the message says what would show more."""
    deployed.sql.execute(
        "DROP ROLE IF EXISTS keeper_of_locks; CREATE ROLE keeper_of_locks LOGIN; GRANT USAGE ON SCHEMA public TO keeper_of_locks"
    )
    try:
        seen_by = Database(database_url(deployed.server.url(deployed.name, user="keeper_of_locks")), name="test")
        with holding(deployed, "UPDATE public.artworks SET pet_name = pet_name") as session:
            (holder,) = seen_by.lock_holders(["public.artworks"])
        seen_by.dispose()
        assert f"pid {session.info.backend_pid} (role postgres, webshop, not visible) on artworks" == str(holder).replace("public.", "")
        assert "pg_read_all_stats" in str(LockNotObtained("deploy-schema", 3, [holder]))
        assert [] == deployed.database.lock_holders(["public.artworks"])
    finally:
        deployed.sql.execute("DROP OWNED BY keeper_of_locks; DROP ROLE keeper_of_locks")


def test_a_prepared_transaction_is_named_with_the_way_to_end_it(verb: Verb) -> None:
    """A transaction prepared for a two-phase commit has no pid; it is named by its own name, with COMMIT and ROLLBACK PREPARED."""
    session = verb.shop.session()
    session.execute("SAVEPOINT s; UPDATE public.artworks SET pet_name = pet_name; RELEASE s; PREPARE TRANSACTION 'sign''up'")
    try:
        with pytest.raises(LockNotObtained) as caught:
            verb.execute(patience=0)
    finally:
        verb.shop.sql.execute("ROLLBACK PREPARED 'sign''up'")
    assert ["sign'up"] == [holder.prepared for holder in caught.value.holders]
    assert "the prepared transaction 'sign''up' (role postgres, open for" in str(caught.value)
    assert "run COMMIT PREPARED 'sign''up' or ROLLBACK PREPARED 'sign''up'" in str(caught.value)
    assert "pg_terminate_backend" not in str(caught.value)


def test_a_prepared_sign_up_that_stops_a_write_is_named(deployed: Shop) -> None:
    """A write that loses every attempt to a prepared transaction names it and the way to end it, and goes on when that is gone."""
    session = deployed.session()
    session.execute("INSERT INTO public.users (email) VALUES ('prepared@example.com'); PREPARE TRANSACTION 'sign-up'")
    session.close()
    deployed.database.attempts = 2

    def sign_up() -> object:
        add = text("INSERT INTO public.users (email) VALUES ('prepared@example.com') ON CONFLICT DO NOTHING")
        return deployed.database.write("signing up", lambda connection: connection.execute(add))

    try:
        with pytest.raises(WriteBlocked) as caught:
            sign_up()
    finally:
        deployed.sql.execute("ROLLBACK PREPARED 'sign-up'")
    assert ("55P03", "Lock not obtained") == (caught.value.sqlstate, caught.value.end)
    assert str(caught.value).startswith(
        "signing up: could not lock the rows in 2 attempts (SQLSTATE 55P03). What was committed before stays;"
    )
    assert "Blocked by: the prepared transaction 'sign-up' (role postgres, open for" in str(caught.value)
    assert "To fix: run COMMIT PREPARED 'sign-up' or ROLLBACK PREPARED 'sign-up'" in str(caught.value)
    sign_up()


def test_a_write_that_loses_to_a_session_names_it(deployed: Shop) -> None:
    """A write that loses every attempt names the session that held the row all the time, and none that only reads."""
    deployed.database.attempts = 2
    update = "UPDATE public.artworks SET pet_name = pet_name WHERE ctid = '(0,1)'"
    with holding(deployed, update) as session, holding(deployed, "SELECT COUNT(*) FROM public.artworks"):
        with pytest.raises(WriteBlocked) as caught:
            deployed.database.write("writing", lambda connection: connection.execute(text(update)))
        assert [session.info.backend_pid] == [holder.pid for holder in caught.value.holders]


@pytest.mark.parametrize("name", series(IN_THE_WAY_OF_BOTH, {"a write to artworks"}))
@first(1)
def test_a_lock_that_becomes_free_is_obtained_in_a_later_attempt(verb: Verb, name: str) -> None:
    """The attempt after the holder's end succeeds with the same plan, without another start."""
    with holding(verb.shop, IN_THE_WAY_OF_BOTH[name][1]) as session:
        told: list[str] = []

        def after_two(message: str) -> None:
            told.append(message)
            if len(told) == 2:
                session.rollback()

        attempts = verb.execute(patience=BOUND, on_attempt=after_two)
    assert attempts > 2
    assert all(f"pid {session.info.backend_pid} (webshop" in message for message in told[:2])
    assert verb.phase() is verb.phase_after


@pytest.mark.parametrize("ended_by", ["its timeout", "somebody"])
@first(1)
def test_a_client_too_slow_under_the_locks_tries_again(verb: Verb, ended_by: str) -> None:
    """The server ends the transaction of a slow client, which may see no more of that than a lost connection; the next attempt succeeds."""
    late: list[int] = []

    def be_late_once(connection: Connection) -> None:
        late.append(connection.execute(text("SELECT PG_BACKEND_PID()")).scalar_one())
        if len(late) == 1 and ended_by == "its timeout":
            time.sleep(verb.shop.database.deadlock_timeout_ms / 1000 / 3)
        elif len(late) == 1:
            verb.shop.sql.execute("SELECT PG_TERMINATE_BACKEND(%s, 5000)", (late[0],))

    assert 2 <= verb.execute(patience=BOUND, under_locks=be_late_once)
    assert verb.phase() is verb.phase_after


@first(1)
def test_a_client_that_is_always_cut_off_gives_up(verb: Verb) -> None:
    """A connection that is lost under the locks again and again ends the run in words; nothing was changed."""
    before = verb.phase()
    end = "SELECT PG_TERMINATE_BACKEND(PG_BACKEND_PID())"
    messages: list[str] = []
    with pytest.raises(ConnectionLost):
        verb.execute(patience=BOUND, on_attempt=messages.append, under_locks=lambda connection: connection.execute(text(end)))
    # an attempt that was only too slow, on a busy machine, lost no connection and does not count
    lost = [message for message in messages if "was lost" in message]
    assert CONNECTIONS_LOST - 1 == len(lost)
    assert all("Nothing was changed." in message for message in lost)
    assert before is verb.phase()


@LONG
def test_a_refused_attempt_can_be_repeated_with_the_same_number(shop: Shop) -> None:
    """After an attempt without the locks nothing has changed, so the same number is still valid."""
    with begun(shop, "deploy_schema") as first, holding(shop, "UPDATE public.artworks SET pet_name = pet_name"):
        with pytest.raises(LockNotObtained):
            first.execute(patience=0)
    with begun(shop, "deploy_schema") as second:
        assert first.plan.number == second.plan.number
        assert second.execute(patience=BOUND) == 1


@first(1)
def test_the_application_goes_on_while_we_try(verb: Verb) -> None:
    """While we try, no writer waits as long as half of deadlock_timeout."""
    written: list[int] = []
    stop = threading.Event()

    def write() -> None:
        session = verb.shop.session(autocommit=True)
        session.execute("SET lock_timeout = '500ms'")  # an error here is a client that waited longer
        while not stop.is_set():
            for table in ("artworks", "orders", "users"):
                session.execute(f"UPDATE public.{table} SET updated_at = NOW() WHERE id = (SELECT MAX(id::text)::uuid FROM public.{table})")  # type: ignore[call-overload]  # made of this test's own names
            written.append(1)

    with holding(verb.shop, "UPDATE public.artworks SET pet_name = pet_name WHERE id = (SELECT MIN(id::text)::uuid FROM public.artworks)"):
        writer = Step(verb.shop, write)
        failed: list[int] = []  # writes done by the end of each failed attempt

        def after_an_attempt(_: str) -> None:
            failed.append(len(written))
            if failed[0] < failed[-1]:
                raise Enough

        with pytest.raises(Enough):
            verb.execute(patience=BOUND, on_attempt=after_an_attempt)
        stop.set()
        writer.result()


@first(1)
def test_a_write_queued_behind_us_goes_on_when_the_attempt_ends(verb: Verb) -> None:
    """A write that queues behind our lock request goes through when the attempt ends, although the holder still holds its lock."""
    table = "public.artworks"
    with holding(verb.shop, f"UPDATE {table} SET pet_name = pet_name WHERE id = (SELECT MIN(id::text)::uuid FROM {table})"):
        session = verb.shop.session(autocommit=True)
        session.execute("SELECT set_config('application_name', 'queued', false)")
        looker = verb.shop.session(autocommit=True)
        queued = threading.Event()
        seen: list[bool] = []

        def queue() -> None:
            # our request is exclusive and waits: whoever writes now queues behind it
            while not queued.is_set():
                wait_until(lambda: queued.is_set() or blocked_session(verb.shop, table=table), every=0.001)
                write = Step(
                    verb.shop,
                    lambda: session.execute(f"UPDATE {table} SET pet_name = pet_name WHERE id = (SELECT MAX(id::text)::uuid FROM {table})"),
                )  # type: ignore[call-overload]  # made of this test's own names
                while not write.done:
                    waiting = looker.execute(
                        "SELECT EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = %s AND NOT l.granted)", (session.info.backend_pid,)
                    ).fetchone()
                    seen.append(bool(waiting and waiting[0]))
                write.result()
                if any(seen):
                    queued.set()

        def after_an_attempt(_: str) -> None:
            if queued.is_set():
                raise Enough

        stepped = Step(verb.shop, queue)
        with pytest.raises(Enough):
            verb.execute(patience=BOUND, on_attempt=after_an_attempt)
        stepped.result()


# Deadlocks: the application holds one table and comes for the other while we hold that one and wait for the first


@first(1)
@pytest.mark.parametrize(
    ("first", "then", "waits_for"),
    [
        pytest.param(TOUCH_ARTWORK, PLACE_ORDER, "public.artworks", id="artworks, then orders"),
        pytest.param(TOUCH_ORDER, TOUCH_ARTWORK, "public.orders", id="orders, then artworks"),
        pytest.param(TOUCH_ARTWORK, DELETE_USER, "public.artworks", id="artworks, then users"),
        pytest.param(TOUCH_ORDER, DELETE_USER, "public.orders", id="orders, then users"),
    ],
)
def test_the_application_is_never_the_victim_of_a_deadlock(verb: Verb, first: str, then: str, waits_for: str) -> None:
    """In whatever order the application locks, we give up first: it gets no error and the server counts no deadlock."""
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = CURRENT_DATABASE()"
    before = verb.shop.value(deadlocks)
    cross(verb.shop, lambda: verb.execute(patience=BOUND), first, then, waits_for)
    assert verb.phase() is verb.phase_after
    assert before == verb.shop.value(deadlocks)


def test_without_the_budgets_the_application_would_be_the_victim(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """With time limits beyond deadlock_timeout the application's session would be cancelled as the deadlock's victim."""
    monkeypatch.setattr(execution, "LOCK_BUDGET_MS", 30_000)
    shop.database.__dict__["deadlock_timeout_ms"] = 60_000  # what our limits are made from, not the server's own setting
    with begun(shop, "deploy_schema") as verb:
        with pytest.raises(psycopg.errors.DeadlockDetected):
            # lingering, so that our own look for a deadlock has passed by then
            cross(shop, lambda: verb.execute(patience=0), TOUCH_ARTWORK, PLACE_ORDER, "public.artworks", linger=1.5)
        assert verb.phase() is Phase.DEPLOYED
