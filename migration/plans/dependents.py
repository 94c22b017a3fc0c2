"""What hangs on artworks: every object by kind, what will happen to it, and what would stop the switch; the plans show it."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

import sql
from migration.plans.statements import Catalog
from sql import SqlFile

#: Those questions of the switch that are about something which hangs on the table.
BLOCKERS = ("20_unknown_dependent", "23_not_owner", "25_reads_both_tables", "26_prepared_transaction")

#: Its name among the facts of a plan.
FACT = "dependents"

_BLOCKED = "blocks the switch"


@dataclass(frozen=True)
class Hanging:
    """One object: its kind, what will happen to it, the lock that the switch takes for it; if it blocks the switch, why and what to do."""

    kind: str
    object: str
    action: str
    lock: str = ""
    problem: str = ""
    remedy: str = ""


def listed(connection: Connection, known: Catalog, standing_in: Callable[[SqlFile], SqlFile] = lambda file: file) -> list[dict[str, str]]:
    """Every object that hangs on artworks, as facts of a plan. Reads the catalog only.

    What goes along, and what would block, is answered by the very files that the switch is made of; `standing_in` puts something in the
    place of what they name and what is not there before the deployment. What blocks does not go along as well.
    """
    found: dict[tuple[str, str], Hanging] = {}
    for file in _files():
        for row in _rows(connection, known, standing_in(file)):
            one = _hanging(file, row)
            earlier = found.get((one.kind, one.object))
            if earlier is None or (one.problem and not earlier.problem):
                found[one.kind, one.object] = one
    blocking = {one.object for one in found.values() if one.problem}
    return [asdict(one) for one in found.values() if one.problem or one.object not in blocking]


def _files() -> Iterable[SqlFile]:
    yield from sql.folder("dependents")
    yield from (sql.load(f"switch_over/blockers/{name}") for name in BLOCKERS)
    yield from sql.folder("hanging")


def _rows(connection: Connection, known: Catalog, file: SqlFile) -> list[dict[str, Any]]:
    """The rows that say something; in `hanging` a file of rows returns statements, one for each place where the answer may stand."""
    rows = known.rows(connection, file)
    if file.name.startswith("hanging/") and file.name.endswith(".rows"):
        asked = (connection.exec_driver_sql(row["do"], execution_options={"no_parameters": True}) for row in rows)
        return [dict(row) for answer in asked for row in answer.mappings()]
    return [row for row in rows if row.get("action") or row.get("problem")]


def _hanging(file: SqlFile, row: dict[str, Any]) -> Hanging:
    problem = row.get("problem") or ""
    return Hanging(
        kind=file.rule.replace("_", " "),
        object=row.get("object") or row["subject"],
        action=_BLOCKED if problem else row["action"],
        lock=file.header["locks"] if file.name.startswith("dependents/") else "",
        problem=problem,
        remedy=file.header["remedy"] if problem else "",
    )
