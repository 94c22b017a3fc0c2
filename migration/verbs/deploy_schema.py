"""The plan of deploy_schema: read from the catalog and from ``sql/``, nothing is changed here."""

import dataclasses
import json
from functools import partial
from typing import Any

from sqlalchemy import Connection

import sql
from migration.errors import Problem
from migration.ledger.phases import DEPLOY_SCHEMA
from migration.plans import dependents, estimates, plan
from migration.plans.plan import Plan
from migration.plans.statements import Catalog, database_mark, problems_found, require_prerequisites, statements_of

#: Those blockers of the plan that read rows of the application; the others ask the catalog, however long it takes.
_LOOK_AT_ROWS = ("referenced_row",)


def plan_deployment(connection: Connection) -> Plan:
    """The plan of deploy_schema for this database. Raises PrerequisitesNotMet. NOT_STARTED → NOT_STARTED; takes ACCESS SHARE only."""
    known = require_prerequisites(connection, "deploy_schema")
    statements = [statement for file in sql.folder("deploy_schema") for statement in statements_of(connection, known, file)]
    facts = _facts(connection, known)
    return Plan(
        verb=DEPLOY_SCHEMA,
        database=database_mark(connection),
        phase=plan.phase_mark(connection),
        decisions=plan.decisions_in_force(connection),
        statements=plan.by_stage(statements),
        blockers=_blockers(connection, known, facts),
        facts=facts,
    )


def _facts(connection: Connection, known: Catalog) -> dict[str, Any]:
    """What the reader of the plan is told."""
    return {
        **estimates.facts(connection, known),
        "statuses_legacy_takes": json.loads(known.parameters["accepted"]),
        # what it deparses waits for whoever has locked a table that the words name
        dependents.FACT: estimates.within_bound(connection, lambda: _dependents(connection, known)),
    }


def _dependents(connection: Connection, known: Catalog) -> list[dict[str, str]]:
    return dependents.facts(dependents.read(connection, known, column_gone=sql.load("stand_ins/column_gone").statement))


def _blockers(connection: Connection, known: Catalog, facts: dict[str, Any]) -> tuple[Problem, ...]:
    """What must be mended first. Only a look at rows has a bound; one not had in that time is told in `facts`, and a gate looks again."""
    asked = dataclasses.replace(known, parameters={**known.parameters, **estimates.exposure_counts(facts["exposure"])})
    found: list[Problem] = []
    for file in sql.folder("plan/blockers"):
        look = partial(problems_found, connection, asked, estimates.before_deployment(connection, asked, file))
        rows = estimates.within_bound(connection, look) if file.rule in _LOOK_AT_ROWS else look()
        if rows is None:
            facts.setdefault("not_looked", []).append(file.rule)
        found += rows or []
    return tuple(found)
