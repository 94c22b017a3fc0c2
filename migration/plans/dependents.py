"""The dependents of artworks: one relation, with one SQL file for each kind. Plans, switch, roll back and their lists read it here.

A file of ``sql/dependents/`` says everything about its kind:

- A file that ends in ``.rows`` is a part of the relation. The catalog binds its objects to the table, and it returns the `COLUMNS`.
- Every other file returns an `object` with the `action` that happens to it, or with the `problem` that blocks the switch. It may return a
  `question` instead: a query that returns these.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

import sql
from migration.errors import Problem
from migration.plans import execution
from migration.plans.plan import Statement
from migration.plans.statements import Catalog, statements_of
from sql import SqlFile

#: The columns of the relation, behind `kind`:
#: `object`: its name in plans; `class`, `oid`: its place in the catalog; `definition`: what must not differ under the lock;
#: `owner`; `locked`: the relation that the switch locks for it, except artworks itself;
#: `action`: what happens to it at the switch; `problem`: what blocks that;
#: `steps`: its statements as an array of (stage, do, undo, undo_stage), with `object` and `lock` where they differ from the dependent's.
COLUMNS = ("object", "class", "oid", "definition", "owner", "locked", "action", "problem", "steps")
#: The name of the list of dependents among the facts of a plan.
FACT = "dependents"

_BLOCKED = "blocks the switch"
#: The queries that the relation is made of, each built on the one before. In our schema these are views, the second one a function.
_QUERIES = ("bound_object", "bound_to_artworks", "dependent")


@dataclass(frozen=True)
class Dependent:
    """One dependent: its kind, its name, what happens to it at the switch, or what blocks that and how to fix it; lock and statements."""

    rule: str
    object: str
    action: str
    problem: str
    remedy: str
    lock: str
    statements: tuple[Statement, ...]

    @property
    def line(self) -> dict[str, str]:
        """The dependent as a fact of a plan."""
        return {
            "kind": self.rule.replace("_", " "),
            "object": self.object,
            "action": _BLOCKED if self.problem else self.action,
            "lock": self.lock,
            "problem": self.problem,
            "remedy": self.remedy,
        }


def read(connection: Connection, catalog: Catalog, prepared: Callable[[SqlFile], SqlFile] = lambda file: file) -> list[Dependent]:
    """Return every dependent of the table that is called artworks. Reads the catalog only.

    `prepared` replaces in a query what does not exist before the deployment.
    """
    return [one for file in sql.folder("dependents") for one in _of_kind(connection, catalog, prepared(with_relation(file)))]


def recreated(connection: Connection) -> list[Statement]:
    """Return the statements that a switch would have for the dependents of the table that is called artworks."""
    found = [one for file in _kinds() for one in _of_kind(connection, Catalog({}), with_relation(file))]
    return [statement for one in found for statement in one.statements]


def statements(dependents: Iterable[Dependent]) -> list[Statement]:
    """Return what the switch does about the dependents, except those that block it."""
    return [statement for one in dependents if not one.problem for statement in one.statements]


def blockers(dependents: Iterable[Dependent]) -> list[Problem]:
    """Return what blocks the switch."""
    return [Problem(one.rule, one.object, one.problem, one.remedy) for one in dependents if one.problem]


def facts(dependents: Sequence[Dependent]) -> list[dict[str, str]]:
    """Return a line for each dependent, as plans show them. What blocks the switch has no second line with an action."""
    blocking = {one.object for one in dependents if one.problem}
    return [one.line for one in dependents if one.problem or one.object not in blocking]


def views(connection: Connection) -> list[Statement]:
    """Return the statement that creates the relation in our schema. The switch and the roll back read it there under their locks."""
    queries = {name: _query(name) for name in _QUERIES}
    return statements_of(connection, Catalog(queries), sql.load("dependents/relation/views.rows"))


def unchanged(connection: Connection) -> Statement:
    """Return the check under the locks that the dependents and their definitions are those of this plan, which has none without a kind."""
    file = sql.load("dependents/relation/dependents")
    checksum = connection.execute(text(with_relation(file).statement)).scalar_one()
    check = (
        f"DO $check$ BEGIN IF (\n{file.statement}\n) IS DISTINCT FROM '{checksum}' THEN\n"
        f"  RAISE EXCEPTION USING ERRCODE = '{execution.NEW_BLOCKER}', MESSAGE = '{file.rule}';\nEND IF; END $check$"
    )
    return Statement("locked", file.rule, check, None, "")


def with_relation(file: SqlFile) -> SqlFile:
    """Return the query so that it needs no views: those parts of the relation that it names are put before it."""
    named = [place for place, name in enumerate(_QUERIES, start=1) if _local(file.statement, name) != file.statement]
    if not named:
        return file
    queries = ",\n".join(f"{name} AS (\n{_query(name)}\n)" for name in _QUERIES[: max(named)])
    return SqlFile(file.name, file.header, _local(f"WITH {queries}\nSELECT * FROM (\n{file.statement}\n) AS asked", *_QUERIES))


def _query(name: str) -> str:
    """The text of a query of the relation; the last one is the union of the kinds."""
    if name != "dependent":
        return sql.load(f"dependents/relation/{name}").statement
    columns = ", ".join(COLUMNS)
    kinds = [f"SELECT '{file.rule}' AS kind, {columns} FROM (\n{file.statement}\n) AS k" for file in _kinds()]
    return "\nUNION ALL\n".join(kinds)


def _local(query: str, *names: str) -> str:
    for name in names:
        for call in (f" artwork_migration.{name} AS ", f" artwork_migration.{name}() AS "):
            query = query.replace(call, f" {name} AS ")
    return query


def _kinds() -> list[SqlFile]:
    """The files that are parts of the relation."""
    return [file for file in sql.folder("dependents") if file.name.endswith(".rows")]


def _of_kind(connection: Connection, catalog: Catalog, file: SqlFile) -> list[Dependent]:
    return [_dependent(file, row) for row in _rows(connection, catalog, file)]


def _rows(connection: Connection, catalog: Catalog, file: SqlFile) -> Iterator[Mapping[str, Any]]:
    for row in catalog.rows(connection, file):
        if "question" in row:
            answer = connection.exec_driver_sql(row["question"], execution_options={"no_parameters": True})
            yield from map(dict, answer.mappings())
        else:
            yield row


def _dependent(file: SqlFile, row: Mapping[str, Any]) -> Dependent:
    lock, problem = file.header["locks"], row.get("problem") or ""
    steps = row.get("steps") or []
    return Dependent(
        rule=file.rule,
        object=row["object"],
        action=row.get("action") or "",
        problem=problem,
        remedy=file.header["remedy"] if problem else "",
        lock=lock if steps else "",
        statements=tuple(_statement(step, row["object"], lock) for step in steps),
    )


def _statement(step: Mapping[str, Any], dependent: str, lock: str) -> Statement:
    named = step.get("object") or dependent
    return Statement(step["stage"], named, step["do"], step["undo"], step.get("lock") or lock, step["undo_stage"])
