"""Carry back: it writes what changed since the switch into the retired table. It is the mirror of catch-up."""

import itertools
from dataclasses import dataclass

from sqlalchemy import Connection, text

import sql
from migration.errors import Blocked
from migration.ledger import runs
from migration.ledger.runs import Run
from migration.plans.plan import Plan
from migration.plans.statements import Catalog, problems_found

#: A blocker of the rollback that is rechecked after the last batch and under the locks.
REFUSED_AND_REFERENCED = "roll_back/to_migrated/blockers/refused_and_referenced"
#: The number of batches in a row that are not full, after which few enough ids are left for the locks.
SMALL_BATCHES = 3
#: Ids that a dry run reports.
IDS_SHOWN = 20


@dataclass
class CarriedBack:
    """The counts of a carry-back: ids taken from the log, rows written, rows removed, rows that the retired table could not take.

    A dry run also reports the first ids of the rows that the retired table could not take.
    """

    logged: int = 0
    carried: int = 0
    removed: int = 0
    rejected: int = 0
    rejected_ids: tuple[str, ...] = ()

    def add(self, batch: "CarriedBack") -> None:
        """Add the counts of a batch, and keep the first of the ids."""
        self.logged += batch.logged
        self.carried += batch.carried
        self.removed += batch.removed
        self.rejected += batch.rejected
        self.rejected_ids = tuple(sorted((*self.rejected_ids, *batch.rejected_ids))[:IDS_SHOWN])


def dry_run(run: Run, *, batches: int | None = None) -> CarriedBack:
    """Carry back everything, or `batches` of it, and roll each batch back at once. Returns how much, and what could not be carried.

    Locks rows of the retired table only, one batch at a time. Changes nothing.
    """
    return run.database.write(
        "dry run of the rollback", lambda connection: _dry_run(connection, run.settings.batch_size, batches), application_code=True
    )


def _dry_run(connection: Connection, batch_size: int, batches: int | None) -> CarriedBack:
    total = CarriedBack()
    for _ in itertools.count() if batches is None else range(batches):
        batch = _batch(connection, "dry_run_batch", batch_size)
        total.add(batch)
        if not batch.logged:
            break
    connection.rollback()
    return total


def carry_back(run: Run, plan: Plan) -> CarriedBack:
    """Carry back in batches, outside the locks of the plan, until few ids are left. Returns the counts.

    Locks the fence and retired rows, so no session waits that uses the serving table. Raises Blocked if a referenced row cannot be carried
    back.
    """
    total, small = CarriedBack(), 0
    while small < SMALL_BATCHES:
        batch = run.database.write("carrying back", lambda connection: _fenced_batch(run, connection), application_code=True)
        total.add(batch)
        if not batch.logged:
            break
        small = small + 1 if batch.logged < run.settings.batch_size else 0
    with run.database.transaction("checking for rows that cannot be carried back") as connection:
        problems = problems_found(connection, Catalog({}), sql.load(REFUSED_AND_REFERENCED))
    if problems:
        state = "The clean table still serves; what was carried back stays in artworks_old."
        raise Blocked(str(plan.verb), plan.number, problems, state=state)
    return total


def _fenced_batch(run: Run, connection: Connection) -> CarriedBack:
    runs.enter_fence(connection, run.epoch, exclusively=True)
    return _batch(connection, "carry_back_batch", run.settings.batch_size)


def _batch(connection: Connection, function: str, batch_size: int) -> CarriedBack:
    query = text(f"SELECT * FROM artwork_migration.{function}(:batch_size)")
    row = connection.execute(query, {"batch_size": batch_size}).mappings().one()
    return CarriedBack(**{**row, "rejected_ids": tuple(map(str, row.get("rejected_ids", ())))})
