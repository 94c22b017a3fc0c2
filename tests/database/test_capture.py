"""The forward capture: whatever changes what a clean row should be logs the artwork's id, on both releases."""

from uuid import UUID, uuid4

import psycopg
import pytest

from sample.server import EmbeddedServer
from tests.artworks import add_clean, add_legacy, add_order, add_user, clean, empty_log, legacy, logged, pending
from tests.conftest import MakeShop
from tests.databases import Shop, deploy
from tests.interleaving import break_function


@pytest.fixture
def shop(deployed_on_either: Shop) -> Shop:
    """Both tables live."""
    return deployed_on_either


def _written(shop: Shop, statement: str, *parameters: object) -> list[list[UUID]]:
    """What one statement logs."""
    empty_log(shop)
    shop.sql.execute(statement, parameters or None)
    return logged(shop)


def test_each_kind_of_write_logs_its_ids_in_one_row(shop: Shop) -> None:
    """INSERT, UPDATE and DELETE log one row a statement, with every id it touched."""
    one, two = sorted([uuid4(), uuid4()])
    insert = (
        "INSERT INTO public.artworks (id, original_image_url, customer_name, customer_email)"
        " SELECT id, 'https://x', 'Ada', 'ada@x.example' FROM UNNEST(%s::uuid[]) AS n (id)"
    )
    assert [[one, two]] == _written(shop, insert, [one, two])
    assert [[one, two]] == _written(shop, "UPDATE public.artworks SET pet_name = 'Rex' WHERE id = ANY(%s)", [one, two])
    assert [[one, two]] == _written(shop, "DELETE FROM public.artworks WHERE id = ANY(%s)", [one, two])


def test_a_statement_that_touches_nothing_logs_nothing(shop: Shop) -> None:
    """A write of no row adds no row to the log."""
    assert [] == _written(shop, "UPDATE public.artworks SET pet_name = 'Rex' WHERE id = %s", uuid4())
    assert [] == _written(shop, "DELETE FROM public.artworks WHERE id = %s", uuid4())
    assert [] == _written(shop, "UPDATE public.users SET created_at = created_at")


def test_merge_logs_every_id_whatever_became_of_it(shop: Shop) -> None:
    """MERGE logs one row for each kind of action that touched a row, and none for an action that touched nothing."""
    changed, gone, born = add_legacy(shop), add_legacy(shop), uuid4()
    found = _written(
        shop,
        "MERGE INTO public.artworks AS a USING (VALUES (%s::uuid, 'change'), (%s, 'delete'), (%s, 'insert')) AS n (id, what) ON a.id = n.id"
        " WHEN MATCHED AND n.what = 'delete' THEN DELETE"
        " WHEN MATCHED THEN UPDATE SET pet_name = 'Rexa'"
        " WHEN NOT MATCHED THEN INSERT (id, original_image_url, customer_name, customer_email)"
        " VALUES (n.id, 'https://x', 'Ada', 'ada@x.example')",
        changed,
        gone,
        born,
    )
    assert sorted([[changed], [gone], [born]]) == sorted(found)


def test_copy_logs_its_rows(shop: Shop) -> None:
    """COPY FROM logs the ids of its rows."""
    empty_log(shop)
    one, two = sorted([uuid4(), uuid4()])
    with (
        shop.sql.cursor() as cursor,
        cursor.copy("COPY public.artworks (id, original_image_url, customer_name, customer_email) FROM STDIN") as copy,
    ):
        copy.write_row((one, "https://x", "Ada", "ada@x.example"))
        copy.write_row((two, "https://x", "Ada", "ada@x.example"))
    assert [[one, two]] == logged(shop)


def test_on_conflict_logs_what_it_updated(shop: Shop) -> None:
    """INSERT … ON CONFLICT DO UPDATE logs each row, inserted or updated."""
    there, born = add_legacy(shop), uuid4()
    found = _written(
        shop,
        "INSERT INTO public.artworks (id, original_image_url, customer_name, customer_email)"
        " SELECT id, 'https://x', 'Ada', 'ada@x.example' FROM UNNEST(%s::uuid[]) AS n (id)"
        " ON CONFLICT (id) DO UPDATE SET pet_name = 'Rexa'",
        [there, born],
    )
    assert sorted([[there], [born]]) == sorted(found)


