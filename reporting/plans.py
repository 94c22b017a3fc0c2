"""A plan as markdown: one page with blockers, decisions, facts and what its statements do, and a second one with their SQL."""

from collections import defaultdict
from itertools import groupby
from typing import cast

import sql
from migration.checks import readiness
from migration.checks.readiness import Readiness
from migration.errors import blockers_file, problem_lines
from migration.ledger.phases import DEPLOY_SCHEMA, SWITCH_OVER
from migration.plans import dependents
from migration.plans.dependents import DependentFact
from migration.plans.plan import BOUND, FIX_HINT, MOVE, STAGES, Plan, Statement
from reporting import plan_facts
from reporting.plan_facts import cell

#: The heading of each stage, and when its statements run.
_STAGES = {
    "prepare": (
        "Before the lock",
        "These statements touch nothing that the application uses. They run in one transaction with all that comes before the commit.",
    ),
    "fenced": (
        "Behind the fence",
        "In the same transaction, once the log was drained again. From here on our batches wait.",
    ),
    "locked": (
        "Under the lock",
        "These run as one statement on the server, in less than half of its `deadlock_timeout`. Otherwise they are rolled back.",
    ),
    "after": (
        "After the commit",
        "Each runs alone, without a lock that blocks the application. If the run is killed here, run the verb again: it does the rest.",
    ),
}
#: What checks a blocker of deploy_schema again that took too long.
_RECHECKED_BY = defaultdict(lambda: "The gate `legacy_artworks`", orphan_reference="The plan of `switch-over`")


def plan_markdown(plan: Plan, form: str = "", sql_key: str = "") -> str:
    """Return the plan as markdown: number, next step, locks, blockers, decisions in force, facts, readiness, dependents, statements.

    `form` is the address of the form that runs it, with its number filled in, `sql_key` the key of the artifact with its SQL.
    """
    listed = problem_lines(plan.blockers, listed_in=f"`{blockers_file(plan.number)}`", mark="- **{rule}**: {}")
    blockers = "\n".join(filter(None, [listed, *_not_checked(plan)])) or "None."
    decisions = "\n".join(f"- {name} = {value}" for name, value in plan.decisions.items()) or "None: the defaults apply."
    return (
        f"# Plan {plan.number}: {plan.verb}\n\n{verdict(plan)}Nothing was changed. {_next_step(plan, form)}\n\n"
        f"**Locks:** {_locks(plan)} **To undo:** {_undone_by(plan)}\n\n"
        f"Database `{plan.database}`, phase `{plan.phase}`.\n\n"
        f"## Blockers\n\n{blockers}\n\n## Decisions in force\n\n{decisions}\n\n{_facts(plan)}\n\n"
        f"{_readiness(plan)}{_dependents(plan)}{_statements(plan, sql_key)}\n"
    )


def sql_markdown(plan: Plan) -> str:
    """Return every statement of the plan as markdown, by stage, with its lock and its SQL."""
    return (
        f"# SQL of plan {plan.number}: {plan.verb}\n\nNothing was changed. To run exactly these statements, approve the plan.\n\n"
        + "\n\n".join(
            f"## {title}\n\n{meaning}\n\n" + "\n\n".join(_statement(place, statement) for place, statement in statements)
            for (title, meaning), statements in _by_stage(plan)
        )
    )


def verdict(plan: Plan) -> str:
    """Return what the first line of a plan says: of deploy_schema how many rows are migrated, and what customers would lose."""
    if plan.verb is not DEPLOY_SCHEMA:
        return ""
    lost = [f"{blocker.subject}: {blocker.problem}" for blocker in plan.blockers if blocker.rule == "left_behind"]
    return " ".join([f"**{plan_facts.verdict(cast(plan_facts.Facts, plan.facts))}**", *lost]) + "\n\n"


def _next_step(plan: Plan, form: str) -> str:
    """Return how to run the plan, or that it is blocked."""
    if plan.blockers:
        return f"The plan has {_counted(len(plan.blockers), 'blocker')}, listed below. {FIX_HINT}"
    fields = f"`plan={plan.number}`, `approved_by` and `reason`"
    link = f"[the form with this number filled in]({form}); add `approved_by` and `reason`" if form else f"the same form with {fields}"
    return f"To run exactly these statements, in the UI: {link}. In a terminal: `{plan.command}`."


def _undone_by(plan: Plan) -> str:
    return f"`{plan.verb.inverse}`." if plan.verb.inverse else "not possible. **This plan is THE POINT OF NO RETURN.**"


def _locks(plan: Plan) -> str:
    """Return each lock mode with its tables, from the statements that only lock."""
    tables: dict[str, list[str]] = {}
    for statement in plan.statements:
        if statement.kind in {sql.TABLE_LOCK, sql.VIEW_LOCK}:
            tables.setdefault(statement.lock, []).append(statement.object)
    modes = [f"{', '.join(f'`{name}`' for name in names)} {mode}" for mode, names in tables.items()]
    return f"{'; '.join(modes)}: for less than half of `deadlock_timeout`." if modes else "none."


