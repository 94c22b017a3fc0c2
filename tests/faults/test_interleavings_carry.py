"""Two or three sessions, stepped: writes on both sides of the switch, what is carried back of them, and decisions in between."""

import time
from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest

from migration.errors import BadInput
from migration.ledger import ledger
from migration.ledger.decisions import DecisionName, checked_value
from migration.ledger.phases import ROLL_BACK_TO_MIGRATED, ROLL_BACK_TO_NOT_STARTED
from migration.plans.plan import Plan
from migration.sync import carry_back
from migration.sync import pace as pace_of_batches
from migration.sync.carry_back import CarriedBack
from migration.verbs.decide import apply_at_once
from migration.verbs.roll_back import plan_roll_back, plan_uninstall
from tasks.plans import finish_plan
from tests.artworks import add_clean, add_legacy, add_order, clean, legacy, relax_clean_names
from tests.conftest import MakeShop
from tests.databases import (
    SETTINGS,
    Shop,
    approve,
    catch_up_now,
    decide,
    deploy,
    execute,
    execute_roll_back,
    migrate,
    planned,
    planned_roll_back,
    reconcile_now,
    roll_back,
    running,
    switch,
)
from tests.interleaving import CHANGE_MANY, SLOW, Barrier, Step, blocked_session, holding, repeating
from tests.series import LONG, first
from tests.waiting import wait_until
from tests.waits import pause

IMAGE = "https://one/image"
INSERT = """
INSERT INTO artworks (id, customer_name, customer_email, pet_name, pet_mom_image_url, pet_image_url, access_token)
VALUES (%s, 'Ada the second', 'ada@again.example', 'Rex', 'https://u/mom', 'https://u/pet', %s)
"""
#: Which artworks have a rejected write, and in which columns.
REJECTED = "SELECT r.id, r.columns FROM artwork_migration.rejected_write AS r ORDER BY r.id"


@pytest.fixture
def shop(migrated: Shop) -> Shop:
    """Migrated; each id is a batch; the clean table takes an artwork without a customer's name, which legacy rejects."""
    relax_clean_names(migrated)
    migrated.settings = SETTINGS.model_copy(update={"batch_size": 1})
    return migrated


@pytest.fixture
def steps() -> Iterator[list[Step]]:
    """The steps of a test; whatever is still at work when it ends is ended."""
    started: list[Step] = []
    yield started
    for step in started:
        step.abandon()


def insert(shop: Shop, **columns: object) -> UUID:
    """An artwork that is created after the switch; returns its id."""
    return add_clean(shop, **columns)  # through the view, which is called artworks_v2 by then


def existing(shop: Shop, *images: str | None) -> list[UUID]:
    """Artworks that were there before the switch, in the order of their ids. The legacy table takes an image of theirs once."""
    shop.sql.execute("CREATE UNIQUE INDEX one_image ON artworks (generated_image_url) WHERE generated_image_url LIKE 'https://one/%'")
    ids = sorted(add_legacy(shop, generated_image_url=None) for _ in images)
    for artwork, image in zip(ids, images, strict=True):
        shop.sql.execute("UPDATE artworks SET generated_image_url = %s WHERE id = %s", (image, artwork))
    catch_up_now(shop)
    switch(shop)
    return ids


def show(shop: Shop, artwork: UUID, image: str | None) -> None:
    """Give a serving artwork another image."""
    shop.sql.execute("UPDATE artworks SET generated_image_url = %s WHERE id = %s", (image, artwork))


def carry(shop: Shop) -> CarriedBack:
    """Carry back without the rollback."""
    with running(shop, ROLL_BACK_TO_MIGRATED) as run:
        run.begin()
        return carry_back.carry_back(run, planned_roll_back(shop))


def carried_in_one_batch(shop: Shop, *ids: UUID) -> tuple[int, int, int]:
    """How many rows of a batch are carried back, removed and rejected. Changes nothing."""
    with shop.sql.transaction(force_rollback=True):
        shop.sql.execute("SELECT SET_CONFIG('artwork_migration.apply', 'on', TRUE)")
        (counts,) = shop.rows("SELECT * FROM artwork_migration.carry_back_ids(%s)", list(ids))
    return counts  # type: ignore[return-value]  # three columns


