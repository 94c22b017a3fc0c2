"""The status: phase, since when, what serves, last gates, the log, runs that did not end, what may be run next."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from migration import database
from migration.database import Database
from migration.ledger import ledger, safety_window
from migration.ledger.ledger import PhaseRow
from migration.ledger.phases import Phase
from migration.ledger.safety_window import SafetyWindow


@dataclass(frozen=True)
class Status:
    """What the ledger says, read in one transaction."""

    database: str
    phase: PhaseRow
    runs: list[dict[str, Any]] = field(default_factory=list)
    decisions: dict[str, str] = field(default_factory=dict)
    backlog: dict[str, Any] = field(default_factory=dict)
    gates: list[dict[str, Any]] = field(default_factory=list)
    steps_left: list[dict[str, Any]] = field(default_factory=list)
    window: SafetyWindow | None = None

    @property
    def may_be_run_next(self) -> str:
        """The verbs that fit; a verb with steps left comes before any other but the way back from it."""
        left = self.verbs_with_steps_left
        if not left:
            return ", ".join(map(str, self.phase.phase.next_verbs)) or "nothing"
        way_back = "; or roll_back(to=MIGRATED)" if self.phase.phase is Phase.SWITCHED and "switch_over" in left else ""
        return f"{', '.join(left)} again, it has steps left{way_back}"

    @property
    def verbs_with_steps_left(self) -> list[str]:
        """The verbs that must be run again, because a run of theirs was killed after its commit."""
        return sorted({step["verb"] for step in self.steps_left})

    @property
    def unfinished(self) -> list[dict[str, Any]]:
        """Runs that have begun and not ended: at work just now, or killed."""
        return [run for run in self.runs if run["ended_at"] is None]


def read_status(target: Database) -> Status:
    """Read the status. Raises DatabaseUnreachable. Takes no lock on a table of the application."""
    with target.transaction("reading the status", transaction_read_only="on") as connection:
        name = connection.execute(text("SELECT CURRENT_DATABASE()")).scalar_one()
        row = ledger.phase(connection)
        if not ledger.exists(connection):
            return Status(name, row)
        window = safety_window.read(connection)
        known: dict[str, Any] = {
            "window": window,
            "runs": database.rows(connection, "status/runs"),
            "decisions": {key: decision.value for key, decision in ledger.decisions(connection).items()},
            "steps_left": database.rows(connection, "ledger/steps_left"),
        }
        if row.phase is not Phase.CLEANED and _has_data_tables(connection):
            known["backlog"] = database.rows(connection, "status/backlog_of_window" if window else "status/backlog")[0]
            known["gates"] = database.rows(connection, "status/last_gates")
        return Status(name, row, **known)


def status_lines(status: Status) -> list[tuple[str, str]]:
    """The status as (label, value) lines, for a terminal as for an artifact."""
    since = f" since {status.phase.since:%Y-%m-%d %H:%M %Z}" if status.phase.since else ""
    lines = [
        ("database", status.database),
        ("phase", f"{status.phase.phase}{since}"),
        ("serves", status.phase.phase.serves),
        ("may be run next", status.may_be_run_next),
    ]
    lines.extend(("still to do", f"{step['verb']}: {step['name']}") for step in status.steps_left)
    if status.window:
        lines.append(("safety window", _window_line(status.window)))
    if status.backlog:
        lines.append(("log", _log_line(status.backlog, waits_for="the way back" if status.window else "catch-up")))
        if "chunks" in status.backlog:
            lines.append(
                (
                    "backfill",
                    f"{status.backlog['chunks_done']} of {status.backlog['chunks']} chunks, {status.backlog['copied']} rows copied",
                )
            )
        lines.append(("refused writes", str(status.backlog["refused"])))
    if status.gates:
        lines.append(("last gates", _gates_line(status.gates)))
    lines.extend(("decision", f"{name} = {value}") for name, value in status.decisions.items())
    lines.extend(
        ("last run", f"{run['run']} {run['verb']} {run['run_name']}: {run['outcome'] or 'has not ended'}") for run in status.runs[:1]
    )
    lines.extend(
        ("not ended", f"{run['run']} {run['verb']} {run['run_name']}, begun {run['begun_at']:%Y-%m-%d %H:%M %Z}")
        for run in status.unfinished
    )
    return lines


def status_markdown(status: Status) -> str:
    """The status as a markdown table."""
    table = "\n".join(f"| {label} | {value.replace('; ', ';<br>')} |" for label, value in status_lines(status))
    return f"# Migration status\n\n| | |\n|---|---|\n{table}\n"


def _gates_line(gates: list[dict[str, Any]]) -> str:
    """A rule that could not be judged has found nothing bad and has not passed: it is red whatever its severity."""
    told = [gate for gate in gates if not gate["passed"]]
    red = [f"{gate['suite']}.{gate['rule']}" for gate in told if gate["severity"] == "critical" or gate["bad"] == 0]
    warned = f", {len(told) - len(red)} of them with a warning" if len(told) > len(red) else ""
    said = f"red: {', '.join(red)}" if red else f"all {len(gates)} rules green{warned}"
    return f"{said} (of run {gates[0]['run']}, {gates[0]['verb']})"


def _log_line(backlog: dict[str, Any], *, waits_for: str) -> str:
    since = f", the oldest of {backlog['logged_since']:%Y-%m-%d %H:%M:%S %Z}" if backlog["logged_since"] else ""
    return f"{backlog['logged']} ids wait for {waits_for}{since}"


def _window_line(window: SafetyWindow) -> str:
    if not window.verifications:
        return f"{window.today}; not verified yet"
    last = window.verifications[-1]
    return f"{window.today}; last verified {last.verified_at:%Y-%m-%d %H:%M %Z}: {'red: ' + ', '.join(last.red) if last.red else 'green'}"


def _has_data_tables(connection: Connection) -> bool:
    return bool(connection.execute(text("SELECT TO_REGCLASS('artwork_migration.gate_result') IS NOT NULL")).scalar_one())
