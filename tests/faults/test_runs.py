"""One run at a time, in the phase it fits, on decisions that can be used."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import text

from migration.database import Database
from migration.errors import BadInput, RunInProgress, WrongPhase
from migration.ledger import decisions, ledger, runs
from migration.ledger.decisions import DecisionName
from migration.ledger.phases import (
    CLEAN_UP,
    DEPLOY_SCHEMA,
    MIGRATE_DATA,
    ROLL_BACK_TO_MIGRATED,
    ROLL_BACK_TO_NOT_STARTED,
    SWITCH_OVER,
    VERBS,
    Phase,
    verbs_from,
)
from migration.ledger.runs import Run
from migration.settings import database_url
from migration.verbs.decide import apply_at_once
from tests.conftest import MakeShop
from tests.databases import SETTINGS, Shop, running
from tests.faults.client import client, kill
from tests.series import LONG
from tests.waiting import BOUND, wait_until


@contextmanager
def a_run(shop: Shop, name: str, *, wait: float = 0.3) -> Iterator[Run]:
    """A run whose connections are named after it, as the flows name theirs."""
    database = Database(database_url(shop.url), name=name)
    settings = SETTINGS.model_copy(update={"run_wait_seconds": wait})
    try:
        with runs.exclusive(database, settings, verb=MIGRATE_DATA, name=name, run_id="") as run:
            yield run
    finally:
        database.dispose()


# Two at once


def test_the_second_run_is_refused_with_the_name_of_the_first(shop: Shop) -> None:
    """A run beside another is refused with the other's name."""
    with a_run(shop, "migrate-data run brave-otter"):
        with pytest.raises(RunInProgress) as caught, a_run(shop, "migrate-data run shy-panda"):
            pass
    assert ("migrate-data run brave-otter",) == caught.value.holders
    assert str(caught.value).startswith("migrate-data run brave-otter is running on this database")
    assert "Nothing was changed. To fix: wait for it to end" in str(caught.value)


def test_after_the_first_has_ended_the_second_runs(shop: Shop) -> None:
    """A run's lock ends with it, also if the run failed."""
    with pytest.raises(ZeroDivisionError), a_run(shop, "first"):
        raise ZeroDivisionError
    with a_run(shop, "second") as run:
        assert run.name == "second"


def test_a_run_waits_for_one_that_is_about_to_end(shop: Shop) -> None:
    """A run waits up to run_wait_seconds for another to end."""
    release = threading.Event()
    held = threading.Event()

    def first() -> None:
        with a_run(shop, "first"):
            held.set()
            release.wait(BOUND)

    thread = threading.Thread(target=first, daemon=True)
    thread.start()
    assert held.wait(BOUND)
    threading.Timer(0.5, release.set).start()
    with a_run(shop, "second", wait=BOUND) as run:
        assert run.name == "second"
    thread.join(BOUND)


def test_runs_on_two_databases_do_not_meet(make_shop: MakeShop) -> None:
    """Runs on two databases of one server do not lock each other out."""
    with a_run(make_shop(), "first"), a_run(make_shop(), "second") as run:
        assert run.name == "second"


def test_a_long_name_is_still_named(shop: Shop) -> None:
    """The refusal names a run whose name Postgres cut at 63 bytes."""
    name = "migrate-data run " + "x" * 80
    with a_run(shop, name), pytest.raises(RunInProgress) as caught, a_run(shop, "second"):
        pass
    assert (name[:63],) == caught.value.holders


# A client that is killed


#: How many sessions of the client hold an advisory lock, and how many are in a long statement.
HOLDING = (
    "SELECT COUNT(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)"
    " WHERE a.application_name = 'doomed-run' AND l.locktype = 'advisory' AND l.granted"
)
SLEEPING = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'doomed-run' AND wait_event = 'PgSleep'"


def hold_the_lock(shop: Shop) -> None:
    """Hold a run's lock and execute nothing."""
    with running(shop, name="doomed-run"):
        time.sleep(BOUND)


