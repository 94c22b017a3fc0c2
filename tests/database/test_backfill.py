"""The first copy: chunks by block range, resumed, replanned after a rewrite, and never stuck on a token."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection

from migration.errors import DatabaseError, DatabaseUnreachable, MigrationError, NothingToJoin, Overtaken
from migration.ledger.phases import MIGRATE_DATA
from migration.ledger.runs import Run
from migration.settings import Settings
from migration.sync import backfill, catch_up
from tests.artworks import add_clean, add_legacy, add_user, clean, empty_log, legacy, logged, verdict
from tests.conftest import MakeShop
from tests.database.conftest import Steps
from tests.databases import Shop, catch_up_now, deploy, joined, migrate, running
from tests.interleaving import Barrier, break_function
from tests.owned import handed_over
from tests.series import LONG
from tests.waiting import BOUND, wait_until

MISSING = (
    "SELECT l.id FROM artwork_migration.legacy_artwork AS l WHERE l.migratable"
    " AND NOT EXISTS (SELECT FROM public.artworks_v2 AS c WHERE c.id = l.id)"
)
CHUNKS = "SELECT number, copied FROM artwork_migration.chunk WHERE done_at IS NOT NULL ORDER BY number"
CHUNKS_LEFT = "SELECT COUNT(*) FROM artwork_migration.chunk WHERE done_at IS NULL"
AT_BARRIER = "SELECT COUNT(*) FROM pg_locks AS l WHERE l.locktype = 'advisory' AND l.objid = 77 AND NOT l.granted"


@contextmanager
def _begun(shop: Shop) -> Iterator[Run]:
    """A run that has planned its chunks."""
    with running(shop, MIGRATE_DATA) as begun:
        begun.settings = begun.settings.model_copy(update={"chunk_blocks": 24})
        begun.begin()
        assert backfill.plan_chunks(begun) > 2
        yield begun


@pytest.fixture
def run(deployed: Shop) -> Iterator[Run]:
    """A run that has planned its chunks and copied the first of them; what setting the sample up has logged is forgotten."""
    empty_log(deployed)
    with _begun(deployed) as begun:
        next(backfill.copy_chunks(begun))
        yield begun


def _over(run: Run, connections: int) -> Run:
    run.settings = run.settings.model_copy(update={"copy_connections": connections})
    return run


def _in_first_chunk(shop: Shop) -> UUID:
    """An eligible artwork that the first chunk has copied."""
    return shop.value("SELECT c.id FROM public.artworks_v2 AS c JOIN public.artworks AS a USING (id) ORDER BY a.ctid LIMIT 1")


def _not_yet_copied(shop: Shop) -> UUID:
    """An eligible artwork at the end of the table."""
    return shop.value("SELECT l.id FROM artwork_migration.legacy_artwork AS l WHERE l.migratable ORDER BY l.row_ctid DESC LIMIT 1")


def _rewritten_between_chunks(shop: Shop) -> None:
    """The first half of the table deleted and the rest moved to its place, so that blocks hold other rows."""
    shop.sql.execute(
        "DELETE FROM public.artworks AS a WHERE a.ctid < (SELECT FORMAT('(%s,0)', PG_RELATION_SIZE('public.artworks') / 16384)::tid)"
    )
    shop.sql.execute("VACUUM FULL public.artworks")


def test_every_eligible_row_is_copied_once_all_chunks_are_done(deployed: Shop, run: Run) -> None:
    """What the chunks copied together is what the rules call eligible, and nothing else."""
    list(backfill.copy_chunks(run))
    assert [] == deployed.rows(MISSING)
    assert deployed.value("SELECT SUM(copied) FROM artwork_migration.chunk") == deployed.value("SELECT COUNT(*) FROM public.artworks_v2")


def test_a_rewrite_between_chunks_loses_nothing(deployed: Shop, run: Run) -> None:
    """After VACUUM FULL has moved rows between chunks, the changed file node makes the run cut and copy the table anew."""
    _rewritten_between_chunks(deployed)
    list(backfill.copy_chunks(run))
    assert [] == deployed.rows(MISSING)


def test_after_a_rewrite_a_joined_run_copies_nothing(deployed: Shop, run: Run) -> None:
    """The chunks that are left have blocks of another table file: the joined run claims none, also not while the other has not seen it."""
    copied = "SELECT COUNT(*) FROM public.artworks_v2"
    with joined(deployed) as joiner:
        _rewritten_between_chunks(deployed)
        before = deployed.value(copied)
        with joiner.database.transaction("copying a chunk", **{"artwork_migration.apply": "on"}) as connection:
            assert backfill.copy_chunk(joiner, connection) is None
        assert (before, True) == (deployed.value(copied), backfill.chunks_left(joiner) > 0)


def test_without_the_file_node_a_rewrite_loses_rows_that_only_the_last_pass_finds(deployed: Shop, run: Run) -> None:
    """If the file node seems unchanged, the chunks miss rows that no log names, and the anti-join pass brings them."""
    _rewritten_between_chunks(deployed)
    deployed.sql.execute("UPDATE artwork_migration.chunk SET file_node = PG_RELATION_FILENODE('public.artworks'::regclass)")
    list(backfill.copy_chunks(run))
    catch_up.catch_up(run)
    assert len(deployed.rows(MISSING)) > 0
    backfill.log_missing(run)
    catch_up.catch_up(run)
    assert [] == deployed.rows(MISSING)


def test_a_row_that_moves_to_another_block_is_not_lost(deployed: Shop, run: Run) -> None:
    """Updates move rows between chunks that are done and chunks that are not; the log names every one of them."""
    deployed.sql.execute("UPDATE public.artworks SET pet_name = pet_name")
    deployed.sql.execute("VACUUM public.artworks")
    deployed.sql.execute("UPDATE public.artworks SET pet_name = 'Rexa'")
    list(backfill.copy_chunks(run))
    catch_up.catch_up(run)
    assert [] == deployed.rows(MISSING)
    assert 0 == deployed.value("SELECT COUNT(*) FROM public.artworks_v2 WHERE pet_name <> 'Rexa'")


def test_rows_beyond_the_planned_end_belong_to_the_last_chunk(deployed: Shop, run: Run) -> None:
    """The last chunk has no end, so a row written after the planning is copied with it."""
    artworks = [add_legacy(deployed) for _ in range(50)]
    empty_log(deployed)
    list(backfill.copy_chunks(run))
    assert [] == [artwork for artwork in artworks if clean(deployed, artwork, "id") is None]


def _token_moves_to_a_row_not_yet_copied(shop: Shop) -> tuple[UUID, UUID, str]:
    before, after = _in_first_chunk(shop), _not_yet_copied(shop)
    token = legacy(shop, before, "access_token")
    shop.sql.execute("UPDATE public.artworks SET access_token = %s WHERE id = %s", (f"other-{before}", before))
    shop.sql.execute("UPDATE public.artworks SET access_token = %s WHERE id = %s", (token, after))
    return before, after, token


def test_a_token_that_moves_to_a_later_chunk_is_left_to_catch_up(deployed: Shop, run: Run) -> None:
    """A chunk leaves out a row whose token another clean row still holds; catch-up moves the token and brings the row."""
    before, after, token = _token_moves_to_a_row_not_yet_copied(deployed)
    list(backfill.copy_chunks(run))
    assert clean(deployed, after, "id") is None
    catch_up.catch_up(run)
    assert (f"other-{before}", token) == (clean(deployed, before, "access_token"), clean(deployed, after, "access_token"))


def test_tokens_swapped_across_chunks_are_both_brought(deployed: Shop, run: Run) -> None:
    """A copied artwork and one not copied yet may swap their tokens: each ends with the other's, and none is parked."""
    before, after = _in_first_chunk(deployed), _not_yet_copied(deployed)
    tokens = [legacy(deployed, artwork, "access_token") for artwork in (before, after)]
    for token, artwork in [("meanwhile", before), (tokens[0], after), (tokens[1], before)]:
        deployed.sql.execute("UPDATE public.artworks SET access_token = %s WHERE id = %s", (token, artwork))
    list(backfill.copy_chunks(run))
    catch_up.catch_up(run)
    assert tokens[::-1] == [clean(deployed, artwork, "access_token") for artwork in (before, after)]
    assert ["match", "match"] == [verdict(deployed, artwork) for artwork in (before, after)]


