"""The switch and the way back from it: what hangs on the table goes along and comes back."""

import psycopg
import pytest

from sample.build import Variant
from sample.server import EmbeddedServer
from tests.conftest import MakeShop
from tests.databases import Shop, planned_switch, reconcile_now, roll_back, switch, uninstall
from tests.series import LONG, first, series


@pytest.fixture
def switched(make_shop: MakeShop) -> Shop:
    """The production-like sample with the clean table serving."""
    return make_shop(phase="SWITCHED")


@pytest.mark.parametrize("variant", series(Variant, {Variant.MINIMAL, Variant.CURRENT}))
@first(1)
def test_there_and_back(make_shop: MakeShop, either_server: EmbeddedServer, variant: Variant) -> None:
    """After a switch and a rollback the dump is as before, no row is lost, both sides agree, and everything can be uninstalled."""
    shop = make_shop(variant, phase="MIGRATED", on=either_server)
    before, rows = shop.schema_dump(), shop.value("SELECT COUNT(*) FROM artworks")
    assert () == planned_switch(shop).blockers
    switch(shop)
    assert rows == shop.value("SELECT COUNT(*) FROM artworks_old")
    roll_back(shop)
    assert (before, rows) == (shop.schema_dump(), shop.value("SELECT COUNT(*) FROM artworks"))
    assert set(reconcile_now(shop)) <= {"match", "excluded", "quarantined"}
    uninstall(shop)
    assert shop.value("SELECT TO_REGNAMESPACE('artwork_migration')") is None


@LONG
def test_a_second_switch_needs_no_second_copy(switched: Shop) -> None:
    """A second switch after a rollback copies no chunk again."""
    chunks = switched.rows("SELECT number, done_at FROM artwork_migration.chunk ORDER BY number")
    roll_back(switched)
    switch(switched)
    assert chunks == switched.rows("SELECT number, done_at FROM artwork_migration.chunk ORDER BY number")
    assert "pet_mom_image_url" in columns(switched, "artworks")


def columns(shop: Shop, table: str) -> set[str]:
    return {
        name for (name,) in shop.rows("SELECT attname FROM pg_attribute WHERE attrelid = TO_REGCLASS(%s) AND attnum > 0", f"public.{table}")
    }


def test_the_names_change_hands(switched: Shop) -> None:
    """After the switch the clean table is artworks, with keys and indexes of that name, and the legacy table is artworks_old with its
    own."""
    assert {"pet_mom_image_url", "original_image_url"} & columns(switched, "artworks") == {"pet_mom_image_url"}
    assert "original_image_url" in columns(switched, "artworks_old")
    names = "SELECT ARRAY_AGG(conname::text ORDER BY conname) FROM pg_constraint WHERE conrelid = TO_REGCLASS(%s) AND contype <> 'n'"
    live = switched.value(names, "public.artworks")
    assert {"artworks_pkey", "artworks_access_token_key", "artworks_user_id_fkey"} <= set(live)
    everything = switched.rows(
        "SELECT conname FROM pg_constraint WHERE conrelid IN ('artworks'::regclass, 'artworks_old'::regclass)"
        " UNION SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'artworks'::regclass"
    )
    assert [] == [name for (name,) in everything if "artworks_v2" in name]
    assert "artworks_old_pkey" in switched.value(names, "public.artworks_old")


def test_what_references_artworks_references_the_serving_table(switched: Shop) -> None:
    """After the switch the key of orders references the clean table with the same action, is valid, and none references the retired one."""
    key = switched.rows(
        "SELECT confrelid::regclass::text, confdeltype::text, convalidated FROM pg_constraint WHERE conname = 'orders_artwork_id_fkey'"
    )
    assert [("artworks", "c", True)] == key
    assert [] == switched.rows("SELECT 1 FROM pg_constraint WHERE contype = 'f' AND confrelid = 'artworks_old'::regclass")


def test_views_policies_and_publication_read_the_serving_table(switched: Shop) -> None:
    """After the switch only the materialized view that was set aside depends on the retired table."""
    depending = switched.rows(
        "SELECT DISTINCT COALESCE(w.ev_class::regclass::text, d.classid::regclass::text) FROM pg_depend AS d"
        " LEFT JOIN pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid"
        " WHERE d.refobjid = 'artworks_old'::regclass AND d.deptype = 'n' AND d.classid <> 'pg_constraint'::regclass"
        " AND COALESCE(w.ev_class::regclass::text, '') NOT LIKE 'artwork_migration.%' AND NOT EXISTS"
        " (SELECT FROM pg_policy AS p WHERE p.oid = d.objid AND p.polrelid = d.refobjid)"
        " AND d.classid <> 'pg_trigger'::regclass"
    )
    assert [("artwork_sales_old",)] == depending
    assert [("artworks",)] == switched.rows("SELECT tablename FROM pg_publication_tables WHERE pubname = 'supabase_realtime'")


def test_a_view_keeps_its_options(switched: Shop) -> None:
    """A view keeps its options over the switch; without security_invoker the gallery would show every customer's rows."""
    options = "SELECT reloptions FROM pg_class WHERE oid = TO_REGCLASS(%s)"
    assert ["security_invoker=true"] == switched.value(options, "public.artwork_gallery")
    assert ["security_invoker=true"] == switched.value(options, "public.artworks_v2")


