"""The clean-up: the retired table goes, and everything of ours but the record of what was done. There is no way back from it."""

from datetime import UTC, timedelta
from typing import Any

from sqlalchemy import Connection

import sql
from migration import database
from migration.errors import Problem
from migration.ledger import ledger, safety_window
from migration.ledger.decisions import DecisionName
from migration.ledger.phases import CLEAN_UP
from migration.ledger.runs import Run
from migration.ledger.safety_window import SAFETY_DAYS, SafetyWindow
from migration.plans import pending_steps, plan
from migration.plans.pending_steps import Work
from migration.plans.plan import Plan, Statement
from migration.plans.statements import REJECTED_WRITE, Catalog, database_mark, problems_found, statements_of, still_clear

#: The first step after the commit: what the logs held is in a file before they go.
EXPORT = "export of the ledger"

_DEPENDENT = "clean_up/blockers/dependent"
#: What was left behind in the tables that stay, and the decision on which it goes.
_LEFTOVERS = {
    DecisionName.REMOVE_TEST_DATA: "clean_up/leftovers/test_data",
    DecisionName.REMOVE_OWNERLESS_USERS: "roll_back/to_not_started/created_users",
}
#: What these two are asked with.
_LEFT = Catalog({"users_are_ours": False, "gone": "public.artworks_old"})


def plan_clean_up(connection: Connection) -> Plan:
    """The plan of clean_up for this database, readable from the first day on, with what speaks against it as blockers.

    SWITCHED → SWITCHED; takes ACCESS SHARE only.
    """
    return Plan(
        verb=CLEAN_UP,
        database=database_mark(connection),
        phase=plan.phase_mark(connection),
        decisions=plan.decisions_in_force(connection),
        statements=tuple(_statements(connection)),
        blockers=(*_too_early(connection), *_in_the_way(connection)),
        facts={**database.rows(connection, "plan/clean_up_facts")[0], **_counted(connection)},
    )


def _statements(connection: Connection) -> list[Statement]:
    """The files in their order; behind the locks the blockers are rechecked, and before the logs go what was left behind is removed."""
    catalog = Catalog({"ledger_tables": list(ledger.TABLES)})
    statements: list[Statement] = []
    for file in sql.folder("clean_up"):
        if file.rule == "functions":
            statements += _remove_leftovers(connection)
        statements += statements_of(connection, catalog, file)
        if file.rule == "locks":
            statements += [still_clear(sql.load(name)) for name in (_DEPENDENT, REJECTED_WRITE)]
    return statements


def _remove_leftovers(connection: Connection) -> list[Statement]:
    decided = [file for name, file in _LEFTOVERS.items() if ledger.decision_value(connection, name, "no") == "yes"]
    return [statement for file in decided for statement in statements_of(connection, _LEFT, sql.load(file))]


def _counted(connection: Connection) -> dict[str, Any]:
    """How much each decision would remove, with the first of the ids."""
    asked = {name: row.question or "" for name, file in _LEFTOVERS.items() for row in _LEFT.statements(connection, sql.load(file))}
    return {f"{name}_would_remove": dict(database.run_literally(connection, query).mappings().one()) for name, query in asked.items()}


def _too_early(connection: Connection) -> list[Problem]:
    """What time and verification say, and whether somebody has taken leave of the values."""
    window = safety_window.read(connection)
    found = [*_window_open(window), *_not_verified(window)] if window else []
    if ledger.decision_value(connection, DecisionName.NO_ARCHIVE, "no") != "accepted":
        found.append(
            Problem(
                "archive",
                "table public.artworks_old",
                "there is no archive of it: its values, and the rows that were never migrated, will be gone for good.",
                "Keep a copy of your own if you want one, then run decide no_archive accepted, with who and why.",
            )
        )
    return found


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
    return [Problem("verification", "verification", problem, "Run verify; mend what it finds.")]


def _in_the_way(connection: Connection) -> list[Problem]:
    files = [*sql.folder("clean_up/blockers"), sql.load(REJECTED_WRITE)]
    return [obstacle for file in files for obstacle in problems_found(connection, Catalog({}), file)]


def finish(run: Run, export: Work) -> list[str]:
    """Do what the commit has left to do, and return it: the `export`, what was left behind, the logs. CLEANED → CLEANED.

    Locks rows of artworks and users that go, no table of the application's. Killed in between, another run does the rest.
    """
    with run.database.transaction("reading the plan") as connection:
        rows = ledger.cleaned_statements(connection)
    return pending_steps.do_what_is_left(run, {EXPORT: export, **pending_steps.of_statements(rows)})
