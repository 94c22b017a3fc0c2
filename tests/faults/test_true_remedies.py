"""Numbers and remedies in messages are true: each remedy is followed to the letter, and the plan then goes through."""

import csv
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from migration.errors import BadInput, Blocked, PrerequisitesNotMet
from migration.ledger.decisions import DecisionName, checked_value
from migration.plans.plan import Plan
from migration.verbs.decide import apply_at_once
from reporting.plans import plan_markdown
from reporting.status import read_status
from reporting.status_lines import status_lines
from sample.build import Variant
from tasks.reports import write_problems
from tests.artworks import add_legacy, add_order, clean, legacy
from tests.conftest import MakeShop
from tests.databases import Shop, accept_exposure, catch_up_now, decide, deploy, migrate, planned_deployment, roll_back, switch, uninstall
from tests.series import LONG, first

ORPHANS = "SELECT COUNT(*) FROM orders WHERE artwork_id IS NOT NULL AND artwork_id NOT IN (SELECT a.id FROM artworks AS a)"
FILLED = ("customer_email", "access_token", "generation_status", "created_at", "updated_at", "generated_image_url")


def order_tests(shop: Shop, count: int) -> list[UUID]:
    """Somebody has ordered test artworks."""
    rows = shop.rows("SELECT id FROM artworks WHERE original_image_url LIKE 'test-%%' AND customer_email <> '' ORDER BY id LIMIT %s", count)
    for (artwork,) in rows:
        add_order(shop, artwork)
    return [artwork for (artwork,) in rows]


def follow(shop: Shop, made: Plan) -> Plan:
    """Do what each blocker of the plan says, statements first, and plan again."""
    for statement in {blocker.statement for blocker in made.blockers if blocker.statement}:
        shop.sql.execute(statement)  # type: ignore[call-overload]  # the product's own text
    for decision in {blocker.decision for blocker in made.blockers if blocker.decision and not blocker.statement}:
        decide(shop, *decision.split(" ", 1))
    return planned_deployment(shop)


def test_a_list_says_how_many_there_are_and_where_all_of_them_are(shop: Shop, tmp_path: Path) -> None:
    """A message shows ten problems of a rule, says how many there are, and a private file has all, without an e-mail or a token."""
    accept_exposure(shop)
    ordered = order_tests(shop, 25)
    made = planned_deployment(shop)
    assert [f"artwork {artwork}" for artwork in ordered] == [blocker.subject for blocker in made.blockers]
    error = Blocked("deploy-schema", made.number, made.blockers)
    error.listed_in = write_problems(tmp_path, error.list_name, error.problems)
    for message in (str(error), plan_markdown(made)):
        assert "referenced_test_data: 25 in all, the first 10 here; all of them are in " in message
        assert 10 == message.count("another table references it, but it is not migrated")
    (file,) = tmp_path.iterdir()
    assert (f"plan-{made.number}-blockers.csv", 0o600) == (file.name, file.stat().st_mode & 0o777)
    assert [str(artwork) for artwork in ordered] == [row["subject"].split()[1] for row in csv.DictReader(file.open())]
    assert "@" not in file.read_text()
    assert 10 == len(made.content()["blocking"])


@LONG
def test_ordered_test_data_is_migrated_on_a_decision(shop: Shop) -> None:
    """With the decision that the blocker names, ordered test data is migrated, and no order loses its artwork on either side."""
    accept_exposure(shop)
    (ordered,) = order_tests(shop, 1)
    assert () == follow(shop, planned_deployment(shop)).blockers
    deploy(shop)
    assert set(migrate(shop)) <= {"match", "excluded"}
    assert ordered == clean(shop, ordered, "id")
    assert [] == shop.rows("SELECT * FROM artwork_migration.strategy_count WHERE deviation = 'unexplained'")
    for move in (switch, roll_back, switch):
        move(shop)
        assert shop.value(ORPHANS) == 0


@LONG
def test_a_later_decision_about_ordered_test_data_is_caught_up(deployed: Shop) -> None:
    """Decided after the deployment, ordered test data is migrated by the next catch-up, and stays behind once that is revoked."""
    (ordered,) = order_tests(deployed, 1)
    migrate(deployed)
    assert clean(deployed, ordered, "id") is None
    for value, found in (("migrate", ordered), ("no", None)):
        with deployed.database.transaction("deciding") as connection:
            apply_at_once(connection, DecisionName.ORDERED_TEST_DATA, value)
        decide(deployed, "ordered_test_data", value)
        catch_up_now(deployed)
        assert found == clean(deployed, ordered, "id")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ({"updated_at": None}, "no_updated_at"),
        ({"created_at": None}, "no_created_at"),
        ({"access_token": None, "generation_status": "failed"}, "no_access_token"),
    ],
)
@first(1)
def test_an_order_that_would_be_lost_is_known_to_the_first_plan(shop: Shop, damage: dict[str, object], reason: str) -> None:
    """An ordered artwork that the clean table cannot take blocks the plan of deploy_schema; its statement opens it."""
    accept_exposure(shop)
    add_order(shop, add_legacy(shop, **damage))
    made = planned_deployment(shop)
    *counted, blocker = made.blockers
    assert {"quarantined"} >= {other.rule for other in counted}
    assert reason in blocker.problem
    assert () == follow(shop, made).blockers


