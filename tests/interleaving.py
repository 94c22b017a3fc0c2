"""Sessions stepped by hand: a statement that must block runs in a thread, and the test goes on when the server says it waits."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg

from migration.errors import DatabaseError
from tests.databases import Shop
from tests.waiting import BOUND, wait_until

#: Statements of the application for one artwork and one user. They name ids: a sub-select would lock the table that it reads as well.
TOUCH_ARTWORK = "UPDATE public.artworks SET pet_name = pet_name WHERE id = '{artwork}'"
TOUCH_ORDER = "UPDATE public.orders SET updated_at = NOW() WHERE artwork_id = '{artwork}'"
PLACE_ORDER = "INSERT INTO public.orders (artwork_id, stripe_session_id, amount_cents) VALUES ('{artwork}', 'cs_crossed', 100)"
DELETE_USER = "DELETE FROM public.users WHERE id = '{user}'"
#: The backend ends itself as if the operator had ended it.
TERMINATED = "SELECT PG_TERMINATE_BACKEND(PG_BACKEND_PID())"


class Step:
    """Work in a thread, watched by its backend's pid or by the name of its connections; by default those of our own code."""

    def __init__(self, shop: Shop, work: Callable[[], Any], *, pid: int | None = None, name: str = "test") -> None:
        self._shop, self._pid, self._name = shop, pid, name
        self._future: Future[Any] = Future()
        threading.Thread(target=self._run, args=(work,), daemon=True).start()

    @property
    def done(self) -> bool:
        """Whether the work has ended, with or without an error."""
        return self._future.done()

    def blocks(self) -> str:
        """Wait until the server shows it waiting for a lock, and return since when its transaction is open. Fails if it ends instead."""
        since: str | None = None

        def waits() -> bool:
            nonlocal since
            since = self._waiting_since()
            return since is not None or self.done

        wait_until(waits)
        if since is None:
            raise AssertionError(f"it did not wait for a lock, it ended with {self._future.exception() or self._future.result()!r}")
        return since

    def blocks_again(self, since: str) -> None:
        """Wait until it waits for a lock in another transaction than the one open `since`: it gave up and tried again."""
        wait_until(lambda: self.blocks() != since)

    def result(self) -> Any:
        """Wait for the end; return what the work returned, or raise what it raised."""
        return self._future.result(timeout=BOUND)

    def sqlstate(self) -> str | None:
        """The SQLSTATE that the work ended with, or None if it succeeded."""
        error = self._future.exception(timeout=BOUND)
        if error is not None and not isinstance(error, psycopg.Error | DatabaseError):
            raise error
        return error.sqlstate if error is not None else None

    def abandon(self) -> None:
        """End its backend if it is still at work, so that the database can be dropped."""
        if not self.done:
            self._shop.sql.execute(f"SELECT PG_TERMINATE_BACKEND(a.pid) FROM pg_stat_activity AS a WHERE {self._mine}", self._who)
            wait_for([self._future], timeout=BOUND)

    def _run(self, work: Callable[[], Any]) -> None:
        try:
            self._future.set_result(work())
        except BaseException as error:  # noqa: BLE001 (it is handed to the test)
            self._future.set_exception(error)

    @property
    def _mine(self) -> str:
        return "a.datname = CURRENT_DATABASE() AND " + ("a.pid = %s" if self._pid else "a.application_name = %s")

    @property
    def _who(self) -> tuple[int | str]:
        return (self._pid or self._name,)

    def _waiting_since(self) -> str | None:
        question = f"SELECT a.xact_start::text FROM pg_stat_activity AS a WHERE {self._mine} AND a.wait_event_type = 'Lock'"
        row = self._shop.sql.execute(question, self._who).fetchone()
        return row[0] if row else None


def blocked_session(shop: Shop, *, role: str = "test", table: str | None = None) -> bool:
    """Whether the session of that application_name waits for a lock, on that table if one is given."""
    return bool(
        shop.value(
            "SELECT EXISTS (SELECT FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid WHERE NOT l.granted"
            " AND a.application_name = %s AND a.datname = CURRENT_DATABASE()"
            " AND (%s::text IS NULL OR l.relation = TO_REGCLASS(%s::text)))",
            role,
            table,
            table,
        )
    )


@contextmanager
def holding(shop: Shop, statement: str) -> Iterator[psycopg.Connection[Any]]:
    """A session of the web shop that has executed the statement and not ended its transaction."""
    session = shop.session()
    session.execute("SELECT set_config('application_name', 'webshop', false)")
    session.commit()
    session.execute(statement)  # type: ignore[call-overload]  # made of this test's own names
    yield session
    session.rollback()


