"""The two plans of roll_back. Each takes back, from the last to the first, what its counterpart did: the switch or the deployment.

The undo of a statement is stored with it. So what is undone is what was done, and not what the files say by now.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection

import sql
from migration import database
from migration.errors import PrerequisitesNotMet, Problem
from migration.ledger import ledger
from migration.ledger.phases import DEPLOY_SCHEMA, ROLL_BACK_TO_MIGRATED, ROLL_BACK_TO_NOT_STARTED, SWITCH_OVER, Phase
from migration.plans import creation, dependents, plan
from migration.plans.plan import Plan, Statement
from migration.plans.statements import (
    CAPTURE_DRIFTED,
    DRIFT,
    ROW_SECURITY,
    VIEW_GONE,
    Catalog,
    database_mark,
    owner_parameters,
    owner_table,
    problems_found,
    recheck,
    statements_of,
)
from migration.sync import carry_back
from migration.sync.carry_back import REJECTED, CarriedBack
from migration.verbs import switch_over
from sql import SqlFile

#: Blockers of the switch, and a prerequisite of the deployment, that block the rollback from the switch too.
_SHARED_BLOCKERS = ("switch_over/blockers/access_drift", "plan/prerequisites/user_key_action", *DRIFT)
#: A blocker of the switch that blocks the rollback of the deployment too.
_UNFINISHED_ROLL_BACK = "switch_over/blockers/unfinished_roll_back"


def plan_roll_back(connection: Connection, dry_run: CarriedBack | None = None) -> Plan:
    """Return the plan of roll-back --to MIGRATED. SWITCHED → SWITCHED; takes ACCESS SHARE only.

    `dry_run` is what the dry run carried back; it is a fact of the plan and no part of its number. A dependent that was dropped since the
    switch is not recreated. Raises PrerequisitesNotMet if one of our views is missing.
    """
    if missing := problems_found(connection, Catalog({}), sql.load(VIEW_GONE)):
        raise PrerequisitesNotMet(ROLL_BACK_TO_MIGRATED.name, missing)
    done = plan.executed_statements(connection, SWITCH_OVER)
    then, now = _definitions(done), _definitions(dependents.recreated(connection))
    dropped = {statement.object for statement in done if statement.undo_stage == "named"} - set(now)
    return Plan(
        verb=ROLL_BACK_TO_MIGRATED,
        database=database_mark(connection),
        phase=plan.phase_mark(connection),
        decisions=plan.decisions_in_force(connection),
        statements=plan.by_stage(_undo_switch(connection, [statement for statement in done if not _is_about(statement, dropped)])),
        blockers=(*_blockers(connection, [statement.object for statement in done], dry_run), *_changed_dependents(then, now)),
        facts={
            **database.rows(connection, "plan/roll_back_facts")[0],
            "dropped_since_the_switch": sorted(dropped),
            "dry_run": dry_run.counts if dry_run else None,
            plan.BOUND: dependents.bound(connection),
        },
    )


def _undo_switch(connection: Connection, done: list[Statement]) -> list[Statement]:
    """The switch mirrored: its fence, its locks and its rechecks again, carry-back in the place of catch-up, and then its undos."""
    undos = plan.undone(done)
    unchanged, still_unchanged = dependents.unchanged(connection)
    return [
        unchanged,
        *creation.restored("prepare", clean_table=False),
        *_step(connection, "switch_over/fence"),
        *switch_over.locks(connection),
        still_unchanged,
        recheck(sql.load(ROW_SECURITY)),
        recheck(sql.load(CAPTURE_DRIFTED)),
        *_step(connection, "roll_back/to_migrated/last_carry_back"),
        *(recheck(sql.load(name)) for name in REJECTED),
        *(undo for undo in undos if undo.stage == "locked"),
        *(replace(undo, stage="locked") for undo in undos if undo.stage == "named"),
        *_step(connection, "roll_back/to_migrated/close_steps"),
        *_step(connection, "roll_back/to_migrated/customer_moves"),
        *(undo for undo in undos if undo.stage == "after"),
    ]


def _blockers(connection: Connection, known: list[str], dry_run: CarriedBack | None) -> list[Problem]:
    files = [*sql.folder("roll_back/to_migrated/blockers"), *(sql.load(name) for name in _SHARED_BLOCKERS)]
    catalog = Catalog({"known": known, "rejections": json.dumps(dry_run.rejections if dry_run else carry_back.rejections(connection))})
    return [problem for file in files for problem in problems_found(connection, catalog, _given(file))]


def _given(file: sql.SqlFile) -> sql.SqlFile:
    """The query with what it is given: the rejections of the dry run in place of the table, or the relations of the dependents."""
    if file.header.get("given") == "rejected_write":
        return file.given({"rejected_write": sql.load("stand_ins/rejected_write").statement})
    return dependents.given(file)


def _definitions(statements: Iterable[Statement]) -> dict[str, set[str]]:
    """What is done to each object up to the commit. What follows it depends on how full a view is, or whether a key was valid."""
    found = defaultdict(set)
    for statement in statements:
        if statement.stage != "after":
            found[statement.object].add(statement.do)
    return found


def _is_about(statement: Statement, dropped: set[str]) -> bool:
    """Whether a statement recreates one of these, or validates it."""
    return statement.object.removesuffix(" validated") in dropped


def _changed_dependents(then: dict[str, set[str]], now: dict[str, set[str]]) -> list[Problem]:
    """The dependents that the rollback would recreate as they were at the switch, although they differ by now."""
    return [
        Problem(
            "changed_dependent",
            dependent,
            "it was altered after the switch, and the rollback would restore the old definition.",
            "Drop it before the rollback and create it anew after it, or restore its old definition yourself.",
        )
        for dependent in now
        if dependent in then and then[dependent] != now[dependent]
    ]


def plan_uninstall(connection: Connection) -> Plan:
    """Return the plan of roll-back --to NOT_STARTED. Takes ACCESS SHARE only.

    In phase NOT_STARTED it holds what an earlier rollback left to do after its lock.
    """
    in_place = ledger.phase(connection).phase is not Phase.NOT_STARTED
    undos = plan.undone(plan.executed_statements(connection, DEPLOY_SCHEMA))
    files = _uninstall_blockers(connection) if in_place else []
    return Plan(
        verb=ROLL_BACK_TO_NOT_STARTED,
        database=database_mark(connection),
        phase=plan.phase_mark(connection),
        decisions=plan.decisions_in_force(connection),
        statements=(
            *(_undo_deployment(connection, [recheck(file) for file in (sql.load(ROW_SECURITY), *files)], undos) if in_place else ()),
            *_remove_the_rest(connection, undos),
        ),
        blockers=tuple(problem for file in files for problem in problems_found(connection, Catalog({}), file)),
        facts=database.rows(connection, "roll_back/to_not_started/facts")[0] if in_place else {},
    )


def _uninstall_blockers(connection: Connection) -> list[SqlFile]:
    creates_users = owner_table(connection).creates_users
    files = [*sql.folder("roll_back/to_not_started/blockers"), sql.load(_UNFINISHED_ROLL_BACK)]
    return [file for file in files if file.applies(creates_users=creates_users)]


def _undo_deployment(connection: Connection, rechecks: list[Statement], undos: list[Statement]) -> list[Statement]:
    """The deployment mirrored: the locks, the rechecks, the values that only the clean side holds, and then its undos."""
    values = sql.load("roll_back/to_not_started/clean_only_values")
    keep = f"CREATE TABLE artwork_migration.clean_only_value AS\n{values.statement}"
    return [
        *_step(connection, "roll_back/to_not_started/locks"),
        *rechecks,
        Statement("locked", "values of the clean side alone", keep, None, ""),
        *(undo for undo in undos if undo.stage == "locked"),
    ]


def _remove_the_rest(connection: Connection, undos: list[Statement]) -> list[Statement]:
    """What follows the commit: users that the deployment created and nobody needs, what needs time, and the ledger last."""
    ours = any(undo.object == "public.users" for undo in undos)
    users = Catalog({**owner_parameters(connection), "users_are_ours": ours, "gone": "public.artworks_v2"})
    return [
        *statements_of(connection, users, sql.load("roll_back/to_not_started/created_users")),
        *(undo for undo in undos if undo.stage == "after"),
        Statement("after", "schema artwork_migration", sql.load_undo("ledger/create").statement, None, ""),
    ]


def _step(connection: Connection, name: str) -> list[Statement]:
    return statements_of(connection, Catalog({}), sql.load(name))
