"""A verb in a process of its own, which can be killed: the flow's own function, with a plan where it makes one, and how it ended."""

import gc
import json
import logging
import multiprocessing
import os
import signal
import time
import traceback
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from flows.deploy_schema import deploy_schema
from flows.migrate_data import migrate_data
from flows.roll_back import roll_back
from flows.switch_over import switch_over
from migration.errors import Blocked, MigrationError, PlanOutdated, PrerequisitesNotMet
from migration.ledger.decisions import DecisionName
from tasks.decide import keep_decision
from tasks.plans import OnlyPlanned

#: Verbs by what they are called here: the flow, its parameters, and whether it makes a plan.
VERBS: dict[str, tuple[Any, dict[str, str], bool]] = {
    "deploy-schema": (deploy_schema, {}, True),
    "migrate-data": (migrate_data, {}, False),
    "switch-over": (switch_over, {}, True),
    "roll-back to MIGRATED": (roll_back, {"to": "MIGRATED"}, True),
    "roll-back to NOT_STARTED": (roll_back, {"to": "NOT_STARTED"}, True),
}
#: How often a verb follows what a plan asks to decide, or plans again.
DECISIONS = 8


@dataclass(frozen=True)
class End:
    """How a run ended: the name of its state, and its message. A killed client has no end."""

    state: str
    message: str = ""

    @property
    def done(self) -> bool:
        """Whether the verb has done all that it does. After a switch the gate is red because the writer changes ids, which is its right."""
        return self.state == "Completed" or (self.state == "Switched – check failed" and "is red: identity_changed" in self.message)


class Running:
    """One verb at work, in a fork of this process."""

    def __init__(self, name: str, url: str, folder: Path) -> None:
        self._end = folder / "end.json"
        self._end.unlink(missing_ok=True)
        self._process: BaseProcess = multiprocessing.get_context("fork").Process(target=_work, args=(name, url, folder, self._end))
        self._process.start()

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()

    def alive(self) -> bool:
        """Return whether the verb is still at work."""
        return self._process.is_alive()

    def end(self, seconds: float) -> End:
        """Wait for the end; a verb that takes longer is killed, and has hung."""
        self._process.join(seconds)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
            return End("Hung")
        if self._process.exitcode == -signal.SIGKILL:
            return End("Killed")
        return End(**json.loads(self._end.read_text(encoding="utf-8"))) if self._end.exists() else End("Lost")


def _work(name: str, url: str, folder: Path, end: Path) -> None:
    gc.freeze()  # what is collected here must not be a connection of the parent's
    logging.disable(logging.CRITICAL)
    os.environ |= {"ARTWORK_DATABASE_URL": url, "ARTWORK_REPORTS": str(folder), "ARTWORK_LOCK_WAIT_SECONDS": "60"}
    try:
        _run(name)
        found = {"state": "Completed"}
    except MigrationError as error:
        found = {"state": error.end, "message": f"{type(error).__name__}: {error}"}
    except BaseException:  # noqa: BLE001 (a traceback is what no verb may end with)
        found = {"state": "Traceback", "message": traceback.format_exc(limit=-4)}
    end.write_text(json.dumps(found), encoding="utf-8")
    os._exit(0)  # what the parent has registered for its own end is not this process's to do


def _run(name: str) -> None:
    verb, parameters, plans = VERBS[name]
    for _ in range(DECISIONS):
        try:
            (_planned if plans else _at_once)(verb, parameters)
            return
        except (Blocked, PrerequisitesNotMet) as error:
            problems = [problem for problem in error.problems if not problem.subject.startswith("prepared transaction")]
            decisions = {problem.decision for problem in problems}
            if not all(decisions):
                raise
            time.sleep(0.0 if problems else 0.5)  # the writer ends what it has prepared
            for decision in decisions:
                keep_decision(DecisionName(decision.partition(" ")[0]), decision.partition(" ")[2], "soak", "the plan asks for it")
        except PlanOutdated:
            time.sleep(0.5)  # what the writer has prepared is a blocker as long as it is there, and the message says: plan again
    _planned(verb, parameters)


def _at_once(verb: Any, parameters: dict[str, str]) -> None:
    verb.fn.__wrapped__(**parameters)


def _planned(verb: Any, parameters: dict[str, str]) -> None:
    try:
        verb.fn.__wrapped__(**parameters)
    except OnlyPlanned as end:
        plan = end.plan
    else:
        return  # it had only steps left to finish
    if plan.blockers:
        raise Blocked(str(plan.verb), plan.number, plan.blockers)
    verb.fn.__wrapped__(**parameters, plan=plan.number, approved_by="soak", reason="soak")
