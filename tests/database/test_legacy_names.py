"""The schema legacy_names: code that knows only the legacy table sets its search_path once and keeps working in every phase."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migration.checks import verification
from migration.errors import NewBlocker, PrerequisitesNotMet
from migration.ledger.phases import ROLL_BACK_TO_MIGRATED, VERIFY
from migration.sync.carry_back import carry_back_before_locks
from migration.verbs.roll_back import plan_uninstall
from reporting.status import read_status
from reporting.status_lines import status_lines
from sample.build import Variant
from tests.artworks import add_user
from tests.conftest import MakeShop
from tests.database.conftest import Steps
from tests.databases import (
    Shop,
    accept_exposure,
    approve,
    decide,
    deploy,
    deploy_with_old_names,
    execute,
    execute_clean_up,
    finish_clean_up,
    make_ready,
    migrate,
    planned,
    planned_clean_up,
    planned_deployment,
    planned_roll_back,
    planned_switch,
    reconcile_now,
    roll_back,
    running,
    switch,
    uninstall,
)
from tests.roles import NEWCOMER, Caller, acting_as, add_roles, all_callers, few_rows, visible
from tests.series import LONG, series
from tests.waiting import wait_until

#: What old code sets, and nothing else.
OLD_CODE = "SET search_path = legacy_names, public"
_INSERT = (
    "INSERT INTO artworks (id, customer_name, customer_email, pet_name, original_image_url, access_token)"
    " VALUES ('{id}', 'Ana', 'ana@{id}.org', 'Rex', 'https://u/first', 'token-{id}') RETURNING {columns}"
)
_UPDATE = "UPDATE artworks SET {} WHERE id = '{{id}}' RETURNING {{columns}}"
#: What old code does in a day with one artwork, in this order. `{id}` is that artwork, `{waiting}` and `{ordered}` are of customers who
#: have uploaded nothing when the tables switch, `{finished}` one that was completed long ago.
CALLS = {
    "insert first, pictures to come": _INSERT,
    "read the old columns": "SELECT original_image_url, original_pet_mom_url, upscaled_at FROM artworks WHERE id = '{id}'",
    "who is reminded of the pictures": "SELECT id FROM artworks WHERE original_pet_url IS NULL AND id = '{id}'",
    "failed before processing": _UPDATE.format("generation_status = 'failed'"),
    "one picture later": _UPDATE.format("original_pet_mom_url = 'https://u/mom'"),
    "the other picture later": _UPDATE.format("original_pet_url = 'https://u/pet'"),
    "failed to completed": _UPDATE.format("generation_status = 'completed', generated_image_url = 'https://f/1'"),
    "poll pending upscales": "SELECT id FROM artworks WHERE upscale_status = 'pending' AND id = '{id}'",
    "an order": "INSERT INTO orders (artwork_id, stripe_session_id, amount_cents) VALUES ('{id}', 'cs-{id}', 100) RETURNING artwork_id",
    "the webhook of a digital order": _UPDATE.format("upscale_status = 'not_required'"),
    "the same webhook again": _UPDATE.format("upscale_status = 'not_required'"),
    "an upscale begins": _UPDATE.format("upscale_status = 'processing'"),
    "an upscale ends": _UPDATE.format("upscale_status = 'completed', upscaled_at = '2026-01-02 03:04:05.678+00'"),
    "when it ended": "SELECT upscaled_at FROM artworks WHERE id = '{id}'",
    "upscaling again": _UPDATE.format("upscale_status = 'processing'"),
    "completed to pending": _UPDATE.format("generation_status = 'pending'"),
    "processing": _UPDATE.format("generation_status = 'processing'"),
    "completed again": _UPDATE.format("generation_status = 'completed'"),
    "a column that the clean table does not have": "UPDATE artworks SET mockup_urls = '[1]' WHERE id = '{id}' RETURNING mockup_urls",
    "by token": "SELECT {columns} FROM artworks WHERE access_token = 'token-{id}'",
    "orders with it": "SELECT o.status, a.pet_name FROM orders AS o JOIN artworks AS a ON a.id = o.artwork_id WHERE a.id = '{id}'",
    "a waiting customer": "SELECT {columns} FROM artworks WHERE id = '{waiting}'",
    "a waiting customer uploads": "UPDATE artworks SET original_pet_mom_url = 'https://u/m', original_pet_url = 'https://u/p'"
    " WHERE id = '{waiting}' RETURNING {columns}",
    "an order without a picture": "INSERT INTO orders (artwork_id, stripe_session_id, amount_cents)"
    " VALUES ('{ordered}', 'cs-{ordered}', 100) RETURNING artwork_id",
    "what was ordered": "SELECT {columns} FROM artworks WHERE id = '{ordered}'",
    "a finished one is renamed": "UPDATE artworks SET pet_name = 'Max' WHERE id = '{finished}' RETURNING {columns}",
    "a finished one is made anew": "UPDATE artworks SET generation_status = 'pending' WHERE id = '{finished}' RETURNING {columns}",
    "an unknown status": _UPDATE.format("generation_status = 'unknown'"),
    "a name that must not be NULL": _UPDATE.format("customer_name = NULL"),
    "a token in use": "INSERT INTO artworks (customer_name, customer_email, original_image_url, access_token)"
    " VALUES ('B', 'b@b.org', 'https://u/1', 'token-{id}') RETURNING pet_name",
    "delete": "DELETE FROM artworks WHERE id = '{id}' RETURNING id",
    "its orders are gone": "SELECT id FROM orders WHERE artwork_id = '{id}'",
}
COLUMNS = (
    *("id", "original_image_url", "original_pet_mom_url", "original_pet_url", "generated_image_url", "upscaled_image_url"),
    *("generation_status", "upscale_status", "pet_name", "customer_name", "customer_email", "access_token", "user_id"),
)
#: Every legacy column, except the owner, which the clean table has where legacy has none.
ROWS = "SELECT TO_JSONB(a) - 'user_id' FROM {}.artworks AS a ORDER BY a.id"


@pytest.fixture
def switched(make_shop: MakeShop) -> Shop:
    """The production-like sample, whose old names are served, after the switch."""
    return make_shop(phase="SWITCHED with old names")


def old_code(shop: Shop) -> psycopg.Connection[Any]:
    """A session of the old code, as the service role."""
    session = shop.session(role="service_role", autocommit=True)
    session.execute(OLD_CODE)
    return session


@pytest.mark.parametrize("variant", series([Variant.CURRENT, Variant.MINIMAL], {Variant.CURRENT}))
def test_old_code_gets_in_every_phase_what_it_got_before(make_shop: MakeShop, variant: Variant) -> None:
    """Each call returns in every phase the rows, or the SQLSTATE, that it returns without a migration; the uninstallation is whole."""
    untouched, shop = make_shop(variant), make_shop(variant)
    before = shop.schema_dump()
    waiting = shop.rows(
        "SELECT a.id FROM artworks AS a WHERE a.generation_status = 'pending' AND a.customer_email <> '' AND a.access_token <> ''"
        " AND a.original_image_url NOT LIKE 'test-%' AND a.created_at < NOW() - interval '1 day'"
        " AND NOT EXISTS (SELECT FROM orders AS o WHERE o.artwork_id = a.id) ORDER BY a.id"
    )
    finished = shop.rows("SELECT id FROM artworks WHERE generation_status = 'completed' AND customer_email <> '' ORDER BY id")
    for place, bring in enumerate((deploy_with_old_names, migrate, switch, roll_back)):
        bring(shop)
        names = {
            "id": f"00000000-0000-4000-8000-00000000000{place}",
            "waiting": waiting[place][0],
            "ordered": waiting[place + 4][0],
            "finished": finished[place][0],
        }
        assert answers(untouched, names) == answers(shop, names), bring.__name__
    uninstall(shop)
    assert before == shop.schema_dump()


def answers(shop: Shop, names: dict[str, Any]) -> dict[str, Any]:
    """What each call returns: its rows without the owner, which the clean table has where legacy has none, or the SQLSTATE."""
    session = old_code(shop)
    has = {
        column
        for (column,) in shop.rows(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = COALESCE(TO_REGCLASS('artworks_old'), 'artworks'::regclass)"
        )
    }
    columns = ", ".join(column for column in COLUMNS if column in has and column != "user_id")
    found: dict[str, Any] = {}
    for words, statement in CALLS.items():
        try:
            found[words] = session.execute(statement.format(columns=columns, **names)).fetchall()  # type: ignore[call-overload]  # made of this test's own names
        except psycopg.Error as error:
            found[words] = error.sqlstate
    return found


@LONG
def test_no_write_through_the_old_names_is_lost(switched: Shop) -> None:
    """The verification is green, and the rollback serves the rows as legacy_names showed them: incomplete, complete and new ones."""
    session = old_code(switched)
    session.execute(
        "INSERT INTO artworks (customer_name, customer_email, original_image_url, access_token)"
        " SELECT 'n', n || '@x.org', 'https://u/' || n, 'token-' || n FROM GENERATE_SERIES(1, 3) AS n"
    )
    session.execute("UPDATE artworks SET original_pet_mom_url = 'https://m', original_pet_url = 'https://p' WHERE access_token = 'token-1'")
    session.execute("UPDATE artworks SET generation_status = 'completed', upscale_status = 'not_required' WHERE access_token = 'token-2'")
    created = switched.value("SELECT (artwork).id FROM create_artwork('Neu', 'neu@x.org', 'Rex', 'https://m', 'https://p')")
    session.execute("UPDATE artworks SET pet_name = 'Max', mockup_urls = '[2]' WHERE id = %s", (created,))
    session.execute("DELETE FROM artworks WHERE id = (SELECT a.id FROM artworks AS a WHERE generation_status = 'completed' LIMIT 1)")
    assert [("token-1",), ("token-2",)] == switched.rows(
        "SELECT a.access_token FROM public.artworks AS a JOIN users AS u ON u.id = a.user_id WHERE a.access_token LIKE 'token-_' ORDER BY 1"
    )
    assert "Max" == switched.value("SELECT pet_name FROM public.artworks WHERE id = %s", created)

    with running(switched, VERIFY) as run:
        run.begin()
        assert {} == verification.measure(run)
    assert [] == switched.rows("SELECT rule, about FROM artwork_migration.rule_result WHERE bad > 0 AND suite = 'verification'")
    shown = switched.rows(ROWS.format("legacy_names"))
    roll_back(switched)
    assert shown == switched.rows(ROWS.format("public")) == switched.rows(ROWS.format("legacy_names"))
    assert {"match", "excluded"} == set(migrate(switched)) == set(reconcile_now(switched))


@LONG
def test_the_clean_up_waits_for_artworks_that_are_not_complete(switched: Shop, tmp_path: Path) -> None:
    """An artwork without pictures that was written through legacy_names blocks the clean-up until complete; the export has the use."""
    session = old_code(switched)
    artwork = session.execute(
        "INSERT INTO artworks (customer_name, customer_email, original_image_url, access_token)"
        " VALUES ('n', 'n@x.org', 'u', 't') RETURNING id"
    ).fetchone()
    assert artwork is not None
    make_ready(switched)
    decide(switched, "waive_readiness", "clean-up")  # else this use of the old names blocks it for 7 days
    (blocker,) = planned_clean_up(switched).blockers
    assert ("only_retired", f"1 were written through legacy_names, such as {artwork[0]}.") == (blocker.rule, blocker.problem)
    assert [artwork] == [(key,) for key, _created_at in switched.rows(blocker.statement)]
    session.execute("UPDATE artworks SET generation_status = 'completed' WHERE id = %s", artwork)
    made = planned_clean_up(switched)
    assert () == made.blockers
    session.execute(
        "INSERT INTO artworks (customer_name, customer_email, original_image_url, access_token) VALUES ('n', 'n@x.org', 'u', 's')"
    )
    with pytest.raises(NewBlocker):
        execute_clean_up(switched, made)
    session.execute("DELETE FROM artworks WHERE access_token = 's'")
    execute_clean_up(switched)
    finish_clean_up(switched, tmp_path)
    assert artwork == switched.sql.execute("SELECT id FROM public.artworks WHERE access_token = 't'").fetchone()
    assert switched.value("SELECT TO_REGNAMESPACE('legacy_names') IS NULL")
    (export,) = tmp_path.glob("ledger-*.json")
    content = json.loads(export.read_text(encoding="utf-8"))
    assert str(artwork[0]) in {row["id"] for row in content["legacy_names_write"]}
    assert {"INSERT", "UPDATE"} <= {row["kind"] for row in content["legacy_names_use"]}


def test_a_row_that_another_transaction_has_changed_is_not_written(switched: Shop, steps: Steps) -> None:
    """Of two sessions that claim an artwork by its status one succeeds; the other gets 40001, and repeated it finds nothing."""
    claim = "UPDATE legacy_names.artworks SET upscale_status = 'processing' WHERE id = %s AND upscale_status = 'pending'"
    artwork = switched.value("SELECT id FROM legacy_names.artworks WHERE (upscale_status, generation_status) = ('pending', 'completed')")
    first, second = switched.session(), switched.session()
    assert first.execute(claim, (artwork,)).rowcount == 1
    waiting = steps.statement(switched, second, claim, artwork)
    waiting.blocks()
    first.commit()
    assert waiting.sqlstate() == "40001"
    second.rollback()
    assert second.execute(claim, (artwork,)).rowcount == 0


def test_two_orders_at_once_move_an_artwork_once(switched: Shop, steps: Steps) -> None:
    """Of two orders for an artwork that stayed behind the second one waits for the first, and both lead to one artwork."""
    artwork = switched.value(
        "SELECT id FROM legacy_names.artworks AS a WHERE customer_email <> '' AND access_token <> ''"
        " AND original_image_url NOT LIKE 'test-%' AND NOT EXISTS (SELECT FROM public.artworks AS c WHERE c.id = a.id)"
    )
    order = "INSERT INTO legacy_names.orders (artwork_id, stripe_session_id, amount_cents) VALUES (%s, %s, 100)"
    first, second = switched.session(), switched.session(autocommit=True)
    first.execute(order, (artwork, "first"))
    waiting = steps.statement(switched, second, order, artwork, "second")
    waiting.blocks()
    first.commit()
    assert waiting.sqlstate() is None
    orders = (
        "SELECT COUNT(*) FROM orders AS o JOIN public.artworks AS a ON a.id = o.artwork_id WHERE o.stripe_session_id IN ('first', 'second')"
    )
    assert switched.value(orders) == 2


def test_the_status_shows_who_uses_the_old_names(switched: Shop) -> None:
    """Each session counts a kind of call once a minute, whatever it calls itself; a read-only transaction reads without a count."""
    session = old_code(switched)
    session.execute("SET application_name = 'webshop'")
    for turn in range(3):
        session.execute("UPDATE artworks SET pet_name = pet_name || '!' WHERE id = (SELECT a.id FROM artworks AS a LIMIT 1)")
        session.execute(f"SET application_name = 'name {turn}'")  # type: ignore[arg-type]  # made of this test's own names
    with switched.session() as reader:
        reader.read_only = True
        assert reader.execute("SELECT id FROM legacy_names.artworks LIMIT 1").rowcount == 1
    counted = dict(switched.rows("SELECT kind, COUNT(*) FROM artwork_migration.legacy_names_use GROUP BY kind"))
    assert {"READ", "UPDATE"} == set(counted)
    assert set(counted.values()) <= {1, 2}  # the minute may have changed
    lines = [value for label, value in status_lines(read_status(switched.database)) if label == "old names"]
    assert any(line.startswith("service_role in webshop: read, update; last at 20") for line in lines)


def test_a_change_of_what_serves_the_old_names_is_drift(switched: Shop) -> None:
    """A trigger of the view that was dropped blocks the rollback with its name: writes would go past the check."""
    switched.sql.execute("DROP TRIGGER artwork_migration_2_check ON legacy_names.artworks")
    found = [blocker.subject for blocker in planned_roll_back(switched).blockers]
    assert ["trigger artwork_migration_2_check on legacy_names.artworks"] == found


@pytest.mark.exhaustive
def test_old_code_writes_on_while_the_tables_switch_and_switch_back(make_shop: MakeShop) -> None:
    """Two sessions of old code get no error while the tables switch and switch back, and all that they wrote is there in the end."""
    shop = make_shop(phase="MIGRATED with old names")
    done, over = [0, 0], threading.Event()

    def work(number: int) -> None:
        session = old_code(shop)
        while not over.is_set():
            token = f"{number}-{done[number]}"
            session.execute(
                "INSERT INTO artworks (customer_name, customer_email, original_image_url, access_token) VALUES ('n', %s, 'u', %s)",
                (f"{token}@x.org", token),
            )
            for change in ("original_pet_url = 'p', original_pet_mom_url = 'm'", "generation_status = 'completed', mockup_urls = '[3]'"):
                assert session.execute(f"UPDATE artworks SET {change} WHERE access_token = %s", (token,)).rowcount == 1  # type: ignore[call-overload]  # made of this test's own names
            done[number] += 1
            over.wait(0.02)  # a busy shop; without it the log grows faster than it is applied

    with ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(work, number) for number in (0, 1)]
        try:
            for bring in (switch, roll_back):
                before = sum(done)
                wait_until(lambda before=before: sum(done) > before + 5 or any(worker.done() for worker in workers))
                bring(shop)
        finally:
            over.set()
        for worker in workers:
            worker.result()
    tokens = {f"{number}-{turn}" for number in (0, 1) for turn in range(done[number])}
    whole = "SELECT access_token FROM public.artworks WHERE (generation_status, original_pet_url, mockup_urls) = ('completed', 'p', '[3]')"
    assert tokens == {token for (token,) in shop.rows(whole)}
    assert {"match", "excluded"} == set(migrate(shop))


@LONG
def test_everybody_reads_and_changes_through_the_old_names_what_they_could(make_shop: MakeShop) -> None:
    """Each role reads and changes through legacy_names the artworks that it could before, and those that a user has gained, in each phase.

    A signed-in user has a right to update two columns only, and reads by row level security. Visitors may read single columns only, which
    is not enough for the view.
    """
    shop = make_shop()
    users = few_rows(shop)
    callers = [caller for caller in all_callers(shop, users) if caller.name != "created"]
    before = {caller.name: reached(shop, caller, "public") for caller in callers}
    assert all(map(all, (before["owning"], before["service_role"])))
    gained = {
        key for (key,) in shop.rows("SELECT id::text FROM artworks WHERE user_id IS NULL AND customer_email = 'gaining@users.example'")
    }
    for bring in (deploy_with_old_names, migrate, switch, roll_back):
        bring(shop)
        for caller in callers:
            found = reached(shop, caller, "legacy_names")
            if caller.name == "anon":
                assert (frozenset(), frozenset()) == found
            elif caller.name == "gaining" and bring is switch:
                assert all(some <= gained for some in found)
                assert all(found)
            else:
                assert before[caller.name] == found, (bring.__name__, caller.name)


def reached(shop: Shop, caller: Caller, schema: str) -> tuple[frozenset[str], frozenset[str]]:
    """The ids that the caller reads and those that it can change, by columns that it has a right to; nothing of it stays."""
    change = f"UPDATE {schema}.artworks SET pet_name = pet_name || '!' RETURNING id::text"
    with shop.sql.transaction(force_rollback=True):
        changed = visible(shop, caller, change)
    return visible(shop, caller, f"SELECT id::text FROM {schema}.artworks"), changed


@pytest.fixture
def left_behind(switched: Shop) -> list[Any]:
    """Artworks that `orderable` returns."""
    return orderable(switched)


def orderable(shop: Shop) -> list[Any]:
    """Artworks of customers who have uploaded nothing, which stayed behind and may be ordered."""
    found = shop.rows(
        "SELECT id FROM artworks_old AS a WHERE customer_email <> '' AND access_token <> '' AND original_image_url NOT LIKE 'test-%'"
        " AND original_pet_url IS NULL AND original_pet_mom_url IS NULL"
        " AND NOT EXISTS (SELECT FROM public.artworks AS c WHERE c.id = a.id) ORDER BY id"
    )
    return [artwork for (artwork,) in found]


RENAMED = "UPDATE legacy_names.artworks SET pet_name = 'New' WHERE id = %s"
COMPLETED = (
    "UPDATE legacy_names.artworks SET pet_name = 'New', original_pet_url = 'https://p', original_pet_mom_url = 'https://m' WHERE id = %s"
)
DELETED = "DELETE FROM legacy_names.artworks WHERE id = %s"
ORDERED = "INSERT INTO orders (artwork_id, stripe_session_id, amount_cents) VALUES (%s, GEN_RANDOM_UUID(), 100)"


def test_an_order_beside_a_write_loses_neither(switched: Shop, steps: Steps, left_behind: list[Any]) -> None:
    """Of an order and a write of one artwork that stayed behind the second one waits; then it works on the result, or gets 40001 once."""
    pairs = ((RENAMED, ORDERED), (ORDERED, RENAMED), (ORDERED, COMPLETED), (DELETED, ORDERED), (ORDERED, DELETED))
    for artwork, (before, after) in zip(left_behind, pairs, strict=False):
        first, second = switched.session(), switched.session(autocommit=True)
        first.execute(before, (artwork,))
        waiting = steps.statement(switched, second, after, artwork)
        waiting.blocks()
        first.commit()
        state = waiting.sqlstate()
        assert state in (("23503",) if before == DELETED else (None, "40001"))
        if state == "40001":
            assert second.execute(after, (artwork,)).rowcount == 1
        for table in ("public.artworks", "artworks_old"):
            names = [name for (name,) in switched.rows(f"SELECT pet_name FROM {table} WHERE id = %s", artwork)]
            assert names == ([] if DELETED in (before, after) else ["New"]), (before, after, table)


def test_a_write_with_an_older_snapshot_does_not_miss_an_order(switched: Shop, left_behind: list[Any]) -> None:
    """At REPEATABLE READ a write of an artwork that an order has moved meanwhile ends with 40001."""
    session = switched.session()
    session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    session.execute("SELECT FROM users LIMIT 1")
    switched.sql.execute(ORDERED, (left_behind[0],))
    with pytest.raises(psycopg.errors.SerializationFailure):
        session.execute(RENAMED, (left_behind[0],))


AS_IF_THROUGH_THE_OLD_NAMES = "SET artwork_migration.legacy_names = 'on'"
RETIRED_RENAMED = "UPDATE artworks_old SET pet_name = 'taken' WHERE id = %s"


def test_the_setting_of_such_a_write_opens_no_retired_row(switched: Shop) -> None:
    """A user whose artwork was moved to another user cannot change or delete its retired row, whatever the session sets."""
    giver, receiver = add_user(switched, "giver@x.org"), add_user(switched, "receiver@x.org")
    artwork = switched.value("SELECT c.id FROM artworks AS c JOIN artworks_old AS a ON a.id = c.id LIMIT 1")
    switched.sql.execute("UPDATE legacy_names.artworks SET user_id = %s WHERE id = %s", (giver, artwork))
    switched.sql.execute("UPDATE artworks SET user_id = %s WHERE id = %s", (receiver, artwork))
    switched.sql.execute("GRANT DELETE ON artworks_old TO authenticated; CREATE POLICY own ON artworks_old FOR DELETE USING (TRUE)")
    for statement in (RETIRED_RENAMED, "DELETE FROM artworks_old WHERE id = %s"):
        with (
            acting_as(switched, Caller("authenticated", str(giver), "giver")) as session,
            pytest.raises(psycopg.errors.FeatureNotSupported),
        ):
            session.execute(AS_IF_THROUGH_THE_OLD_NAMES)
            session.execute(statement, (artwork,))
        switched.sql.execute("RESET artwork_migration.legacy_names")
    assert "taken" not in {name for (name,) in switched.rows("SELECT pet_name FROM artworks WHERE id = %s", artwork)}


def test_an_insert_cannot_take_the_id_of_an_artwork_that_only_the_new_table_has(switched: Shop) -> None:
    """An insert through legacy_names with the id of an artwork of the new code is refused with 23505, as the table would refuse it."""
    created = switched.value("SELECT (artwork).id FROM create_artwork('Neu', 'neu@x.org', 'Rex', 'https://m', 'https://p')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        old_code(switched).execute(
            "INSERT INTO artworks (id, customer_name, customer_email, original_image_url, access_token) VALUES (%s, 'n', 'n@x', 'u', 't')",
            (created,),
        )
    assert [] == switched.rows("SELECT id FROM artworks_old WHERE id = %s", created)


@LONG
def test_no_operator_of_a_role_is_executed_with_our_rights(make_shop: MakeShop) -> None:
    """A role that may create operators in public cannot have its own one executed by our functions when it writes through legacy_names."""
    shop = make_shop()
    shop.sql.execute("ALTER TABLE artworks ALTER access_token TYPE varchar(100)")
    for bring in (deploy_with_old_names, migrate, switch):
        bring(shop)
    shop.sql.execute(
        "GRANT CREATE ON SCHEMA public TO service_role; CREATE TABLE executed (role_name text); GRANT INSERT ON executed TO service_role"
    )
    session = shop.session(role="service_role", autocommit=True)
    session.execute(
        "CREATE FUNCTION public.recorded(varchar, varchar) RETURNS boolean LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO public.executed VALUES (CURRENT_USER); RETURN $1::text = $2::text; END $$;"
        " CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = public.recorded)"
    )
    session.execute("UPDATE legacy_names.artworks SET access_token = 'new' WHERE id = (SELECT c.id FROM public.artworks AS c LIMIT 1)")
    assert {("service_role",)} >= set(shop.rows("SELECT role_name FROM executed"))
    assert 1 == shop.value("SELECT COUNT(*) FROM public.artworks WHERE access_token::text = 'new'")


OWN_OBJECTS = """
CREATE SCHEMA legacy_names; CREATE TABLE legacy_names.artworks (x int); CREATE FUNCTION legacy_names.mine() RETURNS int RETURN 1;
CREATE VIEW legacy_names.report AS SELECT id, pet_name FROM artworks
"""


@pytest.mark.parametrize("first", ["CREATE before", "deploy before"])
@LONG
def test_without_the_decision_a_schema_of_that_name_is_the_applications(make_shop: MakeShop, first: str) -> None:
    """Without the decision its view is carried over, the guard of the retired table holds, and the clean-up keeps the whole schema."""
    shop = make_shop()
    for bring in (lambda made: made.sql.execute(OWN_OBJECTS), deploy)[:: 1 if first == "CREATE before" else -1]:
        bring(shop)
    migrate(shop)
    switch(shop)
    artwork = shop.value("UPDATE artworks SET pet_name = 'New' WHERE id = (SELECT c.id FROM artworks AS c LIMIT 1) RETURNING id")
    assert "New" == shop.value("SELECT pet_name FROM legacy_names.report WHERE id = %s", artwork)
    session = shop.session()
    session.execute(AS_IF_THROUGH_THE_OLD_NAMES)
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        session.execute(RETIRED_RENAMED, (artwork,))
    session.close()
    before = shop.schema_dump("--schema=legacy_names")
    make_ready(shop)
    execute_clean_up(shop)
    assert before == shop.schema_dump("--schema=legacy_names")


def test_with_the_decision_the_name_of_the_schema_must_be_free(shop: Shop) -> None:
    """A schema of that name is a prerequisite that is not met."""
    accept_exposure(shop)
    decide(shop, "serve_old_names", "yes")
    shop.sql.execute("CREATE SCHEMA legacy_names")
    with pytest.raises(PrerequisitesNotMet) as refused:
        planned_deployment(shop)
    assert ["schema legacy_names"] == [problem.subject for problem in refused.value.problems]


@LONG
def test_a_reference_may_have_any_name(make_shop: MakeShop) -> None:
    """A foreign key whose column needs quotes gets its trigger at the switch, and moves an artwork that stayed behind."""
    shop = make_shop()
    shop.sql.execute('CREATE TABLE gifts ("art-work" uuid REFERENCES artworks (id))')
    for bring in (deploy_with_old_names, migrate, switch):
        bring(shop)
    (artwork, *_) = orderable(shop)
    shop.sql.execute("INSERT INTO gifts VALUES (%s)", (artwork,))
    assert 1 == shop.value("SELECT COUNT(*) FROM artworks WHERE id = %s", artwork)
    roll_back(shop)


def test_a_column_that_was_renamed_since_blocks_the_switch(make_shop: MakeShop) -> None:
    """The view shows the former name; the blocker has the statement that renames it there too."""
    shop = make_shop(phase="MIGRATED with old names")
    shop.sql.execute("ALTER TABLE artworks RENAME COLUMN mockup_generated_at TO mockup_made_at")
    (blocker,) = planned_switch(shop).blockers
    assert ("legacy_names_column", "column mockup_generated_at of legacy_names.artworks") == (blocker.rule, blocker.subject)
    shop.sql.execute(blocker.statement)
    assert () == planned_switch(shop).blockers


@LONG
def test_what_the_application_builds_on_the_schema_blocks_what_drops_it(make_shop: MakeShop) -> None:
    """A view on one of ours, and one in the schema, block the uninstallation and the clean-up; the switch carries the second one over."""
    shop = make_shop(phase="MIGRATED with old names")
    shop.sql.execute(
        "CREATE VIEW public.reader AS SELECT id FROM legacy_names.artworks;"
        " CREATE VIEW legacy_names.own AS SELECT id, pet_name FROM artworks"
    )
    subjects = ["view legacy_names.own", "view public.reader"]
    assert subjects == [blocker.subject for blocker in planned(shop, plan_uninstall).blockers]
    switch(shop)
    artwork = shop.value("UPDATE artworks SET pet_name = 'New' WHERE id = (SELECT c.id FROM artworks AS c LIMIT 1) RETURNING id")
    assert "New" == shop.value("SELECT pet_name FROM legacy_names.own WHERE id = %s", artwork)
    make_ready(shop)
    assert subjects == [blocker.subject for blocker in planned_clean_up(shop).blockers]


@LONG
def test_an_insert_needs_no_more_rights_or_values_than_before(make_shop: MakeShop) -> None:
    """After the switch a role that may only insert, or only some columns, inserts as before; an identity column keeps its default."""
    shop = make_shop()
    add_roles(shop)
    columns = "customer_name, customer_email, original_image_url, access_token"
    shop.sql.execute(
        "ALTER TABLE artworks ADD number int GENERATED BY DEFAULT AS IDENTITY;"
        f" GRANT USAGE ON SCHEMA public TO {NEWCOMER}; GRANT INSERT ON artworks TO {NEWCOMER};"  # type: ignore[arg-type]  # made of this test's own names
        f" REVOKE INSERT ON artworks FROM authenticated; GRANT INSERT ({columns}) ON artworks TO authenticated;"
        " CREATE POLICY anything ON artworks FOR INSERT WITH CHECK (TRUE)"
    )
    for bring in (deploy_with_old_names, migrate, switch):
        bring(shop)
    for role in ("service_role", NEWCOMER, "authenticated"):
        shop.session(role=role, autocommit=True).execute(
            f"INSERT INTO legacy_names.artworks ({columns}) VALUES ('n', 'n@x.org', 'u', 'token-{role}')"  # type: ignore[arg-type]
        )
    assert 3 == shop.value("SELECT COUNT(DISTINCT number) FROM artworks_old WHERE access_token LIKE 'token-%%'")
    session = old_code(shop)
    returned = session.execute(f"INSERT INTO artworks ({columns}) VALUES ('n', 'n@x.org', 'u', 't') RETURNING id, number").fetchone()  # type: ignore[arg-type]
    assert [returned] == shop.rows("SELECT id, number FROM artworks_old WHERE access_token = 't'")


def test_null_and_the_null_of_json_are_two_values(switched: Shop) -> None:
    """A change from one to the other is written, as RETURNING says."""
    session = old_code(switched)
    artwork = switched.value("SELECT c.id FROM public.artworks AS c JOIN artworks_old AS a ON a.id = c.id LIMIT 1")
    for given, is_null in (("NULL", True), ("'null'", False), ("NULL", True)):
        change = f"UPDATE artworks SET mockup_urls = {given} WHERE id = %s RETURNING mockup_urls IS NULL"
        assert [(is_null,)] == session.execute(change, (artwork,)).fetchall()  # type: ignore[arg-type]
        assert [(is_null,)] == switched.rows("SELECT mockup_urls IS NULL FROM artworks_old WHERE id = %s", artwork)


def test_an_update_that_joins_an_artwork_twice_writes_it_once(switched: Shop) -> None:
    """UPDATE ... FROM orders with two orders of one artwork changes one row, as it does on a table, also once written before."""
    artwork = switched.value("SELECT artwork_id FROM orders LIMIT 1")
    switched.sql.execute(ORDERED, (artwork,))
    session = old_code(switched)
    session.execute("UPDATE artworks SET upscale_status = 'pending' WHERE id = %s", (artwork,))
    joined = "UPDATE artworks AS a SET upscale_status = %s FROM orders AS o WHERE o.artwork_id = a.id AND a.id = %s"
    with session.transaction():
        for status in ("processing", "completed"):
            assert 1 == session.execute(joined, (status, artwork)).rowcount
    assert "completed" == switched.value("SELECT upscale_status FROM public.artworks WHERE id = %s", artwork)


def test_a_token_of_the_new_table_cannot_be_used_again(switched: Shop) -> None:
    """An artwork that waits for its pictures cannot have the token of one that only the new table has: 23505, as in one table."""
    token = switched.value("SELECT (artwork).access_token FROM create_artwork('Neu', 'neu@x.org', 'Rex', 'https://m', 'https://p')")
    session = old_code(switched)
    insert = "INSERT INTO artworks (customer_name, customer_email, original_image_url, access_token) VALUES ('n', 'n@x.org', 'u', %s)"
    session.execute(insert, ("another",))
    for statement in (insert, "UPDATE artworks SET access_token = %s WHERE access_token = 'another'"):
        with pytest.raises(psycopg.errors.UniqueViolation):
            session.execute(statement, (token,))


def test_the_rollback_takes_out_an_owner_that_legacy_did_not_have(switched: Shop) -> None:
    """A write through legacy_names gives the retired row the owner of the new table; the rollback takes it out where legacy had none."""
    artwork = switched.value(
        "SELECT c.id FROM public.artworks AS c JOIN artworks_old AS a ON a.id = c.id"
        " JOIN artwork_migration.created_user AS u ON u.id = c.user_id"
        " WHERE a.user_id IS NULL LIMIT 1"
    )
    session = old_code(switched)
    for name in ("Max", "Moritz"):
        session.execute("UPDATE artworks SET pet_name = %s WHERE id = %s", (name, artwork))
    roll_back(switched)
    assert [("Moritz", None)] == switched.rows("SELECT pet_name, user_id FROM public.artworks WHERE id = %s", artwork)
    assert {"match", "excluded"} == set(reconcile_now(switched))


def test_few_owners_are_left_for_the_locks(switched: Shop) -> None:
    """Right before the locks the owners are taken out in batches; after another write the row has its owner again, until the undo."""
    session = old_code(switched)
    session.execute(
        "UPDATE artworks SET pet_name = 'Max' WHERE id IN (SELECT c.id FROM public.artworks AS c JOIN artworks_old AS a ON a.id = c.id"
        " WHERE a.user_id IS NULL AND c.user_id IS NOT NULL ORDER BY c.id LIMIT 600)"
    )
    filled = (
        "SELECT w.id FROM artwork_migration.legacy_names_write AS w JOIN artworks_old AS a ON a.id = w.id WHERE a.user_id = w.filled_owner"
    )
    known = "SELECT COUNT(*) FROM artwork_migration.legacy_names_write WHERE filled_owner IS NOT NULL"
    (one, *_) = found = switched.rows(filled)
    assert len(found) > 250  # more than a batch
    made = planned_roll_back(switched)
    with running(switched, ROLL_BACK_TO_MIGRATED) as run:
        approve(run, made)
        carry_back_before_locks(run, made)
        assert (0, 0) == (len(switched.rows(filled)), switched.value(known))
        session.execute("UPDATE artworks SET pet_name = 'Moritz' WHERE id = %s", one)
        assert [one] == switched.rows(filled)
        execute(run, made)
    assert 0 == switched.value("SELECT COUNT(user_id) FROM artworks WHERE id = ANY(%s)", [artwork for (artwork,) in found])


def test_what_was_revoked_since_the_switch_is_revoked_through_the_old_names(switched: Shop) -> None:
    """A user whom no policy lets change the serving row changes none through legacy_names; without the right to its column it is 42501."""
    owner = add_user(switched, "owner@x.org")
    artwork = switched.value("SELECT c.id FROM artworks AS c JOIN artworks_old AS a ON a.id = c.id LIMIT 1")
    switched.sql.execute("UPDATE legacy_names.artworks SET user_id = %s WHERE id = %s", (owner, artwork))

    def renamed() -> int:
        with acting_as(switched, Caller("authenticated", str(owner), "owner")) as session:
            return session.execute("UPDATE legacy_names.artworks SET pet_name = pet_name || '!' WHERE id = %s", (artwork,)).rowcount

    assert 1 == renamed()
    switched.sql.execute('ALTER POLICY "Users update own artworks" ON artworks USING (FALSE)')
    assert 0 == renamed()
    switched.sql.execute("REVOKE UPDATE (pet_name) ON artworks FROM authenticated")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        renamed()
