"""The plan of deploy_schema, made from the catalog and from ``sql/``. Making it changes nothing."""

import dataclasses
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection

import sql
from migration.errors import Problem
from migration.ledger.phases import DEPLOY_SCHEMA
from migration.plans import creation, dependents, estimates, plan, trial, users
from migration.plans.plan import Plan, Statement
from migration.plans.statements import Catalog, database_mark, problems_found, require_prerequisites, statements_of

#: The blockers that read rows of the application, and so have a time limit. The others read the catalog and have none.
_READ_ROWS = (
    "orphan_reference",
    "referenced_row",
    "referenced_test_data",
    "referenced_quarantined",
    "quarantined",
    "user_refused",
    "left_behind",
    "nothing_to_migrate",
)
#: A blocker that the trial would find again.
_REQUIRED = "required_column"


def plan_deploy_schema(connection: Connection) -> Plan:
    """Return the plan of deploy_schema for this database. NOT_STARTED → NOT_STARTED; takes ACCESS SHARE only.

    Raises PrerequisitesNotMet.
    """
    catalog = require_prerequisites(connection, DEPLOY_SCHEMA.name)
    statements = _statements(connection, catalog)
    facts = _facts(connection, catalog)
    return Plan(
        verb=DEPLOY_SCHEMA,
        database=database_mark(connection),
        phase=plan.phase_mark(connection),
        decisions=plan.decisions_in_force(connection),
        statements=statements,
        blockers=_tried(connection, statements, _blockers(connection, catalog, facts), facts),
        facts=facts,
    )


def _statements(connection: Connection, catalog: Catalog) -> tuple[Statement, ...]:
    """Return the statements of the files, stage by stage. At the end of each stage what was created is restored as it was meant."""
    statements: list[Statement] = []
    for file in sql.folder("deploy_schema"):
        if not file.applies(creates_users=catalog.parameters["creates_users"]):
            continue
        if file.rule == "baseline":
            statements += creation.as_meant()
        statements += statements_of(connection, catalog, file)
    return plan.by_stage([*statements, *creation.restored("prepare", clean_table=True)])


def _tried(
    connection: Connection, statements: Sequence[Statement], found: tuple[Problem, ...], facts: dict[str, Any]
) -> tuple[Problem, ...]:
    """Return the blockers with those of a trial, which would only repeat a required column. Why it was not made is added to `facts`."""
    if any(blocker.rule == _REQUIRED for blocker in found):
        return found
    try:
        return (*found, *trial.rejections(connection, statements))
    except trial.NotTried as reason:
        facts["not_tried"] = str(reason)
        return found


def _facts(connection: Connection, catalog: Catalog) -> dict[str, Any]:
    return {
        **estimates.facts(connection, catalog),
        "statuses_legacy_takes": json.loads(catalog.parameters["accepted"]),
        # within a time limit, because reading a definition waits for the locks on every table that it names
        dependents.FACT: estimates.within_bound(connection, lambda: _dependents(connection, catalog)),
    }


def _dependents(connection: Connection, catalog: Catalog) -> list[dependents.DependentFact]:
    return dependents.facts(dependents.read(connection, catalog, column_gone=sql.load("stand_ins/column_gone").statement))


def _blockers(connection: Connection, catalog: Catalog, facts: dict[str, Any]) -> tuple[Problem, ...]:
    """Return the blockers. One that could not be checked within the time limit is added to `facts`; a gate checks it later."""
    counts = {
        **users.parameters(facts["users_access"]),
        **estimates.exposure_counts(facts["exposure"]),
        "users_to_create": facts["users_to_create"],
        "users_tried": json.dumps(facts["users_tried"]),
        "users_refused": json.dumps(facts["users_refused"] or []),
    }
    counted = dataclasses.replace(catalog, parameters={**catalog.parameters, **counts})
    blockers: list[Problem] = []
    for file in sql.folder("plan/blockers"):
        if not file.applies(creates_users=catalog.parameters["creates_users"]):
            continue
        check = partial(problems_found, connection, counted, estimates.before_deployment(connection, counted, file))
        problems = estimates.within_bound(connection, check) if file.rule in _READ_ROWS else check()
        if problems is None:
            facts.setdefault("not_checked", []).append(file.rule)
        blockers += problems or []
    return tuple(blockers)