def _statements(plan: Plan, sql_key: str) -> str:
    """Return what the statements do, by stage and kind of object."""
    stages = "\n\n".join(f"### {title}\n\n{meaning}\n\n{_summary(statements)}" for (title, meaning), statements in _by_stage(plan))
    name = f"plan-{plan.number}-sql"
    return f"## Statements\n\nTheir SQL is in the artifact `{sql_key or name}` and in `{name}.md`.\n\n{stages}"


def _by_stage(plan: Plan) -> list[tuple[tuple[str, str], list[tuple[int, Statement]]]]:
    """Return the title and meaning of each stage that has statements, with these and their places in the plan."""
    numbered = list(enumerate(plan.statements, start=1))
    stages = [(_STAGES[stage], [(place, statement) for place, statement in numbered if statement.stage == stage]) for stage in STAGES]
    return [(words, statements) for words, statements in stages if statements]


def _summary(statements: list[tuple[int, Statement]]) -> str:
    """Return one line for consecutive statements about one kind of object: their numbers, and the objects or how many there are."""
    lines = []
    for kind, group in groupby(statements, key=lambda statement: _kind(statement[1].object)):
        numbered = list(group)
        first, last = numbered[0][0], numbered[-1][0]
        objects = list(dict.fromkeys(statement.object for _, statement in numbered))
        names = f"{len(objects)} × {kind}" if kind and len(objects) > 1 else ", ".join(objects)
        lines.append(f"- {first}{f'–{last}' if last > first else ''}: {names}")
    return "\n".join(lines)


def _kind(name: str) -> str:
    """Return the word before an object's name; empty if there is only a name."""
    first, _, rest = name.partition(" ")
    return first if rest and first.isalpha() else ""


def _statement(place: int, statement: Statement) -> str:
    lock = statement.lock or "under the locks taken above"
    return f"### {place}. {statement.object}\n\nLock: {lock}\n\n```sql\n{statement.do}\n```"


def _readiness(plan: Plan) -> str:
    """Return who still uses what ends with this verb, as far as it can be seen. What cannot be seen is said, with a mark."""
    if readiness.FACT not in plan.facts:
        return ""
    facts: Readiness = plan.facts[readiness.FACT]
    return f"## Readiness of the application\n\n{plan_facts.application(facts, plan.verb)}\n\n"


def _dependents(plan: Plan) -> str:
    """Return a line for each dependent with its action. What blocks the switch comes first, with the remedy.

    The plan of the switch only counts the dependents that deploy_schema has handled: they are neither locked nor blocking.
    """
    if dependents.FACT not in plan.facts:
        return ""
    heading = "## Dependents of artworks"
    if plan.facts[dependents.FACT] is None:
        return f"{heading}\n\n{plan_facts.NOT_COUNTED} The plan of switch-over lists them.\n\n"
    found: list[DependentFact] = plan.facts[dependents.FACT]
    listed = [dependent for dependent in found if dependent["lock"] or dependent["problem"]] if plan.verb is SWITCH_OVER else found
    rest = f"The plan of deploy-schema lists {len(found) - len(listed)} more.\n\n" if len(listed) < len(found) else ""
    lines = "\n".join(
        f"| {cell(dependent['kind'])} | {cell(dependent['object'])} | {cell(_action(dependent))} | {cell(dependent['lock'])} |"
        for dependent in sorted(listed, key=lambda dependent: dependent["problem"] == "")
    )
    blocking = sum(1 for dependent in found if dependent["problem"])
    return (
        f"{heading}\n\n{_counted(len(found), 'object')}; {blocking or 'none'} of them would block the switch.\n\n"
        f"| kind | object | action | lock at the switch |\n|---|---|---|---|\n{lines}\n\n{rest}"
    )


def _action(dependent: DependentFact) -> str:
    return f"**{dependent['action']}**: {dependent['problem']} {dependent['remedy']}" if dependent["problem"] else dependent["action"]


def _not_checked(plan: Plan) -> list[str]:
    """Return the possible blockers whose query exceeded its time limit."""
    rules = plan.facts.get("not_checked", [])
    return [
        *(
            f"- {plan_facts.MARK} {rule}: not checked, because the query exceeded its time limit. {_RECHECKED_BY[rule]} rechecks it."
            for rule in rules
        ),
        *(
            f"- {plan_facts.MARK} a new artwork was not tried: {reason}. To try it, plan again without that."
            for reason in [plan.facts.get("not_tried")]
            if reason
        ),
    ]


def _facts(plan: Plan) -> str:
    if plan.verb is DEPLOY_SCHEMA:
        return plan_facts.sections(cast(plan_facts.Facts, {**plan.facts, "decisions": plan.decisions}))
    counts = {name: value for name, value in plan.facts.items() if name not in {dependents.FACT, readiness.FACT, BOUND, MOVE}}
    lines = "\n".join(f"| {name.replace('_', ' ')} | {_value(value)} |" for name, value in counts.items())
    return "## Counts\n\n" + (f"| | |\n|---|---|\n{lines}" if lines else "None.")


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_value(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
