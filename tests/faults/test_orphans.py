"""References to artworks that do not exist are found by the plans, by their ids, and the remedy keeps every row."""

from uuid import uuid4

import pytest

from expectations.suites import SUITES
from migration.errors import OrphanReferences, Problem
from migration.ledger.phases import VERIFY
from tasks.validation import judge_suite
from tests.conftest import MakeShop
from tests.databases import (
    Shop,
    accept_exposure,
    deploy,
    execute_switch,
    finish_switch,
    migrate,
    planned_deployment,
    planned_switch,
    roll_back,
    running,
    switch,
    uninstall,
)
from tests.faults.judging import differing_rows, lost_orders
from tests.series import LONG


def make_orphans(shop: Shop, count: int = 2) -> list[str]:
    """Let some orders reference artworks that do not exist, as a restore without triggers does; the ids, in their order."""
    ids = sorted(str(uuid4()) for _ in range(count))
    lose = "UPDATE orders SET artwork_id = %s WHERE id = (SELECT id FROM orders ORDER BY id LIMIT 1 OFFSET %s)"
    shop.sql.execute("SET session_replication_role = replica")
    for place, missing in enumerate(ids):
        shop.sql.execute(lose, [missing, place])
    shop.sql.execute("RESET session_replication_role")
    return ids


def orphans(problems: tuple[Problem, ...]) -> Problem:
    """The only problem, which is about orphans."""
    (problem,) = problems
    assert ("orphan_reference", "key orders_artwork_id_fkey on public.orders") == (problem.rule, problem.subject)
    return problem


@LONG
def test_orphans_block_the_plan_and_its_statement_keeps_every_row(make_shop: MakeShop) -> None:
    """Orphans under a valid key block the first plan; after the statement the whole way is green, and they are what they were."""
    shop = make_shop()
    accept_exposure(shop)
    ids = make_orphans(shop)
    problem = orphans(planned_deployment(shop).blockers)
    assert f"2 of its rows reference artworks that do not exist: {', '.join(ids)}." in problem.problem
    shop.sql.execute(problem.statement.encode())
    deploy(shop)
    migrate(shop)
    for _ in range(2):
        shop.sql.execute("UPDATE orders SET artwork_id = artwork_id")  # captured, and nothing to leave behind
        switch(shop)
        with running(shop, VERIFY) as run:
            run.begin()
            assert [] == [rule.rule for rule in judge_suite(run, SUITES["verification"]).rules if rule.red]
        assert (2, 0) == (lost_orders(shop), differing_rows(shop))
        assert not shop.value("SELECT convalidated FROM pg_constraint WHERE conname = 'orders_artwork_id_fkey'")
        roll_back(shop)
    assert ids == [str(row[0]) for row in shop.rows("SELECT artwork_id FROM orders ORDER BY id LIMIT 2")]
    uninstall(shop)
    assert (2, False) == (lost_orders(shop), shop.value("SELECT convalidated FROM pg_constraint WHERE conname = 'orders_artwork_id_fkey'"))


@LONG
def test_orphans_that_appear_later_block_the_switch(make_shop: MakeShop) -> None:
    """Orphans that appear after the deployment block the plan of the switch before any lock; after the statement it goes through."""
    shop = make_shop(phase="MIGRATED")
    make_orphans(shop, count=12)
    problem = orphans(planned_switch(shop).blockers)
    assert "12 of its rows" in problem.problem
    assert problem.problem.endswith(", ….")
    shop.sql.execute(problem.statement.encode())
    migrate(shop)
    switch(shop)
    assert (12, 0) == (lost_orders(shop), differing_rows(shop))


@LONG
def test_rows_without_a_reference_are_no_orphans(make_shop: MakeShop) -> None:
    """A reference that is NULL leads nowhere and claims nothing, and a second table with a key is counted on its own."""
    shop = make_shop()
    accept_exposure(shop)
    shop.sql.execute('CREATE TABLE "Gift Cards" ("Artwork" uuid REFERENCES artworks ON DELETE SET NULL)')
    shop.sql.execute('INSERT INTO "Gift Cards" VALUES (NULL)')
    assert () == planned_deployment(shop).blockers
    shop.sql.execute('ALTER TABLE "Gift Cards" DISABLE TRIGGER ALL')
    shop.sql.execute('INSERT INTO "Gift Cards" SELECT GEN_RANDOM_UUID()')
    (problem,) = planned_deployment(shop).blockers
    assert 'key Gift Cards_Artwork_fkey on public."Gift Cards"' == problem.subject
    shop.sql.execute(problem.statement.encode())
    assert () == planned_deployment(shop).blockers


@LONG
def test_orphans_that_appear_after_the_commit_are_found_by_the_query_in_the_message(make_shop: MakeShop) -> None:
    """A key that cannot be validated after the commit stops the step in words; after the rows are corrected, the steps left are done."""
    shop = make_shop(phase="MIGRATED")
    execute_switch(shop)
    ids = make_orphans(shop)
    with pytest.raises(OrphanReferences) as caught:
        finish_switch(shop)
    query = str(caught.value).split("`")[3]
    assert ids == sorted(str(row[0]) for row in shop.rows(query))
    shop.sql.execute("DELETE FROM orders WHERE artwork_id = ANY(%s::uuid[])", [ids])
    assert "key orders_artwork_id_fkey on public.orders validated" in finish_switch(shop)
    assert 0 == lost_orders(shop)
