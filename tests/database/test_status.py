"""The status: on one screen, what an operator wants to know first, in every phase."""

import re

import pytest

from migration.checks import gates
from migration.checks.gates import GateVerdict, RuleVerdict
from migration.ledger import ledger, safety_window
from migration.ledger.phases import MIGRATE_DATA, SWITCH_OVER, VERIFY
from reporting.status import read_status
from reporting.status_lines import status_lines, status_markdown
from sample.build import Variant
from tests.conftest import MakeShop
from tests.databases import Shop, accept_exposure, execute_switch, finish_switch, migrate, planned_deployment, running, switch
from tests.plans import keep

RENAME_ONE = "UPDATE artworks SET pet_name = 'Rex the first' WHERE id = (SELECT MIN(id::text)::uuid FROM artworks)"
ALWAYS = ["verdict", "next step", "database", "phase", "serves", "may be run next"]


def lines(shop: Shop) -> dict[str, list[str]]:
    """What is said under each label."""
    told: dict[str, list[str]] = {}
    for label, value in status_lines(read_status(shop.database)):
        told.setdefault(label, []).append(value)
    return told


def verify(shop: Shop, *red: str, day: int = 1) -> None:
    """Note a verification, as the verb does."""
    with running(shop, VERIFY) as run:
        run.begin()
        run.database.write("noting", lambda connection: safety_window.note(connection, run.epoch, day, red))


def test_before_anything_has_begun(make_shop: MakeShop) -> None:
    """The status of a database that is not started is short, with the verb to begin with."""
    told = lines(make_shop(Variant.CURRENT))
    assert ALWAYS == list(told)
    assert ["deploy-schema"] == told["may be run next"]


def test_what_waits_in_the_log(migrated: Shop) -> None:
    """The status counts the writes that catch-up has not applied yet, with the time of the oldest."""
    migrated.sql.execute(RENAME_ONE)
    told = lines(migrated)
    assert told["log"][0].startswith("1 changes wait for catch-up, the oldest since ")
    assert ["the legacy table serves as artworks; the clean table artworks_v2 is written through"] == told["serves"]


def test_what_is_still_to_do_after_the_switch(migrated: Shop) -> None:
    """The status names each open step, first the verb that does it and beside it the rollback; then only the gate is left."""
    execute_switch(migrated)
    told = lines(migrated)
    assert "switch-over: key orders_artwork_id_fkey on public.orders validated" in told["still to do"]
    assert ["switch-over again, it has steps left; or roll-back --to MIGRATED"] == told["may be run next"]
    assert ["switch-over", "roll-back --to MIGRATED"] == [str(verb) for verb in read_status(migrated.database).next_steps]
    finish_switch(migrated)
    assert ["switch-over: gate verification"] == lines(migrated)["still to do"]


def test_the_day_of_the_window_and_its_last_verification(migrated: Shop) -> None:
    """The status has the day since the switch, what the newest verification found, and the writes to carry back."""
    switch(migrated)
    assert ["Day 1 of 30; not verified yet"] == lines(migrated)["safety window"]
    migrated.sql.execute(RENAME_ONE)
    assert lines(migrated)["log"][0].startswith("1 changes wait for carry-back")
    verify(migrated, "retired_untouched")
    assert lines(migrated)["safety window"][0].endswith("red: retired_untouched")
    verify(migrated)
    move_switch(migrated, "2 days")
    assert (True, True) == tuple(map(lines(migrated)["safety window"][0].__contains__, ("Day 3 of 30", ": green")))
    move_switch(migrated, "28 days")
    assert lines(migrated)["safety window"][0].startswith("The safety window of 30 days is over (day 31); last verified ")


def test_the_last_gates_are_those_of_a_run(migrated: Shop) -> None:
    """The status shows the last gates with their run and verb, red until another run was judged."""
    with running(migrated, MIGRATE_DATA) as run:
        run.begin()
        gates.save_verdict(run, GateVerdict("users", (RuleVerdict("users", "user_email_is_unique", "critical", "", checked=2, bad=1),)))
    assert [f"red: users.user_email_is_unique (run {run.epoch}, migrate-data)"] == lines(migrated)["last gates"]
    with running(migrated, SWITCH_OVER) as run:
        run.begin()
        gates.save_verdict(run, GateVerdict("users", (RuleVerdict("users", "user_email_is_unique", "critical", "", checked=2),)))
    assert [f"all 1 rules green (run {run.epoch}, switch-over)"] == lines(migrated)["last gates"]


