"""Every SQL file says what it does, why, and what it locks; what is created can be taken away."""

import inspect
import re
from collections import Counter
from pathlib import Path

import pytest

import sql
from migration.plans.plan import STAGES
from migration.verbs import switch_over
from sql import SqlFile

FILES = sql.everything()
PATHS = sorted(sql.ROOT.rglob("*.sql"))
DEPLOY = sql.folder("deploy_schema")
UNDONE = [file for file in FILES if file.undo]
CREATED = re.compile(r"^CREATE (?:OR REPLACE )?(TABLE|VIEW|FUNCTION|TRIGGER|SCHEMA) (?:IF NOT EXISTS )?([\w.]+)", re.MULTILINE)
DROPPED = re.compile(r"^DROP (TABLE|VIEW|FUNCTION|TRIGGER|SCHEMA) (?:IF EXISTS )?([\w.]+)", re.MULTILINE)
SOURCE = "".join(
    path.read_text(encoding="utf-8")
    for room in ("bench", "expectations", "flows", "migration", "reporting", "tasks")
    for path in sorted((sql.ROOT.parent / room).rglob("*.py"))
)
#: Names of statements that Python loads, as far as they are literals.
LOADED = sorted(set(re.findall(r"""(?:\bsql\.load(?:_undo)?\(|\b(?:rows|run|read)\((?:connection, )?|= )"([a-z_]+/[a-z_/]+)\"""", SOURCE)))
#: Dropped with the ledger's tables, created by the roll back that drops them.
CREATED_ELSEWHERE = {("TABLE", "artwork_migration.clean_only_value")}


def _named(files: list[SqlFile]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("file", [pytest.param(file, id=file.name) for file in files])


def test_there_are_files() -> None:
    """The lists below are not empty, and no file is in none of them."""
    assert len(FILES) > 150
    assert len(DEPLOY) > 15
    assert len(UNDONE) > 15
    of_blocks = {file.name.rpartition("/")[0] for file in FILES}
    assert {path.relative_to(sql.ROOT).with_suffix("").as_posix() for path in PATHS} <= {*(file.name for file in FILES), *of_blocks}


@_named(FILES)
def test_the_header_says_what_why_and_locks(file: SqlFile) -> None:
    """Every header says What, Why and Locks, the first two in sentences."""
    assert [] == [key for key in ("what", "why", "locks") if len(file.header.get(key, "")) < 4]
    assert [] == [key for key in ("what", "why") if not file.header[key].endswith((".", ")"))]


@_named(FILES)
def test_the_header_holds_nothing_but_its_keys(file: SqlFile) -> None:
    """A misspelt key in a header is an error of this test; the loader would ignore it."""
    assert set() == set(file.header) - {"what", "why", "inverse", "locks", "stage", "users", "remedy", "given"}
    assert not file.undo or set() == set(file.undo.header) - {"why", "locks", "stage"}


def test_a_file_says_which_databases_it_is_for() -> None:
    """Users has one of two values; a file without it is for every database, and each function of the application is in both kinds."""
    assert {None, "created", "not created"} == {file.header.get("users") for file in FILES}
    functions = {
        creates: sorted(CREATED.findall("".join(file.statement + "\n" for file in DEPLOY if file.applies(creates_users=creates))))
        for creates in (True, False)
    }
    of_application = {creates: [name for _, name in found if name.startswith("public.")] for creates, found in functions.items()}
    assert of_application[True] == of_application[False]
    assert set(functions[False]) < set(functions[True])


@_named(FILES)
def test_the_name_is_legal_and_the_statement_is_there(file: SqlFile) -> None:
    """A name has lower-case letters, digits and underscores; the statement behind the header does not begin with a comment."""
    assert re.fullmatch(r"([a-z_]+/)*[a-z0-9_]+(\.rows)?", file.name)
    assert file.statement
    assert not file.statement.startswith("--")
    assert "\t" not in file.statement


def test_no_two_statements_have_the_same_name() -> None:
    """A statement is loaded by folder and rule, so these two are unique together."""
    names = Counter(f"{file.name.rpartition('/')[0]}/{file.rule}" for file in FILES)
    assert [] == [name for name, count in names.items() if count > 1]


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in PATHS])
def test_no_line_is_lost_between_two_statements(path: Path) -> None:
    """A marker that is misspelt would make an undo, or a block, part of the statement before it."""
    markers = [line for line in path.read_text().splitlines() if re.match(r"-- ?(undo|checked|name)\b", line, re.IGNORECASE)]
    assert [] == [line for line in markers if not re.fullmatch(r"-- Undo:|-- Checked:|-- name: [a-z][a-z0-9_]*", line)]
    assert len([line for line in markers if line in ("-- Undo:", "-- Checked:")]) <= 1


@_named(DEPLOY)
def test_a_deployment_s_file_has_a_stage(file: SqlFile) -> None:
    """Every file of the deployment says a stage that plans know."""
    assert file.header["stage"] in STAGES


