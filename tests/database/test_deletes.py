"""Deleting artworks and users while both tables live: no order is lost, no deadlock shoots the application, on both releases."""

from uuid import UUID

import psycopg
import pytest

from tests.artworks import add_clean, add_legacy, add_order, add_user, clean, empty_log, legacy, logged, relax_clean_names, verdict
from tests.database.conftest import Steps
from tests.databases import Shop, catch_up_now
from tests.interleaving import Barrier, break_function

DELETE = "DELETE FROM public.artworks_v2 WHERE id = %s"
DELETE_USER = "DELETE FROM public.users WHERE id = %s"
UPDATE = "UPDATE public.artworks_v2 SET pet_name = 'Rexa' WHERE id = %s"


@pytest.fixture
def shop(migrated_on_either: Shop) -> Shop:
    """Both tables live."""
    return migrated_on_either


def _owned(shop: Shop) -> tuple[UUID, UUID]:
    """A user and their artwork, in step on both sides, the legacy row naming the user."""
    user = add_user(shop, "ada@deletes.example")
    artwork = add_legacy(shop, customer_email="ada@deletes.example", user_id=user)
    catch_up_now(shop)
    assert user == clean(shop, artwork, "user_id")
    return user, artwork


def _order_placed_while_the_clean_side_deletes(shop: Shop, steps: Steps) -> tuple[str | None, int]:
    """The SQLSTATE of the delete that waits for an uncommitted order, and the number of orders after both have ended."""
    artwork = add_clean(shop)
    customer, cleaner = shop.session(), shop.session(autocommit=True)
    customer.execute(
        "INSERT INTO public.orders (artwork_id, stripe_session_id, amount_cents, status) VALUES (%s, 'late', 100, 'paid')", (artwork,)
    )
    delete = steps.statement(shop, cleaner, DELETE, artwork)
    delete.blocks()
    customer.commit()
    return delete.sqlstate(), shop.value("SELECT COUNT(*) FROM public.orders WHERE stripe_session_id = 'late'")


def test_a_paid_order_outlives_a_delete_at_the_same_moment(shop: Shop, steps: Steps) -> None:
    """A delete waits for an order at the same moment, sees it, and is refused with 23001, as a RESTRICT key would."""
    assert ("23001", 1) == _order_placed_while_the_clean_side_deletes(shop, steps)


def test_without_its_lock_the_delete_would_take_the_order(shop: Shop, steps: Steps) -> None:
    """Without its FOR UPDATE the delete would not see the order, and the cascade would delete a paid order."""
    break_function(shop, "artwork_migration.refuse_referenced", "PERFORM FROM public.artworks AS a WHERE a.id = artwork_id FOR UPDATE;")
    assert (None, 0) == _order_placed_while_the_clean_side_deletes(shop, steps)


def test_a_referenced_artwork_cannot_be_deleted(shop: Shop) -> None:
    """A delete of an artwork with an order is refused, and both rows stay."""
    artwork = add_clean(shop)
    add_order(shop, artwork)
    with pytest.raises(psycopg.errors.RestrictViolation) as refused:
        shop.sql.execute(DELETE, (artwork,))
    assert f"artwork {artwork} is referenced by another table and cannot be deleted" == refused.value.diag.message_primary
    assert (artwork, artwork) == (legacy(shop, artwork, "id"), clean(shop, artwork, "id"))


def test_an_unreferenced_delete_goes_through(shop: Shop) -> None:
    """A delete on the clean side takes the legacy row with it, is logged once, and no catch-up brings the artwork back."""
    artwork = add_clean(shop)
    empty_log(shop)
    shop.sql.execute(DELETE, (artwork,))
    assert [[artwork]] == logged(shop)
    catch_up_now(shop)
    assert (None, None, None) == (legacy(shop, artwork, "id"), clean(shop, artwork, "id"), verdict(shop, artwork))


def test_a_delete_that_a_trigger_of_theirs_skips_is_refused(shop: Shop) -> None:
    """A BEFORE trigger that returns NULL keeps the legacy row, and catch-up would bring the artwork back: the application is told."""
    artwork = add_clean(shop)
    shop.sql.execute(
        "CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;"
        "CREATE TRIGGER keep BEFORE DELETE ON public.artworks FOR EACH ROW EXECUTE FUNCTION public.keep()"
    )
    with pytest.raises(psycopg.errors.RestrictViolation):
        shop.sql.execute(DELETE, (artwork,))
    assert (artwork, artwork) == (legacy(shop, artwork, "id"), clean(shop, artwork, "id"))