def hold_the_fence(shop: Shop, *, exclusively: bool) -> None:
    """Hold a run's lock and the fence, in a statement that does not end."""
    with running(shop, name="doomed-run") as run:
        run.begin()
        with run.database.transaction("copying a chunk") as connection:
            runs.enter_fence(connection, run.epoch, exclusively=exclusively)
            connection.execute(text("SELECT PG_SLEEP(600)"))


def test_a_killed_client_leaves_no_lock_behind(shop: Shop) -> None:
    """After kill -9 of an idle client the next run starts at once."""
    with client(shop, hold_the_lock) as process:
        wait_until(lambda: shop.value(HOLDING))
        with pytest.raises(RunInProgress, match="doomed-run"), a_run(shop, "second"):
            pass
        kill(process)
        with a_run(shop, "second", wait=10) as run:
            assert run.name == "second"


@LONG
@pytest.mark.parametrize("exclusively", [False, True], ids=["copying", "catching up"])
def test_a_killed_client_whose_backend_is_at_work_is_still_named(deployed: Shop, exclusively: bool) -> None:
    """While the backend of a killed client still executes a statement, the next run is refused with its name."""
    with client(deployed, partial(hold_the_fence, exclusively=exclusively)) as process:
        wait_until(lambda: deployed.value(SLEEPING))
        kill(process)
        assert deployed.value(SLEEPING) == 1
        with pytest.raises(RunInProgress) as caught, a_run(deployed, "second"):
            pass
        assert ("doomed-run",) == caught.value.holders
        # client_connection_check_interval: the server finds out by itself
        with a_run(deployed, "second", wait=BOUND) as run:
            assert run.name == "second"
        assert deployed.value(SLEEPING) == 0


def test_a_killed_run_stands_in_the_ledger_as_not_ended(deployed: Shop) -> None:
    """A killed run has no end in the ledger, and the next run a later epoch."""
    with a_run(deployed, "first") as first:
        first.begin()
    with a_run(deployed, "second") as second:
        second.begin()
        second.end("Completed")
    assert [("first", None), ("second", "Completed")] == deployed.rows(
        "SELECT run_name, outcome FROM artwork_migration.phase_history WHERE run >= %s ORDER BY run", first.epoch
    )


# Phases


#: In the last one no verb has anything to do.
LIVING = [phase for phase in Phase if phase is not Phase.CLEANED]


@pytest.mark.parametrize("phase", LIVING)
def test_a_verb_runs_in_its_phases_and_is_refused_in_the_others(make_shop: MakeShop, phase: Phase) -> None:
    """A verb in a wrong phase is refused with the phase found, those it starts in and the verbs to run, and writes nothing."""
    shop = make_shop(phase=phase.value)
    before = shop.schema_dump()
    for verb in VERBS:
        with running(shop, verb) as run:
            if verb in phase.next_verbs:
                run.require_phase()
                continue
            with pytest.raises(WrongPhase) as caught:
                run.require_phase()
        assert (phase, verb.starts) == (caught.value.found, caught.value.wanted)
        assert f"{verb} runs in phase {' or '.join(verb.starts)}, and this database is in phase {phase}." in str(caught.value)
        assert f"To fix: run {' or '.join(map(str, phase.next_verbs))} instead." in str(caught.value)
    assert before == shop.schema_dump()


def test_the_verbs_form_the_life_cycle() -> None:
    """The table of verbs leads forward through every phase in order, and each forward verb with an inverse is undone by it."""
    forward = verbs_from(Phase.NOT_STARTED)
    assert list(Phase)[1:] == list(dict.fromkeys(verb.brings for verb in forward))
    assert forward[forward.index(SWITCH_OVER) + 1 :] == verbs_from(Phase.SWITCHED)
    assert [] == verbs_from(Phase.CLEANED)
    assert (ROLL_BACK_TO_NOT_STARTED, ROLL_BACK_TO_MIGRATED) == (DEPLOY_SCHEMA.inverse, SWITCH_OVER.inverse)
    assert (DEPLOY_SCHEMA, SWITCH_OVER) == (ROLL_BACK_TO_NOT_STARTED.inverse, ROLL_BACK_TO_MIGRATED.inverse)
    assert CLEAN_UP.inverse is None


