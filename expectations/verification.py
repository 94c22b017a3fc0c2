"""The suite `verification`: after the switch and on each day of the safety window, what serves is right and roll back is possible."""

from typing import Any, ClassVar

from great_expectations import expectations as gxe
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.clean_artworks import CLEAN_ARTWORKS
from expectations.legacy_artworks import UsersClosed
from expectations.rules import INFO, WARNING, Measured, Suite

#: How to fix a rule of the clean table while that table serves, where it is not done as before the switch.
FIX_WHILE_SERVING = {
    "LiveIdIsThere": "The primary key of `artworks` is missing. 1. Delete the rows. 2. Create the key again.",
    "LiveIdIsUnique": "The primary key of `artworks` is missing. 1. Read the rows, and keep one of each id. 2. Create the key again.",
    "LiveEmailIsThere": (
        "The column has lost its NOT NULL. 1. Fill in the rows; the retired row may have the e-mail. 2. Set NOT NULL again."
    ),
    "LiveTokenIsThere": (
        "The column has lost its NOT NULL. 1. Fill in the rows; the retired row may have the token. 2. Set NOT NULL again."
    ),
    "LiveTokenIsUnique": "The unique key is missing. 1. Give all but one artwork a token of its own. 2. Create the key again.",
    "LiveCompletedHasImage": (
        "No action is required for rows that had no image before the switch. For new rows, correct the code that completes a generation "
        "without its result."
    ),
    "LiveMomPictureIsUrl": "Correct the rows. New ones come from the application's form.",
    "LivePetPictureIsUrl": "Correct the rows. New ones come from the application's form.",
}


def _while_serving(rule: type[Expectation]) -> type[Expectation]:
    """The same rule for the clean table under its serving name. It has a name of its own: findings know a rule by its name only."""
    name = f"Live{rule.__name__.removeprefix('Clean')}"
    fix = FIX_WHILE_SERVING.get(name, rule.fix)  # type: ignore[attr-defined]  # every rule has it; Great Expectations' base has not
    return type(name, (rule,), {"__module__": __name__, "__doc__": rule.__doc__, "fix": fix})


class LiveTokenIsNotParked(gxe.ExpectColumnValuesToNotMatchLikePattern):
    column: str = "access_token"
    like_pattern: Any = "parked:%"
    description: str | None = "No access token is parked."
    why: ClassVar[str] = "Until the switch, catch-up parks tokens that artworks swap. A link with a parked token opens nothing."
    fix: ClassVar[str] = (
        "The switch leaves no parked token, so this one was written by hand, or there is a defect: report it. The retired row has the "
        "right token."
    )


class LiveMissing(Measured):
    description: str | None = "Every row that was migrated is in the serving table, unless it was deleted there since the switch."
    why: ClassVar[str] = (
        "Law 1, conservation, on every day of the window. A row that the log has as deleted since the switch is no finding."
    )
    fix: ClassVar[str] = (
        "The row was deleted without the triggers. Read it in `artworks_old`, with the comment `/* artwork_migration */` in the "
        "query, so that it does not block the clean-up. 1. Insert it into `artworks`. 2. Or roll back."
    )


class LiveExtra(Measured):
    description: str | None = "Every row of the serving table was migrated, or was created there since the switch."
    why: ClassVar[str] = "Law 1, conservation. A row that the log has as created since the switch is no finding."
    fix: ClassVar[str] = (
        "The row was inserted without the triggers, so a roll back would lose it. Change it with an ordinary UPDATE, which is captured."
    )


class LiveDiffers(Measured):
    description: str | None = "Every serving row equals the mapping of its retired row, unless it was changed since the switch."
    why: ClassVar[str] = (
        "Law 2, fidelity. No finding is what the log has as changed since the switch, and what a user or an order written since then has "
        "changed in the mapping. About is the columns."
    )
    fix: ClassVar[str] = (
        "One of both rows was written without the triggers; if `retired_untouched` is red too, the retired one. Compare both rows of "
        "each id, and correct the wrong one."
    )


