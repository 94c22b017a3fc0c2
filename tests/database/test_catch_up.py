"""Catch-up against the application: every interleaving that lost a write in another shape, stepped."""

from uuid import UUID, uuid4

import psycopg
import pytest

from migration.sync import catch_up
from tests.artworks import add_clean, add_legacy, add_order, add_user, clean, legacy, logged, verdict
from tests.database.conftest import Steps
from tests.databases import SETTINGS, Shop, catch_up_now, running
from tests.interleaving import Barrier, break_function

BATCH = "SELECT * FROM artwork_migration.catch_up_batch(500)"
RENAME = "UPDATE public.artworks SET pet_name = %s WHERE id = %s"
RENAME_CLEAN = "UPDATE public.artworks_v2 SET pet_name = %s WHERE id = %s"


@pytest.fixture
def shop(deployed: Shop) -> Shop:
    """Both tables live, nothing logged."""
    return deployed


def _in_step(shop: Shop, **columns: object) -> UUID:
    artwork = add_legacy(shop, **columns)
    catch_up_now(shop)
    return artwork


def _legacy_write_during_a_batch(shop: Shop, steps: Steps) -> str:
    """The pet's name on the clean side after a legacy write that came when the batch had read its rows, and one more catch-up."""
    artwork = _in_step(shop)
    barrier = Barrier(shop)
    shop.sql.execute(RENAME, ("early", artwork))
    barrier.close()
    batch = steps.statement(shop, shop.session(autocommit=True), BATCH)
    batch.blocks()
    shop.sql.execute(RENAME, ("late", artwork))
    barrier.open()
    assert batch.sqlstate() is None
    assert "early" == clean(shop, artwork, "pet_name")
    catch_up_now(shop)
    return str(clean(shop, artwork, "pet_name"))


def test_a_legacy_write_during_a_batch_is_in_the_next_one(shop: Shop, steps: Steps) -> None:
    """A write during a batch neither waits for it nor is lost: the batch consumes the log first, and the write is in the next one."""
    assert "late" == _legacy_write_during_a_batch(shop, steps)


def test_consuming_the_log_after_applying_it_would_lose_the_write(shop: Shop, steps: Steps) -> None:
    """If a batch deleted its ids from the log at its end, a write that came meanwhile would be lost."""
    late = "DELETE FROM artwork_migration.legacy_change AS log WHERE log.ids <@ ids; RETURN NEXT;"
    break_function(shop, "artwork_migration.catch_up_batch", "RETURN NEXT;", late)
    assert "early" == _legacy_write_during_a_batch(shop, steps)


def test_a_writer_never_waits_for_a_batch_that_has_its_artwork(shop: Shop, steps: Steps) -> None:
    """A write of an artwork whose id an open batch has consumed goes through and is logged, because the log has no key."""
    artwork = _in_step(shop)
    shop.sql.execute(RENAME, ("early", artwork))
    ours = shop.session()
    ours.execute(BATCH)
    shop.sql.execute(RENAME, ("late", artwork))
    ours.commit()
    assert [[artwork]] == logged(shop)
    shop.sql.execute("CREATE UNIQUE INDEX one_row_an_artwork ON artwork_migration.legacy_change (ids)")
    ours.execute(BATCH)
    waiting = steps.statement(shop, shop.session(autocommit=True), RENAME, "later", artwork)
    waiting.blocks()
    ours.rollback()
    assert "23505" == waiting.sqlstate()


def test_a_slow_transaction_is_caught_up_when_it_commits(shop: Shop) -> None:
    """A write that commits after later ones were caught up is caught up too, because the log has no high-water mark."""
    slow_one, quick_one = _in_step(shop), _in_step(shop)
    slow = shop.session()
    slow.execute(RENAME, ("slow", slow_one))
    shop.sql.execute(RENAME, ("quick", quick_one))
    catch_up_now(shop)
    assert ("Rex", "quick") == (clean(shop, slow_one, "pet_name"), clean(shop, quick_one, "pet_name"))
    slow.commit()
    catch_up_now(shop)
    assert "slow" == clean(shop, slow_one, "pet_name")


