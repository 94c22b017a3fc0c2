"""A step outside a flow of Prefect's, as on the command line without a server."""

import pytest

from migration.database import Database
from migration.errors import ConnectionLost
from migration.ledger.phases import MIGRATE_DATA
from migration.ledger.runs import Run
from migration.settings import database_url
from tasks.steps import step
from tests.databases import SETTINGS


@step("lose the connection")
def lose_once(run: Run, attempts: list[str]) -> str:
    attempts.append("attempt")
    if len(attempts) == 1:
        raise ConnectionLost("The connection was lost.", "nothing.")
    return "done"


@pytest.mark.parametrize("repeats", [0, 1])
def test_a_step_is_repeated_as_often_as_its_run_says(repeats: int) -> None:
    """After a lost connection a step of a verb is repeated where Prefect does not do it; elsewhere the error is raised at once."""
    run = Run(Database(database_url("postgresql://nobody@127.0.0.1:1/shop")), SETTINGS, verb=MIGRATE_DATA, name="test", run_id="")
    run.repeats = repeats
    attempts: list[str] = []
    if repeats:
        assert "done" == lose_once(run, attempts)
    else:
        with pytest.raises(ConnectionLost):
            lose_once(run, attempts)
    assert 1 + repeats == len(attempts)
