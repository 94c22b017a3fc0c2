"""Drift of the capture or of the legacy table, noticed before a verb relies on either."""

import sql
from migration.errors import PrerequisitesNotMet
from migration.ledger.runs import Run
from migration.plans.statements import Catalog, owner_parameters, problems_found

#: A prerequisite of deploy_schema that may be broken since: whether users can be created by e-mail.
_USERS_CONTRACT = "plan/prerequisites/users_contract"


def require_no_drift(run: Run) -> None:
    """Raise PrerequisitesNotMet if a monitored object differs from its baseline and no decision accepts that.

    Monitored are our triggers and functions, the columns and keys of the legacy table, the foreign keys to it, and the key of users.
    Takes ACCESS SHARE only.
    """
    with run.database.transaction("checking for drift") as connection:
        files = [*sql.folder("drift"), sql.load(_USERS_CONTRACT)]
        catalog = Catalog(owner_parameters(connection))
        problems = [problem for file in files for problem in problems_found(connection, catalog, file)]
    if problems:
        raise PrerequisitesNotMet(run.verb.name, problems)
