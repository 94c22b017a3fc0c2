"""Capture and catch-up beside two or three other sessions, stepped: nothing acknowledged is lost, and nobody becomes a deadlock victim."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import Connection, text

from migration.ledger.runs import Run
from migration.lock_errors import OthersAtWork, RowsLocked
from migration.sync import pace as pace_of_batches
from migration.sync.catch_up import catch_up
from migration.sync.pace import FIRST, HELD, TARGET, Pace
from reporting.status import read_status
from tests.artworks import add_clean, add_legacy, add_order, add_user, clean, legacy, logged, pending, verdict
from tests.conftest import MakeShop
from tests.databases import SETTINGS, Shop, catch_up_now, copy, execute_switch, migrate, reconcile_now, running
from tests.interleaving import CHANGE_MANY, SLOW, Step, holding, repeating
from tests.series import LONG
from tests.waiting import wait_until
from tests.waits import pause, resume

BATCH = "SELECT * FROM artwork_migration.catch_up_batch({})"
RENAME = "UPDATE public.artworks SET pet_name = %s WHERE id = %s"
MOVE = "UPDATE public.artworks SET id = %s WHERE id = %s"
LOCK = "SELECT FROM public.artworks_v2 WHERE id = '{}' FOR UPDATE"


@pytest.fixture
def steps(make_shop: MakeShop) -> Iterator[list[Step]]:
    """Steps that are ended before their database is dropped."""
    del make_shop  # named so that it outlives us
    started: list[Step] = []
    yield started
    for step in started:
        step.abandon()


@contextmanager
def old_snapshot(shop: Shop) -> Iterator[psycopg.Connection[Any]]:
    """A REPEATABLE READ transaction of the application whose snapshot is taken now; committed at the end."""
    session = shop.session()
    session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    session.execute("SELECT 1 FROM public.artworks LIMIT 1")
    yield session
    session.commit()


def in_step(shop: Shop, **columns: object) -> UUID:
    """A legacy artwork that the clean table has too."""
    artwork = add_legacy(shop, **columns)
    catch_up_now(shop)
    return artwork


def test_a_user_changed_under_an_older_snapshot_is_captured(migrated: Shop) -> None:
    """A user whose e-mail changes in a transaction that cannot see the artwork: the artwork is pending, and catch-up gives it its owner."""
    other = add_user(migrated, "b@snapshot.example")
    migrated.sql.execute("UPDATE public.users SET email = 'a@snapshot.example' WHERE id = %s", (other,))
    with old_snapshot(migrated) as session:
        artwork = in_step(migrated, customer_email="a@snapshot.example")
        assert other == clean(migrated, artwork, "user_id")
        session.execute("UPDATE public.users SET email = 'c@snapshot.example' WHERE id = %s", (other,))
    assert ({artwork}, "pending") == (pending(migrated), verdict(migrated, artwork))
    catch_up_now(migrated)
    assert (set(), "match") == (pending(migrated), verdict(migrated, artwork))
    assert clean(migrated, artwork, "user_id") not in (None, other)


def test_a_user_changed_under_an_older_snapshot_does_not_pass_the_switch(migrated: Shop) -> None:
    """The same change between the last catch-up and the locks of the switch: the artwork has its own owner afterwards."""
    other = add_user(migrated, "a@snapshot.example")
    artwork = uuid4()

    def meanwhile() -> None:
        if legacy(migrated, artwork, "id"):
            return  # it is called before each attempt
        with old_snapshot(migrated) as session:
            add_legacy(migrated, id=artwork, customer_email="a@snapshot.example")
            migrated.sql.execute(BATCH.format(500))
            assert other == clean(migrated, artwork, "user_id")
            session.execute("UPDATE public.users SET email = 'c@snapshot.example' WHERE id = %s", (other,))

    execute_switch(migrated, meanwhile=meanwhile)
    assert "a@snapshot.example" == migrated.value(
        "SELECT u.email FROM public.artworks AS a INNER JOIN public.users AS u ON a.user_id = u.id WHERE a.id = %s", artwork
    )


def test_a_truncated_table_under_an_older_snapshot_is_captured(migrated: Shop) -> None:
    """Orders truncated in a transaction that cannot see the newest one: its artwork is pending, and leaves the clean table."""
    with old_snapshot(migrated) as session:
        artwork = add_legacy(migrated, generation_status="failed")
        add_order(migrated, artwork)
        catch_up_now(migrated)
        assert artwork == clean(migrated, artwork, "id")
        session.execute("TRUNCATE public.orders CASCADE")
    assert "pending" == verdict(migrated, artwork)
    catch_up_now(migrated)
    assert (None, "excluded") == (clean(migrated, artwork, "id"), verdict(migrated, artwork))
    assert set(reconcile_now(migrated)) == {"match", "excluded"}


def test_the_capture_of_users_reads_no_table(migrated: Shop) -> None:
    """A caller whom row level security would hide artworks from, or who has switched it off, changes a user, and it is captured."""
    artwork = in_step(migrated, customer_email="a@snapshot.example")
    migrated.sql.execute("CREATE ROLE shop_owner; GRANT ALL ON public.artworks, public.users TO shop_owner")
    migrated.sql.execute("GRANT USAGE ON SCHEMA public TO shop_owner; ALTER TABLE public.artworks FORCE ROW LEVEL SECURITY")
    try:
        migrated.sql.execute("GRANT INSERT ON ALL TABLES IN SCHEMA artwork_migration TO shop_owner")
        migrated.sql.execute("GRANT USAGE ON SCHEMA artwork_migration TO shop_owner")
        for function in ("capture_users()", "capture_changed_user()"):
            migrated.sql.execute(f"ALTER FUNCTION artwork_migration.{function} OWNER TO shop_owner")  # type: ignore[call-overload]  # made of this test's own names
        migrated.sql.execute("SET row_security = off")
        add_user(migrated, "A@snapshot.example")
        migrated.sql.execute("INSERT INTO public.users (email) VALUES ('b@snapshot.example')")
        assert set() == pending(migrated)
        migrated.sql.execute("DELETE FROM public.users WHERE email = 'a@snapshot.example'")
        assert {artwork} == pending(migrated)
    finally:
        for function in ("capture_users()", "capture_changed_user()"):
            migrated.sql.execute(f"ALTER FUNCTION artwork_migration.{function} OWNER TO CURRENT_USER")  # type: ignore[call-overload]  # made of this test's own names
        migrated.sql.execute("DROP OWNED BY shop_owner; DROP ROLE shop_owner")


def moved(shop: Shop, artwork: UUID, times: int) -> UUID:
    """The id of the legacy row after it has changed so many times."""
    for _ in range(times):
        last, artwork = artwork, uuid4()
        shop.sql.execute(MOVE, (artwork, last))
    return artwork


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_clean_write_follows_every_change_of_the_key(deployed: Shop, times: int) -> None:
    """A clean write by the first id is in the legacy row, which has its third or fourth id, and in the clean row after catch-up."""
    first = in_step(deployed)
    last = moved(deployed, first, times)
    deployed.sql.execute("UPDATE public.artworks_v2 SET pet_name = 'Lassie' WHERE id = %s", (first,))
    assert "Lassie" == legacy(deployed, last, "pet_name")
    catch_up_now(deployed)
    assert ("Lassie", None, "match") == (clean(deployed, last, "pet_name"), clean(deployed, first, "id"), verdict(deployed, last))


@pytest.mark.parametrize("times", [1, 2])
def test_a_clean_delete_follows_every_change_of_the_key(deployed: Shop, times: int) -> None:
    """A clean DELETE by the first id deletes the legacy row, and no catch-up brings it back."""
    first = in_step(deployed)
    last = moved(deployed, first, times)
    deployed.sql.execute("DELETE FROM public.artworks_v2 WHERE id = %s", (first,))
    assert legacy(deployed, last, "id") is None
    catch_up_now(deployed)
    assert [None, None] == [clean(deployed, one, "id") for one in (first, last)]


def test_a_clean_write_does_not_reach_another_artwork_with_the_old_id(deployed: Shop) -> None:
    """If another artwork has got the old id, a clean write or delete of the row with that id reaches the artwork that the row shows."""
    one, other, new = in_step(deployed), in_step(deployed), uuid4()
    deployed.sql.execute(MOVE, (new, one))
    deployed.sql.execute(MOVE, (one, other))
    deployed.sql.execute("UPDATE public.artworks_v2 SET pet_name = 'Lassie' WHERE id = %s", (one,))
    deployed.sql.execute("UPDATE public.artworks_v2 SET pet_name = 'Rin' WHERE id = %s", (other,))
    assert ["Lassie", "Rin"] == [legacy(deployed, artwork, "pet_name") for artwork in (new, one)]
    deployed.sql.execute("DELETE FROM public.artworks_v2 WHERE id = %s", (one,))
    assert [None, "Rin"] == [legacy(deployed, artwork, "pet_name") for artwork in (new, one)]
    catch_up_now(deployed)
    assert ["Rin", None, None] == [clean(deployed, artwork, "pet_name") for artwork in (one, other, new)]
    assert set(reconcile_now(deployed)) <= {"match", "excluded", "missing"}


def test_a_chain_that_comes_back_ends_at_its_first_id(deployed: Shop) -> None:
    """An artwork whose id changes and changes back is written under its first id."""
    first = in_step(deployed)
    deployed.sql.execute(MOVE, (first, moved(deployed, first, 2)))
    deployed.sql.execute("UPDATE public.artworks_v2 SET pet_name = 'Lassie' WHERE id = %s", (first,))
    assert "Lassie" == legacy(deployed, first, "pet_name")
    catch_up_now(deployed)
    assert ("Lassie", "match") == (clean(deployed, first, "pet_name"), verdict(deployed, first))


def test_a_new_clean_row_with_an_old_id_is_a_new_artwork(deployed: Shop) -> None:
    """A clean artwork that is inserted under an id whose artwork has moved and was deleted is written under that id, and stays there."""
    first = in_step(deployed)
    moved(deployed, first, 2)
    deployed.sql.execute("DELETE FROM public.artworks_v2 WHERE id = %s", (first,))
    add_clean(deployed, id=first)
    deployed.sql.execute("UPDATE public.artworks_v2 SET pet_name = 'Lassie', fal_request_id = 'fal_1' WHERE id = %s", (first,))
    assert "Lassie" == legacy(deployed, first, "pet_name")
    catch_up_now(deployed)
    assert ("Lassie", "fal_1") == (clean(deployed, first, "pet_name"), clean(deployed, first, "fal_request_id"))
    assert "match" == verdict(deployed, first)


def test_a_clean_write_that_waits_for_a_change_of_the_key_follows_it(deployed: Shop, steps: list[Step]) -> None:
    """A clean write that waits for the legacy row while its id changes twice is in the legacy row afterwards."""
    first, second, third = in_step(deployed), uuid4(), uuid4()
    mover, writer = deployed.session(), deployed.session(autocommit=True)
    mover.execute(MOVE, (second, first))
    mover.execute(MOVE, (third, second))
    write = Step(
        deployed,
        lambda: writer.execute("UPDATE public.artworks_v2 SET pet_name = 'Lassie' WHERE id = %s", (first,)),
        pid=writer.info.backend_pid,
    )
    steps.append(write)
    write.blocks()
    mover.commit()
    assert write.sqlstate() is None
    assert "Lassie" == legacy(deployed, third, "pet_name")


def test_a_key_change_of_a_locked_row_waits_with_those_that_follow_it(deployed: Shop) -> None:
    """Two changes of one key while the application holds the clean row: a batch leaves both, and a later one follows both."""
    first, other = add_clean(deployed, fal_request_id="fal_1"), in_step(deployed)
    catch_up_now(deployed)
    last = moved(deployed, first, 2)
    deployed.sql.execute(RENAME, ("Rexa", other))
    with holding(deployed, LOCK.format(first)):
        deployed.sql.execute(BATCH.format(500))
        assert ("Rexa", first) == (clean(deployed, other, "pet_name"), clean(deployed, first, "id"))
        assert last in pending(deployed)
    catch_up_now(deployed)
    assert ("fal_1", None) == (clean(deployed, last, "fal_request_id"), clean(deployed, first, "id"))


def sorted_artworks(shop: Shop, count: int, **columns: object) -> list[UUID]:
    """Artworks in step whose ids are in the order of the list."""
    artworks = sorted(uuid4() for _ in range(count))
    for artwork in artworks:
        add_legacy(shop, id=artwork, **{name: value(artwork) if callable(value) else value for name, value in columns.items()})
    catch_up_now(shop)
    return artworks


def test_a_user_is_deleted_beside_a_catch_up_that_meets_locked_rows(migrated: Shop, steps: list[Step]) -> None:
    """A session deletes users whose artworks catch-up writes, while others hold rows of the batch one after the other: it is no victim."""
    one, two = add_user(migrated, "one@victim.example"), add_user(migrated, "two@victim.example")
    owners = iter([two, None, None, one])
    q, r, s, p = sorted_artworks(migrated, 4, user_id=lambda _: next(owners))
    migrated.sql.execute("UPDATE public.artworks SET pet_name = 'Rexa' WHERE id = ANY(%s)", ([q, r, s, p],))
    leaver = migrated.session()
    with holding(migrated, LOCK.format(r)) as first, holding(migrated, LOCK.format(s)) as second:
        leaver.execute("DELETE FROM public.users WHERE id = %s", (one,))
        catching_up = Step(migrated, lambda: catch_up_now(migrated), name=migrated.database.name)
        time.sleep(0.1)
        leaving = Step(migrated, lambda: leaver.execute("DELETE FROM public.users WHERE id = %s", (two,)), pid=leaver.info.backend_pid)
        steps += [catching_up, leaving]
        for holder in (first, second):
            time.sleep(0.33)
            holder.commit()
        assert leaving.sqlstate() is None
        leaver.commit()
    assert catching_up.sqlstate() is None
    catch_up_now(migrated)
    assert {"match"} == {verdict(migrated, artwork) for artwork in (q, r, s, p)}


def test_a_batch_leaves_a_row_that_is_locked_and_writes_the_others(migrated: Shop) -> None:
    """A row that another session has locked goes back into the log, and all others are written without a wait."""
    locked, free, new = in_step(migrated), in_step(migrated), add_legacy(migrated)
    migrated.sql.execute(RENAME, ("Rexa", locked))
    migrated.sql.execute(RENAME, ("Rexa", free))
    with holding(migrated, LOCK.format(locked)):
        migrated.sql.execute("SET lock_timeout = '1ms'")
        migrated.sql.execute(BATCH.format(500))
    assert ("Rex", "Rexa", new) == (clean(migrated, locked, "pet_name"), clean(migrated, free, "pet_name"), clean(migrated, new, "id"))
    assert [[locked]] == logged(migrated)


def test_a_batch_leaves_what_belongs_to_a_user_who_is_being_deleted(migrated: Shop) -> None:
    """An artwork whose owner another session deletes waits, without holding up those of other owners."""
    user = add_user(migrated, "one@victim.example")
    owned, free = add_legacy(migrated, user_id=user), add_legacy(migrated)
    with holding(migrated, f"DELETE FROM public.users WHERE id = '{user}'") as leaver:
        migrated.sql.execute("SET lock_timeout = '1ms'")
        migrated.sql.execute(BATCH.format(500))
        assert (None, free) == (clean(migrated, owned, "id"), clean(migrated, free, "id"))
        leaver.commit()
    catch_up_now(migrated)
    assert ("match", owned) == (verdict(migrated, owned), clean(migrated, owned, "id"))


def test_catch_up_names_a_prepared_sign_up(migrated: Shop) -> None:
    """A prepared transaction that creates the user whom a new artwork needs: catch-up ends with its name, and both are there afterwards."""
    new = add_legacy(migrated, customer_email="prepared@example.com")
    session = migrated.session()
    session.execute("INSERT INTO public.users (email) VALUES ('prepared@example.com')")
    session.execute("PREPARE TRANSACTION 'sign-up'")
    migrated.database.attempts = 2
    with pytest.raises(OthersAtWork, match=r"the prepared transaction 'sign-up' .*COMMIT PREPARED 'sign-up'"):
        catch_up_now(migrated)
    migrated.sql.execute("COMMIT PREPARED 'sign-up'")
    catch_up_now(migrated)
    owner = "SELECT u.email FROM public.artworks_v2 AS a JOIN public.users AS u ON u.id = a.user_id WHERE a.id = %s"
    assert "prepared@example.com" == migrated.value(owner, new)


def test_catch_up_names_the_artworks_that_keep_it(migrated: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prepared transaction that holds the only artworks left: catch-up ends with their ids, and what it can write is written.

    It takes longer than a log that does not become shorter: that the application is faster would be untrue.
    """
    monkeypatch.setattr(pace_of_batches, "CHECKED_EVERY", 0.05)
    locked, free = in_step(migrated), in_step(migrated)
    for artwork in (locked, free):
        migrated.sql.execute(RENAME, ("Rexa", artwork))
    session = migrated.session()
    session.execute(LOCK.format(locked))  # type: ignore[call-overload]  # made of this test's own names
    session.execute("PREPARE TRANSACTION 'sale'")
    session.commit()
    migrated.database.attempts = 3
    try:
        with pytest.raises(RowsLocked) as caught:
            catch_up_now(migrated)
    finally:
        migrated.sql.execute("ROLLBACK PREPARED 'sale'")
    assert (str(locked),) == caught.value.ids
    assert "Blocked by: the prepared transaction 'sale' (role postgres" in str(caught.value)
    assert "Rexa" == clean(migrated, free, "pet_name")
    catch_up_now(migrated)
    assert "Rexa" == clean(migrated, locked, "pet_name")


