"""The content of a report, read from the ledger in one transaction: a run, its gates, its findings and its statistics."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import version

from sqlalchemy import Connection, text

from migration import database
from migration.checks import gates, readiness
from migration.checks.gates import RuleVerdict
from migration.database import Database
from migration.errors import NoReport
from migration.ledger import ledger, safety_window
from migration.ledger.phases import Phase
from migration.ledger.runs import require_layout
from reporting.accounts import Accounts, accounts_in
from reporting.findings import Finding, read_findings

#: Ids of the quarantine on the page; the CSV has them all.
QUARANTINED_SHOWN = 100
#: Ids of a column on the page.
EXAMPLES_SHOWN = 3


@dataclass(frozen=True)
class RunFacts:
    """The run that is reported, and the snapshot in which every row was compared; `switched` if the clean table served."""

    run: int
    verb: str
    run_name: str
    phase_before: str
    begun_at: datetime
    snapshot_at: datetime
    lsn: str
    switched: bool


@dataclass(frozen=True)
class Identity:
    """The database, its server, and the role of the connection."""

    database: str
    system_identifier: str
    version: str
    role: str


@dataclass(frozen=True)
class ApprovedRun:
    """A run of a plan, and who approved it."""

    run: int
    verb: str
    plan: str
    approved_by: str
    reason: str
    begun_at: datetime


@dataclass(frozen=True)
class Review:
    """Who has reviewed the report, with the reason and the time."""

    approved_by: str
    reason: str
    decided_at: datetime


@dataclass(frozen=True)
class QuarantinedRow:
    """The id of an artwork in quarantine, and the reason."""

    id: str
    reason: str


@dataclass(frozen=True)
class Statistic:
    """One count of a run, or the seconds of one of its steps."""

    name: str
    label: str
    detail: str
    value: float


@dataclass(frozen=True)
class CopiedChunks:
    """The chunks that a run has copied, their rows, the seconds of all chunks together and of the longest."""

    chunks: int
    copied: int
    seconds: float
    longest: float


@dataclass(frozen=True)
class ColumnNotCarried:
    """A legacy column that is not carried over, and the number of its values when deploy_schema was planned."""

    column_name: str
    value_count: int


@dataclass(frozen=True)
class DifferingColumn:
    """A column, in how many rows its values differ, the first ids of these, and in how many of the first rows they differ in which way."""

    column_name: str
    row_count: int
    ids: list[str]
    kinds: list[str]


@dataclass(frozen=True)
class WindowDay:
    """A day of the safety window: `verdict` is green or red, by its last verification, or `missing`, or `after this report`."""

    day: int
    verdict: str


@dataclass(frozen=True)
class WindowVerification:
    """One verification of the safety window; `red` has the names of the red rules."""

    run: int
    day: int
    red: list[str]
    verified_at: datetime


@dataclass(frozen=True)
class Report:
    """Everything on the page: ids, counts and names of operators, but no value of a row. `phase` is the current one, not the run's."""

    run: RunFacts
    phase: Phase
    identity: Identity
    decisions: Sequence[ledger.Decision]
    approvals: Sequence[ApprovedRun]
    reviews: Sequence[Review]
    accounts: Accounts
    gates: Sequence[RuleVerdict]
    gates_not_judged: Sequence[str]
    findings: Sequence[Finding]
    ids_to_decide: int
    quarantined: Sequence[QuarantinedRow]
    statistics: Sequence[Statistic]
    chunks: CopiedChunks
    lock_attempts: Sequence[ledger.LockAttempt]
    columns_not_carried: Sequence[ColumnNotCarried]
    differing_columns: Sequence[DifferingColumn]
    verifications: Sequence[WindowVerification]

    @property
    def day(self) -> str:
        """The day of the safety window in words: that of the newest verification, or the first."""
        return safety_window.day_text(self.verifications[-1].day if self.verifications else 1)

    @cached_property
    def days(self) -> list[WindowDay]:
        """Every day of the safety window, as of this report."""
        verdicts = {found.day: "red" if found.red else "green" for found in self.verifications}
        today = max(verdicts, default=1)
        open_days = range(1, max(safety_window.SAFETY_DAYS, today) + 1)
        return [WindowDay(day, verdicts.get(day, "missing" if day < today else "after this report")) for day in open_days]

    def red_since(self, rule: str) -> WindowVerification | None:
        """Return the first of the verifications in a row, up to the newest one, in which a rule was red. None if it is not red now."""
        first = None
        for found in reversed(self.verifications):
            if rule not in found.red:
                break
            first = found
        return first

    def finding_of(self, rule: str) -> Finding | None:
        """Return the findings of a rule, if it has some."""
        return next((finding for finding in self.findings if finding.rule == rule), None)

    @cached_property
    def found_something(self) -> list[RuleVerdict]:
        """The rules that were judged and are not green, and those that could not be judged."""
        return [rule for rule in self.gates if not rule.green]

    @property
    def findings_not_judged(self) -> list[Finding]:
        """The findings of the gates that were measured but not judged."""
        return [finding for finding in self.findings if finding.suite in self.gates_not_judged]

    @property
    def other_findings(self) -> list[Finding]:
        """The findings of rules that no gate judges, or that are within what is accepted."""
        shown = {rule.rule for rule in self.found_something} | {finding.rule for finding in self.findings_not_judged}
        return [finding for finding in self.findings if finding.rule not in shown]

    @property
    def our_version(self) -> str:
        """The release that wrote the report."""
        return version("artwork-migration")

    @cached_property
    def red(self) -> list[RuleVerdict]:
        """The rules that stop the flow."""
        return [rule for rule in self.gates if rule.red]

    @cached_property
    def warnings(self) -> list[RuleVerdict]:
        """The rules that found something and stop nothing."""
        return [rule for rule in self.gates if rule.label == "warning"]

    @property
    def creates_no_users(self) -> str:
        """The reason why customers without an account keep no account, or an empty text."""
        return next((rule.not_applicable for rule in self.gates if rule.not_applicable and rule.suite != readiness.SUITE), "")

    @property
    def green(self) -> bool:
        """Whether every gate was judged, none is red, and the rows add up. A report without gates is not green."""
        return bool(self.gates) and not self.red and not self.gates_not_judged and self.accounts.adds_up

    def statistic(self, name: str) -> list[Statistic]:
        """Return the statistics of one name, in the order of label and detail."""
        return [statistic for statistic in self.statistics if statistic.name == name]


