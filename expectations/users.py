"""The suite `users`: judged after the copy. One user represents each customer, and a created user is not a registered one."""

from typing import ClassVar

from great_expectations import expectations as gxe
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.legacy_artworks import UsersClosed
from expectations.rules import WARNING, Measured, Suite


class UserEmailIsThere(gxe.ExpectColumnValuesToNotBeNull):
    column: str = "email"
    severity: FailureSeverity = WARNING
    description: str | None = "Every user has an e-mail."
    why: ClassVar[str] = (
        "An artwork finds its user by the e-mail. A user who signed up by phone may have none, which harms nothing. `created_have_email` "
        "checks the users that the migration created."
    )
    fix: ClassVar[str] = "No action is required. Give the user an e-mail if it should have one."
    about_created_users: ClassVar[bool] = True


class UserEmailIsUnique(gxe.ExpectColumnValuesToBeUnique):
    column: str = "email"
    description: str | None = "No two users have the same e-mail."
    why: ClassVar[str] = "An artwork could go to either of two users."
    fix: ClassVar[str] = "The unique key on `users (email)` is missing. 1. Merge the users. 2. Create the key again."
    about_created_users: ClassVar[bool] = True


class CreatedAreAnonymous(Measured):
    description: str | None = "Every user that the migration created is marked as anonymous until somebody claims it."
    why: ClassVar[str] = (
        "No person has registered with these users. A user that looks registered may get mail, be counted, or get the rights of a "
        "customer with an account. A user that somebody has claimed does not count."
    )
    fix: ClassVar[str] = (
        "1. Find the trigger or default on `users` that sets `is_anonymous`, and correct it. 2. Set `is_anonymous` to TRUE for the ids."
    )
    empty_is_fine: ClassVar[bool] = True
    about_created_users: ClassVar[bool] = True


class CreatedHaveEmail(Measured):
    description: str | None = "Every user that the migration created has an e-mail that is not blank."
    why: ClassVar[str] = "All artworks without an e-mail would belong to one user, who is no customer."
    fix: ClassVar[str] = "These users were changed after they were created. Restore the e-mail from the artworks of each user."
    empty_is_fine: ClassVar[bool] = True
    about_created_users: ClassVar[bool] = True


class UsersStillClosed(UsersClosed):
    pass


USERS = Suite(
    "users",
    about="Judged after the copy, on `public.users`. A user counts as created by the migration until somebody claims it. "
    "Where no users are created, the gate does not apply: the rows of the table that owns artworks come with a sign-up.",
    table="users",
    columns=(UserEmailIsThere, UserEmailIsUnique),
    measured=(CreatedAreAnonymous, CreatedHaveEmail, UsersStillClosed),
)
