"""`artwork-migration up` and `down`: what they start, keep, start again and stop, with real processes."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml

from cli.processes import is_alive
from tests.lifecycle.conftest import PASSWORD
from tests.lifecycle.house import House
from tests.shops import Shop
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
DEPLOYMENTS = {
    entry["name"]: " ".join(entry["description"].split())
    for entry in yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
}


@contextmanager
def held_up(house: House, shop: Shop) -> Iterator[str]:
    """A run at work on the worker, which a lock on the legacy table keeps from ending; its id."""
    session = shop.session()
    session.execute("LOCK TABLE artworks")
    run = house.start_run("1-deploy-schema")
    house.wait_for(run, "Running")
    try:
        yield run
    finally:
        session.rollback()


@dataclass(frozen=True)
class Killed:
    """A run killed with its worker, one that had ended before, and what `up` has started since: as it says, and as the pids say."""

    run: str
    ended: str
    started: str
    replaced: set[str]


@pytest.fixture(scope="module")
def killed(house: House, house_shop: Shop) -> Killed:
    """A worker and its run after kill -9. That the run fell silent is noticed after 100 s: the other tests use the time."""
    ended = house.start_run("1-deploy-schema")
    house.wait_for(ended, "Planned")
    with held_up(house, house_shop) as run:
        before = house.pids()
        for process in [*psutil.Process(before["worker"]).children(), psutil.Process(before["worker"])]:
            process.send_signal(signal.SIGKILL)
        started = house.up()["started"]
        return Killed(run, ended, started, {name for name, pid in house.pids().items() if pid != before[name]})


def test_up_starts_everything_and_says_where_it_is(house: House) -> None:
    """After `up` the UI answers at the printed address, past a port that was taken; every deployment is there; the worker polls."""
    taken = house.settings["ARTWORK_PREFECT_PORT"]
    assert f"because another program has {taken}" in house.said
    assert not house.ui.endswith(taken)
    assert 200 == httpx.get(house.ui).status_code
    assert DEPLOYMENTS == {one["name"]: one["description"] for one in house.ask("/deployments/filter")}
    assert ["ONLINE"] == [one["status"] for one in house.ask("/work_pools/artwork-migration/workers/filter")]
    assert "house_shop at " in house.said
    assert f"Prefect UI       {house.ui}" in house.run("status").stdout


def test_a_killed_worker_comes_back(killed: Killed) -> None:
    """After kill -9 of the worker and its run, `up` starts a worker and nothing else."""
    assert ("worker", {"worker"}) == (killed.started, killed.replaced)


def test_up_again_changes_nothing(house: House) -> None:
    """A second `up` says that it was up: the same processes, one automation, one pool, one kind of block; what was paused stays paused.

    A deployment and its active schedule are paused in the UI; no second schedule is made.
    """
    deployment, (schedule,) = verify_schedules(house)
    assert (True, "0 3 * * *") == (schedule["active"], schedule["schedule"]["cron"])
    address = f"{house.ui}/api/deployments/{deployment['id']}"
    httpx.patch(f"{address}/schedules/{schedule['id']}", json={"active": False}).raise_for_status()
    httpx.post(f"{address}/pause_deployment").raise_for_status()
    before = house.pids()
    assert "nothing, it was already up" == house.up()["started"]
    assert before == house.pids()
    assert {"database", "prefect", "worker"} == set(before)
    assert 1 == len(house.ask("/automations/filter"))
    assert 1 == len(house.ask("/work_pools/filter"))
    assert ["artwork-database"] == [kind["slug"] for kind in house.ask("/block_types/filter")]
    deployment, (schedule,) = verify_schedules(house)
    assert (True, False) == (deployment["paused"], schedule["active"])


def verify_schedules(house: House) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The deployment of `verify`, and its schedules."""
    (found,) = house.ask("/deployments/filter", deployments={"name": {"any_": ["verify"]}})
    return found, found["schedules"]


def test_a_run_of_a_deployment_ends_planned(house: House, killed: Killed) -> None:
    """A run that is started by the API, as the UI does it, runs on the worker and ends Planned; its log and its artifacts are there."""
    assert any(one["key"].startswith("plan-") for one in house.ask("/artifacts/filter", flow_runs={"id": {"any_": [killed.ended]}}))
    assert house.ask("/logs/filter", logs={"flow_run_id": {"any_": [killed.ended]}})