def read_report(target: Database) -> Report:
    """Read the report of the newest run that has compared every row. Raises NoReport before the first one.

    Raises PrerequisitesNotMet for a ledger of another version.
    """
    with target.transaction("reading the report", isolation="REPEATABLE READ", transaction_read_only="on") as connection:
        require_layout(connection, "report")
        run = _reported_run(connection)
        (identity,) = database.rows(connection, "plan/identity")
        (chunks,) = database.rows(connection, "report/chunks", run=run.run)
        quarantined = database.rows(connection, "report/quarantined", run=run.run, shown=QUARANTINED_SHOWN)
        return Report(
            run=run,
            phase=ledger.phase(connection).phase,
            identity=Identity(**identity),
            decisions=list(ledger.decisions(connection).values()),
            approvals=[ApprovedRun(**row) for row in database.rows(connection, "report/approvals", run=run.run)],
            reviews=[Review(**row) for row in database.rows(connection, "report/reviews", run=run.run)],
            accounts=accounts_in(connection),
            gates=gates.read_verdicts(connection, run.run),
            gates_not_judged=[row["suite"] for row in database.rows(connection, "report/gates_not_judged", run=run.run)],
            findings=read_findings(connection, run.run, switched=run.switched),
            ids_to_decide=int(database.run(connection, "report/ids_to_decide", run=run.run).scalar_one()),
            quarantined=[QuarantinedRow(**row) for row in quarantined],
            statistics=[Statistic(**row) for row in database.rows(connection, "report/statistics", run=run.run)],
            chunks=CopiedChunks(**chunks),
            lock_attempts=ledger.lock_attempts(connection, run.run),
            differing_columns=[
                DifferingColumn(**row) for row in database.rows(connection, "report/differing_columns", run=run.run, shown=EXAMPLES_SHOWN)
            ],
            columns_not_carried=[ColumnNotCarried(**row) for row in database.rows(connection, "report/columns_not_carried")],
            verifications=[WindowVerification(**row) for row in database.rows(connection, "report/verifications", run=run.run)],
        )


def _reported_run(connection: Connection) -> RunFacts:
    if ledger.phase(connection).phase is Phase.CLEANED:
        raise NoReport(
            "There is nothing to report: clean-up has dropped the data of all reports. Earlier reports are in the reports folder."
        )
    compared = connection.execute(text("SELECT TO_REGCLASS('artwork_migration.reconciliation') IS NOT NULL")).scalar_one()
    runs = database.rows(connection, "report/reported_run") if compared else []
    if not runs:
        raise NoReport("There is nothing to report: no run has compared the rows of this database yet. To fix: run migrate-data.")
    return RunFacts(**runs[0])
