"""All SQL text of the project: files a DBA can read, lint and run in psql, found here by name.

A name is a folder or subject and a rule: ``load("deploy_schema/clean_table")``. It is found in one of two places:

- in a file of its own, ``sql/deploy_schema/20_clean_table.sql``. The number orders the files of a folder and is no part of the rule.
- in a block ``-- name: approvals`` of the file of its subject, ``sql/report.sql``. A block ends with a semicolon, which is not loaded.

A statement opens with a header of ``-- Key: value`` lines: What, Why, Locks, and where they apply Inverse, Stage, Users, Remedy and
Given.

Stage says when a plan executes it: `prepare` (touches nothing that the application uses), `fenced` (in the same transaction, once the log
is drained), `locked` (under the plan's locks too), `after` (behind the commit, outside a transaction, repeatable); `write` is a transaction
of its own, after the copy.

Users says in which databases it applies, if not in all: where anonymous users are `created`, or where they are `not created`
(``sql/owner_table.sql``).

A file may have a second part with a header of its own:

- below a line ``-- Undo:`` what takes it back. If its header leaves out Stage, that is `locked`; if it leaves out Locks, it locks no table
  of the application.
- below a line ``-- Checked:`` how much a rule of a gate checks (`migration.checks.gates`). The semicolon before it is not loaded.

A query ``NN_name.rows.sql`` returns statements, because what they are depends on the database. Its columns are those of `StatementRow`.

A text is changed here and nowhere else, in places that it marks itself: ``/* mapped: … */``, ``/* carried: … */``, ``/* sampled */``
(`SqlFile.expanded`) and the relations under Given (`SqlFile.given`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent
#: Kinds of a statement that does nothing but lock its object, and of one that checks what is there: nobody waits for its lock.
TABLE_LOCK, VIEW_LOCK, VALIDATION = "table lock", "view lock", "validation"
_KINDS = (None, TABLE_LOCK, VIEW_LOCK, VALIDATION)
_UNDO_STAGES = ("locked", "named", "after")

_COLUMNS = re.compile(r"(?P<indent>\n *|)/\* (?P<which>mapped|carried): (?P<text>.*?) \*/")
_SAMPLED = " /* sampled */"
_HEADER = re.compile(r"^-- (?P<key>[A-Z][a-z]+): (?P<value>.*)$")
_SECOND_PART = re.compile(r"^-- (Undo|Checked):\n", re.MULTILINE)
_BLOCK = re.compile(r"^-- name: (?P<rule>\w+)\n", re.MULTILINE)


@dataclass(frozen=True)
class StatementRow:
    """One statement, as a row of a ``.rows`` file: these are the columns that such a query may have; `object` and `do` it must have.

    - `object`: what the statement is about, as plans, steps and messages name it; `do`: the statement
    - `undo`: what takes it back, NULL where something else does; `undo_stage`: `locked` unless it says `after`, or `named` (locked as well,
      once the tables have their old names again)
    - `lock`: the mode, where the header's Locks does not say it; `kind`: see `TABLE_LOCK`; `waits_on`: the relation for whose lock a
      statement waits that locks it by what it does, or that has the stage `after`
    - `question`: a query that the plan asks beforehand about the rows that the statement concerns
    """

    object: str
    do: str
    undo: str | None = None
    undo_stage: str = "locked"
    lock: str | None = None
    kind: str | None = None
    waits_on: str | None = None
    question: str | None = None

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> "StatementRow":
        """The row of a query. Raises ValueError where a value is none of those above."""
        it = cls(**{**row, "undo_stage": row.get("undo_stage") or "locked"})
        if not it.object or not it.do or it.undo_stage not in _UNDO_STAGES or it.kind not in _KINDS:
            raise ValueError(f"the row about {it.object!r} breaks the contract of StatementRow: {it}")
        return it


@dataclass(frozen=True)
class SqlFile:
    """What stands under one name: its path below ``sql/`` without the ending, its header by lower-case key, the statement; its second part,
    if it has one."""

    name: str
    header: dict[str, str]
    statement: str
    undo: "SqlFile | None" = None
    checked: "SqlFile | None" = None

    @property
    def rule(self) -> str:
        """The last part of the name, without an ordering number: what the file is called in plans, messages and `load`."""
        return re.sub(r"^\d+_", "", self.name.rsplit("/", 1)[-1].removesuffix(".rows"))

    def applies(self, *, creates_users: bool) -> bool:
        """Return whether it is for a database in which anonymous users are created, or not."""
        return self.header.get("users") in (None, "created" if creates_users else "not created")

    @property
    def returns_statements(self) -> bool:
        """Whether it is a query for statements."""
        return self.name.endswith(".rows")

    def statement_rows(self, columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> list[StatementRow]:
        """What this query has returned, as statements. Raises ValueError if a column is unknown or missing, also where there is no row."""
        known = {field.name for field in fields(StatementRow)}
        if wrong := (set(columns) - known) | ({"object", "do"} - set(columns)):
            raise ValueError(f"sql/{self.name}: unknown or missing columns {', '.join(sorted(wrong))}; see StatementRow")
        return [StatementRow.read(row) for row in rows]

    def expanded(self, columns: Mapping[str, Sequence[str]], *, sampled: float | None = None) -> "SqlFile":
        """The same with its comments expanded.

        `columns` are those of the clean table that come from the legacy table, except `id`: all of them as ``mapped``, and as ``carried``
        those that an operator carries over beyond the mapping. The text of such a comment is repeated for each of its columns, on a line of
        its own if the comment has one; ``@`` in it is the column's name, ``'@'`` its literal. `sampled` is the percentage of blocks that
        the table before a ``sampled`` comment is read by; None reads all of it.
        """

        def once_per_column(comment: re.Match[str]) -> str:
            names = columns[comment["which"]]
            texts = (comment["text"].replace("'@'", _literal(name)).replace("@", _identifier(name)) for name in names)
            return comment["indent"] + (comment["indent"] or " ").join(texts)

        sample = "" if sampled is None else f" TABLESAMPLE SYSTEM ({sampled}) REPEATABLE (1)"
        return replace(self, statement=_COLUMNS.sub(once_per_column, self.statement).replace(_SAMPLED, sample))

    def given(self, relations: Mapping[str, str]) -> "SqlFile":
        """The same query with the relations that its header lists under Given as CTEs, for a database that does not have them yet.

        `relations` has a query for each. The statement names them with our schema, so that it runs as it is where they exist.
        """
        names = [name for name in self.header.get("given", "").removesuffix(".").split(", ") if name]
        if not names:
            return self
        statement = self.statement
        for name in names:
            statement = re.sub(rf"\bartwork_migration\.{name}\b", name, statement)
        ctes = ",\n".join(f"{name} AS NOT MATERIALIZED (\n{relations[name]}\n)" for name in names)
        return replace(self, statement=f"WITH {ctes}\nSELECT * FROM (\n{statement}\n) AS asked")


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


def blocks(name: str) -> list[SqlFile]:
    """Return every block of the file of one subject, in its order."""
    return list(_blocks(ROOT / name))


def folders(name: str) -> list[str]:
    """The names of the folders in a folder, in their order."""
    return sorted(path.name for path in (ROOT / name).iterdir() if path.is_dir())


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
    first, *second = _SECOND_PART.split(text)
    match second:
        case ["Undo", undo]:
            return replace(_parsed(name, first), undo=_parsed(name, undo))
        case ["Checked", checked]:
            return replace(_parsed(name, first.strip().removesuffix(";")), checked=_parsed(name, checked))
        case []:
            return _parsed(name, first)
    raise ValueError(f"sql/{name}.sql has more than one second part")


def _parsed(name: str, text: str) -> SqlFile:
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
    return SqlFile(name, header, "\n".join(lines).strip())


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