def test_catch_up_gets_its_turn_at_a_row_that_is_never_free(migrated: Shop, steps: list[Step]) -> None:
    """Two sessions hold one row in turn, so that it is never free: catch-up queues for it and gets it."""
    artwork = in_step(migrated)
    migrated.sql.execute(RENAME, ("Rexa", artwork))
    sessions = [migrated.session(), migrated.session()]
    take = LOCK.format(artwork)
    sessions[0].execute(take)  # type: ignore[call-overload]  # made of this test's own names
    catching_up = Step(migrated, lambda: catch_up_now(migrated), name=migrated.database.name)
    steps.append(catching_up)
    for turn in range(200):
        if catching_up.done:
            break
        holder, queued = sessions[turn % 2], sessions[(turn + 1) % 2]
        waiting = Step(migrated, lambda queued=queued: queued.execute(take), pid=queued.info.backend_pid)  # type: ignore[misc]  # mypy infers no type for a lambda with a default
        steps.append(waiting)
        time.sleep(0.02)
        holder.commit()
        waiting.result()
    for session in sessions:
        session.commit()
    assert catching_up.sqlstate() is None
    assert turn < 199
    assert "Rexa" == clean(migrated, artwork, "pet_name")


@LONG
def test_a_batch_stays_within_the_budget_of_the_row_locks(migrated: Shop) -> None:
    """Clean rows that take 5 ms each are written in batches that hold their locks for less than half of deadlock_timeout."""
    artworks = sorted_artworks(migrated, 1)
    migrated.sql.execute(SLOW.format(table="public.artworks_v2", seconds=0.005))
    migrated.sql.execute("UPDATE public.artworks SET pet_name = 'Rexa' WHERE id IN (SELECT id FROM public.artworks_v2 LIMIT 400)")
    artworks = [artwork for (artwork,) in migrated.rows("SELECT id FROM public.artworks WHERE pet_name = 'Rexa'")]
    catching_up = Step(migrated, lambda: catch_up_now(migrated), name=migrated.database.name)
    slowest, number = 0.0, 0
    while not catching_up.done:
        begun = time.monotonic()
        migrated.sql.execute(LOCK.format(artworks[number % len(artworks)]))  # type: ignore[call-overload]  # made of this test's own names
        slowest, number = max(slowest, time.monotonic() - begun), number + 1
    assert catching_up.sqlstate() is None
    assert slowest < 0.5
    assert 0 == migrated.value("SELECT COUNT(*) FROM public.artworks_v2 WHERE id = ANY(%s) AND pet_name <> 'Rexa'", artworks)


