"""Carry back: what was written since the switch goes into the retired table, the mirror of catch-up."""

import itertools
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

import sql
from migration.errors import Blocked
from migration.ledger import runs
from migration.ledger.runs import Run
from migration.plans.plan import Plan
from migration.plans.statements import Catalog, problems_found

#: A blocker of the roll back that is asked again after the last batch and under the lock.
REFUSED_AND_REFERENCED = "roll_back/to_migrated/blockers/10_refused_and_referenced"
#: Batches with less than they could take, one after the other, after which a handful is left for the lock.
SMALL_BATCHES = 3
#: Ids that a rehearsal names.
NAMED = 20


@dataclass
class CarriedBack:
    """What was carried back: ids taken from the log, rows written, rows removed, rows that the retired table could not take.

    A rehearsal also tells the first ids of those it could not take.
    """

    logged: int = 0
    carried: int = 0
    removed: int = 0
    refused: int = 0
    refused_ids: tuple[str, ...] = ()


def rehearse(run: Run, *, batches: int | None = None) -> CarriedBack:
    """Carry back all there is, or so many batches of it, and take each batch back at once: how much, and what could not be taken.

    Locks retired rows alone, those of one batch at a time; nothing of it stays.
    """
    return run.database.write("rehearsing the way back", lambda connection: _rehearse(connection, run.settings.batch_size, batches))


def _rehearse(connection: Connection, batch_size: int, batches: int | None) -> CarriedBack:
    total, refused = CarriedBack(), []
    for _ in itertools.count() if batches is None else range(batches):
        batch = _batch(connection, "dry_run_batch", batch_size)
        refused += batch.pop("refused_ids")
        if not _add(total, batch):
            break
    total.refused_ids = tuple(sorted(map(str, refused))[:NAMED])
    connection.rollback()
    return total


def carry_back(run: Run, made: Plan) -> CarriedBack:
    """Carry back in batches outside the lock, until a handful is left. Raises Blocked if a referenced row cannot be carried back.

    Locks the fence and retired rows; nobody who works with the serving table waits.
    """
    total, small = CarriedBack(), 0
    while small < SMALL_BATCHES:
        batch = run.database.write("carrying back", lambda connection: _fenced_batch(run, connection))
        small = small + 1 if batch["logged"] < run.settings.batch_size else 0
        if not _add(total, batch):
            break
    with run.database.transaction("looking for what cannot be carried back") as connection:
        found = problems_found(connection, Catalog({}), sql.load(REFUSED_AND_REFERENCED))
    if found:
        raise Blocked(str(made.verb), made.number, found)
    return total


def _fenced_batch(run: Run, connection: Connection) -> dict[str, Any]:
    runs.enter_fence(connection, run.epoch, exclusively=True)
    return _batch(connection, "carry_back_batch", run.settings.batch_size)


def _batch(connection: Connection, function: str, batch_size: int) -> dict[str, Any]:
    question = text(f"SELECT * FROM artwork_migration.{function}(:batch_size)")
    return dict(connection.execute(question, {"batch_size": batch_size}).mappings().one())


def _add(total: CarriedBack, batch: dict[str, int]) -> bool:
    """Add a batch to the total; whether there was anything in it."""
    for name, amount in batch.items():
        setattr(total, name, getattr(total, name) + amount)
    return batch["logged"] > 0
