"""Two sessions stepped by hand: a statement that must block runs in a thread, and the test goes on when the server says it waits."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from typing import Any

import psycopg

from migration.errors import DatabaseError
from tests.shops import Shop

#: No step takes longer than this, however busy the machine; a test that gets here has failed.
PATIENCE = 30.0


class Step:
    """Something at work in a thread. It is watched by its backend's pid or, where it has connections of its own, by their name."""

    def __init__(self, shop: Shop, work: Callable[[], Any], *, pid: int | None = None, name: str = "") -> None:
        self._shop, self._pid, self._name = shop, pid, name
        self._future: Future[Any] = Future()
        threading.Thread(target=self._run, args=(work,), daemon=True).start()

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._future.done()

    def blocks(self) -> str:
        """Wait until the server shows it waiting for a lock, and return since when its transaction is open. Fails if it ends instead."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if since := self._waiting_since():
                return since
            wait_for([self._future], timeout=0.01)
            if self.done:
                raise AssertionError(f"it did not wait for a lock, it ended with {self._future.exception() or self._future.result()!r}")
        raise AssertionError("it neither waited for a lock nor ended")

    def blocks_again(self, since: str) -> None:
        """Wait until it waits for a lock in another transaction than the one open `since`: it gave up and tried again."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.blocks() != since:
                return
        raise AssertionError("it did not try again")

    def result(self) -> Any:
        """What it returned, when it has ended; raises what it raised."""
        return self._future.result(timeout=PATIENCE)

    def sqlstate(self) -> str | None:
        """The SQLSTATE it ended with, or None if it went well."""
        error = self._future.exception(timeout=PATIENCE)
        if error is not None and not isinstance(error, psycopg.Error | DatabaseError):
            raise error
        return error.sqlstate if error is not None else None

    def abandon(self) -> None:
        """End its backend if it is still at work, so that the database can be dropped."""
        if not self.done:
            self._shop.sql.execute(f"SELECT PG_TERMINATE_BACKEND(a.pid) FROM pg_stat_activity AS a WHERE {self._mine}", self._who)
            wait_for([self._future], timeout=PATIENCE)

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
