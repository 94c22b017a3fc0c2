"""The way back from the switch: what was written since is carried into the retired table, then the names change hands again."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, text

import sql
from migration import database, deployment, ledger, plan, runs
from migration.errors import Blocked, Obstacle, ObstaclesFound
from migration.plan import Plan, Statement
from migration.runs import Run

_BLOCKERS = "back/blockers"
#: Questions of the switch, and of the deployment, that are asked again.
_ASKED_AGAIN = ("switch/blockers/21_access_drift", "plan/obstacles/16_user_key_action")
_REFUSED_AND_REFERENCED = f"{_BLOCKERS}/10_refused_and_referenced"
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


def plan_way_back(connection: Connection, rehearsed: CarriedBack | None = None) -> Plan:
    """The plan of roll_back(to=MIGRATED): the switch's own undo statements, backwards. SWITCHED → SWITCHED; takes ACCESS SHARE only.

    `rehearsed` is what a rehearsal has carried back; it is told beside the plan and is no part of its number. Raises ObstaclesFound where a
    view of ours is gone.
    """
    _refuse_without_views(connection)
    switched = ledger.switched_statements(connection)
    said, now = _words(switched), _words(_said_again(connection))
    gone = {row["object"] for row in switched if row["undo_stage"] == "named"} - set(now)
    return Plan(
        verb="roll_back(to=MIGRATED)",
        database=deployment.database_mark(connection),
        phase=plan.phase_mark(connection),
        decisions=plan.decisions_in_force(connection),
        statements=tuple(_statements(connection, [row for row in switched if not _is_of(row, gone)])),
        blockers=(*_blockers(connection, [row["object"] for row in switched]), *_changed_since(said, now)),
        facts={
            **database.rows(connection, "plan/way_back_facts")[0],
            "dropped_since_and_stays_so": sorted(gone),
            "rehearsed": asdict(rehearsed) if rehearsed else None,
        },
    )


def _refuse_without_views(connection: Connection) -> None:
    if found := deployment.obstacles_of(connection, deployment.Catalog({}), sql.load(deployment.VIEW_GONE)):
        raise ObstaclesFound("roll_back(to=MIGRATED)", found)


def _statements(connection: Connection, switched: list[dict[str, str]]) -> list[Statement]:
    fence, last, steps = sql.load("switch/10_fence"), sql.load("back/30_last_carry_back"), sql.load("back/80_steps_left")
    undos = plan.undone(switched)
    return [
        Statement("prepare", fence.rule, fence.statement, None, fence.header["locks"]),
        *deployment.rows_as(connection, "locked", "switch/20_locks.rows"),
        deployment.still_the_same(connection, sql.load(deployment.WHAT_HANGS_ON_ARTWORKS)),
        deployment.still_clear(sql.load(deployment.CAPTURE_LAPSED)),
        Statement("locked", last.rule, last.statement, None, last.header["locks"]),
        deployment.still_clear(sql.load(_REFUSED_AND_REFERENCED)),
        *(undo for undo in undos if undo.stage == "locked"),
        # said again once the names are the old ones
        *(Statement("locked", undo.object, undo.do, None, "") for undo in undos if undo.stage == "named"),
        Statement("locked", steps.rule, steps.statement, None, steps.header["locks"]),
        *(undo for undo in undos if undo.stage == "after"),
    ]


def _blockers(connection: Connection, known: list[str]) -> list[Obstacle]:
    asked = deployment.Catalog({"known": known})
    files = [*sql.folder(_BLOCKERS), *(sql.load(name) for name in (*_ASKED_AGAIN, *deployment.LAPSES))]
    return [obstacle for file in files for obstacle in deployment.obstacles_of(connection, asked, file)]


def _said_again(connection: Connection) -> list[dict[str, Any]]:
    """What another switch would do to what hangs on the serving table."""
    return [{"stage": file.header["stage"], **row} for file in sql.folder("dependents") for row in database.rows(connection, file.name)]


def _words(rows: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """What is done to each object up to the commit; what follows it goes by how full a view is, or whether a key was checked before."""
    sorted_rows = sorted((row for row in rows if row["stage"] != "after"), key=itemgetter("object"))
    return {name: {row["do"] for row in group} for name, group in itertools.groupby(sorted_rows, key=itemgetter("object"))}


def _is_of(row: dict[str, str], gone: set[str]) -> bool:
    """Whether a statement is about one of these, or validates it."""
    return row["object"].removesuffix(" validated") in gone


def _changed_since(said: dict[str, set[str]], now: dict[str, set[str]]) -> list[Obstacle]:
    """What would get back the words that it had at the switch, and has others by now."""
    return [
        Obstacle(
            "dependent_has_changed",
            one,
            "it was changed after the switch, and the way back would say it again as it was.",
            "Drop it before the way back and create it anew after it, or give it back the words that it had.",
        )
        for one in now
        if said.get(one, now[one]) != now[one]
    ]


def rehearse(run: Run, *, batches: int | None = None) -> CarriedBack:
    """Carry back all there is, or so many batches of it, and take each batch back at once: how much, and what could not be taken.

    Locks retired rows alone, those of one batch at a time; nothing of it stays.
    """
    return run.database.write("rehearsing the way back", lambda connection: _rehearse(connection, run.settings.batch_size, batches))


def _rehearse(connection: Connection, batch_size: int, batches: int | None) -> CarriedBack:
    total, refused = CarriedBack(), []
    for _ in itertools.count() if batches is None else range(batches):
        batch = _batch(connection, "rehearse_batch", batch_size)
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
        found = deployment.obstacles_of(connection, deployment.Catalog({}), sql.load(_REFUSED_AND_REFERENCED))
    if found:
        raise Blocked(made.verb, made.number, found)
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
