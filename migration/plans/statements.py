"""The parts of every plan: statements, prerequisites and blockers, read from the catalog and from ``sql/``. Nothing is changed here."""

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

#: Postgres 15 has security_invoker views and MERGE; it is the oldest release that the design allows.
OLDEST_VERSION = 150000

#: If one of these is not met, the other prerequisites cannot be checked, so it is reported alone.
CHECKED_FIRST = (
    *("postgres_version", "server_encoding", "standby", "usage_privilege"),
    *("artworks_missing", "migrated_already", "other_layout"),
)

#: A blocker of the uninstall, of the switch and of the clean-up, rechecked under their locks.
REJECTED_WRITE = "roll_back/to_not_started/blockers/rejected_write"
#: The prerequisite that we see every row, rechecked under the locks of each verb.
ROW_SECURITY = "plan/prerequisites/row_security"
#: Drift of the objects that capture, write-through and carry-back rely on: a blocker of the roll back.
DRIFT = ("drift/trigger_drifted", "drift/function_changed")
#: The parameter with the open ways to users, as JSON.
USERS_ACCESS = "users_access"
#: Drift of our views, without which no other check is possible.
VIEW_GONE = "drift/view_gone"
#: These in one query, for the recheck under the locks.
CAPTURE_DRIFTED = "plan/capture_drifted"


@dataclass(frozen=True)
class OwnerTable:
    """The table whose rows own artworks, its column, and whether anonymous users are created in it. See ``sql/owner_table.sql``."""

    relation: str
    column_name: str
    creates_users: bool
    on_update: str


@dataclass(frozen=True)
class Catalog:
    """The `parameters` that the queries of ``sql/`` name, and the columns that comments are repeated for (`SqlFile.expanded`)."""

    parameters: Mapping[str, Any]
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def rows(self, connection: Connection, file: SqlFile) -> list[dict[str, Any]]:
        """Return the rows of a query, called with the parameters that it names."""
        return [dict(row) for row in connection.execute(text(file.statement), self._named(file)).mappings()]

    def statements(self, connection: Connection, file: SqlFile) -> list[StatementRow]:
        """Return the statements of a ``.rows`` query, called with the parameters that it names."""
        return database.statements(connection, file, **self._named(file))

    def _named(self, file: SqlFile) -> dict[str, Any]:
        named = text(file.statement).compile().params
        return {name: value for name, value in self.parameters.items() if name in named}


def read_catalog(connection: Connection) -> Catalog:
    """Return the catalog: the mapping with the carried columns, the statuses that legacy accepts, the application's roles."""
    carried = decisions.carried_columns(connection)
    mapping = [*database.rows(connection, "mapping"), *(_carried_over(place, column) for place, column in enumerate(carried, start=100))]
    types = {row["legacy_column"]: row["type"] for row in database.rows(connection, "plan/clean_types", mapping=json.dumps(mapping))}
    mapping = [{**row, "clean_type": types.get(row["legacy_column"])} for row in mapping]
    mapped = dict.fromkeys(row["clean_column"] for row in mapping if row["clean_column"] != "id")
    columns = {"mapped": tuple(mapped), "carried": carried}
    roles = ledger.decision_value(connection, "function_roles", "service_role")
    return Catalog(
        {
            **owner_parameters(connection),
            "oldest_version": OLDEST_VERSION,
            "mapping": json.dumps(mapping),
            "accepted": json.dumps(_accepted_statuses(connection)),
            "legacy_rules": json.dumps(database.rows(connection, "plan/legacy_rules", mapping=json.dumps(mapping))),
            "legacy_artwork": sql.load("legacy_artwork").expanded(columns).statement,
            "users_access_question": sql.load("users_access").statement,
            "legacy_names_object": sql.load("dependents/relation/legacy_names_object").statement,
            "serve_old_names": ledger.decision_value(connection, decisions.DecisionName.SERVE_OLD_NAMES, "no") == "yes",
            "function_roles": [role.strip() for role in roles.split(",") if role.strip()],
        },
        columns,
    )


def owner_table(connection: Connection) -> OwnerTable:
    """Return the table whose rows own artworks: what the deployment has stored, before it what the catalog says."""
    deployed = connection.execute(text("SELECT TO_REGCLASS('artwork_migration.owner_table') IS NOT NULL")).scalar_one()
    return OwnerTable(**database.rows(connection, "plan/stored_owner_table" if deployed else "owner_table")[0])


