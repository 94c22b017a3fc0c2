"""Carry back: it writes what changed since the switch into the retired table. It is the mirror of catch-up."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypedDict, cast
from uuid import UUID

from sqlalchemy import Connection, text

import sql
from migration.errors import Blocked
from migration.ledger import runs
from migration.ledger.runs import Run
from migration.plans.plan import Plan
from migration.plans.statements import Catalog, problems_found
from migration.sync.pace import Backlog, Pace

#: The blockers of the rollback that are rechecked after the last batch and under the locks.
REJECTED = tuple(f"roll_back/to_migrated/blockers/{rule}" for rule in ("refused_and_referenced", "rejected_value"))
#: The artworks that a dry run tries, in the order of their first change: what one statement has changed stays together.
_CHANGED = text(
    "SELECT x.id FROM ("
    "SELECT l.ctid AS place, UNNEST(l.ids) AS id FROM artwork_migration.clean_change AS l WHERE NOT l.carried_back"
    " UNION ALL SELECT NULL, r.id FROM artwork_migration.rejected_write AS r"
    ") AS x GROUP BY x.id ORDER BY MIN(x.place) LIMIT :most"
)
#: Each try follows every changed id first; many of them take longer than the budget, however few artworks are tried.
_FEW_KEYS = text("SELECT NOT EXISTS (SELECT FROM artwork_migration.clean_key_change OFFSET 250)")
#: The number of batches in a row that are not full, after which few enough ids are left for the locks.
SMALL_BATCHES = 3


class Rejection(TypedDict):
    """A row that the retired table did not take as a whole: its id, the columns that it rejected (none: the row), SQLSTATE and object."""

    id: str
    columns: list[str]
    sql_state: str
    object: str


@dataclass
class CarriedBack:
    """The counts of a carry-back: ids taken from the log, rows written, rows removed, rows that the retired table could not take.

    A dry run also reports each row that the retired table could not take.
    """

    logged: int = 0
    carried: int = 0
    removed: int = 0
    rejected: int = 0
    rejections: tuple[Rejection, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Return the counts by name."""
        return {"logged": self.logged, "carried": self.carried, "removed": self.removed, "rejected": self.rejected}

    @property
    def rejected_ids(self) -> dict[tuple[str, ...], list[str]]:
        """Return the ids of the rejected rows by the columns that were rejected; `id` is a whole row."""
        ids: dict[tuple[str, ...], list[str]] = {}
        for rejection in self.rejections:
            ids.setdefault(tuple(rejection["columns"]) or ("id",), []).append(rejection["id"])
        return ids

    def add(self, batch: "CarriedBack") -> None:
        """Add the counts and the rejections of a batch."""
        self.logged += batch.logged
        self.carried += batch.carried
        self.removed += batch.removed
        self.rejected += batch.rejected
        self.rejections += batch.rejections


def dry_run(run: Run, *, batches: int | None = None) -> CarriedBack:
    """Carry back what is in the log or was rejected, or `batches` of it, and take it back. Returns how much, and what was rejected.

    What the application logs from now on is not waited for. Locks rows of the retired table only, in transactions within the budget for row
    locks, unless more than 250 ids have changed. A batch with a rejection is tried once more without that limit, with everything in it and
    all rows gone that were deleted: another row may have given up the value. Changes nothing.
    """
    size = run.settings.batch_size
    with run.database.transaction("reading the log for the dry run", transaction_read_only="on") as connection:
        within_budget = connection.execute(_FEW_KEYS).scalar_one()
        ids = list(connection.execute(_CHANGED, {"most": None if batches is None else batches * size}).scalars())
    run.progress.expect(len(ids), "artworks")
    total, pace = CarriedBack(), Pace(size)
    for first in range(0, max(1, len(ids)), size):  # without ids too: that the functions work is to be known
        batch = _tried(run, pace, ids[first : first + size], within_budget=within_budget)
        if batch.rejected:
            again = partial(_batch, function="dry_run_again", argument=ids[first : first + size])
            last = run.database.write("trying a batch again", again, application_code=True)
            batch.rejected, batch.rejections = last.rejected, last.rejections
        total.add(batch)
    return total


def _tried(run: Run, pace: Pace, ids: Sequence[UUID], *, within_budget: bool) -> CarriedBack:
    """Try these ids, as many at a time as fit into the budget. Nothing is throttled: there may be no run yet, and nothing is kept."""
    total = CarriedBack(logged=len(ids))
    while True:
        size, batch = pace.write(run, "trying to carry back", partial(_try, ids), throttled=False, locks_rows=within_budget)
        total.add(batch)
        run.progress.add(len(ids[:size]))
        ids = ids[size:]
        if not ids:
            return total


