"""A run is about the database in its form. ARTWORK_DATABASE is a setting of the command line, and a name shows no URL."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import worker
from cli.processes import Service
from migration.errors import BadInput
from migration.settings import commands_about, read_settings
from tasks.connection_block import chosen, chosen_database, database_of_run, for_terminal
from tasks.run_names import RunName

CANARY = "pa55word-of-nobody"
NO_NAMES = [f"postgresql://owner:{CANARY}@db/shop", f" {CANARY}", f"{CANARY}\\d", f"{CANARY}\n", f"../{CANARY}", CANARY.upper(), " "]


@pytest.fixture(autouse=True)
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither setting of the database is set."""
    monkeypatch.delenv("ARTWORK_DATABASE", raising=False)
    monkeypatch.delenv("ARTWORK_DATABASE_URL", raising=False)


def test_the_setting_counts_on_the_command_line_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty field means ARTWORK_DATABASE on the command line, and the default database in a run of a deployment."""
    assert "" == database_of_run("")
    monkeypatch.setenv("ARTWORK_DATABASE", "berlin")
    assert ("berlin", "paris-2") == (database_of_run(""), database_of_run("paris-2"))
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "a-deployment")
    assert ("", "paris-2") == (database_of_run(""), database_of_run("paris-2"))


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Service]:
    """The service of a worker; it ends with the test."""
    made = Service(tmp_path, "worker")
    yield made
    made.stop()


def test_the_worker_of_up_does_not_have_the_setting(started: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The terminal's ARTWORK_DATABASE is not copied to the worker, and a worker that has it is started again without it."""
    for name, value in {"ARTWORK_DATABASE": "berlin", "ARTWORK_BATCH_SIZE": "7", "ARTWORK_REPORTS": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(worker, "_polls", lambda _: True)
    monkeypatch.setattr(sys, "executable", "/bin/sleep")
    started.start(["/bin/sleep", "600"], {}, lambda: True)
    with_it = started.find()
    assert with_it is not None
    assert "berlin" == started.variable("ARTWORK_DATABASE")

    launched: list[list[str]] = []
    start = started.start

    def slept(command: list[str], *arguments: object, **options: object) -> None:
        launched.append(command)
        start(["/bin/sleep", "600"], *arguments, **options)  # type: ignore[arg-type]  # what `ensure_worker` gives

    monkeypatch.setattr(started, "start", slept)
    for _ in range(2):  # the second time it has the right settings
        worker.ensure_worker(started, {}, {"ARTWORK_REPORTS": str(tmp_path)}, lambda *_: None)
    assert (1, None, "7") == (len(launched), started.variable("ARTWORK_DATABASE"), started.variable("ARTWORK_BATCH_SIZE"))
    assert "berlin" == os.environ["ARTWORK_DATABASE"]


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_is_no_name_is_refused_and_not_shown(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be the name of a block is refused before anything is named after it, in a form and in the settings."""
    with pytest.raises(BadInput) as caught:
        database_of_run(name)
    monkeypatch.setenv("ARTWORK_DATABASE", name)
    with pytest.raises(BadInput, match="ARTWORK_DATABASE") as in_settings:
        read_settings()
    assert [] == [error for error in (caught, in_settings) if CANARY.lower() in str(error.value).lower()]


def test_the_default_block_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """`artwork-database` is the default database where ARTWORK_DATABASE_URL is not set; where it is set, the name is refused."""
    assert "" == database_of_run("artwork-database")
    monkeypatch.setenv("ARTWORK_DATABASE", "artwork-database")
    assert ("", None) == (database_of_run(""), read_settings().database)
    monkeypatch.delenv("ARTWORK_DATABASE")
    monkeypatch.setenv("ARTWORK_DATABASE_URL", f"postgresql://owner:{CANARY}@db/shop")
    with pytest.raises(BadInput, match="leave `database` empty") as caught:
        database_of_run("artwork-database")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("command", ["run decide reviewed 3", "status", "report", "doctor --json"])
def test_a_command_has_the_name_once(command: str) -> None:
    """Each command about the database begins with its name, also where it had one; without a name the text stays."""
    bare, full = f"(`artwork-migration {command}`)", f"(`ARTWORK_DATABASE=berlin artwork-migration {command}`)"
    assert (full, full) == (commands_about("berlin", bare), commands_about("berlin", full))
    assert (bare, bare) == (commands_about("", bare), commands_about(None, bare))
    others = "artwork-migration up, artwork-migration 1.2, artwork-migration runs"
    assert others == commands_about("berlin", others)


def test_a_long_name_is_shown_whole() -> None:
    """The name of a run ends in the whole name of its database, by which an automation knows it."""
    name = "b" * 60
    with chosen(name):
        assert (f"verify @ {name}", name) == (RunName("verify", {}).with_end(), chosen_database())
        assert f"ARTWORK_DATABASE={name} artwork-migration status" == for_terminal("artwork-migration status")
