"""A worker: one connection that makes jobs and runs them, with the retries of a real application."""

import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto

import psycopg

from sample.application.job import Context, Cursor, Job
from sample.application.layout import Layout, read_layout
from sample.application.rate_limit import RateLimit
from sample.application.recording import Journal, Statistics
from sample.application.shop import Shop
from sample.application.workload import next_job

ATTEMPTS = 12
RETRIED = frozenset({"40001", "40P01", "55P03", "0A000"})  # the last: the result type of a prepared statement has changed
RECONNECT_SECONDS = 30.0
NO_CONNECTION = "08006"
READ_ARTWORK = "SELECT * FROM public.artworks WHERE id = %s"


class Outcome(Enum):
    """How an attempt at a transaction ends."""

    DONE = auto()
    NOTHING_TO_DO = auto()
    REFUSED = auto()
    RETRY = auto()


@dataclass
class Attempts:
    """All attempts at one transaction. The job is made in the first attempt that reads the layout, and for that layout."""

    began: float = field(default_factory=time.time)
    layout: Layout | None = None
    job: Job | None = None
    number: int | None = None
    in_doubt: bool = False
    errors: list[str] = field(default_factory=list)


def connect(conninfo: str) -> psycopg.Connection:
    """Connect as the product's backend does: with one role for everything."""
    connection = psycopg.connect(conninfo, application_name="shop")
    connection.execute("SET ROLE service_role")
    connection.commit()
    return connection


@dataclass
class Worker:
    """One connection and its random choices. `run` ends at the limit, never within a transaction."""

    conninfo: str
    shop: Shop
    limit: RateLimit
    journal: Journal
    statistics: Statistics
    chance: random.Random
    careful: bool

    def run(self) -> None:
        """Run jobs until the limit is reached."""
        self._connection = connect(self.conninfo)
        while self.limit.acquire():
            done = False
            try:
                done = self._once()
            finally:
                self.limit.release(done=done)
        self._connection.close()

    def _once(self) -> bool:
        """Run one transaction; True if it was acknowledged. Artworks that stay in doubt are removed from the shop."""
        attempts = Attempts()
        try:
            outcome = self._try(attempts)
        finally:
            if attempts.job:
                attempts.job.release()
        if attempts.in_doubt and attempts.job and outcome is not Outcome.DONE:
            for artwork in attempts.job.artworks:
                self.shop.remove(artwork)
        return outcome is Outcome.DONE

    def _try(self, attempts: Attempts) -> Outcome:
        for attempt in range(ATTEMPTS):
            try:
                outcome = self._attempt(attempts)
            except psycopg.Error as error:
                outcome = self._failed(attempts, error)
            if outcome is not Outcome.RETRY:
                break
            time.sleep(self.chance.random() * 0.02 * (attempt + 1))
        if outcome in (Outcome.DONE, Outcome.NOTHING_TO_DO):
            self.statistics.retried_with_success(attempts.errors)
        return outcome

    def _attempt(self, attempts: Attempts) -> Outcome:
        with self._connection.cursor() as cursor:
            job = self._job(cursor, attempts)
            entry = job.perform(cursor) if job else None
        if job is None or entry is None:
            self._connection.rollback()
            self._idle(job)
            return Outcome.NOTHING_TO_DO
        attempts.number = self.journal.intend(entry)
        self._connection.commit()
        self.journal.acknowledge(attempts.number, attempts.began)
        self.statistics.committed(entry, time.time() - attempts.began)
        job.after_commit()
        return Outcome.DONE

    def _job(self, cursor: Cursor, attempts: Attempts) -> Job | None:
        """Return the job for the layout of this transaction, or None: no artwork fits, or the layout changed since an earlier attempt.

        Reading an artwork locks `artworks`, so the layout stays valid until the end. The query stays prepared until a rollback.
        """
        cursor.execute(READ_ARTWORK, (self.shop.some_id(self.chance),), prepare=True)
        layout = read_layout(cursor)
        if attempts.job is None:
            attempts.layout, attempts.job = layout, next_job(Context(self.shop, layout, self.chance, self.careful))
        return attempts.job if attempts.layout == layout else None

    def _idle(self, job: Job | None) -> None:
        if job is None:
            time.sleep(0.001)
        else:
            self.statistics.idle(job.side, job.kind)

    def _failed(self, attempts: Attempts, error: psycopg.Error) -> Outcome:
        code = error.sqlstate or NO_CONNECTION
        attempts.errors.append(code)
        self.statistics.failed(attempts.job.kind if attempts.job else "read", code, time.time() - attempts.began)
        lost = self._recover()
        if attempts.number is not None and not lost:
            self.journal.abandon(attempts.number)
        attempts.in_doubt = attempts.in_doubt or (lost and attempts.number is not None)
        attempts.number = None
        return Outcome.RETRY if lost or code in RETRIED else Outcome.REFUSED

    def _recover(self) -> bool:
        """Roll back, or connect again; True if the connection was lost. Raises if the server accepts none for RECONNECT_SECONDS."""
        with suppress(psycopg.Error):
            self._connection.rollback()
        if not self._connection.broken:
            return False
        deadline = time.monotonic() + RECONNECT_SECONDS
        while not self.limit.stopping:
            try:
                self._connection = connect(self.conninfo)
                return True
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        return True


def run_workers(workers: list[Worker], limit: RateLimit) -> list[BaseException]:
    """Run the workers in threads and return the errors that ended one; the first error stops the others."""
    errors: list[BaseException] = []

    def run(worker: Worker) -> None:
        try:
            worker.run()
        except BaseException as error:  # noqa: BLE001 (returned to the caller)
            errors.append(error)
            limit.stop()

    threads = [threading.Thread(target=run, args=(worker,), name=f"shop-{place}") for place, worker in enumerate(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():  # a join without a timeout would delay signals
            thread.join(0.2)
    return errors
