"""Rows that the connected role cannot see do not count as absent, and references are counted, not inferred from a valid key."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from expectations.suites import SUITES
from migration.errors import DatabaseError, HiddenRows, NewBlocker, PrerequisitesNotMet, Problem
from migration.ledger.phases import DEPLOY_SCHEMA, SWITCH_OVER, VERBS, VERIFY
from migration.sync.catch_up import catch_up
from tasks.validation import judge_suite
from tests.conftest import MakeShop
from tests.databases import (
    Shop,
    accept_exposure,
    deploy,
    execute_roll_back,
    execute_switch,
    migrate,
    planned_deployment,
    roll_back,
    running,
    switch,
    uninstall,
)
from tests.faults.judging import differing_rows, lost_orders
from tests.owned import OwnedShop, handed_over
from tests.series import LONG

FORCE = "ALTER TABLE public.{} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"


@pytest.fixture
def owned(make_shop: MakeShop) -> Iterator[OwnedShop]:
    """The sample, owned by a role that is no superuser and bypasses nothing."""
    with handed_over(make_shop()) as shop:
        yield shop


def run(shop: Shop, statement: str) -> None:
    """Execute as the administrator."""
    shop.sql.execute(statement.encode())


def refusal(action: Callable[[], object]) -> tuple[Problem, ...]:
    """The problems with which a verb is refused; each is about hidden rows."""
    with pytest.raises(PrerequisitesNotMet) as caught:
        action()
    assert {"row_security"} == {problem.rule for problem in caught.value.problems}
    return caught.value.problems


@LONG
def test_a_referencing_table_that_hides_rows_is_refused_and_its_remedy_works(owned: OwnedShop) -> None:
    """Orders that are hidden from the connected role refuse the plan; after the statement in the message no order loses its artwork."""
    for table in ("artworks", "users", "orders"):
        run(owned, FORCE.format(table))
    accept_exposure(owned)
    problems = refusal(lambda: planned_deployment(owned))
    assert ["table public.artworks", "table public.orders", "table public.users"] == [problem.subject for problem in problems]
    owner = psycopg.connect(owned.server.conninfo(owned.name, "shopkeeper"), autocommit=True)
    for problem in problems:
        owner.execute(problem.statement.encode())
    owner.close()
    deploy(owned)
    migrate(owned)
    switch(owned)
    assert (0, 0) == (lost_orders(owned), differing_rows(owned))
    roll_back(owned)
    uninstall(owned)


def test_no_statement_is_given_if_a_view_would_show_hidden_rows_to_others(owned: OwnedShop) -> None:
    """Where views of the owner would show every row once its policies are not forced, they are named, and the message has no statement."""
    run(owned, "CREATE VIEW open_view AS SELECT id FROM artworks; ALTER VIEW open_view OWNER TO shopkeeper")
    for table in ("artworks", "orders"):
        run(owned, FORCE.format(table))
    artworks, orders = refusal(lambda: planned_deployment(owned))
    assert ("", "ALTER TABLE public.orders NO FORCE ROW LEVEL SECURITY") == (artworks.statement, orders.statement)
    assert "it would let these show all of them to others: public.open_view." in artworks.problem


@LONG
def test_rows_that_get_hidden_later_refuse_each_verb(owned: OwnedShop) -> None:
    """Policies that are forced in the middle of the migration refuse each verb that follows, with the statement that lets it go on."""
    deploy(owned)
    run(owned, FORCE.format("orders"))
    for verb in VERBS:
        if verb is not DEPLOY_SCHEMA:
            with pytest.raises(PrerequisitesNotMet) as caught, running(owned, verb):
                pytest.fail(f"{verb} began")
            (problem,) = caught.value.problems
            assert ("row_security", "table public.orders") == (problem.rule, problem.subject)
    run(owned, problem.statement)
    migrate(owned)
    switch(owned)
    assert (0, 0) == (lost_orders(owned), differing_rows(owned))


@pytest.mark.parametrize("table", ["orders", "users"])
@LONG
def test_rows_that_get_hidden_before_the_lock_stop_the_switch_and_the_rollback(owned: OwnedShop, table: str) -> None:
    """Policies that are forced between the plan and the lock are found under the lock, and nothing is changed."""
    deploy(owned)
    migrate(owned)
    on, off = FORCE.format(table), f"ALTER TABLE public.{table} NO FORCE ROW LEVEL SECURITY"
    with pytest.raises((NewBlocker, DatabaseError), match=r"row_security|row level security"):
        execute_switch(owned, meanwhile=lambda: run(owned, on))
    run(owned, off)
    assert "r" == owned.value("SELECT relkind FROM pg_class WHERE oid = 'artworks_v2'::regclass")
    switch(owned)
    with pytest.raises((NewBlocker, DatabaseError), match=r"row_security|row level security"):
        execute_roll_back(owned, meanwhile=lambda: run(owned, on))
    run(owned, off)
    roll_back(owned)
    assert (0, 0) == (lost_orders(owned), differing_rows(owned, legacy="public.artworks", clean="public.artworks_v2"))


@LONG
def test_the_owner_of_our_views_counts_too(owned: OwnedShop) -> None:
    """A superuser who continues the migration reads through views of the role that deployed it, so that role must see every row."""
    deploy(owned)
    run(owned, FORCE.format("orders"))
    superuser = Shop(owned.server, owned.name)
    (problem,) = refusal(lambda: migrate(superuser))
    assert "shopkeeper" in problem.problem
    run(owned, problem.statement)
    migrate(superuser)
    superuser.close()


@LONG
def test_a_write_that_cannot_see_its_row_is_not_lost(owned: OwnedShop) -> None:
    """Under forced policies an artwork with an order cannot be deleted, and a write that does not reach legacy is rejected."""
    deploy(owned)
    migrate(owned)
    for table in ("orders", "artworks"):
        run(owned, FORCE.format(table))
    ordered = owned.value("SELECT artwork_id FROM orders WHERE artwork_id IN (SELECT id FROM artworks_v2) LIMIT 1")
    orders = owned.value("SELECT COUNT(*) FROM orders")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owned.sql.execute("DELETE FROM artworks_v2 WHERE id = %s", [ordered])
    assert orders == owned.value("SELECT COUNT(*) FROM orders")
    other = owned.value("SELECT id FROM artworks_v2 WHERE id <> %s LIMIT 1", ordered)
    owned.sql.execute("UPDATE artworks_v2 SET pet_name = 'Renamed' WHERE id = %s", [other])
    assert "42501" == owned.value("SELECT sql_state FROM artwork_migration.rejected_write WHERE id = %s", other)


@LONG
def test_rows_that_get_hidden_during_a_run_stop_it(owned: OwnedShop) -> None:
    """Policies that are forced while a run is at work roll its next batch back."""
    deploy(owned)
    migrate(owned)
    run(owned, "UPDATE artworks SET pet_name = 'Renamed'")
    with running(owned, SWITCH_OVER) as at_work:
        at_work.begin()
        run(owned, FORCE.format("orders"))
        with pytest.raises(HiddenRows, match=r"table \W*(public\.)?orders"):
            catch_up(at_work)
    assert owned.value("SELECT COUNT(*) > 0 FROM artwork_migration.legacy_change")


def test_a_lost_artwork_is_counted_although_its_key_is_valid(make_shop: MakeShop) -> None:
    """After the switch an order without its artwork turns the gate red by the artwork's id, whatever the catalog says of the key."""
    shop = make_shop(phase="SWITCHED")
    lost = shop.value("SELECT artwork_id FROM orders WHERE artwork_id IS NOT NULL LIMIT 1")
    run(shop, "ALTER TABLE artworks DISABLE TRIGGER ALL")
    shop.sql.execute("DELETE FROM artworks WHERE id = %s", [lost])
    run(shop, "ALTER TABLE artworks ENABLE TRIGGER ALL")
    assert shop.value("SELECT convalidated FROM pg_constraint WHERE conname = 'orders_artwork_id_fkey'")
    with running(shop, VERIFY) as at_work:
        at_work.begin()
        verdict = {rule.rule: rule for rule in judge_suite(at_work, SUITES["verification"]).rules}["references_lead_to_artworks"]
    assert (1, [str(lost)], ["public.orders.artwork_id"], True) == (
        verdict.bad,
        list(map(str, verdict.ids)),
        list(verdict.about),
        verdict.red,
    )
