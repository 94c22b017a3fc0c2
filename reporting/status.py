"""The status: the phase, the table that serves, the last gates, the log, runs that have not ended, and the verbs that may be run next."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, text

from migration import database
from migration.checks import gates
from migration.checks.gates import RuleVerdict
from migration.database import Database
from migration.ledger import ledger, progress, safety_window
from migration.ledger.ledger import Pause, PhaseRow
from migration.ledger.phases import ROLL_BACK_TO_NOT_STARTED, Phase
from migration.ledger.progress import Reported
from migration.ledger.safety_window import SafetyWindow
from reporting.progress import duration, words
from reporting.stall import newest_stall

#: What there is after the first plan or decision, before anything is deployed.
_LEDGER_ONLY = (
    "plans and decisions are in the schema artwork_migration; nothing else is there. To remove it: "
    f"artwork-migration run {ROLL_BACK_TO_NOT_STARTED.command}"
)
#: Seconds after which a run that has reported nothing may have been killed.
_SILENT = 15


@dataclass(frozen=True)
class RecentRun:
    """One of the newest runs; `ended_at` is None while it is active, and if it was killed."""

    run: int
    verb: str
    run_name: str
    begun_at: datetime
    ended_at: datetime | None
    outcome: str | None
    phase_after: str | None


@dataclass(frozen=True)
class Backlog:
    """The changes that wait in the log, the oldest of them, the rejected writes; before the switch also the progress of the backfill."""

    logged: int
    logged_since: datetime | None
    refused: int
    chunks: int | None = None
    chunks_done: int = 0
    copied: int = 0


@dataclass(frozen=True)
class LastGates:
    """The verdicts of the newest run that has judged a gate."""

    run: int
    verb: str
    rules: list[RuleVerdict]


@dataclass(frozen=True)
class StepLeft:
    """A step that a killed run has left to do after its commit, and the verb that does it."""

    verb: str
    name: str


@dataclass(frozen=True)
class Wait:
    """What the run at work waits for between two batches, and since when."""

    reason: str
    since: datetime


@dataclass(frozen=True)
class Status:
    """The status as the ledger has it, read in one transaction."""

    database: str
    phase: PhaseRow
    runs: Sequence[RecentRun] = ()
    decisions: dict[str, str] = field(default_factory=dict)
    backlog: Backlog | None = None
    last_gates: LastGates | None = None
    steps_left: Sequence[StepLeft] = ()
    window: SafetyWindow | None = None
    ledger: bool = False
    pause: Pause | None = None
    wait: Wait | None = None
    progress: Sequence[Reported] = ()
    stall: tuple[str, str] | None = None

    @property
    def may_be_run_next(self) -> str:
        """The verbs that may be run next. A verb with steps left comes first, with the roll back that may replace it."""
        left = self.verbs_with_steps_left
        if any(reported.unseen <= _SILENT for reported in self.running):
            return "nothing until the run at work has ended"
        if not left:
            return ", ".join(map(str, self.phase.phase.next_verbs)) or "nothing"
        roll_back = "; or roll_back(to=MIGRATED)" if self.phase.phase is Phase.SWITCHED and "switch_over" in left else ""
        return f"{', '.join(left)} again, it has steps left{roll_back}"

    @property
    def verbs_with_steps_left(self) -> list[str]:
        """The verbs that must be run again, because their run was killed after its commit."""
        return sorted({step.verb for step in self.steps_left})

    @property
    def running(self) -> list[Reported]:
        """The step at work of each run that is active: the inner one of two."""
        return list({reported.run_name: reported for reported in self.progress if not reported.step.outcome}.values())

    @property
    def unfinished(self) -> list[RecentRun]:
        """The runs that have not ended: they are active or were killed."""
        return [run for run in self.runs if run.ended_at is None]


def read_status(target: Database) -> Status:
    """Read the status. Raises DatabaseUnreachable. Takes no lock on a table of the application."""
    with target.transaction("reading the status", transaction_read_only="on") as connection:
        name = connection.execute(text("SELECT CURRENT_DATABASE()")).scalar_one()
        phase = ledger.phase(connection)
        if not ledger.exists(connection):
            return Status(name, phase)
        window = safety_window.read(connection)
        has_data = phase.phase is not Phase.CLEANED and _has_data_tables(connection)
        return Status(
            name,
            phase,
            runs=[RecentRun(**row) for row in database.rows(connection, "status/runs")],
            decisions={name: decision.value for name, decision in ledger.decisions(connection).items()},
            backlog=_backlog(connection, window) if has_data else None,
            last_gates=_last_gates(connection) if has_data else None,
            steps_left=[StepLeft(**row) for row in database.rows(connection, "ledger/steps_left")],
            window=window,
            ledger=True,
            pause=ledger.pause_in_force(connection),
            wait=next((Wait(**row) for row in database.rows(connection, "status/wait")), None),
            progress=progress.read(connection),
            stall=newest_stall(connection),
        )


def status_lines(status: Status) -> list[tuple[str, str]]:
    """Return the status as (label, value) lines, for a terminal and for an artifact."""
    since = f" since {status.phase.since:%Y-%m-%d %H:%M %Z}" if status.phase.since else ""
    return [
        ("database", status.database),
        ("phase", f"{status.phase.phase}{since}"),
        ("serves", status.phase.phase.serves),
        *(("running", _running_line(reported)) for reported in status.running),
        ("may be run next", status.may_be_run_next),
        *([("pause", f"{status.pause}; to end it: artwork-migration run resume")] if status.pause else []),
        *([("waits", f"since {status.wait.since:%Y-%m-%d %H:%M:%S %Z} for: {status.wait.reason}")] if status.wait else []),
        *([("ledger", _LEDGER_ONLY)] if status.ledger and status.phase.phase is Phase.NOT_STARTED else []),
        *(("still to do", f"{step.verb}: {step.name}") for step in status.steps_left),
        *([("safety window", _window_line(status.window))] if status.window else []),
        *(_backlog_lines(status.backlog, waits_for="carry-back" if status.window else "catch-up") if status.backlog else []),
        *([("last gates", _gates_line(status.last_gates))] if status.last_gates else []),
        *([("roll back", line)] if status.window and status.last_gates and (line := _roll_back_line(status.last_gates)) else []),
        *(("decision", f"{name} = {value}") for name, value in status.decisions.items()),
        *(("last run", f"{run.run} {run.verb} {run.run_name}: {run.outcome or 'has not ended'}") for run in status.runs[:1]),
        *([("last locks", ": ".join(status.stall))] if status.stall else []),
        *(("not ended", f"{run.run} {run.verb} {run.run_name}, begun {run.begun_at:%Y-%m-%d %H:%M %Z}") for run in status.unfinished),
    ]


def status_markdown(status: Status) -> str:
    """Return the status as a markdown table."""
    table = "\n".join(f"| {label} | {value.replace('; ', ';<br>')} |" for label, value in status_lines(status))
    return f"# Migration status\n\n| | |\n|---|---|\n{table}\n"


def _last_gates(connection: Connection) -> LastGates | None:
    found = database.rows(connection, "gates/last_judged_run")
    return LastGates(**found[0], rules=gates.read_verdicts(connection, found[0]["run"])) if found else None


def _gates_line(last: LastGates) -> str:
    red = [f"{rule.suite}.{rule.rule}" for rule in last.rules if rule.red]
    warnings = sum(not rule.green and not rule.red for rule in last.rules)
    with_warnings = f", {warnings} of them with a warning" if warnings else ""
    verdict = f"red: {', '.join(red)}" if red else f"all {len(last.rules)} rules green{with_warnings}"
    return f"{verdict} (run {last.run}, {last.verb})"


def _roll_back_line(last: LastGates) -> str:
    """Return what would block a roll back, as the last verification has tried it; empty if nothing would."""
    rejected = sum(rule.bad for rule in last.rules if rule.rule == "roll_back_open")
    return f"blocked: the retired table does not take {rejected} artworks as a whole (roll_back_open of run {last.run})" if rejected else ""


def _backlog(connection: Connection, window: SafetyWindow | None) -> Backlog:
    (row,) = database.rows(connection, "status/backlog_of_window" if window else "status/backlog")
    return Backlog(**row)


def _backlog_lines(backlog: Backlog, *, waits_for: str) -> list[tuple[str, str]]:
    since = f", the oldest since {backlog.logged_since:%Y-%m-%d %H:%M:%S %Z}" if backlog.logged and backlog.logged_since else ""
    lines = [("log", f"{backlog.logged} changes wait for {waits_for}{since}")]
    if backlog.chunks is not None:
        lines.append(("backfill", f"{backlog.chunks_done} of {backlog.chunks} chunks, {backlog.copied} rows copied"))
    return [*lines, ("rejected writes", str(backlog.refused))]


def _running_line(reported: Reported) -> str:
    silent = f"; {reported.run_name} has reported nothing for {duration(reported.unseen)}" if reported.unseen > _SILENT else ""
    return f"{reported.step.step}: {words(reported.step)}{silent}"


def _window_line(window: SafetyWindow) -> str:
    if not window.verifications:
        return f"{window.today}; not verified yet"
    last = window.verifications[-1]
    return f"{window.today}; last verified {last.verified_at:%Y-%m-%d %H:%M %Z}: {'red: ' + ', '.join(last.red) if last.red else 'green'}"


def _has_data_tables(connection: Connection) -> bool:
    return bool(connection.execute(text("SELECT TO_REGCLASS('artwork_migration.gate_result') IS NOT NULL")).scalar_one())
