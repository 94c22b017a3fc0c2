"""Law 8 against somebody who wants more than they have: a signed-in user with SQL at hand, and our own triggers as their tools."""

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.artworks import add_clean, add_legacy, legacy
from tests.conftest import MakeShop
from tests.databases import Shop, catch_up_now, deploy, migrate, roll_back, switch
from tests.roles import Caller, FewRows, few_rows
from tests.series import LONG, first

#: Takes what it can get whenever it is called, and tells as whom. It is called once at a time: reading may call it again.
STEALING = """
CREATE TEMP TABLE loot (taker text);
GRANT ALL ON loot TO PUBLIC;
CREATE FUNCTION pg_temp.steal() RETURNS pg_catalog.bool LANGUAGE plpgsql AS $$
BEGIN
  IF pg_catalog.current_setting('attack.busy', TRUE) = 'yes' THEN
    RETURN TRUE;
  END IF;
  PERFORM pg_catalog.set_config('attack.busy', 'yes', FALSE);
  INSERT INTO pg_temp.loot VALUES (current_user);
  PERFORM pg_catalog.set_config('attack.busy', 'no', FALSE);
  RETURN TRUE;
END $$;
CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (pg_temp.steal());
CREATE DOMAIN pg_temp.regclass AS pg_catalog.regclass CHECK (pg_temp.steal());
CREATE DOMAIN pg_temp.jsonb AS pg_catalog.jsonb CHECK (pg_temp.steal());
"""


@pytest.fixture
def few(shop: Shop) -> FewRows:
    """The users of the shop, which has a handful of rows and is migrated; users may also delete what is theirs."""
    users = few_rows(shop)
    shop.sql.execute('CREATE POLICY "Users delete own artworks" ON public.artworks FOR DELETE USING (auth.uid() = user_id)')
    shop.sql.execute("GRANT UPDATE ON public.artworks TO authenticated")
    deploy(shop)
    migrate(shop)
    return users


def signed_in(shop: Shop, user: UUID) -> psycopg.Connection[Any]:
    """A session that is a user's from its beginning."""
    session = shop.session(autocommit=True)
    session.execute("SELECT SET_CONFIG('request.jwt.claims', %s, FALSE)", (Caller("authenticated", str(user)).claims,))
    session.execute("SET SESSION AUTHORIZATION authenticated")
    return session


def add(session: psycopg.Connection[Any], table: str, user: UUID, artwork: UUID | None = None) -> UUID:
    """An artwork of the user's own, as they may insert it; returns its id."""
    row = session.execute(
        f"INSERT INTO public.{table} (id, user_id, customer_name, customer_email, pet_name, pet_mom_image_url, pet_image_url, access_token)"  # type: ignore[call-overload]  # made of these tests' own names
        " VALUES (%s, %s, 'Own', 'own@users.example', 'Own', 'https://u/1', 'https://u/2', %s) RETURNING id",
        (artwork or uuid4(), user, str(uuid4())),
    ).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def left_behind(shop: Shop) -> UUID:
    """An artwork of somebody else's that the migration does not take along."""
    return shop.value("SELECT id FROM public.artworks WHERE pet_name = 'Famous' AND generation_status = 'failed'")


@LONG
def test_our_functions_run_nothing_of_the_callers(shop: Shop, few: FewRows) -> None:
    """A trigger with more privileges than the caller does not use types of the caller's own in front of the server's."""
    session = signed_in(shop, few.owning)
    session.execute(STEALING)
    writes = ("UPDATE public.artworks SET pet_name = 'a'", "UPDATE public.artworks_v2 SET pet_name = 'b'", "DELETE FROM public.orders")
    for write in writes:
        session.execute(write)
    session.execute("DELETE FROM public.artworks_v2 WHERE id = %s", (add(session, "artworks_v2", few.owning),))
    switch(shop)
    for write in writes:
        session.execute(write)
    session.execute("DELETE FROM public.artworks_v2 WHERE id = %s", (add(session, "artworks", few.owning),))
    assert {"authenticated"} == {taker for (taker,) in session.execute("SELECT taker FROM loot")}


def test_every_function_of_ours_looks_into_the_callers_schema_last(make_shop: MakeShop) -> None:
    """Each of our functions has a search_path that ends with pg_temp, except those bound when created and those of the caller."""
    shop = make_shop(phase="SWITCHED")
    open_ones = (
        "SELECT p.oid::regprocedure::text FROM pg_proc AS p WHERE p.prosqlbody IS NULL AND NOT COALESCE("
        "'search_path=pg_catalog, pg_temp' = ANY(p.proconfig), FALSE)"
    )
    ours = {name for (name,) in shop.rows(f"{open_ones} AND p.pronamespace = 'artwork_migration'::regnamespace")}
    assert {"artwork_migration.widen_search_path()", "artwork_migration.delete_through_view()"} == ours
    theirs = {"get_order_with_artwork(text)", "get_orders_by_token(text)", "set_updated_at()"}
    assert theirs == {name for (name,) in shop.rows(f"{open_ones} AND p.pronamespace = 'public'::regnamespace")}


