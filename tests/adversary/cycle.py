"""The whole way with the adversarial writer at work: there, back, there and away, judged at every rest."""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migration.lock_errors import LockNotObtained, WriteBlocked
from tests.adversary.judge import Judge
from tests.adversary.process import Load, Pair, writers
from tests.databases import Shop, catch_up_now, deploy, execute_roll_back, migrate, roll_back, switch, uninstall
from tests.documents import DOCUMENTS, section
from tests.interleaving import holding

GUIDE = DOCUMENTS["docs/application.md"]
#: SQLSTATEs of the functions, which an untouched database does not have, and of writes by what they are to; "any" is every relation.
OF_FUNCTIONS = set(re.findall(r"\b[0-9A-Z]{5}\b", "".join(re.findall(r"^\| [0-9A-Z, ]+ \|", section(GUIDE, "Errors"), re.MULTILINE))))
OF_WRITES = {
    (code.strip(), relation.strip(" `"))
    for codes, relation in re.findall(r"^\| ([\w, ]+) \| (any|`\w+`) \|", section(GUIDE, "Writing on both sides"), re.MULTILINE)
    for code in codes.split(",")
}
#: Deadlocks are chance: the writer provokes them, one leads to the next, and the clone has as many on the average.
DEADLOCKS = (2, 10)


@dataclass
class Result:
    """What came of one seed: breaches, and what the writers counted on the database and on the clone."""

    breaches: list[str] = field(default_factory=list)
    ours: dict[str, Any] = field(default_factory=dict)
    clone: dict[str, Any] = field(default_factory=dict)

    def compare(self, *, orderly: bool) -> None:
        """Add the errors that neither the guide nor the same kind of write on the clone has; of orderly writers, too many deadlocks too."""
        known = {(kind, code) for _, kind, code, _ in self.clone["errors"]}
        for relation, kind, code, count in self.ours["errors"]:
            documented = code in OF_FUNCTIONS if "_" in relation and relation != "artworks_v2" else bool(
                {(code, relation), (code, "any")} & OF_WRITES
            )  # fmt: skip
            if (kind, code) not in known and not documented:
                self.breaches.append(f"an error that is in no document: {code} of {kind} on {relation}, {count} times")
        mine, clones = deadlocks(self.ours), deadlocks(self.clone)
        if orderly and mine > DEADLOCKS[0] * clones + DEADLOCKS[1]:
            self.breaches.append(f"{mine} deadlocks, {clones} on the clone")

    def lines(self) -> list[str]:
        """Return the slowest statement of each phase beside the clone's, and the counts."""
        phases = [
            f"{phase:24} slowest {self.ours['slowest'][phase][0]:.3f} s, clone {self.clone['slowest'].get(phase, (0.0,))[0]:.3f} s; over"
            f" 0.1 s: {self.ours['late'].get(phase, 0)} of {count}, clone {self.clone['late'].get(phase, 0)}"
            for phase, count in self.ours["statements"].items()
        ]
        counts = [
            f"{name}: {it['transactions']} transactions, {deadlocks(it)} deadlocks"
            for name, it in vars(self).items()
            if it and name != "breaches"
        ]
        return [*phases, *counts]


def deadlocks(summary: dict[str, Any]) -> int:
    """Return how often a transaction was the victim of a deadlock."""
    return sum(count for _, _, code, count in summary["errors"] if code == "40P01")


@dataclass
class Cycle:
    """One database and its untouched clone; `pace` is how many seconds are written before and after each verb."""

    shop: Shop
    clone: Shop
    folder: Path
    seed: int
    load: Load = field(default_factory=Load)
    pace: float = 1.0
    result: Result = field(default_factory=Result)

    def run(self, *, whole: bool) -> Result:
        """Take the database there and back, and with `whole` there and away too. Returns what was found."""
        judges = [Judge.begin(shop.server.conninfo(shop.name), self.folder / f"{shop.name}.jsonl") for shop in (self.shop, self.clone)]
        self._judges = judges
        with writers(*judges, self.seed, self.load) as pair:
            self._there_and_back(pair, whole=whole)
            if whole:
                self._there_and_away(pair)
            self.result.breaches += [f"on the clone: {breach}" for breach in judges[1].judge()]
            self.result.ours, self.result.clone = pair.ours.summary(), pair.clone.summary()
        self.result.breaches += self.result.ours["crashed"] + self.result.clone["crashed"]
        self.result.compare(orderly=self.load.orderly)
        return self.result

    def _there_and_back(self, pair: Pair, *, whole: bool) -> None:
        self._verb(pair, "deploy", deploy)
        self._verb(pair, "migrate", migrate)
        if whole:
            self._verb(pair, "catch up", self._catch_up)
        self._rest(pair, "after migrate")
        self._verb(pair, "switch", switch)
        self._rest(pair, "after the switch")
        if whole:
            self._verb(pair, "roll back in vain", in_vain)
        self._verb(pair, "roll back", roll_back)
        self._rest(pair, "after the rollback")

    def _there_and_away(self, pair: Pair) -> None:
        self._verb(pair, "switch again", switch)
        self._rest(pair, "after the second switch")
        self._verb(pair, "roll back again", roll_back)
        self._rest(pair, "after the second rollback")
        self._verb(pair, "uninstall", uninstall)
        self._rest(pair, "after the uninstall")

    def _verb(self, pair: Pair, name: str, verb: Callable[[Shop], object]) -> None:
        pair.phase(name)
        time.sleep(self.pace)
        verb(self.shop)
        time.sleep(self.pace)

    def _rest(self, pair: Pair, when: str) -> None:
        """Judge while nobody writes; where the clean table follows, it catches up first."""
        pair.pause()
        if self.shop.value("SELECT EXISTS (SELECT FROM pg_class WHERE oid = TO_REGCLASS('public.artworks_v2') AND relkind = 'r')"):
            migrate(self.shop)
        self.result.breaches += [f"{when}: {breach}" for breach in self._judges[0].judge(caught_up=True)]

    def _catch_up(self, shop: Shop) -> None:
        until = time.monotonic() + 2 * self.pace
        while time.monotonic() < until:
            catch_up_now(shop)


def in_vain(shop: Shop) -> None:
    """Roll back while a session keeps the locks away, and vacuum what that has left: new rows of a log then take the place of old ones.

    A TRUNCATE of the writer waits for that session as well, and others with rows that are to be carried back wait for the TRUNCATE.
    """
    with holding(shop, "LOCK TABLE public.orders IN ACCESS SHARE MODE"), suppress(LockNotObtained, WriteBlocked):
        execute_roll_back(shop, patience=0.1)
    shop.sql.execute("VACUUM")