def test_the_next_step_and_the_plans_that_wait(shop: Shop) -> None:
    """Verdict and next step follow the plan: blocked, then waiting with its number; a plan that another decision was made for is gone."""
    keep(shop, planned_deployment(shop))
    blocked = read_status(shop.database)
    assert re.fullmatch(r"Plan \w{8} of deploy-schema, made [-: \dUTC]+, is blocked: exposure_not_accepted\.", blocked.verdict)
    assert "artwork-migration run deploy-schema" == (blocked.next_step and blocked.next_step.command)
    accept_exposure(shop)
    assert () == tuple(read_status(shop.database).plans)
    plan = planned_deployment(shop)
    keep(shop, plan)
    waiting = read_status(shop.database)
    assert (plan.command, True) == (waiting.next_step and waiting.next_step.command, "waits for approval" in waiting.verdict)
    page = status_markdown(waiting, lambda verb, number: f"http://ui/{verb}?{number}", lambda key: f"http://ui/{key}")
    assert f"**Next step:** [deploy-schema, plan {plan.number}](http://ui/deploy-schema?{plan.number}), or in a terminal `" in page
    assert f"**To read:** [plan {plan.number} of deploy-schema](http://ui/plan-{plan.number})\n" in page
    assert "To read" not in status_markdown(waiting, lambda verb, number: "", lambda key: "")
    served = status_markdown(waiting, lambda verb, number: "", lambda key: "", "http://reports/index.html")
    assert "**To read:** [all reports](http://reports/index.html)\n" in served


def test_the_steps_of_a_copy_that_was_killed(deployed: Shop) -> None:
    """Steps that migrate_data has left before it reached its phase lead back to it."""
    with running(deployed, MIGRATE_DATA) as run:
        run.begin()
        run.database.write("noting", lambda connection: ledger.begin_step(connection, run.epoch, "index by_user"))
    assert ["artwork-migration run migrate-data"] == lines(deployed)["next step"]
    assert [MIGRATE_DATA] == read_status(deployed.database).next_steps


def test_a_run_that_has_not_ended_is_at_work_or_was_killed(migrated: Shop) -> None:
    """While a session of the run is left, the run is at work; later it is to be run again, until another run has begun."""
    with running(migrated, MIGRATE_DATA) as run:
        run.begin()
        at_work = read_status(migrated.database)
    assert (f"migrate-data {run.name} is at work.", None, []) == (at_work.verdict, at_work.next_step, at_work.next_steps)
    killed = read_status(migrated.database)
    assert f"migrate-data {run.name} has not ended, and no session of it is left. Run it again; it resumes." == killed.verdict
    assert killed.next_step and "artwork-migration run migrate-data" == killed.next_step.command
    migrate(migrated)
    after = read_status(migrated.database)
    assert ("No run is active.", run.name) == (after.verdict, after.unfinished[0].run_name)
    assert after.next_step and "artwork-migration run switch-over" == after.next_step.command


def test_the_phases_have_their_dates(migrated: Shop) -> None:
    """The phases stand in their order, those that were reached with their dates; after a red gate the next step is to migrate again."""
    assert re.fullmatch(
        r"NOT_STARTED → DEPLOYED \d{4}-\d\d-\d\d \d\d:\d\d → MIGRATED [-\d]+ [:\d]+ → SWITCHED → CLEANED", lines(migrated)["phases"][0]
    )
    assert ["artwork-migration run switch-over"] == lines(migrated)["next step"]
    with running(migrated, MIGRATE_DATA) as run:
        run.begin()
        verdict = RuleVerdict("users", "user_email_is_unique", "critical", "", checked=2, bad=1)
        gates.save_verdict(run, GateVerdict("users", (verdict,)))
        run.end("Red")
    assert ["A gate is red: users.user_email_is_unique."] == lines(migrated)["verdict"]
    assert ["artwork-migration run migrate-data"] == lines(migrated)["next step"]


def move_switch(shop: Shop, by: str) -> None:
    """Make the recorded time of the switch an earlier one."""
    shop.sql.execute("UPDATE artwork_migration.phase_history SET ended_at = ended_at - %s::interval WHERE phase_after = 'SWITCHED'", (by,))


@pytest.mark.parametrize("phase", ["MIGRATED", "SWITCHED"])
def test_it_fits_on_one_screen(make_shop: MakeShop, phase: str) -> None:
    """The status has at most 24 lines."""
    assert 24 >= len(status_lines(read_status(make_shop(phase=phase).database)))