@pytest.mark.parametrize(
    "write", ["UPDATE public.artworks_v2 SET pet_name = 'Mine', access_token = 'known'", "DELETE FROM public.artworks_v2"]
)
@first(1)
def test_a_clean_row_with_the_id_of_somebody_elses_reaches_nothing_of_theirs(shop: Shop, few: FewRows, write: str) -> None:
    """A clean row with another's id is rejected by legacy, and what happens to it later does not reach the other's row."""
    theirs = left_behind(shop)
    before = shop.rows("SELECT a::text FROM public.artworks AS a WHERE id = %s", theirs)
    session = signed_in(shop, few.owning)
    add(session, "artworks_v2", few.owning, theirs)
    assert 1 == session.execute(f"{write} WHERE id = %s", (theirs,)).rowcount  # type: ignore[call-overload]  # made of this test's own names
    assert before == shop.rows("SELECT a::text FROM public.artworks AS a WHERE id = %s", theirs)
    if write.startswith("DELETE"):
        catch_up_now(shop)
        assert [] == shop.rows("SELECT id FROM public.artworks_v2 WHERE id = %s", theirs)
        assert 0 == shop.value("SELECT COUNT(*) FROM artwork_migration.rejected_write")


@LONG
def test_an_older_snapshot_is_no_way_to_somebody_elses_row(shop: Shop, few: FewRows) -> None:
    """A row of that id which an older snapshot does not see still counts as another's."""
    shop.sql.execute("ALTER TABLE artworks ADD CONSTRAINT none_own CHECK (pet_name <> 'Own') NOT VALID")
    session = signed_in(shop, few.owning)
    session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM public.orders")
    theirs = add_legacy(shop)
    add(session, "artworks_v2", few.owning, theirs)
    session.execute("COMMIT")
    session.execute("UPDATE public.artworks_v2 SET pet_name = 'Mine' WHERE id = %s", (theirs,))
    assert "Rex" == legacy(shop, theirs, "pet_name")


@LONG
@pytest.mark.parametrize("by", ["insert", "change of the key"])
def test_after_the_switch_the_id_of_a_row_left_behind_stays_its_own(shop: Shop, few: FewRows, by: str) -> None:
    """After the switch an id of a row that stayed behind cannot be taken, because a rollback would write over that row."""
    theirs = left_behind(shop)
    before = shop.rows("SELECT a::text FROM public.artworks AS a WHERE id = %s", theirs)
    switch(shop)
    session = signed_in(shop, few.owning)
    own = add(session, "artworks", few.owning)
    with pytest.raises(psycopg.errors.UniqueViolation, match=str(theirs)):
        if by == "insert":
            add(session, "artworks", few.owning, theirs)
        else:
            session.execute("UPDATE public.artworks SET id = %s WHERE id = %s", (theirs, own))
    roll_back(shop)
    assert before == shop.rows("SELECT a::text FROM public.artworks AS a WHERE id = %s", theirs)
    assert [] == session.execute("SELECT id FROM public.artworks WHERE id = %s", (theirs,)).fetchall()


@LONG
def test_after_the_switch_a_deleted_row_may_come_back_with_its_id(migrated: Shop) -> None:
    """After the switch an id that the serving table had may be inserted again after its row was deleted."""
    artwork = add_clean(migrated, pet_name="Rex")
    switch(migrated)
    migrated.sql.execute("DELETE FROM public.artworks WHERE id = %s", (artwork,))
    with migrated.sql.transaction():
        add_clean(migrated, id=artwork, pet_name="Max")
        read = "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relid = 'artwork_migration.clean_change'::regclass"
        assert 0 == migrated.value(read)
    roll_back(migrated)
    assert "Max" == migrated.value("SELECT pet_name FROM public.artworks WHERE id = %s", artwork)


@LONG
def test_a_function_that_tells_what_it_sees_sees_no_row_of_others(shop: Shop, few: FewRows) -> None:
    """A caller's function in a condition sees no row of others, because row level security comes first, also through the view."""
    switch(shop)
    session = signed_in(shop, few.owning)
    told: list[str] = []
    session.add_notice_handler(lambda notice: told.append(str(notice.message_primary)))
    session.execute(
        "CREATE FUNCTION pg_temp.tell(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001"
        " AS $$ BEGIN RAISE NOTICE '%', value; RETURN TRUE; END $$"
    )
    for relation in ("artworks", "artworks_v2", "artworks_old"):
        told.clear()
        session.execute(f"SELECT id FROM public.{relation} WHERE pg_temp.tell(user_id::text)")  # type: ignore[call-overload]  # made of this test's own names
        assert {str(few.owning)} == set(told)
