"""The switch: its plan, what comes before its lock and what comes after its commit."""

from sqlalchemy import Connection

import sql
from migration import database
from migration.checks import acceptance, verification
from migration.errors import Problem
from migration.ledger.phases import SWITCH_OVER
from migration.ledger.runs import Run
from migration.plans import dependents, pending_steps, plan
from migration.plans.plan import Plan, Statement
from migration.plans.statements import (
    CAPTURE_DRIFTED,
    DEPENDENTS,
    REJECTED_WRITE,
    Catalog,
    database_mark,
    problems_found,
    problems_of,
    read_catalog,
    statements_of,
    still_clear,
    still_the_same,
)
from migration.sync.catch_up import CaughtUp, catch_up

#: What is still to do when the statements after the commit are done, in this order; the gate is judged by its verb.
CHECKS = (acceptance.FINGERPRINT, verification.GATE)

#: A question of the plan that is asked once more under the locks.
_UNKNOWN_DEPENDENT = "switch_over/blockers/20_unknown_dependent"
#: A question of the deployment that the switch asks as well.
_USER_KEY_ACTION = "plan/prerequisites/16_user_key_action"
#: Places among the files' names: behind the locks (20) and before the last catch-up (30); before the names change hands (45).
_ASKED_AGAIN = "25"
_WRITE_THROUGH_ENDS = "40"


def plan_switch_over(connection: Connection) -> Plan:
    """The plan of switch_over for this database. MIGRATED → MIGRATED; takes ACCESS SHARE only.

    Whatever hangs on the legacy table is in its statements, or it is a blocker in words.
    """
    known = read_catalog(connection)
    return Plan(
        verb=SWITCH_OVER,
        database=database_mark(connection),
        phase=plan.phase_mark(connection),
        decisions=plan.decisions_in_force(connection),
        statements=tuple(_statements(connection, known)),
        blockers=tuple(_blockers(connection, known)),
        facts={**database.rows(connection, "plan/switch_facts")[0], dependents.FACT: dependents.listed(connection, known)},
    )


def _statements(connection: Connection, known: Catalog) -> list[Statement]:
    """What is done and what hangs on the table, in the order of the files' numbers; once locked, the first question is what has come."""
    numbered = {file.name.rsplit("/", 1)[-1]: file for folder in ("switch_over", "dependents") for file in sql.folder(folder)}
    made = {name: statements_of(connection, known, numbered[name]) for name in sorted(numbered)}
    made[_ASKED_AGAIN] = [
        *(still_clear(sql.load(name)) for name in (REJECTED_WRITE, _UNKNOWN_DEPENDENT, CAPTURE_DRIFTED)),
        still_the_same(connection, sql.load(DEPENDENTS)),
    ]
    made[_WRITE_THROUGH_ENDS] = [_write_through_ends()]
    statements = [statement for name in sorted(made) for statement in made[name]]
    return sorted(statements, key=lambda statement: plan.STAGES.index(statement.stage))


def _write_through_ends() -> Statement:
    begins, ends = sql.load("deploy_schema/write_through_triggers"), sql.load_undo("deploy_schema/write_through_triggers")
    return Statement("locked", ends.rule, ends.statement, begins.statement, ends.header["locks"])


def _blockers(connection: Connection, known: Catalog) -> list[Problem]:
    asked = [*sql.folder("switch_over/blockers"), sql.load(REJECTED_WRITE), sql.load(_USER_KEY_ACTION)]
    found = [obstacle for file in asked for obstacle in problems_found(connection, known, file)]
    rows = [file for file in sql.folder("dependents") if "remedy" in file.header]
    return [*found, *(problem for file in rows for problem in problems_of(connection, known, file))]


def catch_up_before(run: Run) -> CaughtUp:
    """Take the artworks in flight along and drain the log, so that a handful is left for the lock. Locks what catch-up locks."""
    run.database.write("taking along what is in flight", lambda connection: database.run(connection, "migrate_data/touch_in_flight"))
    return catch_up(run)


def finish(run: Run) -> list[str]:
    """Do the steps that this verb's commit has left to do, but for the gate, and return them. Killed in between, another run does the rest.

    The statements are the same after the switch and after the way back from it.
    """
    with run.database.transaction("reading the plan") as connection:
        statements = plan.executed_statements(connection, SWITCH_OVER)
    return pending_steps.do_what_is_left(
        run, {**pending_steps.of_statements(statements), acceptance.FINGERPRINT: acceptance.take_fingerprint}
    )