#: Stops a statement before its second row, without a lock on that row, until somebody gives the advisory lock back.
STOP = """
CREATE SEQUENCE public.rows_begun;
CREATE FUNCTION public.stop_before_the_second_row() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF NEXTVAL('public.rows_begun') = 2 THEN
    PERFORM PG_ADVISORY_XACT_LOCK_SHARED(78);
  END IF;
  RETURN 'Rexa';
END $$
"""


def write_beside_the_deletion(shop: Shop, steps: list[Step], user: UUID) -> tuple[str | None, str | None]:
    """How a clean statement over two rows of an e-mail ends, and the deletion of their user that comes when the first one is written."""
    shop.sql.execute(STOP)
    shop.sql.execute("SELECT PG_ADVISORY_LOCK(78)")
    writer, leaver = shop.session(autocommit=True), shop.session(autocommit=True)
    change = "UPDATE public.artworks_v2 SET pet_name = public.stop_before_the_second_row() WHERE customer_email = 'one@victim.example'"
    leave = f"DELETE FROM public.users WHERE id = '{user}'"
    for session, statement in ((writer, change), (leaver, leave)):
        steps.append(Step(shop, lambda s=session, t=statement: s.execute(t), pid=session.info.backend_pid))  # type: ignore[misc]  # mypy infers no type for a lambda with a default
        steps[-1].blocks()
    shop.sql.execute("SELECT PG_ADVISORY_UNLOCK(78)")
    return steps[-2].sqlstate(), steps[-1].sqlstate()


