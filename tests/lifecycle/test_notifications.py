"""The automations of automations.yaml: what each of them notifies of, and what happens if nobody can be notified."""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta

import httpx
import pytest
import yaml
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.states import Crashed
from pydantic import SecretStr

from cli.notifications import undelivered
from cli.prefect_server import PrefectServer
from cli.registration import NOTIFICATION, ROOT, automations, register_automations
from flows.deploy_schema import deploy_schema
from flows.verify import verify
from tasks.ends import plan_named
from tasks.notification_block import ArtworkNotification
from tests.databases import Shop, accept_exposure
from tests.lifecycle.conftest import Alone
from tests.lifecycle.receivers import Received, mail_server, webhook
from tests.series import EXHAUSTIVE
from tests.waiting import wait_until

#: A part of an address that must not be shown anywhere.
SECRET = "canary-5e81d0"  # noqa: S105 (of nobody)
NAMES = {entry["name"] for entry in yaml.safe_load((ROOT / "automations.yaml").read_text(encoding="utf-8"))}


@pytest.fixture
def client(prefect_server: PrefectServer) -> Iterator[SyncPrefectClient]:
    """A client of the server, on which no automation is left behind."""
    del prefect_server  # named so that it runs
    with get_client(sync_client=True) as made:
        ArtworkNotification.register_type_and_schema()
        yield made
        for automation in made.read_automations():
            made.delete_automation(automation.id)
        with suppress(ValueError):  # a test that keeps no address
            ArtworkNotification.delete(NOTIFICATION)


@pytest.fixture
def hook(client: SyncPrefectClient) -> Iterator[Received]:
    """A webhook that the automations notify."""
    with webhook() as received:
        register_automations(client, SecretStr(f"json://127.0.0.1:{received.port}/{SECRET}"))
        yield received


def arrives(received: Received, *parts: str) -> None:
    """Wait for a message that has these parts."""
    wait_until(lambda: any(all(part in message for part in parts) for message in received), every=0.2)


def test_a_red_verification_and_the_end_of_the_window(client: SyncPrefectClient, switched: Shop) -> None:
    """On day 29 a red verification is reported to a webhook and by mail, with the red rule; and that the window ends."""
    with ExitStack() as stack:
        posted, mailed = stack.enter_context(webhook()), stack.enter_context(mail_server())
        mail = f"mailto://127.0.0.1:{mailed.port}?from=migration@shop.example&to=ada@shop.example"
        register_automations(client, SecretStr(f"json://127.0.0.1:{posted.port}/{SECRET}, {mail}"))
        assert NAMES == {automation.name for automation in client.read_automations()}
        switched.sql.execute("UPDATE artwork_migration.phase_history SET ended_at = ended_at - INTERVAL '28 days 1 hour'")
        switched.sql.execute("DROP INDEX artworks_user_id_idx")
        assert verify(return_state=True).is_failed()
        for received in (posted, mailed):
            arrives(received, "verify · day 29 · red: ", "The verification is not green", "queries_on_index")
            arrives(received, "verify · day 29 · red: ", "the safety window of 30 days ends")


@EXHAUSTIVE
def test_a_plan_that_waits_and_a_run_that_crashed(hook: Received, client: SyncPrefectClient, operated: Shop) -> None:
    """A plan without blockers is reported with its number and the command; a run of ours that crashed, with what that means.

    A second registration makes no second automation, and keeps one that an operator has disabled.
    """
    accept_exposure(operated)
    number = plan_named(deploy_schema(return_state=True))
    arrives(hook, f"deploy-schema · plan {number} · waits for approval", f"run deploy-schema --plan {number}")
    run = client.create_flow_run(flow(name="migrate-data")(print), name="migrate-data", tags=["artwork-migration"])
    client.set_flow_run_state(run.id, Crashed(), force=True)
    arrives(hook, "migrate-data · crashed", "start it again; it resumes")
    assert 2 == len(hook)

    (waiting,) = client.read_automations_by_name("Notify of a plan that waits for approval")
    client.pause_automation(waiting.id)
    register_automations(client, SecretStr(f"json://127.0.0.1:{hook.port}/elsewhere"))
    assert len(NAMES) == len(client.read_automations())
    assert [False] == [found.enabled for found in client.read_automations_by_name(waiting.name)]


@EXHAUSTIVE
def test_a_day_without_a_verification(hook: Received, client: SyncPrefectClient) -> None:
    """If no verification ends within the time of the automation, it is reported; here that is ten seconds."""
    (missing,) = (automation for automation in automations(client) if automation.name == "Notify of a day without a verification")
    assert timedelta(hours=26) == missing.trigger.within
    missing.trigger.within = timedelta(seconds=10)
    client.create_automation(missing.model_copy(update={"name": "test"}))
    arrives(hook, "verify · missing for a day", "artwork-migration doctor")


def test_an_address_that_fails_harms_no_run(client: SyncPrefectClient, prefect_server: PrefectServer, operated: Shop) -> None:
    """The run ends as it would without it; the status says so; the address is in no log, event, automation or block that can be read."""
    register_automations(client, SecretStr(f"json://nobody:{SECRET}@127.0.0.1:1/{SECRET}"))
    accept_exposure(operated)
    assert deploy_schema(return_state=True).is_completed()
    wait_until(lambda: undelivered(prefect_server.api_url) is not None, every=0.2)
    assert "could not be delivered. No run was harmed. To fix: Correct ARTWORK_NOTIFY_URL" in str(undelivered(prefect_server.api_url))
    kept = [
        httpx.post(f"{prefect_server.api_url}/{kind}/filter", json={}).raise_for_status().text
        for kind in ("events", "automations", "block_documents", "logs")
    ]
    shown = [prefect_server.log.read_text(errors="replace"), *kept]
    assert "automation.action.failed" in shown[1]
    assert NOTIFICATION in shown[3]
    assert [] == [text[:60] for text in shown if SECRET in text]


def test_an_address_that_cannot_be_read_is_refused(alone: Alone, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Apprise cannot read is bad input before `up` starts anything, and nobody prints it."""
    monkeypatch.setenv("ARTWORK_NOTIFY_URL", f"json://127.0.0.1/hook, nonsense://{SECRET}")
    done = alone("artwork-migration up")
    assert (2, True) == (done.returncode, "ARTWORK_NOTIFY_URL cannot be read. Nothing was changed." in done.stdout)
    assert SECRET not in done.stdout + done.stderr


def test_no_block_type_shows_a_picture_from_elsewhere(client: SyncPrefectClient, prefect_server: PrefectServer) -> None:
    """No type of block that we register has a picture, or leads away from the server."""
    del client  # which registers it
    kinds = httpx.post(f"{prefect_server.api_url}/block_types/filter", json={}).raise_for_status().json()
    (ours,) = (kind for kind in kinds if kind["slug"] == "artwork-notification")
    assert (None, None) == (ours["logo_url"], ours["documentation_url"])