@first(1)
@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_no_role_reads_more_than_before(make_shop: MakeShop, role: str) -> None:
    """After the switch the privileges of each role on table, columns and views are those on the legacy table before."""
    shop = make_shop(phase="MIGRATED")
    question = (
        "SELECT t.name, p.privilege, HAS_TABLE_PRIVILEGE(%s, t.name, p.privilege) FROM"
        " (VALUES ('public.artworks'), ('public.artworks_v2'), ('public.artwork_gallery'), ('public.artwork_sales')) AS t (name),"
        " (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS p (privilege) ORDER BY 1, 2"
    )
    column = "SELECT HAS_COLUMN_PRIVILEGE(%s, 'public.artworks', 'pet_name', 'SELECT')"
    before, of_column = shop.rows(question, role), shop.value(column, role)
    switch(shop)
    assert before == shop.rows(question, role)
    assert of_column == shop.value(column, role)


def test_the_materialized_view_is_there_and_filled(switched: Shop) -> None:
    """After the switch the materialized view has its name, its unique index and the rows of the serving table."""
    assert switched.value("SELECT SUM(artworks) FROM artwork_sales") == switched.value("SELECT COUNT(*) FROM artworks")
    assert switched.value("SELECT COUNT(*) FROM pg_index WHERE indrelid = 'artwork_sales'::regclass AND indisunique") == 1
    assert "public.artwork_sales_day_status_idx" == switched.value("SELECT 'public.' || 'artwork_sales_day_status_idx'::regclass")


def test_the_old_name_of_the_clean_table_goes_on_working(switched: Shop) -> None:
    """Reads and writes through the view artworks_v2 reach the serving table, also with ON CONFLICT."""
    artwork = switched.value("SELECT id FROM artworks LIMIT 1")
    switched.sql.execute("UPDATE artworks_v2 SET pet_name = 'Rex' WHERE id = %s", (artwork,))
    assert "Rex" == switched.value("SELECT pet_name FROM artworks WHERE id = %s", artwork)


def test_the_functions_follow(switched: Shop) -> None:
    """After the switch an artwork of the life-cycle functions is found by its token and can be ordered."""
    made = switched.rows(
        "SELECT (artwork).id, access_token FROM create_artwork('Ada', 'ada@example.com', 'Rex', 'https://a/1', 'https://a/2')"
    )
    artwork, token = made[0]
    switched.sql.execute("INSERT INTO orders (artwork_id, stripe_session_id, amount_cents) VALUES (%s, 'cs_ada', 100)", (artwork,))
    assert switched.value("SELECT COUNT(*) FROM get_orders_by_token(%s)", token) == 1
    assert artwork == switched.value("SELECT artwork_id FROM get_order_with_artwork('cs_ada')")


def test_our_functions_that_name_the_tables_are_disabled(switched: Shop) -> None:
    """A catch-up that got past every other guard finds no function, so retired values are not written over serving rows."""
    disabled = "SELECT COUNT(*) FROM pg_proc WHERE proname = ANY(%s) AND pronamespace = 'artwork_migration'::regnamespace"
    assert switched.value(disabled, ["catch_up_batch", "copy_block_range"]) == 0
    roll_back(switched)
    assert switched.value(disabled, ["catch_up_batch", "copy_block_range"]) == 2
    assert switched.value(disabled, ["carry_back_batch", "carry_back_rows", "guard_retired"]) == 0


def test_a_delete_through_the_old_name_leaves_orders_alone(switched: Shop) -> None:
    """A delete through the old name is refused if an order references the artwork, and from artworks the key decides."""
    ordered = switched.value("SELECT artwork_id FROM orders LIMIT 1")
    free = switched.value("SELECT id FROM artworks WHERE id NOT IN (SELECT artwork_id FROM orders) LIMIT 1")
    with pytest.raises(psycopg.errors.RestrictViolation):
        switched.sql.execute("DELETE FROM artworks_v2 WHERE id = %s", (ordered,))
    assert switched.sql.execute("DELETE FROM artworks_v2 WHERE id = %s", (free,)).rowcount == 1
    assert switched.sql.execute("DELETE FROM artworks WHERE id = %s", (ordered,)).rowcount == 1
    assert switched.value("SELECT COUNT(*) FROM orders WHERE artwork_id = %s", ordered) == 0


def test_a_delete_through_the_old_name_obeys_row_level_security(switched: Shop) -> None:
    """A customer, who has no policy for DELETE, deletes nothing through the old name."""
    artwork, user = switched.rows("SELECT id, user_id::text FROM artworks WHERE user_id IS NOT NULL LIMIT 1")[0]
    session = switched.session(role="authenticated")
    session.execute("SELECT set_config('request.jwt.claims', %s, true)", (f'{{"sub": "{user}", "role": "authenticated"}}',))
    assert session.execute("SELECT COUNT(*) FROM artworks_v2 WHERE id = %s", (artwork,)).fetchone() == (1,)
    assert session.execute("DELETE FROM artworks_v2 WHERE id = %s", (artwork,)).rowcount == 0
