"""The gates of a report in the format of Great Expectations, for teams that keep all their results in a context of their own.

They are made from the saved verdicts, so they say what the report says: Great Expectations would not know that a rule checked nothing.
"""

from collections.abc import Sequence
from typing import Any

from migration.checks.gates import RuleVerdict
from reporting.report import Report

#: A type that every context knows: Data Docs cannot show one that their environment has not imported. The texts have the rule's name.
TYPE = "unexpected_rows_expectation"


def validation_results(report: Report) -> dict[str, dict[str, Any]]:
    """Return the validation result of each gate of the run, by the gate's name, as JSON that `docs/validation.md` loads into a context."""
    suites: dict[str, list[RuleVerdict]] = {}
    for rule in report.gates:
        if not rule.not_applicable:
            suites.setdefault(rule.suite, []).append(rule)
    return {suite: _result(report, suite, rules) for suite, rules in suites.items()}


def _result(report: Report, suite: str, rules: Sequence[RuleVerdict]) -> dict[str, Any]:
    """Return a suite's result. As in the gate, a warning that found something is no success, and still the suite is one."""
    green = sum(rule.green for rule in rules)
    return {
        "suite_name": suite,
        "success": not any(rule.red for rule in rules),
        "results": [_rule(report, rule) for rule in rules],
        "statistics": {
            "evaluated_expectations": len(rules),
            "successful_expectations": green,
            "unsuccessful_expectations": len(rules) - green,
            "success_percent": 100 * green / len(rules),
        },
        "suite_parameters": {},
        "meta": {
            "run_id": {"run_name": report.run.run_name, "run_time": report.run.snapshot_at.isoformat()},
            "database": report.identity.database,
            "run": report.run.run,
            "verb": report.run.verb,
        },
    }


def _rule(report: Report, rule: RuleVerdict) -> dict[str, Any]:
    findings = f"SELECT id, about FROM {{batch}} WHERE run = {report.run.run} AND rule = '{rule.rule}'"
    return {
        "success": rule.green,
        "expectation_config": {
            "type": TYPE,
            "kwargs": {"unexpected_rows_query": findings},
            "meta": {"rule": rule.rule, "why": rule.why, "fix": rule.fix},
            "severity": rule.severity,
            "description": f"{rule.rule}: {rule.description}",
        },
        "result": {
            "element_count": rule.checked,
            "unexpected_count": rule.bad,
            "unexpected_percent": 100 * rule.bad / rule.checked if rule.checked else 0.0,
            "unexpected_index_query": findings.format(batch="artwork_migration.finding"),
        },
        "meta": {"about": list(rule.about)},
        "exception_info": {
            "raised_exception": bool(rule.broken),
            "exception_message": rule.broken or None,
            "exception_traceback": None,
        },
    }
