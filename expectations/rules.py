"""What a rule that judges a row of rule_result has in common, written once."""

from typing import Any

from great_expectations.core.suite_parameters import SuiteParameterDict
from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation

#: What Great Expectations takes for a query.
Query = str | SuiteParameterDict[str, Any]


def verdict_query(rule: str) -> str:
    """A query over the rule results of one run that returns a row exactly if `rule` is not green.

    Not green is: something is bad, nothing was looked at, or the rule's row is missing or there twice. It fails closed.
    """
    return (
        f"SELECT '{rule}' AS rule, COALESCE(SUM(bad), -1) AS bad FROM {{batch}} WHERE rule = '{rule}' "
        "HAVING COUNT(*) <> 1 OR COALESCE(MIN(looked_at), 0) = 0 OR COALESCE(MAX(bad), 1) > 0"
    )


class RuleIsGreen(UnexpectedRowsExpectation):
    """A rule judged by its row in rule_result; subclasses name the rule in `rule_name` and say in `description` what it means."""

    unexpected_rows_query: Query = verdict_query("no rule")
    rule_name: str = "no rule"