def test_an_older_snapshot_may_not_delete(shop: Shop) -> None:
    """A delete in REPEATABLE READ is refused, because it would not see an order that was placed meanwhile."""
    artwork = add_clean(shop)
    old = shop.session()
    old.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    with pytest.raises(psycopg.errors.FeatureNotSupported) as refused:
        old.execute(DELETE, (artwork,))
    assert "READ COMMITTED" in str(refused.value.diag.message_hint)


def test_a_delete_on_the_legacy_side_reaches_the_clean_table(shop: Shop) -> None:
    """An artwork that was deleted in the legacy table is gone from the clean table after the next catch-up."""
    artwork = add_legacy(shop)
    catch_up_now(shop)
    shop.sql.execute("DELETE FROM public.artworks WHERE id = %s", (artwork,))
    assert "pending" == verdict(shop, artwork)
    catch_up_now(shop)
    assert clean(shop, artwork, "id") is None


def test_a_changed_id_of_a_user_reaches_the_clean_row_alone(shop: Shop) -> None:
    """A changed user id reaches the clean row by its key, and is not written through where legacy has no owner."""
    user = add_user(shop, "ada@deletes.example")
    artwork = add_legacy(shop, customer_email="ada@deletes.example")
    catch_up_now(shop)
    shop.sql.execute("UPDATE public.users SET id = GEN_RANDOM_UUID() WHERE id = %s", (user,))
    claimed = shop.value("SELECT id FROM public.users WHERE email = 'ada@deletes.example'")
    assert (claimed, None) == (clean(shop, artwork, "user_id"), legacy(shop, artwork, "user_id"))
    catch_up_now(shop)
    assert "match" == verdict(shop, artwork)


def test_a_delete_settles_what_was_refused(shop: Shop) -> None:
    """A delete removes the artwork's rejected write, because nothing is left to decide."""
    artwork = add_clean(shop)
    relax_clean_names(shop)
    shop.sql.execute("UPDATE public.artworks_v2 SET customer_name = NULL WHERE id = %s", (artwork,))
    assert artwork == shop.value("SELECT id FROM artwork_migration.rejected_write")
    shop.sql.execute(DELETE, (artwork,))
    assert shop.value("SELECT id FROM artwork_migration.rejected_write") is None


def _user_deleted_while_the_clean_side_writes(shop: Shop, steps: Steps) -> list[str | None]:
    """SQLSTATEs of the delete of a user and of the clean write, when the writer had locked its row first."""
    user, artwork = _owned(shop)
    writer, leaver = shop.session(), shop.session(autocommit=True)
    for session in (writer, leaver):
        session.execute("SET deadlock_timeout = '200ms'")
    writer.execute("SELECT FROM public.artworks_v2 WHERE id = %s FOR UPDATE", (artwork,))
    leaving = steps.statement(shop, leaver, DELETE_USER, user)
    leaving.blocks()
    writing = steps.statement(shop, writer, UPDATE, artwork)
    outcome = writing.sqlstate()
    writer.rollback() if outcome else writer.commit()
    return [leaving.sqlstate(), outcome]


def test_deleting_a_user_waits_for_a_clean_write(shop: Shop, steps: Steps) -> None:
    """Deleting a user waits for a clean write; both go through, and the artworks stay without an owner."""
    assert [None, None] == _user_deleted_while_the_clean_side_writes(shop, steps)
    assert [("Rexa", None, None)] == shop.rows(
        "SELECT c.pet_name, c.user_id, a.user_id FROM public.artworks_v2 AS c JOIN public.artworks AS a USING (id)"
        " WHERE a.customer_email = 'ada@deletes.example'"
    )


def test_without_its_trigger_deleting_a_user_is_a_deadlock(shop: Shop, steps: Steps) -> None:
    """Without artwork_migration_lock on users a delete of a user and a clean write would deadlock."""
    shop.sql.execute("ALTER TABLE public.users DISABLE TRIGGER artwork_migration_lock")
    assert "40P01" in _user_deleted_while_the_clean_side_writes(shop, steps)


def test_a_clean_write_waits_for_a_user_being_deleted(shop: Shop, steps: Steps) -> None:
    """A clean write waits for the deletion of its user, and both go through."""
    user, artwork = _owned(shop)
    writer, leaver = shop.session(autocommit=True), shop.session()
    leaver.execute(DELETE_USER, (user,))
    writing = steps.statement(shop, writer, UPDATE, artwork)
    writing.blocks()
    leaver.commit()
    assert writing.sqlstate() is None
    assert ("Rexa", None, None) == (legacy(shop, artwork, "pet_name"), legacy(shop, artwork, "user_id"), clean(shop, artwork, "user_id"))