@_named(UNDONE)
def test_an_undo_stands_for_the_inverse(file: SqlFile) -> None:
    """A file with an undo has a statement there, in a stage that plans know, and no header that says the same."""
    assert file.undo
    assert file.undo.statement
    assert file.undo.header.get("stage", "locked") in STAGES
    assert "inverse" not in file.header
    assert file.statement.endswith(";")


@_named([file for file in DEPLOY if not file.name.endswith(".rows")])
def test_what_is_created_is_taken_away_or_the_header_says_by_what(file: SqlFile) -> None:
    """A file that creates something has an undo; the others name what takes them back, or say that nothing need be."""
    if re.search(r"\b(CREATE|ALTER|GRANT|COMMENT)\b", re.sub(r"--.*", "", file.statement)):
        assert file.undo
    else:
        assert file.undo or file.header["inverse"]


@_named(UNDONE)
def test_an_undo_drops_every_object_that_its_do_creates_and_no_other(file: SqlFile) -> None:
    """A do drops nothing. Its undo drops, without CASCADE, exactly what it creates; the undo of a do that creates nothing is no drop."""
    assert file.undo
    created, dropped = set(CREATED.findall(file.statement)), set(DROPPED.findall(file.undo.statement))
    assert created == dropped - CREATED_ELSEWHERE
    assert set() == set(DROPPED.findall(file.statement))
    assert "CASCADE" not in file.undo.statement


@_named([file for file in FILES if file.returns_statements and "stage" in file.header])
def test_a_query_for_statements_answers_what_undoes_them(file: SqlFile) -> None:
    """A plan's query has a column for the undo, or its header says that there is none."""
    assert re.search(r"\bundo\b", file.statement) or "inverse" in file.header


def _row(**columns: object) -> dict[str, object]:
    return {"object": "an object", "do": "SELECT 1", **columns}


def test_the_columns_of_a_query_for_statements_are_a_contract() -> None:
    """An unknown or a missing column is an error, also where the query returns no row; a column that is left out has its default."""
    file = sql.load("switch_over/locks")
    (row,) = file.statement_rows(["object", "do", "kind"], [_row(kind=sql.VIEW_LOCK)])
    assert ("an object", "SELECT 1", None, "locked", sql.VIEW_LOCK) == (row.object, row.do, row.undo, row.undo_stage, row.kind)
    with pytest.raises(ValueError, match=r"switch_over/50_locks\.rows: unknown or missing columns fate;"):
        file.statement_rows(["object", "do", "fate"], [])
    with pytest.raises(ValueError, match="unknown or missing columns do;"):
        file.statement_rows(["object", "undo"], [])


@pytest.mark.parametrize("wrong", [{"do": None}, {"object": None}, {"undo_stage": "prepare"}, {"kind": "lock"}], ids=str)
def test_the_values_of_a_query_for_statements_are_a_contract(wrong: dict[str, object]) -> None:
    """A row without an object or a statement, and one of a stage or kind that nothing knows, are errors."""
    with pytest.raises(ValueError, match="breaks the contract"):
        sql.StatementRow.read(_row(**wrong))


def test_comments_are_expanded_where_they_stand() -> None:
    """`carried` is repeated for each column, quoted; `sampled` needs a percentage; without columns or percentage nothing is left."""
    file = SqlFile("x", {}, """SELECT /* carried: t.@ AS '@', */ t.id FROM public.t /* sampled */""")
    assert "SELECT  t.id FROM public.t" == file.expanded({"carried": []}).statement
    expanded = file.expanded({"carried": ["a", 'b"']}, sampled=2.5).statement
    assert """SELECT t."a" AS 'a', t."b\"\"" AS 'b"', t.id FROM public.t TABLESAMPLE SYSTEM (2.5) REPEATABLE (1)""" == expanded


def test_a_comment_on_a_line_of_its_own_becomes_a_line_for_each_column() -> None:
    """`mapped` and `carried` each have their own columns, and a comment whose columns nobody has given is an error."""
    file = SqlFile("x", {}, "SELECT\n  /* mapped: t.@, */\n  t.id /* carried: , t.@ */")
    columns = {"mapped": ["a", "b"], "carried": ["b"]}
    assert 'SELECT\n  t."a",\n  t."b",\n  t.id , t."b"' == file.expanded(columns).statement
    with pytest.raises(KeyError, match="carried"):
        file.expanded({"mapped": []})


def test_what_a_query_is_given_becomes_a_cte() -> None:
    """Exactly what the header lists is given, under the name without our schema."""
    file = SqlFile("x", {"given": "one, two"}, "SELECT * FROM artwork_migration.one, artwork_migration.two_more")
    given = file.given({"one": "SELECT 1", "two": "SELECT 2", "three": "SELECT 3"}).statement
    assert given.startswith("WITH one AS NOT MATERIALIZED (\nSELECT 1\n),\ntwo AS NOT MATERIALIZED (\nSELECT 2\n)\nSELECT * FROM (\n")
    assert given.endswith("SELECT * FROM one, artwork_migration.two_more\n) AS asked")
    with pytest.raises(KeyError):
        file.given({"one": "SELECT 1"})