@pytest.mark.parametrize("phase", list(Phase))
def test_every_phase_says_what_serves_and_what_comes_next(phase: Phase) -> None:
    """Every phase names the serving table, and every phase except the last a next verb."""
    clean = phase in (Phase.SWITCHED, Phase.CLEANED)
    assert phase.serves.startswith("the clean table serves" if clean else "the legacy table serves")
    assert bool(phase.next_verbs) is (phase in LIVING)


# Decisions


IDENTITY = "6f9619ff-8b86-d011-b42d-00c04fc964ff"


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        (DecisionName.IN_FLIGHT_AGE, "15 minutes", "00:15:00"),
        (DecisionName.IN_FLIGHT_AGE, " 1 minute ", "00:01:00"),
        (DecisionName.IN_FLIGHT_AGE, "90seconds", "00:01:30"),
        (DecisionName.IN_FLIGHT_AGE, "2 hours", "02:00:00"),
        (DecisionName.IN_FLIGHT_AGE, "3 days", "3 days"),
        (DecisionName.IN_FLIGHT_AGE, "0 minutes", "00:00:00"),
        (DecisionName.MAX_QUARANTINED, "0", "0"),
        (DecisionName.MAX_QUARANTINED, " 012 ", "12"),
        (DecisionName.CARRY_COLUMNS, "none", "none"),
        (DecisionName.CARRY_COLUMNS, " mockup_urls ,mockup_generated_at,, mockup_urls", "mockup_urls,mockup_generated_at"),
        (DecisionName.ACCEPT_EXPOSURE, "user_gained", "user_gained"),
        (DecisionName.ACCEPT_EXPOSURE, " user_changed, user_gained ,", "user_gained,user_changed"),
        (DecisionName.ACCEPT_EXPOSURE, "none", "none"),
        (DecisionName.ACCEPT_DRIFT, " none", "none"),
        (DecisionName.ACCEPT_REJECTED_ARTWORKS, "yes", "yes"),
        (DecisionName.ACCEPT_USERS_ACCESS, " anon, PUBLIC,", "anon,PUBLIC"),
        (DecisionName.ACCEPT_CHOSEN_EMAILS, "authenticated", "authenticated"),
        (DecisionName.ACCEPT_USERS_TRIGGERS, "update_users_updated_at", "update_users_updated_at"),
        (DecisionName.ACCEPT_REFERENCES_WITHOUT_KEY, "public.orders.artwork_id", "public.orders.artwork_id"),
        (DecisionName.FUNCTION_ROLES, "service_role", "service_role"),
        (DecisionName.FUNCTION_ROLES, " service_role, anon ,,", "service_role,anon"),
        (DecisionName.MAX_LEFT_BEHIND, " 012 ", "12"),
        (DecisionName.ALLOW_EMPTY, "yes", "yes"),
        (DecisionName.ORDERED_TEST_DATA, " migrate", "migrate"),
        (DecisionName.ACCEPT_REJECTED_WRITES, "all", "all"),
        (DecisionName.ACCEPT_REJECTED_WRITES, f" {IDENTITY.upper()} ,,", IDENTITY),
        (DecisionName.CLEAR_REJECTED_WRITE, "all  artworks.customer_name", "all artworks.customer_name"),
        (DecisionName.CLEAR_REJECTED_WRITE, IDENTITY, IDENTITY),
        (DecisionName.CLEAR_REJECTED_WRITE, f"{{{IDENTITY.upper()}}}", IDENTITY),
        (DecisionName.NO_ARCHIVE, " accepted", "accepted"),
        (DecisionName.REMOVE_TEST_DATA, "yes", "yes"),
        (DecisionName.REMOVE_OWNERLESS_USERS, "no", "no"),
        (DecisionName.WAIVE_READINGS, " wal_archiving ,replica_lag,", "replica_lag,wal_archiving"),
        (DecisionName.SERVE_OLD_NAMES, "yes", "yes"),
        (DecisionName.QUIET_TIME, "20 minutes", "00:20:00"),
        (DecisionName.WAIVE_READINESS, " clean-up ,switch-over,", "switch-over,clean-up"),
        (DecisionName.WAIVE_READINESS, "none", "none"),
        (DecisionName.REVIEWED, " 012", "12"),
    ],
)
def test_a_decision_is_kept_in_one_form(shop: Shop, name: DecisionName, given: str, kept: str) -> None:
    """A decision is kept in one form, however it was typed."""
    with shop.database.transaction("deciding") as connection:
        assert kept == decisions.checked_value(connection, name, given)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        (DecisionName.IN_FLIGHT_AGE, ""),
        (DecisionName.IN_FLIGHT_AGE, "soon"),
        (DecisionName.QUIET_TIME, "0 minutes"),
        (DecisionName.QUIET_TIME, "000seconds"),
        (DecisionName.QUIET_TIME, "-1 minute"),
        (DecisionName.IN_FLIGHT_AGE, "15"),
        (DecisionName.IN_FLIGHT_AGE, "-5 minutes"),
        (DecisionName.IN_FLIGHT_AGE, "1 fortnight"),
        (DecisionName.IN_FLIGHT_AGE, "9999999 days"),
        (DecisionName.IN_FLIGHT_AGE, "١٥ minutes"),
        (DecisionName.IN_FLIGHT_AGE, "1 hour'; DROP TABLE artworks; --"),
        (DecisionName.MAX_QUARANTINED, "-1"),
        (DecisionName.MAX_QUARANTINED, "1.5"),
        (DecisionName.MAX_QUARANTINED, "many"),
        (DecisionName.MAX_QUARANTINED, "12345678901"),
        (DecisionName.MAX_QUARANTINED, "١٢"),
        (DecisionName.CARRY_COLUMNS, " , "),
        (DecisionName.ACCEPT_EXPOSURE, ""),
        (DecisionName.ACCEPT_EXPOSURE, "yes"),
        (DecisionName.ACCEPT_EXPOSURE, "user_gained,all"),
        (DecisionName.ACCEPT_DRIFT, "column rating on public.artworks"),
        (DecisionName.ACCEPT_REJECTED_ARTWORKS, "all"),
        (DecisionName.ACCEPT_USERS_ACCESS, "nobody"),
        (DecisionName.ACCEPT_CHOSEN_EMAILS, "nobody"),
        (DecisionName.ACCEPT_USERS_TRIGGERS, "no_trigger"),
        (DecisionName.ACCEPT_REFERENCES_WITHOUT_KEY, "orders"),
        (DecisionName.FUNCTION_ROLES, " , "),
        (DecisionName.CLEAR_REJECTED_WRITE, "all"),
        (DecisionName.CLEAR_REJECTED_WRITE, "42"),
        (DecisionName.MAX_LEFT_BEHIND, "all"),
        (DecisionName.ALLOW_EMPTY, "accepted"),
        (DecisionName.ORDERED_TEST_DATA, "yes"),
        (DecisionName.ACCEPT_REJECTED_WRITES, "42"),
        (DecisionName.NO_ARCHIVE, "yes"),
        (DecisionName.REMOVE_TEST_DATA, "accepted"),
        (DecisionName.REMOVE_OWNERLESS_USERS, "all"),
        (DecisionName.WAIVE_READINGS, "pause"),
        (DecisionName.SERVE_OLD_NAMES, "legacy"),
        (DecisionName.QUIET_TIME, "none"),
        (DecisionName.WAIVE_READINESS, "verify"),
        (DecisionName.WAIVE_READINESS, " , "),
        (DecisionName.REVIEWED, "the last"),
    ],
)
def test_a_decision_that_cannot_be_used_is_refused(shop: Shop, name: DecisionName, given: str) -> None:
    """A decision that cannot be used is refused with its name and what it takes."""
    with shop.database.transaction("deciding") as connection, pytest.raises(BadInput) as caught:
        decisions.checked_value(connection, name, given)
    assert str(caught.value).startswith(f"{name} takes ")
    assert " Nothing was decided. To fix: " in str(caught.value)
    assert caught.value.exit_code == 2


