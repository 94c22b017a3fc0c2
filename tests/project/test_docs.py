"""The documents are complete, name only what exists, and their links lead somewhere."""

import re

import pytest
from typer.main import get_group

from cli import processes, registration
from cli.app import app
from cli.app import run as verbs_app
from migration.errors import MigrationError
from migration.ledger.decisions import DecisionName
from migration.settings import Settings
from tests.documents import COMMANDS, DOCUMENTS, PROGRAM, README, ROOT, RUNBOOK, account_shown, section, words_of

PREFECT = DOCUMENTS["docs/prefect.md"]
VERBS = get_group(verbs_app).commands
#: What every verb's table in the runbook says, in this order.
ASPECTS = ["Does", "Locks", "How long", "To stop", "To go back"]
DEFAULTS = {name: field.default for name, field in Settings.model_fields.items()}
LINK = re.compile(r"\]\(([^()\s]+)\)")


def table(text: str, columns: str) -> list[list[str]]:
    """Return the cells of the rows below the header line that begins with these columns."""
    rows = text.split(f"\n| {columns} |", maxsplit=1)[1].split("\n\n", maxsplit=1)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_readme_is_read_in_two_minutes() -> None:
    """The README has at most 120 lines, about 900 words and two pictures."""
    assert len(README.splitlines()) <= 120
    assert len(re.findall(r"[A-Za-z][\w'’-]*", LINK.sub("]", README))) <= 900
    assert README.count("![") <= 2


def test_the_account_in_the_readme_adds_up() -> None:
    """The headings of the sample output add up to the total below them."""
    assert f" {sum(account_shown().values()):,}\n```" in README


def test_each_setting_is_described_with_its_default() -> None:
    """docs/settings.md has one row per setting, in the order of the class, with the default of the class."""
    rows = table(DOCUMENTS["docs/settings.md"], "variable | what it sets | default")
    assert [f"`ARTWORK_{name.upper()}`" for name in DEFAULTS] == [row[0] for row in rows]
    shown = {row[0].strip("`").removeprefix("ARTWORK_").lower(): row[2].strip("`") for row in rows}
    plain = {name: default for name, default in DEFAULTS.items() if default is not None}
    assert {name: str(default).removesuffix(".0") for name, default in plain.items()} == {name: shown[name] for name in plain}


def test_each_decision_is_described() -> None:
    """docs/decisions.md has one row per decision, and no row for anything else."""
    rows = table(DOCUMENTS["docs/decisions.md"], "decision | value | without it")
    assert {f"`{name}`" for name in DecisionName} == {row[0] for row in rows}


def test_each_end_state_and_exit_code_is_described() -> None:
    """docs/prefect.md has each pair of kind of end and exit code that an error of ours has, and no other."""
    assert {processes.NotUp, registration.NotRegistered} <= set(errors())
    ends = {("Completed", 0), ("Planned", 0), *((error.end, error.exit_code) for error in errors())}
    assert ends == {(row[0].strip("*"), int(row[1])) for row in table(PREFECT, "kind of end | exit code | what it means")}


def errors(kind: type[MigrationError] = MigrationError) -> list[type[MigrationError]]:
    """Return every class of errors below this one, and the class itself."""
    return [kind, *(found for below in kind.__subclasses__() for found in errors(below))]


@pytest.mark.parametrize("verb", sorted({*VERBS, "roll-back --to MIGRATED"}))
def test_each_verb_has_its_table(verb: str) -> None:
    """The runbook says of each verb what it does, its locks, how long it takes, how to stop it and how to go back."""
    assert ASPECTS == re.findall(r"^\| \*\*([^*]+)\*\* \| \S", section(RUNBOOK, verb), re.MULTILINE)


def test_each_command_is_shown() -> None:
    """The documents show each command except demo and playground, which make runs; a verb that takes a plan's number also with a number."""
    commands = {*get_group(app).commands, *(f"run {verb}" for verb in VERBS)} - {"demo", "playground", "run"}
    shown = [words_of(command) for command in COMMANDS if command.startswith(PROGRAM)]
    assert commands == {" ".join(words[: 2 if words[0] == "run" else 1]) for words in shown}
    with_a_plan = {name for name, verb in VERBS.items() if "plan" in {parameter.name for parameter in verb.params}}
    assert with_a_plan == {words[1] for words in shown if "--plan" in words}


def test_each_command_is_run() -> None:
    """CI runs the make commands (`make test` in `make test-all`), lifecycle/test_docs those of the program, test_leaks those of Prefect.

    A line that sets a variable is not run.
    """
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    worker = (ROOT / "tests" / "lifecycle" / "test_leaks.py").read_text(encoding="utf-8")
    for command in COMMANDS:
        if command.startswith("make "):
            assert {command, f"{command}-all"} & {line.partition(" SHARE=")[0] for line in ci}, command
        elif command.startswith("prefect "):
            words = command.split()[1:3]
            assert all(f'"{word}"' in worker for word in words), command
        else:
            assert re.match(rf"{PROGRAM}|export (PATH|ARTWORK_DATABASE_URL)=", command), command


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_command_in_a_sentence_exists(name: str) -> None:
    """Each `make …` in a document is a target, and each `artwork-migration …` a command."""
    targets = re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert [] == [target for target in re.findall(r"`make ([\w-]+)", DOCUMENTS[name]) if target not in targets]
    known = {*get_group(app).commands, *(f"run {verb}" for verb in VERBS)}
    assert [] == [words for words in re.findall(rf"`{PROGRAM}(run [\w-]+|[\w-]+)", DOCUMENTS[name]) if words not in known]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    """Each relative link and picture of a document is a file of the repository, and its fragment a heading there."""
    for target in LINK.findall(DOCUMENTS[name]):
        if target.startswith("https://"):
            continue
        path, _, fragment = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.is_file(), target
        assert not fragment or fragment in anchors(file.read_text(encoding="utf-8")), target


def anchors(text: str) -> set[str]:
    """Return the fragments under which the headings of a document are reached."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_no_document_is_lost() -> None:
    """The README, or a document that it links to, links to each file in docs/."""
    reached = {link.partition("#")[0].removeprefix("docs/") for text in DOCUMENTS.values() for link in LINK.findall(text)}
    assert [] == [path.name for path in (ROOT / "docs").iterdir() if path.name not in reached]


def test_the_glossary_is_sorted() -> None:
    """Each word of the glossary is there once, in alphabetical order, with one sentence."""
    rows = table(DOCUMENTS["docs/glossary.md"], "word | what it means")
    words = [row[0].strip("*") for row in rows]
    assert sorted(set(words)) == words
    assert [] == [row[0] for row in rows if not re.fullmatch(r"[^.]+\.", row[1])]
