"""Drift of the capture or of the legacy table, noticed before a verb relies on either."""

import sql
from migration.errors import PrerequisitesNotMet
from migration.ledger.runs import Run
from migration.plans.statements import Catalog, owner_parameters, problems_found

#: Prerequisites of deploy_schema that may be broken since: that users can be created by e-mail, that every write is captured, and that the
#: tables are ours to change. What every run relies on is asked with its lock (`ledger.runs`).
_MAY_BE_BROKEN = tuple(
    f"plan/prerequisites/{rule}" for rule in ("users_contract", "users_rule", "subscribed_table", "stored_setting", "not_owner")
)


def require_no_drift(run: Run) -> None:
    """Raise PrerequisitesNotMet if a monitored object differs from its baseline and no decision accepts that.

    Monitored are our triggers and functions, the columns and keys of the legacy table, the foreign keys to it, and the key of users.
    Prerequisites of deploy_schema that may be broken since are checked again. Takes ACCESS SHARE only.
    """
    with run.database.transaction("checking for drift") as connection:
        catalog = Catalog(owner_parameters(connection))
        prerequisites = [file for file in map(sql.load, _MAY_BE_BROKEN) if file.applies(creates_users=catalog.parameters["creates_users"])]
        files = [*sql.folder("drift"), *prerequisites]
        problems = [problem for file in files for problem in problems_found(connection, catalog, file)]
    if problems:
        raise PrerequisitesNotMet(run.verb.name, problems)