def test_every_decision_has_a_value_it_takes_and_one_it_refuses() -> None:
    """The two lists above have every decision."""
    marks = {
        test: {argument[0] for mark in test.pytestmark for argument in mark.args[1]}  # type: ignore[attr-defined]  # pytest puts it there
        for test in (test_a_decision_is_kept_in_one_form, test_a_decision_that_cannot_be_used_is_refused)
    }
    assert [set(DecisionName)] * 2 == list(marks.values())


def test_the_newest_decision_of_a_name_is_in_force(shop: Shop) -> None:
    """Of two decisions of one name both stay in the ledger with who and why, and the later one is in force."""
    with shop.database.transaction("deciding") as connection:
        ledger.create(connection)
        for value, who in (("1", "Ada"), ("2", "Bob")):
            ledger.decide(connection, "max_quarantined", value, approved_by=who, reason="seen", run_name="run")
        in_force = ledger.decisions(connection)["max_quarantined"]
        assert ("2", "Bob", "seen") == (in_force.value, in_force.approved_by, in_force.reason)
        assert "2" == ledger.decision_value(connection, "max_quarantined", "0")
        assert "7" == ledger.decision_value(connection, "in_flight_age", "7")
        assert 2 == connection.execute(text("SELECT COUNT(*) FROM artwork_migration.decision")).scalar_one()


