"""What Great Expectations says of a rule, as a verdict: what was bad, or in words why it could not be judged."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from great_expectations.core import ExpectationValidationResult
from great_expectations.expectations.expectation import Expectation

from migration.checks.gates import RuleVerdict

#: The result of a rule, or in words why there is none.
Result = ExpectationValidationResult | str


def column_verdict(rule: type[Expectation], one: Result) -> RuleVerdict:
    """The verdict on a rule about columns. One about the table as a whole has looked at one thing and names no ids."""
    if isinstance(one, str) or unjudged(one) or _unfilled(rule):
        return RuleVerdict(**_declared(rule), broken=unjudged(one) or _unfilled(rule))
    looked_at = one.result.get("element_count", 1)
    bad = max(one.result.get("unexpected_count") or 0, 0 if one.success else 1)
    return RuleVerdict(
        **_declared(rule),
        looked_at=looked_at,
        bad=bad,
        ids=_ids(one.result),
        about=_columns(rule) if bad else (),
        broken=_looked_at_nothing(rule, looked_at),
    )


def measured_verdict(rule: type[Expectation], one: Result, rows: Sequence[Mapping[str, Any]]) -> RuleVerdict:
    """The verdict on a rule that SQL of ours has measured; `rows` are its rule results, which must be one."""
    if isinstance(one, str) or unjudged(one):
        return RuleVerdict(**_declared(rule), broken=unjudged(one))
    if len(rows) != 1:
        return RuleVerdict(**_declared(rule), broken=f"has {len(rows)} results instead of one")
    row = rows[0]
    return RuleVerdict(
        **_declared(rule),
        looked_at=row["looked_at"],
        bad=max(row["bad"], 0 if one.success else 1),
        ids=tuple(str(identifier) for identifier in row["ids"]),
        about=tuple(row["about"]),
        broken=_looked_at_nothing(rule, row["looked_at"]),
    )


def unjudged(one: Result) -> str:
    """Why there is no result, or an empty text. Great Expectations tells an exception flat, or per metric."""
    if isinstance(one, str):
        return one
    told = one.exception_info or {}
    metrics = [told, *(inner for inner in told.values() if isinstance(inner, dict))]
    raised = [_kind(str(inner.get("exception_traceback"))) for inner in metrics if inner.get("raised_exception")]
    return f"raised {' and '.join(sorted(set(raised)))}" if raised else ""


def _kind(traceback: str) -> str:
    """The kinds of error in a traceback, the first cause first. Nothing else of it: it may hold values."""
    kinds = re.findall(r"^(?:\w+\.)*(\w+)(?=: |$)", traceback, re.MULTILINE)
    named = [kind for kind in kinds if kind.endswith(("Error", "Exception")) or kind in vars(psycopg.errors)]
    return named[0] if named else "an error"


def says_no(one: Result) -> bool:
    """Whether the rule was judged and found something bad."""
    return not isinstance(one, str) and not unjudged(one) and not one.success


def _declared(rule: type[Expectation]) -> dict[str, Any]:
    """What the class says. The result does not: Great Expectations leaves out whatever is a class's default."""
    fields = rule.__fields__
    return {"rule": rule.expectation_type, "severity": fields["severity"].default.value, "description": fields["description"].default}


def _columns(rule: type[Expectation]) -> tuple[str, ...]:
    return tuple(rule.__fields__[name].default for name in ("column", "column_A", "column_B") if name in rule.__fields__)


def _ids(result: Mapping[str, Any]) -> tuple[str, ...]:
    groups = result.get("partial_unexpected_index_list") or []
    return tuple(sorted({str(identifier) for group in groups for identifier in group["id"] if identifier is not None}))


def _unfilled(rule: type[Expectation]) -> str:
    """Great Expectations does not see a parameter that is a class's default, and judges by its name."""
    defaults = [field.default for field in rule.__fields__.values()]
    return "has a parameter that nobody fills in" if any(isinstance(one, dict) and "$PARAMETER" in one for one in defaults) else ""


def _looked_at_nothing(rule: type[Expectation], looked_at: int) -> str:
    return "" if looked_at or getattr(rule, "empty_is_fine", False) else "looked at nothing"
