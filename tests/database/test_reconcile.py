"""Reconcile on real damage: each verdict, each column, the sum of law 1 and the independent count."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

import sql
from migration.errors import DatabaseError
from migration.sync import reconcile
from sample.build import Variant
from tests.artworks import add_clean, add_legacy, clean, empty_log, relax_clean_names, verdict
from tests.conftest import MakeShop
from tests.databases import Shop, catch_up_now, deploy, migrate, reconcile_now, running
from tests.interleaving import break_function
from tests.owned import handed_over
from tests.series import LONG, first
from tests.waiting import wait_until

#: Each column that stands on both sides, and a wrong value for it.
DAMAGE = {
    "user_id": "NULL",
    "customer_name": "'Grace'",
    "customer_email": "'grace@x.example'",
    "pet_name": "NULL",
    "pet_mom_image_url": "'https://x/other'",
    "pet_image_url": "'migrated-missing'",
    "generated_image_url": "NULL",
    "upscaled_image_url": "'https://x/other'",
    "generation_status": "'failed'",
    "upscale_status": "'processing'",
    "upscale_completed_at": "NOW()",
    "access_token": "'other'",
    "token_expires_at": "'infinity'",
    "created_at": "created_at + INTERVAL '1 microsecond'",
    "updated_at": "updated_at - INTERVAL '1 microsecond'",
}


@pytest.fixture
def shop(migrated: Shop) -> Shop:
    """A migrated sample with nothing in the log."""
    empty_log(migrated)
    return migrated


def _damage(shop: Shop, statement: str, *parameters: object) -> None:
    """Change a table behind everybody's back, as a restore or a hand would."""
    with shop.sql.transaction():
        shop.sql.execute("SET LOCAL artwork_migration.apply = 'on'")
        shop.sql.execute(statement, parameters or None)


def _some(shop: Shop) -> UUID:
    return shop.value("SELECT id FROM public.artworks_v2 WHERE user_id IS NOT NULL ORDER BY id LIMIT 1")


def _rules(shop: Shop) -> dict[str, int]:
    """How much of each rule is bad in the newest look, the green ones left out."""
    newest = "(SELECT MAX(run) FROM artwork_migration.rule_result)"
    return dict(shop.rows(f"SELECT rule, bad FROM artwork_migration.rule_result WHERE bad > 0 AND run = {newest}"))


def _found(shop: Shop) -> list[tuple[str, UUID, list[str]]]:
    """The findings of the newest look that some rule judges."""
    return [
        (rule, artwork, columns)
        for rule, artwork, columns in shop.rows(
            "SELECT rule, id, about FROM artwork_migration.finding"
            " WHERE run = (SELECT MAX(run) FROM artwork_migration.reconciliation) AND rule <> 'customer_left_with_nothing'"
            " ORDER BY id, rule"
        )
    ]


def test_a_migration_that_went_well_has_no_finding(shop: Shop) -> None:
    """Every row has a verdict, all rules are green, and each of them has checked something."""
    counts = reconcile_now(shop)
    assert {"match", "excluded"} == set(counts)
    assert ({}, []) == (_rules(shop), _found(shop))
    assert 0 == shop.value("SELECT COUNT(*) FROM artwork_migration.rule_result WHERE checked = 0")


@pytest.mark.parametrize("column", list(DAMAGE))
@first(5)
def test_one_wrong_value_is_found_by_its_column(shop: Shop, column: str) -> None:
    """A value that differs from the mapping is one finding, with id and column and without the value."""
    artwork = _some(shop)
    _damage(shop, f"UPDATE public.artworks_v2 SET {column} = {DAMAGE[column]} WHERE id = %s", artwork)
    reconcile_now(shop)
    assert [("differs", artwork, [column])] == _found(shop)
    assert {"differs": 1} == _rules(shop)


def test_every_column_of_both_sides_is_compared(shop: Shop) -> None:
    """Every column of the clean table is compared, except the key and those that only the clean side has."""
    question = "SELECT attname FROM pg_attribute WHERE attrelid = 'public.artworks_v2'::regclass AND attnum > 0"
    columns = {row[0] for row in shop.rows(question)}
    clean_only = {"generation_started_at", "generation_completed_at", "upscale_started_at", "fal_request_id", "generation_params"}
    assert columns - clean_only - {"id"} == set(DAMAGE)


