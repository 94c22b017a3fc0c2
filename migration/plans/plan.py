"""Plans: what a dangerous verb would do, statement by statement, under a number that is only good for exactly that."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC
from typing import Any

from sqlalchemy import Connection

from migration.errors import Blocked, PlanOutdated, Problem
from migration.ledger import ledger
from migration.ledger.phases import Phase, Verb
from migration.ledger.runs import Approval

#: `prepare` touches nothing that the application uses; `locked` runs in one bounded statement, in the same transaction; `after` follows its
#: commit, statement by statement, each of which may be run again.
STAGES = ("prepare", "locked", "after")


@dataclass(frozen=True)
class Statement:
    """One statement of a plan: its stage, the object, what is done, what undoes it (if it needs undoing by itself) and in which stage, the
    lock it takes; its kind and what it waits for, see `sql.StatementRow`."""

    stage: str
    object: str
    do: str
    undo: str | None
    lock: str
    undo_stage: str = "locked"
    kind: str | None = None
    waits_on: str | None = None


@dataclass(frozen=True)
class Plan:
    """A plan of `verb`. `facts` are counts and notes for the reader; they are not part of the number, so it does not jump."""

    verb: Verb
    database: str
    phase: str
    decisions: dict[str, str]
    statements: tuple[Statement, ...]
    blockers: tuple[Problem, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def number(self) -> str:
        """Eight hexadecimal digits over verb, database, phase row, statements, decisions and the names of the blocking rules."""
        canonical = json.dumps(self._hashed(), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:8]

    @property
    def command(self) -> str:
        """The line that runs exactly this plan at a terminal."""
        return f"artwork-migration run {self.verb.command} --plan {self.number} --approved-by NAME --reason WHY"

    def content(self) -> dict[str, Any]:
        """Everything in the plan, as it is kept in the ledger."""
        return {**self._hashed(), "facts": self.facts, "blocking": [asdict(blocker) for blocker in self.blockers]}

    def changes_since(self, earlier: dict[str, Any]) -> list[str]:
        """What makes this plan differ from the `earlier` content, as clauses."""
        changes = {
            "verb": "the plan is for another verb",
            "database": "the plan was made for another database",
            "phase": "the phase has changed",
            "decisions": "a decision has changed",
            "blockers": "a blocker has appeared or disappeared",
            "statements": "the statements differ: something about the tables has changed",
        }
        return [text for part, text in changes.items() if earlier.get(part) != self._hashed()[part]] or ["nothing it was made from"]

    def _hashed(self) -> dict[str, Any]:
        return {
            "verb": str(self.verb),
            "database": self.database,
            "phase": self.phase,
            "decisions": self.decisions,
            "blockers": sorted({blocker.rule for blocker in self.blockers}),
            "statements": [asdict(statement) for statement in self.statements],
        }


def phase_mark(connection: Connection) -> str:
    """The phase row that a plan is bound to: going there and back makes another one."""
    row = ledger.phase(connection)
    since = f" since {row.since.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}" if row.since else ""
    return f"{row.phase}#{row.run}{since}"


def decisions_in_force(connection: Connection) -> dict[str, str]:
    """The values of the decisions in force, as a plan shows and hashes them."""
    return {name: decision.value for name, decision in ledger.decisions(connection).items()}


def keep(connection: Connection, plan: Plan, run_name: str) -> None:
    """Store the plan, creating the ledger for the first one."""
    if not ledger.exists(connection):
        ledger.create(connection)
    ledger.keep_plan(connection, number=plan.number, verb=str(plan.verb), content=plan.content(), run_name=run_name)


def confirm(connection: Connection, plan: Plan, approval: Approval) -> None:
    """Raise PlanOutdated unless the approved number is this plan's and was made here, and Blocked if the plan still has blockers.

    A number from before a roll_back(to=NOT_STARTED) is not in the ledger any more: somebody has to read the plan again.
    """
    earlier = ledger.plan_content(connection, approval.plan)
    if approval.plan != plan.number or earlier is None:
        changes = plan.changes_since(earlier) if earlier else ["no plan with that number was made for this database"]
        raise PlanOutdated(str(plan.verb), approval.plan, plan.number, changes)
    if plan.blockers:
        raise Blocked(str(plan.verb), plan.number, plan.blockers)


#: Stands below the blockers of a plan: they are part of its number, so that number never runs.
FIX_HINT = "Fix these, then plan again: the new plan gets a new number."


def by_stage(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """The statements in the order in which a plan executes them."""
    return tuple(sorted(statements, key=lambda statement: STAGES.index(statement.stage)))


def undone(statements: Sequence[Statement]) -> list[Statement]:
    """The statements that take earlier ones back, from the last to the first, each in the stage in which its undo belongs."""
    return [
        Statement(done.undo_stage, done.object, done.undo, None, "", kind=done.kind, waits_on=done.waits_on)
        for done in reversed(statements)
        if done.undo
    ]


def serving(phase: Phase) -> str:
    """One line for the end of a run: what serves now and what may come next."""
    following = f"Next: {' or '.join(map(str, phase.next_verbs))}." if phase.next_verbs else "The migration is done."
    return f"{phase.serves[0].upper()}{phase.serves[1:]}. {following}"
