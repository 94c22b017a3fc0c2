"""The ledger in the database: phases and runs, steps, decisions, plans. Each function works in the transaction of its caller."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypedDict

from sqlalchemy import Connection, text

from migration import database
from migration.errors import Overtaken
from migration.ledger import creation
from migration.ledger.phases import Phase, Verb

#: The tables that the clean-up keeps.
TABLES = ("phase_history", "step", "decision", "plan", "verification", "pause", "wait", "lock_attempt", "progress")

#: The outcome of an attempt that did not fail.
COMMITTED = "committed"
#: Statements of an attempt that are shown.
SLOWEST = 5


@dataclass(frozen=True)
class PhaseRow:
    """The phase in force, the run that brought it (0 if none has), and when."""

    phase: Phase
    run: int
    since: datetime | None


@dataclass(frozen=True)
class Decision:
    """A decision in force: who made it, why and when."""

    name: str
    value: str
    approved_by: str
    reason: str
    decided_at: datetime


@dataclass(frozen=True)
class Pause:
    """A pause in force: its number, who asked for it, why and when."""

    number: int
    approved_by: str
    reason: str
    paused_at: datetime

    def __str__(self) -> str:
        return f"paused by {self.approved_by} since {self.paused_at:%Y-%m-%d %H:%M:%S %Z}: {self.reason}"


class StatementSeconds(TypedDict):
    """How long a statement took, by its object."""

    object: str
    seconds: float


@dataclass(frozen=True)
class LockAttempt:
    """An attempt to execute a plan's statements under its locks. `outcome` is COMMITTED or the SQLSTATE with which it failed.

    `seconds` is the time from the request of the first lock until all were released, so no session waited longer for it; in the part
    `lock_wait` it waited itself. `longest_wait` is that of the session that waited longest when it committed; None if none did.
    """

    outcome: str
    seconds: float
    lock_wait: float
    longest_wait: float | None
    statements: Sequence[StatementSeconds]

    @property
    def slowest(self) -> list[StatementSeconds]:
        """The slowest statements, the slowest first."""
        return sorted(self.statements, key=lambda statement: -statement["seconds"])[:SLOWEST]


class StoredStatement(TypedDict):
    """A statement as a plan keeps it; `migration.plans.plan.Statement` has the same fields."""

    stage: str
    object: str
    do: str
    undo: str | None
    lock: str
    undo_stage: str
    kind: str | None
    waits_on: str | None


class StoredProblem(TypedDict):
    """A blocker as a plan keeps it; `migration.errors.Problem` has the same fields."""

    rule: str
    subject: str
    problem: str
    remedy: str
    statement: str
    decision: str


class Numbered(TypedDict):
    """The part of a plan that its number is computed from; of the blockers only the names of their rules."""

    verb: str
    database: str
    phase: str
    decisions: dict[str, str]
    blockers: list[str]
    statements: list[StoredStatement]


class PlanContent(Numbered):
    """A plan as the ledger keeps it. `facts` and `blocking`, the blockers in full, are for its reader."""

    facts: dict[str, Any]
    blocking: list[StoredProblem]


def exists(connection: Connection) -> bool:
    """Return whether this database has a ledger. A schema of that name in which the role may not look is none; name_taken reports it."""
    return bool(database.run(connection, "ledger/exists").scalar_one())


def create(connection: Connection) -> None:
    """Create the schema and the ledger's own tables if they are missing. The phase stays NOT_STARTED; no table is locked."""
    database.run(connection, "ledger/create")
    database.run_literally(connection, creation.restoring(creation.OBJECTS))


def phase(connection: Connection) -> PhaseRow:
    """Return the phase in force; NOT_STARTED without a ledger."""
    rows = database.rows(connection, "ledger/phase") if exists(connection) else []
    if not rows:
        return PhaseRow(Phase.NOT_STARTED, 0, None)
    return PhaseRow(Phase(rows[0]["phase"]), rows[0]["run"], rows[0]["since"])


