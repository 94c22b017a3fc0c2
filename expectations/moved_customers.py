"""The suite `moved_customers`: judged before customers are moved from one table to the other, on their artworks only."""

from typing import ClassVar

from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.rules import WARNING, Measured, Suite


class MovedArtworksAgree(Measured):
    description: str | None = "Every artwork of the customers to be moved is in both tables as the mapping says, unless it stays behind."
    why: ClassVar[str] = "Laws 2 and 3: the customer must see the same before and after the move, on either side. About is the verdict."
    fix: ClassVar[str] = "1. Run `migrate-data`, whose gate `reconciliation` names the cause. 2. Or leave these customers out of the move."


class MovedCustomersKeepArtworks(Measured):
    severity: FailureSeverity = WARNING
    description: str | None = "Every customer who is moved to the clean table has an artwork there."
    why: ClassVar[str] = "The list of the others would be empty: their artworks are test data, not completed, or in quarantine."
    fix: ClassVar[str] = "No action is required if the artworks should stay behind. Otherwise leave these customers out of the move."


MOVED_CUSTOMERS = Suite(
    "moved_customers",
    about="Judged by `move-customers`, after a catch-up, on the artworks of the customers to be moved. An artwork in transit counts as "
    "one that agrees: the run catches up again after the move.",
    measured=(MovedArtworksAgree, MovedCustomersKeepArtworks),
)
