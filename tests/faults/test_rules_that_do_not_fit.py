"""Rules that do not fit a database are no success: the plan says what customers would lose, and its remedies are true."""

import pytest

from expectations.suites import SUITES
from migration.ledger.phases import MIGRATE_DATA
from migration.plans.plan import Plan
from reporting.plans import plan_markdown
from tasks.validation import judge_suite
from tests.databases import Shop, accept_exposure, decide, deploy, migrate, planned_deployment, running, switch
from tests.series import LONG

UNUSED_STATUS = "UPDATE artworks SET generation_status = 'pending', updated_at = created_at"
WITH_PICTURE = "SELECT COUNT(*) FROM artworks WHERE generated_image_url IS NOT NULL AND original_image_url NOT LIKE 'test-%%'"


def unused_status(shop: Shop) -> Plan:
    """The plan for a shop that has never used the status column."""
    shop.sql.execute("SET session_replication_role = replica")
    shop.sql.execute(UNUSED_STATUS)
    shop.sql.execute("SET session_replication_role = origin")
    accept_exposure(shop)
    return planned_deployment(shop)


def rules(made: Plan) -> list[str]:
    """The rules that block a plan."""
    return sorted({blocker.rule for blocker in made.blockers})


def test_a_status_that_nobody_uses_is_no_empty_success(shop: Shop) -> None:
    """If no artwork is completed, the plan is blocked; its first line says that most rows stay behind, and how many pictures."""
    pictures = shop.value(WITH_PICTURE)
    made = unused_status(shop)
    assert ["left_behind", "nothing_to_migrate"] == rules(made)
    first = plan_markdown(made).split("\n")[2]
    assert first.startswith("**⚠ Most rows stay behind: ")
    assert f"of {pictures:,} artworks with a picture" in first
    assert "a customer holds a link that is valid today" in first


@LONG
def test_the_statement_of_the_blocker_lets_every_picture_come_along(shop: Shop) -> None:
    """The blocker's statement, pasted, opens the plan; every artwork with a picture is migrated and serves after the switch."""
    made = unused_status(shop)
    pictures = shop.value(WITH_PICTURE)
    (statement,) = {blocker.statement for blocker in made.blockers if blocker.statement}
    shop.sql.execute(statement)  # type: ignore[call-overload]  # the product's own text
    assert () == planned_deployment(shop).blockers
    deploy(shop)
    migrate(shop)
    switch(shop)
    assert pictures == shop.value("SELECT COUNT(*) FROM artworks WHERE generated_image_url IS NOT NULL AND generation_status = 'completed'")


def test_a_decision_lets_them_stay_behind(shop: Shop) -> None:
    """The decisions that the blockers name, made as they say, open the plan."""
    made = unused_status(shop)
    for decision in {blocker.decision for blocker in made.blockers}:
        decide(shop, *decision.split(" ", 1))
    assert () == planned_deployment(shop).blockers


@pytest.mark.parametrize(("expires", "found"), [("NOW() + interval '1 day'", ["left_behind"]), ("NOW() - interval '1 day'", [])])
def test_one_valid_link_that_would_lead_to_nothing_is_too_many(shop: Shop, expires: str, found: list[str]) -> None:
    """One artwork with a picture and a valid link that stays behind blocks the plan; one with an expired link is a normal loss."""
    accept_exposure(shop)
    shop.sql.execute(
        "UPDATE artworks SET generation_status = 'failed', token_expires_at = " + expires + " WHERE id = (SELECT id FROM artworks AS a"  # type: ignore[arg-type]  # this test's own text
        " WHERE generation_status = 'completed' AND original_image_url NOT LIKE 'test-%'"
        " AND id NOT IN (SELECT artwork_id FROM orders WHERE artwork_id IS NOT NULL) LIMIT 1)"
    )
    assert found == rules(planned_deployment(shop))


@LONG
def test_the_gate_counts_them_again(deployed: Shop) -> None:
    """The first gate of migrate_data is red for pictures that would be lost since the plan, until a decision accepts their number."""
    deployed.sql.execute(
        "UPDATE artworks SET generation_status = 'failed', token_expires_at = NOW() + interval '1 day' WHERE id = ANY(%s)",
        (_two(deployed),),
    )
    assert {"finished_are_migrated": 2} == _red(deployed)
    decide(deployed, "max_left_behind", "2")
    assert {} == _red(deployed)


def _two(shop: Shop) -> list[object]:
    query = (
        "SELECT id FROM artworks WHERE generation_status = 'completed' AND original_image_url NOT LIKE 'test-%%'"
        " AND id NOT IN (SELECT artwork_id FROM orders WHERE artwork_id IS NOT NULL) LIMIT 2"
    )
    return [row[0] for row in shop.rows(query)]


def _red(shop: Shop) -> dict[str, int]:
    with running(shop, MIGRATE_DATA) as run:
        run.begin()
        verdict = judge_suite(run, SUITES["legacy_artworks"])
    assert "" == verdict.broken
    return {rule.rule: rule.bad for rule in verdict.red}
