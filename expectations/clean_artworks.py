"""The suite `clean_artworks`: judged after the copy, what the clean table promises to the application."""

from typing import Any, ClassVar

from great_expectations import expectations as gxe
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.expectations.row_conditions import Column

from expectations.rules import INFO, URLS, WARNING, Measured, Suite

#: The address of an upload that the legacy table does not have.
MISSING = "migrated-missing"


class CleanIdIsThere(gxe.ExpectColumnValuesToNotBeNull):
    column: str = "id"
    description: str | None = "Every clean artwork has an id."
    why: ClassVar[str] = "Orders and links use it."
    fix: ClassVar[str] = (
        "The primary key of `artworks_v2` is missing. 1. Delete the rows. 2. Create the key again. 3. Run `migrate-data` again."
    )


class CleanIdIsUnique(gxe.ExpectColumnValuesToBeUnique):
    column: str = "id"
    description: str | None = "No two clean artworks have the same id."
    why: ClassVar[str] = "Orders and links use it."
    fix: ClassVar[str] = (
        "The primary key of `artworks_v2` is missing. 1. Delete the rows with these ids. 2. Create the key again. 3. Run `migrate-data` "
        "again: it copies them again."
    )


class CleanEmailIsThere(gxe.ExpectColumnValuesToNotBeNull):
    column: str = "customer_email"
    description: str | None = "Every clean artwork has the e-mail of its customer."
    why: ClassVar[str] = "The customer and the user are found by it."
    fix: ClassVar[str] = "The column has lost its NOT NULL. 1. Fill in the rows; the legacy row may have the e-mail. 2. Set NOT NULL again."


class CleanTokenIsThere(gxe.ExpectColumnValuesToNotBeNull):
    column: str = "access_token"
    description: str | None = "Every clean artwork has an access token."
    why: ClassVar[str] = "It is in the customer's link."
    fix: ClassVar[str] = "The column has lost its NOT NULL. 1. Fill in the rows; the legacy row may have the token. 2. Set NOT NULL again."


class CleanTokenIsUnique(gxe.ExpectColumnValuesToBeUnique):
    column: str = "access_token"
    description: str | None = "No two clean artworks have the same access token."
    why: ClassVar[str] = "A link must not open another customer's artwork."
    fix: ClassVar[str] = "The unique key is missing. 1. Correct the rows from their legacy rows. 2. Create the key again."


class GenerationStatusIsKnown(gxe.ExpectColumnValuesToBeInSet):
    column: str = "generation_status"
    value_set: Any = ("pending", "processing", "completed", "failed")
    description: str | None = "Every generation status is pending, processing, completed or failed."
    why: ClassVar[str] = "The application acts on it."
    fix: ClassVar[str] = "The check of the column is missing. 1. Correct the rows. 2. Create the check again."


class UpscaleStatusIsKnown(gxe.ExpectColumnValuesToBeInSet):
    column: str = "upscale_status"
    value_set: Any = ("not_started", "pending", "processing", "completed", "failed")
    description: str | None = "Every upscale status is not_started, pending, processing, completed or failed."
    why: ClassVar[str] = "The application acts on it."
    fix: ClassVar[str] = "The check of the column is missing. 1. Correct the rows. 2. Create the check again."


class CompletedHasImage(gxe.ExpectColumnValuesToNotBeNull):
    column: str = "generated_image_url"
    row_condition: Any = Column("generation_status") == "completed"
    severity: FailureSeverity = WARNING
    description: str | None = "Every completed artwork has a generated image."
    why: ClassVar[str] = "The customer sees nothing, and nothing can be printed."
    fix: ClassVar[str] = (
        "Correct the status, or generate the image again. `legacy_completed_has_image` finds the same rows, except those that were "
        "created in the clean table."
    )
    empty_is_fine: ClassVar[bool] = True


class UpscaledHasImage(gxe.ExpectColumnValuesToNotBeNull):
    column: str = "upscaled_image_url"
    row_condition: Any = Column("upscale_status") == "completed"
    severity: FailureSeverity = WARNING
    description: str | None = "Every artwork whose upscaling is completed has an upscaled image."
    why: ClassVar[str] = "Nothing can be printed."
    fix: ClassVar[str] = "Upscale the artwork again, or correct the status."
    empty_is_fine: ClassVar[bool] = True


class MomPictureIsUrl(gxe.ExpectColumnValuesToMatchLikePatternList):
    column: str = "pet_mom_image_url"
    like_pattern_list: Any = (*URLS, MISSING)
    severity: FailureSeverity = WARNING
    description: str | None = "The address of the person's picture is an http address, or migrated-missing."
    why: ClassVar[str] = "The application shows it."
    fix: ClassVar[str] = "Correct the legacy rows. Or set their column to NULL: the clean row then has `migrated-missing`."


class PetPictureIsUrl(gxe.ExpectColumnValuesToMatchLikePatternList):
    column: str = "pet_image_url"
    like_pattern_list: Any = (*URLS, MISSING)
    severity: FailureSeverity = WARNING
    description: str | None = "The address of the pet's picture is an http address, or migrated-missing."
    why: ClassVar[str] = "The application shows it."
    fix: ClassVar[str] = "Correct the legacy rows. Or set their column to NULL: the clean row then has `migrated-missing`."


