"""What is remembered in the database: phases and runs, steps, decisions, plans. Each function works in its caller's transaction."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from migration import database
from migration.errors import Overtaken
from migration.ledger.phases import Phase

#: The ledger's own tables: they stay for as long as anything was done here, also after the clean-up.
TABLES = ("phase_history", "step", "decision", "plan", "verification")


@dataclass(frozen=True)
class PhaseRow:
    """The phase in force, the number of the run that brought it (0: none yet), and since when."""

    phase: Phase
    run: int
    since: datetime | None


@dataclass(frozen=True)
class Decision:
    """A choice in force."""

    name: str
    value: str
    approved_by: str
    reason: str
    decided_at: datetime


def exists(connection: Connection) -> bool:
    """Whether the ledger has been created in this database."""
    return bool(connection.execute(text("SELECT TO_REGCLASS('artwork_migration.phase_history') IS NOT NULL")).scalar_one())


def create(connection: Connection) -> None:
    """Create the schema and the ledger's own tables where they are missing. The phase stays NOT_STARTED; nothing is locked."""
    database.run(connection, "ledger/create")


def phase(connection: Connection) -> PhaseRow:
    """The phase in force; NOT_STARTED where there is no ledger."""
    found = database.rows(connection, "ledger/phase") if exists(connection) else []
    if not found:
        return PhaseRow(Phase.NOT_STARTED, 0, None)
    return PhaseRow(Phase(found[0]["phase"]), found[0]["run"], found[0]["since"])


def decisions(connection: Connection) -> dict[str, Decision]:
    """The decisions in force by name; none where there is no ledger."""
    found = database.rows(connection, "ledger/decisions") if exists(connection) else []
    return {row["name"]: Decision(**row) for row in found}


def decide(connection: Connection, name: str, value: str, *, approved_by: str, reason: str, run_name: str) -> None:
    """Add a decision; it replaces the one of that name from now on, and the old one stays on record."""
    connection.execute(
        text(
            "INSERT INTO artwork_migration.decision (name, value, approved_by, reason, run_name)"
            " VALUES (:name, :value, :approved_by, :reason, :run_name)"
        ),
        {"name": name, "value": value, "approved_by": approved_by, "reason": reason, "run_name": run_name},
    )


def begin_run(connection: Connection, *, verb: str, run_name: str, run_id: str, approval: dict[str, str | None]) -> int:
    """Note that a run has begun and return its number, the epoch: from here on no older run may commit behind the fence."""
    return int(
        connection.execute(
            text(
                "INSERT INTO artwork_migration.phase_history (verb, run_name, run_id, phase_before, approved_by, reason, plan)"
                " VALUES (:verb, :run_name, :run_id, :phase, :approved_by, :reason, :plan) RETURNING run"
            ),
            {"verb": verb, "run_name": run_name, "run_id": run_id, "phase": phase(connection).phase, **approval},
        ).scalar_one()
    )


def end_run(connection: Connection, run: int, *, outcome: str, phase_after: Phase | None, details: dict[str, Any] | None = None) -> None:
    """Note how a run ended; with `phase_after` it is the transaction that makes that phase true, and its time is the phase's.

    What comes of the run after that changes its outcome and nothing else. Raises Overtaken if a newer run has begun: only the newest may
    bring a phase.
    """
    done = database.run(
        connection, "ledger/end_run", run=run, outcome=outcome, phase_after=phase_after, details=json.dumps(details or {}, default=str)
    )
    if phase_after is not None and done.rowcount != 1:
        raise Overtaken(f"run {run} was overtaken by a newer one and brings no phase any more. The newer run does the work.")


def brought_a_phase(connection: Connection, run: int) -> bool:
    """Whether this run has made a phase true already: a step that is tried again after a lost connection must not do it twice."""
    question = text("SELECT phase_after IS NOT NULL FROM artwork_migration.phase_history WHERE run = :run")
    return bool(connection.execute(question, {"run": run}).scalar())


