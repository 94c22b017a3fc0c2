"""The write-through: what the clean side writes stands in the legacy table in the same transaction, on both releases."""

from uuid import uuid4

import psycopg
import pytest

from sample.build import Variant
from sample.server import EmbeddedServer
from tests.artworks import add_clean, add_legacy, add_order, clean, empty_log, legacy, logged, rejected_writes
from tests.conftest import MakeShop
from tests.database.conftest import Steps
from tests.databases import Shop, catch_up_now
from tests.interleaving import break_function

UPDATE = "UPDATE public.artworks_v2 SET pet_name = 'Rexa' WHERE id = %s"


@pytest.fixture
def shop(deployed_on_either: Shop) -> Shop:
    """Both tables live."""
    return deployed_on_either


def test_an_insert_stands_in_the_legacy_table_mapped(shop: Shop) -> None:
    """A clean insert is a legacy row at once: same names, 'migrated-missing' as NULL, the first upload's URL from the mother's."""
    born = add_clean(shop, pet_mom_image_url="https://x/mom", pet_image_url="migrated-missing", upscaled_image_url="https://x/up")
    found = shop.rows(
        "SELECT customer_name, pet_name, original_pet_mom_url, original_image_url, original_pet_url, upscaled_image_url, upscale_status,"
        " generation_status FROM public.artworks WHERE id = %s",
        born,
    )
    assert [("Ada", "Rex", "https://x/mom", "https://x/mom", None, "https://x/up", "not_required", "completed")] == found
    assert [] == rejected_writes(shop)


def test_an_order_for_a_clean_born_artwork_works_at_once(shop: Shop) -> None:
    """An order for an artwork that was created in the clean table is accepted at once."""
    born = add_clean(shop)
    assert add_order(shop, born) is not None
    shop.sql.execute("ALTER TABLE public.artworks_v2 DISABLE TRIGGER artwork_migration_insert")
    unseen = add_clean(shop)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        add_order(shop, unseen)


def test_an_update_writes_the_changed_columns_only(shop: Shop) -> None:
    """An update of one clean column changes one legacy column, so what the legacy side wrote meanwhile stays."""
    artwork = add_legacy(shop)
    catch_up_now(shop)
    shop.sql.execute("UPDATE public.artworks SET customer_name = 'Grace', original_image_url = 'https://first' WHERE id = %s", (artwork,))
    shop.sql.execute(UPDATE, (artwork,))
    assert ("Rexa", "Grace") == (legacy(shop, artwork, "pet_name"), legacy(shop, artwork, "customer_name"))
    catch_up_now(shop)
    assert ("Rexa", "Grace") == (clean(shop, artwork, "pet_name"), clean(shop, artwork, "customer_name"))


def test_the_first_uploads_url_is_written_at_birth_only(shop: Shop) -> None:
    """A new URL of the mother's picture leaves original_image_url alone, which keeps the first upload."""
    artwork = add_clean(shop, pet_mom_image_url="https://x/first")
    shop.sql.execute("UPDATE public.artworks_v2 SET pet_mom_image_url = 'https://x/second' WHERE id = %s", (artwork,))
    assert "https://x/first" == legacy(shop, artwork, "original_image_url")
    assert "https://x/second" == legacy(shop, artwork, "original_pet_mom_url")


def test_both_sides_changes_at_the_same_time_merge_by_column(shop: Shop, steps: Steps) -> None:
    """A clean write that waits for a legacy write of the same artwork keeps both, because no row is written back whole."""
    artwork = add_legacy(shop)
    catch_up_now(shop)
    legacy_side, clean_side = shop.session(), shop.session()
    legacy_side.execute("UPDATE public.artworks SET customer_name = 'Grace' WHERE id = %s", (artwork,))
    waiting = steps.statement(shop, clean_side, UPDATE, artwork)
    waiting.blocks()
    legacy_side.commit()
    assert waiting.sqlstate() is None
    clean_side.commit()
    assert ("Rexa", "Grace") == (legacy(shop, artwork, "pet_name"), legacy(shop, artwork, "customer_name"))
    catch_up_now(shop)
    assert ("Rexa", "Grace") == (clean(shop, artwork, "pet_name"), clean(shop, artwork, "customer_name"))


def test_writing_every_column_back_would_lose_the_other_sides_change(shop: Shop) -> None:
    """If every column were written back, a clean write of the pet's name would undo a legacy write of the customer's."""
    artwork = add_legacy(shop)
    catch_up_now(shop)
    break_function(shop, "artwork_migration.legacy_write", "AND m.clean_column = ANY(columns)")
    shop.sql.execute("UPDATE public.artworks SET customer_name = 'Grace' WHERE id = %s", (artwork,))
    shop.sql.execute(UPDATE, (artwork,))
    assert "Ada" == legacy(shop, artwork, "customer_name")


