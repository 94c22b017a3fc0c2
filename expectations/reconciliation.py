"""The suite `reconciliation`: every legacy row is accounted for, and every migrated row equals the mapping."""

from typing import ClassVar

from expectations.rules import Measured, Suite


class Missing(Measured):
    description: str | None = "Every eligible legacy row that is not in quarantine is in the clean table."
    why: ClassVar[str] = "Law 1, conservation: no row is lost."
    fix: ClassVar[str] = (
        "1. Run `migrate-data` again. 2. The remaining rows were written without the triggers, or there is a defect: read them by their "
        "ids."
    )


class Extra(Measured):
    description: str | None = "Every clean row has a legacy row, and that row should be migrated."
    why: ClassVar[str] = "Law 1, conservation: no row is in the clean table that should have stayed behind."
    fix: ClassVar[str] = (
        "The row was inserted without the triggers, or an excluded row was copied. Read the rows by their ids, and delete the wrong ones "
        "from the clean table."
    )


class Differs(Measured):
    description: str | None = "Every clean row equals the mapping of its legacy row, column by column."
    why: ClassVar[str] = "Law 2, fidelity. About is the columns."
    fix: ClassVar[str] = (
        "1. Run `migrate-data` again. 2. The remaining rows were written without the triggers. Compare both rows of each id, and correct "
        "the wrong one."
    )


class RoundTrip(Measured):
    description: str | None = "Every migrated value, written back, would be what the legacy table holds."
    why: ClassVar[str] = (
        "Laws 2 and 6. `differs` compares with the mapping that made the copy, so it shares the mapping's mistakes. This rule knows only "
        "the mapping back to the legacy table. About is the columns."
    )
    fix: ClassVar[str] = "Stop here: the mapping is wrong for these rows, which is a defect. Report it with the ids and columns."


class Refused(Measured):
    description: str | None = "No write to the clean table that the legacy table rejected still waits for a decision."
    why: ClassVar[str] = "Law 3, no lost write: the clean row has a value that the legacy table cannot hold."
    fix: ClassVar[str] = (
        "1. Correct the clean row: the write is tried again, and the rejection is removed if legacy takes it. 2. Or write the value to the "
        "legacy row by hand (insert the row if legacy has none), and decide `clear_rejected_write`. 3. Or "
        "delete the clean row if it is not needed. A row that exists in the clean table only cannot be cleared."
    )


class Pending(Measured):
    description: str | None = "Every row in transit at the first comparison had arrived by the last."
    why: ClassVar[str] = "Law 1, conservation: after ten comparisons, each after a catch-up, the rows still differ."
    fix: ClassVar[str] = (
        "The application writes faster than catch-up, or an id cannot be applied. Run again at a quieter hour. If the same ids are red "
        "again, it is a defect: report it."
    )


class Quarantined(Measured):
    description: str | None = "No more rows are in quarantine than the decision max_quarantined allows (0 without a decision)."
    why: ClassVar[str] = (
        "Law 1, conservation: rows that the clean table cannot take are reported, not dropped. `artwork_migration.quarantine` has the "
        "reason of each."
    )
    fix: ClassVar[str] = (
        "1. Correct the legacy rows (duplicate tokens, missing times, unknown statuses). 2. Or decide `max_quarantined` to leave them "
        "behind."
    )


class Sum(Measured):
    description: str | None = "Migrated, excluded, quarantined and pending rows add up to count(*) of the legacy table."
    why: ClassVar[str] = "Law 1, conservation: the verdicts are compared with a plain count."
    fix: ClassVar[str] = "It is a defect, or the legacy table has rows that the mapping view does not show. Report it."


class StrategyCount(Measured):
    description: str | None = "Each difference to the strategy's own WHERE clause is explained by a listed deviation."
    why: ClassVar[str] = "Law 1, conservation: a query that does not use the mapping counts too."
    fix: ClassVar[str] = "It is a defect, or rows were written without the triggers. The artifact `accounts` has the deviations."


RECONCILIATION = Suite(
    "reconciliation",
    about=(
        "Judged after the copy, on what `reconcile` found when it compared every row of both tables in one snapshot. The other suites "
        "read the tables a moment later."
    ),
    measured=(Missing, Extra, Differs, RoundTrip, Refused, Pending, Quarantined, Sum, StrategyCount),
)