class GeneratedImageIsUrl(gxe.ExpectColumnValuesToMatchLikePatternList):
    column: str = "generated_image_url"
    like_pattern_list: Any = URLS
    severity: FailureSeverity = WARNING
    description: str | None = "The address of the generated image is an http address."
    why: ClassVar[str] = "The application shows it."
    fix: ClassVar[str] = "Correct the rows, or generate the images again."


class UpscaledImageIsUrl(gxe.ExpectColumnValuesToMatchLikePatternList):
    column: str = "upscaled_image_url"
    like_pattern_list: Any = URLS
    severity: FailureSeverity = WARNING
    description: str | None = "The address of the upscaled image is an http address."
    why: ClassVar[str] = "The printer fetches it."
    fix: ClassVar[str] = "Correct the rows, or upscale again."


class UploadsAreThere(gxe.ExpectColumnValuesToNotBeInSet):
    column: str = "pet_image_url"
    value_set: Any = (MISSING,)
    severity: FailureSeverity = INFO
    description: str | None = "The legacy row had the pet's picture; the clean row has migrated-missing where it had none."
    why: ClassVar[str] = "Older artworks have no picture of the pet. They can be shown and printed, but not generated again."
    fix: ClassVar[str] = "No action is required. The rule reports how many there are."


class HasUser(Measured):
    description: str | None = (
        "Every clean artwork belongs to a user, except rows in transit. Where no users are created: every one whose legacy row has one."
    )
    why: ClassVar[str] = (
        "That every artwork has an owner is one reason for the migration. The column may be NULL only because deleting a user must still "
        "work. Ids in the log or in `rejected_write` are in transit and do not count. Where no users are created, a customer without an "
        "account has no row in the table that owns artworks; the customer is reached by link and by e-mail, and claims the artworks."
    )
    fix: ClassVar[str] = "1. Run `migrate-data` again: it creates the missing users. 2. The remaining rows have a blank e-mail: correct it."


class CleanTokenIsNotParked(Measured):
    description: str | None = "No access token is still parked by a catch-up, except of rows in transit."
    why: ClassVar[str] = (
        "If artworks swap their tokens, catch-up parks one until its own is free, which may be a batch later: the id is in the log then, "
        "and does not count. A link with a parked token opens nothing."
    )
    fix: ClassVar[str] = (
        "It was written by hand, or catch-up has a defect: report it. An update of the legacy row's token brings the right one with the "
        "next run."
    )


class ConstraintsInPlace(Measured):
    description: str | None = "The foreign key to the owners, the unique keys and every index of the clean table exist and are valid."
    why: ClassVar[str] = (
        "Without the indexes the application is slow; without the keys its mistakes are kept. About is the names of the objects: the "
        "primary key, the unique key on the token, the foreign key of `user_id`, the indexes, and any other that is not valid."
    )
    fix: ClassVar[str] = (
        "1. Run `migrate-data` again. 2. Create or REINDEX by hand what the rule still names. `sql/migrate_data/post_copy/` has the "
        "definitions."
    )


class OwnerHasEmail(Measured):
    description: str | None = "No clean artwork whose legacy row names no owner belongs to another user than that of its e-mail."
    why: ClassVar[str] = (
        "The owner was found by the e-mail; a wrong owner sees another customer's pictures. The rule reads the bare tables, because "
        "`differs` uses the mapping that made the copy. Ids in the log or in `rejected_write`, and rows that the clean side has "
        "modified, do not count."
    )
    fix: ClassVar[str] = (
        "1. Run `migrate-data` again. 2. The remaining rows were written without the triggers, or there is a defect: report it. 3. Set "
        "`user_id` to the user of the e-mail."
    )


class ExposureAccepted(Measured):
    description: str | None = "No clean artwork has a new owner who can sign in, unless a decision accepts that."
    why: ClassVar[str] = (
        "A signed-in user sees the artworks of their e-mail that had no owner. The plan of `deploy-schema` counts them, and users keep "
        "signing up. About is the kind: `user_gained` (it had no owner) or `user_changed` (it had another owner, which only a mistake in "
        "the mapping can cause). A user that the migration created counts from the moment somebody claims it. Ids in the log or in "
        "`rejected_write`, and rows that the clean side has modified, do not count."
    )
    fix: ClassVar[str] = (
        "`user_gained`: if customers should see their own artworks, decide `accept_exposure` with the value `user_gained`. "
        "`user_changed`: it is a defect; report it with the ids."
    )


class UpdatedAfterCreated(Measured):
    severity: FailureSeverity = WARNING
    description: str | None = "No artwork was last changed before it was created."
    why: ClassVar[str] = "A clock was wrong, or the times were written by hand. Reports by month will be wrong too."
    fix: ClassVar[str] = "No action is required. Correct the times in the legacy table if you know them."


CLEAN_ARTWORKS = Suite(
    "clean_artworks",
    about=(
        "Judged after the copy, on `public.artworks_v2`. The table's own constraints promise a part of it; the rules are for the day on "
        "which one is missing."
    ),
    table="artworks_v2",
    columns=(
        CleanIdIsThere,
        CleanIdIsUnique,
        CleanEmailIsThere,
        CleanTokenIsThere,
        CleanTokenIsUnique,
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
    measured=(HasUser, ConstraintsInPlace, OwnerHasEmail, UpdatedAfterCreated, ExposureAccepted, CleanTokenIsNotParked),
)
