"""Backends and clients that die behind any row of the plan: all or nothing, no lock is left, and the next run finishes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

import pytest

from migration.errors import DatabaseUnreachable
from migration.ledger.phases import ROLL_BACK_TO_MIGRATED
from migration.plans.plan import Plan
from tests.faults.client import Client, at_work, client, kill
from tests.interleaving import TERMINATED, Barrier, blocked_session
from tests.plans import planned_uninstall
from tests.shops import Shop, execute_roll_back, finish_roll_back, planned_switch, reconcile_now, switch
from tests.waiting import wait_until
from tests.ways import Way, digest, locks_left, places, with_row

#: What the client is killed by is waited for; if nobody comes, the attempt ends like one that had no locks.
CLIENT_IS_KILLED = """DO $$ BEGIN
  PERFORM PG_ADVISORY_XACT_LOCK_SHARED(78);
  FOR round IN 1..100 LOOP
    PERFORM PG_SLEEP(0.002);
    EXIT WHEN EXISTS (SELECT FROM public.client_is_dead);
    IF round = 100 THEN
      RAISE EXCEPTION USING ERRCODE = '55P03', MESSAGE = 'nobody was killed';
    END IF;
  END LOOP;
END $$"""


#: Behind which rows a test kills: each n-th one, counted from the last.
EACH_ROW = pytest.mark.parametrize(
    "nth", [pytest.param(8, id="each eighth row"), pytest.param(1, marks=pytest.mark.exhaustive, id="each row")]
)


@EACH_ROW
def test_a_backend_that_dies_behind_any_row_has_changed_nothing(way: Way, nth: int) -> None:
    """A backend that died behind a row of `prepare` or `locked` leaves catalog, rows and ledger as they were, and the next run finishes."""
    dump, made = way.shop.schema_dump(), way.plan()
    before, phase = digest(way.shop), way.phase()
    rows = places(made, "prepare", "locked")
    for place in rows[::-nth]:
        with pytest.raises(DatabaseUnreachable):
            way.execute(with_row(made, place, TERMINATED))
        assert [] == locks_left(way.shop), made.statements[place].object
    assert len(rows) > 60
    assert before == digest(way.shop)
    assert (phase, dump) == (way.phase(), way.shop.schema_dump())
    goes_on(way, made)


def goes_on(way: Way, made: Plan | None = None) -> None:
    """Run again, with the same plan, it does all of it, and both sides agree."""
    way.do(made)
    assert way.leads_to is way.phase()
    if way.verb.goes_back:
        assert set(reconcile_now(way.shop)) <= {"match", "excluded", "quarantined"}


# The client


def killed_in(shop: Shop, work: Callable[[Client], object]) -> None:
    """The work's client is killed while its backend executes CLIENT_IS_KILLED; the backend goes on until it has nobody to answer."""
    with client(shop, work) as process:
        wait_until(lambda: shop.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 78"))
        kill(process)
        shop.sql.execute("INSERT INTO public.client_is_dead DEFAULT VALUES")
        wait_until(lambda: not at_work(shop))
    shop.sql.execute("DELETE FROM public.client_is_dead")


@EACH_ROW
def test_a_client_that_dies_behind_any_row_has_changed_nothing(way: Way, nth: int) -> None:
    """A backend whose client died executes the rest of its statement and commits nothing; the next run finishes."""
    way.shop.sql.execute("CREATE TABLE public.client_is_dead ()")
    made, before, phase = way.plan(), digest(way.shop), way.phase()
    for place in places(made, "prepare", "locked")[::-nth]:
        deadly = with_row(made, place, CLIENT_IS_KILLED)
        killed_in(way.shop, lambda client, deadly=deadly: Way(client, way.verb).execute(deadly))  # type: ignore[misc]  # mypy infers no type for a lambda with a default
        assert [] == locks_left(way.shop), made.statements[place].object
    assert before == digest(way.shop)
    assert phase is way.phase()
    goes_on(way, made)


def test_a_client_that_dies_between_the_statement_and_the_commit_has_changed_nothing(way: Way) -> None:
    """A client that dies before the commit has changed neither tables nor phase, and the next run finishes."""
    way.shop.sql.execute("CREATE TABLE public.client_is_dead ()")
    made, before = way.plan(), digest(way.shop)
    killed_in(
        way.shop,
        lambda client: Way(client, way.verb).execute(made, before_commit=lambda connection: connection.exec_driver_sql(CLIENT_IS_KILLED)),
    )
    assert before == digest(way.shop)
    goes_on(way, made)


# After the commit


def test_a_client_that_dies_behind_the_commit_leaves_exactly_the_rest(way: Way) -> None:
    """A client that dies as it begins, does or notes a step after the commit leaves the phase, and exactly the steps not noted."""
    way.commit()
    steps = way.steps_left()
    assert len(steps) >= 2
    for number, step in enumerate(steps):
        killed_at(way, "AFTER INSERT ON artwork_migration.step FOR EACH ROW", passes=min(number, 1))
        assert steps[number:] == way.steps_left(), f"beginning {step}"
        killed_inside(way)
        assert steps[number:] == way.steps_left(), f"in {step}"
        killed_at(way, "BEFORE UPDATE ON artwork_migration.step FOR EACH ROW", passes=0)
        assert steps[number:] == way.steps_left(), f"ending {step}"
        assert way.leads_to is way.phase()
    assert steps[-1:] == way.finish()
    assert [] == way.finish()


@pytest.mark.parametrize("planned", [planned_switch, planned_uninstall])
def test_what_the_way_back_has_left_to_do_comes_first(migrated: Shop, planned: Callable[[Shop], Plan]) -> None:
    """The steps that a rollback has left block the next plan, because a key that is not validated yet would be taken for one that never
    was."""
    switch(migrated)
    execute_roll_back(migrated)
    blockers = [blocker for blocker in planned(migrated).blockers if blocker.rule == "unfinished_roll_back"]
    assert set(Way(migrated, ROLL_BACK_TO_MIGRATED).steps_left()) == {blocker.subject for blocker in blockers} != set()
    assert all("Run roll_back(to=MIGRATED) again" in blocker.remedy for blocker in blockers)
    finish_roll_back(migrated)
    assert () == planned(migrated).blockers


def killed_at(way: Way, trigger: str, passes: int) -> None:
    """The client of `finish` is killed where the trigger stops it; the barrier is gone afterwards."""
    with finishing(way, Barrier(way.shop, trigger, passes=passes)) as (process, _):
        kill(process)


def killed_inside(way: Way) -> None:
    """The client of `finish` is killed in the work of its first step: it has begun, and waits for a lock."""
    with finishing(way, Barrier(way.shop, "AFTER INSERT ON artwork_migration.step FOR EACH ROW")) as (process, barrier):
        session = way.shop.session()
        other = "artworks_v2" if way.verb.goes_back else "artworks_old"
        session.execute(
            f"LOCK TABLE public.orders, public.artworks, public.{other}; ALTER MATERIALIZED VIEW public.artwork_sales OWNER TO postgres"
        )
        barrier.open()
        wait_until(lambda: blocked_session(way.shop, role="doomed-run"))
        kill(process)
        session.rollback()
        barrier.close()


@contextmanager
def finishing(way: Way, barrier: Barrier) -> Iterator[tuple[BaseProcess, Barrier]]:
    """A process that does what is left to do and stands before the barrier."""
    barrier.close()
    with client(way.shop, lambda client: Way(client, way.verb).finish()) as process:
        wait_until(lambda: barrier.reached)
        yield process, barrier
    barrier.open()
    wait_until(lambda: not at_work(way.shop))
    barrier.remove()
