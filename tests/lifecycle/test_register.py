"""`register` at a server that asks who its clients are, that other teams use, or that cannot be used."""

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, PREFECT_HOME
from prefect.settings.context import temporary_settings

from cli.notifications import NOTIFICATION, recipient, undelivered
from cli.prefect_server import PrefectServer
from cli.registration import ROOT, NotRegistered, register
from flows import end_of
from sample.server import EmbeddedServer
from tests.lifecycle.conftest import environment, printed, run
from tests.series import LONG
from tests.waiting import wait_until

#: What clients of the server must know, and nobody else may see.
SECRET = "ada:word-of-the-server-6c1d"  # noqa: S105 (of nobody)
DEPLOYMENTS = sorted(
    entry["name"] for entry in yaml.safe_load((ROOT / "flows" / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
)
REGISTER = "artwork-migration register"


@pytest.fixture(scope="module")
def locked(server: EmbeddedServer) -> Iterator[PrefectServer]:
    """A Prefect server that answers only those who know the secret; the settings of this process do not have it."""
    server.create_database("locked_prefect")
    with tempfile.TemporaryDirectory(prefix="locked") as folder, pytest.MonkeyPatch.context() as environ:
        environ.setenv("PREFECT_SERVER_API_AUTH_STRING", SECRET)
        with PrefectServer(server.url("locked_prefect"), Path(folder)) as running:
            environ.delenv("PREFECT_SERVER_API_AUTH_STRING")
            with temporary_settings(updates={PREFECT_API_URL: running.api_url, PREFECT_HOME: folder}):
                yield running
    server.drop_database("locked_prefect")


@pytest.fixture
def known(locked: PrefectServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[PrefectServer]:
    """The same server; this process and its programs know the secret."""
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", SECRET)
    with temporary_settings(updates={PREFECT_API_AUTH_STRING: SECRET}):
        yield locked


def ask(server: PrefectServer, path: str, **question: object) -> Any:
    """What the API answers to a client that knows the secret."""
    name, _, word = SECRET.partition(":")
    return httpx.post(f"{server.api_url}{path}", json=question, auth=(name, word), timeout=60).raise_for_status().json()


def registered(server: PrefectServer, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """`artwork-migration register` as a program."""
    return run(REGISTER, {**environment(server), "COLUMNS": "200", **variables}, folder)


@LONG
def test_a_server_that_asks_who_we_are(known: PrefectServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With PREFECT_API_AUTH_STRING everything is registered, and `status` and `doctor` know whether notifications arrive.

    Without it, `register` and `doctor` name the settings, and nobody prints the secret.
    """
    done = registered(known, tmp_path, ARTWORK_NOTIFY_URL="json://127.0.0.1:1/hook")
    assert 0 == done.returncode, done.stdout
    assert DEPLOYMENTS == sorted(found["name"] for found in ask(known, "/deployments/filter"))
    assert f"the address that the block {NOTIFICATION} keeps" in recipient(None, known.api_url)

    monkeypatch.setenv("ARTWORK_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/shop")
    assert end_of("verify", recorded=True).is_failed()  # of which a notification cannot be delivered
    wait_until(lambda: undelivered(known.api_url, REGISTER) is not None, every=0.5)
    lines = {line[2:20].strip(): line for line in printed("doctor")[1].splitlines()}
    assert lines["Prefect API"].startswith(f"✓ Prefect API        {known.api_url}, Prefect 3.")
    assert f"Correct ARTWORK_NOTIFY_URL, then run `{REGISTER}`." in lines["notifications"]

    monkeypatch.delenv("PREFECT_API_AUTH_STRING")
    refused = registered(known, tmp_path)
    assert (1, True) == (refused.returncode, "It does not accept this client." in refused.stdout), refused.stdout
    assert "To fix: set PREFECT_API_AUTH_STRING or PREFECT_API_KEY" in refused.stdout
    with temporary_settings(restore_defaults={PREFECT_API_AUTH_STRING}):
        assert undelivered(known.api_url, REGISTER) is None
        assert "it does not accept this client. To fix: Set PREFECT_API_AUTH_STRING" in printed("doctor")[1]
    said = done.stdout + done.stderr + refused.stdout + refused.stderr
    assert SECRET.partition(":")[2] not in said


@LONG
def test_what_other_teams_have_stays(known: PrefectServer, tmp_path: Path) -> None:
    """A second registration names our deployments only, and leaves others as they are, paused or not, also beside a flow of our name."""
    made = [ask(known, "/flows/", name=name)["id"] for name in ("verify", "other")]
    for number, flow in enumerate(made * 2):
        name, schedule = f"of-another-team-{number}", {"schedule": {"cron": "0 5 * * *"}, "active": number < 2}
        ask(known, "/deployments/", name=name, flow_id=flow, paused=number < 2, tags=["another-team"], schedules=[schedule])
    trigger = {"type": "event", "posture": "Reactive", "expect": ["prefect.flow-run.Failed"], "threshold": 1}
    ask(known, "/automations/", name="of another team", trigger=trigger, actions=[{"type": "do-nothing"}])

    def theirs() -> list[Any]:
        deployments = ask(known, "/deployments/filter", deployments={"tags": {"all_": ["another-team"]}}, sort="NAME_ASC")
        automations = [found for found in ask(known, "/automations/filter") if found["name"] == "of another team"]
        # the time at which the server last looked at a deployment's schedule or worker is its own matter
        return [
            {key: value for key, value in found.items() if key not in ("updated", "last_polled", "status")}
            for found in deployments + automations
        ]

    before = theirs()
    done = registered(known, tmp_path)
    assert 0 == done.returncode, done.stdout
    (named,) = (line for line in done.stdout.splitlines() if line.startswith("deployments"))
    assert DEPLOYMENTS == sorted(named.removeprefix("deployments").strip().split(", "))
    assert (5, before) == (len(before), theirs())
    pools = [found["name"] for found in ask(known, "/work_pools/filter")]
    assert ["artwork-migration"] == pools


@contextmanager
def answering(answers: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """A server with these answers by path, and 500 to everything else; its host and port, and the requests that it got."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.command} {self.path}")
            body = json.dumps(answers.get(self.path, {})).encode()
            self.send_response(200 if self.path in answers else 500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


@LONG
def test_a_server_of_another_version_is_refused(tmp_path: Path) -> None:
    """With another major version of Prefect, `register` names both versions and asks the server for nothing else; so does `doctor`."""
    with answering({"/api/health": True, "/api/admin/version": "2.20.0"}) as (host, asked):
        variables = {**os.environ, "PREFECT_API_URL": f"http://{host}/api", "COLUMNS": "200", "PREFECT_HOME": str(tmp_path)}
        done = run(REGISTER, variables, tmp_path)
        assert (1, ["GET /api/admin/version"]) == (done.returncode, asked), done.stdout
        assert "It has Prefect 2.20.0, and this program uses Prefect 3." in done.stdout
        with temporary_settings(updates={PREFECT_API_URL: f"http://{host}/api"}):
            assert f"http://{host}/api: it has Prefect 2.20.0" in printed("doctor")[1]


def test_a_deployment_that_fails_prints_no_password(known: PrefectServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of what `prefect deploy` prints has the address of the server without the user and the password in it."""
    del known  # named so that it runs: what comes before the deployments succeeds there
    with answering({}) as (host, asked):
        monkeypatch.setenv("PREFECT_API_URL", f"http://ada:hidden@{host}/api")
        with pytest.raises(NotRegistered) as refused:
            register()
    assert asked
    assert f"http://{host}/api" in str(refused.value)
    assert "hidden" not in str(refused.value)
