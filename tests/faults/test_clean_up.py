"""The clean-up, when something speaks against it, is in the way, comes in between, or kills it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection

from migration.errors import Blocked, DatabaseUnreachable, NewBlocker, PlanOutdated, Problem
from migration.ledger import ledger
from migration.ledger.phases import CLEAN_UP, Phase
from migration.ledger.runs import Approval
from migration.lock_errors import LockNotObtained
from migration.plans import execution, plan
from migration.plans.plan import Plan
from tests.conftest import MakeShop
from tests.databases import Shop, decide, execute_clean_up, finish_clean_up, make_ready, planned_clean_up, running, verify
from tests.directions import places, with_row
from tests.interleaving import PLACE_ORDER, TERMINATED, TOUCH_ARTWORK, TOUCH_ORDER, cross, holding
from tests.series import LONG, first
from tests.waiting import BOUND

TOUCH_USER = "UPDATE public.users SET email = email WHERE ctid = '(0,1)'"
IN_THE_WAY = {
    "a write to artworks": "UPDATE public.artworks SET pet_name = pet_name WHERE ctid = '(0,1)'",
    "a write to orders": "UPDATE public.orders SET status = status WHERE ctid = '(0,1)'",
    "a write to users": TOUCH_USER,
    "a reader of the view": "SELECT COUNT(*) FROM public.artworks_v2",
    "a reader of the retired table": "SELECT COUNT(*) FROM public.artworks_old",
}


@pytest.fixture
def switched(make_shop: MakeShop) -> Shop:
    """The production-like sample on the day of the switch."""
    return make_shop(phase="SWITCHED")


@pytest.fixture
def ready(switched: Shop) -> Shop:
    """The same with nothing that speaks against the clean-up."""
    make_ready(switched)
    return switched


def phase(shop: Shop) -> Phase:
    with shop.database.transaction("asking") as connection:
        return ledger.phase(connection).phase


def refusal(shop: Shop) -> dict[str, list[Problem]]:
    """Run the plan as it is now: it must be refused for its blockers, by rule, with nothing changed."""
    before, made = shop.schema_dump(), planned_clean_up(shop)
    with running(shop, CLEAN_UP) as run:
        run.database.write("keeping the plan", lambda connection: plan.keep(connection, made, run.name))
        with shop.database.transaction("confirming") as connection, pytest.raises(Blocked) as caught:
            plan.confirm(connection, made, Approval(made.number, "test", "test"))
    assert (Phase.SWITCHED, before) == (phase(shop), shop.schema_dump())
    found: dict[str, list[Problem]] = {}
    for blocker in caught.value.blockers:
        found.setdefault(blocker.rule, []).append(blocker)
    return found


# What speaks against it


@LONG
def test_on_the_day_of_the_switch_the_plan_can_be_read_and_is_blocked(switched: Shop) -> None:
    """On the day of the switch the plan of clean_up can be read, and is blocked as too early, not verified and without an archive."""
    assert {"safety_window", "verification", "archive"} == set(refusal(switched))
    assert "retired_table" in {statement.object for statement in planned_clean_up(switched).statements}


def test_a_day_too_early(ready: Shop) -> None:
    """A day too early by the ledger's time, clean_up says how many days are left and when they are over."""
    ready.sql.execute("UPDATE artwork_migration.phase_history SET ended_at = ended_at + interval '23 hours' WHERE phase_after = 'SWITCHED'")
    ends = ready.value(
        "SELECT TO_CHAR(ended_at + interval '30 days', 'YYYY-MM-DD HH24:MI') FROM artwork_migration.phase_history"
        " WHERE phase_after = 'SWITCHED'"
    )
    found = refusal(ready)
    assert ["safety_window"] == list(found)
    assert "Day 30 of 30; 1 days are left" in found["safety_window"][0].problem
    assert ends in found["safety_window"][0].remedy


def test_a_retired_table_that_an_extension_owns(ready: Shop) -> None:
    """clean_up is blocked while the retired table is a member of an extension, with the statement that ends that."""
    ready.sql.execute("ALTER EXTENSION plpgsql ADD TABLE artworks_old")
    (blocker,) = refusal(ready)["dependent"]
    assert ("extension plpgsql", "the retired table is a member of it.") == (blocker.subject, blocker.problem)
    ready.sql.execute(blocker.statement)
    assert () == planned_clean_up(ready).blockers


