"""The switch and the way back from it, when something is in the way, comes in between, or kills them."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection

from migration import checks, execution, ledger, way_back
from migration.errors import BlockerHasCome, DatabaseUnreachable, LockNotObtained, WrongUnderLock
from migration.phases import Phase
from migration.plan import Plan, Statement
from sample.build import Variant
from sample.journal import check_journal
from tests.artworks import add_clean, add_legacy, add_order
from tests.conftest import MakeShop
from tests.faults.test_convergence import application
from tests.faults.test_locks import BOUND, PLACE_ORDER, TOUCH_ARTWORK, TOUCH_ORDER, Background, cross, holding, wait_until
from tests.shops import (
    Shop,
    catch_up_now,
    execute_switch,
    finish_switch,
    planned_switch,
    planned_way_back,
    reconcile_now,
    running,
    switch,
    switch_back,
)

KILLED = Statement("locked", "a backend that dies", "SELECT PG_TERMINATE_BACKEND(PG_BACKEND_PID())", None, "")


class Way:
    """The switch, or the way back from it: how it is planned and done, and where it leads."""

    def __init__(self, shop: Shop, plan: Callable[[Shop], Plan], do: Callable[..., Any], *, leads_to: Phase) -> None:
        self.shop, self._plan, self._do, self.leads_to = shop, plan, do, leads_to

    def plan(self) -> Plan:
        """Its plan as things stand."""
        return self._plan(self.shop)

    def do(self, made: Plan | None = None, *, patience: float = BOUND) -> None:
        """All of it, up to the commit at least."""
        self._do(self.shop, made, patience=patience)

    def phase(self) -> Phase:
        """The phase in force."""
        with self.shop.database.transaction("asking") as connection:
            return ledger.phase(connection).phase


@pytest.fixture(params=["there", "back"])
def way(request: pytest.FixtureRequest, migrated: Shop) -> Way:
    """Both directions, ready to go."""
    if request.param == "there":
        return Way(migrated, planned_switch, execute_switch, leads_to=Phase.SWITCHED)
    switch(migrated)
    return Way(migrated, planned_way_back, switch_back, leads_to=Phase.MIGRATED)


IN_THE_WAY = {
    "a write to artworks": "UPDATE public.artworks SET pet_name = pet_name WHERE ctid = '(0,1)'",
    "a write to orders": "UPDATE public.orders SET status = status WHERE ctid = '(0,1)'",
    "a reader of the view": "SELECT COUNT(*) FROM public.artwork_gallery",
    "maintenance": "LOCK TABLE public.artworks IN SHARE UPDATE EXCLUSIVE MODE",
}


@pytest.mark.parametrize("name", IN_THE_WAY)
def test_locks_not_had_change_nothing_and_name_the_holder(way: Way, name: str) -> None:
    """The schema and the phase are what they were; the same plan goes through when the holder has gone."""
    before, made = way.shop.schema_dump(), way.plan()
    with holding(way.shop, IN_THE_WAY[name]) as session:
        with pytest.raises(LockNotObtained) as caught:
            way.do(made, patience=0)
        assert session.info.backend_pid in {holder.pid for holder in caught.value.holders}
    assert before == way.shop.schema_dump()
    assert made.number == way.plan().number
    way.do(made)
    assert way.leads_to is way.phase()


@pytest.mark.parametrize(
    ("first", "then", "waits_for"),
    [
        pytest.param(TOUCH_ARTWORK, PLACE_ORDER, "public.artworks", id="artworks, then orders"),
        pytest.param(TOUCH_ORDER, TOUCH_ARTWORK, "public.orders", id="orders, then artworks"),
        pytest.param("SELECT COUNT(*) FROM public.artwork_gallery", TOUCH_ORDER, "public.artwork_gallery", id="the view, then orders"),
    ],
)
def test_the_application_is_never_the_victim_of_a_deadlock(way: Way, first: str, then: str, waits_for: str) -> None:
    """Whatever order the application locks in, we give up first."""
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = CURRENT_DATABASE()"
    before = way.shop.value(deadlocks)
    cross(way.shop, way.do, first, then, waits_for)
    assert way.leads_to is way.phase()
    assert before == way.shop.value(deadlocks)


def test_killed_behind_any_statement_nothing_has_changed(way: Way) -> None:
    """A backend that dies behind each locked statement in turn, and one behind the last of them, leaves everything as it was."""
    before, phase, made = way.shop.schema_dump(), way.phase(), way.plan()
    last = max(place for place, statement in enumerate(made.statements) if statement.stage == "locked")
    first = min(place for place, statement in enumerate(made.statements) if statement.stage == "locked")
    for place in range(first, last + 1):
        deadly = replace(made, statements=(*made.statements[: place + 1], KILLED, *made.statements[place + 1 :]))
        with pytest.raises(DatabaseUnreachable):
            _execute_locked_alone(way, deadly)
        assert phase is way.phase(), made.statements[place].object
    assert last - first > 40
    assert before == way.shop.schema_dump()
    way.do()
    assert way.leads_to is way.phase()


def test_killed_between_the_statement_and_the_commit(way: Way) -> None:
    """The phase is written in the same transaction, so neither is there."""
    before, phase = way.shop.schema_dump(), way.phase()

    def die(connection: Connection) -> None:
        connection.exec_driver_sql(KILLED.do)

    with pytest.raises(DatabaseUnreachable):
        _execute_locked_alone(way, way.plan(), die)
    assert (phase, before) == (way.phase(), way.shop.schema_dump())


def _execute_locked_alone(way: Way, made: Plan, before_commit: Callable[[Connection], None] = lambda connection: None) -> None:
    execution.execute(
        way.shop.database,
        made.statements,
        verb=made.verb,
        action="the plan",
        patience=BOUND,
        before_commit=before_commit,
        on_attempt=lambda message: None,
    )


#: Under the locks: goes on when somebody waits for artworks; if nobody comes, this attempt counts as one that had no locks.
A_WRITER_WAITS = Statement(
    "locked",
    "a writer that waits",
    """DO $$ BEGIN
      FOR round IN 1..100 LOOP
        EXIT WHEN EXISTS (SELECT FROM pg_catalog.pg_locks AS l WHERE NOT l.granted AND l.relation = 'public.artworks'::regclass);
        IF round = 100 THEN
          RAISE EXCEPTION USING ERRCODE = '55P03', MESSAGE = 'nobody waits';
        END IF;
        PERFORM PG_SLEEP(0.001);
      END LOOP;
    END $$""",
    None,
    "",
)


def test_a_write_that_waited_for_the_locks_is_in_the_table_that_serves(way: Way) -> None:
    """Stepped: a writer stands in the queue when the names change hands; its write, and every one after it, is where it belongs."""
    artwork = way.shop.value("SELECT MIN(artwork_id::text) FROM orders")
    session, written, stop = way.shop.session(autocommit=True), [""], threading.Event()

    def write() -> None:
        while not stop.is_set():
            name = f"write {len(written)}"
            assert session.execute("UPDATE public.artworks SET pet_name = %s WHERE id = %s", (name, artwork)).rowcount == 1
            written.append(name)

    made = way.plan()
    place = max(place for place, statement in enumerate(made.statements) if statement.do.startswith("LOCK TABLE"))
    writer = Background(write)
    way.do(replace(made, statements=(*made.statements[: place + 1], A_WRITER_WAITS, *made.statements[place + 1 :])))
    stop.set()
    writer.result()
    assert way.leads_to is way.phase()
    assert written[-1] == way.shop.value("SELECT pet_name FROM artworks WHERE id = %s", artwork)


# What comes between the gate and the lock


def in_flight(shop: Shop, **columns: object) -> UUID:
    return add_legacy(shop, generation_status="pending", generated_image_url=None, **columns)


def test_an_artwork_in_flight_goes_along(migrated: Shop) -> None:
    """Also one that was uploaded behind the last catch-up: the webhook that ends its generation finds a row in the serving table."""
    early, late = in_flight(migrated), []
    execute_switch(migrated, meanwhile=lambda: late.append(in_flight(migrated)))
    done = "UPDATE artworks SET generation_status = 'processing' WHERE id = ANY(%s)"
    assert migrated.sql.execute(done, ([early, *late],)).rowcount == 2


def test_an_order_placed_behind_the_gate_takes_its_artwork_along(migrated: Shop) -> None:
    """A failed artwork stays behind until an order references it; that is found under the lock."""
    artwork = add_legacy(migrated, generation_status="failed")
    execute_switch(migrated, meanwhile=lambda: add_order(migrated, artwork))
    assert migrated.value("SELECT COUNT(*) FROM artworks WHERE id = %s", artwork) == 1
    finish_switch(migrated)


def test_an_order_for_what_cannot_go_along_stops_the_switch(migrated: Shop) -> None:
    """An order for test data, placed behind the gate: nothing is changed, and the id is named."""
    artwork = add_legacy(migrated, original_image_url="test-1")
    before = migrated.schema_dump()
    with pytest.raises(WrongUnderLock, match=str(artwork)) as caught:
        execute_switch(migrated, meanwhile=lambda: add_order(migrated, artwork))
    assert "Red gate" == caught.value.end_state
    assert before == migrated.schema_dump()


def test_a_refused_write_that_comes_late_stops_the_switch(migrated: Shop) -> None:
    """The plan had no blocker; under the lock there is one."""
    artwork = add_clean(migrated)
    with pytest.raises(BlockerHasCome):
        execute_switch(
            migrated, meanwhile=lambda: migrated.sql.execute("UPDATE artworks_v2 SET customer_name = NULL WHERE id = %s", (artwork,))
        )


def test_a_view_made_behind_the_plan_stops_both_ways(way: Way) -> None:
    """It is in no statement of the plan, so it would go on with the other table."""
    before, made = way.phase(), way.plan()
    way.shop.sql.execute("CREATE VIEW late AS SELECT id FROM artworks")
    with pytest.raises(BlockerHasCome):
        way.do(made)
    assert before is way.phase()


BLOCKERS = {
    "refused_write": "INSERT INTO artwork_migration.refused_write (id, operation, sql_state, object)"
    " VALUES (GEN_RANDOM_UUID(), 'UPDATE', '23502', 'artworks')",
    "referenced_absent": "ALTER TABLE artworks DISABLE TRIGGER USER; ALTER TABLE orders DISABLE TRIGGER USER;"
    " INSERT INTO orders (artwork_id, stripe_session_id, amount_cents)"
    " SELECT id, 'cs_test', 1 FROM artworks WHERE original_image_url LIKE 'test-%%' LIMIT 1",
    "unknown_dependent": "CREATE FUNCTION bound() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT COUNT(*) FROM artworks; END",
    "access_drift": "CREATE POLICY more ON artworks FOR SELECT USING (pet_name = 'Rex')",
    "name_taken": "CREATE TABLE artworks_old ()",
    "foreign_keys": "CREATE TABLE gifts (artwork_id uuid REFERENCES artworks (id))",
    "views": "CREATE VIEW originals AS SELECT original_image_url FROM artworks",
    "policies": "CREATE POLICY more ON orders USING (EXISTS (SELECT FROM artworks AS a WHERE a.mockup_urls IS NOT NULL))",
    "publications": "CREATE PUBLICATION other FOR TABLE artworks (id, original_image_url)",
    "user_triggers": "CREATE FUNCTION hook() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM NEW.mockup_urls; RETURN NEW; END$$;"
    "CREATE TRIGGER hook AFTER INSERT ON artworks FOR EACH ROW EXECUTE FUNCTION hook()",
    "materialized_view_twins": "CREATE MATERIALIZED VIEW originals AS SELECT original_image_url FROM artworks",
    "materialized_views": "CREATE TABLE artwork_sales_old ()",
    "rules": "CREATE RULE nothing AS ON DELETE TO artworks DO ALSO NOTHING",
    "row types": "CREATE TABLE copies (artwork artworks)",
    "functions of the row type": "CREATE FUNCTION first() RETURNS artworks LANGUAGE sql AS 'SELECT * FROM artworks LIMIT 1'",
}


@pytest.mark.parametrize("name", BLOCKERS)
def test_what_cannot_go_along_blocks_the_plan_in_words(migrated: Shop, name: str) -> None:
    """Each rule names what it is about and what to do."""
    migrated.sql.execute(BLOCKERS[name].replace("%%", "%"))  # type: ignore[call-overload]  # made of this test's own names
    found = planned_switch(migrated).blockers
    wanted = "unknown_dependent" if name in ("rules", "row types", "functions of the row type") else name
    assert wanted in {blocker.rule for blocker in found}
    assert all(blocker.remedy and blocker.subject and blocker.problem for blocker in found)


def test_an_application_s_trigger_goes_along_in_its_state(migrated: Shop) -> None:
    """It fires for the serving table and not for what is carried back; on the way back it is what it was."""
    migrated.sql.execute(
        "CREATE TABLE calls (id uuid);"
        "CREATE FUNCTION hook() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO calls VALUES (NEW.id); RETURN NEW; END$$;"
        "CREATE TRIGGER hook AFTER INSERT OR UPDATE ON artworks FOR EACH ROW EXECUTE FUNCTION hook();"
        "CREATE TRIGGER silent AFTER INSERT ON artworks FOR EACH ROW EXECUTE FUNCTION hook();"
        "ALTER TABLE artworks DISABLE TRIGGER silent; ALTER TABLE artworks ENABLE ALWAYS TRIGGER hook"
    )
    before = migrated.schema_dump()
    switch(migrated)
    migrated.sql.execute("DELETE FROM calls")
    migrated.sql.execute("SELECT create_artwork('Ada', 'hook@example.com', 'Rex', 'https://a/1', 'https://a/2')")
    assert migrated.value("SELECT COUNT(*) FROM calls") == 1
    switch_back(migrated)
    assert migrated.value("SELECT COUNT(*) FROM calls") == 1
    assert before == migrated.schema_dump()


# After the commit


def test_killed_after_the_commit_the_next_run_does_the_rest(migrated: Shop) -> None:
    """Keys, refreshes and checks are steps in the ledger; those that are done are not done again."""
    execute_switch(migrated)
    assert not migrated.value("SELECT convalidated FROM pg_constraint WHERE conname = 'orders_artwork_id_fkey'")
    done = finish_switch(migrated)
    assert checks.FINGERPRINT in done
    assert migrated.value("SELECT convalidated FROM pg_constraint WHERE conname = 'orders_artwork_id_fkey'")
    assert [] == finish_switch(migrated)


def test_the_fingerprint_notices_a_write_to_the_retired_table(migrated: Shop) -> None:
    """A write past the guard changes it; a deleted user and a look from another time zone do not."""
    switch(migrated)
    kept = migrated.value("SELECT details FROM artwork_migration.step WHERE name LIKE 'fingerprint%%'")
    migrated.sql.execute("DELETE FROM users WHERE id IN (SELECT user_id FROM artworks_old WHERE user_id IS NOT NULL LIMIT 3)")
    assert kept == _fingerprint(migrated, TimeZone="Asia/Tokyo")
    migrated.sql.execute("ALTER TABLE artworks_old DISABLE TRIGGER artwork_migration_guard")
    migrated.sql.execute("UPDATE artworks_old SET pet_name = 'damaged' WHERE id = (SELECT id FROM artworks_old LIMIT 1)")
    assert kept != _fingerprint(migrated)


def _fingerprint(shop: Shop, **settings: str) -> dict[str, Any]:
    with shop.database.transaction("looking", **settings) as connection:
        return checks.fingerprint(connection)


def test_the_acceptance_test_leaves_nothing_behind_and_bites(migrated: Shop) -> None:
    """Rolled back; and a serving table on which nobody can create an artwork is found."""
    switch(migrated)
    with running(migrated, "verify") as run:
        assert [] == checks.accept(run)
        assert migrated.value("SELECT COUNT(*) FROM artworks WHERE customer_email LIKE '%%.invalid'") == 0
        migrated.sql.execute("ALTER TABLE artworks ADD CONSTRAINT nobody CHECK (customer_name <> 'Acceptance') NOT VALID")
        assert ["SQLSTATE 23514 public.artworks.nobody"] == checks.accept(run)


def test_a_rehearsal_changes_nothing_and_counts_what_cannot_come_back(migrated: Shop) -> None:
    """The retired table, the log and the refusals are what they were."""
    switch(migrated)
    artwork = migrated.value("SELECT id FROM artworks LIMIT 1")
    migrated.sql.execute("UPDATE artworks SET customer_name = NULL WHERE id = %s", (artwork,))
    before = _fingerprint(migrated)
    with running(migrated, "roll_back") as run:
        assert way_back.CarriedBack(logged=1, refused=1, refused_ids=(str(artwork),)) == way_back.rehearse(run)
        assert way_back.CarriedBack() == way_back.rehearse(run, batches=0)
    assert before == _fingerprint(migrated)
    assert migrated.value("SELECT COUNT(*) FROM artwork_migration.refused_write") == 0
    assert migrated.value("SELECT COUNT(*) FROM artwork_migration.clean_change WHERE NOT carried_back") == 1


# The application goes on all the time


@pytest.mark.parametrize("variant", [Variant.CURRENT, Variant.MINIMAL])
def test_no_write_is_lost_across_the_switch_and_the_way_back(make_shop: MakeShop, variant: Variant, tmp_path: Path) -> None:
    """The application writes on while the names change hands twice; every acknowledged write is there, on both sides.

    The one error it sees is that a prepared `SELECT *` is outdated, and that once it is prepared anew it goes on.
    """
    shop = make_shop(variant, phase="MIGRATED")
    with application(shop, 1, tmp_path, "--careful", transactions=1_000_000, rate=200) as running_application:
        _wait_for(shop, "legacy_change")
        execute_switch(shop, patience=BOUND)
        finish_switch(shop)
        _wait_for(shop, "clean_change")
        switch_back(shop, patience=BOUND)
        _wait_for(shop, "legacy_change")
        assert running_application.poll() is None
    catch_up_now(shop)
    for side in ("legacy", "clean"):
        report = check_journal(shop.server.conninfo(shop.name), [tmp_path / "journal.jsonl"], side)
        assert report.values_checked > 500
        assert [] == report.missing
    assert set(reconcile_now(shop)) <= {"match", "excluded", "quarantined"}
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert ["0A000"] == list(summary["errors"])
    outdated = summary["errors"]["0A000"]
    assert {"look": outdated["seen"]} == outdated["kinds"]
    assert outdated["seen"] == outdated["retried_with_success"]


def test_no_write_is_lost_across_the_switch(migrated: Shop, tmp_path: Path) -> None:
    """As long as the clean table serves, what was acknowledged on either side before is in it, and what was written since."""
    with application(migrated, 2, tmp_path, transactions=1_000_000, rate=200):
        _wait_for(migrated, "legacy_change")
        switch(migrated)
        _wait_for(migrated, "clean_change")
    report = check_journal(migrated.server.conninfo(migrated.name), [tmp_path / "journal.jsonl"], "clean")
    assert report.values_checked > 500
    assert [] == report.missing


def _wait_for(shop: Shop, log: str) -> None:
    """Until the application has written a good deal."""
    wait_until(lambda: shop.value(f"SELECT COUNT(*) >= 100 FROM artwork_migration.{log}"), every=0.1)
