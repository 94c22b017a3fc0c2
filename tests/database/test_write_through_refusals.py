"""What the write-through does not write: a refusal of the legacy table's is recorded, any other error is the application's."""

from uuid import uuid4

import psycopg
import pytest

from tests.artworks import add_clean, add_legacy, clean, legacy, rejected_writes
from tests.database.conftest import Steps
from tests.databases import Shop, catch_up_now
from tests.interleaving import break_function

UPDATE = "UPDATE public.artworks_v2 SET pet_name = 'Rexa' WHERE id = %s"


@pytest.fixture
def shop(deployed_on_either: Shop) -> Shop:
    """Both tables live."""
    return deployed_on_either


REFUSALS = {
    "NOT NULL": (
        "UPDATE public.artworks_v2 SET customer_name = NULL WHERE id = %s",
        "ALTER TABLE public.artworks_v2 ALTER customer_name DROP NOT NULL",
        "23502",
        "artworks.customer_name",
    ),
    "too long": (
        "UPDATE public.artworks_v2 SET pet_name = 'Maximilian' WHERE id = %s",
        "ALTER TABLE public.artworks ADD CONSTRAINT short_names CHECK (LENGTH(pet_name) < 8) NOT VALID",
        "23514",
        "artworks.short_names",
    ),
    "out of range": (
        UPDATE,
        "CREATE FUNCTION public.divide() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 / 0; RETURN NEW; END $$;"
        "CREATE TRIGGER divide BEFORE UPDATE ON public.artworks FOR EACH ROW EXECUTE FUNCTION public.divide()",
        "22012",
        "artworks",
    ),
    "a trigger of theirs raises": (
        UPDATE,
        "CREATE FUNCTION public.object() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;"
        "CREATE TRIGGER object BEFORE UPDATE ON public.artworks FOR EACH ROW EXECUTE FUNCTION public.object()",
        "P0001",
        "artworks",
    ),
    "a trigger of theirs names a lost table": (
        UPDATE,
        "CREATE FUNCTION public.miss() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM FROM public.gone; RETURN NEW; END $$;"
        "CREATE TRIGGER miss BEFORE UPDATE ON public.artworks FOR EACH ROW EXECUTE FUNCTION public.miss()",
        "42P01",
        "artworks",
    ),
}


@pytest.mark.parametrize("reason", list(REFUSALS))
def test_what_legacy_refuses_is_recorded_and_the_clean_write_stands(shop: Shop, reason: str) -> None:
    """A clean write that legacy rejects with SQLSTATE class 22, 23, 42 or P0 succeeds, and its id is recorded without a value."""
    statement, preparation, sqlstate, where = REFUSALS[reason]
    artwork = add_legacy(shop)
    catch_up_now(shop)
    if preparation:
        shop.sql.execute(preparation)
    before = shop.rows("SELECT a.* FROM public.artworks AS a WHERE id = %s", artwork)
    assert 1 == shop.sql.execute(statement, (artwork,)).rowcount
    assert before == shop.rows("SELECT a.* FROM public.artworks AS a WHERE id = %s", artwork)
    assert [(artwork, "UPDATE", sqlstate, where)] == rejected_writes(shop)


def test_an_insert_that_breaks_a_unique_key_of_legacy_is_recorded(shop: Shop) -> None:
    """A clean insert with the token of a legacy row that stays behind succeeds, and is recorded with the key's name."""
    token = legacy(shop, add_legacy(shop, generation_status="failed"), "access_token")
    born = add_clean(shop, access_token=token)
    assert "Rex" == clean(shop, born, "pet_name")
    assert legacy(shop, born, "id") is None
    assert [(born, "INSERT", "23505", "artworks.artworks_access_token_key")] == rejected_writes(shop)


@pytest.mark.parametrize("event", ["INSERT", "UPDATE"])
def test_a_write_that_a_trigger_of_theirs_skips_is_recorded(shop: Shop, event: str) -> None:
    """A write that a BEFORE trigger skips by returning NULL is recorded as rejected, or catch-up would undo it."""
    artwork = add_clean(shop)
    shop.sql.execute(
        "CREATE FUNCTION public.skip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;"
        f"CREATE TRIGGER skip BEFORE {event} ON public.artworks FOR EACH ROW EXECUTE FUNCTION public.skip()"
    )
    if event == "INSERT":
        artwork = add_clean(shop)
    else:
        shop.sql.execute(UPDATE, (artwork,))
    catch_up_now(shop)
    assert [(artwork, event)] == [row[:2] for row in rejected_writes(shop)]
    assert ("Rex" if event == "INSERT" else "Rexa") == clean(shop, artwork, "pet_name")