def planned_with_dry_run(shop: Shop) -> Plan:
    """The plan of the rollback as the flow makes it."""
    with running(shop, ROLL_BACK_TO_MIGRATED) as run:
        found = carry_back.dry_run(run)
    return planned(shop, lambda connection: plan_roll_back(connection, found))


def clear(shop: Shop, artwork: UUID) -> None:
    """What `decide clear_rejected_write` does."""
    name = DecisionName.CLEAR_REJECTED_WRITE
    with shop.database.transaction("deciding") as connection:
        apply_at_once(connection, name, checked_value(connection, name, str(artwork)))


# The order in which rows are carried back


@LONG
def test_a_token_passes_on_in_whatever_order_the_log_has_them(shop: Shop) -> None:
    """A new artwork that takes the token of a deleted one is carried back, also if its log row is in front of the deletion."""
    other, gone = add_legacy(shop), add_legacy(shop)
    catch_up_now(shop)
    switch(shop)
    shop.sql.execute("UPDATE artworks SET pet_name = 'Max' WHERE id = %s", (other,))
    carry(shop)
    shop.sql.execute("DELETE FROM artworks WHERE id = %s", (gone,))
    shop.sql.execute("VACUUM artwork_migration.clean_change")
    born = insert(shop, access_token=f"token-{gone}")
    order = add_order(shop, born)
    assert [[born], [gone]] == [
        ids for (ids,) in shop.rows("SELECT ids FROM artwork_migration.clean_change WHERE NOT carried_back ORDER BY ctid")
    ]
    assert (1, 1, 0) == carried_in_one_batch(shop, born)
    assert () == planned_with_dry_run(shop).blockers
    assert 0 == roll_back(shop).rejected
    assert (f"token-{gone}", None) == (legacy(shop, born, "access_token"), legacy(shop, gone, "id"))
    assert born == shop.value("SELECT artwork_id FROM orders WHERE id = %s", order)


@LONG
def test_a_value_that_another_artwork_has_given_up_is_carried_back_in_the_end(shop: Shop) -> None:
    """Values under a unique key of the application are handed on: the first waits for the second, and that for a deleted one."""
    first, second, third = existing(shop, None, "https://one/2", "https://one/3")
    for artwork in (first, second, third):
        show(shop, artwork, None)
    carry_on = [(first, "https://one/2"), (second, "https://one/3")]
    for artwork, image in carry_on:
        show(shop, artwork, image)
    shop.sql.execute("DELETE FROM artworks WHERE id = %s", (third,))
    assert 0 == roll_back(shop).rejected
    assert carry_on == [(artwork, legacy(shop, artwork, "generated_image_url")) for artwork, _ in carry_on]
    assert [] == shop.rows(REJECTED)


@LONG
def test_within_a_batch_the_order_of_the_rows_does_not_decide(shop: Shop) -> None:
    """In one batch too, and beside a row that is rejected, a row is carried back after the row that gives up what it takes."""
    first, second, rejected = existing(shop, None, IMAGE, None)
    shop.settings = SETTINGS
    decide(shop, "accept_rejected_writes", str(rejected))
    show(shop, second, "https://one/other")
    show(shop, first, IMAGE)
    shop.sql.execute("UPDATE artworks SET customer_name = NULL WHERE id = %s", (rejected,))
    assert () == planned_with_dry_run(shop).blockers
    assert (2, 0, 1) == carried_in_one_batch(shop, first, second, rejected)
    assert 1 == roll_back(shop).rejected
    assert (IMAGE, "https://one/other") == (legacy(shop, first, "generated_image_url"), legacy(shop, second, "generated_image_url"))