@pytest.mark.parametrize("find", [_in_first_chunk, _not_yet_copied], ids=["copied", "not copied"])
def test_a_key_that_changes_during_the_backfill_is_followed(deployed: Shop, run: Run, find: Callable[[Shop], UUID]) -> None:
    """After a key change the clean row is under the new id only, with what only the clean side holds."""
    old, new = find(deployed), uuid4()
    deployed.sql.execute("DELETE FROM public.orders WHERE artwork_id = %s", (old,))
    noted = deployed.sql.execute("UPDATE public.artworks_v2 SET fal_request_id = 'fal' WHERE id = %s", (old,)).rowcount
    deployed.sql.execute("UPDATE public.artworks SET id = %s WHERE id = %s", (new, old))
    list(backfill.copy_chunks(run))
    catch_up.catch_up(run)
    assert (None, new, "match") == (clean(deployed, old, "id"), clean(deployed, new, "id"), verdict(deployed, new))
    assert ("fal" if noted else None) == clean(deployed, new, "fal_request_id")
    assert [] == deployed.rows(MISSING)


COPY_ALL = "SELECT artwork_migration.copy_block_range('(0,0)', '(4294967295,0)')"


def test_with_the_id_alone_as_arbiter_the_chunk_would_fail_for_ever(deployed: Shop, run: Run) -> None:
    """If a token were no reason to skip a row, the copy would break the unique key, and catch-up, the cure, would never run."""
    _token_moves_to_a_row_not_yet_copied(deployed)
    break_function(deployed, "artwork_migration.copy_block_range", "ON CONFLICT DO NOTHING", "ON CONFLICT (id) DO NOTHING")
    with pytest.raises(DatabaseError) as failed, run.database.transaction("copying with one arbiter") as connection:
        connection.exec_driver_sql(COPY_ALL)
    assert "23505" == failed.value.sqlstate


