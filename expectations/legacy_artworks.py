"""The suite `legacy_artworks`: judged before anything is created or copied. Its columns exist in every deployment."""

from typing import Any, ClassVar

from great_expectations import expectations as gxe
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.expectations.row_conditions import Column

from expectations.rules import INFO, URLS, WARNING, Measured, Suite


class LegacyHasRows(gxe.ExpectTableRowCountToBeBetween):
    min_value: Any = 1
    description: str | None = "The legacy table is not empty, unless a decision allows that."
    refuses_empty: ClassVar[bool] = True
    why: ClassVar[str] = (
        "An empty table is most likely the wrong table or the wrong database. Every other rule would have nothing to check."
    )
    fix: ClassVar[str] = (
        "1. Check that `ARTWORK_DATABASE_URL` is the URL of the shop's database. 2. If it is a new shop or a staging copy, decide "
        "`allow_empty yes`."
    )


class LegacyIdIsThere(gxe.ExpectColumnValuesToNotBeNull):
    column: str = "id"
    description: str | None = "Every legacy artwork has an id."
    why: ClassVar[str] = "The clean row keeps the id, because orders and links use it."
    fix: ClassVar[str] = "The primary key is missing. 1. Give these rows an id, or delete them. 2. Create the primary key again."


class LegacyIdIsUnique(gxe.ExpectColumnValuesToBeUnique):
    column: str = "id"
    description: str | None = "No two legacy artworks have the same id."
    why: ClassVar[str] = "The clean row keeps the id, so two rows with one id cannot both be migrated."
    fix: ClassVar[str] = (
        "The primary key is missing. 1. Find out which row is the right one. 2. Delete the other, or give it another id. 3. Create the "
        "primary key again."
    )


class LegacyStatusIsKnown(gxe.ExpectColumnValuesToBeInSet):
    column: str = "generation_status"
    value_set: Any = ("pending", "processing", "completed", "failed")
    severity: FailureSeverity = WARNING
    description: str | None = (
        "Every generation status is pending, processing, completed or failed; rows with another status are not migrated."
    )
    why: ClassVar[str] = (
        "The clean table has no other status. A row with another status is migrated only if it is ordered, and then it goes to quarantine."
    )
    fix: ClassVar[str] = "Read the rows by their ids. Correct the status in the legacy table, or leave the rows behind."


class LegacyCompletedHasImage(gxe.ExpectColumnValuesToNotBeNull):
    column: str = "generated_image_url"
    row_condition: Any = Column("generation_status") == "completed"
    severity: FailureSeverity = WARNING
    description: str | None = "Every completed artwork has a generated image."
    why: ClassVar[str] = "The customer sees nothing, and nothing can be printed. The row is migrated as it is."
    fix: ClassVar[str] = "Correct the status, or generate the image again. Before and after the migration are both fine."
    empty_is_fine: ClassVar[bool] = True


class LegacyCreatedAtIsThere(gxe.ExpectColumnValuesToNotBeNull):
    column: str = "created_at"
    severity: FailureSeverity = WARNING
    description: str | None = "Every artwork has the time at which it was created."
    why: ClassVar[str] = "The migration invents no time. A row that would be migrated and has none goes to quarantine."
    fix: ClassVar[str] = "1. Fill in the time, for example from the order or the upload. 2. Or decide `max_quarantined`."


class LegacyUpdatedAtIsThere(gxe.ExpectColumnValuesToNotBeNull):
    column: str = "updated_at"
    severity: FailureSeverity = WARNING
    description: str | None = "Every artwork has the time at which it was last changed."
    why: ClassVar[str] = "The migration invents no time. A row that would be migrated and has none goes to quarantine."
    fix: ClassVar[str] = "1. Fill in the time. 2. Or decide `max_quarantined`."


class LegacyFirstUploadIsUrl(gxe.ExpectColumnValuesToMatchLikePatternList):
    column: str = "original_image_url"
    like_pattern_list: Any = (*URLS, "test-%")
    severity: FailureSeverity = WARNING
    description: str | None = "original_image_url is an http address, or marks a row for testing."
    why: ClassVar[str] = "The column served two purposes. It is not migrated, but a wrong value shows which code is wrong."
    fix: ClassVar[str] = (
        "No action is required. Values like `C:\\fakepath\\…` come from a browser's form; correct the code that stores them."
    )


class LegacyMomUploadIsUrl(gxe.ExpectColumnValuesToMatchLikePatternList):
    column: str = "original_pet_mom_url"
    like_pattern_list: Any = URLS
    severity: FailureSeverity = WARNING
    description: str | None = "The address of the person's picture is an http address."
    why: ClassVar[str] = "It becomes `pet_mom_image_url` unchanged, and the application cannot show it."
    fix: ClassVar[str] = "Correct the rows. Or set the column to NULL: the clean row then has `migrated-missing`."


class LegacyPetUploadIsUrl(gxe.ExpectColumnValuesToMatchLikePatternList):
    column: str = "original_pet_url"
    like_pattern_list: Any = URLS
    severity: FailureSeverity = WARNING
    description: str | None = "The address of the pet's picture is an http address."
    why: ClassVar[str] = "It becomes `pet_image_url` unchanged, and the application cannot show it."
    fix: ClassVar[str] = "Correct the rows. Or set the column to NULL: the clean row then has `migrated-missing`."


