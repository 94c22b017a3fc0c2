"""The status: a verdict, the next step, the plans that wait, the phases, the last gates, the log, and runs that have not ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, text

from migration import database
from migration.checks import gates, readiness
from migration.checks.gates import RuleVerdict
from migration.checks.readiness import RolledBack, Use
from migration.database import Database
from migration.ledger import ledger, progress, safety_window
from migration.ledger.ledger import Pause, PhaseRow
from migration.ledger.phases import (
    CLEAN_UP,
    DEPLOY_SCHEMA,
    MIGRATE_DATA,
    ROLL_BACK_TO_MIGRATED,
    SWITCH_OVER,
    VERBS,
    VERIFY,
    Phase,
    Verb,
)
from migration.ledger.progress import Reported
from migration.ledger.runs import require_layout
from migration.ledger.safety_window import SafetyWindow
from migration.plans.plan import decisions_in_force, move_mark, phase_mark
from reporting.stall import newest_stall

#: Seconds after which a run that has reported nothing may have been killed.
SILENT = 15


@dataclass(frozen=True)
class RecentRun:
    """One of the newest runs; `ended_at` is None while it is `at_work`, and if it was killed."""

    run: int
    verb: str
    run_name: str
    begun_at: datetime
    ended_at: datetime | None
    outcome: str | None
    phase_after: str | None
    at_work: bool


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

    @property
    def red(self) -> list[str]:
        """The names of the red rules, with their suites."""
        return [f"{rule.suite}.{rule.rule}" for rule in self.rules if rule.red]

    @property
    def only_application_red(self) -> bool:
        """Whether nothing is red except the application's readiness, which migrate-data does not judge."""
        return {rule.suite for rule in self.rules if rule.red} == {readiness.SUITE}


@dataclass(frozen=True)
class StepLeft:
    """A step that a killed run has left to do after its commit, and the verb that does it."""

    verb: str
    name: str


@dataclass(frozen=True)
class PlanMade:
    """The newest plan of a verb that was made in this phase with the decisions in force, and the rules that block it."""

    verb: str
    number: str
    made_at: datetime
    blockers: tuple[str, ...]

    def __str__(self) -> str:
        stands = f"is blocked: {', '.join(self.blockers)}" if self.blockers else "waits for approval"
        return f"{self.number} of {self.verb}, made {self.made_at:%Y-%m-%d %H:%M %Z}, {stands}"


@dataclass(frozen=True)
class NextStep:
    """The one verb to run next, with the number of its plan if one waits."""

    verb: Verb
    plan: str = ""

    @property
    def command(self) -> str:
        """Return the command to type."""
        return self.verb.typed(self.plan)


@dataclass(frozen=True)
class Wait:
    """What the run at work waits for between two batches, and since when."""

    reason: str
    since: datetime


@dataclass(frozen=True)
class OldNamesUse:
    """Who has used the schema legacy_names since the switch, with which kinds of calls, when last, and in how many minutes of a session."""

    role_name: str
    application_name: str
    kinds: str
    used_at: datetime
    minutes: int