def decisions(connection: Connection) -> dict[str, Decision]:
    """Return the decisions in force by name; none without a ledger."""
    rows = database.rows(connection, "ledger/decisions") if exists(connection) else []
    return {row["name"]: Decision(**row) for row in rows}


def decide(connection: Connection, name: str, value: str, *, approved_by: str, reason: str, run_name: str) -> None:
    """Add a decision. It replaces the one with the same name, which stays on record."""
    connection.execute(
        text(
            "INSERT INTO artwork_migration.decision (name, value, approved_by, reason, run_name)"
            " VALUES (:name, :value, :approved_by, :reason, :run_name)"
        ),
        {"name": name, "value": value, "approved_by": approved_by, "reason": reason, "run_name": run_name},
    )


def begin_run(
    connection: Connection,
    *,
    verb: str,
    run_name: str,
    run_id: str,
    plan: str | None = None,
    approved_by: str | None = None,
    reason: str | None = None,
) -> int:
    """Record that a run has begun, and return its number, the epoch. From then on the fence stops every older run."""
    return int(
        connection.execute(
            text(
                "INSERT INTO artwork_migration.phase_history (verb, run_name, run_id, phase_before, approved_by, reason, plan)"
                " VALUES (:verb, :run_name, :run_id, :phase, :approved_by, :reason, :plan) RETURNING run"
            ),
            {
                "verb": verb,
                "run_name": run_name,
                "run_id": run_id,
                "phase": phase(connection).phase,
                "approved_by": approved_by,
                "reason": reason,
                "plan": plan,
            },
        ).scalar_one()
    )


def end_run(
    connection: Connection, run: int, *, outcome: str, phase_after: Phase | None, details: Mapping[str, object] | None = None
) -> None:
    """Record how a run ended. With `phase_after`, this transaction makes that phase true, and its time is that of the phase.

    A later call for the same run changes only the outcome. Raises Overtaken if a newer run has begun, because only the newest run may
    bring a phase.
    """
    ended = database.run(
        connection, "ledger/end_run", run=run, outcome=outcome, phase_after=phase_after, details=json.dumps(details or {}, default=str)
    )
    if phase_after is not None and ended.rowcount != 1:
        raise Overtaken(
            f"run {run} was overtaken by a newer run and brings no phase. Nothing of this step was kept. The newer run does the work."
        )


def brought_a_phase(connection: Connection, run: int) -> bool:
    """Return whether this run has already brought a phase: a step that is repeated after a lost connection must not do it twice.

    Locks the run's row. So it waits for a COMMIT that the server is still working on, whose client has lost the connection.
    """
    question = text("SELECT phase_after IS NOT NULL FROM artwork_migration.phase_history WHERE run = :run FOR UPDATE")
    return bool(connection.execute(question, {"run": run}).scalar())


def keep_plan(connection: Connection, *, number: str, verb: str, content: PlanContent, run_name: str) -> None:
    """Store a plan under its number, unless it is there already."""
    connection.execute(
        text(
            "INSERT INTO artwork_migration.plan (number, verb, content, run_name)"
            " VALUES (:number, :verb, CAST(:content AS jsonb), :run_name) ON CONFLICT (number) DO NOTHING"
        ),
        {"number": number, "verb": verb, "content": json.dumps(content, default=str), "run_name": run_name},
    )


def plan_content(connection: Connection, number: str) -> PlanContent | None:
    """Return the stored plan with that number, or None if there is none."""
    if not exists(connection):
        return None
    content: PlanContent | None = connection.execute(
        text("SELECT content FROM artwork_migration.plan WHERE number = :number"), {"number": number}
    ).scalar()
    return content


def executed_plan(connection: Connection, verb: Verb) -> PlanContent | None:
    """Return the plan by which the newest run of the verb brought its phase, or None if no run has."""
    number = connection.execute(
        text("SELECT plan FROM artwork_migration.phase_history WHERE verb = :verb AND phase_after = :phase ORDER BY run DESC LIMIT 1"),
        {"verb": verb.name, "phase": verb.brings},
    ).scalar()
    return plan_content(connection, str(number)) if number else None


