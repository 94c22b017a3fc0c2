"""Gates: how a rule is measured, what a verdict is, and whether it is red. Nothing else decides that."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.errors import DatabaseError
from migration.gate_errors import GateBroken, GateFailed, RedRule, VerificationRed
from migration.ledger import ledger
from migration.ledger.decisions import DecisionName
from migration.ledger.runs import Run
from sql import SqlFile

#: Ids of a rule in a message and in its verdict; `finding` has all of them.
IDS_SHOWN = 20
#: Why a rule could not be judged that looked at nothing.
CHECKED_NOTHING = "checked nothing"
#: How a rule file is measured: one statement, so one snapshot, and no id travels through Python. An object of the catalog has no id.
_MEASURE = """\
WITH bad AS (
{bad}
),

saved AS (
  INSERT INTO artwork_migration.finding (run, rule, id, about)
  SELECT :run, :rule, b.id, b.about FROM bad AS b WHERE b.id IS NOT NULL
)

SELECT
  ({checked}) AS checked,
  ARRAY(SELECT UNNEST(b.about) FROM bad AS b WHERE b.id IS NULL ORDER BY 1) AS objects
"""


#: How the ids of a rule about columns are saved. Great Expectations has the query; it would return at most 200 of them, through Python.
#: Its first column is the id, the others are those that the rule is about, so id may be among them again.
_SAVE_FOUND = """\
WITH saved AS (
  INSERT INTO artwork_migration.finding (run, rule, id, about)
  SELECT DISTINCT CAST(:run AS bigint), :rule, f.found, CAST(:about AS text[])
  FROM (
{found}
  ) AS f (found)
  WHERE f.found IS NOT NULL
  RETURNING id::text
)

