"""What every plan is made of: statements and prerequisites read from the catalog and from ``sql/``. Nothing is changed here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.errors import PrerequisitesNotMet, Problem
from migration.ledger import decisions, ledger
from migration.plans import execution
from migration.plans.plan import Statement
from sql import SqlFile, StatementRow

#: Postgres 15: security_invoker views, MERGE; the oldest release the design asks for.
OLDEST_VERSION = 150000

#: Each of these makes the questions after it moot or impossible, so it is told alone.
_ASKED_FIRST = ("postgres_version", "server_encoding", "standby", "usage_privilege", "artworks_missing", "migrated_already")

#: A blocker of the switch and of the clean-up too, and asked again under their locks.
REJECTED_WRITE = "roll_back/to_not_started/blockers/rejected_write"
#: What capture, write-through and carry-back rest on: asked by the flows, there and back. What has come to the table by the time of the
#: locks is found by the question above.
DRIFT = ("drift/trigger_drifted", "drift/function_changed")
#: Without these nothing else can be asked.
VIEW_GONE = "drift/view_gone"
#: All of them in one question, for under the locks.
CAPTURE_DRIFTED = "plan/capture_drifted"


@dataclass(frozen=True)
class Catalog:
    """What the statements of a deployment are made from: the parameters that ``sql/deploy_schema`` and ``sql/plan`` name, and the columns
    that comments are repeated for (`SqlFile.expanded`)."""

    parameters: dict[str, Any]
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def rows(self, connection: Connection, file: SqlFile) -> list[dict[str, Any]]:
        """The rows of a query file, given those of the parameters that it names."""
        return [dict(row) for row in connection.execute(text(file.statement), self._named(file)).mappings()]

    def statements(self, connection: Connection, file: SqlFile) -> list[StatementRow]:
        """The statements that a query of ``.rows`` returns, given the same."""
        return database.statements(connection, file, **self._named(file))

    def _named(self, file: SqlFile) -> dict[str, Any]:
        named = text(file.statement).compile().params
        return {name: value for name, value in self.parameters.items() if name in named}


def read_catalog(connection: Connection) -> Catalog:
    """Read the parameters: the mapping and what is carried beyond it, the statuses legacy takes, the application's roles."""
    carried = decisions.carried_columns(connection)
    mapping = [*database.rows(connection, "mapping"), *(_carried_over(place, column) for place, column in enumerate(carried, start=100))]
    mapped = dict.fromkeys(row["clean_column"] for row in mapping if row["clean_column"] != "id")
    columns = {"mapped": tuple(mapped), "carried": carried}
    roles = ledger.decision_value(connection, "function_roles", "service_role")
    return Catalog(
        {
            "oldest_version": OLDEST_VERSION,
            "mapping": json.dumps(mapping),
            "accepted": json.dumps(_accepted_statuses(connection)),
            "legacy_artwork": sql.load("legacy_artwork").expanded(columns).statement,
            "function_roles": [role.strip() for role in roles.split(",") if role.strip()],
        },
        columns,
    )


def _carried_over(place: int, column: str) -> dict[str, Any]:
    """A row of the mapping for a column that goes along as it is."""
    same = {"clean_column": column, "legacy_column": column, "back": "@", "same": "@ IS NOT DISTINCT FROM #", "data_type": None}
    return {"position": place, **same, "required": True, "on_update": True, "carried": True}


def require_prerequisites(connection: Connection, verb: str) -> Catalog:
    """Return the catalog, or raise PrerequisitesNotMet with everything that makes this database one we cannot migrate."""
    files = sql.folder("plan/prerequisites")
    for file in files:
        if file.rule in _ASKED_FIRST:
            _refuse(verb, problems_found(connection, Catalog({"oldest_version": OLDEST_VERSION}), file))
    known = read_catalog(connection)
    others = [file for file in files if file.rule not in _ASKED_FIRST]
    _refuse(verb, [obstacle for file in others for obstacle in problems_found(connection, known, file)])
    return known


def _refuse(verb: str, found: list[Problem]) -> None:
    if found:
        raise PrerequisitesNotMet(verb, found)


def still_clear(file: SqlFile) -> Statement:
    """Asks a blocker once more under the lock: the plan was made before, and the application has gone on."""
    check = (
        f"DO $check$ BEGIN IF EXISTS (\n{file.statement}\n) THEN\n"
        f"  RAISE EXCEPTION USING ERRCODE = '{execution.NEW_BLOCKER}', MESSAGE = '{file.rule}';\nEND IF; END $check$"
    )
    return Statement("locked", f"blocker {file.rule}", check, None, "")


def statements_of(connection: Connection, known: Catalog, file: SqlFile) -> list[Statement]:
    """What a file adds to a plan: its own text, or the statements that the query in it returns, except those with a `problem`."""
    stage, lock = file.header["stage"], file.header["locks"]
    if file.returns_statements:
        return [statement_of(stage, lock, row) for row in known.statements(connection, file) if not row.problem]
    do, undo = file.expanded(known.columns).statement, file.undo
    if undo is None:
        return [Statement(stage, file.rule, do, None, lock)]
    return [Statement(stage, file.rule, do, undo.statement, lock, undo.header.get("stage", "locked"))]


def statement_of(stage: str, lock: str, row: StatementRow) -> Statement:
    """The statement of a row; its lock is that of the file if it has none of its own."""
    return Statement(stage, row.object, row.do, row.undo, row.lock or lock, row.undo_stage, row.kind, row.waits_on)


def problems_found(connection: Connection, known: Catalog, file: SqlFile) -> list[Problem]:
    """What the question in a file finds."""
    return [Problem(file.rule, row["subject"], row["problem"], file.header["remedy"]) for row in known.rows(connection, file)]


def database_mark(connection: Connection) -> str:
    """What a plan's number is bound to: the server's identifier and the database's name."""
    identity = database.rows(connection, "plan/identity")[0]
    return f"{identity['system_identifier']}/{identity['database']}"


def _accepted_statuses(connection: Connection) -> dict[str, list[str]]:
    """Per status column, which of the statuses that could be written legacy's own checks accept."""
    candidates = {
        "generation_status": ["pending", "processing", "completed", "failed"],
        "upscale_status": ["not_started", "not_required", "pending", "processing", "completed", "failed"],
    }
    checks = database.rows(connection, "plan/status_checks")
    accepted = {}
    for column, statuses in candidates.items():
        conditions = [check["expression"] for check in checks if check["column_name"] == column]
        condition = " AND ".join(f"({expression}) IS NOT FALSE" for expression in conditions) or "TRUE"
        question = text(f"SELECT s.{column} FROM UNNEST(CAST(:statuses AS text [])) AS s ({column}) WHERE {_escaped(condition)}")
        accepted[column] = list(connection.execute(question, {"statuses": statuses}).scalars())
    return accepted


def _escaped(expression: str) -> str:
    """An expression from the catalog inside text(): a colon before a word would be taken for a parameter, but not in a cast."""
    return expression.replace("::", "\0").replace(":", "\\:").replace("\0", "::")