@dataclass(frozen=True)
class CustomersServed:
    """The share of customers whom the clean table serves before the switch, and how many single ones more and less."""

    percent: float
    also_clean: int
    still_legacy: int


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
    plans: Sequence[PlanMade] = ()
    reached: Mapping[str, datetime] = field(default_factory=dict)
    old_names: Sequence[OldNamesUse] = ()
    customers: CustomersServed | None = None
    old_name_use: Sequence[Use] = ()
    rolled_back: RolledBack | None = None

    @property
    def verdict(self) -> str:
        """How it stands, in one sentence: what an operator should attend to first."""
        red, following = self.last_gates.red if self.last_gates else [], self._following
        plan = self._plan_of(following) if following else None
        found = [
            *(f"{run.run_name} {'waits in' if self.wait else 'is at work on'} the step {run.step.step}." for run in self.active),
            *(f"{run.verb} {run.run_name} is at work." for run in self.unfinished if run.at_work),
            *([f"{', '.join(self.verbs_with_steps_left)} has steps left."] if self.steps_left else []),
            *([f"A gate is red: {', '.join(red)}."] if red else []),
            *(f"{run.verb} {run.run_name} has not ended, and no session of it is left. Run it again; it resumes." for run in self._killed),
            *(["The migration is paused."] if self.pause else []),
            *([f"Plan {plan}."] if plan else []),
            *([f"{window_line(self.window)}."] if self.window else []),
            "The migration is done." if self.phase.phase is Phase.CLEANED else "",
            "No run is active, and no gate is red." if self.last_gates else "No run is active.",
        ]
        return next(filter(None, found))

    @property
    def next_step(self) -> NextStep | None:
        """The one step that leads on, or None if a run is at work or nothing is left to do."""
        following = self._following
        if self.at_work or following is None:
            return None
        plan = self._plan_of(following)
        return NextStep(following, plan.number if plan and not plan.blockers and following.needs_approval and not self.steps_left else "")

    @property
    def _following(self) -> Verb | None:
        phase, red = self.phase.phase, bool(self.last_gates and self.last_gates.red)
        left = [verb for verb in VERBS if verb.name in self.verbs_with_steps_left]
        if left:  # of the two targets of roll_back, the one that was reached
            return next((verb for verb in left if verb.brings is phase), left[0])
        again = [verb for run in self._killed for verb in phase.next_verbs if verb.name == run.verb and not red]
        if again:
            return again[0]
        ready = bool(self.window and self.window.over and self.window.verified)
        return {
            Phase.NOT_STARTED: DEPLOY_SCHEMA,
            Phase.DEPLOYED: MIGRATE_DATA,
            Phase.MIGRATED: MIGRATE_DATA if red and not (self.last_gates and self.last_gates.only_application_red) else SWITCH_OVER,
            Phase.SWITCHED: CLEAN_UP if ready else VERIFY,
        }.get(phase)

    def _plan_of(self, verb: Verb) -> PlanMade | None:
        return next((plan for plan in self.plans if plan.verb == str(verb)), None)

    @property
    def active(self) -> list[Reported]:
        """The steps at work of runs that have reported lately; others were killed."""
        return [reported for reported in self.running if reported.unseen <= SILENT]

    @property
    def may_be_run_next(self) -> str:
        """The verbs that may be run next. A verb with steps left comes first, with the roll back that may replace it."""
        left = self.verbs_with_steps_left
        if self.at_work:
            return "nothing until the run at work has ended"
        if not left:
            return ", ".join(map(str, self.next_steps)) or "nothing"
        others = [str(verb) for verb in self.next_steps if verb.name not in left]
        return f"{', '.join(left)} again, it has steps left{''.join(f'; or {verb}' for verb in others)}"

    @property
    def next_steps(self) -> list[Verb]:
        """The same as verbs; none while a run is at work."""
        phase, again = self.phase.phase, self._following if self.steps_left else None
        if self.at_work:
            return []
        if again is None:
            return list(phase.next_verbs)
        return [again, *([ROLL_BACK_TO_MIGRATED] if (phase, again) == (Phase.SWITCHED, SWITCH_OVER) else [])]

    @property
    def verbs_with_steps_left(self) -> list[str]:
        """The verbs that must be run again, because their run was killed after its commit."""
        return sorted({step.verb for step in self.steps_left})

    @property
    def running(self) -> list[Reported]:
        """The step at work of each run that is active: the inner one of two."""
        return list({reported.run_name: reported for reported in self.progress if not reported.step.outcome}.values())

    @property
    def at_work(self) -> bool:
        """Whether a run is at work."""
        return bool(self.active) or any(run.at_work for run in self.unfinished)

    @property
    def _killed(self) -> list[RecentRun]:
        """The newest run, if it has not ended and is not at work. After older ones, others have done their work."""
        return [run for run in self.runs[:1] if run.ended_at is None and not run.at_work]

    @property
    def unfinished(self) -> list[RecentRun]:
        """The runs that have not ended: they are active or were killed."""
        return [run for run in self.runs if run.ended_at is None]


def read_status(target: Database) -> Status:
    """Read the status. Raises DatabaseUnreachable, or PrerequisitesNotMet for a ledger of another version.

    Takes no lock on a table of the application.
    """
    with target.transaction("reading the status", transaction_read_only="on") as connection:
        name = connection.execute(text("SELECT CURRENT_DATABASE()")).scalar_one()
        require_layout(connection, "status")
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
            plans=_plans(connection),
            reached={row["phase"]: row["reached_at"] for row in database.rows(connection, "status/phases")},
            old_names=[OldNamesUse(**row) for row in database.rows(connection, "status/legacy_names_use")] if window and has_data else [],
            customers=_customers(connection) if phase.phase is Phase.MIGRATED else None,
            old_name_use=readiness.old_name_use(connection, ends_with) if (ends_with := readiness.ENDS_WITH.get(phase.phase)) else [],
            rolled_back=readiness.rolled_back(connection) if window and has_data else None,
        )


def _plans(connection: Connection) -> list[PlanMade]:
    """Return the plans that can still be approved: made in this phase, with the decisions in force."""
    phase, decisions = phase_mark(connection), decisions_in_force(connection)
    marks = {phase, move_mark(connection)} if ledger.phase(connection).phase is Phase.MIGRATED else {phase}
    return [
        PlanMade(row["verb"], row["number"], row["made_at"], tuple(row["blockers"]))
        for row in database.rows(connection, "status/plans")
        if row["phase"] in marks and row["decisions"] == decisions
    ]


def _last_gates(connection: Connection) -> LastGates | None:
    found = database.rows(connection, "gates/last_judged_run")
    return LastGates(**found[0], rules=gates.read_verdicts(connection, found[0]["run"])) if found else None


def _customers(connection: Connection) -> CustomersServed | None:
    return next((CustomersServed(**row) for row in database.rows(connection, "status/customers")), None)


def _backlog(connection: Connection, window: SafetyWindow | None) -> Backlog:
    (row,) = database.rows(connection, "status/backlog_of_window" if window else "status/backlog")
    return Backlog(**row)


def window_line(window: SafetyWindow) -> str:
    """Return the day of the safety window and its last verification."""
    if not window.verifications:
        return f"{window.today}; not verified yet"
    last = window.verifications[-1]
    return f"{window.today}; last verified {last.verified_at:%Y-%m-%d %H:%M %Z}: {'red: ' + ', '.join(last.red) if last.red else 'green'}"


def _has_data_tables(connection: Connection) -> bool:
    return bool(connection.execute(text("SELECT TO_REGCLASS('artwork_migration.gate_result') IS NOT NULL")).scalar_one())
