"""The one wrapper around the driver: what comes out of it holds SQLSTATE and names of objects, never a value of a row."""

import logging
import re
import traceback
from contextlib import ExitStack

import pytest
from sqlalchemy import text

from migration.database import Database
from migration.errors import ConnectionLost, DatabaseError, DatabaseUnreachable, MigrationError, Overtaken
from migration.settings import database_url
from tests.databases import Shop
from tests.interleaving import TERMINATED
from tests.waiting import wait_until

CANARY = "canary@person.example"

INSERT = "INSERT INTO public.artworks (original_image_url, customer_name, customer_email, access_token, generation_status) VALUES "

BREAKING = [
    ("23502", f"{INSERT} ('{CANARY}', NULL, '{CANARY}', '{CANARY}', 'pending')", "public.artworks.customer_name"),
    (
        "23505",
        f"{INSERT} ('u', 'n', '{CANARY}', '{CANARY}', 'pending'), ('u', 'n', '{CANARY}', '{CANARY}', 'pending')",
        "public.artworks.artworks_access_token_key",
    ),
    ("23514", f"{INSERT} ('u', 'n', '{CANARY}', '{CANARY}', '{CANARY}')", "public.artworks.artworks_generation_status_check"),
    (
        "23503",
        f"INSERT INTO public.orders (artwork_id, stripe_session_id, amount_cents) VALUES (GEN_RANDOM_UUID(), '{CANARY}', 1)",
        "public.orders.orders_artwork_id_fkey",
    ),
    ("22P02", f"SELECT CAST('{CANARY}' AS uuid)", ""),
    ("22P02", f"SELECT CAST('{{\"{CANARY}' AS jsonb)", ""),
    ("22007", f"SELECT CAST('{CANARY}' AS timestamptz)", ""),
    ("22012", "SELECT 1 / 0", ""),
    ("57014", "SELECT SET_CONFIG('statement_timeout', '50ms', TRUE); SELECT PG_SLEEP(30)", ""),
    ("42P01", "SELECT 1 FROM public.no_such_table", 'relation "public.no_such_table" does not exist'),
    ("42703", "SELECT no_such_column FROM public.artworks", 'column "no_such_column" does not exist'),
    # a function's own words may hold anything
    ("55P03", "SELECT public.fails('55P03')", ""),
]


@pytest.mark.parametrize(
    ("sqlstate", "statement", "objects"), BREAKING, ids=[f"{state} {place}" for place, (state, *_) in enumerate(BREAKING)]
)
def test_an_error_has_the_state_and_the_object_only(
    shop: Shop, caplog: pytest.LogCaptureFixture, sqlstate: str, statement: str, objects: str
) -> None:
    """Neither message, traceback nor log of an error holds the value that caused it."""
    shop.sql.execute(
        "CREATE FUNCTION public.fails(state text) RETURNS void LANGUAGE plpgsql AS"
        " $$BEGIN RAISE EXCEPTION USING ERRCODE = state, MESSAGE = '" + CANARY + "'; END$$"
    )
    with caplog.at_level(logging.DEBUG), pytest.raises(DatabaseError) as caught, shop.database.transaction("doing it") as connection:
        connection.exec_driver_sql(statement)
    assert (sqlstate, "doing it") == (caught.value.sqlstate, caught.value.action)
    assert str(caught.value).startswith(f"doing it failed with SQLSTATE {sqlstate} (")
    assert objects in str(caught.value)
    _tells_nothing(caught.value, caplog)


