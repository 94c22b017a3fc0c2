"""`python -m tests.adversary.writer`: the adversarial writer as a process of its own, with many connections. Commands come on its stdin.

`pause` is answered when no transaction is open, `resume` and `phase NAME` at once, `stop` after the summary was written.
"""

import argparse
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import IsolationLevel

from tests.adversary.journal import OUTCOMES, Journal
from tests.adversary.layout import read_layout
from tests.adversary.pool import Pool
from tests.adversary.writes import KINDS, OF_USERS, Kind, Transaction

#: What an application repeats.
REPEATED = frozenset({"40001", "40P01", "0A000", "55P03", "57014"})
ATTEMPTS = 6
LEVELS = {IsolationLevel.READ_COMMITTED: 60, IsolationLevel.REPEATABLE_READ: 25, IsolationLevel.SERIALIZABLE: 15}
NO_CONNECTION = "08006"


@dataclass
class Record:
    """What is counted: commits by kind, errors by relation and kind, and the slowest statement of each phase with its kind."""

    phase: str = "-"
    committed: Counter[str] = field(default_factory=Counter)
    errors: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    slowest: dict[str, tuple[float, str]] = field(default_factory=dict)
    late: Counter[str] = field(default_factory=Counter)
    statements: Counter[str] = field(default_factory=Counter)
    crashed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def done(self, phase: str, kinds: str, seconds: list[float]) -> None:
        """Count the statements of a transaction in the phase in which it began."""
        with self.lock:
            self.statements[phase] += len(seconds)
            self.late[phase] += sum(1 for one in seconds if one > 0.1)
            self.slowest[phase] = max(self.slowest.get(phase, (0.0, "")), (max(seconds, default=0.0), kinds))

    def failed(self, relation: str, kind: str, code: str) -> None:
        """Count an error."""
        with self.lock:
            self.errors[relation, kind, code] += 1

    def summary(self) -> dict[str, Any]:
        """Return everything as JSON."""
        return {
            "transactions": self.committed.total(),
            "committed": dict(self.committed),
            "errors": [[*names, count] for names, count in sorted(self.errors.items())],
            "slowest": self.slowest,
            "late": dict(self.late),
            "statements": dict(self.statements),
            "crashed": self.crashed,
        }


@dataclass
class Writer:
    """The connections of one database, what they share, and the gate at which they stop."""

    conninfo: str
    seed: int
    legacy: int
    pool: Pool
    journal: Journal
    kinds: Mapping[Kind, float]
    think: float
    orderly: bool
    record: Record = field(default_factory=Record)
    stopping: threading.Event = field(default_factory=threading.Event)
    moving: threading.Event = field(default_factory=threading.Event)
    _open: int = 0
    _free: threading.Condition = field(default_factory=threading.Condition)

    def start(self, connections: int) -> list[threading.Thread]:
        """Start the connections; they write from `resume` on."""
        threads = [threading.Thread(target=self._keep_writing, args=(number,), daemon=True) for number in range(connections)]
        for thread in threads:
            thread.start()
        return threads

    def pause(self) -> None:
        """Return when no transaction is open; nobody begins another one."""
        self.moving.clear()
        with self._free:
            self._free.wait_for(lambda: self._open == 0)

    def _keep_writing(self, number: int) -> None:
        session, turn = None, 0
        while not self.stopping.is_set():
            if not self.moving.wait(0.2):
                continue
            with self._free:
                self._open += 1
            try:
                session = session if session and not session.broken else self._connect(number)
                turn += 1
                self._transaction(session, f"{self.seed}/{number}/{turn}")
                time.sleep(random.expovariate(1 / self.think))
            except psycopg.OperationalError:
                time.sleep(0.2)  # the server is away
            except Exception as error:  # noqa: BLE001 (the judge must know of it)
                self.record.crashed.append(f"{type(error).__name__} in connection {number}, turn {turn}: {error}")
                self.stopping.set()
            finally:
                with self._free:
                    self._open -= 1
                    self._free.notify_all()

    def _connect(self, number: int) -> psycopg.Connection[Any]:
        session = psycopg.connect(self.conninfo, application_name="adversary", autocommit=True)
        session.execute("SET ROLE service_role")
        session.autocommit = False
        session.prepare_threshold = 3 if number % 2 else None
        return session

    def _transaction(self, session: psycopg.Connection[Any], name: str) -> None:
        for _ in range(ATTEMPTS):
            attempt = Attempt(self, session, random.Random(name), name)
            try:
                attempt.run()
                return
            except psycopg.Error as error:
                code = error.sqlstate or NO_CONNECTION
                self.record.failed(attempt.relation, attempt.kind, code)
                with suppress(psycopg.Error):
                    session.rollback()
                attempt.end(committed=None if session.broken else False)
                if session.broken or code not in REPEATED:
                    return
            time.sleep(random.random() * 0.02)


