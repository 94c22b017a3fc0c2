"""The text that people read avoids the constructions that the glossary lists."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows import function_of
from migration.ledger.phases import BESIDE, VERBS
from tests.documents import DOCUMENTS, ROOT, section

#: The files whose text is held against the glossary.
SOURCES = (
    "*.md",
    "docs/*.md",
    ".github/**/*.yml",
    "flows/prefect.yaml",
    "cli/automations.yaml",
    *(f"{room}/**/*.py" for room in ("cli", "flows", "tasks", "expectations", "reporting", "migration", "sql", "sample", "bench")),
    "reporting/templates/*.j2",
    "sample/**/*.sql",
    "sql/**/*.sql",
    "sql/*.py",
)
FILES = sorted(path.relative_to(ROOT).as_posix() for pattern in SOURCES for path in ROOT.glob(pattern))

GLOSSARY = DOCUMENTS["docs/glossary.md"]
#: The constructions to avoid with what to write instead. "…" stands for one to three words.
AVOID = {
    phrase: instead
    for phrases, instead in re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", section(GLOSSARY, "How we write"), re.MULTILINE)
    if not phrases.startswith(("avoid", "-"))
    for phrase in phrases.split(", ")
}
#: Words of one phrase may be on two lines, or have a hyphen between them.
PATTERNS = {
    phrase: re.compile(
        r"\b" + r"(?:\s+|-)".join(r"\w+(?:\s+\w+){0,2}" if word == "…" else re.escape(word) for word in re.split("[ -]", phrase)) + r"\b",
        re.IGNORECASE,
    )
    for phrase in AVOID
}
#: What stands for everything that is not text, so that no phrase is found across it.
GAP = "¦"

Text = Iterator[tuple[int, str]]


def prose(source: str) -> Text:
    """Yield a document as one text, without code and without the glossary's own list."""
    for code in (r"^( *)```.*?^\1```", r"^\| avoid \| write \|.*?(?=\n\n|\Z)", r"`[^`\n]+`"):
        source = re.sub(code, lambda found: _blank(found[0]), source, flags=re.MULTILINE | re.DOTALL)
    yield 1, source


def strings(source: str) -> Text:
    """Yield each string of a Python module, docstrings and f-strings among them; names and comments are no text."""
    tree = ast.parse(source)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.lineno, node.value


def remarks(source: str) -> Text:
    """Yield a SQL file with only its comments and quoted strings left: its header, its reasons, and the messages it returns."""
    text, end = [], 0
    for found in re.finditer(r"--[^\n]*\n?|'(?:[^']|'')*'", source):
        between = source[end : found.start()]
        text += [between if not between.strip() else _blank(between), re.sub(r"^--|^'|'$", " ", found[0])]
        end = found.end()
    yield 1, "".join(text)


def everything(source: str) -> Text:
    """Yield a file whose every line is text for people: a form's description, a page's template."""
    yield 1, source


READERS = {".md": prose, ".py": strings, ".sql": remarks, ".yaml": everything, ".yml": everything, ".j2": everything}


def _blank(text: str) -> str:
    """Return as many lines as the text has, without a word in them."""
    return re.sub(r"[^\n]+", GAP, text)


def messages(source: str) -> Text:
    """Yield each string of a Python module that is a sentence or part of one. Of docstrings, which speak of functions, only help."""
    tree = ast.parse(source)
    documented = [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)]
    docstrings = {ast.get_docstring(node, clean=False) for node in documented if not _is_help(node)}
    yield from ((line, text) for line, text in strings(source) if " " in text and text not in docstrings)


def _is_help(node: ast.AST) -> bool:
    """Whether the docstring is shown with a form or a command: it has a decorator that makes one."""
    made = [ast.unparse(decorator) for decorator in node.decorator_list] if isinstance(node, ast.FunctionDef) else []
    return bool({"verb", "app.command()"} & set(made))


def quoted(source: str) -> Text:
    """Yield each quoted string of a SQL file that is a sentence, and the remedies and descriptions that messages take from its header."""
    strings_only = re.sub(r"^\s*--[^\n]*", "", source, flags=re.MULTILINE)
    yield from ((1, found[0]) for found in re.finditer(r"'(?:[^'\n]|'')* (?:[^'\n]|'')*'", strings_only))
    yield from ((1, found[0]) for found in re.finditer(r"^-- Remedy:.*(\n--   .*)*", source, re.MULTILINE))


def constructions(source: str, kind: str) -> list[str]:
    """Return what the source of this kind (`.md`, `.py`, …) should not say: line, construction, replacement; in the order of the lines."""
    found = sorted(
        (line + text[: match.start()].count("\n"), match[0], AVOID[phrase])
        for line, text in READERS[kind](source)
        for phrase, pattern in PATTERNS.items()
        for match in pattern.finditer(text)
    )
    return [f"{line}: “{' '.join(words.split())}”, write “{instead}”" for line, words, instead in found]


