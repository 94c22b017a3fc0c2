"""The dependents of artworks: one relation, with one SQL file for each kind. Plans, switch, roll back and their lists read it here.

A file of ``sql/dependents/`` says everything about its kind:

- ``recreated/``: the catalog binds the object to the table, and the switch has statements for it. The file returns the `COLUMNS`. All these
  files together are the relation `dependent`.
- Every other file returns an `object` with the `action` that happens to it, or with the `problem` that blocks the switch. It may return a
  `question` instead: a query that returns these.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from sqlalchemy import Connection, text

import sql
from migration.errors import DependentsChanged, NewBlocker, Problem
from migration.plans import execution
from migration.plans.plan import BOUND, Plan, Statement, changed_objects
from migration.plans.statements import Catalog, statement_of, statements_of
from sql import SqlFile, StatementRow

#: The columns of the relation, behind `kind`:
#: `object`: its name in plans; `class`, `oid`: its place in the catalog; `definition`: what must not differ under the lock;
#: `owner`; `locked`: the relation that the switch locks for it, except artworks itself;
#: `action`: what happens to it at the switch; `problem`: what blocks that;
#: `steps`: its statements, an array of `StatementRow` with their `stage`; without an `object` they have the dependent's.
COLUMNS = ("object", "class", "oid", "definition", "owner", "locked", "action", "problem", "steps")
#: The name of the list of dependents among the facts of a plan.
FACT = "dependents"

_BLOCKED = "blocks the switch"
#: One checksum over the rows of relation/dependents, and one for each object.
_CHECKSUM = "SELECT MD5(STRING_AGG(w.words, ',' ORDER BY w.words)) AS checksum FROM (\n{}\n) AS w"
_CHECKSUMS = """
SELECT PG_DESCRIBE_OBJECT(w.class, w.oid, 0) AS object, MD5(STRING_AGG(w.words, ',' ORDER BY w.words)) AS checksum
FROM (\n{}\n) AS w
GROUP BY 1
"""
#: The columns that the clean table does not have, once it is deployed.
_COLUMN_GONE = "SELECT * FROM artwork_migration.column_gone"


class DependentFact(TypedDict):
    """A dependent as plans show it."""

    kind: str
    object: str
    action: str
    lock: str
    problem: str
    remedy: str


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
    def line(self) -> DependentFact:
        """The dependent as a fact of a plan."""
        return {
            "kind": self.rule.replace("_", " "),
            "object": self.object,
            "action": _BLOCKED if self.problem else self.action,
            "lock": self.lock,
            "problem": self.problem,
            "remedy": self.remedy,
        }


def read(connection: Connection, catalog: Catalog, *, column_gone: str = _COLUMN_GONE) -> list[Dependent]:
    """Return every dependent of the table that is called artworks. Reads the catalog only.

    `column_gone` is the query for the columns that the clean table does not have; before the deployment another one than after it.
    """
    files = [*_kinds(), *sql.folder("dependents")]
    return [one for file in files for one in _of_kind(connection, catalog, given(file, column_gone))]


def recreated(connection: Connection) -> list[Statement]:
    """Return the statements that a switch would have for the dependents of the table that is called artworks."""
    found = [one for file in _kinds() for one in _of_kind(connection, Catalog({}), given(file))]
    return [statement for one in found for statement in one.statements]


def statements(dependents: Iterable[Dependent]) -> list[Statement]:
    """Return what the switch does about the dependents, except those that block it."""
    return [statement for one in dependents if not one.problem for statement in one.statements]


def blockers(dependents: Iterable[Dependent]) -> list[Problem]:
    """Return what blocks the switch."""
    return [Problem(one.rule, one.object, one.problem, one.remedy) for one in dependents if one.problem]


def facts(dependents: Sequence[Dependent]) -> list[DependentFact]:
    """Return a line for each dependent, as plans show them. What blocks the switch has no second line with an action."""
    blocking = {one.object for one in dependents if one.problem}
    return [one.line for one in dependents if one.problem or one.object not in blocking]


def relation(connection: Connection) -> list[Statement]:
    """Return the statement that creates the relation in our schema. The switch and the rollback read it there under their locks."""
    queries = {"bound_object": _part("bound_object"), "bound_to_artworks": _part("bound_to_artworks"), "dependent": _union()}
    parameters = {name: file.statement for name, file in queries.items()}
    return statements_of(connection, Catalog(parameters), sql.load("dependents/relation/views"))


def unchanged(connection: Connection) -> tuple[Statement, Statement]:
    """Return the check that the dependents and their definitions are those of this plan, which has none without a kind, twice.

    It counts under the locks. Before them it stops a plan without making anyone wait, and it fills the caches of the session: it is a
    function, so that it is planned once.
    """
    file = _part("dependents")
    checksum = connection.execute(text(_CHECKSUM.format(given(file).statement))).scalar_one()
    function = "artwork_migration.require_dependents_unchanged()"
    create = (
        f"CREATE FUNCTION {function} RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $check$ BEGIN IF (\n"
        f"{_CHECKSUM.format(file.statement)}\n) IS DISTINCT FROM '{checksum}' THEN\n"
        f"  RAISE EXCEPTION USING ERRCODE = '{execution.NEW_BLOCKER}', MESSAGE = '{file.rule}';\nEND IF; END $check$"
    )
    check = f"SELECT {function}"
    before = Statement("prepare", file.rule, f"{create};\n{check}", None, "")
    return before, Statement("locked", file.rule, f"{check}; DROP FUNCTION {function}", None, "")


def bound(connection: Connection) -> dict[str, str]:
    """Return what `unchanged` compares: a checksum for each object that is bound to the table called artworks, by its name."""
    objects = connection.execute(text(_CHECKSUMS.format(given(_part("dependents")).statement))).mappings()
    return {row["object"]: row["checksum"] for row in objects}


def named(connection: Connection, plan: Plan, error: NewBlocker) -> NewBlocker:
    """Return the error of a plan that stopped; if the check of `unchanged` failed, with the objects that have changed since the plan."""
    if error.found != _part("dependents").rule:
        return error
    return DependentsChanged(str(plan.verb), plan.number, changed_objects(plan.facts.get(BOUND, {}), bound(connection)))


def given(file: SqlFile, column_gone: str = _COLUMN_GONE) -> SqlFile:
    """Return the query with those parts of the relation that its header lists as CTEs, so that it needs no views."""
    relations = {
        "column_gone": column_gone,
        "legacy_names_object": _part("legacy_names_object").statement,
        "owner_table": sql.load("owner_table").statement,
    }
    relations["bound_object"] = _part("bound_object").given(relations).statement
    relations["bound_to_artworks"] = _part("bound_to_artworks").given(relations).statement
    if "dependent" in file.header.get("given", ""):
        relations["dependent"] = _union().given(relations).statement
    return file.given(relations)


def _part(name: str) -> SqlFile:
    return sql.load(f"dependents/relation/{name}")


def _kinds() -> list[SqlFile]:
    return sql.folder("dependents/recreated")


def _union() -> SqlFile:
    """The relation: the union of its kinds."""
    columns = ", ".join(COLUMNS)
    kinds = [f"SELECT '{file.rule}' AS kind, {columns} FROM (\n{file.statement}\n) AS k" for file in _kinds()]
    return SqlFile("dependents/relation/dependent", {"given": "bound_to_artworks, column_gone"}, "\nUNION ALL\n".join(kinds))


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
    lock, problem, steps = file.header["locks"], row.get("problem") or "", row.get("steps") or []
    return Dependent(
        rule=file.rule,
        object=row["object"],
        action=row.get("action") or "",
        problem=problem,
        remedy=file.header["remedy"] if problem else "",
        lock=lock if steps else "",
        statements=tuple(_statement(lock, {"object": row["object"], **step}) for step in steps),
    )


def _statement(lock: str, step: dict[str, Any]) -> Statement:
    return statement_of(step.pop("stage"), lock, StatementRow.read(step))
