"""docs/internals.md says where a change goes, and the repository is what it says."""

import re
from pathlib import Path

import pytest

import sql
from migration.ledger.phases import BESIDE, VERBS
from tests.documents import DOCUMENTS, ROOT, section

INTERNALS = DOCUMENTS["docs/internals.md"]
#: The values that only the clean table holds.
CLEAN_ONLY = "roll_back/to_not_started/clean_only_values"
#: Each change with the text that names its files.
CHANGES = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", section(INTERNALS, "Where a change goes"), re.MULTILINE))


def files(change: str) -> set[str]:
    """The files and folders that a change's row names; a bare file name is in the folder of the one before it."""
    named: list[str] = []
    for name in re.findall(r"`([\w/.]+(?:/|\.\w+))`", CHANGES[change]):
        named.append(name if "/" in name or (ROOT / name).exists() else f"{named[-1].rpartition('/')[0]}/{name}")
    return {name for name in named if not any(placeholder in name for placeholder in ("SUITE", "NN_", "6N_"))}


@pytest.mark.parametrize("change", [change for change in CHANGES if change not in ("the change", "---")])
def test_every_place_of_a_change_exists(change: str) -> None:
    """Each file and folder that a row of the table names exists."""
    assert [] == [name for name in sorted(files(change)) if not (ROOT / name).exists()]


@pytest.mark.parametrize("room", ["verbs", "checks", "sync", "plans", "ledger"])
def test_a_room_names_what_is_in_it(room: str) -> None:
    """The row of a room names each of its modules."""
    row = re.findall(rf"^\| `{room}/` \| (.+) \|$", INTERNALS, re.MULTILINE)[0]
    modules = {path.stem for path in (ROOT / "migration" / room).glob("[a-z]*.py")}
    assert modules == modules & set(re.findall(r"`(\w+)`", row))


def test_a_legacy_column_goes_where_the_mapped_columns_are_listed() -> None:
    """The row names exactly the SQL files that list every mapped column, and the one that lists those a legacy table may lack."""
    columns = set(re.findall(r"\(\s*\d+, '(\w+)'", sql.load("mapping").statement))
    assert {"id", "customer_name", "updated_at"} < columns
    lists = {f"sql/{file.name}.sql" for file in sql.everything() if columns <= set(re.findall(r"\w+", file.statement))}
    named = {name for name in files("a legacy column for everybody") if name.startswith("sql/")}
    assert named == {*lists, f"sql/{CLEAN_ONLY}.sql"}


def test_what_a_legacy_table_may_lack_is_exported() -> None:
    """Of the values that are exported before the clean table is dropped, each mapped column that legacy may lack is one."""
    may_lack = set(re.findall(r"\(\s*\d+, '(\w+)', '\w+', FALSE", sql.load("mapping").statement))
    assert {"user_id", "upscaled_image_url"} < may_lack
    assert may_lack <= set(re.findall(r"\bc\.(\w+)", sql.load(CLEAN_ONLY).statement))


@pytest.mark.parametrize("verb", sorted(path.stem for path in (ROOT / "flows").glob("[a-z]*.py")))
def test_a_verb_is_in_each_place_of_its_row(verb: str) -> None:
    """Every file of the row names each verb; that of the phases those which start in certain phases."""
    places = {name for name in files("an operator verb") if (ROOT / name).is_file()}
    assert len(places) == 4
    typed = verb.replace("_", "-")
    if typed not in {bound.name for bound in (*VERBS, *BESIDE)}:
        places.remove("migration/ledger/phases.py")
    spellings = re.compile(rf"\b{verb}\b|\b{typed}\b")
    assert [] == [name for name in sorted(places) if not spellings.search(Path(ROOT / name).read_text(encoding="utf-8"))]