def keep_plan(connection: Connection, *, number: str, verb: str, content: dict[str, Any], run_name: str) -> None:
    """Store a plan under its number; the same plan again changes nothing."""
    connection.execute(
        text(
            "INSERT INTO artwork_migration.plan (number, verb, content, run_name)"
            " VALUES (:number, :verb, CAST(:content AS jsonb), :run_name) ON CONFLICT (number) DO NOTHING"
        ),
        {"number": number, "verb": verb, "content": json.dumps(content, default=str), "run_name": run_name},
    )


def plan_content(connection: Connection, number: str) -> dict[str, Any] | None:
    """The plan of that number, or None if this ledger has none."""
    if not exists(connection):
        return None
    found = connection.execute(text("SELECT content FROM artwork_migration.plan WHERE number = :number"), {"number": number}).scalar()
    return dict(found) if found is not None else None


def deployed_statements(connection: Connection) -> list[dict[str, Any]]:
    """The statements that brought phase DEPLOYED, in their order: what roll_back(to=NOT_STARTED) undoes."""
    return _statements_between(connection, Phase.NOT_STARTED, Phase.DEPLOYED)


def switched_statements(connection: Connection) -> list[dict[str, Any]]:
    """The statements that brought phase SWITCHED, in their order: what roll_back(to=MIGRATED) undoes."""
    return _statements_between(connection, Phase.MIGRATED, Phase.SWITCHED)


def cleaned_statements(connection: Connection) -> list[dict[str, Any]]:
    """The statements that brought phase CLEANED, in their order: what clean_up finishes."""
    return _statements_between(connection, Phase.SWITCHED, Phase.CLEANED)


def _statements_between(connection: Connection, before: Phase, after: Phase) -> list[dict[str, Any]]:
    number = connection.execute(
        text(
            "SELECT plan FROM artwork_migration.phase_history"
            " WHERE phase_after = :after AND phase_before = :before ORDER BY run DESC LIMIT 1"
        ),
        {"after": after, "before": before},
    ).scalar()
    content = plan_content(connection, str(number)) if number else None
    return list(content["statements"]) if content else []


def note_steps_left(connection: Connection, run: int, names: Sequence[str]) -> None:
    """Note what is still to do after the transaction that brings a phase; it goes with the ledger, or when it is done."""
    for name in names:
        connection.execute(
            text("INSERT INTO artwork_migration.step (run, name) VALUES (:run, :name) ON CONFLICT (run, name) DO NOTHING"),
            {"run": run, "name": name},
        )


def begin_step(connection: Connection, run: int, name: str) -> None:
    """Note that a step has begun; an earlier run that was killed in it is not waited for any more."""
    connection.execute(text("DELETE FROM artwork_migration.step WHERE name = :name AND done_at IS NULL"), {"name": name})
    note_steps_left(connection, run, [name])


def end_step(connection: Connection, run: int, name: str, **details: object) -> None:
    """Note that a step is done, and what it found."""
    connection.execute(
        text(
            "UPDATE artwork_migration.step SET done_at = CLOCK_TIMESTAMP(), details = CAST(:details AS jsonb)"
            " WHERE run = :run AND name = :name"
        ),
        {"run": run, "name": name, "details": json.dumps(details, default=str)},
    )


def steps_left(connection: Connection, verb: str) -> list[str]:
    """The steps that runs of this verb have left to do."""
    if not exists(connection):
        return []
    return [row["name"] for row in database.rows(connection, "ledger/steps_left") if row["verb"] == verb]


def close_steps(connection: Connection, verb: str) -> None:
    """Note every open step of this verb, whichever run began it, as done."""
    connection.execute(
        text(
            "UPDATE artwork_migration.step AS s SET done_at = CLOCK_TIMESTAMP()"
            " FROM artwork_migration.phase_history AS h WHERE s.run = h.run AND h.verb = :verb AND s.done_at IS NULL"
        ),
        {"verb": verb},
    )


def decision_value(connection: Connection, name: str, default: str) -> str:
    """The value of a decision in force, or the default."""
    found = decisions(connection).get(name)
    return found.value if found else default