def test_a_changed_key_logs_the_old_id_and_the_new_one(shop: Shop) -> None:
    """An UPDATE of an id logs the old and the new one, so that the clean row with the old id can go."""
    before, after = add_legacy(shop), uuid4()
    assert sorted([[before], [after]]) == sorted(_written(shop, "UPDATE public.artworks SET id = %s WHERE id = %s", after, before))
    shop.sql.execute("ALTER TABLE public.artworks DISABLE TRIGGER artwork_migration_key")
    assert [[before]] == _written(shop, "UPDATE public.artworks SET id = %s WHERE id = %s", before, after)


def test_replica_role_does_not_silence_the_capture(shop: Shop) -> None:
    """A write with session_replication_role = replica is captured, because the triggers are ENABLE ALWAYS."""
    artwork = add_legacy(shop)
    shop.sql.execute("SET session_replication_role = replica")
    update = "UPDATE public.artworks SET pet_name = 'Rexa' WHERE id = %s"
    assert [[artwork]] == _written(shop, update, artwork)
    shop.sql.execute("ALTER TABLE public.artworks ENABLE TRIGGER artwork_migration_update")
    assert [] == _written(shop, update, artwork)


def test_a_role_without_rights_on_the_ledger_can_still_write(shop: Shop) -> None:
    """A role without privileges on the ledger can write and is logged, because the capture is SECURITY DEFINER."""
    artwork = add_legacy(shop)
    empty_log(shop)
    service = shop.session(role="service_role", autocommit=True)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        service.execute("SELECT * FROM artwork_migration.legacy_change")
    service.execute("UPDATE public.artworks SET pet_name = 'Rexa' WHERE id = %s", (artwork,))
    assert [[artwork]] == logged(shop)
    shop.sql.execute("ALTER FUNCTION artwork_migration.capture_artworks() SECURITY INVOKER")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        service.execute("UPDATE public.artworks SET pet_name = 'Rexb' WHERE id = %s", (artwork,))


@pytest.mark.parametrize("table", ["public.artworks CASCADE", "public.users CASCADE", "public.artworks_v2"])
def test_truncate_is_refused_in_words(shop: Shop, table: str) -> None:
    """TRUNCATE is refused with what to do instead, because it cannot be captured row by row."""
    with pytest.raises(psycopg.errors.FeatureNotSupported) as refused:
        shop.sql.execute(f"TRUNCATE {table}")
    assert "is refused while its rows are being migrated" in str(refused.value.diag.message_primary)
    assert "DELETE" in str(refused.value.diag.message_hint)


def test_our_own_writes_are_not_captured(shop: Shop) -> None:
    """A transaction with artwork_migration.apply = on logs nothing, and the next one is captured."""
    artwork = add_legacy(shop)
    empty_log(shop)
    with shop.sql.transaction():
        shop.sql.execute("SET LOCAL artwork_migration.apply = 'on'")
        shop.sql.execute("UPDATE public.artworks SET pet_name = 'Rexa' WHERE id = %s", (artwork,))
    assert [] == logged(shop)
    assert [[artwork]] == _written(shop, "UPDATE public.artworks SET pet_name = 'Rexb' WHERE id = %s", artwork)


def test_the_write_through_does_not_silence_its_callers_transaction(shop: Shop) -> None:
    """A legacy write after a write-through in one transaction is captured, because the setting holds for the write-through only."""
    one, other = add_clean(shop), add_legacy(shop)
    empty_log(shop)
    with shop.sql.transaction():
        shop.sql.execute("UPDATE public.artworks_v2 SET pet_name = 'Rexa' WHERE id = %s", (one,))
        assert "on" != shop.value("SELECT CURRENT_SETTING('artwork_migration.apply', TRUE)")
        shop.sql.execute("UPDATE public.artworks SET pet_name = 'Rexb' WHERE id = %s", (other,))
    assert [[one], [other]] == logged(shop)