@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_a_token_of_an_open_transaction_is_waited_for(deployed: Shop, run: Run, steps: Steps, ends: str) -> None:
    """A chunk waits for a clean write that takes the token of its row: it skips the row if the write commits, else it copies it."""
    before, after, writer = _in_first_chunk(deployed), _not_yet_copied(deployed), deployed.session()
    token = legacy(deployed, after, "access_token")
    writer.execute("UPDATE public.artworks_v2 SET access_token = %s WHERE id = %s", (token, before))
    copying = steps.statement(deployed, deployed.session(autocommit=True), COPY_ALL)
    copying.blocks()
    getattr(writer, ends)()
    assert copying.sqlstate() is None
    assert (None if ends == "commit" else after) == clean(deployed, after, "id")
    assert [] == [artwork for (artwork,) in deployed.rows(MISSING) if artwork != after]


def test_a_row_that_turns_bad_after_the_judging_waits_in_quarantine(deployed: Shop, run: Run) -> None:
    """A row that loses its time after quarantine was judged stops no chunk; catch-up puts it into quarantine."""
    artwork = _not_yet_copied(deployed)
    deployed.sql.execute("UPDATE public.artworks SET created_at = NULL WHERE id = %s", (artwork,))
    list(backfill.copy_chunks(run))
    catch_up.catch_up(run)
    assert ("quarantined", None) == (verdict(deployed, artwork), clean(deployed, artwork, "id"))


