"""What an operator chooses who moves customers, before a database is asked."""

import pytest

from migration.errors import BadInput
from migration.verbs.move_customers import NOT_KEPT, Choice


@pytest.mark.parametrize("emails", [NOT_KEPT, f" {NOT_KEPT}\n"])
@pytest.mark.parametrize("to", ["clean", "legacy", None])
def test_a_run_whose_emails_were_not_kept_cannot_be_repeated(to: str | None, emails: str) -> None:
    """What Prefect keeps in place of the e-mails is refused, so that a repeated run does not move customers with this address."""
    with pytest.raises(BadInput, match=r"The e-mails were not kept\. Nothing was changed\. To fix: fill in the form again"):
        Choice.given(to, emails, None)