def _user_deleted_while_we_catch_up(shop: Shop, steps: Steps) -> list[str | None]:
    """SQLSTATEs of the delete of a user and of a catch-up, each of which waits for the other."""
    user, artwork = _owned(shop)
    barrier = Barrier(shop)
    barrier.close()
    shop.sql.execute("UPDATE public.artworks SET pet_name = 'Rexa' WHERE id = %s", (artwork,))
    add_legacy(shop, customer_email="ada@deletes.example")
    leaver = shop.session(autocommit=True)
    catching_up = steps.ours(shop, lambda: catch_up_now(shop))
    catching_up.blocks()
    leaving = steps.statement(shop, leaver, DELETE_USER, user)
    leaving.blocks()
    barrier.open()
    return [leaving.sqlstate(), catching_up.sqlstate()]


def test_deleting_a_user_beats_our_catch_up(shop: Shop, steps: Steps) -> None:
    """Where catch-up and the deletion of a user wait for each other, catch-up gives up first and runs again."""
    assert [None, None] == _user_deleted_while_we_catch_up(shop, steps)
    catch_up_now(shop)
    assert [("match", 2)] == shop.rows(
        "SELECT v.verdict, COUNT(*) FROM artwork_migration.verdict AS v JOIN public.artworks AS a USING (id)"
        " WHERE a.customer_email = 'ada@deletes.example' GROUP BY v.verdict"
    )


def test_a_lock_timeout_of_ours_above_deadlock_timeout_would_cancel_the_application(shop: Shop, steps: Steps) -> None:
    """If catch-up locked owners last and waited longer than deadlock_timeout, the deletion of the user would be the deadlock's victim."""
    everybody = "owners := ARRAY(SELECT u.id FROM public.users AS u);"
    break_function(shop, "artwork_migration.apply_changes", "owners := artwork_migration.lock_owners(ids);", everybody)
    shop.database.__dict__["deadlock_timeout_ms"] = 60_000
    assert ["40P01", None] == _user_deleted_while_we_catch_up(shop, steps)


def test_deleting_a_user_is_no_change_of_the_artwork(shop: Shop) -> None:
    """An artwork that belonged to a deleted user only loses its owner: nothing is written through and its time stays."""
    user = add_user(shop, "ada@deletes.example")
    artwork = add_legacy(shop, customer_email="ada@deletes.example", updated_at="2024-05-01T00:00:00Z")
    catch_up_now(shop)
    before = legacy(shop, artwork, "updated_at")
    shop.sql.execute(DELETE_USER, (user,))
    assert clean(shop, artwork, "user_id") is None
    assert (before, 0) == (legacy(shop, artwork, "updated_at"), shop.value("SELECT COUNT(*) FROM artwork_migration.clean_modified"))
    catch_up_now(shop)
    assert before == clean(shop, artwork, "updated_at")


def test_a_user_deleted_and_signed_up_again_owns_the_artworks_again(shop: Shop) -> None:
    """A user who is deleted and signs up again owns the artworks of the e-mail again."""
    user, artwork = _owned(shop)
    shop.sql.execute(DELETE_USER, (user,))
    again = add_user(shop, "ada@deletes.example")
    catch_up_now(shop)
    assert (again, "match") == (clean(shop, artwork, "user_id"), verdict(shop, artwork))


def test_without_capture_of_new_users_an_artwork_stays_without_an_owner(shop: Shop) -> None:
    """Without the trigger on new users the artworks of an e-mail that signs up again would stay without an owner."""
    user, artwork = _owned(shop)
    shop.sql.execute(DELETE_USER, (user,))
    empty_log(shop)
    shop.sql.execute("ALTER TABLE public.users DISABLE TRIGGER artwork_migration_insert")
    add_user(shop, "ada@deletes.example")
    catch_up_now(shop)
    assert (None, "differs") == (clean(shop, artwork, "user_id"), verdict(shop, artwork))


def test_an_email_without_a_user_gets_an_anonymous_one(shop: Shop) -> None:
    """After a user was deleted, the next catch-up creates an anonymous user for the e-mail's artworks."""
    user, artwork = _owned(shop)
    shop.sql.execute(DELETE_USER, (user,))
    catch_up_now(shop)
    owner = clean(shop, artwork, "user_id")
    assert owner not in (None, user)
    assert shop.value("SELECT is_anonymous FROM public.users WHERE id = %s", owner)
    assert "match" == verdict(shop, artwork)
