"""A plan as an operator reads it: what it needs, what it counts, every statement with its lock."""

from itertools import groupby

from migration import hanging
from migration.plan import STAGES, Plan, Statement
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
    """The plan as markdown: number, blockers, decisions in force, facts, statements."""
    blockers = "\n".join([*(f"- **{blocker.rule}**: {blocker}" for blocker in plan.blockers), *_not_looked(plan)]) or "None."
    decisions = "\n".join(f"- {name} = {value}" for name, value in plan.decisions.items()) or "None; the defaults hold."
    return (
        f"# Plan {plan.number}: {plan.verb}\n\nNothing has been changed. To run exactly these statements, start the verb again with "
        f"`plan={plan.number}`, `approved_by` and `reason`.\n\n"
        f"Database `{plan.database}`, phase `{plan.phase}`.\n\n"
        f"## Blockers\n\n{blockers}\n\n## Decisions in force\n\n{decisions}\n\n{_facts(plan)}\n\n"
        f"{_hanging(plan.facts.get(hanging.FACT))}{_statements(plan)}\n"
    )


def _statements(plan: Plan) -> str:
    """First the list of all, then each with its lock and its text, by stage."""
    numbered = list(enumerate(plan.statements, start=1))
    stages = {stage: [(place, one) for place, one in numbered if one.stage == stage] for stage in STAGES}
    listed = "\n".join(f"| {title} | {_in_short(stages[stage])} |" for stage, (title, _) in _STAGES.items() if stages[stage])
    return f"## Statements in short\n\n| when | what |\n|---|---|\n{listed}\n\n" + "\n\n".join(
        f"## {title}\n\n{meaning}\n\n" + "\n\n".join(_statement(place, one) for place, one in stages[stage])
        for stage, (title, meaning) in _STAGES.items()
        if stages[stage]
    )


def _in_short(statements: list[tuple[int, Statement]]) -> str:
    """A line for each object, with the numbers of its statements."""
    lines = []
    for name, group in groupby(statements, key=lambda statement: statement[1].object):
        places = [place for place, _ in group]
        lines.append(f"{places[0]}{f'–{places[-1]}' if len(places) > 1 else ''}. {name}")
    return "<br>".join(lines)


def _statement(place: int, one: Statement) -> str:
    return f"### {place}. {one.object}\n\nLock: {one.lock or 'under the locks taken above'}\n\n```sql\n{one.do}\n```"


def _hanging(found: list[dict[str, str]] | None) -> str:
    """A line for each object by kind, with what will happen to it; what blocks the switch with what to do now."""
    if found is None:
        return ""
    lines = "\n".join(
        f"| {cell(one['kind'])} | {cell(one['object'])} | {cell(_fate(one))} | {cell(one['lock'])} |"
        for one in sorted(found, key=lambda one: one["problem"] == "")
    )
    blocking = sum(1 for one in found if one["problem"])
    return (
        f"## What hangs on artworks\n\n{len(found)} objects; {blocking or 'none'} of them would block the switch.\n\n"
        f"| kind | object | what happens | lock at the switch |\n|---|---|---|---|\n{lines}\n\n"
    )


def _fate(one: dict[str, str]) -> str:
    return f"**{one['fate']}**: {one['problem']} {one['remedy']}" if one["problem"] else one["fate"]


def _not_looked(plan: Plan) -> list[str]:
    """The blockers that nobody knows of, because the server had no answer in the time for it."""
    rules = plan.facts.get("not_looked", [])
    return [f"- {plan_facts.MARK} {rule}: not looked at, it took too long; the gate `legacy_artworks` looks again." for rule in rules]


def _facts(plan: Plan) -> str:
    if "legacy_rows" in plan.facts and "notes" in plan.facts:
        return plan_facts.sections(plan.facts)
    lines = "\n".join(f"| {name.replace('_', ' ')} | {_value(value)} |" for name, value in plan.facts.items() if name != hanging.FACT)
    return "## Counted\n\n" + (f"| | |\n|---|---|\n{lines}" if lines else "Nothing.")


def _value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_value(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