class LiveRefused(Measured):
    description: str | None = "No write that the retired table rejected still waits for a decision."
    why: ClassVar[str] = "Law 3, no lost write. A rejection can exist only after a roll back that did not end."
    fix: ClassVar[str] = "1. Correct the row so that the retired table takes it. 2. Decide `clear_rejected_write`."


class IdentityChanged(Measured):
    description: str | None = "No artwork got another id or another time of creation since the switch."
    why: ClassVar[str] = (
        "Orders, links and reports use them, and no part of the product changes them. That an artwork was changed since the switch does "
        "not excuse it. About is `id` or `created_at`; for an id, the finding is the old id."
    )
    fix: ClassVar[str] = "Write the old value back to `artworks`. The retired row has it."


class EmailOrTokenChanged(Measured):
    severity: FailureSeverity = WARNING
    description: str | None = "No artwork got another e-mail or another access token since the switch."
    why: ClassVar[str] = (
        "A customer may have asked for another address or another link, and the database cannot know that. The ids are reported, and "
        "nothing stops. About is the columns."
    )
    fix: ClassVar[str] = "Check whether each change was requested. If not, write the old value back: the retired row has it."


class LiveSum(Measured):
    description: str | None = "The verdicts on the rows of the retired table add up to its count(*)."
    why: ClassVar[str] = "Law 1, conservation: the verdicts are compared with a plain count."
    fix: ClassVar[str] = "It is a defect, or the retired table has rows that the mapping view does not show. Report it."


class ReferencesLeadToArtworks(Measured):
    description: str | None = "Every row that references an artwork leads to a row of the serving table."
    why: ClassVar[str] = (
        "No order may lose its artwork. The rows are counted: a valid key only says what the role that validated it could see. Under a key "
        "that is NOT VALID, a reference that never led to an artwork is no finding. About is the referencing columns."
    )
    fix: ClassVar[str] = (
        "The artwork was deleted, or was never copied, while the key was not enforced. 1. Read the row in `artworks_old`, with the "
        "comment `/* artwork_migration */` in the query, so that it does not block the clean-up, and insert it into "
        "`artworks`. 2. Or, if the artwork is gone from both tables, correct the rows that reference it."
    )


class RetiredUntouched(Measured):
    description: str | None = "The retired table is unchanged since the switch, except `user_id` of deleted users."
    why: ClassVar[str] = (
        "A roll back serves this table again. A hash over all columns is compared with the one taken at the switch. It leaves out "
        "`user_id`, which deleting a user sets to NULL; `live_differs` compares the owners of migrated rows. "
        "Once an artwork was written through `legacy_names`, which changes this table too, nothing is checked."
    )
    fix: ClassVar[str] = (
        "A session wrote to the table without its guard, which the owner of the table can do. `live_differs` reports the rows that both "
        "tables have; compare the others with a backup. 1. Restore these rows. 2. Or accept that a roll back serves them as they are "
        "now. If it could not be checked because no fingerprint was taken, a switch was killed right after its commit: run `switch-over` "
        "again, which takes it."
    )
    empty_is_fine: ClassVar[bool] = True


class RollBackNotBegun(Measured):
    severity: FailureSeverity = WARNING
    description: str | None = "No row was carried back into the retired table after its newest fingerprint."
    why: ClassVar[str] = (
        "A roll back that was killed between its carry-back and its lock has written to the retired table, as it should. Until a roll "
        "back ends, `retired_untouched` cannot tell these writes from others and checks nothing. `live_differs` still compares the rows "
        "that both tables have."
    )
    fix: ClassVar[str] = (
        "Run `roll-back --to MIGRATED` to its end. If the clean table should serve, switch over again: the switch takes a new "
        "fingerprint. A roll back that ends without the lock renews the fingerprint automatically, if the table was unchanged when it "
        "began."
    )