def test_clearing_a_rejected_write_puts_its_id_into_the_log(deployed: Shop) -> None:
    """Clearing a rejected write logs its id for catch-up; clearing one that does not exist is refused and logs nothing."""
    log = "SELECT COALESCE(ARRAY_AGG(x.id::text), '{}') FROM artwork_migration.legacy_change AS l, UNNEST(l.ids) AS x (id)"
    deployed.sql.execute(
        "INSERT INTO artwork_migration.rejected_write (id, operation, sql_state, object) VALUES (%s, 'INSERT', '23502', 'artworks')",
        (UUID(IDENTITY),),
    )
    for refused in (False, True):
        with deployed.database.transaction("deciding") as connection:
            if refused:
                with pytest.raises(BadInput, match=f"These artworks have no rejected write: {IDENTITY}"):
                    apply_at_once(connection, DecisionName.CLEAR_REJECTED_WRITE, IDENTITY)
            else:
                apply_at_once(connection, DecisionName.CLEAR_REJECTED_WRITE, IDENTITY)
    assert [IDENTITY] == deployed.value(log)
    assert deployed.value("SELECT COUNT(*) FROM artwork_migration.rejected_write") == 0


def test_other_decisions_do_nothing_at_once(deployed: Shop) -> None:
    """Any other decision changes nothing until it is read."""
    before = deployed.value("SELECT COUNT(*) FROM artwork_migration.legacy_change")
    with deployed.database.transaction("deciding") as connection:
        for name in (DecisionName.IN_FLIGHT_AGE, DecisionName.MAX_QUARANTINED):
            apply_at_once(connection, name, "1")
    assert before == deployed.value("SELECT COUNT(*) FROM artwork_migration.legacy_change")


@pytest.mark.parametrize("name", [DecisionName.FUNCTION_ROLES, DecisionName.CARRY_COLUMNS, DecisionName.SERVE_OLD_NAMES])
def test_what_deploy_schema_reads_comes_too_late_after_it(deployed: Shop, name: DecisionName) -> None:
    """A decision that only deploy_schema reads is refused after it."""
    with deployed.database.transaction("deciding") as connection, pytest.raises(BadInput, match="read by deploy-schema"):
        apply_at_once(connection, name, "shop")


def test_there_is_no_refusal_to_clear_before_anything_is_deployed(shop: Shop) -> None:
    """clear_rejected_write is refused before a deployment, also if the ledger exists."""
    with shop.database.transaction("deciding") as connection, pytest.raises(BadInput, match="nothing has been deployed"):
        ledger.create(connection)
        apply_at_once(connection, DecisionName.CLEAR_REJECTED_WRITE, IDENTITY)
