"""A legacy row that gets another id: the clean row follows, with what only the clean side holds."""

from uuid import uuid4

from psycopg.types.json import Jsonb

from tests.artworks import add_clean, add_legacy, clean, legacy
from tests.database.conftest import Steps
from tests.databases import Shop, catch_up_now, copy, reconcile_now


def test_the_clean_row_follows_with_its_own_values(deployed: Shop) -> None:
    """After a key change the new id has the request and the parameters that only the clean side knows, and the old id is gone."""
    old, new = add_clean(deployed, fal_request_id="fal_1", generation_params=Jsonb({"steps": 4})), uuid4()
    deployed.sql.execute("UPDATE artworks SET id = %s WHERE id = %s", (new, old))
    catch_up_now(deployed)
    assert (clean(deployed, new, "fal_request_id"), clean(deployed, new, "generation_params")) == ("fal_1", {"steps": 4})
    assert clean(deployed, old, "id") is None
    assert deployed.value("SELECT COUNT(*) FROM artwork_migration.key_change") == 0


def test_a_failed_artwork_stays_touched_under_its_new_id(deployed: Shop) -> None:
    """A failed artwork that the clean side works with stays under its new id, although an untouched one would be excluded."""
    old, new = add_clean(deployed, generation_status="failed"), uuid4()
    deployed.sql.execute("UPDATE artworks SET id = %s WHERE id = %s", (new, old))
    catch_up_now(deployed)
    assert clean(deployed, new, "generation_status") == "failed"


def test_two_changes_in_a_row(deployed: Shop) -> None:
    """After two key changes before any catch-up, the values are on the last id."""
    first, second, third = add_clean(deployed, fal_request_id="fal_1"), uuid4(), uuid4()
    deployed.sql.execute("UPDATE artworks SET id = %s WHERE id = %s", (second, first))
    deployed.sql.execute("UPDATE artworks SET id = %s WHERE id = %s", (third, second))
    catch_up_now(deployed)
    assert [clean(deployed, one, "fal_request_id") for one in (first, second, third)] == [None, None, "fal_1"]


def test_a_row_copied_under_the_new_id_makes_room(deployed: Shop) -> None:
    """If the backfill copied the new id before catch-up, nothing that only the old row held is lost."""
    old, new = add_clean(deployed, fal_request_id="fal_1"), uuid4()
    deployed.sql.execute("UPDATE artworks SET id = %s, access_token = %s WHERE id = %s", (new, str(uuid4()), old))
    copy(deployed)
    assert clean(deployed, new, "id") == new
    catch_up_now(deployed)
    assert clean(deployed, new, "fal_request_id") == "fal_1"
    assert clean(deployed, old, "id") is None


def test_a_write_to_the_old_id_reaches_the_legacy_row(deployed: Shop) -> None:
    """A clean write to the old id, between the key change and catch-up, lands in the legacy row."""
    old, new = add_legacy(deployed), uuid4()
    catch_up_now(deployed)
    deployed.sql.execute("UPDATE artworks SET id = %s WHERE id = %s", (new, old))
    deployed.sql.execute("UPDATE artworks_v2 SET pet_name = 'Lassie' WHERE id = %s", (old,))
    assert legacy(deployed, new, "pet_name") == "Lassie"
    catch_up_now(deployed)
    assert clean(deployed, new, "pet_name") == "Lassie"
    assert set(reconcile_now(deployed)) <= {"match", "excluded", "missing"}


def test_truncating_what_references_artworks_is_captured(migrated: Shop) -> None:
    """TRUNCATE of a referencing table logs the artworks that lost their orders."""
    ordered = migrated.value("SELECT COUNT(DISTINCT artwork_id) FROM orders")
    catch_up_now(migrated)
    migrated.sql.execute("TRUNCATE orders CASCADE")
    assert migrated.value("SELECT COUNT(*) FROM artwork_migration.pending_artwork") >= ordered
    catch_up_now(migrated)
    assert set(reconcile_now(migrated)) == {"match", "excluded"}


def test_a_key_changed_while_a_batch_is_at_work(deployed: Shop, steps: Steps) -> None:
    """A key that changes while a batch is open leaves the clean row to the next batch."""
    old, new = add_clean(deployed, fal_request_id="fal_1"), uuid4()
    writer, worker = deployed.session(), deployed.session()
    writer.execute("SELECT FROM artworks_v2 WHERE id = %s FOR UPDATE", (old,))
    batch = steps.statement(deployed, worker, "SELECT * FROM artwork_migration.catch_up_batch(500)")
    batch.blocks()
    deployed.sql.execute("UPDATE artworks SET id = %s WHERE id = %s", (new, old))
    writer.commit()
    batch.result()
    worker.commit()
    catch_up_now(deployed)
    assert "fal_1" == clean(deployed, new, "fal_request_id")