def note_steps_left(connection: Connection, run: int, names: Sequence[str]) -> None:
    """Record steps that are left to do after the commit that brings a phase."""
    connection.execute(
        text(
            "INSERT INTO artwork_migration.step (run, name) SELECT :run, n.name FROM UNNEST(CAST(:names AS text[])) AS n (name)"
            " ON CONFLICT (run, name) DO NOTHING"
        ),
        {"run": run, "names": list(names)},
    )


def note_lock_attempt(connection: Connection, run: int, attempt: LockAttempt) -> None:
    """Record an attempt under locks."""
    connection.execute(
        text(
            "INSERT INTO artwork_migration.lock_attempt (run, outcome, seconds, lock_wait, longest_wait, statements)"
            " VALUES (:run, :outcome, :seconds, :lock_wait, :longest_wait, CAST(:statements AS jsonb))"
        ),
        {"run": run, **asdict(attempt), "statements": json.dumps(attempt.statements)},
    )


def lock_attempts(connection: Connection, run: int) -> list[LockAttempt]:
    """Return the attempts of a run under locks, in their order."""
    return [LockAttempt(**row) for row in database.rows(connection, "ledger/lock_attempts", run=run)]


def begin_step(connection: Connection, run: int, name: str) -> None:
    """Record that a step has begun, in the place of an earlier run that was killed in it."""
    connection.execute(text("DELETE FROM artwork_migration.step WHERE name = :name AND done_at IS NULL"), {"name": name})
    note_steps_left(connection, run, [name])


def end_step(connection: Connection, run: int, name: str, **details: object) -> None:
    """Record that a step is done, with its `details`."""
    connection.execute(
        text(
            "UPDATE artwork_migration.step SET done_at = CLOCK_TIMESTAMP(), details = CAST(:details AS jsonb)"
            " WHERE run = :run AND name = :name"
        ),
        {"run": run, "name": name, "details": json.dumps(details, default=str)},
    )


def steps_left(connection: Connection, verb: str) -> list[str]:
    """Return the names of the steps that runs of this verb have left to do."""
    if not exists(connection):
        return []
    return [row["name"] for row in database.rows(connection, "ledger/steps_left") if row["verb"] == verb]


def close_steps(connection: Connection, verb: str) -> None:
    """Record every open step of this verb as done, whichever run began it."""
    connection.execute(
        text(
            "UPDATE artwork_migration.step AS s SET done_at = CLOCK_TIMESTAMP()"
            " FROM artwork_migration.phase_history AS h WHERE s.run = h.run AND h.verb = :verb AND s.done_at IS NULL"
        ),
        {"verb": verb},
    )


def decision_value(connection: Connection, name: str, default: str) -> str:
    """Return the value of a decision in force, or the default."""
    decision = decisions(connection).get(name)
    return decision.value if decision else default


def pause_in_force(connection: Connection) -> Pause | None:
    """Return the pause in force, or None."""
    found = database.rows(connection, "ledger/pause") if exists(connection) else []
    return Pause(**found[0]) if found else None


def pause(connection: Connection, *, approved_by: str, reason: str) -> None:
    """Record a pause. Runs wait between two batches from now on."""
    connection.execute(
        text("INSERT INTO artwork_migration.pause (approved_by, reason) VALUES (:approved_by, :reason)"),
        {"approved_by": approved_by, "reason": reason},
    )


def resume(connection: Connection, *, approved_by: str, reason: str, older_than: float = 0.0) -> None:
    """Record that every pause in force has ended that began so many seconds ago."""
    connection.execute(
        text(
            "UPDATE artwork_migration.pause SET resumed_by = :approved_by, resumed_because = :reason, resumed_at = CLOCK_TIMESTAMP()"
            " WHERE resumed_at IS NULL AND paused_at <= CLOCK_TIMESTAMP() - MAKE_INTERVAL(secs => :older_than)"
        ),
        {"approved_by": approved_by, "reason": reason, "older_than": older_than},
    )