SELECT s.id FROM saved AS s ORDER BY s.id LIMIT :shown
"""


@dataclass(frozen=True)
class RuleResult:
    """What SQL has measured for one rule: how much it checked, how much of that is bad, the first ids, and what they are about."""

    rule: str
    checked: int
    bad: int
    ids: Sequence[str]
    about: Sequence[str]


@dataclass(frozen=True)
class RuleVerdict:
    """One rule as it was judged. `ids` never come with values; `about` names columns, dispositions or objects of the catalog.

    `broken` is the reason why the rule could not be judged, which is neither good nor bad data. `description`, `why` and `fix` are the
    texts of the rule: what should hold, why it matters, and how to fix it. `not_applicable` is the reason why this database cannot break
    the rule, or cannot show whether it does, so that nothing was measured.
    """

    suite: str
    rule: str
    severity: str
    description: str
    why: str = ""
    fix: str = ""
    checked: int = 0
    bad: int = 0
    ids: Sequence[str] = ()
    about: Sequence[str] = ()
    broken: str = ""
    not_applicable: str = ""

    @property
    def red(self) -> bool:
        """Whether the rule makes its gate red: it is critical and found bad data, or it could not be judged, whatever its severity."""
        return bool(self.broken) or (self.bad > 0 and self.severity == "critical")

    @property
    def green(self) -> bool:
        """Whether the rule was judged and found nothing bad."""
        return not self.broken and self.bad == 0

    @property
    def label(self) -> str:
        """The verdict in a word: green, info, warning, red, not judged or not applicable."""
        if self.broken:
            return "not judged"
        if self.not_applicable:
            return "not applicable"
        if self.green:
            return "green"
        return "red" if self.red else self.severity

    @property
    def line(self) -> str:
        """The verdict as a line of a log."""
        if self.broken:
            return self.broken
        return f"{self.label}: {self.not_applicable}" if self.not_applicable else f"{self.label}, {self.bad} bad"


@dataclass(frozen=True)
class Emptiness:
    """Those of the two tables that are empty, and whether a decision (allow_empty) accepts that they are.

    A rule that checks nothing has failed, unless there is nothing to check, and somebody has decided that this is right.
    """

    tables: tuple[str, ...] = ()
    accepted: bool = False

    def broken(self, checked: int) -> str:
        """Return why a rule that checked so much could not be judged, or an empty text."""
        if checked or (self.tables and self.accepted):
            return ""
        return f"{CHECKED_NOTHING}: {' and '.join(self.tables)} is empty" if self.tables else CHECKED_NOTHING


def emptiness(run: Run) -> Emptiness:
    """Return which of the two tables are empty. Reads one row of each."""
    with run.database.transaction("looking for rows", transaction_read_only="on") as connection:
        names = [row["name"] for row in database.rows(connection, "gates/tables")]
        empty = (name for name in names if connection.execute(text(f"SELECT NOT EXISTS (SELECT FROM public.{name})")).scalar_one())
        accepted = ledger.decision_value(connection, DecisionName.ALLOW_EMPTY, "no") == "yes"
        return Emptiness(tuple(f"public.{name}" for name in empty), accepted)


@dataclass(frozen=True)
class GateVerdict:
    """A suite as it was judged: every rule of it, in its order."""

    suite: str
    rules: tuple[RuleVerdict, ...]

    @property
    def red(self) -> list[RedRule]:
        """The rules that are red because of bad data, as an error reports them."""
        return [
            RedRule(rule.suite, rule.rule, tuple(rule.about), rule.bad, tuple(rule.ids[:IDS_SHOWN]), rule.fix)
            for rule in self.rules
            if rule.red and not rule.broken
        ]

    @property
    def summary(self) -> str:
        """A sentence on a verdict that is not red, with the rules that found something although they stop nothing."""
        warnings = ", ".join(f"{rule.rule} ({rule.bad})" for rule in self.rules if rule.label == "warning")
        return f"no check is red; warnings: {warnings}." if warnings else "every check is green."

    @property
    def red_names(self) -> list[str]:
        """The names of the rules that make the gate red."""
        return [rule.rule for rule in self.rules if rule.red]

    @property
    def broken(self) -> str:
        """Why the suite as a whole was not judged, or an empty text."""
        if not self.rules:
            return "it has no rules"
        rules: dict[str, list[str]] = {}
        for rule in self.rules:
            if rule.broken:
                rules.setdefault(rule.broken, []).append(rule.rule)
        return "; ".join(f"{_who(names, reason)} {reason}" for reason, names in sorted(rules.items()))


def _who(rules: Sequence[str], reason: str) -> str:
    """The names of the rules; only their number if the reason is that a table is empty, because that is one reason for all."""
    return f"{len(rules)} rules" if reason.startswith(f"{CHECKED_NOTHING}:") else ", ".join(rules)


def require_green(*verdicts: GateVerdict) -> None:
    """Raise GateBroken if a rule of any suite could not be judged, or GateFailed if one is red. Both report every red rule."""
    red = [rule for verdict in verdicts for rule in verdict.red]
    broken = {verdict.suite: verdict.broken for verdict in verdicts if verdict.broken}
    if broken:
        raise GateBroken(broken, red)
    if red:
        raise GateFailed(red)


def require_verified(verdict: GateVerdict, error: type[VerificationRed]) -> None:
    """Raise `error` if the gate `verification` is red or could not be judged."""
    if verdict.broken or verdict.red:
        raise error(verdict.broken, verdict.red)


def measure(run: Run, suite: str, *, without: Collection[str] = ()) -> dict[str, str]:
    """Measure each rule of `sql/rules/SUITE` except `without`. Returns the reason for each that could not be measured. Locks ACCESS SHARE.

    A rule file is two queries that only read, so a DBA can run it in psql:

    1. What is bad, one row each: `id` (uuid) and `about` (text[]: columns, dispositions). An object of the catalog has no id; `about`
       is its name.
    2. Below the line `-- Checked:`, how many rows or objects were checked. A rule that checked nothing is not judged.

    A suite without a folder is measured elsewhere: `reconciliation` by sync/reconcile.py, most of `verification` by verification.py.
    """
    failed = {}
    for rule in sql.folder(f"rules/{suite}") if suite in sql.folders("rules") else ():
        if rule.rule in without:
            continue
        try:
            run.database.write(f"measuring {rule.rule}", partial(_measure, run, suite, rule))
        except DatabaseError as error:
            failed[rule.rule] = error.reason
        run.progress.add(1)
    return failed


def queries(rule: SqlFile) -> tuple[str, str]:
    """The two queries of a rule file: what is bad, and how much was checked. Raises ValueError if the file does not have both."""
    if rule.checked is None:
        raise ValueError(f"sql/{rule.name}.sql has no part Checked")
    return rule.statement, rule.checked.statement


def rule_results(run: Run, suite: str) -> dict[str, list[RuleResult]]:
    """What was measured for the suite in this run, by rule. One result for each rule, if all is well."""
    results: dict[str, list[RuleResult]] = {}
    for row in run.database.read("gates/rule_results", run=run.epoch, suite=suite):
        results.setdefault(row["rule"], []).append(RuleResult(**row))
    return results


def save_found(
    run: Run, snapshot: str, queries: Mapping[str, str], about: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Sequence[str]], dict[str, str]]:
    """Save the ids that the query of each rule finds in the snapshot in which the rule was judged, in place of those saved before.

    Returns the first ids of each, and the reason for each rule whose ids could not be saved. A rule with an empty query has found nothing,
    or nothing that has an id. The queries have `%%` for a percent sign, as the driver wants it.
    """

    def deleted(connection: Connection) -> None:
        for rule in queries:
            database.run(connection, "gates/delete_findings", run=run.epoch, rule=rule)

    run.database.write("deleting earlier findings", deleted)
    ids: dict[str, Sequence[str]] = dict.fromkeys(queries, ())
    failed = {}
    for rule, query in queries.items():
        statement = text(_SAVE_FOUND.format(found=query.replace("%%", "%").replace(":", "\\:")))
        parameters = {"run": run.epoch, "rule": rule, "about": list(about[rule]), "shown": IDS_SHOWN}
        try:
            if query:
                with run.database.transaction(f"saving what {rule} found", isolation="REPEATABLE READ", snapshot=snapshot) as connection:
                    ids[rule] = list(connection.execute(statement, parameters).scalars())
        except DatabaseError as error:
            failed[rule] = error.reason
    return ids, failed


def save_verdict(run: Run, verdict: GateVerdict) -> None:
    """Save the verdict on every rule."""

    def saved(connection: Connection) -> None:
        for rule in verdict.rules:
            row = {**asdict(rule), "ids": list(rule.ids[:IDS_SHOWN]), "about": list(rule.about), "red": rule.red}
            database.run(connection, "gates/save_verdict", run=run.epoch, **row)

    run.database.write(f"saving the verdicts of {verdict.suite}", saved)


def read_verdicts(connection: Connection, run: int) -> list[RuleVerdict]:
    """The verdicts of a run as they were saved: red ones first, then those that found something, then green ones."""
    verdicts = [RuleVerdict(**row) for row in database.rows(connection, "gates/verdicts", run=run)]
    return sorted(verdicts, key=lambda rule: (not rule.red, rule.green))


def save_result(connection: Connection, run: int, suite: str, rule: str, *, checked: int, objects: Sequence[str] = ()) -> None:
    """Save the result of a rule. What is bad is its findings by now, and `objects`, which have no id."""
    database.run(connection, "gates/save_result", run=run, suite=suite, rule=rule, checked=checked, objects=list(objects))


def _measure(run: Run, suite: str, rule: SqlFile, connection: Connection) -> None:
    database.run(connection, "gates/delete_findings", run=run.epoch, rule=rule.rule)
    bad, checked = queries(rule)
    statement = text(_MEASURE.format(bad=bad, checked=checked))
    measured = connection.execute(statement, {"run": run.epoch, "rule": rule.rule}).one()
    save_result(connection, run.epoch, suite, rule.rule, checked=measured.checked, objects=measured.objects)