def test_the_numbers_of_a_deployment_are_no_two_alike() -> None:
    """The order of the files is the order of the statements."""
    numbers = [re.match(r"deploy_schema/(\d+)_", file.name) for file in DEPLOY]
    assert all(numbers)
    assert len(DEPLOY) == len({number[1] for number in numbers if number})
    assert DEPLOY == sorted(DEPLOY, key=lambda file: file.name)


def test_the_clean_statuses_are_the_same_wherever_they_are_listed() -> None:
    """The table's checks, the trigger that refuses in words before them, and the mapping that finds unknown ones know the same statuses."""

    def lists(name: str) -> set[frozenset[str]]:
        found = re.findall(r"IN \(('\w+'(?:, '\w+'){3,})\)", sql.load(name).statement)
        return {frozenset(re.findall(r"'(\w+)'", statuses)) - {"not_started", "not_required"} for statuses in found}

    assert {frozenset({"pending", "processing", "completed", "failed"})} == (
        lists("deploy_schema/clean_table") | lists("deploy_schema/lifecycle_trigger") | lists("legacy_artwork")
    )


@pytest.mark.parametrize("name", LOADED)
def test_what_python_loads_is_there(name: str) -> None:
    """A name in Python is that of one statement, so a mistake is found before its verb runs."""
    assert sql.load(name).statement


def test_the_numbers_of_the_switch_are_the_order_of_its_plan() -> None:
    """The switch executes its files in the order of their numbers: from 45 on behind the fence, from 50 on under the locks."""
    steps = re.findall(r"step\(\"(\w+)\"\)", inspect.getsource(switch_over))
    files = [sql.load(f"switch_over/{step}") for step in steps]
    numbers = [int(re.findall(r"/(\d+)_", file.name)[0]) for file in files]
    assert numbers == sorted(set(numbers))
    stages = ["prepare" if number < 45 else "fenced" if number < 50 else "locked" for number in numbers]
    assert stages == [file.header["stage"] for file in files]
    unlisted = {file.rule for file in sql.folder("switch_over")} - set(steps)
    assert {"locks", "acceptance"} == unlisted


def test_python_knows_no_number_of_a_file() -> None:
    """Another number of a file is no change in Python."""
    assert len(LOADED) > 60
    assert [] == re.findall(r"""["'](?:[a-z_]+/)+\d+_\w+["']|["'][a-z_/]+\.(?:rows|undo)["']""", SOURCE)


def test_what_is_not_there_is_an_error() -> None:
    """A name of nothing, an undo of a file without one and a folder that does not exist raise FileNotFoundError."""
    with pytest.raises(FileNotFoundError, match="deploy_schema/nothing"):
        sql.load("deploy_schema/nothing")
    with pytest.raises(FileNotFoundError, match="no undo"):
        sql.load_undo("mapping")
    with pytest.raises(FileNotFoundError, match="nothing/of/that"):
        sql.folder("nothing/of/that")


def test_a_file_is_found_by_its_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number and `.rows` are no part of a name; an indented line belongs to the key above it; the undo has a header of its own."""
    monkeypatch.setattr(sql, "ROOT", tmp_path)
    (tmp_path / "a_folder").mkdir()
    text = "-- What: one\n--   and two.\n-- Locks: none.\n\nSELECT 1;\n-- a remark\n\n-- Undo:\n-- Stage: after\nSELECT 2;\n"
    (tmp_path / "a_folder" / "07_a_rule.rows.sql").write_text(text)
    file = sql.load("a_folder/a_rule")
    assert {"what": "one and two.", "locks": "none."} == file.header
    assert "SELECT 1;\n-- a remark" == file.statement
    assert "a_rule" == file.rule
    undo = sql.load_undo("a_folder/a_rule")
    assert ({"stage": "after"}, "SELECT 2;") == (undo.header, undo.statement)
    (tmp_path / "a_folder" / "08_a_rule.sql").write_text(text)
    sql._files.cache_clear()
    with pytest.raises(FileNotFoundError, match="2 statements"):
        sql.load("a_folder/a_rule")


def test_a_block_is_found_by_subject_and_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block's statement is what stands between its header and the next block, without the closing semicolon; a folder has no blocks."""
    monkeypatch.setattr(sql, "ROOT", tmp_path)
    (tmp_path / "a_subject").mkdir()
    (tmp_path / "a_subject" / "other.sql").write_text("-- What: three.\nSELECT 3\n")
    (tmp_path / "a_subject.sql").write_text(
        "-- About both.\n\n-- name: one\n-- What: one.\nSELECT ';';\n\n-- name: two\n-- What: two.\nSELECT 2;\n"
    )
    assert ({"what": "one."}, "SELECT ';'") == (sql.load("a_subject/one").header, sql.load("a_subject/one").statement)
    assert ["a_subject/other"] == [file.name for file in sql.folder("a_subject")]
    assert ["a_subject/other", "a_subject/one", "a_subject/two"] == [file.name for file in sql.everything()]
