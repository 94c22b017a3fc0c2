"""The retired table takes no writes, whoever makes them and however: it says so in words, and nothing is changed."""

from contextlib import suppress

import psycopg
import pytest

from tests.conftest import MakeShop
from tests.databases import Shop

ROW = "('https://u/1', 'Ada', 'ada@example.com')"
COLUMNS = "(original_image_url, customer_name, customer_email)"
WRITES = {
    "insert": f"INSERT INTO artworks_old {COLUMNS} VALUES {ROW}",
    "insert that would do nothing": f"INSERT INTO artworks_old {COLUMNS} SELECT 'a', 'b', 'c' WHERE FALSE",
    "update": "UPDATE artworks_old SET pet_name = 'Rex'",
    "update of the owner alone": "UPDATE artworks_old SET user_id = NULL",
    "delete": "DELETE FROM artworks_old",
    "delete with its orders": "DELETE FROM artworks_old WHERE id = (SELECT artwork_id FROM orders LIMIT 1)",
    "truncate": "TRUNCATE artworks_old",
    "truncate of all": "TRUNCATE artworks_old, artworks CASCADE",
    "on conflict do update": "INSERT INTO artworks_old (id, original_image_url, customer_name, customer_email)"
    " SELECT id, 'a', 'b', 'c' FROM artworks_old LIMIT 1 ON CONFLICT (id) DO UPDATE SET pet_name = 'Rex'",
    "on conflict do nothing": "INSERT INTO artworks_old (id, original_image_url, customer_name, customer_email)"
    " SELECT id, 'a', 'b', 'c' FROM artworks_old LIMIT 1 ON CONFLICT DO NOTHING",
    "merge that updates": "MERGE INTO artworks_old AS a USING orders AS o ON a.id = o.artwork_id"
    " WHEN MATCHED THEN UPDATE SET pet_name = 'Rex'",
    "merge that deletes": "MERGE INTO artworks_old AS a USING orders AS o ON a.id = o.artwork_id WHEN MATCHED THEN DELETE",
    "merge that inserts": "MERGE INTO artworks_old AS a USING (SELECT 1) AS s ON FALSE"
    f" WHEN NOT MATCHED THEN INSERT {COLUMNS} VALUES {ROW}",
}
WRITERS = {
    "the owner": "SELECT 1",
    "the service role": "SET ROLE service_role",
    "a replica": "SET session_replication_role = replica",
}


@pytest.fixture
def shop(make_shop: MakeShop) -> Shop:
    """Switched; the service role may write what it may write on the serving table."""
    shop = make_shop(phase="SWITCHED")
    shop.sql.execute("GRANT TRUNCATE ON artworks_old, artworks, orders, order_status_history TO service_role")
    return shop


@pytest.mark.parametrize("writer", WRITERS)
def test_every_kind_of_write_is_refused_in_words(shop: Shop, writer: str) -> None:
    """Every kind of write to the retired table, COPY included, is refused with 0A000 and its name, and changes nothing."""
    rows = "SELECT MD5(STRING_AGG(a::text, '' ORDER BY a.id)) FROM artworks_old AS a"
    before, session = shop.value(rows), shop.session(autocommit=True)
    session.execute(WRITERS[writer])  # type: ignore[call-overload]  # made of this test's own names
    for name, statement in WRITES.items():
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="artworks_old") as caught:
            session.execute(statement)  # type: ignore[call-overload]  # as above
        assert caught.value.diag.message_hint, name
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="the table that serves"):
        with session.cursor() as cursor, cursor.copy(f"COPY artworks_old {COLUMNS} FROM STDIN") as copy:
            copy.write_row(("https://u/1", "Ada", "ada@example.com"))
    assert before == shop.value(rows)


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_customers_and_visitors_write_nothing(shop: Shop, role: str) -> None:
    """A customer or visitor cannot change a row of the retired table, by row level security, guard or privilege."""
    rows = "SELECT MD5(STRING_AGG(a::text, '' ORDER BY a.id)) FROM artworks_old AS a"
    before, session = shop.value(rows), shop.session(role=role, autocommit=True)
    for statement in WRITES.values():
        with suppress(psycopg.errors.FeatureNotSupported, psycopg.errors.InsufficientPrivilege):
            assert session.execute(statement).rowcount == 0  # type: ignore[call-overload]  # made of this test's own names
    assert before == shop.value(rows)


def test_deleting_or_renumbering_a_user_works_as_before(shop: Shop) -> None:
    """Deleting a user or changing its id passes the guard, and changes nothing else in the retired rows."""
    question = "SELECT COUNT(*), MD5(STRING_AGG((TO_JSONB(a) - 'user_id')::text, '' ORDER BY a.id)) FROM artworks_old AS a"
    before = shop.rows(question)
    user = shop.value("SELECT user_id FROM artworks_old WHERE user_id IS NOT NULL LIMIT 1")
    assert shop.sql.execute("DELETE FROM users WHERE id = %s", (user,)).rowcount == 1
    assert shop.value("SELECT COUNT(*) FROM artworks_old WHERE user_id = %s", user) == 0
    assert shop.value("SELECT COUNT(*) FROM artworks WHERE user_id = %s", user) == 0
    assert before == shop.rows(question)
