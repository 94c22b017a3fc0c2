"""The suite `live`: after the switch, and on each day of the safety window, what the serving table promises and the way back needs."""

from typing import ClassVar

from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.clean_artworks import CLEAN_ARTWORKS
from expectations.rules import INFO, WARNING, Measured, Suite


def _live(rule: type[Expectation]) -> type[Expectation]:
    """The same rule, for the clean table under the name it serves by; findings know a rule by its name alone, so it has one of its own."""
    return type(f"Live{rule.__name__.removeprefix('Clean')}", (rule,), {"__module__": __name__, "__doc__": rule.__doc__})


class LiveMissing(Measured):
    """Law 1."""

    description: str | None = "Every row that was migrated is in the serving table, unless it was deleted there since the switch."


class LiveExtra(Measured):
    """Law 1."""

    description: str | None = "Every row of the serving table was migrated, or was born there since the switch."


class LiveDiffers(Measured):
    """Law 2."""

    description: str | None = "Every serving row equals the mapping of its retired row, unless it was changed since the switch."


class LiveRefused(Measured):
    """Law 3."""

    description: str | None = "No write was refused by the retired table and still waits for a decision."


class IdentityChanged(Measured):
    """Orders and links lead to the id; the time of creation is history."""

    description: str | None = "No artwork got another id or another time of creation since the switch."


class EmailOrTokenChanged(Measured):
    """It may be right; somebody should know."""

    severity: FailureSeverity = WARNING
    description: str | None = "No artwork got another e-mail or another access token since the switch."


class LiveSum(Measured):
    """Law 1."""

    description: str | None = "What became of each row of the retired table adds up to its count(*)."


class RetiredUntouched(Measured):
    """The way back builds on it."""

    description: str | None = "The retired table is what it was when it was put aside, but for the owners of deleted users."
    empty_is_fine: ClassVar[bool] = True


class RollBackNotBegun(Measured):
    """A fingerprint cannot tell what was carried back from what somebody else wrote."""

    severity: FailureSeverity = WARNING
    description: str | None = "No row was carried back into the retired table after its newest fingerprint."


class QueriesOnIndex(Measured):
    """Without it the application is slow."""

    description: str | None = "Each query that the product runs can use an index of the serving table, and is answered in its time."


class AcceptanceTest(Measured):
    """What the product does must work."""

    description: str | None = "An artwork can be created, generated, upscaled, found by its token and ordered."


class ReferencesTried(Measured):
    """What the acceptance test could not see."""

    severity: FailureSeverity = INFO
    description: str | None = "In each table that references artworks, a row could be made to reference another one."


class RollBackOpen(Measured):
    """Law 6."""

    severity: FailureSeverity = WARNING
    description: str | None = "What was written since the switch can be carried back: the retired table takes it."
    empty_is_fine: ClassVar[bool] = True


class CaptureInPlace(Measured):
    """Law 3."""

    description: str | None = (
        "The triggers that capture what changes on the serving table and that guard the retired one are there and fire."
    )


class LiveConstraintsInPlace(Measured):
    """Without them the application is slow, or its errors do not come."""

    description: str | None = "The foreign key to users, the unique keys and every index of the serving table are there and valid."


LIVE = Suite(
    "live",
    table="artworks",
    columns=tuple(map(_live, CLEAN_ARTWORKS.columns)),
    measured=(
        LiveMissing,
        LiveExtra,
        LiveDiffers,
        LiveRefused,
        IdentityChanged,
        EmailOrTokenChanged,
        LiveSum,
        RetiredUntouched,
        RollBackNotBegun,
        QueriesOnIndex,
        AcceptanceTest,
        ReferencesTried,
        RollBackOpen,
        CaptureInPlace,
        LiveConstraintsInPlace,
    ),
)
