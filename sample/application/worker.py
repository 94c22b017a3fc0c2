"""One connection that makes jobs and does them, retrying what real software would retry."""

import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto

import psycopg

from sample.application.job import Cursor, Desk, Job
from sample.application.layout import Layout, read_layout
from sample.application.mix import next_job
from sample.application.pace import Pace
from sample.application.recording import Figures, Journal
from sample.application.shop import Shop

ATTEMPTS = 12
RETRIED = frozenset({"40001", "40P01", "55P03", "0A000"})  # the last: a prepared statement whose result type has changed
RECONNECT_SECONDS = 30.0
NO_CONNECTION = "08006"
LOOK = "SELECT * FROM public.artworks WHERE id = %s"


class Outcome(Enum):
    DONE = auto()
    NOTHING_TO_DO = auto()
    REFUSED = auto()
    AGAIN = auto()


@dataclass
class Attempts:
    """All attempts at one transaction. The job is made in the first that gets as far, for the layout found there."""

    began: float = field(default_factory=time.time)
    layout: Layout | None = None
    job: Job | None = None
    number: int | None = None
    in_doubt: bool = False
    errors: list[str] = field(default_factory=list)


def connect(conninfo: str) -> psycopg.Connection:
    """As the product's backend: one role for everything."""
    connection = psycopg.connect(conninfo, application_name="shop")
    connection.execute("SET ROLE service_role")
    connection.commit()
    return connection


@dataclass
class Worker:
    """`run` returns when the pace says so, never within a transaction."""

    conninfo: str
    shop: Shop
    pace: Pace
    journal: Journal
    figures: Figures
    chance: random.Random
    careful: bool

    def run(self) -> None:
        self._connection = connect(self.conninfo)
        while self.pace.may_go_on():
            done = False
            try:
                done = self._once()
            finally:
                self.pace.over(done=done)
        self._connection.close()

    def _once(self) -> bool:
        """Whether a transaction was acknowledged. What is in doubt at the end is forgotten by the shop, and stands so in the journal."""
        mine = Attempts()
        try:
            outcome = self._try(mine)
        finally:
            if mine.job:
                mine.job.release()
        if mine.in_doubt and mine.job and outcome is not Outcome.DONE:
            for artwork in mine.job.artworks:
                self.shop.remove(artwork)
        return outcome is Outcome.DONE

    def _try(self, mine: Attempts) -> Outcome:
        for attempt in range(ATTEMPTS):
            try:
                outcome = self._attempt(mine)
            except psycopg.Error as fault:
                outcome = self._failed(mine, fault)
            if outcome is not Outcome.AGAIN:
                break
            time.sleep(self.chance.random() * 0.02 * (attempt + 1))
        if outcome in (Outcome.DONE, Outcome.NOTHING_TO_DO):
            self.figures.overcome(mine.errors)
        return outcome

    def _attempt(self, mine: Attempts) -> Outcome:
        with self._connection.cursor() as cursor:
            job = self._job(cursor, mine)
            entry = job.perform(cursor) if job else None
        if job is None or entry is None:
            self._connection.rollback()
            self._idle(job)
            return Outcome.NOTHING_TO_DO
        mine.number = self.journal.intend(entry)
        self._connection.commit()
        self.journal.acknowledge(mine.number, mine.began)
        self.figures.committed(entry, time.time() - mine.began)
        job.settle()
        return Outcome.DONE

    def _job(self, cursor: Cursor, mine: Attempts) -> Job | None:
        """Made for the tables as they are until this transaction ends: the look at an artwork holds a lock on what is called `artworks`.

        The look stays prepared on the server until a rollback. None: nothing fits, or the job was made in an earlier attempt and the
        tables are other ones now.
        """
        cursor.execute(LOOK, (self.shop.some_id(self.chance),), prepare=True)
        layout = read_layout(cursor)
        if mine.job is None:
            mine.layout, mine.job = layout, next_job(Desk(self.shop, layout, self.chance, self.careful))
        return mine.job if mine.layout == layout else None

    def _idle(self, job: Job | None) -> None:
        if job is None:
            time.sleep(0.001)
        else:
            self.figures.idle(job.side, job.kind)

    def _failed(self, mine: Attempts, fault: psycopg.Error) -> Outcome:
        code = fault.sqlstate or NO_CONNECTION
        mine.errors.append(code)
        self.figures.failed(mine.job.kind if mine.job else "look", code, time.time() - mine.began)
        lost = self._recover()
        if mine.number is not None and not lost:
            self.journal.abandon(mine.number)
        mine.in_doubt = mine.in_doubt or (lost and mine.number is not None)
        mine.number = None
        return Outcome.AGAIN if lost or code in RETRIED else Outcome.REFUSED

    def _recover(self) -> bool:
        """Whether the connection was lost; there is a new one then, as soon as the server gives one. Raises if it gives none for long."""
        with suppress(psycopg.Error):
            self._connection.rollback()
        if not self._connection.broken:
            return False
        deadline = time.monotonic() + RECONNECT_SECONDS
        while not self.pace.stopping:
            try:
                self._connection = connect(self.conninfo)
                return True
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        return True


def in_threads(workers: list[Worker], pace: Pace) -> list[BaseException]:
    """The faults that ended a worker; the first one stops the others."""
    faults: list[BaseException] = []

    def run(worker: Worker) -> None:
        try:
            worker.run()
        except BaseException as fault:  # noqa: BLE001 (handed to the caller)
            faults.append(fault)
            pace.stop()

    threads = [threading.Thread(target=run, args=(worker,), name=f"shop-{place}") for place, worker in enumerate(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():  # a plain join would keep signals waiting
            thread.join(0.2)
    return faults