def test_a_verb_on_the_command_line_is_seen_in_the_ui(house: House) -> None:
    """A verb on the command line is recorded, with its log, by the server that is up, without PREFECT_API_URL."""
    before = house.runs()
    assert 0 == house.run("run", "deploy-schema").returncode
    (run,) = house.runs() - before
    assert "Planned" == house.state(run)
    wait_until(lambda: bool(house.ask("/logs/filter", logs={"flow_run_id": {"any_": [run]}})), every=0.5)


def test_nothing_talks_to_the_outside(house: House) -> None:
    """Every connection of every process begins and ends on this machine, and nothing listens for others."""
    connections = [one for process in house.family() for one in process.net_connections(kind="inet")]
    assert connections
    assert {"127.0.0.1"} == {end.ip for one in connections for end in (one.laddr, one.raddr) if end}


def test_a_worker_takes_other_settings_when_it_is_idle(house: House, house_shop: Shop) -> None:
    """A worker at work keeps its settings, and `up` says so; an idle one is started again with the new settings, and nothing else is."""
    with held_up(house, house_shop) as run:
        said = house.up(ARTWORK_BATCH_SIZE="7")
        assert ("nothing, it was already up", True) == (said["started"], "the worker is at work" in said["settings"])
    house.wait_for(run, "Planned")
    wait_until(lambda: not psutil.Process(house.pids()["worker"]).children(), every=0.2)
    assert "worker" == house.up(ARTWORK_BATCH_SIZE="7")["started"]
    assert "7" == psutil.Process(house.pids()["worker"]).environ()["ARTWORK_BATCH_SIZE"]


def test_killed_runs_become_crashed(house: House, killed: Killed) -> None:
    """A run that was killed with its worker does not stay Running, and one that had ended stays as it ended."""
    house.wait_for(killed.run, "Crashed")
    assert "Planned" == house.state(killed.ended)


def test_a_database_that_dies_is_started_again(house: House) -> None:
    """After Prefect's own Postgres was killed, `up` starts it again with all its data."""
    before = house.runs()
    psutil.Process(house.pids()["database"]).kill()
    assert "database" in house.up()["started"]
    assert before <= house.runs()


def test_down_stops_everything_and_up_finds_it_again(house: House, house_shop: Shop) -> None:
    """`down` leaves no process and no port, and its runs end as Crashed; a second `down` reports that nothing was up."""
    with held_up(house, house_shop) as run:
        family = house.family()
        done = house.run("down")
    assert 0 == done.returncode
    assert "1 at work were ended" in done.stdout
    assert "worker, prefect, database" in done.stdout
    assert [] == [process for process in family if is_alive(process)]
    with pytest.raises(httpx.ConnectError):
        httpx.get(house.ui)
    again = house.run("down")
    assert (0, True) == (again.returncode, "nothing, it was not up" in again.stdout)
    assert "database, prefect, worker" == house.up()["started"]
    assert "Crashed" == house.state(run)


def test_no_password_is_told_or_kept(house: House) -> None:
    """No password is in what `up` and `down` print, nor in any file except the database's own."""
    kept = [path for path in house.folder.rglob("*") if path.is_file() and "postgres" not in path.relative_to(house.folder).parts]
    assert {"worker.log", "prefect.log", "worker.json"} <= {path.name for path in kept}
    assert PASSWORD not in house.said
    assert [] == [path.name for path in kept if PASSWORD in path.read_text(errors="replace")]


@pytest.mark.parametrize(
    ("name", "value", "code", "says"),
    [
        ("ARTWORK_DATABASE_URL", "mysql://user:geheim@host/shop", 2, "not for Postgres"),
        ("ARTWORK_PREFECT_PORT", "many", 2, "ARTWORK_PREFECT_PORT"),
        ("ARTWORK_PREFECT_DATABASE_URL", "postgresql://nobody:geheim@127.0.0.1:1/prefect", 3, "port in ARTWORK_PREFECT_DATABASE_URL"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_starts(name: str, value: str, code: int, says: str) -> None:
    """`up` with a setting that cannot be used ends with a message and the exit code of its kind, and starts no process."""
    with tempfile.TemporaryDirectory(prefix="up") as folder:
        house = House(Path(folder), {"COLUMNS": "200", name: value})
        try:
            done = house.run("up")
            assert (code, {}) == (done.returncode, house.pids())
            assert says in done.stdout
            assert "Traceback" not in done.stdout + done.stderr
            assert "geheim" not in done.stdout + done.stderr
        finally:
            house.end()
