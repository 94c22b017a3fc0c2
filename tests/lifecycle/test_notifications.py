"""The automations of `cli/automations.yaml`: what each of them notifies of, and what happens if nobody can be notified."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta

import httpx
import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.states import Crashed
from pydantic import SecretStr

from cli.notifications import NOTIFICATION, recipient, undelivered
from cli.prefect_server import PrefectServer
from cli.registration import ROOT, automations, register_automations
from flows import end_of
from flows.deploy_schema import deploy_schema
from flows.verify import verify
from tasks.ends import plan_named
from tasks.notification_block import ArtworkNotification
from tests.databases import Shop, accept_exposure
from tests.lifecycle.conftest import Alone, printed
from tests.lifecycle.receivers import Received, mail_server, webhook
from tests.lifecycle.runs import run_of
from tests.series import EXHAUSTIVE, LONG
from tests.waiting import wait_until

#: A part of an address that must not be shown anywhere.
SECRET = "canary-5e81d0"  # noqa: S105 (of nobody)
#: What saves an address at a server that `up` has not started.
REGISTER = "artwork-migration register"
NAMES = {entry["name"] for entry in yaml.safe_load((ROOT / "cli" / "automations.yaml").read_text(encoding="utf-8"))}


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


@LONG
def test_a_red_verification_and_the_end_of_the_window(client: SyncPrefectClient, switched: Shop) -> None:
    """On day 29 a red verification is reported as a failure to a webhook and by mail, with the red rule; and that the window ends."""
    with ExitStack() as stack:
        posted, mailed = stack.enter_context(webhook()), stack.enter_context(mail_server())
        mail = f"mailto://127.0.0.1:{mailed.port}?from=migration@shop.example&to=ada@shop.example"
        register_automations(client, SecretStr(f"json://127.0.0.1:{posted.port}/{SECRET}, {mail}"))
        assert NAMES == {automation.name for automation in client.read_automations()}
        switched.sql.execute("UPDATE artwork_migration.phase_history SET ended_at = ended_at - INTERVAL '28 days 1 hour'")
        switched.sql.execute("DROP INDEX artworks_user_id_idx")
        assert verify(return_state=True).is_failed()
        for received, failure, information in ((posted, "[failure] ", "[info] "), (mailed, "", "")):
            arrives(received, f"{failure}verify · day 29 · red: ", "The clean table serves", "queries_on_index")
            arrives(
                received,
                f"{information}verify · day 29 · red: ",
                "the safety window of 30 days ends",
                "unless the newest verification is green",
            )
            assert 2 == len(received)


@LONG
def test_a_verification_that_could_not_run(
    hook: Received, client: SyncPrefectClient, operated: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A verification without a database is reported as such, not as red, and nothing is said about the data.

    If its process is killed, that is reported too, although it was begun without a deployment. A block that was deleted and made anew is
    the one to which the automations send.
    """
    ArtworkNotification.delete(NOTIFICATION)
    register_automations(client, SecretStr(f"json://127.0.0.1:{hook.port}/anew"))
    monkeypatch.setenv("ARTWORK_DATABASE_URL", operated.url.replace(operated.name, "nowhere"))
    state = end_of("verify", recorded=True)
    arrives(hook, "[warning] verify · ", "could not verify", "So it says nothing about them")
    client.set_flow_run_state(run_of(state).id, Crashed(), force=True)
    arrives(hook, "[failure] verify · ", "· crashed", "start it again; it resumes")
    assert [] == [message for message in hook if "red" in message or "serves" in message]
    assert 2 == len(hook)


@EXHAUSTIVE
def test_a_plan_that_waits(hook: Received, client: SyncPrefectClient, operated: Shop) -> None:
    """A plan without blockers is reported with its number and the command.

    A second registration makes no second automation, and keeps one that an operator has disabled.
    """
    accept_exposure(operated)
    number = plan_named(deploy_schema(return_state=True))
    arrives(hook, f"deploy-schema · plan {number} · waits for approval", f"run deploy-schema --plan {number}")
    assert 1 == len(hook)

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
    arrives(hook, "[warning] verify · missing for a day", "Nothing is known about the data since then", "artwork-migration doctor")


@LONG
def test_an_address_that_fails_harms_no_run(
    client: SyncPrefectClient, prefect_server: PrefectServer, operated: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends as it would without it; `status` says so; the address is in no log, event, automation or block that can be read.

    Once the address is corrected, the failure of the former one is not reported any more. If it is deleted, nothing is.
    """
    register_automations(client, SecretStr(f"json://nobody:{SECRET}@127.0.0.1:1/{SECRET}"))
    accept_exposure(operated)
    assert deploy_schema(return_state=True).is_completed()
    assert "the address that the block artwork-notification keeps; to end them, delete" in recipient(None, prefect_server.api_url)
    wait_until(lambda: undelivered(prefect_server.api_url, REGISTER) is not None, every=0.2)
    assert "could not be delivered. No run was harmed. To fix: Correct ARTWORK_NOTIFY_URL" in str(
        undelivered(prefect_server.api_url, REGISTER)
    )
    kept = [
        httpx.post(f"{prefect_server.api_url}/{kind}/filter", json={}).raise_for_status().text
        for kind in ("events", "automations", "block_documents", "logs")
    ]
    shown = [prefect_server.log.read_text(errors="replace"), *kept]
    assert "automation.action.failed" in shown[1]
    assert NOTIFICATION in shown[3]
    assert [] == [text[:60] for text in shown if SECRET in text]
    monkeypatch.setenv("PREFECT_API_URL", prefect_server.api_url)
    code, text = printed("status --json")
    status = json.loads(text)
    assert (0, prefect_server.ui_url) == (code, status["prefect_ui"])
    assert status["notifications"].endswith(f"No run was harmed. To fix: Correct ARTWORK_NOTIFY_URL, then run `{REGISTER}`.")

    register_automations(client, SecretStr(f"json://127.0.0.1:1/{SECRET}"))
    assert undelivered(prefect_server.api_url, REGISTER) is None
    ArtworkNotification.delete(NOTIFICATION)
    assert "none; ARTWORK_NOTIFY_URL sets an address" == recipient(None, prefect_server.api_url)


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
