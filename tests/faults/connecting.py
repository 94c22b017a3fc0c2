"""What deploy_schema does when it is started at an address, up to its plan."""

import traceback

import pytest

from migration.database import Database
from migration.errors import MigrationError, PrerequisitesNotMet, Problem
from migration.ledger import runs
from migration.ledger.phases import DEPLOY_SCHEMA
from migration.plans.plan import Plan
from migration.settings import database_url
from migration.verbs import deploy_schema
from tests.databases import SETTINGS

PASSWORD = "pa55word-of-nobody"  # noqa: S105 (a canary: it must appear nowhere)


def start(url: str) -> Plan:
    """What deploy_schema does up to its plan, the lock and the questions included."""
    database = Database(database_url(url), name="test")
    try:
        with (
            runs.exclusive(database, SETTINGS, verb=DEPLOY_SCHEMA, name="test-run", run_id=""),
            database.transaction("planning", isolation="REPEATABLE READ", transaction_read_only="on") as connection,
        ):
            return deploy_schema.plan_deploy_schema(connection)
    finally:
        database.dispose()


def refusal(url: str) -> tuple[Problem, ...]:
    """The obstacles that deploy_schema is refused with."""
    with pytest.raises(PrerequisitesNotMet) as caught:
        start(url)
    tells_no_secret(caught.value)
    assert len(caught.value.problems) == str(caught.value).count("\n- ")
    return caught.value.problems


def tells_no_secret(error: MigrationError) -> None:
    """Neither the message nor what Python would print of the error holds a password or the driver's own error."""
    printed = "".join(traceback.format_exception(error))
    assert PASSWORD not in printed
    assert "psycopg.errors" not in printed
    assert "sqlalchemy.exc" not in printed