@LONG
def test_a_dry_run_of_single_rows_tries_a_rejected_one_with_its_batch(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value passes on, and each row is tried alone to be within the budget: that is no blocker."""
    monkeypatch.setattr(pace_of_batches, "FIRST", 1)
    monkeypatch.setattr(pace_of_batches, "TARGET", 0)
    first, second = existing(shop, None, IMAGE)
    shop.settings = SETTINGS
    show(shop, second, "https://one/other")
    show(shop, first, IMAGE)
    assert () == planned_with_dry_run(shop).blockers


@LONG
def test_more_changed_ids_than_the_budget_has_time_for_stop_no_plan(shop: Shop) -> None:
    """Each try follows every changed id first: hundreds that take 2 ms each are tried without the budget."""
    switch(shop)
    shop.settings = SETTINGS
    shop.sql.execute(SLOW.format(table="public.artworks_old", seconds=0.002))
    free = "SELECT a.id FROM artworks AS a WHERE a.id NOT IN (SELECT o.artwork_id FROM orders AS o) LIMIT 300"
    shop.sql.execute(f"UPDATE artworks SET id = GEN_RANDOM_UUID() WHERE id IN ({free})")
    assert () == planned_with_dry_run(shop).blockers


def test_a_rollback_of_a_paused_migration_is_planned(shop: Shop) -> None:
    """The plan of a rollback waits for nothing: neither for the end of a pause nor for a replica, because its dry run keeps nothing."""
    switch(shop)
    insert(shop)
    pause(shop)
    assert () == planned_with_dry_run(shop).blockers


@LONG
def test_the_plan_of_a_rollback_counts_with_what_is_deleted(shop: Shop) -> None:
    """A value that a deleted artwork still has in the retired table blocks no plan: the dry run deletes it before it tries again."""
    first, second = existing(shop, None, IMAGE)
    show(shop, first, IMAGE)
    assert [f"artwork {first}"] == [blocker.subject for blocker in planned_with_dry_run(shop).blockers]
    shop.sql.execute("DELETE FROM artworks WHERE id = %s", (second,))
    assert () == planned_with_dry_run(shop).blockers


@LONG
def test_room_that_is_made_before_the_lock_is_used_under_it(shop: Shop) -> None:
    """A row that was rejected is tried once more under the lock, after the deletion that came between."""
    first, second = existing(shop, None, IMAGE)
    decide(shop, "accept_rejected_writes", str(first))
    show(shop, first, IMAGE)
    execute_roll_back(shop, meanwhile=lambda: shop.sql.execute("DELETE FROM artworks WHERE id = %s", (second,)))
    assert (IMAGE, []) == (legacy(shop, first, "generated_image_url"), shop.rows(REJECTED))


@LONG
def test_an_id_taken_over_from_a_deleted_artwork_brings_nothing_of_it(shop: Shop) -> None:
    """An artwork that got the id of a deleted one keeps what only its own retired row holds."""
    kept, gone = add_legacy(shop, mockup_urls='["kept"]'), add_legacy(shop, mockup_urls='["gone"]')
    catch_up_now(shop)
    switch(shop)
    shop.sql.execute("DELETE FROM artworks WHERE id = %s", (gone,))
    shop.sql.execute("UPDATE artworks SET id = %s WHERE id = %s", (gone, kept))
    roll_back(shop)
    assert (["kept"], None) == (legacy(shop, gone, "mockup_urls"), legacy(shop, kept, "id"))


@LONG
def test_a_row_that_gets_another_id_during_a_batch_is_not_gone(shop: Shop, steps: list[Step]) -> None:
    """An id that changes after a batch has followed the new ids: the retired row is not deleted, and follows in the next batch."""
    artwork, last = add_legacy(shop, mockup_urls='["kept"]'), uuid4()
    catch_up_now(shop)
    switch(shop)
    made = planned_roll_back(shop)
    shop.sql.execute("UPDATE artworks SET pet_name = 'Max' WHERE id = %s", (artwork,))
    barrier = Barrier(shop, "BEFORE DELETE ON artwork_migration.rejected_write FOR EACH STATEMENT")
    barrier.close()
    steps.append(Step(shop, lambda: roll_back(shop, made)))
    steps[0].blocks()
    shop.sql.execute("UPDATE artworks SET id = %s WHERE id = %s", (last, artwork))
    barrier.open()
    steps[0].result()
    assert (["kept"], None) == (legacy(shop, last, "mockup_urls"), legacy(shop, artwork, "id"))


# Ids that are used again


@pytest.mark.parametrize("level", [psycopg.IsolationLevel.REPEATABLE_READ, psycopg.IsolationLevel.SERIALIZABLE], ids=["RR", "SSI"])
@pytest.mark.parametrize("way", ["deleted", "renumbered"])
@first(1)
def test_an_id_that_was_given_up_after_the_snapshot_can_be_used(shop: Shop, level: psycopg.IsolationLevel, way: str) -> None:
    """A transaction whose snapshot is older than the deletion can insert an artwork under the id, as on any table."""
    artwork = add_legacy(shop)
    catch_up_now(shop)
    switch(shop)
    old = shop.session()
    old.isolation_level = level
    old.execute("SELECT FROM users LIMIT 1")
    gives_up = "DELETE FROM artworks WHERE id = %s" if way == "deleted" else "UPDATE artworks SET id = GEN_RANDOM_UUID() WHERE id = %s"
    shop.sql.execute(gives_up, (artwork,))
    old.execute(INSERT, (artwork, f"new-{artwork}"))
    old.commit()
    roll_back(shop)
    assert "Ada the second" == legacy(shop, artwork, "customer_name")
    assert set(reconcile_now(shop)) <= {"match", "excluded", "quarantined"}


@LONG
@pytest.mark.parametrize("level", list(psycopg.IsolationLevel)[1:], ids=str)
def test_the_id_of_an_artwork_that_stayed_behind_is_refused(shop: Shop, level: psycopg.IsolationLevel) -> None:
    """The id of a row that was not migrated is refused with 23505, whatever the isolation; the row is still protected afterwards."""
    artwork = add_legacy(shop, generation_status="failed")
    switch(shop)
    session = shop.session()
    session.isolation_level = level
    for _ in range(2):
        with pytest.raises(psycopg.errors.UniqueViolation, match="stayed behind"):
            session.execute(INSERT, (artwork, f"new-{artwork}"))
        session.rollback()


# Values that are equal and not the same


@pytest.fixture
def priced(make_shop: MakeShop) -> Shop:
    """Migrated, with a numeric and a jsonb column that are carried over."""
    priced = make_shop()
    priced.sql.execute("ALTER TABLE artworks ADD COLUMN price numeric DEFAULT 1.0, ADD COLUMN extra jsonb DEFAULT '{\"size\": 1.0}'")
    priced.database.write("creating the ledger", ledger.create)
    decide(priced, "carry_columns", "price,extra")
    deploy(priced)
    migrate(priced)
    return priced


PRICE = """UPDATE {} SET price = 1.00, extra = '{{"size": 1.00}}' WHERE id = '{}'"""


@pytest.mark.parametrize("serving", ["clean", "legacy", "switched"])
@first(1)
def test_a_carried_value_is_carried_as_it_is_written(priced: Shop, serving: str) -> None:
    """A numeric and a jsonb value that differ from the old ones only in how they are written reach the other table, on each way."""
    artwork = add_legacy(priced)
    catch_up_now(priced)
    if serving == "switched":
        switch(priced)
    table = "artworks_v2" if serving == "clean" else "artworks"
    if serving == "legacy":
        priced.sql.execute("SET session_replication_role = replica")  # else a trigger of the sample changes updated_at too
    priced.sql.execute(PRICE.format(table, artwork))  # type: ignore[call-overload]  # made of this test's own names
    if serving == "switched":
        roll_back(priced)
    if serving == "legacy":
        catch_up_now(priced)
    written = "price || ' ' || extra"
    assert ['1.00 {"size": 1.00}'] * 2 == [legacy(priced, artwork, written), clean(priced, artwork, written)]


# The only copy of an artwork


@pytest.fixture
def only_copy(shop: Shop) -> UUID:
    """After a rollback: an artwork that was created while the clean table served, and that the legacy table rejects as a whole."""
    switch(shop)
    decide(shop, "accept_rejected_writes", "all")
    artwork = insert(shop, customer_name=None)
    roll_back(shop)
    assert ([(artwork, [])], None) == (shop.rows(REJECTED), legacy(shop, artwork, "id"))
    return artwork


@LONG
def test_the_only_copy_is_not_cleared_after_a_rollback(shop: Shop, only_copy: UUID) -> None:
    """An artwork that could not be carried back cannot be cleared, and no catch-up deletes it."""
    with pytest.raises(BadInput, match=f"would be lost if they were cleared: {only_copy}.*To fix: correct the clean row"):
        clear(shop, only_copy)
    catch_up_now(shop)
    assert only_copy == clean(shop, only_copy, "id")
    assert 1 == reconcile_now(shop)["refused"]


@LONG
def test_a_correction_of_the_only_copy_reaches_legacy(shop: Shop, only_copy: UUID) -> None:
    """A later update that the legacy table takes inserts the artwork there and resolves the rejection."""
    shop.sql.execute("UPDATE artworks_v2 SET customer_name = 'Grace' WHERE id = %s", (only_copy,))
    assert ("Grace", []) == (legacy(shop, only_copy, "customer_name"), shop.rows(REJECTED))
    catch_up_now(shop)
    assert set(reconcile_now(shop)) <= {"match", "excluded", "quarantined"}


@LONG
def test_a_deletion_of_the_only_copy_resolves_it(shop: Shop, only_copy: UUID) -> None:
    """The application can delete the artwork; nothing is left to decide."""
    shop.sql.execute("DELETE FROM artworks_v2 WHERE id = %s", (only_copy,))
    assert [] == shop.rows(REJECTED)
    catch_up_now(shop)
    assert clean(shop, only_copy, "id") is None


def test_an_artwork_with_the_id_of_another_one_is_not_cleared(shop: Shop) -> None:
    """A clean artwork under the id of another artwork in legacy is the only copy too: cleared, it would become that one."""
    other = add_legacy(shop, generation_status="failed", customer_name="Grace")
    add_clean(shop, id=other, customer_name="Ada")
    with pytest.raises(BadInput, match=f"would be lost if they were cleared: {other}.*under a new id"):
        clear(shop, other)
    catch_up_now(shop)
    assert ("Ada", "Grace") == (clean(shop, other, "customer_name"), legacy(shop, other, "customer_name"))
    shop.sql.execute("DELETE FROM artworks_v2 WHERE id = %s", (other,))
    assert ([], "Grace") == (shop.rows(REJECTED), legacy(shop, other, "customer_name"))


def test_a_decision_between_two_drains_changes_nothing(shop: Shop) -> None:
    """A rejected write that is cleared after a drain is tried again by the next one, and recorded again."""
    switch(shop)
    decide(shop, "accept_rejected_writes", "all")
    artwork = insert(shop, customer_name=None)
    execute_roll_back(shop, meanwhile=lambda: clear(shop, artwork))
    assert [(artwork, [])] == shop.rows(REJECTED)
    catch_up_now(shop)
    assert artwork == clean(shop, artwork, "id")


@LONG
def test_a_decision_under_the_locks_of_a_rollback_waits(shop: Shop, steps: list[Step]) -> None:
    """A decision that comes while the rollback holds its locks waits for its end, and then refuses to clear the only copy."""
    switch(shop)
    decide(shop, "accept_rejected_writes", "all")
    artwork = insert(shop, customer_name=None)
    barrier = Barrier(shop, "BEFORE INSERT ON artwork_migration.step FOR EACH ROW")
    carry(shop)
    barrier.close()
    steps.append(Step(shop, lambda: roll_back(shop)))
    steps[0].blocks()
    steps.append(Step(shop, lambda: clear(shop, artwork)))
    wait_until(lambda: blocked_session(shop, table="artwork_migration.rejected_write"))
    barrier.open()
    steps[0].result()
    with pytest.raises(BadInput, match="would be lost"):
        steps[1].result()
    assert [(artwork, [])] == shop.rows(REJECTED)


# Users that older code signs up


@pytest.mark.parametrize("moment", ["before the plan", "after the locks"])
def test_a_user_that_somebody_has_written_to_outlives_the_uninstallation(migrated: Shop, moment: str) -> None:
    """A sign-up that updates the user we created, and does not say that it is registered, keeps it; the others are deleted."""
    created = [user for (user,) in migrated.rows("SELECT id FROM artwork_migration.created_user ORDER BY id")]
    email = migrated.value("SELECT email FROM users WHERE id = %s", created[0])

    def sign_up() -> None:
        migrated.sql.execute("INSERT INTO users (email) VALUES (%s) ON CONFLICT (email) DO UPDATE SET updated_at = NOW()", (email,))

    if moment == "before the plan":
        sign_up()
    made = planned(migrated, plan_uninstall)
    with running(migrated, ROLL_BACK_TO_NOT_STARTED) as run:
        approve(run, made)
        execute(run, made)
        if moment == "after the locks":
            sign_up()
        finish_plan(run, made)
    assert [(created[0],)] == migrated.rows("SELECT id FROM users WHERE id = ANY(%s)", created)


def test_an_uninstallation_that_waits_for_a_user_has_no_other_one_locked(migrated: Shop, steps: list[Step]) -> None:
    """Somebody writes to one of our users: until the end of that, the uninstallation holds no other user, and it deletes the others."""
    created = [user for (user,) in migrated.rows("SELECT id FROM artwork_migration.created_user ORDER BY id")]
    made = planned(migrated, plan_uninstall)
    with running(migrated, ROLL_BACK_TO_NOT_STARTED) as run:
        approve(run, made)
        execute(run, made)
        with holding(migrated, f"UPDATE users SET updated_at = NOW() WHERE id = '{created[3]}'") as shopper:
            finishing = Step(migrated, lambda: finish_plan(run, made))
            steps.append(finishing)
            finishing.blocks()
            migrated.sql.execute("SET lock_timeout = '100ms'")
            migrated.sql.execute("SELECT FROM users WHERE id <> %s FOR UPDATE", (created[3],))
            shopper.commit()
        finishing.result()
    assert [(created[3],)] == migrated.rows("SELECT id FROM users WHERE id = ANY(%s)", created)


# Deleting and updating through the view artworks_v2


@pytest.fixture
def failed(shop: Shop) -> UUID:
    """An artwork whose generation has failed, after the switch."""
    switch(shop)
    return insert(shop, generation_status="failed")


REVIVE = "UPDATE public.artworks SET generation_status = 'pending' WHERE id = %s"
ONE = "USING (SELECT %s::uuid AS id) AS s ON v.id = s.id AND v.generation_status = 'failed' WHEN MATCHED THEN"
DELETES = {
    "delete": "DELETE FROM public.artworks_v2 WHERE id = %s AND generation_status = 'failed'",
    "merge": f"MERGE INTO public.artworks_v2 AS v {ONE} DELETE",
}
UPDATES = {
    "update": "UPDATE public.artworks_v2 SET pet_name = 'Max' WHERE id = %s AND generation_status = 'failed'",
    "merge": f"MERGE INTO public.artworks_v2 AS v {ONE} UPDATE SET pet_name = 'Max'",
}


def crossed(shop: Shop, steps: list[Step], first: str, then: str, artwork: UUID, *, commit: bool = True) -> str | None:
    """One session executes the first statement, another one waits with the second; the SQLSTATE of that after the first has ended."""
    one, other = shop.session(), shop.session(autocommit=True)
    one.execute(first, (artwork,))  # type: ignore[call-overload]  # made of this test's own names
    steps.append(Step(shop, lambda: other.execute(then, (artwork,)), pid=other.info.backend_pid))  # type: ignore[call-overload]
    steps[-1].blocks()
    one.commit() if commit else one.rollback()
    return steps[-1].sqlstate()


@pytest.mark.parametrize("delete", DELETES)
@first(1)
def test_a_delete_through_the_view_keeps_its_condition(shop: Shop, failed: UUID, steps: list[Step], delete: str) -> None:
    """A delete that waited for a change of its row ends with 40001; the changed row stays, and a repetition finds nothing to delete."""
    assert "40001" == crossed(shop, steps, REVIVE, DELETES[delete], failed)
    assert 0 == shop.sql.execute(DELETES[delete], (failed,)).rowcount  # type: ignore[call-overload]  # made of this test's own names
    assert "pending" == clean(shop, failed, "generation_status")


@pytest.mark.parametrize("delete", DELETES)
@first(1)
def test_a_delete_through_the_view_goes_through_if_nothing_was_changed(shop: Shop, failed: UUID, steps: list[Step], delete: str) -> None:
    """A delete that waited for a change that was rolled back deletes."""
    assert crossed(shop, steps, REVIVE, DELETES[delete], failed, commit=False) is None
    assert clean(shop, failed, "id") is None


def test_of_two_deletes_through_the_view_one_finds_nothing(shop: Shop, failed: UUID, steps: list[Step]) -> None:
    """A delete that waited for another one of its row is no error."""
    assert crossed(shop, steps, DELETES["delete"], DELETES["delete"], failed) is None
    assert clean(shop, failed, "id") is None


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("dropped", [False, True], ids=["as it is", "without our trigger"])
@first(1)
def test_an_update_through_the_view_keeps_its_condition(shop: Shop, failed: UUID, steps: list[Step], update: str, *, dropped: bool) -> None:
    """An update through the view checks its condition on the changed row, like one of the table; our trigger for deletes is not in it."""
    if dropped:
        shop.sql.execute("DROP TRIGGER artwork_migration_delete ON public.artworks_v2")
    assert crossed(shop, steps, REVIVE, UPDATES[update], failed) is None
    assert ("pending", "Rex") == (clean(shop, failed, "generation_status"), clean(shop, failed, "pet_name"))


# A value that one table has already


def test_a_value_that_the_clean_row_has_already_is_no_change(shop: Shop) -> None:
    """A clean write of the value that the clean row has does not replace a newer legacy value; a write of another value does."""
    artwork = add_legacy(shop)
    catch_up_now(shop)
    shop.sql.execute("UPDATE artworks SET customer_name = 'Grace', pet_name = 'Max' WHERE id = %s", (artwork,))
    shop.sql.execute("UPDATE artworks_v2 SET customer_name = 'Ada', pet_name = 'Bello' WHERE id = %s", (artwork,))
    assert ("Grace", "Bello") == (legacy(shop, artwork, "customer_name"), legacy(shop, artwork, "pet_name"))
    catch_up_now(shop)
    assert ("Grace", "Bello") == (clean(shop, artwork, "customer_name"), clean(shop, artwork, "pet_name"))


@LONG
def test_a_dry_run_stays_within_the_budget_of_the_row_locks(migrated: Shop, steps: list[Step]) -> None:
    """Retired rows that take 5 ms each are tried, all of them, in batches that hold them for less than half of deadlock_timeout."""
    switch(migrated)
    migrated.sql.execute(SLOW.format(table="public.artworks_old", seconds=0.005))
    migrated.sql.execute(CHANGE_MANY)
    changed = [artwork for (artwork,) in migrated.rows("SELECT UNNEST(ids) FROM artwork_migration.clean_change")]
    slowest, number = 0.0, 0
    with running(migrated, ROLL_BACK_TO_MIGRATED) as run:
        trying = Step(migrated, lambda: carry_back.dry_run(run))
        steps.append(trying)
        while not trying.done:
            begun = time.monotonic()
            migrated.sql.execute("SELECT FROM artworks_old WHERE id = %s FOR UPDATE", (changed[number % len(changed)],))
            slowest, number = max(slowest, time.monotonic() - begun), number + 1
        assert len(changed) == trying.result().logged
    assert slowest < 0.5


@LONG
def test_a_dry_run_ends_where_the_application_goes_on(migrated: Shop) -> None:
    """Ten times a second the application changes more than a second of the dry run takes: it tries what was in the log when it began."""
    switch(migrated)
    migrated.sql.execute(SLOW.format(table="public.artworks_old", seconds=0.005))
    with repeating(migrated, CHANGE_MANY), running(migrated, ROLL_BACK_TO_MIGRATED) as run:
        wait_until(lambda: migrated.value("SELECT COUNT(*) FROM artwork_migration.clean_change"))
        assert 300 <= carry_back.dry_run(run).logged


@LONG
def test_carry_back_ends_where_the_application_is_faster(migrated: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty rows a second are carried back and far more are written: it says so and ends; the roll-back carries all later."""
    monkeypatch.setattr(pace_of_batches, "CHECKED_EVERY", 0.5)
    switch(migrated)
    migrated.sql.execute(SLOW.format(table="public.artworks_old", seconds=0.05))
    warnings: list[str] = []
    with repeating(migrated, CHANGE_MANY), running(migrated, ROLL_BACK_TO_MIGRATED) as run:
        run.begin()
        run.warn = warnings.append
        wait_until(lambda: migrated.value("SELECT COUNT(*) FROM artwork_migration.clean_change"))
        counts = carry_back.carry_back(run, planned_roll_back(migrated))
    assert 0 < counts.carried
    (warning,) = warnings
    assert "the log has not become shorter for " in warning
    migrated.sql.execute("DROP FUNCTION public.slow CASCADE")
    roll_back(migrated)
    assert not set(migrate(migrated)) - {"match", "excluded", "quarantined"}