def test_an_update_of_a_row_that_legacy_has_deleted_is_no_refusal(shop: Shop) -> None:
    """A clean write to a row that legacy has deleted is no rejection, and goes with the next catch-up."""
    artwork = add_legacy(shop)
    catch_up_now(shop)
    shop.sql.execute("DELETE FROM public.artworks WHERE id = %s", (artwork,))
    shop.sql.execute(UPDATE, (artwork,))
    assert [] == rejected_writes(shop)
    catch_up_now(shop)
    assert clean(shop, artwork, "id") is None


def test_the_id_of_an_artwork_cannot_be_changed_on_the_clean_side(shop: Shop) -> None:
    """A change of an artwork's id on the clean side is an error for the application, because orders reference the legacy row."""
    artwork = add_clean(shop)
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        shop.sql.execute("UPDATE public.artworks_v2 SET id = %s WHERE id = %s", (uuid4(), artwork))
    assert [] == rejected_writes(shop)


def test_a_lock_timeout_is_the_applications(shop: Shop, steps: Steps) -> None:
    """A lock timeout (55P03) while waiting for the legacy row fails the clean write."""
    artwork = add_legacy(shop)
    catch_up_now(shop)
    holder, writer = shop.session(), shop.session(autocommit=True)
    holder.execute("SELECT FROM public.artworks WHERE id = %s FOR UPDATE", (artwork,))
    writer.execute("SET lock_timeout = '50ms'")
    assert "55P03" == steps.statement(shop, writer, UPDATE, artwork).sqlstate()
    assert ("Rex", []) == (clean(shop, artwork, "pet_name"), rejected_writes(shop))
    break_function(shop, "artwork_migration.rejecting_object", "LEFT(sql_state, 2) IN ('22', '23', '42', 'P0')", "TRUE")
    assert steps.statement(shop, writer, UPDATE, artwork).sqlstate() is None
    assert ("Rexa", "Rex") == (clean(shop, artwork, "pet_name"), legacy(shop, artwork, "pet_name"))


@pytest.mark.parametrize("sqlstate", ["53100", "57014", "55000", "XX000"])
def test_what_no_row_of_legacys_is_to_blame_for_is_the_applications(shop: Shop, sqlstate: str) -> None:
    """A full disk, a cancelled statement, a wrong state or a fault fails the clean write and is no rejection."""
    artwork = add_clean(shop)
    shop.sql.execute(
        "CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}', MESSAGE = 'no'; END $$;"
        "CREATE TRIGGER fail BEFORE UPDATE ON public.artworks FOR EACH ROW EXECUTE FUNCTION public.fail()"
    )
    with pytest.raises(psycopg.Error) as failed:
        shop.sql.execute(UPDATE, (artwork,))
    assert (sqlstate, "Rex", []) == (failed.value.sqlstate, clean(shop, artwork, "pet_name"), rejected_writes(shop))


def test_a_repeatable_read_caller_is_written_through(shop: Shop) -> None:
    """A REPEATABLE READ transaction is written through if no other session has written the row."""
    artwork = add_clean(shop)
    writer = shop.session()
    writer.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    writer.execute(UPDATE, (artwork,))
    writer.commit()
    assert "Rexa" == legacy(shop, artwork, "pet_name")


def test_a_serialization_failure_is_the_applications(shop: Shop) -> None:
    """A serialization failure (40001) fails the clean write, which the application retries."""
    artwork = add_legacy(shop)
    catch_up_now(shop)
    writer = shop.session()
    writer.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    writer.execute("SELECT FROM public.users LIMIT 1")
    shop.sql.execute("UPDATE public.artworks SET customer_name = 'Grace' WHERE id = %s", (artwork,))
    with pytest.raises(psycopg.errors.SerializationFailure):
        writer.execute(UPDATE, (artwork,))
    assert [] == rejected_writes(shop)


def test_a_deadlock_is_the_applications(shop: Shop, steps: Steps) -> None:
    """A deadlock (40P01) of two of the application's transactions fails the clean write and is no rejection."""
    one, two = add_legacy(shop), add_legacy(shop)
    catch_up_now(shop)
    victim, other = shop.session(), shop.session()
    victim.execute("SET deadlock_timeout = '50ms'")
    other.execute("SET deadlock_timeout = '60s'")
    victim.execute(UPDATE, (one,))
    other.execute("SELECT FROM public.artworks WHERE id = %s FOR UPDATE", (two,))
    crossing = steps.statement(shop, other, "SELECT FROM public.artworks WHERE id = %s FOR UPDATE", one)
    crossing.blocks()
    assert "40P01" == steps.statement(shop, victim, UPDATE, two).sqlstate()
    victim.rollback()
    assert crossing.sqlstate() is None
    assert [] == rejected_writes(shop)