class QueriesOnIndex(Measured):
    description: str | None = "Each query that the product runs can use an index of the serving table, and is fast enough."
    why: ClassVar[str] = (
        "By token, by e-mail newest first, by user, and the waiting work: without an index each of them reads the whole table. The "
        "planner is asked with sequential scans off, because it reads a small table as a whole anyway; then each query runs for three "
        "seconds at most. About is the query."
    )
    fix: ClassVar[str] = (
        "1. Create the index again; `live_constraints_in_place` names it. 2. If it exists and the query is slow, the server is "
        "overloaded or the table needs a VACUUM."
    )


class AcceptanceTest(Measured):
    description: str | None = "An artwork can be created, generated, upscaled, found by its token and ordered."
    why: ClassVar[str] = (
        "The test uses one artwork as the product does, with the application's own triggers, in a transaction that is rolled back. About "
        "is the SQLSTATE and the object."
    )
    fix: ClassVar[str] = (
        "Correct the object in the message: a constraint, a trigger or a function that was added since the switch. "
        "`sql/verify/acceptance_test.sql` has the statements."
    )


class ReferencesTried(Measured):
    severity: FailureSeverity = INFO
    description: str | None = "In each table that references artworks, the acceptance test could let a row reference another artwork."
    why: ClassVar[str] = (
        "The acceptance test tries the foreign keys on existing rows. If a trigger or a check of the application forbids that change, "
        "nothing is wrong, but that key was not tried. About is the tables."
    )
    fix: ClassVar[str] = "No action is required. Place an order by hand to try the key."


class RollBackOpen(Measured):
    severity: FailureSeverity = WARNING
    description: str | None = "The retired table takes everything that was written since the switch, so a roll back can carry it back."
    why: ClassVar[str] = (
        "At most twenty batches are carried back in a transaction that is rolled back. The ids are of rows that the retired table does "
        "not take as a whole, mostly because of a NOT NULL or a type that the clean table does not have. About is the columns; `id` is "
        "the whole row."
    )
    fix: ClassVar[str] = (
        "Correct these columns if you may need to roll back: a roll back is blocked until they are corrected, or until "
        "`accept_rejected_writes` accepts that older values serve."
    )
    empty_is_fine: ClassVar[bool] = True


class CaptureInPlace(Measured):
    description: str | None = (
        "The triggers that capture changes on the serving table and guard the retired one exist, are enabled and are unchanged."
    )
    why: ClassVar[str] = (
        "A roll back loses a write that is not captured, and a write to the retired table reaches nobody. About is the trigger, or its "
        "function, that differs from what the switch created."
    )
    fix: ClassVar[str] = (
        "1. Enable the trigger (`ALTER TABLE … ENABLE ALWAYS TRIGGER …`), or create it again from `sql/switch_over/`. 2. Check the rows "
        "of `live_differs`, `live_missing` and `live_extra`: they were written without it."
    )


class LiveConstraintsInPlace(Measured):
    description: str | None = "The foreign key to the owners, the unique keys and every index of the serving table exist and are valid."
    why: ClassVar[str] = (
        "Without the indexes the application is slow; without the keys its mistakes are kept. About is the names of the objects."
    )
    fix: ClassVar[str] = (
        "Create, VALIDATE or REINDEX them by hand. `sql/deploy_schema/` and `sql/migrate_data/post_copy/` have the definitions, with "
        "the names before the switch."
    )


class LiveUsersClosed(UsersClosed):
    pass


VERIFICATION = Suite(
    "verification",
    about=(
        "Judged after the switch's commit, where red ends *Switched – check failed*, and by `verify` on each day of the safety "
        "window, where red ends *Red*. The rules on columns are those of `clean_artworks`, on the table under its serving name, "
        "`public.artworks`. If it is red, the phase does not change and nothing is rolled back automatically. Fix it and run the verb "
        "again, or roll back to MIGRATED."
    ),
    table="artworks",
    columns=(*map(_while_serving, CLEAN_ARTWORKS.columns), LiveTokenIsNotParked),
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
        ReferencesLeadToArtworks,
        LiveUsersClosed,
    ),
)