class Attempt:
    """One attempt at a transaction. All its choices come from its own seed, so a repetition makes the same ones."""

    def __init__(self, writer: Writer, session: psycopg.Connection[Any], chance: random.Random, name: str) -> None:
        self._writer, self._session, self._chance, self._name = writer, session, chance, name
        self._number: int | None = None
        self._transaction: Transaction | None = None
        self.kind = "begin"

    @property
    def relation(self) -> str:
        """Return what the last statement was about."""
        return self._transaction.doing if self._transaction else ""

    def run(self) -> None:
        """Perform the transaction and end it: by a commit, or in two phases. Raises the driver's error."""
        chance, phase, shares = self._chance, self._writer.record.phase, self._writer.kinds
        kinds = chance.choices(list(shares), list(shares.values()), k=chance.choices([1, 2, 3], [60, 30, 10])[0])
        self._session.isolation_level = chance.choices(list(LEVELS), list(LEVELS.values()))[0]
        long = chance.random() < (0.4 if kinds[0] in OF_USERS else 0.05)
        names = "+".join(kind.__name__ for kind in kinds)
        with self._session.cursor() as cursor:
            if long:  # its snapshot is older than what it meets
                cursor.execute("SELECT 1")
                time.sleep(chance.uniform(0.05, 0.6))
            layout = read_layout(cursor, self._writer.legacy)
            transaction = Transaction(cursor, layout, self._writer.pool, chance, self._writer.orderly)
            self._transaction = transaction
            self._perform(transaction, kinds)
            if not transaction.effects:
                self._session.rollback()
                self._writer.record.done(phase, names, transaction.seconds)
                return
            self.kind = f"commit of {self.kind}"
            self._number = self._writer.journal.intend(transaction.effects)
            cursor.execute(f"INSERT INTO {OUTCOMES} VALUES (%s)", (self._number,))
            begun = time.monotonic()
            committed = self._commit(in_two_phases=chance.random() < 0.04)
            transaction.seconds.append(time.monotonic() - begun)
        self.end(committed=committed)
        if committed:
            self._writer.pool.learn(transaction.effects)
            self._writer.record.committed.update(kind.__name__ for kind in kinds)
        self._writer.record.done(phase, names, transaction.seconds)

    def end(self, *, committed: bool | None) -> None:
        """Write the outcome into the journal, if there is one."""
        if self._number is not None and committed is not None:
            self._writer.journal.outcome(self._number, committed=committed)
            self._number = None

    def _perform(self, transaction: Transaction, kinds: list[Kind]) -> None:
        for kind in kinds:
            self.kind = kind.__name__
            if self._chance.random() < 0.15:
                self._in_a_savepoint(transaction, kind)
            else:
                kind(transaction)

    def _in_a_savepoint(self, transaction: Transaction, kind: Any) -> None:
        before, keep = len(transaction.effects), self._chance.random() < 0.5
        with self._session.transaction(force_rollback=not keep):
            kind(transaction)
        if not keep:
            del transaction.effects[before:]

    def _commit(self, *, in_two_phases: bool) -> bool:
        if not in_two_phases:
            self._session.commit()
            return True
        gid = f"adversary {self._session.info.dbname} {self._name}/{self._number}"
        self._session.execute(f"PREPARE TRANSACTION '{gid}'")
        time.sleep(self._chance.uniform(0.0, 0.3))
        commit = self._chance.random() < 0.8
        self._session.autocommit = True
        try:
            self._session.execute(f"{'COMMIT' if commit else 'ROLLBACK'} PREPARED '{gid}'")
        finally:
            if not self._session.broken:
                self._session.autocommit = False
        return commit


def main() -> int:
    """Write until `stop` comes, or stdin ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("conninfo")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--legacy", type=int, required=True, help="the number of the legacy table in pg_class")
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--summary", type=Path, required=True)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--think", type=float, default=0.1, help="mean seconds between two transactions of a connection")
    parser.add_argument("--without", default="", help="kinds of write to leave out, with commas between")
    parser.add_argument("--orderly", action="store_true", help="keep to the order of locks of the guide for developers")
    parser.add_argument("--hot", nargs="+", help="artworks that writers compete for")
    given = parser.parse_args()
    kinds = {kind: share for kind, share in KINDS.items() if kind.__name__ not in given.without.split(",")}
    pool, journal = Pool(given.hot), Journal(given.journal)
    writer = Writer(given.conninfo, given.seed, given.legacy, pool, journal, kinds, given.think, given.orderly)
    threads = writer.start(given.connections)
    for line in sys.stdin:
        command, _, name = line.strip().partition(" ")
        if command == "resume":
            writer.moving.set()
        elif command == "pause":
            writer.pause()
        elif command == "phase":
            writer.record.phase = name
        elif command == "stop":
            break
        print(command, flush=True)
    writer.stopping.set()
    for thread in threads:
        thread.join(30)
    given.summary.write_text(json.dumps(writer.record.summary()), encoding="utf-8")
    print("stop", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
