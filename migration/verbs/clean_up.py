"""The clean-up: it drops the retired table and every object of this tool except the ledger. No rollback is possible after it."""

from datetime import UTC, timedelta
from typing import Any

from sqlalchemy import Connection

import sql
from migration import database
from migration.checks import readiness
from migration.errors import Problem
from migration.ledger import ledger, safety_window
from migration.ledger.decisions import DecisionName
from migration.ledger.phases import CLEAN_UP
from migration.ledger.runs import Run
from migration.ledger.safety_window import SAFETY_DAYS, SafetyWindow
from migration.plans import dependents, pending_steps, plan
from migration.plans.pending_steps import Work
from migration.plans.plan import Plan, Statement
from migration.plans.statements import (
    REJECTED_WRITE,
    ROW_SECURITY,
    Catalog,
    database_mark,
    owner_parameters,
    problems_found,
    recheck,
    statements_of,
)

#: The first step after the commit: the logs are exported to a file before they are dropped.
EXPORT = "export of the ledger"

_DEPENDENT = "clean_up/blockers/dependent"
#: The blocker of that name under the locks.
_ONLY_RETIRED = "plan/only_retired"
#: What the migration leaves in tables that stay, by the decision that removes it.
_LEFTOVERS = {
    DecisionName.REMOVE_TEST_DATA: "clean_up/leftovers/test_data",
    DecisionName.REMOVE_OWNERLESS_USERS: "roll_back/to_not_started/created_users",
}


def plan_clean_up(connection: Connection) -> Plan:
    """Return the plan of clean_up for this database. SWITCHED → SWITCHED; takes ACCESS SHARE only.

    It can be made on each day of the safety window; until the window is over, that is one of its blockers.
    """
    return Plan(
        verb=CLEAN_UP,
        database=database_mark(connection),
        phase=plan.phase_mark(connection),
        decisions=plan.decisions_in_force(connection),
        statements=tuple(_statements(connection)),
        blockers=(*_not_yet(connection), *_blockers(connection)),
        facts={
            **database.rows(connection, "plan/clean_up_facts")[0],
            **_counts(connection),
            readiness.FACT: readiness.readiness(connection, CLEAN_UP),
        },
    )


def _statements(connection: Connection) -> list[Statement]:
    """Return the files in their order. The blockers are rechecked after the locks; the leftovers are removed before the functions."""
    catalog = Catalog({"ledger_tables": list(ledger.TABLES)})
    statements: list[Statement] = []
    for file in sql.folder("clean_up"):
        if file.rule == "functions":
            statements += _remove_leftovers(connection)
        statements += statements_of(connection, catalog, dependents.given(file))
        if file.rule == "locks":
            statements += [recheck(sql.load(name)) for name in (ROW_SECURITY, _DEPENDENT, _ONLY_RETIRED, REJECTED_WRITE)]
    return statements


def _remove_leftovers(connection: Connection) -> list[Statement]:
    decided = [file for name, file in _LEFTOVERS.items() if ledger.decision_value(connection, name, "no") == "yes"]
    catalog = _left(connection)
    return [statement for file in decided for statement in statements_of(connection, catalog, sql.load(file))]


def _left(connection: Connection) -> Catalog:
    """Return the parameters of the files about what is left over."""
    return Catalog({**owner_parameters(connection), "users_are_ours": False, "gone": "public.artworks_old"})


def _counts(connection: Connection) -> dict[str, Any]:
    """Return how many rows each decision would remove, and the first of their ids."""
    catalog = _left(connection)
    queries = {name: row.question or "" for name, file in _LEFTOVERS.items() for row in catalog.statements(connection, sql.load(file))}
    return {f"{name}_would_remove": dict(database.run_literally(connection, query).mappings().one()) for name, query in queries.items()}


def _not_yet(connection: Connection) -> list[Problem]:
    """Return the blockers that end with time, with a verification and with the decision to keep no archive."""
    window = safety_window.read(connection)
    blockers = [*_window_open(window), *_not_verified(window)] if window else []
    if ledger.decision_value(connection, DecisionName.NO_ARCHIVE, "no") != "accepted":
        blockers.append(
            Problem(
                "archive",
                "table public.artworks_old",
                "there is no archive of it: its values, and the rows that were never migrated, will be lost.",
                "Make a copy if you want one, then run `artwork-migration run decide no_archive accepted --approved-by NAME --reason WHY`.",
            )
        )
    return blockers


def _window_open(window: SafetyWindow) -> list[Problem]:
    if window.over:
        return []
    ends_at = (window.switched_at + timedelta(days=SAFETY_DAYS)).astimezone(UTC)
    problem = f"{window.today}; {SAFETY_DAYS - window.days} days are left."
    return [Problem("safety_window", "safety window", problem, f"Clean up after {ends_at:%Y-%m-%d %H:%M} UTC.")]


def _not_verified(window: SafetyWindow) -> list[Problem]:
    if window.verified:
        return []
    if not window.verifications:
        problem = "there is none since the switch."
    elif red := window.verifications[-1].red:
        problem = f"the newest one is red: {', '.join(red)}."
    else:
        problem = f"the newest one is older than {safety_window.FRESH_HOURS} hours."
    return [Problem("verification", "verification", problem, "Run verify, and fix what it finds.")]


def _blockers(connection: Connection) -> list[Problem]:
    files = [*sql.folder("clean_up/blockers"), sql.load(REJECTED_WRITE)]
    return [problem for file in files for problem in problems_found(connection, Catalog({}), dependents.given(file))]


def finish(run: Run, export: Work) -> list[str]:
    """Do the steps left after the commit: the `export`, then the leftovers and the logs. Returns their names. CLEANED → CLEANED.

    Locks the rows of artworks and users that it deletes, and no table of the application. After a kill, another run does the rest.
    """
    with run.database.transaction("reading the plan") as connection:
        statements = plan.executed_statements(connection, CLEAN_UP)
    return pending_steps.do_what_is_left(run, {EXPORT: export, **pending_steps.of_statements(statements)})