VERIFICATIONS: dict[str, tuple[Callable[[Shop], object], str]] = {
    "none": (lambda shop: shop.sql.execute("DELETE FROM artwork_migration.verification"), "there is none"),
    "red": (lambda shop: verify(shop, "verification.has_user"), "red: verification.has_user"),
    "old": (
        lambda shop: shop.sql.execute("UPDATE artwork_migration.verification SET verified_at = verified_at - interval '25 hours'"),
        "older than 24 hours",
    ),
}


@pytest.mark.parametrize("name", VERIFICATIONS)
@first(1)
def test_without_a_green_verification_of_the_last_day(ready: Shop, name: str) -> None:
    """clean_up is blocked without a verification, with a red one, and with an old one."""
    happen, told = VERIFICATIONS[name]
    happen(ready)
    found = refusal(ready)
    assert ["verification"] == list(found)
    assert told in found["verification"][0].problem
    assert "Run verify" in found["verification"][0].remedy


def test_without_an_archive_somebody_must_accept_the_loss(ready: Shop) -> None:
    """clean_up is blocked without a decision about the archive, and blocked again if the decision is withdrawn."""
    decide(ready, "no_archive", "no")
    found = refusal(ready)
    assert ["archive"] == list(found)
    assert "decide no_archive accepted" in found["archive"][0].remedy


def test_rejected_writes_and_steps_left(ready: Shop) -> None:
    """clean_up is blocked by a rejected write, named by id, and by an open step, named by its name."""
    ready.sql.execute(
        "INSERT INTO artwork_migration.rejected_write (id, operation, sql_state, object)"
        " SELECT id, 'CARRY BACK', '23502', 'artworks_old' FROM artworks ORDER BY id LIMIT 1"
    )
    ready.sql.execute("UPDATE artwork_migration.step SET done_at = NULL WHERE name = 'gate verification'")
    found = refusal(ready)
    assert {"rejected_write", "steps_left"} == set(found)
    assert str(ready.value("SELECT id FROM artwork_migration.rejected_write")) in found["rejected_write"][0].subject
    assert "step gate verification" == found["steps_left"][0].subject


#: What is made, and how it is named.
DEPENDENTS = {
    "CREATE VIEW on_retired AS SELECT id FROM artworks_old": "view on_retired",
    "CREATE VIEW on_old_name AS SELECT id FROM artworks_v2": "view on_old_name",
    "CREATE VIEW on_ledger AS SELECT run FROM artwork_migration.phase_history": "view on_ledger",
    "CREATE VIEW on_view AS SELECT * FROM artwork_sales_old": "view on_view",
    "CREATE MATERIALIZED VIEW kept AS SELECT id FROM artworks_old": "materialized view kept",
    "CREATE TABLE gifts (artwork_id uuid CONSTRAINT gift REFERENCES artworks_old (id))": "constraint gift on table gifts",
    "CREATE FUNCTION bound() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT COUNT(*) FROM artworks_old; END": "function bound()",
    "CREATE TABLE copies (artwork artworks_old)": "table copies",
    "CREATE POLICY late ON orders USING (EXISTS (SELECT FROM artworks_old))": "policy late on table orders",
    "CREATE PUBLICATION late FOR TABLE artworks_old": "publication of table artworks_old in publication late",
    "CREATE RULE late AS ON DELETE TO artworks_old DO ALSO NOTHING": "rule late on table artworks_old",
    "CREATE TABLE child () INHERITS (artworks_old)": "table child",
    "CREATE TABLE parent (); ALTER TABLE artworks_old INHERIT parent": "table parent",
    "CREATE SEQUENCE late OWNED BY artworks_old.pet_name; ALTER TABLE artworks ALTER pet_name SET DEFAULT NEXTVAL('late')": (
        "default value for column pet_name of table artworks"
    ),
}


def test_what_depends_on_what_goes_is_named(ready: Shop) -> None:
    """clean_up is blocked by exactly what depends on the retired objects, by kind and name."""
    for statement in DEPENDENTS:
        ready.sql.execute(statement)  # type: ignore[call-overload]  # made of this test's own names
    found = refusal(ready)
    assert ["dependent"] == list(found)
    assert set(DEPENDENTS.values()) == {blocker.subject.replace("public.", "") for blocker in found["dependent"]}


def test_what_depends_on_it_behind_the_plan_is_found_under_the_locks(ready: Shop) -> None:
    """An object that depends on the retired table and appeared after the plan stops clean_up under the locks."""
    made = planned_clean_up(ready)
    ready.sql.execute("CREATE POLICY late ON orders USING (EXISTS (SELECT FROM artworks_old))")
    before = ready.schema_dump()
    with pytest.raises(NewBlocker):
        execute_clean_up(ready, made)
    assert (Phase.SWITCHED, before) == (phase(ready), ready.schema_dump())