@pytest.mark.parametrize("name", FILES)
def test_the_text_avoids_these_constructions(name: str) -> None:
    """No text in the file has a construction that the glossary asks to avoid."""
    found = constructions((ROOT / name).read_text(encoding="utf-8"), Path(name).suffix)
    assert [] == found, "\n".join(["", *(f"{name}:{line}" for line in found)])


#: A verb as its function is called, outside of code and of a path.
FUNCTIONS = sorted({function_of(verb.name) for verb in (*VERBS, *BESIDE) if "-" in verb.name})
FUNCTION = re.compile(rf"(?<![\w/.])({'|'.join(FUNCTIONS)})(?:\(to=|(?![\w/(=]|\.\w))")
#: The files whose readers see functions.
OF_DEVELOPERS = ("docs/internals.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/glossary.md", "flows/prefect.yaml")


def misspelled(source: str, kind: str) -> list[str]:
    """Return the verbs with an underscore in what users read."""
    texts = {".py": messages, ".sql": quoted}.get(kind, everything)(source)
    return [found[0] for _, text in texts for found in FUNCTION.finditer(text)]


@pytest.mark.parametrize("name", [name for name in FILES if name not in OF_DEVELOPERS and not name.startswith(("bench/", "sample/"))])
def test_a_verb_is_spelled_as_it_is_typed_and_clicked(name: str) -> None:
    """No message, remedy, form or page calls a verb by the name of its function, which can be neither typed nor clicked."""
    assert [] == misspelled((ROOT / name).read_text(encoding="utf-8"), Path(name).suffix)


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        (".py", 'raise Refused("Run switch_over again.")\n'),
        (".py", 'raise Refused(f"{name}: run clean_up.")\n'),
        (".py", 'raise Refused("Run roll_back(to=MIGRATED).")\n'),
        (".py", '@verb\ndef copy() -> State:\n    """Copy beside the run of migrate_data."""\n'),
        (".sql", "SELECT\n  'fires at deploy_schema' AS problem\n"),
        (".sql", "SELECT\n  'roll-back --to MIGRATED or switch_over' AS problem\n"),
        (".sql", "-- What: x.\n-- Remedy: Run\n--   roll_back again.\nSELECT 1;\n"),
        (".md", "Run `migrate_data`.\n"),
        (".j2", "<p>after switch_over</p>\n"),
    ],
)
def test_the_name_of_a_function_is_found(kind: str, source: str) -> None:
    """The spelling of a function is found in each kind of file."""
    assert misspelled(source, kind)


def test_files_are_held_against_the_list() -> None:
    """The patterns of files find documents, code, statements and templates."""
    assert {"README.md", "docs/runbook.md", "docs/glossary.md", "flows/verify.py", "tasks/verbs.py", "bench/results.py"} <= set(FILES)
    assert {".md", ".py", ".sql", ".yaml", ".yml", ".j2"} == {Path(name).suffix for name in FILES}


@pytest.mark.parametrize("phrase", AVOID)
def test_a_construction_is_found_and_its_replacement_is_not(phrase: str) -> None:
    """Each phrase of the list is found, on its line and across a line's end; what to write instead is not on the list itself."""
    words = phrase.replace("…", "the operator")
    assert any(line.startswith("2: ") for line in constructions(f"Fine.\nIt {words} here.", ".md"))
    assert constructions(f"It {words.replace(' ', chr(10), 1)} here.", ".md")
    assert [] == constructions(AVOID[phrase], ".md")


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        (".py", 'def f():\n    """Do it.\n\n    Mend\n    it."""\n'.replace("\n\n    Mend", " Mend")),
        (".py", 'x = 1\nmessage = f"{x}: mend it"\n'),
        (".py", 'x = 1\nmessage = ("the way " "back")\n'),
        (".sql", "SELECT 1;\n-- Remedy: mend it.\n"),
        (".sql", "SELECT\n  'mend it' AS problem\n"),
        (".sql", "SELECT 1;\n-- What: the way\n--   back.\n"),
        (".yaml", "description: >-\n  The way\n  back.\n"),
        (".j2", "<p>\nMend it.</p>\n"),
        (".md", "A list:\n- mend it\n"),
    ],
)
def test_each_kind_of_file_is_read(kind: str, source: str) -> None:
    """A construction in a docstring, an f-string, a message over two lines, a SQL header or string, a form or a template is found."""
    assert constructions(source, kind)


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        (".py", "# mend it\nmend = way_back = told\n"),
        (".sql", "SELECT mend FROM way_back AS told -- fine\n"),
        (".sql", "SELECT 'the way', back, 'is', told\n"),
        (".md", "`mend` and\n\n```sql\nSELECT mend;\n```\n"),
        (".md", "recommend, amended, a snapshot, a prefigured retold\n"),
    ],
)
def test_names_and_code_are_no_text(kind: str, source: str) -> None:
    """Identifiers, Python comments and blocks of code may be what they are: the language of names is not tested here."""
    assert [] == constructions(source, kind)
