"""What the report says, read from the ledger in one transaction: a run, its gates, its findings and figures."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from typing import Any

from sqlalchemy import Connection, text

from migration import database
from migration.database import Database
from migration.errors import NoReport
from migration.ledger import ledger, safety_window
from migration.ledger.phases import Phase
from reporting.accounts import Accounts, accounts_in
from reporting.findings import Finding, read_findings

#: Ids of the quarantine on the page; the CSV has them all.
QUARANTINED_SHOWN = 100

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class RunFacts:
    """The run that is reported, and the moment of the snapshot in which every row was compared; `switched` if the clean table served."""

    run: int
    verb: str
    run_name: str
    phase_before: str
    begun_at: datetime
    snapshot_at: datetime
    lsn: str
    switched: bool


@dataclass(frozen=True)
class Gate:
    """One rule as it was judged. A rule that is not green although nothing is bad could not be judged."""

    suite: str
    rule: str
    description: str
    severity: str
    looked_at: int
    bad: int
    passed: bool
    ids: list[str]
    about: list[str]

    @property
    def verdict(self) -> str:
        """green, info, warning, red, or not judged (which counts as red, whatever the severity)."""
        if self.passed:
            return "green"
        if not self.bad:
            return "not judged"
        return "red" if self.severity == "critical" else self.severity


@dataclass(frozen=True)
class Report:
    """Everything on the page. Ids, counts and names of operators; no value of a row. `phase` is the one in force, not the run's."""

    run: RunFacts
    phase: Phase
    identity: dict[str, str]
    decisions: list[ledger.Decision]
    approvals: Rows
    accounts: Accounts
    gates: list[Gate]
    gates_not_judged: list[str]
    findings: list[Finding]
    ids_to_decide: int
    quarantined: Rows
    figures: Rows
    chunks: dict[str, Any]
    columns_not_carried: Rows
    verifications: Rows

    @property
    def day(self) -> str:
        """The day of the safety window in words: the newest verification's, or the first."""
        return safety_window.in_words(self.verifications[-1]["day"] if self.verifications else 1)

    @property
    def our_version(self) -> str:
        """The release that wrote the report."""
        return version("artwork-migration")

    @cached_property
    def red(self) -> list[Gate]:
        """The rules that stop the flow."""
        return [gate for gate in self.gates if gate.verdict in ("red", "not judged")]

    @cached_property
    def warnings(self) -> list[Gate]:
        """The rules that found something and stop nothing."""
        return [gate for gate in self.gates if gate.verdict == "warning"]

    @property
    def green(self) -> bool:
        """Whether every gate was judged, none is red, and the rows add up. Nothing judged is not green."""
        return bool(self.gates) and not self.red and not self.gates_not_judged and self.accounts.adds_up

    def figure(self, name: str) -> Rows:
        """The figures of one name, in the order of label and detail."""
        return [row for row in self.figures if row["name"] == name]


def read_report(target: Database) -> Report:
    """Read the report of the newest run that has compared every row. Raises NoReport before the first one."""
    with target.transaction("reading the report", isolation="REPEATABLE READ", transaction_read_only="on") as connection:
        run = _reported_run(connection)
        return Report(
            run=run,
            phase=ledger.phase(connection).phase,
            identity=database.rows(connection, "plan/identity")[0],
            decisions=list(ledger.decisions(connection).values()),
            approvals=database.rows(connection, "report/approvals", run=run.run),
            accounts=accounts_in(connection),
            gates=[Gate(**row) for row in database.rows(connection, "report/gates", run=run.run)],
            gates_not_judged=[row["suite"] for row in database.rows(connection, "report/gates_not_judged", run=run.run)],
            findings=read_findings(connection, run.run, switched=run.switched),
            ids_to_decide=int(database.run(connection, "report/ids_to_decide", run=run.run).scalar_one()),
            quarantined=database.rows(connection, "report/quarantined", run=run.run, shown=QUARANTINED_SHOWN),
            figures=database.rows(connection, "report/statistics", run=run.run),
            chunks=database.rows(connection, "report/chunks", run=run.run)[0],
            columns_not_carried=database.rows(connection, "report/columns_not_carried"),
            verifications=database.rows(connection, "report/verifications", run=run.run),
        )


def _reported_run(connection: Connection) -> RunFacts:
    if ledger.phase(connection).phase is Phase.CLEANED:
        raise NoReport("clean_up has taken away what the reports are made of; those written before are in the reports folder.")
    compared = connection.execute(text("SELECT TO_REGCLASS('artwork_migration.reconciliation') IS NOT NULL")).scalar_one()
    found = database.rows(connection, "report/reported_run") if compared else []
    if not found:
        raise NoReport("There is nothing to report yet: no run has compared the rows of this database. Run migrate_data first.")
    return RunFacts(**found[0])