def cross(shop: Shop, work: Callable[[], Any], first: str, then: str, waits_for: str, *, linger: float = 0.0) -> None:
    """Steer into a deadlock: the application touches one table, waits until our work waits for that one, then goes for the other."""
    artwork = shop.value("SELECT MIN(artwork_id::text) FROM public.orders")
    user = shop.value("SELECT MIN(user_id::text) FROM public.artworks")
    session = shop.session()
    session.execute(first.format(artwork=artwork, user=user))  # type: ignore[call-overload]  # made of this test's own names
    ours = Step(shop, work)
    try:
        wait_until(lambda: blocked_session(shop, table=waits_for), every=0.001)
        time.sleep(linger)
        session.execute(then.format(artwork=artwork, user=user))  # type: ignore[call-overload]  # made of this test's own names
        session.commit()
    finally:
        session.rollback()
        ours.result()


class Barrier:
    """While it is closed, whoever fires its trigger stops there: by default before each clean row. Close and open it from the test.

    `passes` is how often the trigger lets pass before it stops anybody.
    """

    def __init__(self, shop: Shop, trigger: str = "BEFORE INSERT OR UPDATE ON public.artworks_v2 FOR EACH ROW", *, passes: int = 0) -> None:
        self._keeper = shop.session(autocommit=True)
        self._table = trigger.split(" ON ")[1].split(maxsplit=1)[0]
        kind = "CONSTRAINT TRIGGER" if "DEFERRABLE" in trigger else "TRIGGER"
        self._keeper.execute(
            f"""
            CREATE SEQUENCE public.passed_barrier;
            CREATE FUNCTION public.stop_at_barrier() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE
              lock_timeout text := CURRENT_SETTING('lock_timeout');
            BEGIN
              IF NEXTVAL('public.passed_barrier') <= {passes} THEN
                RETURN NEW;
              END IF;
              -- whoever stops here is at work, for as long as the barrier is closed, even when its client has died
              PERFORM SET_CONFIG('client_connection_check_interval', '0', TRUE), SET_CONFIG('lock_timeout', '0', TRUE);
              PERFORM PG_ADVISORY_XACT_LOCK_SHARED(77);
              PERFORM SET_CONFIG('lock_timeout', lock_timeout, TRUE);
              RETURN NEW;
            END $$;
            CREATE {kind} barrier {trigger} EXECUTE FUNCTION public.stop_at_barrier();
            """
        )

    def close(self) -> None:
        """From now on writers of clean rows stop."""
        self._keeper.execute("SELECT PG_ADVISORY_LOCK(77)")

    def open(self) -> None:
        """Let those who stopped go on."""
        self._keeper.execute("SELECT PG_ADVISORY_UNLOCK(77)")

    def remove(self) -> None:
        """Take it away, so that another one may be put up; nobody stands before it."""
        self._keeper.execute(
            f"DROP TRIGGER barrier ON {self._table}; DROP FUNCTION public.stop_at_barrier(); DROP SEQUENCE public.passed_barrier"
        )

    @property
    def reached(self) -> bool:
        """Whether somebody stands before it."""
        question = (
            "SELECT EXISTS (SELECT FROM pg_locks AS l WHERE l.locktype = 'advisory' AND l.objid = 77 AND NOT l.granted"
            " AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = CURRENT_DATABASE()))"
        )
        row = self._keeper.execute(question).fetchone()
        return bool(row and row[0])


def break_function(shop: Shop, name: str, protection: str, instead: str = "") -> None:
    """Take a line of protection out of a deployed function, to show what happens without it. Fails if the line is not there."""
    source = shop.value("SELECT PG_GET_FUNCTIONDEF(CAST(%s AS regproc))", name)
    assert protection in source, f"{name} has no line {protection!r}"
    shop.sql.execute(source.replace(protection, instead))


#: Each row of the table that is written takes so many seconds.
SLOW = """
CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM PG_SLEEP({seconds}); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION public.slow()
"""
#: Changes three hundred serving artworks.
CHANGE_MANY = "UPDATE public.artworks SET pet_name = pet_name || '!' WHERE id IN (SELECT id FROM public.artworks LIMIT 300)"


@contextmanager
def repeating(shop: Shop, statement: LiteralString) -> Iterator[None]:
    """A session that executes the statement ten times a second until the end of the block."""
    session, ended = shop.session(autocommit=True), threading.Event()

    def repeat() -> None:
        while not ended.wait(0.1):
            session.execute(statement)

    with ThreadPoolExecutor(1) as pool:
        repeated = pool.submit(repeat)
        try:
            yield
        finally:
            ended.set()
        repeated.result(BOUND)
