"""The README's runbook, command by command, as an operator would type it."""

import os
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from typer.main import get_command, get_group

from cli.app import app
from cli.app import run as verbs_app
from cli.prefect_server import SETTINGS, PrefectServer
from tests.shops import Shop

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL) for line in block.splitlines() if line.strip()
]
#: test_up runs the two that start and stop servers, test_clean_up those that wait for 30 days.
OURS = [
    command
    for command in COMMANDS
    if command.startswith("artwork-migration ") and command.split()[1] not in ("up", "down") and " clean-up" not in command
]


def test_the_runbook_has_every_command() -> None:
    """Each command line, but for the demo that make runs; and each verb that takes a plan's number also with one."""
    verbs = get_group(verbs_app).commands
    commands = {*get_group(app).commands, *(f"run {verb}" for verb in verbs)} - {"demo", "run"}
    typed = [shlex.split(command)[1:] for command in COMMANDS if command.startswith("artwork-migration ")]
    assert commands == {" ".join(words[: 2 if words[0] == "run" else 1]) for words in typed}
    with_a_plan = {name for name, verb in verbs.items() if "plan" in {parameter.name for parameter in verb.params}}
    assert with_a_plan == {words[1] for words in typed if "--plan" in words}


def run(command: str, variables: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).parent / "artwork-migration")
    return subprocess.run([program, *shlex.split(command)[1:]], env=variables, cwd=folder, capture_output=True, text=True, check=False)


def test_the_runbook_works_as_written(operated: Shop, prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command of the README ends with exit code 0, the plan's number taken from the command before, and the dump is as it was.

    All in this process, because a new one imports for seconds; the tests of clean-up, of a killed run and of `up` start real ones.
    """
    del prefect_server  # named so that it runs
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)  # a command sets them for good where they are not set
    before = operated.schema_dump()
    number = ""
    for command in OURS:
        with redirect_stdout(StringIO()) as said:
            code = get_command(app).main(shlex.split(command.replace("NUMBER", number))[1:], standalone_mode=False)
        assert not code, f"{command}\n{said.getvalue()}"
        assert "Traceback" not in said.getvalue()
        if planned := re.search(r"Plan ([0-9a-f]{8}) of", said.getvalue()):
            number = planned.group(1)
    assert before == operated.schema_dump()


@pytest.mark.parametrize(
    ("url", "code", "says"),
    [
        ("", 2, "ARTWORK_DATABASE_URL is not set"),
        ("mysql://user@host/shop", 2, "not for Postgres"),
        ("postgresql://nobody:geheim@127.0.0.1:1/shop", 3, "nobody listens there"),
    ],
)
def test_status_says_what_is_wrong(url: str, code: int, says: str, tmp_path: Path) -> None:
    """A database that is missing, no Postgres, or not there: one clear message, the exit code, no traceback and no password."""
    variables = {name: value for name, value in os.environ.items() if name != "ARTWORK_DATABASE_URL"}
    done = run("artwork-migration status", {**variables, "ARTWORK_DATABASE_URL": url} if url else variables, tmp_path)
    assert done.returncode == code
    assert says in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout + done.stderr
    assert "geheim" not in done.stdout + done.stderr