def test_the_rows_of_one_email_and_the_deletion_of_their_user(migrated: Shop, steps: list[Step]) -> None:
    """A clean statement over the artworks of an e-mail, whose ids are in another order than the rows, and the deletion of their user."""
    user = add_user(migrated, "one@victim.example")
    for artwork in sorted((uuid4() for _ in range(2)), reverse=True):
        in_step(migrated, id=artwork, customer_email="one@victim.example", user_id=user)
    assert (None, None) == write_beside_the_deletion(migrated, steps, user)


def test_rows_that_have_the_user_by_their_email_only(migrated: Shop, steps: list[Step]) -> None:
    """The same if the legacy row of the first one names no user: the deletion locks it in the same order as the others."""
    user = add_user(migrated, "one@victim.example")
    in_step(migrated, customer_email="one@victim.example")
    in_step(migrated, customer_email="one@victim.example", user_id=user)
    assert (None, None) == write_beside_the_deletion(migrated, steps, user)


def test_an_email_that_changes_during_a_batch_costs_nothing_of_the_clean_side(migrated: Shop, steps: list[Step]) -> None:
    """An e-mail changes after a batch has created its users: the artwork gets its owner, and keeps what only its clean row has."""
    artwork = add_clean(migrated, fal_request_id="fal_1")
    catch_up_now(migrated)
    migrated.sql.execute(RENAME, ("Rexa", artwork))
    worker = migrated.session(autocommit=True)
    with holding(migrated, LOCK.format(artwork)):
        batch = Step(migrated, lambda: worker.execute(BATCH.format(500)), pid=worker.info.backend_pid)
        steps.append(batch)
        batch.blocks()
        migrated.sql.execute("UPDATE public.artworks SET customer_email = 'new@batch.example', user_id = NULL WHERE id = %s", (artwork,))
    assert batch.sqlstate() is None
    catch_up_now(migrated)
    assert ("fal_1", "match") == (clean(migrated, artwork, "fal_request_id"), verdict(migrated, artwork))
    assert clean(migrated, artwork, "user_id") == migrated.value("SELECT u.id FROM public.users AS u WHERE u.email = 'new@batch.example'")


