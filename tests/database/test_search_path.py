"""Triggers of the application's name its tables without a schema; our writes fire them as its own do, and nobody's objects run instead."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.artworks import add_clean, add_legacy, clean, legacy, relax_clean_names
from tests.databases import Shop, catch_up_now, migrate, roll_back, switch
from tests.series import LONG

#: A trigger function as an application writes it: `audit` and `remember` stand in public, and no search_path is set.
AUDIT = """
CREATE TABLE public.audit (what text);
CREATE FUNCTION public.remember(what text) RETURNS void LANGUAGE sql AS 'INSERT INTO audit VALUES (what)';
CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM remember(TG_TABLE_NAME || ' ' || TG_OP);
  RETURN COALESCE(NEW, OLD);
END $$;
"""
INTRUDER = """
CREATE ROLE intruder BYPASSRLS IN ROLE service_role;
GRANT CREATE ON SCHEMA public TO intruder;
CREATE TABLE public.caught (what text, by text DEFAULT CURRENT_USER);
GRANT INSERT ON public.caught TO PUBLIC;
"""
#: Where the catalog's own takes any type, or an array of any, these are the better match.
TRAPS = [
    ("format", "text, text"),
    ("format", "text, text, text"),
    ("format", "text, uuid"),
    ("unnest", "text[]"),
    ("array_agg", "text[]"),
    ("set_config", "text, text, boolean"),
    ("concat_ws", "text, text, text, text"),
    ("quote_ident", "text"),
]
TRAP_OPERATOR = """
CREATE FUNCTION public.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.caught VALUES ('=');
  RETURN TRUE;
END $$;
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.trap);
"""


@pytest.fixture
def shop(deployed: Shop) -> Shop:
    """Both tables live, with a trigger of the application's on the legacy table and on users."""
    deployed.sql.execute(AUDIT)
    for table, moment in (("artworks", "AFTER"), ("users", "BEFORE")):
        deployed.sql.execute(
            f"CREATE TRIGGER audit {moment} INSERT OR UPDATE OR DELETE ON public.{table} FOR EACH ROW EXECUTE FUNCTION public.audit()"
        )
    return deployed


def _audited(shop: Shop) -> list[str]:
    found = [what for (what,) in shop.rows("SELECT what FROM public.audit ORDER BY what")]
    shop.sql.execute("DELETE FROM public.audit")
    return found


def test_the_write_through_fires_triggers_that_name_tables_unqualified(shop: Shop) -> None:
    """Writes on the clean side fire the legacy table's audit trigger, which names its table without a schema."""
    artwork = add_clean(shop)
    shop.sql.execute("UPDATE public.artworks_v2 SET pet_name = 'Rexa' WHERE id = %s", (artwork,))
    assert "Rexa" == legacy(shop, artwork, "pet_name")
    shop.sql.execute("DELETE FROM public.artworks_v2 WHERE id = %s", (artwork,))
    assert legacy(shop, artwork, "id") is None
    assert ["artworks DELETE", "artworks INSERT", "artworks UPDATE"] == _audited(shop)
    assert 0 == shop.value("SELECT COUNT(*) FROM artwork_migration.rejected_write")


def test_the_users_that_we_create_fire_them_too(shop: Shop) -> None:
    """Catch-up creates an anonymous user through a BEFORE trigger that names a function without a schema."""
    catch_up_now(shop)
    _audited(shop)
    artwork = add_legacy(shop)
    catch_up_now(shop)
    assert clean(shop, artwork, "user_id") is not None
    assert ["artworks INSERT", "users INSERT"] == _audited(shop)


def test_without_the_wider_path_the_write_would_be_refused(shop: Shop) -> None:
    """With an empty search_path the application's trigger would not find its function."""
    shop.sql.execute("CREATE OR REPLACE FUNCTION artwork_migration.widen_search_path() RETURNS void LANGUAGE plpgsql AS 'BEGIN NULL; END'")
    artwork = add_clean(shop)
    assert "42883" == shop.value("SELECT sql_state FROM artwork_migration.rejected_write WHERE id = %s", artwork)