@pytest.mark.parametrize("connections", [2, 4])
def test_chunks_are_copied_over_several_connections(deployed: Shop, run: Run, steps: Steps, connections: int) -> None:
    """As many chunks are copied at a time as there are connections, each once, and together they are every eligible row."""
    barrier = Barrier(deployed)
    barrier.close()
    copying = steps.ours(deployed, lambda: sum(chunk.copied for chunk in backfill.copy_chunks(_over(run, connections))))
    wait_until(lambda: deployed.value(AT_BARRIER) == connections)
    first = deployed.rows(CHUNKS)[0][1]
    barrier.open()
    assert first + copying.result() == deployed.value("SELECT COUNT(*) FROM public.artworks_v2")
    assert [] == deployed.rows(MISSING)


def test_ctrl_c_ends_the_copy_at_once(deployed: Shop, run: Run) -> None:
    """After Ctrl-C nobody waits for the chunks at work: they are cancelled, nothing of them is kept, and the next run copies them."""
    barrier, before, late = Barrier(deployed), deployed.rows(CHUNKS), threading.Event()
    barrier.close()

    def interrupt() -> None:
        wait_until(lambda: deployed.value(AT_BARRIER) == 2)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        if not late.wait(BOUND / 10):
            barrier.open()

    operator = threading.Thread(target=interrupt)
    operator.start()
    with pytest.raises(KeyboardInterrupt):
        list(backfill.copy_chunks(_over(run, 2)))
    late.set()
    operator.join()
    assert (before, 0) == (deployed.rows(CHUNKS), deployed.value(AT_BARRIER))
    barrier.open()
    list(backfill.copy_chunks(run))
    assert [] == deployed.rows(MISSING)


def test_a_copy_that_is_given_up_between_two_chunks_waits_for_none(deployed: Shop, run: Run) -> None:
    """Ctrl-C may reach the caller while it has a chunk in its hands: those at work are cancelled all the same."""
    barrier = Barrier(deployed, "AFTER UPDATE ON artwork_migration.chunk FOR EACH ROW WHEN (NEW.done_at IS NOT NULL)", passes=1)
    barrier.close()
    copying = backfill.copy_chunks(_over(run, 2))
    next(copying)
    wait_until(lambda: deployed.value(AT_BARRIER) > 0)
    late = threading.Timer(BOUND / 10, barrier.open)
    late.start()
    copying.close()
    assert late.is_alive()
    late.cancel()
    assert 0 == deployed.value(AT_BARRIER)
    barrier.open()
    list(backfill.copy_chunks(run))
    assert [] == deployed.rows(MISSING)


# The size of chunks

RANGES = "SELECT c.first_block, c.end_block FROM artwork_migration.chunk AS c ORDER BY c.first_block"


