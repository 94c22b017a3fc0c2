"""The switch: its plan, what comes before its lock and what comes after its commit."""

from sqlalchemy import Connection

import sql
from migration import database
from migration.checks import acceptance, readiness, verification
from migration.errors import Problem
from migration.ledger.phases import SWITCH_OVER
from migration.ledger.runs import Run
from migration.plans import creation, dependents, pending_steps, plan, users
from migration.plans.dependents import Dependent
from migration.plans.plan import Plan, Statement
from migration.plans.statements import (
    CAPTURE_DRIFTED,
    REJECTED_WRITE,
    ROW_SECURITY,
    Catalog,
    database_mark,
    problems_found,
    read_catalog,
    recheck,
    statements_of,
)
from migration.sync.catch_up import CaughtUp, catch_up

#: The checks that are left when the statements after the commit are done, in this order; the flow closes the gate.
CHECKS = (acceptance.FINGERPRINT, verification.GATE)

#: A prerequisite and a blocker of the deployment that also block the switch.
_ALSO_OF_THE_DEPLOYMENT = ("plan/prerequisites/user_key_action", "plan/blockers/orphan_reference")
#: Blockers of the deployment that are checked again, because grants and policies change.
_ACCESS = ("plan/blockers/users_access", "plan/blockers/chosen_email")


def plan_switch_over(connection: Connection) -> Plan:
    """Return the plan of switch_over for this database. MIGRATED → MIGRATED; takes ACCESS SHARE only.

    Every dependent of artworks is in its statements or in its facts, or it is a blocker.
    """
    catalog = read_catalog(connection)
    found = dependents.read(connection, catalog)
    return Plan(
        verb=SWITCH_OVER,
        database=database_mark(connection),
        phase=plan.phase_mark(connection),
        decisions=plan.decisions_in_force(connection),
        statements=plan.by_stage(_statements(connection, catalog, found)),
        blockers=tuple(_blockers(connection, catalog, found)),
        facts={
            **database.rows(connection, "plan/switch_facts")[0],
            readiness.FACT: readiness.readiness(connection, SWITCH_OVER),
            dependents.FACT: dependents.facts(found),
            plan.BOUND: dependents.bound(connection),
        },
    )


def _statements(connection: Connection, catalog: Catalog, found: list[Dependent]) -> list[Statement]:
    """The steps of the switch in their order, stage by stage."""

    def step(name: str) -> list[Statement]:
        return statements_of(connection, catalog, sql.load(f"switch_over/{name}"))

    unchanged, still_unchanged = dependents.unchanged(connection)
    return [
        *step("clean_change"),
        *step("carry_back_rows"),
        *step("carry_back"),
        *step("legacy_names_functions"),
        *dependents.relation(connection),
        *step("dependent_at_switch"),
        *step("wrong_ids"),
        unchanged,
        *creation.restored("prepare", clean_table=False),
        *step("access"),
        *step("fence"),
        *step("first_calls"),
        *locks(connection),
        recheck(sql.load(ROW_SECURITY)),
        recheck(sql.load(REJECTED_WRITE)),
        recheck(sql.load(CAPTURE_DRIFTED)),
        still_unchanged,
        *step("last_catch_up"),
        _end_write_through(),
        *step("disabled_functions"),
        *step("rename_tables"),
        *dependents.statements(found),
        *step("live_capture"),
        *step("guard"),
        *step("compatibility_view"),
        *step("compatibility_deletes"),
        *step("legacy_names"),
        *_acceptance(connection),
        *step("dependents_now"),
        *step("baseline"),
        *step("notify"),
    ]


def _acceptance(connection: Connection) -> list[Statement]:
    """The acceptance test with the application's triggers, before the commit."""
    test = {"acceptance_test": sql.load("verify/acceptance_test").statement}
    return statements_of(connection, Catalog(test), sql.load("switch_over/acceptance"))


def locks(connection: Connection) -> list[Statement]:
    """Every lock of the switch, or of the rollback from it: views first, then tables, then artworks and its other half."""
    return statements_of(connection, Catalog({}), dependents.given(sql.load("switch_over/locks")))


def _end_write_through() -> Statement:
    begin, end = sql.load("deploy_schema/write_through_triggers"), sql.load_undo("deploy_schema/write_through_triggers")
    return Statement("locked", end.rule, end.statement, begin.statement, end.header["locks"])


def _blockers(connection: Connection, catalog: Catalog, found: list[Dependent]) -> list[Problem]:
    files = [*sql.folder("switch_over/blockers"), *map(sql.load, (REJECTED_WRITE, *_ALSO_OF_THE_DEPLOYMENT))]
    access = Catalog(users.parameters(users.access_now(connection) if catalog.parameters["creates_users"] else []))
    return [
        *(problem for file in files for problem in problems_found(connection, catalog, file)),
        *(problem for name in _ACCESS for problem in problems_found(connection, access, sql.load(name))),
        *dependents.blockers(found),
    ]


def catch_up_before(run: Run) -> CaughtUp:
    """Drain the log, and migrate what is in flight, so that only a few ids are left for the lock. Locks what catch-up locks."""
    run.database.write("marking what is in flight", lambda connection: database.run(connection, "migrate_data/touch_in_flight"))
    return catch_up(run, in_flight=True)


def finish(run: Run) -> list[str]:
    """Do the steps that the commit of this verb has left, except the gate, and return them. After a kill another run does the rest.

    The statements are the same after the switch and after the rollback from it.
    """
    with run.database.transaction("reading the plan") as connection:
        statements = plan.executed_statements(connection, SWITCH_OVER)
    steps = {**pending_steps.of_statements(statements), acceptance.FINGERPRINT: acceptance.take_fingerprint}
    return pending_steps.do_what_is_left(run, steps)