@LONG
def test_orders_of_artworks_with_one_token_are_known_to_the_first_plan(make_shop: MakeShop) -> None:
    """Of two ordered artworks with one token the younger one blocks the plan; the statement gives it a token of its own."""
    shop = make_shop(Variant.OLDER)
    accept_exposure(shop)
    decide(shop, "max_quarantined", "1000")  # the sample has artworks with one token that nothing references
    assert () == planned_deployment(shop).blockers
    token = f"shared-{uuid4()}"
    for year in (2024, 2025):
        artwork = add_legacy(shop, access_token=token, created_at=f"{year}-01-01", updated_at=f"{year}-01-01")
        add_order(shop, artwork)
    made = planned_deployment(shop)
    assert [("referenced_quarantined", f"artwork {artwork}")] == [(one.rule, one.subject) for one in made.blockers]
    assert () == follow(shop, made).blockers


@LONG
@pytest.mark.parametrize("column", ["customer_name", "pet_name", "original_pet_mom_url", "original_pet_url", "token_expires_at"])
def test_a_missing_column_that_may_be_empty_is_added_by_the_statement(shop: Shop, column: str) -> None:
    """Where an empty column is enough, the statement of the refusal adds it, and the share of the migrated rows stays."""
    accept_exposure(shop)
    before = planned_deployment(shop).facts["legacy_rows"]
    shop.sql.execute(f"ALTER TABLE artworks DROP COLUMN {column} CASCADE")  # type: ignore[call-overload]  # one of those above
    with pytest.raises(PrerequisitesNotMet) as caught:
        planned_deployment(shop)
    (problem,) = caught.value.problems
    shop.sql.execute(problem.statement)  # type: ignore[call-overload]  # the product's own text
    made = planned_deployment(shop)
    assert before["eligible"] == (made.facts["legacy_rows"] or {})["eligible"]


@pytest.mark.parametrize("column", FILLED)
def test_a_missing_column_that_must_be_filled_has_no_statement(shop: Shop, column: str) -> None:
    """Where an empty column would leave the rows behind, the refusal says so and gives no statement."""
    shop.sql.execute(f"ALTER TABLE artworks DROP COLUMN {column} CASCADE")  # type: ignore[call-overload]  # one of those above
    with pytest.raises(PrerequisitesNotMet) as caught:
        planned_deployment(shop)
    (problem,) = (one for one in caught.value.problems if one.rule == "column_missing")
    assert "" == problem.statement
    assert "add it and fill it" in problem.remedy


def test_the_status_says_how_to_remove_the_ledger(shop: Shop) -> None:
    """A ledger without a deployment is in the status with the command that removes it, and that leaves nothing of ours."""
    before = shop.schema_dump()
    accept_exposure(shop)
    lines = dict(status_lines(read_status(shop.database)))
    assert "artwork-migration run roll-back --to NOT_STARTED" in lines["ledger"]
    uninstall(shop)
    assert before == shop.schema_dump()
    assert "ledger" not in dict(status_lines(read_status(shop.database)))


def test_many_rejected_writes_are_cleared_at_once(migrated: Shop) -> None:
    """clear_rejected_write takes a list of ids, or all that one object has rejected; an unknown id clears nothing."""
    migrated.sql.execute("ALTER TABLE artworks ADD CONSTRAINT short_names CHECK (LENGTH(pet_name) < 20) NOT VALID")
    artworks = [add_legacy(migrated) for _ in range(4)]
    catch_up_now(migrated)
    migrated.sql.execute("UPDATE artworks_v2 SET pet_name = REPEAT('x', 30) WHERE id = ANY(%s)", (artworks,))

    def clear(value: str) -> int:
        with migrated.database.transaction("deciding") as connection:
            name = DecisionName.CLEAR_REJECTED_WRITE
            apply_at_once(connection, name, checked_value(connection, name, value))
        return migrated.value("SELECT COUNT(*) FROM artwork_migration.rejected_write")

    stranger = uuid4()
    with pytest.raises(BadInput, match=f"have no rejected write: {stranger}"):
        clear(f"{artworks[0]}, {stranger}")
    with pytest.raises(BadInput, match=r"artworks\.nothing has rejected no write"):
        clear("all artworks.nothing")
    with pytest.raises(BadInput, match="takes ids of artworks"):
        clear("all")
    assert [2, 0] == [clear(f"{artworks[0]}, {artworks[1]}"), clear("all artworks.short_names")]
    assert ["Rex"] * 4 == [legacy(migrated, artwork, "pet_name") for artwork in artworks]


def test_a_decision_for_a_role_that_does_not_exist_is_refused(shop: Shop) -> None:
    """A decision that names a role that does not exist is bad input, and nothing is decided."""
    with shop.database.transaction("deciding") as connection, pytest.raises(BadInput, match="These roles do not exist: servce_role"):
        checked_value(connection, DecisionName.FUNCTION_ROLES, "service_role,servce_role")
    with shop.database.transaction("asking") as connection:
        assert connection.execute(text("SELECT TO_REGNAMESPACE('artwork_migration') IS NULL")).scalar_one()