def test_after_a_slow_chunk_those_left_are_divided(deployed: Shop, run: Run) -> None:
    """They become as small as they may be, without a gap; one that is being copied stays as it is, and each row is copied once."""
    blocks = deployed.value("SELECT PG_RELATION_SIZE('public.artworks') / 8192")
    whole = deployed.rows(RANGES)
    run.settings = run.settings.model_copy(update={"chunk_seconds": 1e-6})
    with joined(deployed) as other, _chunk_of(other):
        next(copying := backfill.copy_chunks(run))
        next(copying)
        parts = deployed.rows(RANGES)
        claimed, small = whole[1], -(-blocks // backfill.MOST_CHUNKS)
        assert claimed in parts
    assert [end for _, end in parts[:-1]] == [first for first, _ in parts[1:]]
    assert (0, None) == (parts[0][0], parts[-1][1])
    sizes = [(end or blocks) - first for first, end in parts]
    assert all(size <= small for size in sizes if size != 24), (sizes, small)
    assert [24, 24, 24] == [size for size in sizes if size > small]
    list(copying)
    assert ([], 0) == (deployed.rows(MISSING), deployed.value(CHUNKS_LEFT))
    assert deployed.value("SELECT SUM(copied) FROM artwork_migration.chunk") == deployed.value("SELECT COUNT(*) FROM public.artworks_v2")


def test_a_run_that_was_overtaken_divides_no_chunk(deployed: Shop, run: Run) -> None:
    """Once a newer run has begun, the fence refuses the older one, and the chunks that are left stay as they are."""
    run.settings = run.settings.model_copy(update={"chunk_seconds": 1e-6})
    next(copying := backfill.copy_chunks(run))
    before = deployed.rows(RANGES)
    newer = "INSERT INTO artwork_migration.phase_history (verb, run_name, run_id, phase_before) VALUES ('migrate-data', 'newer', '', '')"
    deployed.sql.execute(newer)
    with pytest.raises(Overtaken):
        next(copying)
    assert before == deployed.rows(RANGES)


def test_a_table_has_a_bounded_number_of_chunks(deployed: Shop) -> None:
    """However small a chunk should be, there are 32 at most, because each reads all users; a small table is one chunk by default."""
    with running(deployed) as run:
        run.begin()
        for blocks, most in ((1, backfill.MOST_CHUNKS), (Settings(database_url=None).chunk_blocks, 1)):
            deployed.sql.execute("DELETE FROM artwork_migration.chunk")
            run.settings = run.settings.model_copy(update={"chunk_blocks": blocks})
            assert most // 2 < backfill.plan_chunks(run) <= most


def test_chunks_that_are_fast_enough_stay_as_they_were_planned(deployed: Shop, run: Run) -> None:
    """A chunk that takes less than twice the time that it should take divides nothing."""
    before = deployed.rows(RANGES)
    list(backfill.copy_chunks(run))
    assert before == deployed.rows(RANGES)


# Runs that join the copy


@contextmanager
def _chunk_of(run: Run) -> Iterator[Connection]:
    """A chunk that this run has copied and not committed."""
    with run.database.transaction("copying a chunk", **{"artwork_migration.apply": "on"}) as connection:
        assert backfill.copy_chunk(run, connection) is not None
        yield connection


def test_a_run_that_joins_copies_beside_the_one_that_leads(deployed: Shop, run: Run, steps: Steps) -> None:
    """Both copy at the same time, each chunk is copied once, and together they copy every eligible row."""
    barrier = Barrier(deployed)
    barrier.close()
    with joined(deployed) as joiner:
        copying = [steps.ours(deployed, lambda each=each: sum(c.copied for c in backfill.copy_chunks(each))) for each in (run, joiner)]
        wait_until(lambda: deployed.value(AT_BARRIER) == 2)
        first = deployed.rows(CHUNKS)[0][1]
        barrier.open()
        own = [each.result() for each in copying]
    assert 0 not in own
    assert first + sum(own) == deployed.value("SELECT COUNT(*) FROM public.artworks_v2")
    assert ([], 1) == (deployed.rows(MISSING), deployed.value("SELECT COUNT(DISTINCT run) FROM artwork_migration.chunk"))


def test_the_run_that_leads_copies_the_chunk_of_a_killed_one(deployed: Shop, run: Run, steps: Steps) -> None:
    """The run that leads waits for a chunk that another run is copying, and copies it when that run is killed."""
    with joined(deployed) as joiner, pytest.raises(DatabaseUnreachable) as lost, _chunk_of(joiner) as connection:
        copying = steps.ours(deployed, lambda: list(backfill.copy_chunks(run)))
        wait_until(lambda: copying.done or deployed.value(CHUNKS_LEFT) == 1)
        time.sleep(5 * backfill.ALL_CLAIMED)
        assert not copying.done
        deployed.sql.execute("SELECT PG_TERMINATE_BACKEND(%s)", (connection.exec_driver_sql("SELECT PG_BACKEND_PID()").scalar_one(),))
        copying.result()
        assert (0, []) == (deployed.value(CHUNKS_LEFT), deployed.rows(MISSING))
    end = str(joiner.interrupted(lost.value))
    assert "What was committed before stays. To fix: run join-copy again when the database can be reached, while test-run is copying" in end


def test_a_copy_is_joined_only_while_its_run_copies(deployed: Shop, run: Run) -> None:
    """A run that has begun anew and not divided the table cannot be joined, nor one that has copied all or ended; the message says so."""
    left = "No run of migrate-data is copying chunks, so there is nothing to join. Nothing was changed. To fix: run migrate-data"
    run.begin()
    with pytest.raises(NothingToJoin, match=left), joined(deployed):
        pass
    backfill.plan_chunks(run)
    with joined(deployed) as joiner:
        list(backfill.copy_chunks(joiner))
        assert 0 == deployed.value(CHUNKS_LEFT)
    with pytest.raises(NothingToJoin), joined(deployed):
        pass


def test_nobody_copies_for_a_killed_run_whose_session_belongs_to_the_next_one(deployed: Shop, run: Run) -> None:
    """A pooler gives the session of a killed run to the next one, which holds the lock in it and has not begun: no copy is at work."""
    with joined(deployed) as joiner:
        assert run.lock_session
        run.lock_session.exec_driver_sql("SELECT PG_ADVISORY_UNLOCK_ALL(), PG_TRY_ADVISORY_LOCK(1634890865, 1)")
        assert ([], True) == (list(backfill.copy_chunks(joiner)), deployed.value(CHUNKS_LEFT) > 0)
    with pytest.raises(NothingToJoin), joined(deployed):
        pass


def test_a_joined_run_stops_when_the_one_that_leads_has_ended(deployed: Shop) -> None:
    """It finds no chunk before the next run begins, nor after that, when the fence refuses it."""
    with _begun(deployed) as run, joined(deployed) as joiner:
        next(backfill.copy_chunks(run))
    with running(deployed) as following:
        assert ([], 0) == (list(backfill.copy_chunks(joiner)), backfill.chunks_left(joiner))
        following.begin()
        backfill.plan_chunks(following)
        assert [] == list(backfill.copy_chunks(joiner))
    assert 1 == len(deployed.rows(CHUNKS))


def test_a_chunk_that_fails_ends_the_copy_and_the_others_are_kept(deployed: Shop, run: Run) -> None:
    """An error in one connection is raised when the chunks at work have ended; the next run copies what is left."""
    bad = _not_yet_copied(deployed)
    deployed.sql.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '22000'; END $$"
    )
    condition = f"WHEN (NEW.id = '{bad}')"
    deployed.sql.execute(f"CREATE TRIGGER refuse BEFORE INSERT ON public.artworks_v2 FOR EACH ROW {condition} EXECUTE FUNCTION refuse()")
    before = deployed.value("SELECT COUNT(*) FROM public.artworks_v2")
    with pytest.raises(DatabaseError):
        list(backfill.copy_chunks(_over(run, 3)))
    assert deployed.value("SELECT COUNT(*) FROM public.artworks_v2") > before
    assert bad in [artwork for (artwork,) in deployed.rows(MISSING)]
    deployed.sql.execute("DROP FUNCTION refuse() CASCADE")
    list(backfill.copy_chunks(_over(run, 3)))
    assert [] == deployed.rows(MISSING)


