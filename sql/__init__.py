"""All SQL text of the project: files a DBA can read, lint and run in psql, found here by name.

A name is a folder or subject and a rule: ``load("deploy_schema/clean_table")``. It is found in one of two places:

- in a file of its own, ``sql/deploy_schema/20_clean_table.sql``. The number orders the files of a folder and is no part of the rule.
- in a block ``-- name: approvals`` of the file of its subject, ``sql/report.sql``. A block ends with a semicolon, which is not loaded.

A statement opens with a header of ``-- Key: value`` lines: What, Why, Locks, and where they apply Inverse, Stage and Remedy.

What takes a file back stands at its end, below a line ``-- Undo:``, with a header of its own: Stage (`locked` if it is left out), Locks
(none on a table of the application), Why (nothing of ours remains after a roll back).

A comment ``/* carried: x.@, */`` in a statement is for the columns that an operator carries over beyond the mapping: see
`SqlFile.carrying`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent
_CARRIED = re.compile(r"/\* carried: (?P<text>.*?) \*/")
_HEADER = re.compile(r"^-- (?P<key>[A-Z][a-z]+): (?P<value>.*)$")
_UNDO = "\n-- Undo:\n"
_BLOCK = re.compile(r"^-- name: (?P<rule>\w+)\n", re.MULTILINE)


@dataclass(frozen=True)
class SqlFile:
    """What stands under one name: its path below ``sql/`` without the ending, its header by lower-case key, the statement and its undo."""

    name: str
    header: dict[str, str]
    statement: str
    undo: "SqlFile | None" = None

    @property
    def rule(self) -> str:
        """The last part of the name, without an ordering number: what the file is called in plans, messages and `load`."""
        return re.sub(r"^\d+_", "", self.name.rsplit("/", 1)[-1].removesuffix(".rows"))

    def carrying(self, columns: Sequence[str]) -> str:
        """The statement with the text of each `carried:` comment once per column; ``@`` in it is the column's name, ``'@'`` its literal."""

        def once_per_column(comment: re.Match[str]) -> str:
            return " ".join(comment["text"].replace("'@'", _literal(name)).replace("@", _identifier(name)) for name in columns)

        return _CARRIED.sub(once_per_column, self.statement)


def load(name: str) -> SqlFile:
    """Return what is called `name`. Raises FileNotFoundError if there is nothing or more than one thing of that name."""
    where, _, rule = name.rpartition("/")
    found = [file for file in _in(ROOT / where) if rule in (file.rule, file.name.rpartition("/")[2])]
    if len(found) != 1:
        raise FileNotFoundError(f"sql/{name} names {len(found)} statements")
    return found[0]


def load_undo(name: str) -> SqlFile:
    """Return what takes `name` back: the part of its file below ``-- Undo:``. Raises FileNotFoundError if there is none."""
    if undo := load(name).undo:
        return undo
    raise FileNotFoundError(f"sql/{name} has no undo")


def folder(name: str) -> list[SqlFile]:
    """Every file of one folder in the order of the file names. Raises FileNotFoundError if there is no such folder."""
    if not (ROOT / name).is_dir():
        raise FileNotFoundError(f"there is no folder sql/{name}")
    return list(_files(ROOT / name))


def everything() -> list[SqlFile]:
    """Every statement of the project, folder by folder."""
    places = {ROOT, *(path for path in ROOT.rglob("*") if path.is_dir()), *(path.with_suffix("") for path in ROOT.rglob("*.sql"))}
    return [file for place in sorted(places) for file in _in(place)]


def _in(place: Path) -> tuple[SqlFile, ...]:
    """The files of a folder and the blocks of the subject of the same name."""
    return _files(place) + _blocks(place)


@cache
def _files(place: Path) -> tuple[SqlFile, ...]:
    texts = {path.with_suffix(""): path.read_text(encoding="utf-8") for path in sorted(place.glob("*.sql"))}
    return tuple(_file(_name(path), text) for path, text in texts.items() if not _BLOCK.search(text))


@cache
def _blocks(place: Path) -> tuple[SqlFile, ...]:
    path = place.with_suffix(".sql")
    _, *parts = _BLOCK.split(path.read_text(encoding="utf-8")) if path.is_file() else [""]
    blocks = zip(parts[::2], parts[1::2], strict=True)
    return tuple(_parsed(f"{_name(place)}/{rule}", text.strip().removesuffix(";")) for rule, text in blocks)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _file(name: str, text: str) -> SqlFile:
    do, _, undo = text.partition(_UNDO)
    return _parsed(name, do, _parsed(name, undo) if undo else None)


def _parsed(name: str, text: str, undo: SqlFile | None = None) -> SqlFile:
    """A header, whose lines that are indented behind ``--`` go on with the value above them, and the statement behind all comments."""
    lines = text.strip().splitlines()
    header: dict[str, str] = {}
    key = ""
    while lines and lines[0].startswith("--"):
        line = lines.pop(0)
        if match := _HEADER.match(line):
            key = match["key"].lower()
            header[key] = match["value"].strip()
        elif key:
            header[key] = f"{header[key]} {line.lstrip('- ').strip()}"
    while lines and (lines[0].startswith("--") or not lines[0].strip()):
        lines.pop(0)
    return SqlFile(name, header, "\n".join(lines).strip(), undo)


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
