"""A plan as an operator reads it: what it needs, what it counts, every statement with its lock."""

from typing import Any

from migration.plan import Plan


def plan_markdown(plan: Plan) -> str:
    """The plan as markdown: number, blockers, decisions in force, facts, statements."""
    blockers = "\n".join(f"- **{blocker.rule}**: {blocker}" for blocker in plan.blockers) or "None."
    decisions = "\n".join(f"- {name} = {value}" for name, value in plan.decisions.items()) or "None; the defaults hold."
    statements = "\n\n".join(
        f"### {place}. {statement.object}\n\nLock: {statement.lock or 'under the locks taken above'}\n\n```sql\n{statement.do}\n```"
        for place, statement in enumerate(plan.statements, start=1)
    )
    return (
        f"# Plan {plan.number}: {plan.verb}\n\nNothing has been changed. To run exactly these statements, start the verb again with "
        f"`plan={plan.number}`, `approved_by` and `reason`.\n\n"
        f"Database `{plan.database}`, phase `{plan.phase}`.\n\n"
        f"## Blockers\n\n{blockers}\n\n## Decisions in force\n\n{decisions}\n\n## Counted\n\n{_facts(plan.facts)}\n\n"
        f"## Statements\n\n{statements}\n"
    )


def _facts(facts: dict[str, Any]) -> str:
    lines = "\n".join(f"| {name.replace('_', ' ')} | {_value(value)} |" for name, value in facts.items())
    return f"| | |\n|---|---|\n{lines}" if lines else "Nothing."


def _value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_value(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
