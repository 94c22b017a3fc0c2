"""Noticing a lapse of the capture, or a legacy table that has drifted, before anything is built on it."""

import sql
from migration.errors import PrerequisitesNotMet
from migration.ledger.runs import Run
from migration.plans.statements import Catalog, problems_found

#: A question of the deployment whose answer may have changed: whether users can be created by e-mail.
_USERS_CONTRACT = "plan/prerequisites/users_contract"


def require_capture(run: Run) -> None:
    """Refuse unless everything that capture and write-through rest on is what deploy_schema left, or was accepted.

    Triggers and functions of ours, columns and keys of the legacy table, foreign keys to it, the key of users. Takes ACCESS SHARE only.
    Raises PrerequisitesNotMet.
    """
    with run.database.transaction("looking at the capture") as connection:
        files = [*sql.folder("drift"), sql.load(_USERS_CONTRACT)]
        found = [obstacle for file in files for obstacle in problems_found(connection, Catalog({}), file)]
    if found:
        raise PrerequisitesNotMet(run.verb.name, found)
