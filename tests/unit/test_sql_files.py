"""Every SQL file says what it does, why, and what it locks; what is created can be taken away."""

import re
from pathlib import Path

import pytest

import sql
from migration.plans.plan import STAGES

FILES = sorted(path.relative_to(sql.ROOT).as_posix().removesuffix(".sql") for path in sql.ROOT.rglob("*.sql"))
DEPLOY = [name for name in FILES if name.startswith("deploy_schema/") and not name.endswith(".undo")]


def test_there_are_files() -> None:
    """Each list that the tests of this file are made from has files."""
    assert len(FILES) > 50
    assert len(DEPLOY) > 15


@pytest.mark.parametrize("name", FILES)
def test_the_header_says_what_why_and_locks(name: str) -> None:
    """The header of each file has What, Why and Locks, each in whole sentences."""
    header = sql.load(name).header
    assert [] == [key for key in ("what", "why", "locks") if len(header.get(key, "")) < 4]
    assert [] == [key for key in ("what", "why") if not header[key].endswith((".", ")"))]


@pytest.mark.parametrize("name", FILES)
def test_the_header_holds_nothing_but_its_keys(name: str) -> None:
    """A header has no key but the known ones, because a misspelt one would be ignored."""
    assert set() == set(sql.load(name).header) - {"what", "why", "inverse", "locks", "stage", "remedy"}


@pytest.mark.parametrize("name", FILES)
def test_the_name_is_legal_and_the_statement_is_there(name: str) -> None:
    """A file's name has lower case, digits and underscores; a statement follows its header."""
    assert re.fullmatch(r"([a-z_]+/)*[a-z0-9_]+(\.rows|\.undo)?", name)
    statement = sql.load(name).statement
    assert statement
    assert not statement.startswith("--")
    assert "\t" not in sql.load(name).text


@pytest.mark.parametrize("name", DEPLOY)
def test_a_deployment_s_file_has_a_stage(name: str) -> None:
    """Each file of a deployment has a stage that the plan knows."""
    assert sql.load(name).header["stage"] in STAGES


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".undo")])
def test_an_undo_has_its_do(name: str) -> None:
    """A statement and its undo name each other in their headers."""
    do = name.removesuffix(".undo")
    assert do in FILES
    assert Path(f"{name}.sql").name in sql.load(do).header["inverse"]
    assert Path(f"{do}.sql").name in sql.load(name).header["inverse"]


@pytest.mark.parametrize("name", [name for name in DEPLOY if not name.endswith(".rows")])
def test_what_is_created_is_taken_away_or_the_header_says_by_what(name: str) -> None:
    """A file that creates something has an undo, or its header says what takes it away."""
    file = sql.load(name)
    if re.search(r"\b(CREATE|ALTER|GRANT|COMMENT)\b", re.sub(r"--.*", "", file.statement)):
        assert sql.exists(f"{name}.undo") or ".undo.sql" in file.header["inverse"]
    else:
        assert file.header["inverse"]


@pytest.mark.parametrize("name", [name for name in DEPLOY if not name.endswith(".rows") and sql.exists(f"{name}.undo")])
def test_an_undo_drops_every_object_that_its_do_creates(name: str) -> None:
    """Table by table, function by function: without CASCADE, so that a forgotten one would be noticed only in a roll-back. What creates
    nothing is undone by the same words."""
    do, undo = sql.load(name).statement, sql.load(f"{name}.undo").statement
    created = re.findall(r"^CREATE (TABLE|VIEW|FUNCTION|TRIGGER) (?:IF NOT EXISTS )?([\w.]+)", do, re.MULTILINE)
    assert created or do == undo
    assert [] == [f"{kind} {thing}" for kind, thing in created if not re.search(rf"DROP {kind} (IF EXISTS )?{re.escape(thing)}\b", undo)]
    assert "CASCADE" not in undo


@pytest.mark.parametrize("name", [name for name in DEPLOY if name.endswith(".rows")])
def test_a_query_for_statements_answers_do_and_undo(name: str) -> None:
    """A query for statements returns what is done and what undoes it."""
    statement = sql.load(name).statement
    assert '"do"' in statement
    assert re.search(r"\bundo\b", statement)


def test_the_numbers_of_a_deployment_are_no_two_alike() -> None:
    """No two files of a deployment have one number, because the order of the files is the order of the statements."""
    numbers = [re.match(r"deploy_schema/(\d+)_", name) for name in DEPLOY]
    assert all(numbers)
    assert len(DEPLOY) == len({number[1] for number in numbers if number})


def test_a_folder_is_read_in_its_order_without_the_undos() -> None:
    """A folder is read in the order of its numbers, without the undo files."""
    assert [name for name in FILES if name in set(DEPLOY)] == [file.name for file in sql.folder("deploy_schema")]


def test_a_file_that_is_not_there_is_an_error() -> None:
    """Loading a file that does not exist raises an error."""
    assert not sql.exists("deploy_schema/nothing")
    with pytest.raises(FileNotFoundError):
        sql.load("deploy_schema/nothing")


def test_a_header_goes_on_in_the_next_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An indented line of a header belongs to the key above it, and the statement begins after the header."""
    monkeypatch.setattr(sql, "ROOT", tmp_path)
    (tmp_path / "07_a_rule.rows.sql").write_text("-- What: one\n--   and two.\n-- Locks: none.\n\nSELECT 1\n-- a remark\n")
    sql.load.cache_clear()
    file = sql.load("07_a_rule.rows")
    sql.load.cache_clear()
    assert {"what": "one and two.", "locks": "none."} == file.header
    assert "SELECT 1\n-- a remark" == file.statement
    assert "a_rule" == file.rule
