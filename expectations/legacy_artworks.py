"""The suite `legacy_artworks`: judged before anything is created or copied. The columns are those that every deployment has."""

from typing import Any, ClassVar

from great_expectations import expectations as gxe
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.expectations.row_conditions import Column

from expectations.rules import INFO, URLS, WARNING, Measured, Suite


class LegacyHasRows(gxe.ExpectTableRowCountToBeBetween):
    """An empty table is most likely the wrong one."""

    min_value: Any = 1
    description: str | None = "The legacy table is not empty."


class LegacyIdIsThere(gxe.ExpectColumnValuesToNotBeNull):
    """The clean row gets the same id: orders and links lead there."""

    column: str = "id"
    description: str | None = "Every legacy artwork has an id."


class LegacyIdIsUnique(gxe.ExpectColumnValuesToBeUnique):
    """The clean row gets the same id: orders and links lead there."""

    column: str = "id"
    description: str | None = "No two legacy artworks have the same id."


class LegacyStatusIsKnown(gxe.ExpectColumnValuesToBeInSet):
    """A completed row always has a known one; an ordered row with another one goes to quarantine."""

    column: str = "generation_status"
    value_set: Any = ("pending", "processing", "completed", "failed")
    severity: FailureSeverity = WARNING
    description: str | None = "Generation statuses are pending, processing, completed or failed; others cannot be migrated."


class LegacyCompletedHasImage(gxe.ExpectColumnValuesToNotBeNull):
    """Completed without a result: the customer sees nothing."""

    column: str = "generated_image_url"
    row_condition: Any = Column("generation_status") == "completed"
    severity: FailureSeverity = WARNING
    description: str | None = "Every completed artwork has a generated image."
    empty_is_fine: ClassVar[bool] = True


class LegacyCreatedAtIsThere(gxe.ExpectColumnValuesToNotBeNull):
    """Nothing is invented, so the clean table cannot take the row."""

    column: str = "created_at"
    severity: FailureSeverity = WARNING
    description: str | None = "Every artwork has the time it was created; without it, it waits in quarantine."


class LegacyUpdatedAtIsThere(gxe.ExpectColumnValuesToNotBeNull):
    """Nothing is invented, so the clean table cannot take the row."""

    column: str = "updated_at"
    severity: FailureSeverity = WARNING
    description: str | None = "Every artwork has the time it was last changed; without it, it waits in quarantine."


class LegacyFirstUploadIsUrl(gxe.ExpectColumnValuesToMatchLikePatternList):
    """It serves two purposes: rows for testing are marked in it."""

    column: str = "original_image_url"
    like_pattern_list: Any = (*URLS, "test-%")
    severity: FailureSeverity = WARNING
    description: str | None = "original_image_url is an http address, or marks a row for testing."


class LegacyMomUploadIsUrl(gxe.ExpectColumnValuesToMatchLikePatternList):
    """It is carried over as it is."""

    column: str = "original_pet_mom_url"
    like_pattern_list: Any = URLS
    severity: FailureSeverity = WARNING
    description: str | None = "The address of the person's picture is an http address."


class LegacyPetUploadIsUrl(gxe.ExpectColumnValuesToMatchLikePatternList):
    """It is carried over as it is."""

    column: str = "original_pet_url"
    like_pattern_list: Any = URLS
    severity: FailureSeverity = WARNING
    description: str | None = "The address of the pet's picture is an http address."


class LegacyGeneratedImageIsUrl(gxe.ExpectColumnValuesToMatchLikePatternList):
    """It is carried over as it is."""

    column: str = "generated_image_url"
    like_pattern_list: Any = URLS
    severity: FailureSeverity = WARNING
    description: str | None = "The address of the generated image is an http address."


class LegacyLinkExpires(gxe.ExpectColumnValuesToNotBeNull):
    """A link without an end is open to whoever finds it."""

    column: str = "token_expires_at"
    severity: FailureSeverity = INFO
    description: str | None = "Every link to an artwork ends some day; those without an end stay open in the clean table too."


class ReferencedCanMigrate(Measured):
    """Orders are paid."""

    description: str | None = "Every artwork that another table references can be migrated: no test data, and an e-mail and a token."
    empty_is_fine: ClassVar[bool] = True


class EmailSpellings(Measured):
    """They become two users, and a sign-up does not find them."""

    severity: FailureSeverity = WARNING
    description: str | None = "Every e-mail is in small letters without blanks around it, and no user has it in another spelling."


class OwnerDiffers(Measured):
    """The owner is kept."""

    severity: FailureSeverity = WARNING
    description: str | None = "Where an artwork to be migrated has an owner, it is the user of its e-mail."


class TokenDuplicates(Measured):
    """One of them is migrated."""

    severity: FailureSeverity = WARNING
    description: str | None = "No two artworks to be migrated share an access token; all but one of each token wait in quarantine."


LEGACY_ARTWORKS = Suite(
    "legacy_artworks",
    table="artworks",
    columns=(
        LegacyHasRows,
        LegacyIdIsThere,
        LegacyIdIsUnique,
        LegacyStatusIsKnown,
        LegacyCompletedHasImage,
        LegacyCreatedAtIsThere,
        LegacyUpdatedAtIsThere,
        LegacyFirstUploadIsUrl,
        LegacyMomUploadIsUrl,
        LegacyPetUploadIsUrl,
        LegacyGeneratedImageIsUrl,
        LegacyLinkExpires,
    ),
    measured=(ReferencedCanMigrate, EmailSpellings, OwnerDiffers, TokenDuplicates),
)
