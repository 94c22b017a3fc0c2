"""The suite `users`: after the copy, one user stands for each customer, and those that were created are told from those who registered."""

from typing import ClassVar

from great_expectations import expectations as gxe
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.rules import WARNING, Measured, Suite


class UserEmailIsThere(gxe.ExpectColumnValuesToNotBeNull):
    """Artworks find their user by it; who signed up by phone may have none."""

    column: str = "email"
    severity: FailureSeverity = WARNING
    description: str | None = "Every user has an e-mail."


class UserEmailIsUnique(gxe.ExpectColumnValuesToBeUnique):
    """Otherwise an artwork could go to either of two users."""

    column: str = "email"
    description: str | None = "No two users have the same e-mail."


class CreatedAreAnonymous(Measured):
    """Nobody has registered with them."""

    description: str | None = "Every user that the migration created is marked as anonymous, until somebody claims it."
    empty_is_fine: ClassVar[bool] = True


class CreatedHaveEmail(Measured):
    """A blank one would collect the artworks of strangers."""

    description: str | None = "Every user that the migration created has an e-mail that is not blank."
    empty_is_fine: ClassVar[bool] = True


USERS = Suite(
    "users",
    table="users",
    columns=(UserEmailIsThere, UserEmailIsUnique),
    measured=(CreatedAreAnonymous, CreatedHaveEmail),
)
