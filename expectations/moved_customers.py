"""The suite `moved_customers`: judged before customers are moved from one table to the other, on their artworks only."""

from typing import ClassVar

from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.rules import WARNING, Measured, Suite


class MovedArtworksAgree(Measured):
    description: str | None = (
        "Each artwork of the customers who move to the clean table agrees in both tables, or stays behind as it should."
    )
    why: ClassVar[str] = "Laws 2 and 3: the customer must not see another value than before. About is the verdict and the columns."
    fix: ClassVar[str] = "1. Run `migrate-data`: its gate `reconciliation` says what is wrong. 2. Or leave these customers out of the move."
    empty_is_fine: ClassVar[bool] = True


class MovedBackArtworksAgree(Measured):
    severity: FailureSeverity = WARNING
    description: str | None = "The same holds for the customers who move back to the legacy table."
    why: ClassVar[str] = (
        "The customers see the legacy values again. It is a warning, because a move back must be possible when the clean table is wrong. A "
        "write that legacy rejected is kept in the clean table and waits for a decision. About is the verdict and the columns."
    )
    fix: ClassVar[str] = "Read both rows of each id. For `refused` see the rule `refused`; for the others run `migrate-data`."
    empty_is_fine: ClassVar[bool] = True


class MovedArtworksComeAlong(Measured):
    severity: FailureSeverity = WARNING
    description: str | None = "Each legacy artwork of the customers who move to the clean table is in it."
    why: ClassVar[str] = (
        "The customers would no longer see the others: test data, artworks that failed or were abandoned, rows in quarantine. About is the "
        "reason. Artworks in flight are carried over by the move."
    )
    fix: ClassVar[str] = "No action is required if these artworks should stay behind. Otherwise leave these customers out of the move."
    empty_is_fine: ClassVar[bool] = True


MOVED_CUSTOMERS = Suite(
    "moved_customers",
    about="Judged by `move-customers`, after a catch-up, on the artworks of customers whose table changes. An artwork in transit counts "
    "as agreeing: the next catch-up brings it.",
    measured=(MovedArtworksAgree, MovedBackArtworksAgree, MovedArtworksComeAlong),
)
