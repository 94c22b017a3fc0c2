"""The steps that a verb has left after the commit that brings its phase. The ledger has them, so the next run of the verb does them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from migration.ledger import ledger
from migration.ledger.runs import Run
from migration.plans import execution
from migration.plans.plan import Statement

#: The work of a step, which returns the details for the ledger.
Work = Callable[[Run], Mapping[str, object]]


def of_statements(statements: Sequence[Statement]) -> dict[str, Work]:
    """Return the statements of stage `after` as steps, by their object."""
    return {statement.object: partial(_execute, statement) for statement in statements if statement.stage == "after"}


def _execute(statement: Statement, run: Run) -> dict[str, object]:
    execution.finish(run.database, [statement], verb=str(run.verb), patience=run.settings.lock_wait_seconds)
    return {}


def do_what_is_left(run: Run, steps: Mapping[str, Work]) -> list[str]:
    """Do those of these steps that the verb has open, in this order, and return their names. After a kill, another run does the rest."""
    with run.database.transaction("reading the steps left") as connection:
        left = ledger.steps_left(connection, run.verb.name)
    todo = [name for name in steps if name in left]
    for name in todo:
        _step(run, name, steps[name])
    return todo


def _step(run: Run, name: str, work: Work) -> None:
    run.database.write("beginning a step", lambda connection: ledger.begin_step(connection, run.epoch, name))
    with run.progress.step(name):
        details = work(run)
    run.database.write("ending a step", lambda connection: ledger.end_step(connection, run.epoch, name, **details))