@pytest.mark.parametrize("told", [True, False])
def test_a_batch_whose_client_is_too_slow_is_repeated_with_fewer_rows(migrated: Shop, *, told: bool) -> None:
    """The server ends the transaction of a slow client, which may see no more of that than a lost connection: it takes fewer rows then."""
    sizes: list[int] = []

    def batch(run: Run, connection: Connection, size: int) -> None:
        sizes.append(size)
        backend = connection.execute(text("SELECT PG_BACKEND_PID()")).scalar_one()
        if len(sizes) < 3 and told:
            time.sleep(run.database.deadlock_timeout_ms / 1000 / 2)
        elif len(sizes) < 3:
            migrated.sql.execute("SELECT PG_TERMINATE_BACKEND(%s, 5000)", (backend,))
        connection.execute(text("SELECT 1"))

    with running(migrated) as run:
        Pace(500).write(run, "a batch", batch)
    assert [250, 62, 15] == sizes


def test_a_slow_batch_of_few_rows_is_followed_by_larger_ones(migrated: Shop) -> None:
    """After locked rows the batches grow again although each is slow: with a row in each, catch-up would not end on a busy machine."""
    sizes: list[int] = []

    def batch(run: Run, connection: Connection, size: int) -> None:
        sizes.append(size)
        connection.execute(text("SELECT PG_SLEEP(:seconds)"), {"seconds": 1.2 * TARGET})

    with running(migrated) as run:
        pace = Pace(1_000)
        for _ in range(4):
            pace.shrink()
        for _ in range(10):
            pace.write(run, "a batch", batch)
    assert [1, 2, 4, 8, 16, 32, 64, 128, FIRST, FIRST] == sizes