class LegacyGeneratedImageIsUrl(gxe.ExpectColumnValuesToMatchLikePatternList):
    column: str = "generated_image_url"
    like_pattern_list: Any = URLS
    severity: FailureSeverity = WARNING
    description: str | None = "The address of the generated image is an http address."
    why: ClassVar[str] = "It is migrated unchanged, and the customer cannot open it."
    fix: ClassVar[str] = "Correct the rows, or generate the images again."


class LegacyLinkExpires(gxe.ExpectColumnValuesToNotBeNull):
    column: str = "token_expires_at"
    severity: FailureSeverity = INFO
    description: str | None = "Every link to an artwork expires; a link that does not expire stays open in the clean table too."
    why: ClassVar[str] = (
        "Such a link opens the artwork for anyone who has it, without an end. NULL is migrated as it is: it does not expire."
    )
    fix: ClassVar[str] = "No action is required. Set `token_expires_at` for these rows if their links should expire."


class ReferencedCanMigrate(Measured):
    description: str | None = "Every artwork that another table references can be migrated: no test data, and an e-mail and a token."
    why: ClassVar[str] = (
        "After the switch the order would point to no artwork, and orders are paid. Nothing has been created or copied at this gate. "
        "About is the reason why the artwork would stay behind: `test_data`, `no_email` or `no_access_token`."
    )
    fix: ClassVar[str] = "1. Give the artwork an e-mail and a token. 2. Or move or delete the rows that reference it."
    empty_is_fine: ClassVar[bool] = True


class EmailSpellings(Measured):
    severity: FailureSeverity = WARNING
    description: str | None = "Every e-mail is in small letters without surrounding blanks, and no user has it in another spelling."
    why: ClassVar[str] = (
        "Users are found by the exact e-mail, as in the strategy: two spellings become two users, and each sees half of the artworks. "
        "Supabase Auth writes every e-mail in small letters: a customer who ordered as `Jane@Example.com` and signs up later is not "
        "found, even if that is the only spelling. The ids are of the artworks with capitals or blanks, and of those whose user has them."
    )
    fix: ClassVar[str] = (
        "If it is the same person, correct the spelling in the legacy table (or of the user) before `migrate-data`. Afterwards two users "
        "must be merged."
    )


class OwnerDiffers(Measured):
    severity: FailureSeverity = WARNING
    description: str | None = "Where an artwork to be migrated has an owner, it is the user of its e-mail."
    why: ClassVar[str] = (
        "The migration keeps the owner, because it was set on purpose. The artwork then belongs to another person than its e-mail says."
    )
    fix: ClassVar[str] = "Read the rows by their ids. Correct `user_id` or `customer_email` if it is a mistake."
    about_created_users: ClassVar[bool] = True


class TokenDuplicates(Measured):
    severity: FailureSeverity = WARNING
    description: str | None = "No two artworks to be migrated share an access token; all but one of each token go to quarantine."
    why: ClassVar[str] = (
        "The clean table takes one artwork of a token. The others go to quarantine, and the gate `reconciliation` will be red."
    )
    fix: ClassVar[str] = "1. Give all but one of them a token of its own. 2. Or decide `max_quarantined`."


class FinishedAreMigrated(Measured):
    description: str | None = "Every artwork that has a picture is migrated as completed, except as many as a decision accepts."
    why: ClassVar[str] = (
        "If the rules do not fit the data, customers' links lead to nothing after the switch, or to less than before. Without a decision "
        "no artwork with a valid link may stay behind, and of the others at most one in ten. About is why it stays behind; `unfinished` "
        "is migrated with another status than completed."
    )
    fix: ClassVar[str] = (
        "1. If these artworks are finished, set their `generation_status` to completed; give them an e-mail or a token if they have none. "
        "2. Or decide `max_left_behind`."
    )


class UsersClosed(Measured):
    description: str | None = (
        "No role reads or changes users of others or chooses its own e-mail, except the owner, roles that bypass row level security, and "
        "what a decision accepts."
    )
    why: ClassVar[str] = (
        "`users` has the e-mail of every customer, and the user of an e-mail owns its artworks. Grants and policies may have changed since "
        "the plan. About is the role, the privilege, `email` where it is the choice of the e-mail, and the policy or view."
    )
    fix: ClassVar[str] = (
        "1. Enable row level security on `users`, revoke the privilege, or correct the policy. 2. If every one of these roles is one of "
        "your own servers, decide `accept_users_access`; if your application confirms each e-mail before it writes it, decide "
        "`accept_chosen_emails`."
    )
    about_created_users: ClassVar[bool] = True


LEGACY_ARTWORKS = Suite(
    "legacy_artworks",
    about="Judged first, before a user is created or a row is copied, on `public.artworks`. Its columns exist in every deployment.",
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
    measured=(ReferencedCanMigrate, EmailSpellings, OwnerDiffers, TokenDuplicates, FinishedAreMigrated, UsersClosed),
)