def test_the_callers_own_path_is_what_it_was(shop: Shop) -> None:
    """The caller's search_path is unchanged after the function, also if the write was refused."""
    shop.sql.execute("SET search_path = auth")
    artwork = add_clean(shop)
    relax_clean_names(shop)
    shop.sql.execute("UPDATE public.artworks_v2 SET customer_name = NULL WHERE id = %s", (artwork,))
    assert ("auth", 1) == (shop.value("SHOW search_path"), shop.value("SELECT COUNT(*) FROM artwork_migration.rejected_write"))


@pytest.fixture
def intruder(shop: Shop) -> Iterator[psycopg.Connection[Any]]:
    """A role that may write artworks and create in public, where it has put functions and an operator that fit our calls too well."""
    shop.sql.execute(INTRUDER)
    session = shop.session(role="intruder", autocommit=True)
    for name, arguments in TRAPS:
        session.execute(
            f"CREATE FUNCTION public.{name}({arguments}) RETURNS text LANGUAGE plpgsql"
            f" AS $$ BEGIN INSERT INTO public.caught VALUES ('{name}'); RETURN NULL; END $$"
        )
    session.execute(TRAP_OPERATOR)
    session.execute("SET search_path = public, pg_catalog")
    yield session
    shop.sql.execute("DROP OWNED BY intruder CASCADE; DROP ROLE intruder")


def test_nobodys_object_runs_with_our_rights(shop: Shop, intruder: psycopg.Connection[Any]) -> None:
    """No write, delete or creation of a user calls an object that another role has put into the path."""
    artwork, other = add_clean(shop), add_clean(shop)
    intruder.execute("UPDATE public.artworks_v2 SET pet_name = 'Rexa', pet_image_url = 'x' WHERE id = %s", (artwork,))
    intruder.execute("DELETE FROM public.artworks_v2 WHERE id = %s", (other,))
    add_legacy(shop)
    catch_up_now(shop)
    assert ("Rexa", None) == (legacy(shop, artwork, "pet_name"), legacy(shop, other, "id"))
    assert [] == shop.rows("SELECT what, by FROM public.caught")


def test_a_wider_path_for_the_whole_function_would_run_them(shop: Shop, intruder: psycopg.Connection[Any]) -> None:
    """If the wide path were the function's own setting, another role's object would run as the function's owner."""
    artwork = add_clean(shop)
    shop.sql.execute("ALTER FUNCTION artwork_migration.legacy_write(text, text[]) SET search_path = pg_catalog, public, pg_temp")
    intruder.execute("UPDATE public.artworks_v2 SET pet_name = 'Rexa' WHERE id = %s", (artwork,))
    assert ("format", "postgres") in shop.rows("SELECT what, by FROM public.caught")


@LONG
def test_a_claim_fires_them_in_every_phase(shop: Shop) -> None:
    """A claim changes the legacy rows and fires their triggers before the switch and after the rollback; the retired table stays silent."""
    migrate(shop)
    for move, expected in ((None, ["artworks UPDATE"]), (switch, ["artworks UPDATE"]), (roll_back, ["artworks UPDATE"])):
        if move:
            move(shop)
        artwork = shop.value(
            "SELECT (artwork).id FROM create_artwork('Ada', %s, 'Rex', 'https://x/mom', 'https://x/pet')", f"{uuid4()}@x.example"
        )
        email = shop.value("SELECT customer_email FROM artworks WHERE id = %s", artwork)
        shop.sql.execute("DELETE FROM public.audit")
        user = uuid4()
        assert 1 == shop.value("SELECT claim_anonymous_user(%s, %s)", email, user)
        assert user == shop.value("SELECT user_id FROM artworks WHERE id = %s", artwork)
        assert expected == [what for what in _audited(shop) if what.startswith("artworks")]


@LONG
def test_a_delete_through_the_compatibility_view_fires_them(shop: Shop) -> None:
    """A delete through the view artworks_v2 fires the trigger that the switch moved to the clean table."""
    migrate(shop)
    switch(shop)
    artwork = add_clean(shop)
    _audited(shop)
    shop.sql.execute("DELETE FROM public.artworks_v2 WHERE id = %s", (artwork,))
    assert ["artworks DELETE"] == _audited(shop)