def _clean_write_that_commits_while_the_batch_waits(shop: Shop, steps: Steps) -> str:
    """The pet's name on the clean side after the batch, with a clean write uncommitted when the batch came to the row."""
    artwork = _in_step(shop)
    shop.sql.execute(RENAME, ("legacy-write", artwork))
    writer = shop.session()
    writer.execute(RENAME_CLEAN, ("clean-write", artwork))
    batch = steps.statement(shop, shop.session(autocommit=True), BATCH)
    batch.blocks()
    writer.commit()
    assert batch.sqlstate() is None
    assert "clean-write" == legacy(shop, artwork, "pet_name")
    return str(clean(shop, artwork, "pet_name"))


def test_a_clean_write_that_commits_while_the_batch_waits_is_kept(shop: Shop, steps: Steps) -> None:
    """A batch locks the clean rows before it reads, so it keeps a clean write that it has waited for."""
    assert "clean-write" == _clean_write_that_commits_while_the_batch_waits(shop, steps)


def test_reading_before_locking_would_overwrite_the_clean_write(shop: Shop, steps: Steps) -> None:
    """If a batch read before it locked, it would overwrite an acknowledged clean write with an older row."""
    lock = "later := artwork_migration.lock_clean_rows(ids || holders);"
    break_function(shop, "artwork_migration.apply_changes", lock, "later := '{}';")
    assert "legacy-write" == _clean_write_that_commits_while_the_batch_waits(shop, steps)


def test_a_catch_up_that_waits_too_long_gives_up_and_tries_again(shop: Shop, steps: Steps) -> None:
    """A batch gives up its wait for a clean row before the application would, is rolled back with its log rows, and runs again."""
    artwork = _in_step(shop)
    shop.sql.execute(RENAME, ("legacy-write", artwork))
    writer = shop.session()
    writer.execute(RENAME_CLEAN, ("clean-write", artwork))
    catching_up = steps.ours(shop, lambda: catch_up_now(shop))
    catching_up.blocks_again(catching_up.blocks())
    writer.commit()
    assert catching_up.sqlstate() is None
    assert ("clean-write", "match") == (clean(shop, artwork, "pet_name"), verdict(shop, artwork))


def test_a_batch_locks_clean_rows_and_never_a_legacy_row(shop: Shop) -> None:
    """The application can lock a legacy row while a batch with it is open."""
    artwork = _in_step(shop)
    shop.sql.execute(RENAME, ("Rexa", artwork))
    ours = shop.session()
    ours.execute(BATCH)
    assert 1 == shop.sql.execute("SELECT FROM public.artworks WHERE id = %s FOR UPDATE NOWAIT", (artwork,)).rowcount
    with pytest.raises(psycopg.errors.LockNotAvailable):
        shop.sql.execute("SELECT FROM public.artworks_v2 WHERE id = %s FOR UPDATE NOWAIT", (artwork,))


def test_a_clean_born_artwork_stays(shop: Shop) -> None:
    """Catch-up keeps an artwork that clean_modified lists, even if the rules alone would leave it behind."""
    kept, lost = add_clean(shop, generation_status="pending"), add_clean(shop, generation_status="pending")
    shop.sql.execute("DELETE FROM artwork_migration.clean_modified WHERE id = %s", (lost,))
    catch_up_now(shop)
    assert ("pending", None) == (clean(shop, kept, "generation_status"), clean(shop, lost, "generation_status"))
    shop.sql.execute('SELECT public.update_artwork_lifecycle(%s, \'{"generation_status": "processing"}\')', (kept,))
    with pytest.raises(psycopg.errors.NoDataFound):
        shop.sql.execute('SELECT public.update_artwork_lifecycle(%s, \'{"generation_status": "processing"}\')', (lost,))