def test_an_order_logs_the_artwork_that_gains_or_loses_a_reference(shop: Shop) -> None:
    """INSERT, DELETE and a change of artwork_id of an order log the artworks; a change of its status logs nothing."""
    one, two = add_legacy(shop), add_legacy(shop)
    empty_log(shop)
    order = add_order(shop, one)
    assert [[one]] == logged(shop)
    assert [] == _written(shop, "UPDATE public.orders SET status = 'shipped' WHERE id = %s", order)
    assert [sorted([one, two])] == _written(shop, "UPDATE public.orders SET artwork_id = %s WHERE id = %s", two, order)
    assert [[two]] == _written(shop, "DELETE FROM public.orders WHERE id = %s", order)


def test_a_new_or_renamed_user_logs_the_artworks_of_the_email(shop: Shop) -> None:
    """A new user logs the artworks of the e-mail, and a changed e-mail logs those of the old and the new one."""
    one, two = add_legacy(shop, customer_email="one@users.example"), add_legacy(shop, customer_email="two@users.example")
    empty_log(shop)
    user = add_user(shop, "one@users.example")
    assert {one} == pending(shop)
    assert [] == _written(shop, "UPDATE public.users SET email = 'two@users.example' WHERE id = %s", user)
    assert {one, two} == pending(shop)


def test_a_deleted_user_logs_the_artworks_of_the_email_and_of_the_id(shop: Shop) -> None:
    """DELETE of a user logs the artworks with its e-mail and those with its user_id, which the cascade empties."""
    user = add_user(shop, "one@users.example")
    by_email = add_legacy(shop, customer_email="one@users.example")
    by_id = add_legacy(shop, user_id=user)
    assert [[by_id]] == _written(shop, "DELETE FROM public.users WHERE id = %s", user)
    assert {by_email, by_id} == pending(shop)
    assert legacy(shop, by_id, "user_id") is None


def test_a_claimed_user_is_not_ours_any_more(shop: Shop) -> None:
    """A user that migrate_data created leaves created_user when somebody signs up with it, so a rollback keeps it."""
    shop.sql.execute("SELECT artwork_migration.create_users('{new@users.example}')")
    claim = "UPDATE public.users SET is_anonymous = FALSE WHERE email = 'new@users.example'"
    assert 1 == shop.value("SELECT COUNT(*) FROM artwork_migration.created_user")
    shop.sql.execute(claim)
    assert 0 == shop.value("SELECT COUNT(*) FROM artwork_migration.created_user")


def test_a_write_that_was_taken_back_logs_nothing(shop: Shop) -> None:
    """A write that is rolled back to a savepoint is not in the log; the writes before and after it are."""
    before, within, after = add_legacy(shop), add_legacy(shop), add_legacy(shop)
    empty_log(shop)
    update = "UPDATE public.artworks SET pet_name = 'Rexa' WHERE id = %s"
    with shop.sql.transaction():
        shop.sql.execute(update, (before,))
        with shop.sql.transaction(force_rollback=True):
            shop.sql.execute(update, (within,))
        shop.sql.execute(update, (after,))
    assert [[before], [after]] == logged(shop)


def test_a_deleted_artwork_logs_itself_and_what_its_orders_referenced(shop: Shop) -> None:
    """DELETE of an artwork logs it and, through the cascade, the artworks of its orders."""
    artwork = add_legacy(shop)
    add_order(shop, artwork)
    assert [[artwork], [artwork]] == _written(shop, "DELETE FROM public.artworks WHERE id = %s", artwork)


def test_every_role_that_may_write_can_still_write(shop: Shop) -> None:
    """Each role of the sample can do whatever it was allowed to do to artworks, orders and users, and all of it is logged."""
    owner = add_user(shop, "ada@roles.example")
    artwork = add_legacy(shop, user_id=owner, customer_email="ada@roles.example")
    shop.sql.execute("GRANT INSERT, UPDATE, DELETE ON public.users TO authenticated")
    shop.sql.execute("GRANT SELECT ON public.users TO authenticated")
    empty_log(shop)
    for role in ("service_role", "authenticated"):
        session = shop.session(role=role, autocommit=True)
        session.execute(
            "SELECT SET_CONFIG('request.jwt.claims', JSON_BUILD_OBJECT('sub', %s::text, 'role', %s::text)::text, FALSE)", (owner, role)
        )
        assert 1 == session.execute("UPDATE public.artworks SET pet_name = 'Rexa' WHERE id = %s", (artwork,)).rowcount
        session.execute("INSERT INTO public.users (email) VALUES (%s)", (f"{role}@roles.example",))
        session.execute("UPDATE public.users SET email = 'x' || email WHERE email = %s", (f"{role}@roles.example",))
        session.execute("DELETE FROM public.users WHERE email = %s", (f"x{role}@roles.example",))
    assert [[artwork], [artwork]] == logged(shop)


