"""The command line beside the verbs: what it refuses without Prefect, and what it does where no Prefect server is."""

import json
import os
from importlib.metadata import version
from pathlib import Path

import pytest

from cli.prefect_server import PrefectServer
from tests.conftest import MakeShop
from tests.databases import Shop
from tests.lifecycle.conftest import Alone, environment, point_to, printed, run
from tests.series import EXHAUSTIVE, LONG, first

DECISION = "artwork-migration run decide max_quarantined 5 --approved-by ada --reason test"
APPROVED = "--plan a0000000 --approved-by ada --reason test"


def no_server_was_started(folder: Path) -> bool:
    """Whether Prefect has no database in its folder: a server of its own makes one before anything else."""
    return not list((folder / "home").glob("*.db"))


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        ("run migrate-data", 1, "migrate-data runs in phase DEPLOYED or MIGRATED"),
        pytest.param("run roll-back --to MIGRATED", 1, "roll-back --to MIGRATED runs in phase SWITCHED", marks=EXHAUSTIVE),
        pytest.param("run deploy-schema --plan a0000000", 2, "requires approved_by and reason", marks=EXHAUSTIVE),
        ("run decide no_archive perhaps --approved-by ada --reason test", 2, "no_archive takes accepted or no"),
    ],
)
@first(1)
def test_what_prefect_is_not_needed_for_is_refused_without_it(  # noqa: PLR0917 (fixtures)
    command: str, code: int, says: str, shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A wrong phase and parameters that cannot be used are refused, once, although the Prefect server does not respond."""
    point_to(shop, monkeypatch, tmp_path)
    done = run(f"artwork-migration {command}", {**os.environ, "PREFECT_API_URL": "http://127.0.0.1:1/api"}, tmp_path)
    assert (code, 1, "") == (done.returncode, done.stdout.count(says), done.stderr), done.stdout


@pytest.mark.parametrize("command", ["status", pytest.param("run verify", marks=EXHAUSTIVE)])
def test_no_database_is_reported_without_a_server(command: str, alone: Alone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a database and without a server that could know one, the command is refused, and no server is started to ask."""
    monkeypatch.delenv("ARTWORK_DATABASE_URL", raising=False)
    done = alone(f"artwork-migration {command}")
    assert (2, True, "") == (done.returncode, "No database is set." in done.stdout, done.stderr)
    assert no_server_was_started(tmp_path)


@LONG
@pytest.mark.parametrize(
    ("address", "code", "says"),
    [
        ("", 2, "PREFECT_API_URL is not set"),
        (
            "http://ada:hidden@127.0.0.1:1/api",
            1,
            "Not everything could be registered at the Prefect server in PREFECT_API_URL. It does not respond.",
        ),
    ],
)
def test_a_registration_without_a_server_is_refused(address: str, code: int, says: str, tmp_path: Path) -> None:
    """Without a server, or where it does not respond, `register` says so and how to fix it, and shows no password."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    done = run("artwork-migration register", {**variables, "PREFECT_API_URL": address, "PREFECT_CLIENT_MAX_RETRIES": "0"}, tmp_path)
    assert (code, 1, "") == (done.returncode, done.stdout.count(says), done.stderr), done.stdout
    assert "To fix: " in done.stdout
    assert "hidden" not in done.stdout


@LONG
def test_a_verb_runs_without_a_server(alone: Alone, shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no Prefect server is, none is started: the ledger records the decision, and the next verb reads it.

    With --json the verb prints one document, and its steps on stderr.
    """
    point_to(shop, monkeypatch, tmp_path)
    decided = alone(DECISION)
    assert (0, "") == (decided.returncode, decided.stderr), decided.stdout
    assert "5" == shop.value("SELECT value FROM artwork_migration.decision WHERE name = 'max_quarantined'")
    planned = alone("artwork-migration run run-migration --json")
    end = json.loads(planned.stdout)
    assert ("Blocked", 1, "run-migration") == (end["end"], end["exit_code"], end["verb"])
    assert f"plan {end['plan']} has blockers" in end["message"]
    assert "make the plan: " in planned.stderr
    assert no_server_was_started(tmp_path)


@LONG
def test_a_refusal_is_printed_once(shop: Shop, prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The refusal of a verb that Prefect records is in its message alone, and not in Prefect's log on the terminal as well."""
    point_to(shop, monkeypatch, tmp_path)
    variables = {**environment(prefect_server), "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "WARNING"}
    done = run(f"artwork-migration run deploy-schema {APPROVED}", variables, tmp_path)
    assert (1, 1, "") == (done.returncode, done.stdout.count("plan a0000000 is outdated"), done.stderr), done.stdout


def test_the_status_and_its_errors_as_json(shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`status --json` has the phase and the commands that may be run next; an error is a document too, and not one that never ends."""
    point_to(shop, monkeypatch, tmp_path)
    code, text = printed("status --json")
    status = json.loads(text)
    assert (0, shop.name, "NOT_STARTED") == (code, status["database"], status["phase"]["phase"])
    assert [("artwork-migration run deploy-schema", True)] == [(step["command"], step["needs_approval"]) for step in status["next_steps"]]
    code, text = printed("status --json --watch")
    assert (2, 2, "Refused") == (code, json.loads(text)["exit_code"], json.loads(text)["end"])
    code, text = printed("report --json")
    assert (1, 1) == (code, json.loads(text)["exit_code"])


def test_the_next_step_as_json(make_shop: MakeShop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`status --json` has the one step that leads on; it is the first of those that may be run."""
    point_to(make_shop(phase="MIGRATED"), monkeypatch, tmp_path)
    status = json.loads(printed("status --json")[1])
    assert "artwork-migration run switch-over" == status["next_step"]["command"]
    assert (status["next_step"], 3) == (status["next_steps"][0], len(status["next_steps"]))


def test_the_version() -> None:
    """`--version` prints the version of the package, and nothing else."""
    assert (0, f"{version('artwork-migration')}\n") == printed("--version")