def test_a_row_enters_and_leaves_with_its_disposition(shop: Shop) -> None:
    """Catch-up copies an artwork that completes, removes one that becomes test data, and both for a failed one with its order."""
    artwork = _in_step(shop, generation_status="failed")
    assert clean(shop, artwork, "id") is None
    shop.sql.execute("UPDATE public.artworks SET generation_status = 'completed' WHERE id = %s", (artwork,))
    catch_up_now(shop)
    assert artwork == clean(shop, artwork, "id")
    shop.sql.execute("UPDATE public.artworks SET original_image_url = 'test-1' WHERE id = %s", (artwork,))
    catch_up_now(shop)
    assert clean(shop, artwork, "id") is None
    failed = _in_step(shop, generation_status="failed")
    order = add_order(shop, failed)
    catch_up_now(shop)
    assert failed == clean(shop, failed, "id")
    shop.sql.execute("DELETE FROM public.orders WHERE id = %s", (order,))
    catch_up_now(shop)
    assert clean(shop, failed, "id") is None


def test_a_changed_key_moves_the_clean_row(shop: Shop) -> None:
    """After an UPDATE of an id the clean row is under the new id with the same token, and the old one is gone."""
    before, after = _in_step(shop), uuid4()
    token = clean(shop, before, "access_token")
    shop.sql.execute("UPDATE public.artworks SET id = %s WHERE id = %s", (after, before))
    catch_up_now(shop)
    assert (None, token) == (clean(shop, before, "id"), clean(shop, after, "access_token"))


def test_a_user_deleted_while_a_batch_uses_it(migrated: Shop) -> None:
    """A batch leaves the artwork of a user who is being deleted; afterwards the artwork gets an anonymous owner."""
    shop = migrated
    user = add_user(shop, "ada@catch.example")
    artwork = add_legacy(shop, customer_email="ada@catch.example")
    leaver = shop.session()
    leaver.execute("DELETE FROM public.users WHERE id = %s", (user,))
    assert [artwork] == shop.value("SELECT waiting FROM artwork_migration.catch_up_batch(500)")
    leaver.commit()
    catch_up_now(shop)
    assert clean(shop, artwork, "user_id") not in (None, user)
    assert "match" == verdict(shop, artwork)


def test_a_large_log_row_is_split_and_the_rest_put_back(shop: Shop) -> None:
    """A log row with more ids than a batch takes is split; each id is applied exactly once."""
    statement = (
        "INSERT INTO public.artworks (original_image_url, customer_name, customer_email, access_token, generation_status)"
        " SELECT 'https://x', 'Ada', 'bulk@x.example', 'bulk-' || n, 'completed' FROM GENERATE_SERIES(1, 1234) AS n"
    )
    shop.sql.execute(statement)
    shop.sql.execute(BATCH)
    assert [500, 234] == [len(ids) for ids in logged(shop)]
    assert 500 == shop.value("SELECT COUNT(*) FROM public.artworks_v2 WHERE customer_email = 'bulk@x.example'")
    done = catch_up_now(shop)
    assert (734, 734) == (done.logged, done.written)
    assert 1234 == shop.value("SELECT COUNT(*) FROM public.artworks_v2 WHERE customer_email = 'bulk@x.example'")


def test_catch_up_drains_a_log_that_names_one_artwork_again_and_again(shop: Shop) -> None:
    """Catch-up drains a log in which one artwork fills more than a batch."""
    artwork, other = _in_step(shop), _in_step(shop)
    for number in range(SETTINGS.batch_size + 1):
        shop.sql.execute(RENAME, (f"Rex {number}", artwork))
    shop.sql.execute(RENAME, ("Rexa", other))
    catch_up_now(shop)
    assert ([], "Rexa") == (logged(shop), clean(shop, other, "pet_name"))


def test_new_users_put_the_emails_other_artworks_into_the_log(migrated: Shop) -> None:
    """A user who was created for one artwork becomes the owner of all artworks of the e-mail in the next batch."""
    shop = migrated
    user = add_user(shop, "ada@catch.example")
    other = _in_step(shop, customer_email="ada@catch.example")
    shop.sql.execute("DELETE FROM public.users WHERE id = %s", (user,))
    shop.sql.execute("DELETE FROM artwork_migration.legacy_change")
    artwork = add_legacy(shop, customer_email="ada@catch.example")
    with running(shop) as run:
        run.begin()
        assert 1 == catch_up.catch_up(run).users_created
        catch_up.catch_up(run)
    assert clean(shop, artwork, "user_id") == clean(shop, other, "user_id") is not None
