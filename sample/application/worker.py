"""One connection that makes jobs and does them, retrying what real software would retry."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from sample.application.job import Desk, Job
from sample.application.layout import Layout, read_layout
from sample.application.mix import next_job
from sample.application.pace import Pace
from sample.application.recording import Figures, Journal
from sample.application.shop import Shop
from sample.entry import Entry

ATTEMPTS = 12
RETRIED = frozenset({"40001", "40P01", "55P03", "0A000"})  # the last: a cached plan whose result type has changed
LAYOUT_CHANGED = frozenset({"42883", "42P01", "42703"})
LAYOUT_SECONDS = 1.0
RECONNECT_SECONDS = 30.0
NO_CONNECTION = "08006"


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

    def run(self) -> None:
        self._connection = connect(self.conninfo)
        self._read_layout()
        while self.pace.may_go_on():
            done = self._once()
            if not done:
                self.pace.give_back()
        self._connection.close()

    def _once(self) -> bool:
        if time.monotonic() > self._layout_until:
            self._guarded(self._read_layout)
        job = next_job(Desk(self.shop, self._layout, self.chance))
        if job is None:
            time.sleep(0.001)
            return False
        try:
            return self._do(job)
        finally:
            job.release()

    def _do(self, job: Job) -> bool:
        """Whether it was acknowledged. What is in doubt at the end is forgotten by the shop, and stands so in the journal."""
        in_doubt = False
        for attempt in range(ATTEMPTS):
            started = time.monotonic()
            committing: list[int] = []
            try:
                entry = self._attempt(job, committing)
                if entry is None:
                    self.figures.idle(job.side, job.kind)
                    break
                self.figures.committed(entry, time.monotonic() - started)
                job.settle()
                return True
            except psycopg.Error as fault:
                code = fault.sqlstate or NO_CONNECTION
                self.figures.failed(job.side, job.kind, code, time.monotonic() - started)
                lost = self._recover()
                in_doubt = in_doubt or (lost and bool(committing))
                if committing and not lost:
                    self.journal.abandon(committing[0])
                if code in LAYOUT_CHANGED:
                    self._layout_until = 0.0
                if not lost and code not in RETRIED:
                    break
                time.sleep(self.chance.random() * 0.02 * (attempt + 1))
        if in_doubt:
            for artwork in job.artworks:
                self.shop.remove(artwork)
        return False

    def _attempt(self, job: Job, committing: list[int]) -> Entry | None:
        with self._connection.cursor() as cursor:
            entry = job.perform(cursor)
        if entry is None:
            self._connection.rollback()
            return None
        number = self.journal.intend(entry)
        committing.append(number)
        self._connection.commit()
        self.journal.acknowledge(number)
        return entry

    def _recover(self) -> bool:
        """Whether the connection was lost; there is a new one then, as soon as the server gives one. Raises if it gives none for long."""
        if not self._connection.broken:
            self._guarded(self._connection.rollback)
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

    def _guarded(self, act: Callable[[], object]) -> None:
        try:
            act()
        except psycopg.Error:
            if self._connection.broken:
                self._recover()
            else:
                self._connection.rollback()

    def _read_layout(self) -> None:
        self._layout: Layout = read_layout(self._connection)
        self._connection.commit()
        self._layout_until = time.monotonic() + LAYOUT_SECONDS


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
