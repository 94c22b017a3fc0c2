"""Plans: every statement that a verb would execute, under a number that is valid only for exactly these statements."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC
from functools import cached_property
from typing import Any, cast

from sqlalchemy import Connection, text

from migration.errors import Blocked, PlanOutdated, Problem, shown
from migration.ledger import ledger
from migration.ledger.ledger import Numbered, PlanContent, StoredProblem, StoredStatement
from migration.ledger.phases import MOVE_CUSTOMERS, Phase, Verb
from migration.ledger.runs import FIRST_LETTERS, Approval

#: The stages of a plan. `prepare` changes nothing that the application uses. `fenced` runs in the same transaction, once the log is
#: drained, and `locked` too, in one statement of bounded time. `after` follows the commit, statement by statement, and each of these can
#: be repeated.
STAGES = ("prepare", "fenced", "locked", "after")

#: The fact with a checksum for each object that depends on artworks, by its name. It is for the words about what has changed since.
BOUND = "bound"
#: The fact with the move of move-customers, by which its number alone is enough to execute it.
MOVE = "move"


@dataclass(frozen=True)
class Statement:
    """One statement of a plan: its stage, its object, its SQL (`do`), the SQL that undoes it if any, and the lock that it takes.

    `undo_stage` is when the undo runs: `locked`, `named` (under the locks too, once the tables have their old names again) or `after`.
    `kind` and `waits_on` are those of `sql.StatementRow`.
    """

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
    """A plan of `verb`. Its `facts` are for the reader; the number does not depend on them, because counts change all the time."""

    verb: Verb
    database: str
    phase: str
    decisions: dict[str, str]
    statements: tuple[Statement, ...]
    blockers: tuple[Problem, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def number(self) -> str:
        """Return eight hexadecimal digits, a hash of verb, database, phase row, statements, decisions and the rules that block.

        The first is a letter that no number begins with in JSON, YAML or a spreadsheet, so none of these takes it for 1e5 or 12345678.
        """
        canonical = json.dumps(self._numbered(), sort_keys=True, ensure_ascii=True)
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        return FIRST_LETTERS[int(digest[7:], 16) % len(FIRST_LETTERS)] + digest[:7]

    @property
    def command(self) -> str:
        """Return the command that runs exactly this plan."""
        return self.verb.typed(self.number)

    def content(self) -> PlanContent:
        """Return the plan as the ledger keeps it; of each blocking rule it has the first problems."""
        blocking = [cast(StoredProblem, asdict(blocker)) for blocker in shown(self.blockers)]
        return PlanContent(**self._numbered(), facts=self.facts, blocking=blocking)

    def changes_since(self, earlier: PlanContent) -> list[str]:
        """Return what differs from the `earlier` plan, as clauses."""
        objects = "; ".join(changed_objects(earlier["facts"].get(BOUND, {}), self.facts.get(BOUND, {})))
        changes = {
            "verb": "the plan is for another verb",
            "database": "the plan was made for another database",
            "phase": "the phase has changed" if self.verb is not MOVE_CUSTOMERS else "another move of customers was made since",
            "decisions": "a decision has changed",
            "blockers": "a blocker has appeared or disappeared",
            "statements": f"the statements differ: {objects or 'something about the tables has changed'}",
        }
        numbered = dict(self._numbered())
        return [text for part, text in changes.items() if earlier.get(part) != numbered[part]] or [
            "its content is the same, but another version of this tool numbered it"
        ]

    def _numbered(self) -> Numbered:
        return Numbered(
            verb=str(self.verb),
            database=self.database,
            phase=self.phase,
            decisions=self.decisions,
            blockers=sorted({blocker.rule for blocker in self.blockers}),
            statements=[cast(StoredStatement, asdict(statement)) for statement in self.statements],
        )


def changed_objects(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return what has happened to the objects that depend on artworks, as clauses. Each side is a checksum by the object's name."""
    return [
        *(f"{name} was created" for name in sorted(now.keys() - before.keys())),
        *(f"{name} was dropped" for name in sorted(before.keys() - now.keys())),
        *(f"{name} was changed" for name in sorted(before.keys() & now.keys()) if before[name] != now[name]),
    ]


def phase_mark(connection: Connection) -> str:
    """Return the mark of the phase row that a plan is bound to. A later return to the same phase has another mark."""
    row = ledger.phase(connection)
    since = f" since {row.since.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}" if row.since else ""
    return f"{row.phase}#{row.run}{since}"


def move_mark(connection: Connection) -> str:
    """Return the mark of the phase row and of the newest move of customers, to which a plan of a move is bound: it is for one run."""
    newest = connection.execute(text("SELECT COALESCE(MAX(m.run), 0) FROM artwork_migration.customer_move AS m")).scalar_one()
    return f"{phase_mark(connection)}, newest move {newest}"


def decisions_in_force(connection: Connection) -> dict[str, str]:
    """Return the values of the decisions in force, by name."""
    return {name: decision.value for name, decision in ledger.decisions(connection).items()}


def keep(connection: Connection, plan: Plan, run_name: str) -> None:
    """Store the plan, and create the ledger for the first one."""
    if not ledger.exists(connection):
        ledger.create(connection)
    ledger.keep_plan(connection, number=plan.number, verb=str(plan.verb), content=plan.content(), run_name=run_name)


def confirm(connection: Connection, plan: Plan, approval: Approval) -> None:
    """Raise PlanOutdated unless the approved number is this plan's and in the ledger, and Blocked if the plan has blockers.

    A number from before roll-back --to NOT_STARTED is no longer in the ledger, so the operator has to read the plan again.
    """
    earlier = ledger.plan_content(connection, approval.plan)
    if approval.plan != plan.number or earlier is None:
        changes = plan.changes_since(earlier) if earlier else ["no plan with that number was made for this database"]
        raise PlanOutdated(str(plan.verb), approval.plan, plan.number, changes, chosen=plan.verb is MOVE_CUSTOMERS)
    if plan.blockers:
        raise Blocked(str(plan.verb), plan.number, plan.blockers)


#: The line below the blockers of a plan. They are part of its number, so this number never runs.
FIX_HINT = "Fix these, then plan again: the new plan gets a new number."


def executed_statements(connection: Connection, verb: Verb) -> list[Statement]:
    """Return the statements by which the verb last brought its phase, in their order; none if it never has."""
    content = ledger.executed_plan(connection, verb)
    return [Statement(**row) for row in content["statements"]] if content else []


def by_stage(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Return the statements in the order in which a plan executes them."""
    return tuple(sorted(statements, key=lambda statement: STAGES.index(statement.stage)))


def undone(statements: Sequence[Statement]) -> list[Statement]:
    """Return the statements that undo these, from the last to the first, each in the stage where its undo belongs."""
    return [
        Statement(done.undo_stage, done.object, done.undo, None, "", kind=done.kind, waits_on=done.waits_on)
        for done in reversed(statements)
        if done.undo
    ]


def serving(phase: Phase) -> str:
    """Return one line for the end of a run: what serves now and what can be run next."""
    following = f"Next: {' or '.join(map(str, phase.next_verbs))}." if phase.next_verbs else "The migration is done."
    return f"{phase.serves[0].upper()}{phase.serves[1:]}. {following}"
