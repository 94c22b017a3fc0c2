"""The two plans of roll_back: the undo statements of the switch, or of the deployment, backwards."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection

import sql
from migration import database
from migration.errors import PrerequisitesNotMet, Problem
from migration.ledger import ledger
from migration.ledger.phases import DEPLOY_SCHEMA, ROLL_BACK_TO_MIGRATED, ROLL_BACK_TO_NOT_STARTED, SWITCH_OVER, Phase
from migration.plans import plan
from migration.plans.plan import Plan, Statement
from migration.plans.statements import (
    CAPTURE_DRIFTED,
    DEPENDENTS,
    DRIFT,
    VIEW_GONE,
    Catalog,
    database_mark,
    problems_found,
    statements_of,
    still_clear,
    still_the_same,
)
from migration.sync.carry_back import REFUSED_AND_REFERENCED, CarriedBack

_BLOCKERS = "roll_back/to_migrated/blockers"
#: Questions of the switch, and of the deployment, that are asked again.
_ASKED_AGAIN = ("switch_over/blockers/21_access_drift", "plan/prerequisites/16_user_key_action")


def plan_roll_back(connection: Connection, rehearsed: CarriedBack | None = None) -> Plan:
    """The plan of roll_back(to=MIGRATED): the switch's own undo statements, backwards. SWITCHED → SWITCHED; takes ACCESS SHARE only.

    `rehearsed` is what a rehearsal has carried back; it is told beside the plan and is no part of its number. Raises
    PrerequisitesNotMet where a view of ours is gone.
    """
    _refuse_without_views(connection)
    switched = plan.executed_statements(connection, SWITCH_OVER)
    said, now = _words([asdict(statement) for statement in switched]), _words(_said_again(connection))
    gone = {statement.object for statement in switched if statement.undo_stage == "named"} - set(now)
    return Plan(
        verb=ROLL_BACK_TO_MIGRATED,
        database=database_mark(connection),
        phase=plan.phase_mark(connection),
        decisions=plan.decisions_in_force(connection),
        statements=tuple(_statements(connection, [statement for statement in switched if not _is_of(statement, gone)])),
        blockers=(*_blockers(connection, [statement.object for statement in switched]), *_changed_since(said, now)),
        facts={
            **database.rows(connection, "plan/roll_back_facts")[0],
            "dropped_since_and_stays_so": sorted(gone),
            "rehearsed": asdict(rehearsed) if rehearsed else None,
        },
    )


def _refuse_without_views(connection: Connection) -> None:
    if found := problems_found(connection, Catalog({}), sql.load(VIEW_GONE)):
        raise PrerequisitesNotMet(str(ROLL_BACK_TO_MIGRATED), found)


def _statements(connection: Connection, switched: list[Statement]) -> list[Statement]:
    fence, last, steps = (
        sql.load("switch_over/10_fence"),
        sql.load("roll_back/to_migrated/30_last_carry_back"),
        sql.load("roll_back/to_migrated/80_steps_left"),
    )
    undos = plan.undone(switched)
    return [
        Statement("prepare", fence.rule, fence.statement, None, fence.header["locks"]),
        *statements_of(connection, Catalog({}), sql.load("switch_over/locks")),
        still_the_same(connection, sql.load(DEPENDENTS)),
        still_clear(sql.load(CAPTURE_DRIFTED)),
        Statement("locked", last.rule, last.statement, None, last.header["locks"]),
        still_clear(sql.load(REFUSED_AND_REFERENCED)),
        *(undo for undo in undos if undo.stage == "locked"),
        # said again once the names are the old ones
        *(Statement("locked", undo.object, undo.do, None, "") for undo in undos if undo.stage == "named"),
        Statement("locked", steps.rule, steps.statement, None, steps.header["locks"]),
        *(undo for undo in undos if undo.stage == "after"),
    ]


def _blockers(connection: Connection, known: list[str]) -> list[Problem]:
    asked = Catalog({"known": known})
    files = [*sql.folder(_BLOCKERS), *(sql.load(name) for name in (*_ASKED_AGAIN, *DRIFT))]
    return [obstacle for file in files for obstacle in problems_found(connection, asked, file)]


def _said_again(connection: Connection) -> list[dict[str, Any]]:
    """What another switch would do to what hangs on the serving table."""
    return [{"stage": file.header["stage"], **row} for file in sql.folder("dependents") for row in database.rows(connection, file.name)]


def _words(rows: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """What is done to each object up to the commit; what follows it goes by how full a view is, or whether a key was checked before."""
    sorted_rows = sorted((row for row in rows if row["stage"] != "after"), key=itemgetter("object"))
    return {name: {row["do"] for row in group} for name, group in itertools.groupby(sorted_rows, key=itemgetter("object"))}


def _is_of(statement: Statement, gone: set[str]) -> bool:
    """Whether a statement is about one of these, or validates it."""
    return statement.object.removesuffix(" validated") in gone


def _changed_since(said: dict[str, set[str]], now: dict[str, set[str]]) -> list[Problem]:
    """What would get back the words that it had at the switch, and has others by now."""
    return [
        Problem(
            "dependent_has_changed",
            one,
            "it was changed after the switch, and the way back would say it again as it was.",
            "Drop it before the way back and create it anew after it, or give it back the words that it had.",
        )
        for one in now
        if said.get(one, now[one]) != now[one]
    ]


#: A question of the switch that the withdrawal asks as well.
_UNFINISHED_ROLL_BACK = "switch_over/blockers/24_unfinished_roll_back"


def plan_uninstall(connection: Connection) -> Plan:
    """The plan of roll_back(to=NOT_STARTED): the deployment's own undo statements, backwards. Takes ACCESS SHARE only.

    In phase NOT_STARTED it holds what an earlier roll-back had still to do after its lock.
    """
    row = ledger.phase(connection)
    undos = plan.undone(plan.executed_statements(connection, DEPLOY_SCHEMA))
    in_place = row.phase is not Phase.NOT_STARTED
    users_are_ours = any(undo.object == "public.users" for undo in undos)
    blockers = [*sql.folder("roll_back/to_not_started/blockers"), sql.load(_UNFINISHED_ROLL_BACK)] if in_place else []
    locked = []
    if in_place:
        locked = [
            *statements_of(connection, Catalog({}), sql.load("roll_back/to_not_started/locks")),
            *(still_clear(file) for file in blockers),
            Statement("locked", "values of the clean side alone", _kept("roll_back/to_not_started/clean_only_values"), None, ""),
            *(undo for undo in undos if undo.stage == "locked"),
        ]
    after = [
        *statements_of(
            connection,
            Catalog({"users_are_ours": users_are_ours, "gone": "public.artworks_v2"}),
            sql.load("roll_back/to_not_started/created_users"),
        ),
        *(undo for undo in undos if undo.stage == "after"),
        Statement("after", "schema artwork_migration", sql.load_undo("ledger/create").statement, None, ""),
    ]
    return Plan(
        verb=ROLL_BACK_TO_NOT_STARTED,
        database=database_mark(connection),
        phase=plan.phase_mark(connection),
        decisions=plan.decisions_in_force(connection),
        statements=(*locked, *after),
        blockers=tuple(
            Problem(file.rule, found["subject"], found["problem"], file.header["remedy"])
            for file in blockers
            for found in database.rows(connection, file.name)
        ),
        facts=database.rows(connection, "roll_back/to_not_started/facts")[0] if in_place else {},
    )


def _kept(name: str) -> str:
    return f"CREATE TABLE artwork_migration.clean_only_value AS\n{sql.load(name).statement}"
