"""`artwork-migration up` and `down`: what they start, keep, start again and stop, with real processes."""

import json
import re
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import psutil
import pytest
import yaml

from cli.processes import is_alive
from cli.verbs import verb_description
from tasks.verbs import STOPPED, TO_STATUS
from tests.databases import Shop
from tests.lifecycle.conftest import PASSWORD
from tests.lifecycle.local_server import LocalServer
from tests.series import EXHAUSTIVE, LONG, first
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
#: What the command line says of each verb, by its deployment.
DEPLOYMENTS = {
    entry["name"]: verb_description(entry["entrypoint"].split(":")[1])
    for entry in yaml.safe_load((ROOT / "flows" / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
}


@contextmanager
def held_up(local_server: LocalServer, shop: Shop) -> Iterator[str]:
    """A run at work on the worker, which a lock on the legacy table keeps from ending; its id."""
    session = shop.session()
    session.execute("LOCK TABLE artworks")
    run = local_server.start_run("1-deploy-schema")
    local_server.wait_for(run, "Running")
    try:
        yield run
    finally:
        session.rollback()


@dataclass(frozen=True)
class Killed:
    """A run killed with its worker, and what `up` has started since: as it says, and as the pids say."""

    run: str
    started: str
    replaced: set[str]


@pytest.fixture(scope="module")
def planned(local_server: LocalServer) -> str:
    """A run of a deployment, after its end."""
    run = local_server.start_run("1-deploy-schema")
    local_server.wait_for(run, "Completed")
    return run


@pytest.fixture(scope="module")
def killed(local_server: LocalServer, local_shop: Shop, planned: str) -> Killed:
    """A worker and its run after kill -9. That the run fell silent is noticed after 100 s: the other tests use the time."""
    with held_up(local_server, local_shop) as run:
        before = local_server.pids()
        for process in [*psutil.Process(before["worker"]).children(), psutil.Process(before["worker"])]:
            process.send_signal(signal.SIGKILL)
        started = local_server.up()["started"]
        return Killed(run, started, {name for name, pid in local_server.pids().items() if pid != before[name]})


def test_up_starts_everything_and_says_where_it_is(local_server: LocalServer) -> None:
    """After `up` the UI answers at the printed address, past a taken port; each deployment has its verb's text; the worker polls."""
    taken = local_server.settings["ARTWORK_PREFECT_PORT"]
    assert f"because {taken} is in use" in local_server.said
    assert not local_server.ui.endswith(taken)
    assert 200 == httpx.get(local_server.ui).status_code
    descriptions = {name: text + TO_STATUS.format(local_server.ui) for name, text in DEPLOYMENTS.items()}
    assert descriptions == {one["name"]: one["description"] for one in local_server.ask("/deployments/filter")}
    assert ["ONLINE"] == [one["status"] for one in local_server.ask("/work_pools/artwork-migration/workers/filter")]
    assert "local_shop at " in local_server.said
    assert f"Prefect UI       {local_server.ui}" in local_server.run("status").stdout
    assert f"{local_server.data_home}/reports" == psutil.Process(local_server.pids()["worker"]).environ()["ARTWORK_REPORTS"]
    (reports,) = re.findall(r"^reports +(http://127\.0\.0\.1:\d+)$", local_server.said, re.MULTILINE)
    assert reports == psutil.Process(local_server.pids()["worker"]).environ()["ARTWORK_REPORTS_URL"]
    assert 404 == httpx.get(reports).status_code  # there is no report yet
    doctor = local_server.run("doctor")
    assert (0, {"✓"}) == (doctor.returncode, {line[0] for line in doctor.stdout.splitlines()}), doctor.stdout


@EXHAUSTIVE
def test_a_killed_worker_comes_back(killed: Killed) -> None:
    """After kill -9 of the worker and its run, `up` starts a worker and nothing else."""
    assert ("worker", {"worker"}) == (killed.started, killed.replaced)


@EXHAUSTIVE
def test_up_again_changes_nothing(local_server: LocalServer) -> None:
    """A second `up` says that it was up: the same processes, one automation, one pool, one kind of block; what was paused stays paused.

    A deployment and its active schedule are paused in the UI; no second schedule is made.
    """
    deployment, (schedule,) = verify_schedules(local_server)
    assert (True, "0 3 * * *") == (schedule["active"], schedule["schedule"]["cron"])
    address = f"{local_server.ui}/api/deployments/{deployment['id']}"
    httpx.patch(f"{address}/schedules/{schedule['id']}", json={"active": False}).raise_for_status()
    httpx.post(f"{address}/pause_deployment").raise_for_status()
    before = local_server.pids()
    assert "nothing, all was running" == local_server.up()["started"]
    assert before == local_server.pids()
    assert {"database", "prefect", "reports", "worker"} == set(before)
    assert 1 == len(local_server.ask("/automations/filter"))
    assert 1 == len(local_server.ask("/work_pools/filter"))
    assert ["artwork-database", "artwork-notification"] == sorted(kind["slug"] for kind in local_server.ask("/block_types/filter"))
    deployment, (schedule,) = verify_schedules(local_server)
    assert (True, False) == (deployment["paused"], schedule["active"])
    doctor = local_server.run("doctor")
    assert (1, True) == (doctor.returncode, "deployment verify: it is paused" in doctor.stdout), doctor.stdout


def verify_schedules(local_server: LocalServer) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The deployment of `verify`, and its schedules."""
    (found,) = local_server.ask("/deployments/filter", deployments={"name": {"any_": ["verify"]}})
    return found, found["schedules"]


def test_a_run_of_a_deployment_makes_a_plan(local_server: LocalServer, planned: str) -> None:
    """A run that the API starts, as the UI does it, runs on the worker; its plan, and a link to the form that approves it, are there."""
    keys = {one["key"] for one in local_server.ask("/artifacts/filter", flow_runs={"id": {"any_": [planned]}})}
    run = local_server.run_of(planned)
    number = run["name"].removeprefix("deploy-schema · plan ")
    assert f"plan-{number}" in keys
    address, _, filled = run["state"]["message"].split()[-1].partition("?parameters=")
    assert f"{local_server.ui}/deployments/deployment/{run['deployment_id']}/run" == address
    assert {"plan": number} == json.loads(unquote(unquote(filled)))
    (status,) = local_server.ask(
        "/artifacts/filter", artifacts={"key": {"any_": ["migration-status"]}}, flow_runs={"id": {"any_": [planned]}}
    )
    assert f"[deploy-schema, plan {number}]({address}?parameters={filled})" in status["data"]
    of_the_run = {"logs": {"flow_run_id": {"any_": [planned]}}, "sort": "TIMESTAMP_DESC"}
    # logs arrive after the end
    wait_until(lambda: f"Plan {number} of deploy-schema" in local_server.ask("/logs/filter", **of_the_run)[0]["message"], every=0.2)


@LONG
def test_a_verb_on_the_command_line_is_seen_in_the_ui(local_server: LocalServer) -> None:
    """A verb on the command line is recorded, with its log, by the server that is up, without PREFECT_API_URL."""
    before = local_server.runs()
    assert 0 == local_server.run("run", "deploy-schema").returncode
    (run,) = local_server.runs() - before
    assert "Completed" == local_server.state(run)
    wait_until(lambda: bool(local_server.ask("/logs/filter", logs={"flow_run_id": {"any_": [run]}})), every=0.5)


@LONG
def test_what_is_missing_at_its_server_is_registered_by_up(local_server: LocalServer) -> None:
    """At the server of `up` the doctor names `up` for what is missing, and `up` registers it."""
    (automation,) = local_server.ask("/automations/filter")
    httpx.delete(f"{local_server.ui}/api/automations/{automation['id']}").raise_for_status()
    doctor = local_server.run("doctor")
    assert (1, True) == (doctor.returncode, "To fix: Run `artwork-migration up` on the machine of the worker." in doctor.stdout), (
        doctor.stdout
    )
    local_server.up()
    assert [automation["name"]] == [found["name"] for found in local_server.ask("/automations/filter")]


def test_nothing_talks_to_the_outside(local_server: LocalServer) -> None:
    """Every connection of every process begins and ends on this machine, and nothing listens for others."""
    connections = [one for process in local_server.family() for one in process.net_connections(kind="inet")]
    assert connections
    assert {"127.0.0.1"} == {end.ip for one in connections for end in (one.laddr, one.raddr) if end}


@EXHAUSTIVE
def test_a_worker_takes_other_settings_when_it_is_idle(local_server: LocalServer, local_shop: Shop) -> None:
    """A worker at work keeps its settings, and `up` says so; an idle one is started again with the new settings, and nothing else is."""
    with held_up(local_server, local_shop) as run:
        said = local_server.up(ARTWORK_BATCH_SIZE="7")
        assert ("nothing, all was running", True) == (said["started"], "the worker executes a run" in said["settings"])
    local_server.wait_for(run, "Completed")
    wait_until(lambda: not psutil.Process(local_server.pids()["worker"]).children(), every=0.2)
    assert "worker" == local_server.up(ARTWORK_BATCH_SIZE="7")["started"]
    assert "7" == psutil.Process(local_server.pids()["worker"]).environ()["ARTWORK_BATCH_SIZE"]


@EXHAUSTIVE
def test_a_cancelled_run_says_how_to_continue(local_server: LocalServer, local_shop: Shop) -> None:
    """*Cancel* ends a run within seconds: its name and its log say that it was stopped and how to continue, and it has the status."""
    with held_up(local_server, local_shop) as run:
        wait_until(lambda: local_shop.value("SELECT COUNT(*) FROM pg_locks WHERE NOT granted"), every=0.2)
        local_server.ask(f"/flow_runs/{run}/set_state", state={"type": "CANCELLING"})
        local_server.wait_for(run, "Cancelled")
    assert "deploy-schema · stopped" == local_server.run_of(run)["name"]
    said = [line["message"] for line in local_server.ask("/logs/filter", logs={"flow_run_id": {"any_": [run]}})]
    assert STOPPED in said
    assert ["migration-status"] == [one["key"] for one in local_server.ask("/artifacts/filter", flow_runs={"id": {"any_": [run]}})]


@LONG
def test_killed_runs_become_crashed(local_server: LocalServer, killed: Killed, planned: str) -> None:
    """A run that was killed with its worker does not stay Running, and one that had ended stays as it ended."""
    local_server.wait_for(killed.run, "Crashed")
    assert "Completed" == local_server.state(planned)


@EXHAUSTIVE
def test_a_run_at_work_is_not_taken_for_killed(local_server: LocalServer, local_shop: Shop) -> None:
    """A run that sends heartbeats is Running for longer than it takes to notice one that sends none."""
    with held_up(local_server, local_shop) as run:
        time.sleep(130)
        assert "Running" == local_server.state(run)


@EXHAUSTIVE
def test_a_database_that_dies_is_started_again(local_server: LocalServer) -> None:
    """After Prefect's own Postgres was killed, `up` starts it again with all its data."""
    before = local_server.runs()
    psutil.Process(local_server.pids()["database"]).kill()
    assert "database" in local_server.up()["started"]
    assert before <= local_server.runs()


@EXHAUSTIVE
def test_down_stops_everything_and_up_finds_it_again(local_server: LocalServer, local_shop: Shop) -> None:
    """`down` leaves no process and no port, and its runs end as Crashed; a second `down` reports that nothing was up."""
    with held_up(local_server, local_shop) as run:
        family = local_server.family()
        done = local_server.run("down")
    assert 0 == done.returncode
    assert "1 active, ended as Crashed" in done.stdout
    assert "worker, reports, prefect, database" in done.stdout
    assert [] == [process for process in family if is_alive(process)]
    with pytest.raises(httpx.ConnectError):
        httpx.get(local_server.ui)
    again = local_server.run("down", "--json")
    assert (0, {"stopped": "nothing, none was running"}) == (again.returncode, json.loads(again.stdout))
    assert "database, prefect, reports, worker" == local_server.up()["started"]
    assert "Crashed" == local_server.state(run)


def test_no_password_is_printed_or_kept(local_server: LocalServer) -> None:
    """No password is in what `up` and `down` print, nor in any file except the database's own."""
    kept = [
        path for path in local_server.folder.rglob("*") if path.is_file() and "postgres" not in path.relative_to(local_server.folder).parts
    ]
    assert {"worker.log", "prefect.log", "worker.json"} <= {path.name for path in kept}
    assert PASSWORD not in local_server.said
    assert [] == [path.name for path in kept if PASSWORD in path.read_text(errors="replace")]


@pytest.mark.parametrize(
    ("name", "value", "code", "says"),
    [
        ("ARTWORK_DATABASE_URL", "mysql://user:geheim@host/shop", 2, "not for Postgres"),
        ("ARTWORK_PREFECT_PORT", "many", 2, "ARTWORK_PREFECT_PORT"),
        ("ARTWORK_PREFECT_DATABASE_URL", "postgresql://nobody:geheim@127.0.0.1:1/prefect", 3, "port in ARTWORK_PREFECT_DATABASE_URL"),
    ],
)
@first(1)
def test_what_cannot_be_used_is_refused_before_anything_starts(name: str, value: str, code: int, says: str) -> None:
    """`up` with a setting that cannot be used ends with a message and the exit code of its kind, and starts no process."""
    with tempfile.TemporaryDirectory(prefix="up") as folder:
        local_server = LocalServer(Path(folder), {"COLUMNS": "200", name: value})
        try:
            done = local_server.run("up")
            assert (code, {}) == (done.returncode, local_server.pids())
            assert says in done.stdout
            assert "Traceback" not in done.stdout + done.stderr
            assert "geheim" not in done.stdout + done.stderr
        finally:
            local_server.end()
