"""The suite `reconciliation`: after it, every legacy row is accounted for and every migrated row is true to the mapping."""

from great_expectations import ExpectationSuite
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.rules import Query, RuleIsGreen, verdict_query


class NothingIsMissing(RuleIsGreen):
    """missing"""

    rule_name: str = "missing"
    description: str | None = "Every eligible legacy row that is not in quarantine is in the clean table."
    unexpected_rows_query: Query = verdict_query("missing")


class NothingIsExtra(RuleIsGreen):
    """extra"""

    rule_name: str = "extra"
    description: str | None = "No clean row is there whose legacy row is gone or should stay behind."
    unexpected_rows_query: Query = verdict_query("extra")


class NothingDiffers(RuleIsGreen):
    """differs"""

    rule_name: str = "differs"
    description: str | None = "Every clean row equals the mapping of its legacy row, column by column."
    unexpected_rows_query: Query = verdict_query("differs")


class TheWayBackAgrees(RuleIsGreen):
    """round_trip"""

    rule_name: str = "round_trip"
    description: str | None = "Every migrated value, written back, would be what the legacy table holds."
    unexpected_rows_query: Query = verdict_query("round_trip")


class NothingIsRefused(RuleIsGreen):
    """refused"""

    rule_name: str = "refused"
    description: str | None = "No write to the clean table was refused by the legacy table and still waits for a decision."
    unexpected_rows_query: Query = verdict_query("refused")


class NothingStaysPending(RuleIsGreen):
    """pending"""

    rule_name: str = "pending"
    description: str | None = "What was on its way at the first look had arrived at the second."
    unexpected_rows_query: Query = verdict_query("pending")


class QuarantineIsWithinBounds(RuleIsGreen):
    """quarantined"""

    rule_name: str = "quarantined"
    description: str | None = "No more rows are in quarantine than the decision max_quarantined allows (0 without one)."
    unexpected_rows_query: Query = verdict_query("quarantined")


class TheSumIsRight(RuleIsGreen):
    """sum"""

    rule_name: str = "sum"
    description: str | None = "Migrated, excluded, quarantined and pending rows add up to count(*) of the legacy table."
    unexpected_rows_query: Query = verdict_query("sum")


class TheStrategyAgrees(RuleIsGreen):
    """strategy_count"""

    rule_name: str = "strategy_count"
    description: str | None = "Each difference to the strategy's own WHERE clause is explained by a listed deviation."
    unexpected_rows_query: Query = verdict_query("strategy_count")


RULES = (
    NothingIsMissing,
    NothingIsExtra,
    NothingDiffers,
    TheWayBackAgrees,
    NothingIsRefused,
    NothingStaysPending,
    QuarantineIsWithinBounds,
    TheSumIsRight,
    TheStrategyAgrees,
)


#: The rule of rule_result behind each type of expectation.
RULE_BY_TYPE = {rule.expectation_type: rule.__fields__["rule_name"].default for rule in RULES}


def reconciliation() -> ExpectationSuite:
    """The suite, to be validated on the rows of artwork_migration.rule_result of one run. Every rule is critical."""
    return ExpectationSuite(name="reconciliation", expectations=[rule(severity=FailureSeverity.CRITICAL) for rule in RULES])
