"""The clean-up as an operator runs it, up to the point of no return and beyond."""

import re
from pathlib import Path

from cli.prefect_server import PrefectServer
from flows.clean_up import clean_up
from flows.decide import decide
from flows.deploy_schema import deploy_schema
from flows.migrate_data import migrate_data
from flows.roll_back import roll_back
from flows.switch_over import switch_over
from flows.verify import verify
from tasks.ends import exit_code, kind_of_end, message
from tests.databases import Shop, execute_clean_up, make_ready
from tests.documents import CLEAN_UP
from tests.lifecycle.conftest import environment, run
from tests.lifecycle.runs import APPROVED, artifact, number_in, phase
from tests.series import EXHAUSTIVE


@EXHAUSTIVE
def test_from_a_blocked_plan_to_the_end(switched: Shop, prefect_server: PrefectServer, tmp_path: Path) -> None:
    """A clean-up is refused on the first day; when the days are over, the runbook's commands complete it, and no verb runs afterwards."""
    planned = clean_up(return_state=True)
    assert (kind_of_end(planned), exit_code(planned)) == ("Blocked", 1)
    told = artifact(f"plan-{number_in(planned)}")
    assert all(rule in told for rule in ("**safety_window**", "**verification**", "**archive**", "THE POINT OF NO RETURN"))
    refused = clean_up(plan=number_in(planned), **APPROVED, return_state=True)
    assert (kind_of_end(refused), exit_code(refused)) == ("Blocked", 1)
    assert "Day 1 of 30; 30 days are left" in message(refused)

    make_ready(switched)
    wrong = decide(name="no_archive", value="maybe", **APPROVED, return_state=True)
    assert (kind_of_end(wrong), exit_code(wrong)) == ("Refused", 2)
    number = ""
    for command in CLEAN_UP:
        done = run(command.replace("NUMBER", number), environment(prefect_server), tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        if found := re.search(r"Plan ([0-9a-f]{8}) of", done.stdout):
            number = found.group(1)
    assert "no rollback is possible" in " ".join(done.stdout.split())

    assert phase(switched) == "CLEANED"
    assert "CLEANED" in artifact("migration-status")
    assert "Nothing to verify: phase CLEANED" in message(verify(return_state=True))
    report = run("artwork-migration report", environment(prefect_server), tmp_path)
    assert (report.returncode, "clean-up has dropped" in " ".join(report.stdout.split())) == (1, True)
    for state in (
        deploy_schema(return_state=True),
        migrate_data(return_state=True),
        switch_over(return_state=True),
        clean_up(return_state=True),
        roll_back(to="NOT_STARTED", return_state=True),
        roll_back(to="MIGRATED", return_state=True),
        decide(name="max_quarantined", value="3", **APPROVED, return_state=True),
    ):
        assert (kind_of_end(state), exit_code(state)) == ("Refused", 1)
        assert "in phase CLEANED" in message(state)
        assert "The migration is done" in message(state)


@EXHAUSTIVE
def test_killed_after_the_commit_the_next_run_does_the_rest(switched: Shop, tmp_path: Path) -> None:
    """After a clean-up that was killed behind its commit, a run without a number does the steps left, the export before the logs go."""
    make_ready(switched)
    execute_clean_up(switched)
    done = clean_up(return_state=True)
    assert kind_of_end(done) == "Completed", done.message
    assert switched.value("SELECT TO_REGCLASS('artwork_migration.finding') IS NULL")
    assert len(list((tmp_path / "reports").glob("ledger-*.json"))) == 1
    assert kind_of_end(clean_up(return_state=True)) == "Refused"