def _try(ids: Sequence[UUID], _: Run, connection: Connection, size: int) -> tuple[int, CarriedBack]:
    return size, _batch(connection, "dry_run_ids", ids[:size])


def carry_back(run: Run, plan: Plan) -> CarriedBack:
    """Carry back in batches, outside the locks of the plan, until few ids are left. Returns the counts.

    Locks the fence and retired rows, so no session waits that uses the serving table. Raises Blocked if a row cannot be carried back as a
    whole and no decision accepts that.
    """
    total = _drained(run)
    # as long as one of them is taken: another row may have given up the value since
    while not run.log_is_left and (again := _try_rejected_again(run)):
        total.rejected = 0
        total.add(_drained(run))
        if total.rejected >= again:
            break
    with run.database.transaction("checking for rows that cannot be carried back") as connection:
        problems = [problem for name in REJECTED for problem in problems_found(connection, Catalog({}), sql.load(name))]
    if problems:
        state = "The clean table still serves; what was carried back stays in artworks_old."
        raise Blocked(str(plan.verb), plan.number, problems, state=state)
    return total


def carry_back_before_locks(run: Run, plan: Plan) -> None:
    """Carry back once more, and take out the owners that retired rows have got for writes through legacy_names: few are left for the locks.

    Locks and raises what `carry_back` does.
    """
    carry_back(run, plan)
    pace = Pace(run.settings.batch_size)
    while pace.write(run, "taking out owners", _fenced_owners):
        pass


def _fenced_owners(run: Run, connection: Connection, size: int) -> bool:
    """Return whether there may be more."""
    runs.enter_fence(connection, run.epoch, exclusively=True)
    return bool(connection.execute(text("SELECT artwork_migration.take_out_owners(:size) = :size"), {"size": size}).scalar_one())


def rejections(connection: Connection) -> list[Rejection]:
    """Return the writes that the other table has rejected and that are not resolved, by id."""
    query = text("SELECT r.id::text, r.columns, r.sql_state, r.object FROM artwork_migration.rejected_write AS r ORDER BY r.id")
    return [cast(Rejection, dict(row)) for row in connection.execute(query).mappings()]


def _drained(run: Run) -> CarriedBack:
    """Carry back changes of ids, and then what is in the log, until few ids are left or the log does not become shorter.

    Returns the counts.
    """
    total, small = CarriedBack(), 0
    pace = Pace(run.settings.batch_size)
    while pace.write(run, "carrying back changed ids", _fenced_keys):
        pass
    backlog = Backlog(run, lambda: _known(run))
    run.progress.expect(backlog.left, "artworks")
    while small < SMALL_BATCHES and not backlog.is_to_be_left():
        size = pace.size
        batch = pace.write(run, "carrying back", _fenced_batch)
        total.add(batch)
        run.progress.add(batch.logged)
        if not batch.logged:
            break
        small = small + 1 if batch.logged < size else 0
    return total


def _try_rejected_again(run: Run) -> int:
    """Log the rejected writes again, and return how many."""
    return run.database.write("trying rejected writes again", lambda connection: _log_rejected_again_fenced(run, connection))


def _known(run: Run) -> int:
    """Return how many artworks are known to be in the log."""
    return int(run.database.read("progress/changes_to_carry_back")[0]["known"])


def _log_rejected_again(connection: Connection) -> int:
    """Log what was rejected once more; returns the number of ids."""
    return int(connection.execute(text("SELECT artwork_migration.log_rejected_again(NULL)")).scalar_one())


def _log_rejected_again_fenced(run: Run, connection: Connection) -> int:
    runs.enter_fence(connection, run.epoch, exclusively=True)
    return _log_rejected_again(connection)


def _fenced_keys(run: Run, connection: Connection, size: int) -> int:
    runs.enter_fence(connection, run.epoch, exclusively=True)
    return int(connection.execute(text("SELECT artwork_migration.carry_back_keys(:size)"), {"size": size}).scalar_one())


def _fenced_batch(run: Run, connection: Connection, size: int) -> CarriedBack:
    runs.enter_fence(connection, run.epoch, exclusively=True)
    return _batch(connection, "carry_back_batch", size)


def _batch(connection: Connection, function: str, argument: int | Sequence[UUID]) -> CarriedBack:
    query = text(f"SELECT * FROM artwork_migration.{function}(:argument)")
    row = connection.execute(query, {"argument": argument}).mappings().one()
    return CarriedBack(**{**row, "rejections": tuple(row.get("rejections", ()))})