def test_references_by_several_columns_and_through_partitions_are_captured(make_shop: MakeShop, either_server: EmbeddedServer) -> None:
    """Each of two referencing columns logs what it gains and loses; a partition logs writes by its name and through its parent."""
    shop = make_shop(on=either_server)
    shop.sql.execute(
        """
        CREATE TABLE public.pairs (one uuid REFERENCES public.artworks (id), two uuid REFERENCES public.artworks (id));
        CREATE TABLE public.views (artwork_id uuid REFERENCES public.artworks (id), day int) PARTITION BY LIST (day);
        CREATE TABLE public.views_1 PARTITION OF public.views FOR VALUES IN (1);
        CREATE TABLE public.views_2 PARTITION OF public.views FOR VALUES IN (2);
        """
    )
    deploy(shop)
    one, two = sorted((add_legacy(shop), add_legacy(shop)))
    assert [[one], [two]] == sorted(_written(shop, "INSERT INTO public.pairs VALUES (%s, %s)", one, two))
    assert [[one, two]] == _written(shop, "UPDATE public.pairs SET two = %s", one)
    assert [[one]] == _written(shop, "UPDATE public.pairs SET one = NULL")
    assert [[one]] == _written(shop, "INSERT INTO public.views VALUES (%s, 1)", one)
    assert [[two]] == _written(shop, "INSERT INTO public.views_1 VALUES (%s, 1)", two)
    assert [[one, two]] == _written(shop, "UPDATE public.views SET artwork_id = %s, day = 2 WHERE artwork_id = %s", two, one)
    assert [[two]] == _written(shop, "DELETE FROM public.views_2")


def test_an_update_of_a_user_that_changes_nothing_of_ours_logs_nothing(shop: Shop) -> None:
    """An UPDATE of users logs artworks only for those whose id or e-mail changed."""
    add_user(shop, "one@users.example"), add_user(shop, "two@users.example")
    one = add_legacy(shop, customer_email="one@users.example")
    add_legacy(shop, customer_email="two@users.example")
    assert [] == _written(shop, "UPDATE public.users SET updated_at = NOW() WHERE email LIKE '%%@users.example'")
    assert set() == pending(shop)
    shop.sql.execute("UPDATE public.users SET email = REPLACE(email, 'one@', 'three@') WHERE email LIKE '%@users.example'")
    assert {one} == pending(shop)


def test_a_log_row_of_a_transaction_that_failed_is_gone_with_it(shop: Shop) -> None:
    """A write that was rolled back leaves neither a row in the log nor a clean row."""
    empty_log(shop)
    artwork = uuid4()
    with shop.sql.transaction(force_rollback=True):
        add_legacy(shop, id=artwork)
    assert [] == logged(shop)
    assert clean(shop, artwork, "id") is None


def test_without_its_line_a_capture_of_references_would_miss_the_artwork_left(shop: Shop) -> None:
    """Without the comparison of old rows, an order that moves would not log the artwork that it left."""
    one, two = add_legacy(shop), add_legacy(shop)
    order = add_order(shop, one)
    function = shop.value("SELECT tgfoid::regproc::text FROM pg_trigger WHERE tgname = 'artwork_migration_update_artwork_id'")
    protection = "SELECT b.artwork_id AS id FROM before AS b EXCEPT SELECT c.artwork_id FROM changed AS c"
    break_function(shop, function, protection, "SELECT b.artwork_id AS id FROM before AS b WHERE FALSE")
    assert [[two]] == _written(shop, "UPDATE public.orders SET artwork_id = %s WHERE id = %s", two, order)
