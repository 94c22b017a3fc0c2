"""A plan's number is a pure function of what the plan is made of."""

import dataclasses
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from migration.errors import Problem
from migration.ledger.phases import VERIFY
from migration.plans.plan import STAGES, Plan, Statement, undone

words = st.text(max_size=12)
statements = st.builds(
    Statement, stage=st.sampled_from(STAGES), object=words, do=words, undo=st.none() | words, lock=words, undo_stage=st.sampled_from(STAGES)
)
obstacles = st.builds(Problem, rule=words, subject=words, problem=words, remedy=words)
plans = st.builds(
    Plan,
    verb=words,
    database=words,
    phase=words,
    decisions=st.dictionaries(words, words, max_size=3),
    statements=st.lists(statements, max_size=3).map(tuple),
    blockers=st.lists(obstacles, max_size=3).map(tuple),
    facts=st.dictionaries(words, st.integers(), max_size=3),
)


@given(plans)
def test_no_program_takes_the_number_for_another_one(plan: Plan) -> None:
    """The number has eight hexadecimal digits, is the same each time, and begins with a letter with which no number in JSON begins."""
    assert re.fullmatch("[abcdf][0-9a-f]{7}", plan.number)
    assert plan.number == plan.number == dataclasses.replace(plan).number


@given(plans, st.dictionaries(words, st.integers()))
def test_facts_are_not_in_the_number(plan: Plan, facts: dict[str, int]) -> None:
    """A plan with other counts has the same number."""
    assert plan.number == dataclasses.replace(plan, facts=facts).number


@given(plans, words, words, words)
def test_of_a_blocker_only_the_rule_is_in_the_number(plan: Plan, subject: str, problem: str, remedy: str) -> None:
    """Ids, number and order of the blockers of one rule do not change the number."""
    others = [Problem(blocker.rule, subject, problem, remedy) for blocker in reversed(plan.blockers)]
    assert plan.number == dataclasses.replace(plan, blockers=(*others, *others)).number


@given(plans)
def test_the_order_of_decisions_is_not_in_the_number(plan: Plan) -> None:
    """The same decisions in another order make the same number."""
    assert plan.number == dataclasses.replace(plan, decisions=dict(reversed(plan.decisions.items()))).number


@given(plans, plans)
def test_another_plan_has_another_number_and_says_what_differs(plan: Plan, other: Plan) -> None:
    """A plan that differs in any part has another number, and the refusal names exactly the parts that differ."""
    parts = {
        "verb": plan.verb != other.verb,
        "database": plan.database != other.database,
        "phase": plan.phase != other.phase,
        "decisions": plan.decisions != other.decisions,
        "blockers": {b.rule for b in plan.blockers} != {b.rule for b in other.blockers},
        "statements": plan.statements != other.statements,
    }
    assert any(parts.values()) == (plan.number != other.number)
    changes = plan.changes_since(json.loads(json.dumps(other.content())))
    assert max(1, sum(parts.values())) == len(changes)


@given(st.lists(statements, min_size=2, max_size=4, unique=True))
def test_the_order_of_statements_is_in_the_number(some: list[Statement]) -> None:
    """The same statements in another order make another number."""
    plan = Plan(VERIFY, "database", "phase", {}, tuple(some))
    assert plan.number != dataclasses.replace(plan, statements=tuple(reversed(some))).number


@given(st.lists(statements, max_size=5))
def test_undoing_goes_backwards(some: list[Statement]) -> None:
    """Statements are undone in reverse order, and those without an undo are left out."""
    undos = undone(some)
    assert [statement.undo for statement in reversed(some) if statement.undo] == [statement.do for statement in undos]