def test_a_row_that_is_gone_is_missing(shop: Shop) -> None:
    """A lost clean row is found as missing, and the independent count differs."""
    artwork = _some(shop)
    _damage(shop, "DELETE FROM public.artworks_v2 WHERE id = %s", artwork)
    reconcile_now(shop)
    assert [("missing", artwork, []), ("strategy_count", artwork, ["eligible"])] == _found(shop)
    assert {"missing": 1, "strategy_count": 1} == _rules(shop)


def test_a_row_that_should_not_be_there_is_extra(shop: Shop) -> None:
    """A clean row is extra if legacy has no such row, and if the rules leave the legacy row behind."""
    ghost, excluded = add_clean(shop), add_legacy(shop, original_image_url="test-1")
    _damage(shop, "DELETE FROM public.artworks WHERE id = %s", ghost)
    _damage(
        shop,
        "INSERT INTO public.artworks_v2 (id, customer_name, customer_email, pet_mom_image_url, pet_image_url, access_token)"
        " VALUES (%s, 'Ada', 'a@x', 'u', 'u', 't')",
        excluded,
    )
    empty_log(shop)
    reconcile_now(shop)
    found = {("extra", ghost, ""), ("extra", excluded, "test_data"), ("strategy_count", excluded, "test_data")}
    assert found == {(rule, artwork, "".join(about)) for rule, artwork, about in _found(shop)}
    assert {"extra": 2, "strategy_count": 1} == _rules(shop)


def test_a_write_that_is_on_its_way_is_pending_and_then_agrees(shop: Shop) -> None:
    """A row in transit is pending in the first comparison, and agrees after catch-up and a second comparison of its id."""
    changed, deleted, born = _some(shop), add_legacy(shop), add_legacy(shop)
    catch_up_now(shop)
    shop.sql.execute("UPDATE public.artworks SET pet_name = 'Rexa' WHERE id = ANY(%s)", ([changed, born],))
    shop.sql.execute("DELETE FROM public.artworks WHERE id = %s", (deleted,))
    assert ["pending"] * 3 == [verdict(shop, artwork) for artwork in (changed, deleted, born)]
    counts = reconcile_now(shop)
    assert 3 == counts["pending"]
    assert ({}, []) == (_rules(shop), _found(shop))


def test_a_write_that_nobody_logged_is_no_pending_one(shop: Shop) -> None:
    """A legacy write that the capture did not log differs, and catch-up does not fix it unasked."""
    artwork = _some(shop)
    _damage(shop, "UPDATE public.artworks SET pet_name = 'Rexa' WHERE id = %s", artwork)
    reconcile_now(shop)
    assert [("differs", artwork, ["pet_name", "updated_at"])] == _found(shop)


def test_a_pending_row_that_catch_up_does_not_fix_stays_a_finding(shop: Shop) -> None:
    """A pending row that catch-up does not fix is still a finding in the second comparison, and the rule is red."""
    artwork = _some(shop)
    shop.sql.execute("UPDATE public.artworks SET pet_name = 'Rexa' WHERE id = %s", (artwork,))
    break_function(shop, "artwork_migration.apply_changes", '"pet_name" = EXCLUDED."pet_name"', '"pet_name" = c."pet_name"')
    reconcile_now(shop)
    assert [("differs", artwork, ["pet_name"])] == _found(shop)


def test_a_rejected_write_is_red_until_it_is_decided(shop: Shop) -> None:
    """A write that legacy rejected has its own verdict until it is decided, logged or not, with a legacy row or without."""
    changed, born = _some(shop), uuid4()
    relax_clean_names(shop)
    shop.sql.execute("UPDATE public.artworks_v2 SET customer_name = NULL WHERE id = %s", (changed,))
    token = shop.value("SELECT access_token FROM public.artworks WHERE original_image_url LIKE 'test-%' AND access_token <> '' LIMIT 1")
    add_clean(shop, id=born, access_token=token)
    reconcile_now(shop)
    assert {("refused", changed), ("refused", born)} == {(rule, artwork) for rule, artwork, _ in _found(shop)}
    assert {"refused": 2} == _rules(shop)


