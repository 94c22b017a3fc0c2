"""The suite `clean_artworks`: after the copy, what the clean table promises to the application."""

from typing import Any, ClassVar

from great_expectations import expectations as gxe
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.expectations.row_conditions import Column

from expectations.rules import INFO, URLS, WARNING, Measured, Suite

#: What stands for an upload that the legacy table does not have.
MISSING = "migrated-missing"


class CleanIdIsThere(gxe.ExpectColumnValuesToNotBeNull):
    """Orders and links lead there."""

    column: str = "id"
    description: str | None = "Every clean artwork has an id."


class CleanIdIsUnique(gxe.ExpectColumnValuesToBeUnique):
    """Orders and links lead there."""

    column: str = "id"
    description: str | None = "No two clean artworks have the same id."


class CleanEmailIsThere(gxe.ExpectColumnValuesToNotBeNull):
    """The customer is found by it."""

    column: str = "customer_email"
    description: str | None = "Every clean artwork has the e-mail of its customer."


class CleanTokenIsThere(gxe.ExpectColumnValuesToNotBeNull):
    """The customer's link holds it."""

    column: str = "access_token"
    description: str | None = "Every clean artwork has an access token."


class CleanTokenIsUnique(gxe.ExpectColumnValuesToBeUnique):
    """A link must not open a stranger's artwork."""

    column: str = "access_token"
    description: str | None = "No two clean artworks have the same access token."


class CleanTokenIsNotParked(gxe.ExpectColumnValuesToNotMatchLikePattern):
    """Catch-up parks a token inside a transaction only."""

    column: str = "access_token"
    like_pattern: Any = "parked:%"
    description: str | None = "No token is still parked by a catch-up: with such a token the customer's link leads nowhere."


class GenerationStatusIsKnown(gxe.ExpectColumnValuesToBeInSet):
    """The application acts on it."""

    column: str = "generation_status"
    value_set: Any = ("pending", "processing", "completed", "failed")
    description: str | None = "Every generation status is pending, processing, completed or failed."


class UpscaleStatusIsKnown(gxe.ExpectColumnValuesToBeInSet):
    """The application acts on it."""

    column: str = "upscale_status"
    value_set: Any = ("not_started", "pending", "processing", "completed", "failed")
    description: str | None = "Every upscale status is not_started, pending, processing, completed or failed."


class CompletedHasImage(gxe.ExpectColumnValuesToNotBeNull):
    """Completed without a result: the customer sees nothing."""

    column: str = "generated_image_url"
    row_condition: Any = Column("generation_status") == "completed"
    severity: FailureSeverity = WARNING
    description: str | None = "Every completed artwork has a generated image."
    empty_is_fine: ClassVar[bool] = True


class UpscaledHasImage(gxe.ExpectColumnValuesToNotBeNull):
    """Nothing to print."""

    column: str = "upscaled_image_url"
    row_condition: Any = Column("upscale_status") == "completed"
    severity: FailureSeverity = WARNING
    description: str | None = "Every artwork whose upscaling is completed has an upscaled image."
    empty_is_fine: ClassVar[bool] = True


class MomPictureIsUrl(gxe.ExpectColumnValuesToMatchLikePatternList):
    """The application shows it."""

    column: str = "pet_mom_image_url"
    like_pattern_list: Any = (*URLS, MISSING)
    severity: FailureSeverity = WARNING
    description: str | None = "The address of the person's picture is an http address, or migrated-missing."


class PetPictureIsUrl(gxe.ExpectColumnValuesToMatchLikePatternList):
    """The application shows it."""

    column: str = "pet_image_url"
    like_pattern_list: Any = (*URLS, MISSING)
    severity: FailureSeverity = WARNING
    description: str | None = "The address of the pet's picture is an http address, or migrated-missing."


class GeneratedImageIsUrl(gxe.ExpectColumnValuesToMatchLikePatternList):
    """The application shows it."""

    column: str = "generated_image_url"
    like_pattern_list: Any = URLS
    severity: FailureSeverity = WARNING
    description: str | None = "The address of the generated image is an http address."


class UpscaledImageIsUrl(gxe.ExpectColumnValuesToMatchLikePatternList):
    """The printer fetches it."""

    column: str = "upscaled_image_url"
    like_pattern_list: Any = URLS
    severity: FailureSeverity = WARNING
    description: str | None = "The address of the upscaled image is an http address."


class UploadsAreThere(gxe.ExpectColumnValuesToNotBeInSet):
    """An artwork without its uploads cannot be made again."""

    column: str = "pet_image_url"
    value_set: Any = (MISSING,)
    severity: FailureSeverity = INFO
    description: str | None = "The pet's picture was there to migrate; where it was not, migrated-missing stands for it."


class HasUser(Measured):
    """One reason for the migration."""

    description: str | None = "Every clean artwork belongs to a user, but for those that are just on their way."


class ConstraintsInPlace(Measured):
    """Without them the application is slow, or its errors do not come."""

    description: str | None = "The foreign key to users, the unique keys and every index of the clean table are there and valid."


class OwnerHasEmail(Measured):
    """A stranger must not see a customer's artwork."""

    description: str | None = "Every clean artwork whose legacy row names no owner belongs to the user of its e-mail."


class ExposureAccepted(Measured):
    """Nobody is shown a row they could not see before unless somebody has decided so."""

    description: str | None = "No clean artwork has come to a user who can sign in, or to another one than its owner, without a decision."


class UpdatedAfterCreated(Measured):
    """A clock was wrong, or somebody wrote the times by hand."""

    severity: FailureSeverity = WARNING
    description: str | None = "No artwork was last changed before it was created."


CLEAN_ARTWORKS = Suite(
    "clean_artworks",
    table="artworks_v2",
    columns=(
        CleanIdIsThere,
        CleanIdIsUnique,
        CleanEmailIsThere,
        CleanTokenIsThere,
        CleanTokenIsUnique,
        CleanTokenIsNotParked,
        GenerationStatusIsKnown,
        UpscaleStatusIsKnown,
        CompletedHasImage,
        UpscaledHasImage,
        MomPictureIsUrl,
        PetPictureIsUrl,
        GeneratedImageIsUrl,
        UpscaledImageIsUrl,
        UploadsAreThere,
    ),
    measured=(HasUser, ConstraintsInPlace, OwnerHasEmail, UpdatedAfterCreated, ExposureAccepted),
)
