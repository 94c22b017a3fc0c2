"""Backends and clients that die behind any row of the plan: all or nothing, no lock is left, and the next run finishes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

import pytest

from migration.errors import DatabaseUnreachable
from migration.ledger.phases import ROLL_BACK_TO_MIGRATED, SWITCH_OVER
from migration.plans.plan import Plan
from tests.databases import Shop, execute_roll_back, finish_roll_back, planned_switch, reconcile_now, switch
from tests.directions import Direction, digest, each_row, locks_left, places, with_row
from tests.faults.client import Client, at_work, client, kill
from tests.interleaving import TERMINATED, Barrier, blocked_session
from tests.plans import planned_uninstall
from tests.series import LONG, first
from tests.waiting import wait_until

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
@each_row(24, 1, ROLL_BACK_TO_MIGRATED)
@LONG
def test_a_backend_that_dies_behind_any_row_has_changed_nothing(direction: Direction, nth: int) -> None:
    """A backend that died behind a row of `prepare` or `locked` leaves catalog, rows and ledger as they were, and the next run finishes."""
    dump, made = direction.shop.schema_dump(), direction.plan()
    before, phase = digest(direction.shop), direction.phase()
    rows = places(made, "prepare", "fenced", "locked")
    for place in rows[::-nth]:
        with pytest.raises(DatabaseUnreachable):
            direction.execute(with_row(made, place, TERMINATED))
        assert [] == locks_left(direction.shop), made.statements[place].object
    assert len(rows) > 60
    assert before == digest(direction.shop)
    assert (phase, dump) == (direction.phase(), direction.shop.schema_dump())
    goes_on(direction, made)


def goes_on(direction: Direction, made: Plan | None = None) -> None:
    """Run again, with the same plan, it does all of it, and both sides agree."""
    direction.do(made)
    assert direction.leads_to is direction.phase()
    if direction.verb.goes_back:
        assert set(reconcile_now(direction.shop)) <= {"match", "excluded", "quarantined"}


# The client


def killed_in(shop: Shop, work: Callable[[Client], object]) -> None:
    """The work's client is killed while its backend executes CLIENT_IS_KILLED; the backend goes on until it has nobody to answer."""
    with client(shop, work) as process:
        wait_until(lambda: shop.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 78"))
        kill(process)
        shop.sql.execute("INSERT INTO public.client_is_dead DEFAULT VALUES")
        wait_until(lambda: not at_work(shop))
    shop.sql.execute("DELETE FROM public.client_is_dead")


@each_row(24, 1, SWITCH_OVER)
def test_a_client_that_dies_behind_any_row_has_changed_nothing(direction: Direction, nth: int) -> None:
    """A backend whose client died executes the rest of its statement and commits nothing; the next run finishes."""
    direction.shop.sql.execute("CREATE TABLE public.client_is_dead ()")
    made, before, phase = direction.plan(), digest(direction.shop), direction.phase()
    for place in places(made, "prepare", "fenced", "locked")[::-nth]:
        deadly = with_row(made, place, CLIENT_IS_KILLED)
        killed_in(direction.shop, lambda client, deadly=deadly: Direction(client, direction.verb).execute(deadly))  # type: ignore[misc]  # mypy infers no type for a lambda with a default
        assert [] == locks_left(direction.shop), made.statements[place].object
    assert before == digest(direction.shop)
    assert phase is direction.phase()
    goes_on(direction, made)


@LONG
def test_a_client_that_dies_between_the_statement_and_the_commit_has_changed_nothing(direction: Direction) -> None:
    """A client that dies before the commit has changed neither tables nor phase, and the next run finishes."""
    direction.shop.sql.execute("CREATE TABLE public.client_is_dead ()")
    made, before = direction.plan(), digest(direction.shop)
    killed_in(
        direction.shop,
        lambda client: Direction(client, direction.verb).execute(
            made, before_commit=lambda connection: connection.exec_driver_sql(CLIENT_IS_KILLED)
        ),
    )
    assert before == digest(direction.shop)
    goes_on(direction, made)


# After the commit


@first(1)
def test_a_client_that_dies_behind_the_commit_leaves_exactly_the_rest(direction: Direction) -> None:
    """A client that dies as it begins, does or notes a step after the commit leaves the phase, and exactly the steps not noted."""
    direction.commit()
    steps = direction.steps_left()
    assert len(steps) >= 2
    for number, step in enumerate(steps):
        killed_at(direction, "AFTER INSERT ON artwork_migration.step FOR EACH ROW", passes=min(number, 1))
        assert steps[number:] == direction.steps_left(), f"beginning {step}"
        killed_inside(direction)
        assert steps[number:] == direction.steps_left(), f"in {step}"
        killed_at(direction, "BEFORE UPDATE ON artwork_migration.step FOR EACH ROW", passes=0)
        assert steps[number:] == direction.steps_left(), f"ending {step}"
        assert direction.leads_to is direction.phase()
    assert steps[-1:] == direction.finish()
    assert [] == direction.finish()


@LONG
@pytest.mark.parametrize("planned", [planned_switch, planned_uninstall])
def test_what_the_rollback_has_left_to_do_comes_first(migrated: Shop, planned: Callable[[Shop], Plan]) -> None:
    """The steps that a rollback has left block the next plan, because a key that is not validated yet would be taken for one that never
    was."""
    switch(migrated)
    execute_roll_back(migrated)
    blockers = [blocker for blocker in planned(migrated).blockers if blocker.rule == "unfinished_roll_back"]
    assert set(Direction(migrated, ROLL_BACK_TO_MIGRATED).steps_left()) == {blocker.subject for blocker in blockers} != set()
    assert all("Run `roll-back --to MIGRATED` again" in blocker.remedy for blocker in blockers)
    finish_roll_back(migrated)
    assert () == planned(migrated).blockers


def killed_at(direction: Direction, trigger: str, passes: int) -> None:
    """The client of `finish` is killed where the trigger stops it; the barrier is gone afterwards."""
    with finishing(direction, Barrier(direction.shop, trigger, passes=passes)) as (process, _):
        kill(process)


def killed_inside(direction: Direction) -> None:
    """The client of `finish` is killed in the work of its first step: it has begun, and waits for a lock."""
    with finishing(direction, Barrier(direction.shop, "AFTER INSERT ON artwork_migration.step FOR EACH ROW")) as (process, barrier):
        session = direction.shop.session()
        other = "artworks_v2" if direction.verb.goes_back else "artworks_old"
        session.execute(
            f"LOCK TABLE public.orders, public.artworks, public.{other}; ALTER MATERIALIZED VIEW public.artwork_sales OWNER TO postgres"
        )
        barrier.open()
        wait_until(lambda: blocked_session(direction.shop, role="doomed-run"))
        kill(process)
        session.rollback()
        barrier.close()


@contextmanager
def finishing(direction: Direction, barrier: Barrier) -> Iterator[tuple[BaseProcess, Barrier]]:
    """A process that does what is left to do and stands before the barrier."""
    barrier.close()
    with client(direction.shop, lambda client: Direction(client, direction.verb).finish()) as process:
        wait_until(lambda: barrier.reached)
        yield process, barrier
    barrier.open()
    wait_until(lambda: not at_work(direction.shop))
    barrier.remove()
