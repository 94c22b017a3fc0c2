"""A plan as an operator reads it: what it needs, what it counts, every statement with its lock."""

from itertools import groupby

import sql
from migration.ledger.phases import DEPLOY_SCHEMA, SWITCH_OVER
from migration.plans import dependents
from migration.plans.plan import FIX_HINT, STAGES, Plan, Statement
from reporting import plan_facts
from reporting.plan_facts import cell

#: How the reader is told of the stages.
_STAGES = {
    "prepare": ("Before the lock", "Touches nothing that the application uses; in one transaction with what follows."),
    "locked": (
        "Under the lock",
        "One statement on the server, in less than half of its `deadlock_timeout`; or nothing of it happens.",
    ),
    "after": (
        "After the commit",
        "Each by itself, without a lock that stops the application; killed here, the verb run again does the rest.",
    ),
}


def plan_markdown(plan: Plan) -> str:
    """The plan as markdown: number, essentials, blockers, decisions in force, facts, statements."""
    blockers = "\n".join([*(f"- **{blocker.rule}**: {blocker}" for blocker in plan.blockers), *_not_looked(plan)]) or "None."
    decisions = "\n".join(f"- {name} = {value}" for name, value in plan.decisions.items()) or "None; the defaults hold."
    return (
        f"# Plan {plan.number}: {plan.verb}\n\nNothing has been changed. {_way_on(plan)}\n\n"
        f"**Locks:** {_locks(plan)} **To undo:** {_undone_by(plan)}\n\n"
        f"Database `{plan.database}`, phase `{plan.phase}`.\n\n"
        f"## Blockers\n\n{blockers}\n\n## Decisions in force\n\n{decisions}\n\n{_facts(plan)}\n\n"
        f"{_hanging(plan)}{_statements(plan)}\n"
    )


def _way_on(plan: Plan) -> str:
    """How it is run, or why it cannot be."""
    if plan.blockers:
        return f"{_counted(len(plan.blockers), 'thing')} in the way, under *Blockers*. {FIX_HINT}"
    return (
        f"To run exactly these statements: `{plan.command}`; in the UI the same form with `plan={plan.number}`, `approved_by` and `reason`."
    )


def _undone_by(plan: Plan) -> str:
    return f"`{plan.verb.inverse.command}`." if plan.verb.inverse else "nothing can undo it."


def _locks(plan: Plan) -> str:
    """Each mode with what is locked in it, from the statements that do nothing else."""
    tables: dict[str, list[str]] = {}
    for one in plan.statements:
        if one.kind in {sql.TABLE_LOCK, sql.VIEW_LOCK}:
            tables.setdefault(one.lock, []).append(one.object)
    modes = [f"{', '.join(f'`{name}`' for name in names)} {mode}" for mode, names in tables.items()]
    return f"{'; '.join(modes)}: together less than half of `deadlock_timeout`." if modes else "none."


def _statements(plan: Plan) -> str:
    """First all of them in short, then each with its lock and its text, by stage."""
    numbered = list(enumerate(plan.statements, start=1))
    stages = {stage: [(place, one) for place, one in numbered if one.stage == stage] for stage in STAGES}
    listed = "\n\n".join(f"**{title}**\n\n{_in_short(stages[stage])}" for stage, (title, _) in _STAGES.items() if stages[stage])
    return f"## Statements in short\n\n{listed}\n\n" + "\n\n".join(
        f"## {title}\n\n{meaning}\n\n" + "\n\n".join(_statement(place, one) for place, one in stages[stage])
        for stage, (title, meaning) in _STAGES.items()
        if stages[stage]
    )


def _in_short(statements: list[tuple[int, Statement]]) -> str:
    """A line for each run of one kind, with the numbers of its statements: the objects, or how many if their kind has a name."""
    lines = []
    for kind, group in groupby(statements, key=lambda statement: _kind(statement[1].object)):
        numbered = list(group)
        first, last = numbered[0][0], numbered[-1][0]
        objects = list(dict.fromkeys(one.object for _, one in numbered))
        told = f"{len(objects)} × {kind}" if kind and len(objects) > 1 else ", ".join(objects)
        lines.append(f"- {first}{f'–{last}' if last > first else ''}: {told}")
    return "\n".join(lines)


def _kind(name: str) -> str:
    """The word before an object's name; none where it is a file's or the object's name alone."""
    first, _, rest = name.partition(" ")
    return first if rest and first.isalpha() else ""


def _statement(place: int, one: Statement) -> str:
    return f"### {place}. {one.object}\n\nLock: {one.lock or 'under the locks taken above'}\n\n```sql\n{one.do}\n```"


def _hanging(plan: Plan) -> str:
    """A line for each object by kind, with what will happen to it; what blocks the switch with what to do now.

    The plan of the switch only counts what deploy_schema has seen to: it is neither locked nor in the way any more.
    """
    if dependents.FACT not in plan.facts:
        return ""
    found: list[dict[str, str]] | None = plan.facts[dependents.FACT]
    if found is None:
        return f"## What hangs on artworks\n\n{plan_facts.NOT_COUNTED} The plan of switch_over lists it.\n\n"
    told = [one for one in found if one["lock"] or one["problem"]] if plan.verb is SWITCH_OVER else found
    rest = f"{_counted(len(found) - len(told), 'more object')} as the plan of deploy_schema said.\n\n" if len(told) < len(found) else ""
    lines = "\n".join(
        f"| {cell(one['kind'])} | {cell(one['object'])} | {cell(_fate(one))} | {cell(one['lock'])} |"
        for one in sorted(told, key=lambda one: one["problem"] == "")
    )
    blocking = sum(1 for one in found if one["problem"])
    return (
        f"## What hangs on artworks\n\n{len(found)} objects; {blocking or 'none'} of them would block the switch.\n\n"
        f"| kind | object | what happens | lock at the switch |\n|---|---|---|---|\n{lines}\n\n{rest}"
    )


def _fate(one: dict[str, str]) -> str:
    return f"**{one['action']}**: {one['problem']} {one['remedy']}" if one["problem"] else one["action"]


def _not_looked(plan: Plan) -> list[str]:
    """The blockers that nobody knows of, because the server had no answer in the time for it."""
    rules = plan.facts.get("not_looked", [])
    return [f"- {plan_facts.MARK} {rule}: not looked at, it took too long; the gate `legacy_artworks` looks again." for rule in rules]


def _facts(plan: Plan) -> str:
    if plan.verb is DEPLOY_SCHEMA:
        return plan_facts.sections({**plan.facts, "decisions": plan.decisions})
    lines = "\n".join(f"| {name.replace('_', ' ')} | {_value(value)} |" for name, value in plan.facts.items() if name != dependents.FACT)
    return "## Counted\n\n" + (f"| | |\n|---|---|\n{lines}" if lines else "Nothing.")


def _counted(count: int, thing: str) -> str:
    return f"1 {thing} is" if count == 1 else f"{count} {thing}s are"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_value(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
