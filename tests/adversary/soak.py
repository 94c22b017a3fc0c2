"""`make soak`: the life cycle again and again under the adversarial writer, while everything that can happen to a verb happens to it.

Each cycle has a database and a seed of its own, so `--seed N --cycles 1` repeats one. After an event at most one run more is needed, and
then the judge looks. What an end says is compared with what a superuser sees.
"""

import argparse
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import run
from typing import NamedTuple

import psycopg
from psycopg import sql as pgsql

from sample.server import SUPERUSER, EmbeddedServer
from tests.adversary.events import EVENTS, Scene, nothing
from tests.adversary.judge import Judge, settle
from tests.adversary.process import Load, Process
from tests.adversary.verbs import VERBS, End, Running
from tests.conftest import SETTINGS, pytest_configure
from tests.fuzz.fuzzed import OWNER, TEMPLATE, Bench

#: The order of one cycle.
WAY = (
    "deploy-schema", "migrate-data", "switch-over", "roll-back to MIGRATED", "migrate-data", "switch-over", "roll-back to MIGRATED",
    "roll-back to NOT_STARTED",
)  # fmt: skip
#: Seconds that a verb may take, whatever happens to it.
LONGEST = 300.0
#: The small disk: the sample and what a migration adds to it fit into a third of it.
DISK = "160m"
#: What an end says that leaves everything as it was.
UNCHANGED = ("Nothing was changed", "The plan changed nothing")


class Names(NamedTuple):
    """What a superuser sees of the life cycle: the numbers of the two relations, and whether the schema exists."""

    serving: int
    second: int | None
    schema: bool


class Soak:
    """One cycle."""

    def __init__(self, server: EmbeddedServer, name: str, seed: int, folder: Path, *, small_disk: Path | None, events: list[str]) -> None:
        self.server, self.name, self.folder, self.small_disk, self.seed, self.events = server, name, folder, small_disk, seed, events
        self.chance = random.Random(seed)
        self.table: Counter[tuple[str, str, str]] = Counter()
        self.failures: list[str] = []
        self.judge = Judge.begin(server.conninfo(name), folder / "journal.jsonl")
        self.durations = dict.fromkeys(VERBS, 4.0)

    def cycle(self, until: float) -> None:
        """Take the database the whole way, or until the time is over or something is wrong."""
        writer, over = Process(self.judge, self.seed, Load()), threading.Event()
        manager = threading.Thread(target=self._manage_transactions, args=(over,))
        manager.start()
        try:
            writer.tell("resume")
            for verb in WAY:
                if time.monotonic() > until or self.failures:
                    return
                self._verb(writer, verb)
            crashed = writer.summary()["crashed"]
            self.failures += [f"the writer: {what}" for what in crashed]
        finally:
            writer.kill()
            over.set()
            manager.join()

    def _manage_transactions(self, over: threading.Event) -> None:
        """Commit what sessions have prepared that died with the server, as a transaction manager does: others wait for its locks."""
        conninfo = self.server.conninfo(self.name)
        while not over.wait(1):
            with suppress(psycopg.OperationalError), psycopg.connect(conninfo, autocommit=True) as session:
                settle(session, seconds=3)

    def _verb(self, writer: Process, verb: str) -> None:
        event = self.chance.choice(self.events)
        began, before = time.monotonic(), self._names()
        running = Running(verb, self.server.url(self.name, OWNER), self.folder)
        self._happens(event, running, self.chance.uniform(0, self.durations[verb]))
        ends = [running.end(LONGEST)]
        self._compare(verb, event, ends[0], before)
        if event == "nothing":
            self.durations[verb] = time.monotonic() - began
        if not ends[0].done:
            before = self._names()
            ends.append(Running(verb, self.server.url(self.name, OWNER), self.folder).end(LONGEST))
            self._compare(verb, "the run after it", ends[1], before)
        if not self._reached(verb, ends):
            self.failures.append(f"{verb} after {event}: not done in the next run: {ends[-1].state}: {ends[-1].message[:600]}")
        states = " → ".join(end.state for end in ends)
        self.table[event, verb, states] += 1
        writer.tell("pause")
        if verb == "migrate-data" and not self.failures:
            again = Running(verb, self.server.url(self.name, OWNER), self.folder).end(LONGEST)
            self.failures += [] if again.done else [f"migrate-data while nobody writes: {again.state}: {again.message[:600]}"]
        breaches = self.judge.judge(caught_up=verb == "migrate-data" and not self.failures)
        self.failures += [f"{verb} after {event}: {breach}" for breach in breaches]
        print(f"  {time.monotonic() - began:5.1f} s  {verb:24} {event:18} {states}", flush=True)
        for end in ends:
            if not end.done and end.message:
                print(f"           {' '.join(end.message.split())[:160]}")
        writer.tell("resume")

    def _happens(self, event: str, running: Running, after: float) -> None:
        scene = Scene(self.server, self.name, OWNER, running, self.chance, str(self.small_disk))
        scene.until_done(after)
        if running.alive() or EVENTS[event] is nothing:
            EVENTS[event](scene)

    def _compare(self, verb: str, event: str, end: End, before: Names) -> None:
        """An end must be one of ours, and true."""
        if end.state in ("Traceback", "Lost", "Hung") or (end.state == "Killed" and event != "client killed"):
            self.failures.append(f"{verb} after {event}: {end.state}: {end.message[-900:]}")
        now = self._names()  # not the schema: a first plan creates it, for the ledger
        if any(words in end.message for words in UNCHANGED) and (before.serving, before.second) != (now.serving, now.second):
            self.failures.append(f"{verb} after {event}: an untrue end: {end.state}: {end.message[:400]}")
        if end.done and not self._is_there(verb):
            self.failures.append(f"{verb} after {event}: an untrue end: {end.state}, but the names did not change hands")

    def _reached(self, verb: str, ends: list[End]) -> bool:
        """A verb is done if a run says so; or if it was killed at its very end, and the next run finds the next phase."""
        return any(end.done for end in ends) or (ends[-1].message.startswith("WrongPhase") and self._is_there(verb))

    def _is_there(self, verb: str) -> bool:
        names = self._names()
        return {
            "deploy-schema": names.second is not None,
            "migrate-data": True,
            "switch-over": names.serving != self.judge.legacy,
            "roll-back to MIGRATED": names.serving == self.judge.legacy and names.second is not None,
            "roll-back to NOT_STARTED": names.second is None and not names.schema,
        }[verb]

    def keep(self) -> None:
        """Keep the journal and a dump of the database, because the next run of the seed may take another course."""
        kept = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
        shutil.copy(self.judge.journal, kept)
        dump = [self.server.binary("pg_dump"), "-d", self.server.conninfo(self.name), "-f", str(kept / "dump.sql")]
        run(dump, capture_output=True, check=False)
        print(f"What is left of it: {kept}")

    def _names(self) -> Names:
        with psycopg.connect(self.server.conninfo(self.name)) as session:
            row = session.execute(
                "SELECT TO_REGCLASS('public.artworks')::oid, TO_REGCLASS('public.artworks_v2')::oid,"
                " TO_REGNAMESPACE('artwork_migration') IS NOT NULL"
            ).fetchone()
        assert row
        return Names(*row)