def test_the_next_run_fixes_what_a_red_one_found(shop: Shop) -> None:
    """The next migrate_data logs the findings of a red one, so catch-up fixes what it can."""
    changed, lost = shop.rows("SELECT id FROM public.artworks_v2 ORDER BY id LIMIT 2")
    _damage(shop, "UPDATE public.artworks_v2 SET pet_name = 'Wrong' WHERE id = %s", changed[0])
    _damage(shop, "DELETE FROM public.artworks_v2 WHERE id = %s", lost[0])
    reconcile_now(shop)
    assert {"differs": 1, "missing": 1, "strategy_count": 1} == _rules(shop)
    migrate(shop)
    assert ({}, []) == (_rules(shop), _found(shop))


def test_references_that_went_without_a_trace_are_found(shop: Shop) -> None:
    """An artwork that was migrated for an order is extra if the order went uncaptured, and the next run removes it."""
    artwork = add_legacy(shop, generation_status="failed")
    shop.sql.execute("INSERT INTO public.orders (artwork_id, stripe_session_id, amount_cents) VALUES (%s, 's', 1)", (artwork,))
    catch_up_now(shop)
    assert artwork == clean(shop, artwork, "id")
    shop.sql.execute("ALTER TABLE public.orders DISABLE TRIGGER ALL")
    shop.sql.execute("TRUNCATE public.orders CASCADE")
    reconcile_now(shop)
    assert ("extra", artwork, ["not_completed"]) in _found(shop)
    migrate(shop)
    assert ({}, None) == (_rules(shop), clean(shop, artwork, "id"))


@pytest.mark.parametrize("variant", list(Variant))
def test_the_sum_is_the_number_of_legacy_rows(make_shop: MakeShop, variant: Variant) -> None:
    """The verdicts on legacy rows add up to a plain count of the table (law 1), and a verdict left out is seen."""
    shop = make_shop(variant, phase="MIGRATED")
    counted = "SELECT SUM(row_count)::bigint FROM artwork_migration.reconciliation WHERE legacy_row"
    assert shop.value("SELECT COUNT(*) FROM public.artworks") == shop.value(counted)
    assert 0 == shop.value("SELECT bad FROM artwork_migration.rule_result WHERE rule = 'sum'")
    view = shop.value("SELECT PG_GET_VIEWDEF('artwork_migration.verdict'::regclass)").rstrip(";")
    shop.sql.execute(f"CREATE OR REPLACE VIEW artwork_migration.verdict AS SELECT * FROM ({view}) AS v WHERE v.verdict <> 'excluded'")
    reconcile_now(shop)
    assert _rules(shop)["sum"] > 0


@pytest.mark.parametrize("variant", list(Variant))
def test_the_number_migrated_equals_an_independent_query(make_shop: MakeShop, variant: Variant) -> None:
    """The strategy's WHERE clause with the design's deviations names exactly the rows of the clean table."""
    shop = make_shop(variant, phase="MIGRATED")
    expected = shop.rows(
        """
        WITH wanted AS (
          SELECT a.* FROM public.artworks AS a
          WHERE
            TRIM(a.customer_email) <> '' AND TRIM(a.access_token) <> ''
            AND (a.original_image_url NOT LIKE 'test-%' OR a.original_image_url IS NULL)
            AND (a.generation_status = 'completed' OR a.id IN (SELECT o.artwork_id FROM public.orders AS o))
            AND a.created_at IS NOT NULL AND a.generation_status IN ('pending', 'processing', 'completed', 'failed')
        )
        SELECT DISTINCT ON (w.access_token) w.id FROM wanted AS w ORDER BY w.access_token, w.created_at, w.id
        """
    )
    assert sorted(expected) == shop.rows("SELECT id FROM public.artworks_v2 ORDER BY id")
    assert 0 == shop.value("SELECT bad FROM artwork_migration.rule_result WHERE rule = 'strategy_count'")
    strategy = shop.value(
        "SELECT COUNT(*) FROM public.artworks WHERE customer_email IS NOT NULL AND access_token IS NOT NULL"
        " AND original_image_url NOT LIKE 'test-%' AND generation_status = 'completed'"
    )
    assert strategy == shop.value("SELECT SUM(row_count)::bigint FROM artwork_migration.strategy_count WHERE in_strategy")


