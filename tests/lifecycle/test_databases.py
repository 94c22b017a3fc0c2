"""Several databases on one Prefect server: each is a block, and what a run shows carries its name."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.schemas.automations import EventTrigger
from prefect.server.events.schemas.events import Resource, ResourceSpecification
from pydantic import SecretStr

from cli.doctor import examine
from cli.notifications import NOTIFICATION
from cli.prefect_server import PrefectServer
from cli.registration import automations, register
from flows.decide import decide
from flows.deploy_schema import deploy_schema
from flows.join_copy import join_copy
from flows.pause import pause
from flows.resume import resume
from flows.run_migration import run_migration
from migration.ledger.decisions import DecisionName
from tasks.connection_block import ArtworkDatabase
from tasks.ends import exit_code, kind_of_end, message
from tasks.notification_block import ArtworkNotification
from tests.conftest import MakeShop
from tests.databases import Shop, accept_exposure
from tests.lifecycle.conftest import environment, printed
from tests.lifecycle.runs import APPROVED, artifact, number_in, phase, run_of
from tests.series import EXHAUSTIVE, LONG, first
from tests.waiting import wait_until


@pytest.fixture
def saved(prefect_server: PrefectServer) -> Iterator[Callable[[str, Shop], None]]:
    """`saved(name, shop)` keeps a shop in a block of this name. The blocks are deleted after the test."""
    del prefect_server  # named so that it runs
    ArtworkDatabase.register_type_and_schema()
    names: set[str] = set()

    def save(name: str, shop: Shop) -> None:
        block(shop).save(name, overwrite=True)
        names.add(name)

    yield save
    for name in names:
        ArtworkDatabase.delete(name)


@pytest.fixture
def two(make_shop: MakeShop, saved: Callable[[str, Shop], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Shop]:
    """Two shops in blocks, and no other database in the settings."""
    monkeypatch.delenv("ARTWORK_DATABASE_URL", raising=False)
    monkeypatch.setenv("ARTWORK_REPORTS", str(tmp_path / "reports"))
    shops = {name: make_shop() for name in ("berlin", "paris-2")}
    for name, shop in shops.items():
        accept_exposure(shop)
        saved(name, shop)
    return shops


def block(shop: Shop) -> ArtworkDatabase:
    """A shop as a block."""
    url = shop.database.url
    host = str(url.query.get("host") or url.host)
    return ArtworkDatabase(host=host, port=url.port or shop.server.port, database=shop.name, user=str(url.username))


def keys() -> set[str]:
    """The keys of all artifacts."""
    with get_client(sync_client=True) as client:
        return {str(found.key) for found in client.read_artifacts()}


@LONG
def test_a_run_is_about_the_database_that_it_names(two: dict[str, Shop], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A run changes the database of its block alone; its name, tags, artifacts, files, links and commands carry the block's name.

    The name goes before ARTWORK_DATABASE_URL. On the command line ARTWORK_DATABASE is the name.
    """
    berlin, paris = two["berlin"], two["paris-2"]
    monkeypatch.setenv("ARTWORK_DATABASE_URL", berlin.url)
    before = keys()
    planned = deploy_schema(database="paris-2", return_state=True)
    number = number_in(planned)
    made = keys() - before
    assert {f"paris-2-plan-{number}", f"paris-2-plan-{number}-sql", "paris-2-migration-status"} <= made
    assert {True} == {key.startswith("paris-2-") for key in made}
    run = run_of(planned)
    assert (f"deploy-schema · plan {number} @ paris-2", True) == (run.name, "database:paris-2" in run.tags)
    command = f"ARTWORK_DATABASE=paris-2 artwork-migration run deploy-schema --plan {number} "
    assert command in message(planned)
    assert command in artifact("paris-2-migration-status")
    assert f"paris-2-plan-{number}-sql" in artifact(f"paris-2-plan-{number}")
    assert (tmp_path / "reports" / "paris-2" / f"plan-{number}.md").is_file()

    assert kind_of_end(deploy_schema(plan=number, **APPROVED, database="paris-2", return_state=True)) == "Completed"
    assert ("NOT_STARTED", "DEPLOYED") == (phase(berlin), phase(paris))
    with monkeypatch.context() as named:
        named.setenv("ARTWORK_DATABASE", "paris-2")
        assert "DEPLOYED" in printed("status")[1]
        copied = run_migration(return_state=True)
    assert "run-migration · switch-over · planned @ paris-2" == run_of(copied).name
    assert ("NOT_STARTED", "MIGRATED") == (phase(berlin), phase(paris))
    assert {"paris-2-accounts", "paris-2-migration-report"} <= keys()
    assert kind_of_end(pause(**APPROVED, return_state=True)) == "Completed"
    assert (1, 0) == tuple(shop.value("SELECT COUNT(*) FROM artwork_migration.pause") for shop in (berlin, paris))