@LONG
def test_catch_up_ends_where_the_application_is_faster(migrated: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty rows a second are applied and far more are written: catch-up says so and ends; the rest is applied later."""
    monkeypatch.setattr(pace_of_batches, "CHECKED_EVERY", 0.5)
    migrated.sql.execute(SLOW.format(table="public.artworks_v2", seconds=0.05))
    warnings: list[str] = []
    with repeating(migrated, CHANGE_MANY), running(migrated) as run:
        run.begin()
        run.warn = warnings.append
        wait_until(lambda: logged(migrated))
        counts = catch_up(run)
    assert 0 < counts.written
    (warning,) = warnings
    assert "the log has not become shorter for " in warning
    assert run.log_is_left
    migrated.sql.execute("DROP FUNCTION public.slow CASCADE")
    assert not set(migrate(migrated)) - {"match", "excluded", "quarantined"}


@LONG
def test_a_log_that_grows_during_a_pause_is_no_reason_to_end(migrated: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catch-up is paused while the application writes far more than was in the log: resumed, it applies all of it."""
    monkeypatch.setattr(pace_of_batches, "CHECKED_EVERY", 0.05)
    migrated.sql.execute("UPDATE public.artworks SET pet_name = 'Rexa' WHERE id IN (SELECT id FROM public.artworks LIMIT 5)")
    pause(migrated)
    catching_up = Step(migrated, lambda: catch_up_now(migrated), name=migrated.database.name)
    wait_until(lambda: read_status(migrated.database).wait)
    migrated.sql.execute("UPDATE public.artworks SET pet_name = 'Rexa'")
    resume(migrated)
    assert catching_up.sqlstate() is None
    assert [] == logged(migrated)


def test_a_batch_that_exceeded_the_budget_is_followed_by_some_of_its_size(migrated: Shop) -> None:
    """Rows that are slow themselves would exceed the budget again at once, so larger batches are tried only after some small ones."""
    sizes: list[int] = []

    def batch(run: Run, connection: Connection, size: int) -> None:
        sizes.append(size)
        connection.execute(text("SELECT PG_SLEEP(:seconds)"), {"seconds": 5 if len(sizes) == 1 else 0.6 * TARGET})

    with running(migrated) as run:
        pace = Pace(1_000)
        for _ in range(HELD + 3):
            pace.write(run, "a batch", batch)
    assert [FIRST, *([62] * (HELD + 1)), 124, 248] == sizes


def test_tokens_in_a_long_chain_do_not_widen_a_batch(deployed: Shop) -> None:
    """Tokens that move on from artwork to artwork: a batch writes no more rows than it took, and catch-up ends with all of them right."""
    artworks = sorted_artworks(deployed, 200)
    tokens = [legacy(deployed, artwork, "access_token") for artwork in artworks]
    for token, artwork in zip([f"free-{artwork}" for artwork in artworks] + tokens[1:] + tokens[:1], artworks * 2, strict=True):
        deployed.sql.execute("UPDATE public.artworks SET access_token = %s WHERE id = %s", (token, artwork))
    batch = deployed.sql.execute(BATCH.format(20)).fetchone()
    assert batch is not None
    assert 0 < batch[3] <= 20
    catch_up_now(deployed)
    assert {"match"} == {verdict(deployed, artwork) for artwork in artworks}
    assert 0 == deployed.value("SELECT COUNT(*) FROM public.artworks_v2 WHERE access_token LIKE 'parked:%'")


def test_a_token_whose_holder_is_locked_waits_and_nothing_else(migrated: Shop) -> None:
    """An artwork whose token the clean table still has in a locked row waits for that row; the others of the batch are written."""
    holder, taker, free = in_step(migrated), in_step(migrated), in_step(migrated)
    token = legacy(migrated, holder, "access_token")
    migrated.sql.execute("UPDATE public.artworks SET access_token = %s WHERE id = %s", (f"next-{uuid4()}", holder))
    migrated.sql.execute("UPDATE public.artworks SET access_token = %s WHERE id = %s", (token, taker))
    migrated.sql.execute(RENAME, ("Rexa", free))
    with holding(migrated, LOCK.format(holder)):
        migrated.sql.execute("SET lock_timeout = '1ms'")
        migrated.sql.execute(BATCH.format(SETTINGS.batch_size))
        assert "Rexa" == clean(migrated, free, "pet_name")
        assert {holder, taker} == pending(migrated)
    catch_up_now(migrated)
    assert {"match"} == {verdict(migrated, artwork) for artwork in (holder, taker, free)}


@LONG
def test_users_are_created_in_batches_that_no_sign_up_waits_for(deployed: Shop) -> None:
    """A sign-up beside migrate_data, with an e-mail whose user is just being created, waits for less than half of deadlock_timeout."""
    deployed.sql.execute(
        "INSERT INTO public.artworks (original_image_url, customer_name, customer_email, access_token, generation_status)"
        " SELECT 'https://x', 'Ada', n || '@many.example', 'many-' || n, 'completed' FROM GENERATE_SERIES(1, 20000) AS n"
    )
    copying = Step(deployed, lambda: copy(deployed), name=deployed.database.name)
    slowest, number = 0.0, 0
    while not copying.done:
        begun, number = time.monotonic(), number + 1
        deployed.sql.execute(
            "INSERT INTO public.users (email) VALUES (%s) ON CONFLICT DO NOTHING", (f"{number * 97 % 20000 + 1}@many.example",)
        )
        slowest = max(slowest, time.monotonic() - begun)
    assert copying.sqlstate() is None
    assert slowest < 0.25