@LONG
def test_a_server_with_no_connection_for_a_chunk_copies_over_those_it_has(make_shop: MakeShop) -> None:
    """A role that may have fewer connections than the copy asks for copies everything over those that it has."""
    with handed_over(make_shop()) as shop:
        deploy(shop)
        shop.sql.execute("ALTER ROLE shopkeeper CONNECTION LIMIT 3")
        try:
            with running(shop) as begun:
                begun.begin()
                backfill.plan_chunks(begun)
                copied = sum(chunk.copied for chunk in backfill.copy_chunks(_over(begun, 6)))
            assert copied == shop.value("SELECT COUNT(*) FROM public.artworks_v2") > 0
            assert [] == shop.rows(MISSING)
        finally:
            shop.sql.execute("ALTER ROLE shopkeeper CONNECTION LIMIT -1")


def test_a_run_that_ends_between_chunks_is_resumed(deployed: Shop, run: Run) -> None:
    """The run after one that ended between chunks does the chunks left and no other, also if the log has grown."""
    done = deployed.rows(CHUNKS)
    run.begin()
    left = backfill.plan_chunks(run)
    assert left == deployed.value("SELECT COUNT(*) FROM artwork_migration.chunk") - len(done)
    assert left == len(list(backfill.copy_chunks(run)))
    assert done == deployed.rows(CHUNKS)[: len(done)]
    assert [] == deployed.rows(MISSING)


