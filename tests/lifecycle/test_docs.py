"""The commands of the README and the docs, one after the other, as an operator would type them."""

import os
import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from typer.main import get_command

from cli.app import app
from cli.prefect_server import SETTINGS, PrefectServer
from migration.ledger.phases import Phase
from reporting.accounts import read_accounts
from reporting.status import read_status
from tests.databases import Shop
from tests.documents import CLEAN_UP, COMMANDS, DOCUMENTS, PROGRAM, README, account_shown, commands, words_of
from tests.lifecycle.conftest import run
from tests.series import LONG

#: The README's steps, then every other command of the program, each once. test_up runs those that start and stop servers, test_clean_up
#: those that wait for 30 days.
STEPS = [command for command in commands(README) if command.startswith(PROGRAM) and command not in CLEAN_UP]
#: Commands that have a test of their own: they start servers, end them, examine them, do not end, or need another run at work.
ELSEWHERE = {*(f"artwork-migration {command}" for command in ("up", "down", "register", "doctor", "status --watch", "run join-copy"))}
OTHERS = [
    command
    for command in dict.fromkeys([*commands(DOCUMENTS["docs/decisions.md"]), *COMMANDS])
    if command.startswith(PROGRAM) and command not in {*STEPS, *CLEAN_UP, *ELSEWHERE}
]
#: What is run before the switch, in the folder that has the file of e-mails.
MOVES = [command for command in OTHERS if " move-customers " in command]
#: The headings of the account that the README shows; nothing is pending where no application writes.
SAMPLE_HEADINGS = set(account_shown()) - {"pending"}


@LONG
def test_the_commands_work_as_written(
    operated: Shop, prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each command of the docs ends with exit code 0, a plan with blockers with 1; after the roll-backs the dump is as it was.

    After migrate-data the account has the headings that the README shows, and the README's steps lead to SWITCHED. A plan's number is taken
    from the command before. All commands run in this process, because a new one imports for seconds; the tests of clean-up, of a killed run
    and of `up` start real ones.
    """
    del prefect_server  # named so that it runs
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)  # a command sets them for good where they are not set
    before = operated.schema_dump()
    migrated = STEPS.index("artwork-migration run migrate-data") + 1
    run_in_order(STEPS[:migrated])
    assert SAMPLE_HEADINGS <= {heading for heading, _ in read_accounts(operated.database).sum_rows}
    monkeypatch.chdir(tmp_path)
    Path("customers.txt").write_text(str(operated.value("SELECT customer_email FROM artworks_v2 LIMIT 1")), encoding="utf-8")
    run_in_order(MOVES)
    run_in_order(STEPS[migrated:])
    assert Phase.SWITCHED is read_status(operated.database).phase.phase
    run_in_order([command for command in OTHERS if command not in MOVES])
    assert before == operated.schema_dump()


def run_in_order(lines: list[str]) -> None:
    """Run each command line in this process; NUMBER stands for the number that the line before has printed."""
    number = ""
    for command in lines:
        with redirect_stdout(StringIO()) as output:
            code = get_command(app).main(words_of(command.replace("NUMBER", number)), standalone_mode=False)
        assert not code or (code == 1 and "\nBlocked\n" in output.getvalue()), f"{command}\n{output.getvalue()}"
        assert "Traceback" not in output.getvalue()
        if planned := re.search(r"Plan ([0-9a-f]{8}) of", output.getvalue()):
            number = planned.group(1)


@pytest.mark.parametrize(
    ("url", "code", "says"),
    [
        ("", 2, "No database is set."),
        ("mysql://user@host/shop", 2, "not for Postgres"),
        ("postgresql://nobody:geheim@127.0.0.1:1/shop", 3, "no server listens there"),
    ],
)
@LONG
def test_status_says_what_is_wrong(url: str, code: int, says: str, tmp_path: Path) -> None:
    """A database that is missing, no Postgres, or not there: one clear message, the exit code, no traceback and no password."""
    variables = {name: value for name, value in os.environ.items() if name != "ARTWORK_DATABASE_URL"}
    done = run("artwork-migration status", {**variables, "ARTWORK_DATABASE_URL": url} if url else variables, tmp_path)
    assert done.returncode == code
    assert says in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout + done.stderr
    assert "geheim" not in done.stdout + done.stderr