def test_parameters_are_not_shown_either(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """Neither message, traceback nor log of an error holds a parameter of its statement."""
    with caplog.at_level(logging.DEBUG), pytest.raises(DatabaseError) as caught, shop.database.transaction("doing it") as connection:
        connection.execute(text("SELECT CAST(:value AS uuid)"), {"value": CANARY})
    _tells_nothing(caught.value, caplog)


def test_the_canary_would_be_seen(shop: Shop) -> None:
    """The driver's own error holds the value, so the tests above look for something that is there."""
    with pytest.raises(Exception, match=CANARY):
        shop.sql.execute("SELECT CAST(%s AS uuid)", (CANARY,))


def test_an_overtaken_run_is_an_error_of_its_own(shop: Shop) -> None:
    """SQLSTATE of an overtaken run becomes an error of its own, without the advice about a database error."""
    with pytest.raises(Overtaken, match="The newer run does the work"), shop.database.transaction("copying a chunk") as connection:
        connection.exec_driver_sql(
            "DO $$BEGIN RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = 'run 3 was overtaken by run 4 and may not write any more'; END$$"
        )


def test_a_failed_transaction_leaves_nothing(shop: Shop) -> None:
    """An error rolls back what its transaction wrote, and the connection can be used again."""
    before = shop.value("SELECT COUNT(*) FROM public.users")
    with pytest.raises(DatabaseError), shop.database.transaction("doing it") as connection:
        connection.exec_driver_sql("INSERT INTO public.users (email) VALUES ('somebody@example.org')")
        connection.exec_driver_sql("SELECT 1 / 0")
    assert before == shop.value("SELECT COUNT(*) FROM public.users")
    with shop.database.transaction("again") as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1


def test_settings_hold_for_one_transaction_only(shop: Shop) -> None:
    """Settings hold for one transaction, because behind a pooler the next client would inherit a session's."""
    question = text("SELECT CURRENT_SETTING('lock_timeout') || CURRENT_SETTING('search_path')")
    with shop.database.autocommit("before") as connection:
        before = connection.execute(question).scalar_one()
    with shop.database.transaction("doing it", lock_timeout="123ms") as connection:
        assert "123ms" == connection.execute(question).scalar_one()
    with shop.database.autocommit("after") as connection:
        assert before == connection.execute(question).scalar_one()


def test_a_database_may_have_more_connections_than_a_pool_usually_has(shop: Shop) -> None:
    """As many transactions are open at a time as are needed, also more than the fifteen of SQLAlchemy's pool: chunks may have 32."""
    with ExitStack() as open_ones:
        for _ in range(17):
            open_ones.enter_context(shop.database.transaction("copying a chunk"))
        assert 17 == shop.value("SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'test' AND datname = CURRENT_DATABASE()")


def test_an_object_of_ours_that_is_missing_is_explained(shop: Shop) -> None:
    """Where a table or a function of ours is missing, the message says that another version has deployed the database, and what to do."""
    explained = "deployed by another version of this tool.*To fix: use the version that has deployed it"
    for statement in ("SELECT NEXTVAL('artwork_migration.row_counter')", "SELECT artwork_migration.copy_block_range('(0,0)', '(1,0)')"):
        shop.sql.execute("CREATE SCHEMA IF NOT EXISTS artwork_migration")
        with pytest.raises(DatabaseError, match=explained), shop.database.transaction("copying a chunk") as connection:
            connection.exec_driver_sql(statement)
    with pytest.raises(DatabaseError, match="To fix: remove the cause"), shop.database.transaction("asking") as connection:
        connection.exec_driver_sql("SELECT 1 FROM public.no_such_table")


@pytest.mark.parametrize(
    ("settings", "statement", "why", "fix"),
    [
        ({}, TERMINATED, "an administrator ended the session", "start it again when the database can be reached; it resumes"),
        ({"idle_session_timeout": "20ms"}, "SELECT 1", "`idle_session_timeout` ended", "set `idle_session_timeout` to 0 for the role"),
    ],
)
def test_a_connection_that_is_cut_says_by_what_and_what_to_do(
    shop: Shop, settings: dict[str, str], statement: str, why: str, fix: str
) -> None:
    """A connection that is lost in a statement or before it: the error names the step, what ended the session, and the way on."""
    with pytest.raises(ConnectionLost) as lost, shop.database.autocommit("copying a chunk", **settings) as connection:
        pid = connection.exec_driver_sql("SELECT PG_BACKEND_PID()").scalar_one()
        wait_until(lambda: not settings or not shop.value("SELECT COUNT(*) FROM pg_stat_activity WHERE pid = %s", pid))
        connection.exec_driver_sql(statement)
    assert re.match(f"copying a chunk: the connection to .* was lost: .*{why}.*\\(SQLSTATE 57P0.\\).*{fix}", str(lost.value), re.DOTALL)


def test_no_connection_is_another_error(shop: Shop) -> None:
    """A connection that cannot be made is another error than one that is lost: nothing was begun."""
    database = Database(database_url(shop.server.url("no_such_shop")), name="test")
    with pytest.raises(DatabaseUnreachable), database.autocommit("asking"):
        pass
    database.dispose()


def _tells_nothing(error: MigrationError, caplog: pytest.LogCaptureFixture) -> None:
    printed = "".join(traceback.format_exception(error))
    # the test's own source line is in the traceback, the value that the server echoed is not
    assert CANARY not in str(error)
    assert "psycopg.errors" not in printed
    assert "sqlalchemy.exc" not in printed
    assert CANARY not in caplog.text
    assert error.__cause__ is None
    assert error.__suppress_context__
