"""All SQL text of the project: files a DBA can read, lint and run in psql, found here by name.

A name is the path without its ending: ``load("migrate_data/claim_chunk")`` reads ``sql/migrate_data/claim_chunk.sql``. A file opens
with a comment header of ``-- Key: value`` lines (What, Why, Inverse, Locks, and where they apply Stage and Remedy); the rest is the
statement.

A comment ``/* carried: x.@, */`` in a statement is for the columns that an operator has carried over beyond the mapping: see
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


@dataclass(frozen=True)
class SqlFile:
    """One file: `name` is its path below ``sql/`` without the ending, `header` its keys in lower case, `text` the whole content."""

    name: str
    header: dict[str, str]
    text: str

    @property
    def rule(self) -> str:
        """The last part of the name, without an ordering number: what the file is called in plans and messages."""
        return re.sub(r"^\d+_", "", self.name.rsplit("/", 1)[-1].removesuffix(".rows"))

    @property
    def statement(self) -> str:
        """The text without its header, as it is shown in a plan and run."""
        lines = self.text.splitlines()
        while lines and (lines[0].startswith("--") or not lines[0].strip()):
            lines.pop(0)
        return "\n".join(lines).strip()

    def carrying(self, columns: Sequence[str]) -> str:
        """The statement with the text of each `carried:` comment once per column; ``@`` in it is the column's name, ``'@'`` its literal."""

        def once_per_column(comment: re.Match[str]) -> str:
            return " ".join(comment["text"].replace("'@'", _literal(name)).replace("@", _identifier(name)) for name in columns)

        return _CARRIED.sub(once_per_column, self.statement)


@cache
def load(name: str) -> SqlFile:
    """Return the file called `name`; raises FileNotFoundError if there is none."""
    text = (ROOT / f"{name}.sql").read_text(encoding="utf-8")
    return SqlFile(name, _header(text), text)


def exists(name: str) -> bool:
    """Whether there is a file of that name."""
    return (ROOT / f"{name}.sql").is_file()


def folder(name: str) -> list[SqlFile]:
    """Every file of one folder in the order of the names, without the inverses (``*.undo.sql``)."""
    paths = sorted(path for path in (ROOT / name).glob("*.sql") if not path.name.endswith(".undo.sql"))
    return [load(path.relative_to(ROOT).as_posix().removesuffix(".sql")) for path in paths]


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _header(text: str) -> dict[str, str]:
    """The header's keys and values; a line that is indented behind ``--`` goes on with the value above it."""
    header: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        if match := _HEADER.match(line):
            key = match["key"].lower()
            header[key] = match["value"].strip()
        elif key:
            header[key] = f"{header[key]} {line.lstrip('- ').strip()}"
    return header