def test_an_outdated_number_is_refused(ready: Shop) -> None:
    """A decision after the plan makes its number invalid."""
    made = planned_clean_up(ready)
    ready.database.write("keeping the plan", lambda connection: plan.keep(connection, made, "test"))
    decide(ready, "remove_test_data", "yes")
    with ready.database.transaction("confirming") as connection, pytest.raises(PlanOutdated, match="a decision has changed"):
        plan.confirm(connection, planned_clean_up(ready), Approval(made.number, "test", "test"))


# What is in the way


@pytest.mark.parametrize("name", IN_THE_WAY)
@first(2)
def test_locks_not_had_change_nothing_and_name_the_holder(ready: Shop, name: str) -> None:
    """Without the locks clean_up changes nothing and names the holder; the same plan goes through afterwards."""
    before, made = ready.schema_dump(), planned_clean_up(ready)
    with holding(ready, IN_THE_WAY[name]) as session:
        with pytest.raises(LockNotObtained) as caught:
            execute_clean_up(ready, made, patience=0)
        assert session.info.backend_pid in {holder.pid for holder in caught.value.holders}
    assert (Phase.SWITCHED, before) == (phase(ready), ready.schema_dump())
    execute_clean_up(ready, made, patience=BOUND)
    assert Phase.CLEANED is phase(ready)


@pytest.mark.parametrize(
    ("first", "then", "waits_for"),
    [
        pytest.param(TOUCH_ARTWORK, PLACE_ORDER, "public.artworks", id="artworks, then orders"),
        pytest.param(TOUCH_ORDER, TOUCH_ARTWORK, "public.orders", id="orders, then artworks"),
        pytest.param(TOUCH_USER, TOUCH_ARTWORK, "public.users", id="users, then artworks"),
    ],
)
@first(1)
def test_the_application_is_never_the_victim_of_a_deadlock(ready: Shop, first: str, then: str, waits_for: str) -> None:
    """In whatever order the application locks, clean_up gives up first and the server counts no deadlock."""
    cross(ready, lambda: execute_clean_up(ready, patience=BOUND), first, then, waits_for)
    assert Phase.CLEANED is phase(ready)


# What kills it


@LONG
def test_killed_behind_any_statement_nothing_has_changed(ready: Shop) -> None:
    """A backend that dies behind any locked statement of clean_up leaves everything as it was."""
    before, made = ready.schema_dump(), planned_clean_up(ready)
    rows = places(made, "locked")
    for place in rows:
        with pytest.raises(DatabaseUnreachable):
            _locked_alone(ready, with_row(made, place, TERMINATED))
    assert len(rows) > 30
    assert (Phase.SWITCHED, before) == (phase(ready), ready.schema_dump())


def test_killed_between_the_statement_and_the_commit(ready: Shop) -> None:
    """A backend that dies before the commit leaves the retired table, because the phase is in the same transaction."""
    before = ready.schema_dump()

    def die(connection: Connection) -> None:
        connection.exec_driver_sql(TERMINATED)

    with pytest.raises(DatabaseUnreachable):
        _locked_alone(ready, planned_clean_up(ready), die)
    assert (Phase.SWITCHED, before) == (phase(ready), ready.schema_dump())


def _locked_alone(shop: Shop, made: Plan, before_commit: Callable[[Connection], None] = lambda connection: None) -> None:
    execution.execute(
        shop.database,
        made.statements,
        verb=str(made.verb),
        action="the plan",
        patience=BOUND,
        before_commit=before_commit,
        on_attempt=lambda message: None,
    )


def test_killed_behind_the_commit_the_next_run_does_the_rest(ready: Shop, tmp_path: Path) -> None:
    """After a clean-up that was killed behind its commit the next run does the steps left, also those done and not noted."""
    decide(ready, "remove_test_data", "yes")
    execute_clean_up(ready)
    assert ready.value("SELECT TO_REGCLASS('artwork_migration.gate_result') IS NOT NULL")
    ready.sql.execute("DROP TABLE artwork_migration.chunk; DROP FUNCTION artwork_migration.refuse_truncate()")
    done = finish_clean_up(ready, tmp_path)
    assert "export of the ledger" == done[0]
    assert {"test data", "tables of artwork_migration"} <= set(done)
    assert ready.value("SELECT TO_REGCLASS('artwork_migration.gate_result') IS NULL")
    assert [] == finish_clean_up(ready, tmp_path)
    assert len(list(tmp_path.glob("ledger-*.json"))) == 1
