"""The clean-up: what goes, what stays, and that the product goes on without us."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migration.errors import NoReport
from migration.ledger.phases import Phase
from reporting.plans import plan_markdown
from reporting.report import read_report
from reporting.status import read_status
from reporting.status_lines import status_lines
from sample.build import Variant
from sample.server import EmbeddedServer
from tests.artworks import add_order
from tests.conftest import MakeShop
from tests.databases import Shop, decide, execute_clean_up, finish_clean_up, make_ready, planned_clean_up
from tests.series import first


@pytest.fixture
def ready(make_shop: MakeShop) -> Shop:
    """The production-like sample, switched, with nothing that speaks against the clean-up."""
    shop = make_shop(phase="SWITCHED")
    make_ready(shop)
    return shop


def clean_up(shop: Shop, folder: Path) -> None:
    """SWITCHED → CLEANED, with all that follows."""
    execute_clean_up(shop)
    finish_clean_up(shop, folder)


@pytest.mark.parametrize("variant", list(Variant))
@first(1)
def test_nothing_of_ours_is_left_but_the_record(
    make_shop: MakeShop, either_server: EmbeddedServer, variant: Variant, tmp_path: Path
) -> None:
    """After clean_up, public neither names nor needs the migration, the ledger's own tables are left, and every serving row is there."""
    shop = make_shop(variant, phase="SWITCHED", on=either_server)
    make_ready(shop)
    serving = shop.rows("SELECT a::text FROM artworks AS a ORDER BY a.id")
    assert () == planned_clean_up(shop).blockers
    assert depending_on_our_schema(shop)
    clean_up(shop, tmp_path)
    assert serving == shop.rows("SELECT a::text FROM artworks AS a ORDER BY a.id")
    assert [] == [line for line in shop.schema_dump("--schema=public") if "artwork_migration" in line or "_old" in line]
    assert [] == depending_on_our_schema(shop)
    left = shop.rows("SELECT relname FROM pg_class WHERE relnamespace = 'artwork_migration'::regnamespace AND relkind IN ('r', 'v', 'm')")
    kept = {"phase_history", "step", "decision", "plan", "verification", "pause", "wait", "lock_attempt", "progress"}
    assert kept == {name for (name,) in left}
    assert shop.value("SELECT COUNT(*) FROM pg_proc WHERE pronamespace = 'artwork_migration'::regnamespace") == 0


def depending_on_our_schema(shop: Shop) -> list[tuple[Any, ...]]:
    """What stands elsewhere and depends on anything in our schema."""
    return shop.rows(
        "SELECT s.needing, s.needed FROM (SELECT PG_DESCRIBE_OBJECT(d.classid, d.objid, 0) AS needing,"
        " PG_DESCRIBE_OBJECT(d.refclassid, d.refobjid, 0) AS needed FROM pg_depend AS d) AS s"
        " WHERE s.needed LIKE '%artwork_migration.%' AND s.needing NOT LIKE '%artwork_migration.%' AND s.needing NOT LIKE '%pg_toast%'"
    )


def test_the_product_goes_on(ready: Shop, tmp_path: Path) -> None:
    """After clean_up the life cycle functions and orders work, times are set, an impossible step is refused, and TRUNCATE works again."""
    clean_up(ready, tmp_path)
    artwork = ready.value("SELECT (artwork).id FROM create_artwork('Ada', 'ada@example.com', 'Rex', 'https://a/1', 'https://a/2')")
    update = "SELECT update_artwork_lifecycle(%s, %s)"
    ready.sql.execute(update, (artwork, '{"generation_status": "processing"}'))
    ready.sql.execute(update, (artwork, '{"generation_status": "completed", "generated_image_url": "https://a/3"}'))
    assert ready.value("SELECT generation_completed_at >= generation_started_at FROM artworks WHERE id = %s", artwork)
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        ready.sql.execute(update, (artwork, '{"generation_status": "pending"}'))
    add_order(ready, artwork)
    assert ready.value("SELECT COUNT(*) FROM orders AS o JOIN artworks AS a ON o.artwork_id = a.id WHERE a.id = %s", artwork) == 1
    ready.sql.execute("DELETE FROM users WHERE email = 'ada@example.com'; TRUNCATE artworks CASCADE")


def test_a_disabled_life_cycle_trigger_stays_disabled(ready: Shop, tmp_path: Path) -> None:
    """clean_up creates the life-cycle trigger without its condition, and leaves it disabled if it was."""
    ready.sql.execute("ALTER TABLE artworks DISABLE TRIGGER artworks_lifecycle")
    clean_up(ready, tmp_path)
    assert "D" == ready.value("SELECT tgenabled::text FROM pg_trigger WHERE tgname = 'artworks_lifecycle'")


