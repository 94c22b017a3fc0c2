"""A shop without artworks: one reason is reported, and a decision takes a new shop or a staging copy through the whole life cycle."""

import pytest

from expectations.suites import SUITES
from migration.checks.gates import GateVerdict, require_green
from migration.gate_errors import GateBroken
from migration.ledger.phases import MIGRATE_DATA, VERIFY
from migration.sync import reconcile
from tasks.validation import judge_suite
from tests.artworks import add_order
from tests.databases import Shop, accept_exposure, decide, deploy, migrate, planned_deployment, roll_back, running, switch
from tests.series import EXHAUSTIVE, LONG

MIGRATION_GATES = ("legacy_artworks", "users", "clean_artworks", "reconciliation")
ORDERED = "SELECT a.id FROM artworks AS a INNER JOIN orders AS o ON a.id = o.artwork_id WHERE o.id = %s"


@pytest.fixture
def new_shop(shop: Shop) -> Shop:
    """A shop in which nobody has ever ordered; the tables are there."""
    shop.sql.execute("TRUNCATE artworks CASCADE; DELETE FROM users")
    accept_exposure(shop)
    return shop


def judged(shop: Shop, *suites: str) -> list[GateVerdict]:
    """The verdicts of these gates."""
    with running(shop, VERIFY if suites == ("verification",) else MIGRATE_DATA) as run:
        run.begin()
        if "reconciliation" in suites:
            reconcile.reconcile(run)
        return [judge_suite(run, SUITES[suite]) for suite in suites]


@LONG
def test_the_plan_names_one_reason(new_shop: Shop) -> None:
    """The plan for an empty table has one blocker, and its decision opens the plan."""
    (blocker,) = planned_deployment(new_shop).blockers
    assert ("nothing_to_migrate", "table public.artworks", "it is empty.") == (blocker.rule, blocker.subject, blocker.problem)
    decide(new_shop, *blocker.decision.split(" ", 1))
    assert () == planned_deployment(new_shop).blockers


def test_the_gate_names_one_reason(new_shop: Shop) -> None:
    """Without the decision the first gate is red with one reason for all its rules."""
    decide(new_shop, "allow_empty", "yes")
    deploy(new_shop)
    decide(new_shop, "allow_empty", "no")
    with pytest.raises(GateBroken) as caught:
        require_green(*judged(new_shop, "legacy_artworks"))
    assert "rules checked nothing: public.artworks and public.artworks_v2 is empty" in str(caught.value)
    assert "allow_empty yes" in str(caught.value)
    assert "legacy_id_is_there" not in str(caught.value)


@EXHAUSTIVE
def test_a_new_shop_goes_the_whole_way(new_shop: Shop) -> None:
    """With the decision every gate is green, and the first artworks and orders survive switch, rollback and switch."""
    decide(new_shop, "allow_empty", "yes")
    deploy(new_shop)
    migrate(new_shop)
    require_green(*judged(new_shop, *MIGRATION_GATES))
    switch(new_shop)
    assert [] == judged(new_shop, "verification")[0].red_names
    born = new_shop.value("SELECT (artwork).id FROM create_artwork('Ada', 'ada@example.com', 'Rex', 'https://u/mom', 'https://u/pet')")
    order = add_order(new_shop, born)
    roll_back(new_shop)
    assert born == new_shop.value(ORDERED, order)
    migrate(new_shop)
    require_green(*judged(new_shop, *MIGRATION_GATES))
    switch(new_shop)
    assert [] == judged(new_shop, "verification")[0].red_names
    assert born == new_shop.value(ORDERED, order)
