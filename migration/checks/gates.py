"""What the gates measure, say and remember: rule results and findings by SQL, verdicts, and the error of a red gate."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection

import sql
from migration import database
from migration.errors import DatabaseError, GateBroken, GateFailed, LiveRed, RedRule
from migration.ledger.runs import Run
from sql import SqlFile

#: Ids of a rule in a message and in its verdict; `finding` has the others.
IDS_TOLD = 20


@dataclass(frozen=True)
class RuleVerdict:
    """One rule as it was judged. `ids` never come with values; `about` names columns, dispositions or objects of the catalog.

    `broken` says why it could not be judged, which is neither good nor bad data.
    """

    rule: str
    severity: str
    description: str
    looked_at: int = 0
    bad: int = 0
    ids: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    broken: str = ""

    @property
    def passed(self) -> bool:
        """Whether it looked and found nothing bad."""
        return not self.broken and self.bad == 0


@dataclass(frozen=True)
class GateVerdict:
    """A suite as it was judged: every rule of it, in its order."""

    suite: str
    rules: tuple[RuleVerdict, ...]

    @property
    def red(self) -> list[RedRule]:
        """The critical rules that found bad data."""
        return [
            RedRule(self.suite, rule.rule, rule.about, rule.bad, rule.ids[:IDS_TOLD])
            for rule in self.rules
            if rule.bad and rule.severity == "critical"
        ]

    @property
    def names_red(self) -> list[str]:
        """The rules that make the suite red, by name: those that are critical and found bad data, and those that could not be judged."""
        return [rule.rule for rule in self.rules if rule.broken or (rule.bad and rule.severity == "critical")]

    @property
    def broken(self) -> str:
        """Why the suite was not judged as a whole, whatever the severity of the rules that were not; empty if it was."""
        if not self.rules:
            return "it has no rules"
        reasons = sorted({rule.broken for rule in self.rules if rule.broken})
        return "; ".join(f"{', '.join(rule.rule for rule in self.rules if rule.broken == reason)} {reason}" for reason in reasons)


def require_green(*verdicts: GateVerdict) -> None:
    """Raise GateBroken if a rule of any suite could not be judged, else GateFailed if a critical one found bad data; both tell all."""
    red = [rule for verdict in verdicts for rule in verdict.red]
    broken = {verdict.suite: verdict.broken for verdict in verdicts if verdict.broken}
    if broken:
        raise GateBroken(broken, red)
    if red:
        raise GateFailed(red)


def require_green_live(verdict: GateVerdict, error: type[LiveRed]) -> None:
    """Raise `error` if the gate `live` is red or could not be judged."""
    if verdict.broken or verdict.red:
        raise error(verdict.broken, verdict.red)


def measure(run: Run, suite: str) -> dict[str, str]:
    """Measure the suite's rules across tables (sql/rules/SUITE); why, for those that could not be. Locks ACCESS SHARE.

    A suite without a folder has been measured by then: reconcile does that. What no query can measure of `live` does migration/live.py.
    """
    failed = {}
    for rule in sql.folder(f"rules/{suite}"):
        try:
            run.database.write(f"measuring {rule.rule}", partial(_measure, run, suite, rule))
        except DatabaseError as error:
            failed[rule.rule] = f"failed with SQLSTATE {error.sqlstate}"
    return failed


def rule_results(run: Run, suite: str) -> dict[str, list[dict[str, Any]]]:
    """What was measured for the suite in this run, by rule: one row each, if all is well."""
    results: dict[str, list[dict[str, Any]]] = {}
    for row in run.database.read("gates/rule_results", run=run.epoch, suite=suite):
        results.setdefault(row["rule"], []).append(row)
    return results


def note(run: Run, verdict: GateVerdict, found: Sequence[RuleVerdict]) -> None:
    """Write the verdict of every rule, and for the rules in `found`, which no SQL of ours has measured, their findings."""

    def noted(connection: Connection) -> None:
        for rule in found:
            database.run(connection, "gates/forget", run=run.epoch, rule=rule.rule)
            database.run(connection, "gates/found", run=run.epoch, rule=rule.rule, ids=list(rule.ids), about=list(rule.about))
        for rule in verdict.rules:
            database.run(connection, "gates/judged", **_row(run, verdict.suite, rule))

    run.database.write(f"noting the verdicts of {verdict.suite}", noted)


def note_measured(connection: Connection, run: int, suite: str, rule: str, *, looked_at: int, objects: Sequence[str] = ()) -> None:
    """Write the rule result of a rule: what is bad is its findings by now, and `objects`, which have no id."""
    database.run(connection, "gates/measured", run=run, suite=suite, rule=rule, looked_at=looked_at, objects=list(objects))


def _measure(run: Run, suite: str, rule: SqlFile, connection: Connection) -> None:
    database.run(connection, "gates/forget", run=run.epoch, rule=rule.rule)
    looked = database.rows(connection, rule.name, run=run.epoch, rule=rule.rule)[0]
    note_measured(connection, run.epoch, suite, rule.rule, **looked)


def _row(run: Run, suite: str, rule: RuleVerdict) -> dict[str, Any]:
    return {
        "run": run.epoch,
        "suite": suite,
        "rule": rule.rule,
        "severity": rule.severity,
        "description": rule.description,
        "passed": rule.passed,
        "looked_at": rule.looked_at,
        "bad": rule.bad,
        "ids": list(rule.ids[:IDS_TOLD]),
        "about": list(rule.about),
    }
