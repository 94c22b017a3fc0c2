"""Indexes, the users key and the vacuum after the copy: found in the catalog, gone on with where it was, and in nobody's way."""

from collections.abc import Iterator

import pytest

from migration.ledger import ledger
from migration.ledger.phases import MIGRATE_DATA
from migration.ledger.runs import Run
from migration.lock_errors import LockNotObtained, OldTransactions
from migration.sync import backfill, catch_up, post_copy
from reporting.status import read_status
from tests.artworks import add_clean, add_legacy, add_user, clean, verdict
from tests.databases import Shop, migrate, running

INDEXES = (
    "SELECT c.relname::text, i.indisvalid FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid"
    " WHERE i.indrelid = 'public.artworks_v2'::regclass AND NOT i.indisunique ORDER BY 1"
)
KEY = "SELECT convalidated FROM pg_constraint WHERE conname = 'artworks_v2_user_id_fkey'"
MADE = [
    ("artworks_v2_customer_email_created_at_idx", True),
    ("artworks_v2_generation_recent_idx", True),
    ("artworks_v2_generation_waiting_idx", True),
    ("artworks_v2_upscale_waiting_idx", True),
    ("artworks_v2_user_id_idx", True),
]


@pytest.fixture
def run(deployed: Shop) -> Iterator[Run]:
    """A run that has copied everything."""
    with running(deployed, MIGRATE_DATA) as begun:
        begun.settings = begun.settings.model_copy(update={"lock_wait_seconds": 0.3})
        begun.begin()
        backfill.find_quarantined(begun)
        backfill.create_users(begun)
        backfill.plan_chunks(begun)
        list(backfill.copy_chunks(begun))
        yield begun


def finish(run: Run) -> list[str]:
    """What was done, in its order."""
    return list(post_copy.finish_table(run, on_attempt=lambda message: None))


def test_everything_is_made_once(deployed: Shop, run: Run) -> None:
    """Indexes, key and vacuum are made in that order, and a second time nothing is left to do."""
    assert ([], []) == (deployed.rows(INDEXES), deployed.rows(KEY))
    assert [
        "index artworks_v2_user_id_idx",
        "index artworks_v2_customer_email_created_at_idx",
        "index artworks_v2_generation_waiting_idx",
        "index artworks_v2_upscale_waiting_idx",
        "index artworks_v2_generation_recent_idx",
        "key artworks_v2_user_id_fkey",
        "key artworks_v2_user_id_fkey validated",
        "vacuum public.artworks_v2",
    ] == finish(run)
    assert (MADE, [(True,)]) == (deployed.rows(INDEXES), deployed.rows(KEY))
    assert [] == finish(run)
    assert 0 == deployed.value("SELECT COUNT(*) FROM artwork_migration.step WHERE done_at IS NULL")


def test_an_old_transaction_stops_the_index_and_is_named(deployed: Shop, run: Run) -> None:
    """An index that waits for an older transaction names its session after a while, and goes on when it has ended."""
    reader = deployed.session()
    reader.execute("SET application_name = 'a long report'")
    reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    reader.execute("SELECT 1 FROM public.artworks_v2 LIMIT 1")
    with pytest.raises(OldTransactions, match=f"pid {reader.info.backend_pid} .a long report"):
        finish(run)
    assert deployed.value("SELECT name FROM artwork_migration.step WHERE done_at IS NULL") == "index artworks_v2_user_id_idx"
    add_legacy(deployed)  # nobody else waits
    reader.rollback()
    finish(run)
    assert (MADE, [(True,)]) == (deployed.rows(INDEXES), deployed.rows(KEY))
    assert 0 == deployed.value("SELECT COUNT(*) FROM artwork_migration.step WHERE done_at IS NULL")


def test_what_a_killed_attempt_left_is_made_anew(deployed: Shop, run: Run) -> None:
    """An invalid index is dropped and created again, and a valid one is left alone."""
    finish(run)
    kept = deployed.value("SELECT 'public.artworks_v2_user_id_idx'::regclass::oid::int")
    deployed.sql.execute("UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = 'public.artworks_v2_generation_waiting_idx'::regclass")
    assert ["invalid index artworks_v2_generation_waiting_idx", "index artworks_v2_generation_waiting_idx"] == finish(run)
    assert MADE == deployed.rows(INDEXES)
    assert kept == deployed.value("SELECT 'public.artworks_v2_user_id_idx'::regclass::oid::int")


def test_the_key_gives_way_to_the_application(deployed: Shop, run: Run) -> None:
    """The key to users does not get its locks while somebody writes users, names the holder, and keeps what was made before."""
    for statement in deployed.database.read("migrate_data/post_copy/indexes"):
        deployed.sql.execute(statement["do"])
    writer = deployed.session()
    writer.execute("INSERT INTO public.users (email) VALUES ('ada@after.example')")
    with pytest.raises(LockNotObtained, match=f"pid {writer.info.backend_pid}"):
        finish(run)
    assert (MADE, []) == (deployed.rows(INDEXES), deployed.rows(KEY))
    writer.rollback()
    finish(run)
    assert [(True,)] == deployed.rows(KEY)


def test_a_user_deleted_before_the_key_leaves_no_dangling_owner(deployed: Shop, run: Run) -> None:
    """A clean row whose user was deleted before there was a key is freed, logged, and gets its next owner."""
    user = add_user(deployed, "ada@after.example")
    artwork = add_clean(deployed, customer_email="ada@after.example", user_id=user)
    deployed.sql.execute("DELETE FROM public.users WHERE id = %s", (user,))
    assert user == clean(deployed, artwork, "user_id")
    finish(run)
    assert clean(deployed, artwork, "user_id") is None
    catch_up.catch_up(run)
    assert clean(deployed, artwork, "user_id") not in (None, user)
    assert "match" == verdict(deployed, artwork)


def test_a_second_migration_makes_nothing_anew(migrated: Shop) -> None:
    """A second migrate_data rebuilds no index and vacuums nothing."""
    question = "SELECT indexrelid::int FROM pg_index WHERE indrelid = 'public.artworks_v2'::regclass ORDER BY 1"
    before = (migrated.rows(question), migrated.rows("SELECT name, done_at FROM artwork_migration.step ORDER BY name"))
    migrate(migrated)
    assert before == (migrated.rows(question), migrated.rows("SELECT name, done_at FROM artwork_migration.step ORDER BY name"))


def test_a_step_that_was_done_and_not_noted_is_not_left_for_ever(deployed: Shop, run: Run) -> None:
    """A step that was done and not noted is found done by the next run and closed."""
    first = deployed.database.read("migrate_data/post_copy/indexes")[0]
    with deployed.database.transaction("beginning") as connection:
        ledger.begin_step(connection, run.epoch, first["object"])
    deployed.sql.execute(first["do"])
    run.begin()
    assert first["object"] not in finish(run)
    assert [] == read_status(deployed.database).steps_left