def test_the_plan_marks_the_point_of_no_return_and_counts_what_goes(ready: Shop) -> None:
    """The plan marks the statement that drops the retired table, and no statement has CASCADE."""
    ready.sql.execute("CREATE FUNCTION late() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT COUNT(*) FROM artworks_v2); END'")
    made = planned_clean_up(ready)
    marked = [statement for statement in made.statements if "POINT OF NO RETURN" in statement.do]
    assert ["locked"] == [statement.stage for statement in marked]
    assert marked[0].do.endswith("DROP TABLE public.artworks_old")
    assert "POINT OF NO RETURN" in plan_markdown(made)
    assert [] == [statement for statement in made.statements if "CASCADE" in statement.do]
    assert made.facts["retired_rows"] == ready.value("SELECT COUNT(*) FROM artworks_old")
    assert made.facts["functions_whose_text_names_what_goes"] == ["public.late()"]


def test_test_data_goes_on_a_decision_only_and_never_under_an_order(ready: Shop, tmp_path: Path) -> None:
    """Test data is deleted if it was decided, and never if an order references it; the plan counts it."""
    free, ordered = (make_test_data(ready, number) for number in range(2))
    add_order(ready, ordered)
    counted = {"row_count": 1, "ids": [free]}
    before = planned_clean_up(ready)
    assert counted == before.facts["remove_test_data_would_remove"]
    assert str(free) in plan_markdown(before)
    decide(ready, "remove_test_data", "yes")
    after = planned_clean_up(ready)
    assert {"test data"} == {row.object for row in after.statements} - {row.object for row in before.statements}
    clean_up(ready, tmp_path)
    assert [(ordered,)] == ready.rows("SELECT id FROM artworks WHERE id IN (%s, %s)", free, ordered)


def test_without_a_decision_test_data_stays(ready: Shop, tmp_path: Path) -> None:
    """Test data that was made on the clean side stays if nothing was decided."""
    artwork = make_test_data(ready, 1)
    clean_up(ready, tmp_path)
    assert ready.value("SELECT COUNT(*) FROM artworks WHERE id = %s", artwork) == 1


def make_test_data(shop: Shop, number: int) -> Any:
    return shop.value(
        "SELECT (artwork).id FROM create_artwork('Test', %s, 'Rex', %s, 'https://a/2')", f"test{number}@example.com", f"test-{number}"
    )


def test_ownerless_users_of_ours_go_on_a_decision_only(ready: Shop, tmp_path: Path) -> None:
    """On a decision clean_up deletes users that migrate_data created and who own nothing, and no other user."""
    owning = "SELECT c.id FROM artwork_migration.created_user AS c WHERE c.id IN (SELECT user_id FROM artworks) ORDER BY c.id LIMIT 3"
    ownerless, claimed, owner = (row[0] for row in ready.rows(owning))
    before = planned_clean_up(ready).facts["remove_ownerless_users_would_remove"]["row_count"]
    ready.sql.execute("DELETE FROM artworks WHERE user_id IN (%s, %s)", (ownerless, claimed))
    ready.sql.execute("UPDATE users SET is_anonymous = FALSE WHERE id = %s", (claimed,))
    counted = planned_clean_up(ready).facts["remove_ownerless_users_would_remove"]
    assert (before + 1, True) == (counted["row_count"], ownerless in counted["ids"])
    decide(ready, "remove_ownerless_users", "yes")
    users = ready.value("SELECT COUNT(*) FROM users")
    clean_up(ready, tmp_path)
    assert users - before - 1 == ready.value("SELECT COUNT(*) FROM users")
    assert {claimed, owner} == {row[0] for row in ready.rows("SELECT id FROM users WHERE id IN (%s, %s, %s)", ownerless, claimed, owner)}


def test_the_ledger_is_in_a_file_before_the_logs_go(ready: Shop, tmp_path: Path) -> None:
    """The export has runs, plans, verifications, findings and created users, and its path is in the ledger."""
    created = ready.value("SELECT COUNT(*) FROM artwork_migration.created_user")
    clean_up(ready, tmp_path)
    path = Path(ready.value("SELECT details ->> 'path' FROM artwork_migration.step WHERE name = 'export of the ledger'"))
    content = json.loads(path.read_text())
    assert {"phase_history", "plan", "verification", "finding", "reconciliation"} <= set(content)
    assert created == len(content["created_user"])


def test_the_status_says_that_it_is_done(ready: Shop, tmp_path: Path) -> None:
    """The status reports that the migration is done, and `report` why it has no page."""
    execute_clean_up(ready)
    lines = dict(status_lines(read_status(ready.database)))
    assert "clean-up again" in lines["may be run next"]
    finish_clean_up(ready, tmp_path)
    found = read_status(ready.database)
    assert Phase.CLEANED is found.phase.phase
    lines = dict(status_lines(found))
    assert ("nothing", Phase.CLEANED.serves) == (lines["may be run next"], lines["serves"])
    with pytest.raises(NoReport, match="clean-up has dropped"):
        read_report(ready.database)