def bare_commands(text: str) -> list[str]:
    """The commands about a database that lack the name of `paris-2`."""
    return re.findall(r"(?<!ARTWORK_DATABASE=paris-2 )artwork-migration (?:run|status|report|doctor)\b.{,40}", text)


@LONG
def test_each_command_has_the_name(make_shop: MakeShop, saved: Callable[[str, Shop], None], two: dict[str, Shop], tmp_path: Path) -> None:
    """No command in the end message, the log or a file of a run about a named database lacks the name; nor in a report written later."""
    del two  # named so that no other database is set
    saved("paris-2", make_shop(phase="DEPLOYED"))
    named: dict[str, Any] = {"database": "paris-2", "return_state": True}
    ends = [run_migration(**named), join_copy(**named), deploy_schema(**named), pause(**APPROVED, **named), pause(**APPROVED, **named)]
    ends += [resume(**APPROVED, **named), decide(DecisionName.REVIEWED, "1", **APPROVED, **named)]
    texts = {f"{number}: {kind_of_end(end)}": f"{message(end)}\n{end.message}" for number, end in enumerate(ends)}
    assert 3 <= sum("ARTWORK_DATABASE=paris-2 artwork-migration" in text for text in texts.values())
    folder = tmp_path / "reports" / "paris-2"
    (page,) = folder.rglob("report.html")
    assert "ARTWORK_DATABASE=paris-2 artwork-migration run decide" in page.read_text()
    page.unlink()
    with pytest.MonkeyPatch.context() as terminal:
        terminal.setenv("ARTWORK_DATABASE", "paris-2")
        assert 0 == printed("report")[0]
    texts |= {path.name: path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert {} == {where: bare for where, text in texts.items() if (bare := bare_commands(text))}


def test_a_name_without_a_block_is_refused(two: dict[str, Shop], monkeypatch: pytest.MonkeyPatch) -> None:
    """A name without a block is refused, although ARTWORK_DATABASE_URL has a database, and so it is on the command line."""
    monkeypatch.setenv("ARTWORK_DATABASE_URL", two["berlin"].url)
    state = deploy_schema(database="rome", return_state=True)
    assert ("Refused", 2) == (kind_of_end(state), exit_code(state))
    assert "No database `rome` is known" in message(state)
    monkeypatch.setenv("ARTWORK_DATABASE", "rome")
    assert (2, True) == ((told := printed("status"))[0], "No database `rome` is known" in told[1])


@pytest.mark.parametrize("name", ["postgresql://owner:geheim@db/shop", "../geheim", "geheim 2", " geheim", "geheim\\d"])
@first(1)
def test_what_is_no_name_is_not_shown(name: str, two: dict[str, Shop], monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be the name of a block is refused, and is in no message, name or tag of the run, nor on the command line."""
    del two  # named so that no other database is set
    state = deploy_schema(database=name, return_state=True)
    run = run_of(state)
    assert ("Refused", 2, "deploy-schema · refused") == (kind_of_end(state), exit_code(state), run.name)
    assert [] == [text for text in (message(state), str(state.message), run.name, *run.tags) if "geheim" in text]
    monkeypatch.setenv("ARTWORK_DATABASE", name)
    assert (2, False) == ((told := printed("status"))[0], "geheim" in told[1])


@LONG
def test_an_empty_field_of_a_deployment_is_the_default(two: dict[str, Shop], monkeypatch: pytest.MonkeyPatch) -> None:
    """In a run of a deployment an empty `database` means the default database, whatever ARTWORK_DATABASE is."""
    monkeypatch.setenv("ARTWORK_DATABASE_URL", two["berlin"].url)
    monkeypatch.setenv("ARTWORK_DATABASE", "paris-2")
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "a-deployment")
    planned = deploy_schema(return_state=True)
    assert f"deploy-schema · plan {number_in(planned)}" == run_of(planned).name
    assert (1, 0) == tuple(shop.value("SELECT COUNT(*) FROM artwork_migration.plan") for shop in two.values())


@pytest.fixture
def registered(prefect_server: PrefectServer, two: dict[str, Shop], monkeypatch: pytest.MonkeyPatch) -> Iterator[SyncPrefectClient]:
    """A client of the server at which everything is registered, with an address for notifications. Nothing of it is left behind."""
    del two  # named so that the blocks are there
    for name, value in prefect_server.environment.items():
        monkeypatch.setenv(name, value)  # of the program that deploys
    register(SecretStr("json://127.0.0.1:1/hook"))
    with get_client(sync_client=True) as client:
        yield client
        for deployment in client.read_deployments():
            client.delete_deployment(deployment.id)
        for automation in client.read_automations():
            client.delete_automation(automation.id)
        client.delete_work_pool("artwork-migration")
        ArtworkNotification.delete(NOTIFICATION)


def verifying(client: SyncPrefectClient) -> dict[str, tuple[str, bool, bool]]:
    """Of each deployment of `verify`: its database, whether it is paused, and whether its one schedule is active."""
    found = [deployment for deployment in client.read_deployments() if deployment.entrypoint.endswith(":verify")]
    schedules = {deployment.name: schedule for deployment in found for (schedule,) in [deployment.schedules]}
    return {each.name: (each.parameters.get("database", ""), each.paused, schedules[each.name].active) for each in found}


def to_do(check: str) -> str:
    """What a line of the doctor has to do."""
    return " ".join(line for found in examine() if found.check == check for line in found.to_do)


@LONG
def test_each_database_is_verified_and_watched(
    registered: SyncPrefectClient, saved: Callable[[str, Shop], None], two: dict[str, Shop]
) -> None:
    """Each named database has a daily verification and a notification of a day without one; the doctor names what is missing.

    A registration makes what is missing, nothing twice, and keeps what was paused.
    """
    both = {"verify": ("", False, True), "verify-paris-2": ("paris-2", False, True)}
    assert {**both, "verify-berlin": ("berlin", False, True)} == verifying(registered)
    registered.pause_deployment(registered.read_deployment_by_name("verify/verify-berlin").id)
    assert "deployment verify-berlin: it is paused" in to_do("schedule")

    saved("rome", two["berlin"])
    assert "deployment verify-rome: it does not exist. To fix: Run `artwork-migration register`" in to_do("schedule")
    assert '"Notify of a day without a verification @ rome": it is missing.' in to_do("automations")
    for _ in range(2):
        register()
        found = verifying(registered)
        assert {**both, "verify-berlin": ("berlin", True, True), "verify-rome": ("rome", False, True)} == {
            name: (database, paused, active or paused) for name, (database, paused, active) in found.items()
        }
    assert ("", False) == (to_do("automations"), "rome" in to_do("schedule"))
    made = [automation.name for automation in registered.read_automations()]
    assert (sorted(set(made)), 3) == (sorted(made), sum(" @ " in name for name in made))
    registered.pause_deployment(registered.read_deployment_by_name("verify/verify").id)
    (schedule,) = (line for line in examine() if line.check == "schedule")
    assert (True, "verify of the default database is paused") == (schedule.off, schedule.found.rpartition("; ")[2])
    assert ["deployment verify-berlin"] == [re.split(":", text)[0].strip("[] ") for text in schedule.to_do]
    paused = registered.read_deployment_by_name("verify/verify-rome")
    registered.update_deployment_schedule(paused.id, paused.schedules[0].id, active=False)
    registered.update_deployment_schedule(paused.id, paused.schedules[0].id, active=True)
    assert ("rome", False, True) == verifying(registered)["verify-rome"]


@pytest.mark.parametrize(
    ("run", "watched"),
    [("verify · day 2 · green", ""), ("verify · day 2 · red: live_differs @ berlin", "berlin"), ("verify @ rome", "rome")],
)
@LONG
def test_a_verification_counts_for_its_own_database(registered: SyncPrefectClient, run: str, watched: str) -> None:
    """A verification of one database ends the watch of that database, and of no other."""
    title = "Notify of a day without a verification"
    watching = {}
    for automation in automations(registered):
        if automation.name.startswith(title):
            assert isinstance(automation.trigger, EventTrigger)
            watching[automation.name.removeprefix(title).removeprefix(" @ ")] = automation.trigger.match
    ended = Resource.model_validate({"prefect.resource.id": "prefect.flow-run.1", "prefect.resource.name": run})
    assert {"", "berlin", "paris-2"} == set(watching)
    assert [watched] * (watched in watching) == [
        name for name, match in watching.items() if ResourceSpecification.model_validate(match.root).matches(ended)
    ]


@contextmanager
def worker(server: PrefectServer, name: str, log: Path) -> Iterator[None]:
    """A worker that executes one run at a time."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "artwork-migration", "--name", name, "--limit", "1"]
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment(server), cwd=log.parent, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


@EXHAUSTIVE
def test_two_databases_at_the_same_time(
    registered: SyncPrefectClient, prefect_server: PrefectServer, two: dict[str, Shop], make_shop: MakeShop, tmp_path: Path
) -> None:
    """Two workers copy and compare two databases at the same time, and plan the switches; neither run meets anything of the other."""
    shops = {name: make_shop(phase="DEPLOYED") for name in two}
    with ExitStack() as stack:
        for name, shop in shops.items():
            block(shop).save(name, overwrite=True)
            stack.enter_context(worker(prefect_server, f"beside-{shop.name}", tmp_path / f"{name}.log"))
        found = registered.read_deployment_by_name("run-migration/run-migration").id
        begun = {name: registered.create_flow_run_from_deployment(found, parameters={"database": name}).id for name in two}
        wait_until(lambda: all((state := registered.read_flow_run(run).state) and state.is_final() for run in begun.values()), every=1)
    runs = {name: registered.read_flow_run(run) for name, run in begun.items()}
    starts, ends = [run.start_time for run in runs.values()], [run.end_time for run in runs.values()]
    assert max(filter(None, starts)) < min(filter(None, ends)), "they were not at work together"
    for name, shop in shops.items():
        assert ("Completed", f"run-migration · switch-over · planned @ {name}") == (runs[name].state_name, runs[name].name)
        assert "MIGRATED" == phase(shop)
        assert {f"{name}-{key}" for key in ("migration-status", "accounts", "migration-report")} <= keys()
        (number,) = (found for (found,) in shop.rows("SELECT number FROM artwork_migration.plan WHERE verb = 'switch-over'"))
        assert {f"{name}-plan-{number}", f"{name}-plan-{number}-sql"} == {key for key in keys() if number in key}
        assert [name] == [folder.name for folder in (tmp_path / "reports").iterdir() if list(folder.glob(f"*{shop.name}*"))]
