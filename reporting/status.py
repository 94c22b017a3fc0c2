"""The status: a verdict, the next step, the plans that wait, the phases, the last gates, the log, and runs that have not ended."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, text

from migration import database
from migration.checks import gates
from migration.checks.gates import RuleVerdict
from migration.database import Database
from migration.ledger import ledger, progress, safety_window
from migration.ledger.ledger import Pause, PhaseRow
from migration.ledger.phases import (
    CLEAN_UP,
    DEPLOY_SCHEMA,
    MIGRATE_DATA,
    ROLL_BACK_TO_MIGRATED,
    ROLL_BACK_TO_NOT_STARTED,
    SWITCH_OVER,
    VERBS,
    VERIFY,
    Phase,
    Verb,
)
from migration.ledger.progress import Reported
from migration.ledger.safety_window import SafetyWindow
from migration.plans.plan import decisions_in_force, phase_mark
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
            *([f"{_window_line(self.window)}."] if self.window else []),
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
            Phase.MIGRATED: MIGRATE_DATA if red else SWITCH_OVER,
            Phase.SWITCHED: CLEAN_UP if ready else VERIFY,
        }.get(phase)

    def _plan_of(self, verb: Verb) -> PlanMade | None:
        return next((plan for plan in self.plans if plan.verb == str(verb)), None)

    @property
    def active(self) -> list[Reported]:
        """The steps at work of runs that have reported lately; others were killed."""
        return [reported for reported in self.running if reported.unseen <= _SILENT]

    @property
    def may_be_run_next(self) -> str:
        """The verbs that may be run next. A verb with steps left comes first, with the roll back that may replace it."""
        left = self.verbs_with_steps_left
        if self.at_work:
            return "nothing until the run at work has ended"
        if not left:
            return ", ".join(verb.command for verb in self.next_steps) or "nothing"
        others = [verb.command for verb in self.next_steps if verb.name not in left]
        return f"{', '.join(name.replace('_', '-') for name in left)} again, it has steps left{''.join(f'; or {verb}' for verb in others)}"

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
            plans=_plans(connection),
            reached={row["phase"]: row["reached_at"] for row in database.rows(connection, "status/phases")},
            old_names=[OldNamesUse(**row) for row in database.rows(connection, "status/legacy_names_use")] if window and has_data else [],
        )


def status_lines(status: Status) -> list[tuple[str, str]]:
    """Return the status as (label, value) lines, for a terminal and for an artifact."""
    since = f" since {status.phase.since:%Y-%m-%d %H:%M %Z}" if status.phase.since else ""
    step = status.next_step
    return [
        ("verdict", status.verdict),
        ("next step", step.command if step else "nothing"),
        ("database", status.database),
        ("phase", f"{status.phase.phase}{since}"),
        *([("phases", _phases_line(status))] if status.reached else []),
        ("serves", status.phase.phase.serves),
        *(("running", _running_line(reported)) for reported in status.running),
        ("may be run next", status.may_be_run_next),
        *([("pause", f"{status.pause}; to end it: artwork-migration run resume")] if status.pause else []),
        *([("waits", f"since {status.wait.since:%Y-%m-%d %H:%M:%S %Z} for: {status.wait.reason}")] if status.wait else []),
        *([("ledger", _LEDGER_ONLY)] if status.ledger and status.phase.phase is Phase.NOT_STARTED else []),
        *(("plan", str(plan)) for plan in status.plans),
        *(("still to do", f"{step.verb}: {step.name}") for step in status.steps_left),
        *([("safety window", _window_line(status.window))] if status.window else []),
        *(_backlog_lines(status.backlog, waits_for="carry-back" if status.window else "catch-up") if status.backlog else []),
        *(("old names", _old_names_line(use)) for use in status.old_names),
        *([("last gates", _gates_line(status.last_gates))] if status.last_gates else []),
        *([("roll back", line)] if status.window and status.last_gates and (line := _roll_back_line(status.last_gates)) else []),
        *(("decision", f"{name} = {value}") for name, value in status.decisions.items()),
        *(("last run", f"{run.run} {run.verb} {run.run_name}: {run.outcome or 'has not ended'}") for run in status.runs[:1]),
        *([("last locks", ": ".join(status.stall))] if status.stall else []),
        *(("not ended", f"{run.run} {run.verb} {run.run_name}, begun {run.begun_at:%Y-%m-%d %H:%M %Z}") for run in status.unfinished),
    ]


def status_markdown(status: Status, form: Callable[[Verb, str], str]) -> str:
    """Return the status as markdown: verdict, next step, a table. `form` returns the address of a verb's form, or nothing."""
    lines = [(label, value) for label, value in status_lines(status) if label not in ("verdict", "next step")]
    table = "\n".join(f"| {label} | {value.replace('; ', ';<br>')} |" for label, value in lines)
    return f"# {status.verdict}\n\n{_next_step_markdown(status.next_step, form)}\n\n| | |\n|---|---|\n{table}\n"


def _next_step_markdown(step: NextStep | None, form: Callable[[Verb, str], str]) -> str:
    if step is None:
        return "**Next step:** nothing now."
    name = f"{step.verb.command}{f', plan {step.plan}' if step.plan else ''}"
    address = form(step.verb, step.plan)
    link = f"[{name}]({address}), or in a terminal " if address else ""
    return f"**Next step:** {link}`{step.command}`"


def _plans(connection: Connection) -> list[PlanMade]:
    """Return the plans that can still be approved: made in this phase, with the decisions in force."""
    made_from = (phase_mark(connection), decisions_in_force(connection))
    return [
        PlanMade(row["verb"], row["number"], row["made_at"], tuple(row["blockers"]))
        for row in database.rows(connection, "status/plans")
        if (row["phase"], row["decisions"]) == made_from
    ]


def _phases_line(status: Status) -> str:
    """Return the phases in their order, those that were reached with their dates. What a rollback has left is not reached."""
    order = list(Phase)
    reached = {name: when for name, when in status.reached.items() if order.index(Phase(name)) <= order.index(status.phase.phase)}
    return " → ".join(f"{phase} {reached[phase]:%Y-%m-%d %H:%M}" if phase in reached else str(phase) for phase in order)


def _last_gates(connection: Connection) -> LastGates | None:
    found = database.rows(connection, "gates/last_judged_run")
    return LastGates(**found[0], rules=gates.read_verdicts(connection, found[0]["run"])) if found else None


def _gates_line(last: LastGates) -> str:
    red = last.red
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


def _old_names_line(use: OldNamesUse) -> str:
    application = f" in {use.application_name}" if use.application_name else ""
    minutes = f"{use.minutes} minute{'s' if use.minutes != 1 else ''} of a session"
    return f"{use.role_name}{application}: {use.kinds}; last at {use.used_at:%Y-%m-%d %H:%M %Z}, in {minutes}"


def _has_data_tables(connection: Connection) -> bool:
    return bool(connection.execute(text("SELECT TO_REGCLASS('artwork_migration.gate_result') IS NOT NULL")).scalar_one())