def test_clean_only_columns_stay_and_are_no_refusal(shop: Shop) -> None:
    """What only the clean table holds survives a catch-up and is not listed as rejected."""
    artwork = add_clean(shop, generation_status="pending")
    changes = '{"generation_status": "processing", "fal_request_id": "f1"}'
    shop.sql.execute("SELECT public.update_artwork_lifecycle(%s, %s)", (artwork, changes))
    started = clean(shop, artwork, "generation_started_at")
    shop.sql.execute("UPDATE public.artworks SET pet_name = 'Rexa' WHERE id = %s", (artwork,))
    catch_up_now(shop)
    assert ("Rexa", "f1", started) == (
        clean(shop, artwork, "pet_name"),
        clean(shop, artwork, "fal_request_id"),
        clean(shop, artwork, "generation_started_at"),
    )
    assert [] == rejected_writes(shop)


def test_a_status_that_legacy_refuses_lands_as_the_nearest(make_shop: MakeShop, either_server: EmbeddedServer) -> None:
    """`processing` is written as `pending` to a legacy table that does not know it, and the clean row keeps it."""
    shop = make_shop(Variant.MINIMAL, phase="DEPLOYED", on=either_server)
    artwork = add_clean(shop, generation_status="processing")
    assert "pending" == legacy(shop, artwork, "generation_status")
    catch_up_now(shop)
    assert "processing" == clean(shop, artwork, "generation_status")
    assert [] == rejected_writes(shop)


def test_the_id_is_touched_and_logged_once(shop: Shop) -> None:
    """A clean write is in clean_modified and logged once, because the capture does not see the write-through's own writes."""
    artwork = add_legacy(shop)
    catch_up_now(shop)
    assert 0 == shop.value("SELECT COUNT(*) FROM artwork_migration.clean_modified")
    empty_log(shop)
    shop.sql.execute(UPDATE, (artwork,))
    assert artwork == shop.value("SELECT id FROM artwork_migration.clean_modified")
    assert [[artwork]] == logged(shop)


def test_our_own_writes_are_not_written_through(shop: Shop) -> None:
    """A transaction with artwork_migration.apply = on changes neither the legacy table, clean_modified nor the log."""
    artwork = add_legacy(shop)
    catch_up_now(shop)
    with shop.sql.transaction():
        shop.sql.execute("SET LOCAL artwork_migration.apply = 'on'")
        shop.sql.execute(UPDATE, (artwork,))
    assert "Rex" == legacy(shop, artwork, "pet_name")
    assert (0, []) == (shop.value("SELECT COUNT(*) FROM artwork_migration.clean_modified"), logged(shop))


def test_replica_role_does_not_silence_the_write_through(shop: Shop) -> None:
    """A write with session_replication_role = replica is written through, because the triggers are ENABLE ALWAYS."""
    artwork = add_legacy(shop)
    catch_up_now(shop)
    shop.sql.execute("SET session_replication_role = replica")
    shop.sql.execute(UPDATE, (artwork,))
    assert "Rexa" == legacy(shop, artwork, "pet_name")
    shop.sql.execute("ALTER TABLE public.artworks_v2 ENABLE TRIGGER artwork_migration_update")
    shop.sql.execute("UPDATE public.artworks_v2 SET pet_name = 'Rexb' WHERE id = %s", (artwork,))
    assert "Rexa" == legacy(shop, artwork, "pet_name")


def test_merge_and_copy_are_written_through(shop: Shop) -> None:
    """MERGE and COPY on the clean side reach the legacy table at once."""
    changed, gone, born, copied = add_clean(shop), add_clean(shop), uuid4(), uuid4()
    shop.sql.execute(
        "MERGE INTO public.artworks_v2 AS a USING (VALUES (%s::uuid, 'change'), (%s, 'delete'), (%s, 'insert')) AS n (id, what)"
        " ON a.id = n.id WHEN MATCHED AND n.what = 'delete' THEN DELETE WHEN MATCHED THEN UPDATE SET pet_name = 'Rexa'"
        " WHEN NOT MATCHED THEN INSERT (id, customer_name, customer_email, access_token, pet_mom_image_url, pet_image_url)"
        " VALUES (n.id, 'Ada', 'ada@x.example', 'merged', 'https://x/m', 'https://x/p')",
        (changed, gone, born),
    )
    columns = "id, customer_name, customer_email, access_token, pet_mom_image_url, pet_image_url"
    with shop.sql.cursor() as cursor, cursor.copy(f"COPY public.artworks_v2 ({columns}) FROM STDIN") as copy:
        copy.write_row((copied, "Ada", "ada@x.example", "copied", "https://x/m", "https://x/p"))
    assert ["Rexa", None] == [legacy(shop, one, "pet_name") for one in (changed, gone)]
    assert [None, born, copied] == [legacy(shop, one, "id") for one in (gone, born, copied)]
    assert [] == rejected_writes(shop)