def owner_parameters(connection: Connection) -> dict[str, Any]:
    """Return the parameters that say which table owns artworks, and the query for the users that are found by e-mail."""
    owner = owner_table(connection)
    return {
        "owner_relation": owner.relation,
        "owner_column": owner.column_name,
        "creates_users": owner.creates_users,
        "owner_on_update": owner.on_update,
        "users": sql.load(f"stand_ins/{'users' if owner.creates_users else 'no_users'}").statement,
    }


def _carried_over(place: int, column: str) -> dict[str, Any]:
    """Return the row of the mapping for a column that is carried over unchanged."""
    same = {"clean_column": column, "legacy_column": column, "back": "@", "same": "@ IS NOT DISTINCT FROM #", "data_type": None}
    return {"position": place, **same, "required": True, "on_update": True, "carried": True}


def require_prerequisites(connection: Connection, verb: str) -> Catalog:
    """Return the catalog. Raises PrerequisitesNotMet with all prerequisites that this database does not meet."""
    files = sql.folder("plan/prerequisites")
    for file in files:
        if file.rule in CHECKED_FIRST:
            _refuse(verb, problems_found(connection, Catalog({"oldest_version": OLDEST_VERSION}), file))
    catalog = read_catalog(connection)
    others = [file for file in files if file.rule not in CHECKED_FIRST and file.applies(creates_users=catalog.parameters["creates_users"])]
    _refuse(verb, [problem for file in others for problem in problems_found(connection, catalog, file)])
    return catalog


def _refuse(verb: str, problems: list[Problem]) -> None:
    if problems:
        raise PrerequisitesNotMet(verb, problems)


def recheck(file: SqlFile) -> Statement:
    """Return the statement that checks a blocker again under the locks, because the application may have changed rows since the plan."""
    check = (
        f"DO $check$ BEGIN IF EXISTS (\n{file.statement}\n) THEN\n"
        f"  RAISE EXCEPTION USING ERRCODE = '{execution.NEW_BLOCKER}', MESSAGE = '{file.rule}';\nEND IF; END $check$"
    )
    return Statement("locked", f"blocker {file.rule}", check, None, "none that the plan does not have already.")


def statements_of(connection: Connection, catalog: Catalog, file: SqlFile) -> list[Statement]:
    """Return what a file adds to a plan: its own text, or the statements that its query returns."""
    stage, lock = file.header["stage"], file.header["locks"]
    if file.returns_statements:
        return [statement_of(stage, lock, row) for row in catalog.statements(connection, file)]
    do, undo = file.expanded(catalog.columns).statement, file.undo
    if undo is None:
        return [Statement(stage, file.rule, do, None, lock)]
    return [Statement(stage, file.rule, do, undo.statement, lock, undo.header.get("stage", "locked"))]


def statement_of(stage: str, lock: str, row: StatementRow) -> Statement:
    """Return the statement of a row, with the lock of the file if the row has none."""
    return Statement(stage, row.object, row.do, row.undo, row.lock or lock, row.undo_stage, row.kind, row.waits_on)


def problems_found(connection: Connection, catalog: Catalog, file: SqlFile) -> list[Problem]:
    """Return the problems that the query of a file finds.

    Its rows are (subject, problem) and, where one statement or one decision is the remedy, `statement` or `decision`. The remedy in words
    is in the file's header, unless the row has one of its own.
    """
    return [Problem.found(file.rule, file.header["remedy"], row) for row in catalog.rows(connection, file)]


def database_mark(connection: Connection) -> str:
    """Return the server's identifier and the database's name, to which a plan's number is bound."""
    identity = database.rows(connection, "plan/identity")[0]
    return f"{identity['system_identifier']}/{identity['database']}"


def _accepted_statuses(connection: Connection) -> dict[str, list[str]]:
    """Return the statuses that the legacy table's own checks accept, for each status column."""
    questions = {row["column_name"]: row["question"] for row in database.rows(connection, "plan/accepted_statuses")}
    return {column: list(database.run_literally(connection, question).scalars()) for column, question in questions.items()}
