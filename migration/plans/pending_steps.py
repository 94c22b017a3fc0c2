"""What a verb has still to do after the commit that brought its phase: steps in the ledger, each by itself, by whichever run comes."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from migration.ledger import ledger
from migration.ledger.runs import Run
from migration.plans import execution
from migration.plans.plan import Statement

#: Does a step and returns what it found.
Work = Callable[[Run], Mapping[str, object]]


def of_statements(rows: Sequence[dict[str, Any]]) -> dict[str, Work]:
    """The statements of stage `after` among those of a plan that is kept, as steps by their object."""
    statements = [Statement(**row) for row in rows if row["stage"] == "after"]
    return {statement.object: partial(_execute, statement) for statement in statements}


def _execute(statement: Statement, run: Run) -> dict[str, object]:
    execution.finish(run.database, [statement], verb=str(run.verb), patience=run.settings.lock_wait_seconds)
    return {}


def do_what_is_left(run: Run, steps: Mapping[str, Work]) -> list[str]:
    """Do those of these steps that stand open for this verb, in their order, and return them. Killed in between, another run does the
    rest."""
    with run.database.transaction("looking for steps") as connection:
        left = ledger.steps_left(connection, run.verb.name)
    todo = [name for name in steps if name in left]
    for name in todo:
        _step(run, name, steps[name])
    return todo


def _step(run: Run, name: str, work: Work) -> None:
    run.database.write("beginning a step", lambda connection: ledger.begin_step(connection, run.epoch, name))
    found = work(run)
    run.database.write("ending a step", lambda connection: ledger.end_step(connection, run.epoch, name, **found))
