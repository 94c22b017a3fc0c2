"""Turns a result of Great Expectations into a verdict: what was bad, or the reason why the rule could not be judged."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import psycopg
from great_expectations.core import ExpectationValidationResult
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
from great_expectations.expectations.expectation import Expectation

from expectations.rules import declaration
from migration.checks.gates import Emptiness, RuleResult, RuleVerdict

#: The result of a rule, or the reason why there is none.
Result = ExpectationValidationResult | str


def column_verdict(suite: str, rule: type[Expectation], result: Result, empty: Emptiness, ids: Sequence[str]) -> RuleVerdict:
    """The verdict on a rule about columns, with its first ids. A rule about the table as a whole has checked one thing and has no ids."""
    if isinstance(result, str) or unjudged(result) or _unfilled(rule):
        return _verdict(suite, rule, broken=unjudged(result) or _unfilled(rule))
    checked = result.result.get("element_count", 1)
    bad = max(result.result.get("unexpected_count") or 0, 0 if result.success else 1)
    if empty.accepted and getattr(rule, "refuses_empty", False):
        bad = 0
    return _verdict(
        suite,
        rule,
        checked=checked,
        bad=bad,
        ids=tuple(ids),
        about=columns_of(rule) if bad else (),
        broken=_checked_nothing(rule, checked, empty),
    )


def measured_verdict(suite: str, rule: type[Expectation], result: Result, measured: Sequence[RuleResult], empty: Emptiness) -> RuleVerdict:
    """The verdict on a rule that our SQL has measured; `measured` must be exactly one result."""
    if isinstance(result, str) or unjudged(result):
        return _verdict(suite, rule, broken=unjudged(result))
    if len(measured) != 1:
        return _verdict(suite, rule, broken=f"has {len(measured)} results instead of one")
    row = measured[0]
    not_seen = getattr(rule, "not_seen", "")
    if not_seen and not row.checked and not row.bad:
        return _verdict(suite, rule, not_applicable=not_seen)
    return _verdict(
        suite,
        rule,
        checked=row.checked,
        bad=max(row.bad, 0 if result.success else 1),
        ids=tuple(row.ids),
        about=tuple(row.about),
        broken=_checked_nothing(rule, row.checked or row.bad, empty),
    )


def not_applicable_verdict(suite: str, rule: type[Expectation], relation: str) -> RuleVerdict:
    """The verdict on a rule about the users that are created, in a database in which none are."""
    return _verdict(suite, rule, not_applicable=f"no users are created in {relation}")


def unjudged(result: Result) -> str:
    """Why there is no result, or an empty text. Great Expectations reports an exception once, or for each metric."""
    if isinstance(result, str):
        return result
    info = result.exception_info or {}
    metrics = [info, *(metric for metric in info.values() if isinstance(metric, dict))]
    raised = [_kind(str(metric.get("exception_traceback"))) for metric in metrics if metric.get("raised_exception")]
    return f"raised {' and '.join(sorted(set(raised)))}" if raised else ""


def found_bad(result: Result) -> bool:
    """Whether the rule was judged and found something bad."""
    return not isinstance(result, str) and not unjudged(result) and not result.success


def columns_of(rule: type[Expectation]) -> tuple[str, ...]:
    """The columns that a rule is about."""
    return tuple(rule.__fields__[name].default for name in ("column", "column_A", "column_B") if name in rule.__fields__)


def ids_query(source: SQLDatasource, table: str, rule: type[Expectation], result: Result) -> str:
    """The query for the ids of what a rule about columns found, or an empty text.

    Great Expectations gives it, but without the condition of a rule that is about some of the rows only; the condition is added here.
    """
    query = "" if isinstance(result, str) else str(result.result.get("unexpected_index_query") or "").rstrip().removesuffix(";")
    condition = rule.__fields__["row_condition"].default if "row_condition" in rule.__fields__ else None
    if not query or condition is None:
        return query
    engine = source.get_execution_engine()
    clause = engine.condition_to_filter_clause(condition).compile(engine.engine, compile_kwargs={"literal_binds": True})
    return f"SELECT t.id FROM public.{table} AS t WHERE {clause} AND t.id IN (SELECT q.found FROM (\n{query}\n) AS q (found))"


def _verdict(suite: str, rule: type[Expectation], **measured: Any) -> RuleVerdict:
    return RuleVerdict(suite=suite, **asdict(declaration(rule)), **measured)


def _kind(traceback: str) -> str:
    """The kind of the first error in a traceback. Only its name: the rest may hold values."""
    kinds = re.findall(r"^(?:\w+\.)*(\w+)(?=: |$)", traceback, re.MULTILINE)
    errors = [kind for kind in kinds if kind.endswith(("Error", "Exception")) or kind in vars(psycopg.errors)]
    return errors[0] if errors else "an error"


def _unfilled(rule: type[Expectation]) -> str:
    """Great Expectations does not see a parameter that is a class's default, and compares with the parameter's name."""
    defaults = [field.default for field in rule.__fields__.values()]
    return "has a parameter without a value" if any(isinstance(default, dict) and "$PARAMETER" in default for default in defaults) else ""


def _checked_nothing(rule: type[Expectation], checked: int, empty: Emptiness) -> str:
    return "" if getattr(rule, "empty_is_fine", False) else empty.broken(checked)
