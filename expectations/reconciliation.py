"""The suite `reconciliation`: every legacy row is accounted for, and every migrated row is true to the mapping."""

from expectations.rules import Measured, Suite


class Missing(Measured):
    """Law 1."""

    description: str | None = "Every eligible legacy row that is not in quarantine is in the clean table."


class Extra(Measured):
    """Law 1."""

    description: str | None = "No clean row is there whose legacy row is gone or should stay behind."


class Differs(Measured):
    """Law 2."""

    description: str | None = "Every clean row equals the mapping of its legacy row, column by column."


class RoundTrip(Measured):
    """Law 6, and law 2 by another way."""

    description: str | None = "Every migrated value, written back, would be what the legacy table holds."


class Refused(Measured):
    """Law 3."""

    description: str | None = "No write to the clean table was refused by the legacy table and still waits for a decision."


class Pending(Measured):
    """Law 1."""

    description: str | None = "What was on its way at the first look had arrived at the second."


class Quarantined(Measured):
    """Law 1."""

    description: str | None = "No more rows are in quarantine than the decision max_quarantined allows (0 without one)."


class Sum(Measured):
    """Law 1."""

    description: str | None = "Migrated, excluded, quarantined and pending rows add up to count(*) of the legacy table."


class StrategyCount(Measured):
    """Law 1."""

    description: str | None = "Each difference to the strategy's own WHERE clause is explained by a listed deviation."


RECONCILIATION = Suite(
    "reconciliation",
    measured=(Missing, Extra, Differs, RoundTrip, Refused, Pending, Quarantined, Sum, StrategyCount),
)