@pytest.mark.parametrize("connections", [1, 3])
def test_a_comparison_is_one_snapshot(shop: Shop, connections: int) -> None:
    """All counts of a comparison are of one snapshot, over however many connections, although the application adds rows meanwhile."""
    over = threading.Event()
    with running(shop) as run, ThreadPoolExecutor() as application:
        run.settings = run.settings.model_copy(update={"copy_connections": connections})
        run.begin()
        adding = application.submit(_add_until, over, shop)
        reconcile.reconcile(run)
        over.set()
        assert adding.result() > 0
    assert 1 == shop.value(
        "SELECT COUNT(DISTINCT n) FROM (SELECT SUM(row_count) AS n FROM artwork_migration.reconciliation WHERE run = %s AND legacy_row"
        " UNION ALL SELECT SUM(row_count) FROM artwork_migration.strategy_count WHERE run = %s"
        " UNION ALL SELECT checked FROM artwork_migration.rule_result WHERE run = %s AND rule = 'sum') AS counted",
        *[run.epoch] * 3,
    )


@pytest.mark.parametrize("connections", [1, 3])
def test_a_table_truncated_after_the_snapshot_is_compared_with_a_new_one(shop: Shop, connections: int) -> None:
    """The old snapshot shows it as empty, and not what its truncation has logged; nothing is found that a moment later is not so."""
    waiting = "SELECT COUNT(*) > 0 FROM pg_locks AS l WHERE l.relation = 'public.orders'::regclass AND NOT l.granted"
    with running(shop) as run, ThreadPoolExecutor() as pool, shop.session() as session:
        run.settings = run.settings.model_copy(update={"copy_connections": connections})
        run.begin()
        session.execute("TRUNCATE public.orders CASCADE")
        counts = pool.submit(reconcile.reconcile, run)
        wait_until(lambda: shop.value(waiting))
        session.commit()
        assert {"match", "excluded", "pending"} == set(counts.result())
    assert [] == _found(shop)


def test_after_an_error_no_further_comparison_begins(shop: Shop) -> None:
    """If a comparison fails over one connection, none is left for the others, so the run ends with its error and without the rest."""
    shop.sql.execute("ALTER VIEW artwork_migration.round_trip RENAME TO away")
    files = iter([sql.load("reconcile/round_trip"), *sql.folder("reconcile/statistics")])
    with running(shop) as run, pytest.raises(DatabaseError, match="42P01"), run.database.transaction("reconciling") as connection:
        reconcile._execute(run, connection, files)
    assert [] == list(files)


def _add_until(over: threading.Event, shop: Shop) -> int:
    added = 0
    with shop.session(autocommit=True) as session:
        while not over.is_set():
            session.execute(
                "INSERT INTO public.artworks (original_image_url, customer_name, customer_email) VALUES ('test-1', 'A', 'a@b.c')"
            )
            added += 1
    return added


@LONG
def test_a_server_with_no_connection_to_spare_compares_over_those_it_has(make_shop: MakeShop) -> None:
    """A role that may have fewer connections than the comparison asks for compares every row over those that it has."""
    with handed_over(make_shop()) as shop:
        deploy(shop)
        migrate(shop)
        shop.sql.execute("ALTER ROLE shopkeeper CONNECTION LIMIT 3")
        try:
            with running(shop) as run:
                run.settings = run.settings.model_copy(update={"copy_connections": 6})
                run.begin()
                assert shop.value("SELECT COUNT(*) FROM public.artworks") == sum(reconcile.reconcile(run).values())
                assert 0 < shop.value("SELECT COUNT(*) FROM artwork_migration.strategy_count WHERE run = %s", run.epoch)
        finally:
            shop.sql.execute("ALTER ROLE shopkeeper CONNECTION LIMIT -1")