def test_a_backend_that_dies_in_a_chunk_leaves_it_to_the_next_run(deployed: Shop, steps: Steps) -> None:
    """A chunk's claim ends with its backend, nothing of the chunk is kept, and the next run copies all of it."""
    barrier = Barrier(deployed)
    barrier.close()
    copying = steps.ours(deployed, lambda: migrate(deployed))
    copying.blocks()
    copying.abandon()
    with pytest.raises(MigrationError):
        copying.result()
    barrier.open()
    assert [] == deployed.rows(CHUNKS)
    assert {"match", "excluded"} == set(migrate(deployed))


def test_a_user_deleted_during_the_backfill_leaves_no_owner_behind(deployed: Shop, run: Run) -> None:
    """Artworks of a user who was deleted during the backfill get their next owner from catch-up, by their e-mail."""
    user = add_user(deployed, "ada@backfill.example")
    artwork = add_legacy(deployed, customer_email="ada@backfill.example")
    list(backfill.copy_chunks(run))
    assert user == clean(deployed, artwork, "user_id")
    deployed.sql.execute("DELETE FROM public.users WHERE id = %s", (user,))
    catch_up.catch_up(run)
    assert clean(deployed, artwork, "user_id") not in (None, user)
    assert "match" == verdict(deployed, artwork)


def test_users_are_created_in_batches_for_every_email(deployed: Shop, run: Run) -> None:
    """After create_users every e-mail of a customer has a user; those created are recorded, anonymous, and none is left waiting."""
    created = backfill.create_users(run)
    assert created > run.settings.batch_size
    assert created == deployed.value(
        "SELECT COUNT(*) FROM artwork_migration.created_user AS c JOIN public.users AS u USING (id) WHERE u.is_anonymous"
    )
    assert 0 == deployed.value(
        "SELECT COUNT(*) FROM public.artworks WHERE BTRIM(customer_email) <> '' AND customer_email NOT IN (SELECT email FROM public.users)"
    )
    assert 0 == deployed.value("SELECT COUNT(*) FROM artwork_migration.waiting_email")


@pytest.mark.parametrize("phase", ["DEPLOYED", "MIGRATED"])
def test_a_new_user_is_to_own_what_the_clean_side_has_written(make_shop: MakeShop, phase: str) -> None:
    """When a user comes into being, an artwork of its e-mail that the clean side wrote without an owner is logged, before the copy too."""
    shop = make_shop(phase=phase)
    artwork = add_clean(shop, customer_email="ada@backfill.example", user_id=None)
    empty_log(shop)
    shop.sql.execute("SELECT artwork_migration.create_users('{ada@backfill.example}')")
    assert [[artwork]] == logged(shop)


def test_the_copy_is_neither_captured_nor_written_through(deployed: Shop, run: Run) -> None:
    """A copied row keeps its times, and is neither in the log nor in clean_modified."""
    list(backfill.copy_chunks(run))
    assert ([], 0) == (logged(deployed), deployed.value("SELECT COUNT(*) FROM artwork_migration.clean_modified"))
    assert 0 == deployed.value("SELECT COUNT(generation_completed_at) FROM public.artworks_v2")
    assert [] == deployed.rows(
        "SELECT c.id FROM public.artworks_v2 AS c JOIN public.artworks AS a USING (id) WHERE c.updated_at <> a.updated_at"
    )


def test_migrating_twice_changes_nothing(migrated: Shop) -> None:
    """A second migrate_data is a catch-up: the same rows with the same values, none of them written again."""
    before = migrated.rows("SELECT c.ctid, c.* FROM public.artworks_v2 AS c ORDER BY c.id")
    migrate(migrated)
    catch_up_now(migrated)
    assert before == migrated.rows("SELECT c.ctid, c.* FROM public.artworks_v2 AS c ORDER BY c.id")