def main() -> int:
    """Run cycles until the time is over; print each failure with how to repeat it, and the table. Returns 1 after a failure."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1, help="of the first cycle; each further one has the next")
    parser.add_argument("--cycles", type=int, default=1_000_000)
    parser.add_argument("--only", default="", help=f"only this event: {', '.join(EVENTS)}")
    given = parser.parse_args()
    pytest_configure()
    until, table, failures = time.monotonic() + given.minutes * 60, Counter[tuple[str, str, str]](), 0
    with _servers() as (bench, small_disk):
        for seed in range(given.seed, given.seed + given.cycles):
            if time.monotonic() > until:
                break
            print(f"cycle with seed {seed}", flush=True)
            soak = _cycle(bench, small_disk, seed, until, given.only)
            table += soak.table
            failures += bool(soak.failures)
            for failure in soak.failures:
                print(f"FAILED: {failure}")
            if soak.failures:
                print(f"To repeat it: make soak SOAK='--seed {seed} --cycles 1'", flush=True)
    _print(table)
    print(f"{table.total()} verbs, {failures} cycles with a failure")
    return 1 if failures else 0


@contextmanager
def _servers() -> Iterator[tuple[Bench, Path | None]]:
    settings = {**SETTINGS, "max_prepared_transactions": "64"}
    with tempfile.TemporaryDirectory(prefix="sk") as folder, _small_disk(Path(folder) / "small") as small_disk:
        with EmbeddedServer(Path(folder) / "d", settings=settings) as server:
            yield Bench(server), small_disk


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path | None]:
    """A file system of some megabytes, if this machine lets us mount one."""
    folder.mkdir()
    mounted = run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)], capture_output=True, check=False).returncode == 0
    if not mounted:
        print("no file system can be mounted here, so no disk will be full")
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            run(["umount", str(folder)], check=False)


def _cycle(bench: Bench, small_disk: Path | None, seed: int, until: float, only: str) -> Soak:
    name = f"soak_{seed}"
    with psycopg.connect(bench.server.conninfo(SUPERUSER), autocommit=True) as admin:
        if small_disk and not admin.execute("SELECT 1 FROM pg_tablespace WHERE spcname = 'small'").fetchone():
            folder = small_disk / "t"
            folder.mkdir()
            run(["chown", "-R", f"--reference={bench.server.data}", str(small_disk)], check=True)
            admin.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")  # type: ignore[call-overload]
        where = pgsql.SQL(" TABLESPACE small" if small_disk else "")
        names = map(pgsql.Identifier, (name, TEMPLATE))
        admin.execute(pgsql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names) + where)
        admin.execute(pgsql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(pgsql.Identifier(name), pgsql.Identifier(OWNER)))
    try:
        with tempfile.TemporaryDirectory(prefix="sr") as folder:
            events = [event for event in EVENTS if (small_disk or event != "disk full") and (not only or event == only)]
            soak = Soak(bench.server, name, seed, Path(folder), small_disk=small_disk, events=events)
            soak.cycle(until)
            if soak.failures:
                soak.keep()
            return soak
    finally:
        with psycopg.connect(bench.server.conninfo(name), autocommit=True) as last:
            settle(last)
        bench.server.drop_database(name)


def _print(table: Counter[tuple[str, str, str]]) -> None:
    rows: dict[tuple[str, str], list[str]] = {}
    for (event, verb, states), count in sorted(table.items()):
        rows.setdefault((event, verb), []).append(f"{count} × {states}")
    for (event, verb), outcomes in rows.items():
        print(f"| {event:18} | {verb:24} | {'; '.join(outcomes)} |")


if __name__ == "__main__":
    sys.exit(main())
