"""The plans of deploy_schema and of its undoing: read from the catalog and from ``sql/``, nothing is changed here."""

import dataclasses
import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, text

import sql
from migration import counting, database, decisions, execution, hanging, ledger, plan
from migration.errors import Obstacle, ObstaclesFound
from migration.phases import Phase
from migration.plan import Plan, Statement
from sql import SqlFile

#: Postgres 15: security_invoker views, MERGE; the oldest release the design asks for.
OLDEST_VERSION = 150000

#: Each of these makes the questions after it moot or impossible, so it is told alone.
_ASKED_FIRST = ("postgres_version", "server_encoding", "standby", "usage_privilege", "artworks_missing", "migrated_already")

#: Those blockers of the plan that read rows of the application; the others ask the catalog, however long it takes.
_LOOK_AT_ROWS = ("referenced_row",)

#: Asked for the plan and again under the locks, by the switch and by the way back from it.
WHAT_HANGS_ON_ARTWORKS = "plan/what_hangs_on_artworks"

#: A blocker of the switch and of the clean-up too, and asked again under their locks.
REFUSED_WRITE = "withdraw/blockers/refused_write"
#: What capture, write-through and carry-back rest on: asked by the flows, there and back. What has come to the table by the time of the
#: locks is found by the question above.
LAPSES = ("lapses/10_trigger_lapsed", "lapses/20_function_changed")
#: Without these nothing else can be asked.
VIEW_GONE = "lapses/25_view_gone"
#: All of them in one question, for under the locks.
CAPTURE_LAPSED = "plan/capture_lapsed"
#: A question of the switch that the withdrawal asks as well.
_UNFINISHED_ROLL_BACK = "switch/blockers/24_unfinished_roll_back"


@dataclass(frozen=True)
class Catalog:
    """What the statements of a deployment are made from: the parameters that ``sql/deploy`` and ``sql/plan`` name, and the columns that are
    carried over beyond the mapping."""

    parameters: dict[str, Any]
    carried: tuple[str, ...] = ()

    def rows(self, connection: Connection, file: SqlFile) -> list[dict[str, Any]]:
        """The rows of a query file, given those of the parameters that it names."""
        question = text(file.statement)
        wanted = question.compile().params
        named = {name: value for name, value in self.parameters.items() if name in wanted}
        return [dict(row) for row in connection.execute(question, named).mappings()]


def catalog(connection: Connection) -> Catalog:
    """Read the parameters: the mapping and what is carried beyond it, the statuses legacy takes, the application's roles."""
    carried = decisions.carried_columns(connection)
    mapping = [*database.rows(connection, "mapping"), *(_carried_over(place, column) for place, column in enumerate(carried, start=100))]
    roles = ledger.decision_value(connection, "function_roles", "service_role")
    return Catalog(
        {
            "oldest_version": OLDEST_VERSION,
            "mapping": json.dumps(mapping),
            "accepted": json.dumps(_accepted_statuses(connection)),
            "legacy_artwork": sql.load("legacy_artwork").carrying(carried),
            "function_roles": [role.strip() for role in roles.split(",") if role.strip()],
        },
        carried,
    )


def _carried_over(place: int, column: str) -> dict[str, Any]:
    """A row of the mapping for a column that goes along as it is."""
    same = {"clean_column": column, "legacy_column": column, "back": "@", "same": "@ IS NOT DISTINCT FROM #", "data_type": None}
    return {"position": place, **same, "required": True, "on_update": True, "carried": True}


def refuse_obstacles(connection: Connection, verb: str) -> Catalog:
    """Return the catalog, or raise ObstaclesFound with everything that makes this database one we cannot migrate."""
    files = sql.folder("plan/obstacles")
    for file in files:
        if file.rule in _ASKED_FIRST:
            _refuse(verb, obstacles_of(connection, Catalog({"oldest_version": OLDEST_VERSION}), file))
    known = catalog(connection)
    others = [file for file in files if file.rule not in _ASKED_FIRST]
    _refuse(verb, [obstacle for file in others for obstacle in obstacles_of(connection, known, file)])
    return known


def _refuse(verb: str, found: list[Obstacle]) -> None:
    if found:
        raise ObstaclesFound(verb, found)


def plan_deployment(connection: Connection) -> Plan:
    """The plan of deploy_schema for this database. Raises ObstaclesFound. NOT_STARTED → NOT_STARTED; takes ACCESS SHARE only."""
    known = refuse_obstacles(connection, "deploy_schema")
    statements = [statement for file in sql.folder("deploy") for statement in statements_of(connection, known, file)]
    facts = _facts(connection, known)
    return Plan(
        verb="deploy_schema",
        database=database_mark(connection),
        phase=plan.phase_mark(connection),
        decisions=plan.decisions_in_force(connection),
        statements=tuple(sorted(statements, key=lambda statement: plan.STAGES.index(statement.stage))),
        blockers=_blockers(connection, known, facts),
        facts=facts,
    )


def plan_withdrawal(connection: Connection) -> Plan:
    """The plan of roll_back(to=NOT_STARTED): the deployment's own undo statements, backwards. Takes ACCESS SHARE only.

    In phase NOT_STARTED it holds what an earlier roll-back had still to do after its lock.
    """
    row = ledger.phase(connection)
    deployed = ledger.deployed_statements(connection)
    undos = plan.undone(deployed)
    in_place = row.phase is not Phase.NOT_STARTED
    users_are_ours = any(statement.do == "DROP TABLE public.users" for statement in undos)
    blockers = [*sql.folder("withdraw/blockers"), sql.load(_UNFINISHED_ROLL_BACK)] if in_place else []
    locked = []
    if in_place:
        locked = [
            *rows_as(connection, "locked", "withdraw/locks"),
            *(still_clear(file) for file in blockers),
            Statement("locked", "values of the clean side alone", _kept("withdraw/clean_only_values"), None, ""),
            *(undo for undo in undos if undo.stage == "locked"),
        ]
    after = [
        *rows_as(connection, "after", "withdraw/created_users", users_are_ours=users_are_ours, gone="public.artworks_v2"),
        *(undo for undo in undos if undo.stage == "after"),
        Statement("after", "schema artwork_migration", sql.load("ledger/create.undo").statement, None, ""),
    ]
    return Plan(
        verb="roll_back(to=NOT_STARTED)",
        database=database_mark(connection),
        phase=plan.phase_mark(connection),
        decisions=plan.decisions_in_force(connection),
        statements=(*locked, *after),
        blockers=tuple(
            Obstacle(file.rule, found["subject"], found["problem"], file.header["remedy"])
            for file in blockers
            for found in database.rows(connection, file.name)
        ),
        facts=database.rows(connection, "withdraw/facts")[0] if in_place else {},
    )


def still_clear(file: SqlFile) -> Statement:
    """Asks a blocker once more under the lock: the plan was made before, and the application has gone on."""
    check = (
        f"DO $check$ BEGIN IF EXISTS (\n{file.statement}\n) THEN\n"
        f"  RAISE EXCEPTION USING ERRCODE = '{execution.BLOCKER_HAS_COME}', MESSAGE = '{file.rule}';\nEND IF; END $check$"
    )
    return Statement("locked", f"blocker {file.rule}", check, None, "")


def still_the_same(connection: Connection, file: SqlFile) -> Statement:
    """Asks a question once more under the lock, whose answer must be the one that it has now."""
    answer = connection.execute(text(file.statement)).scalar_one()
    check = (
        f"DO $check$ BEGIN IF (\n{file.statement}\n) IS DISTINCT FROM '{answer}' THEN\n"
        f"  RAISE EXCEPTION USING ERRCODE = '{execution.BLOCKER_HAS_COME}', MESSAGE = '{file.rule}';\nEND IF; END $check$"
    )
    return Statement("locked", file.rule, check, None, "")


def _kept(name: str) -> str:
    return f"CREATE TABLE artwork_migration.clean_only_value AS\n{sql.load(name).statement}"


def rows_as(connection: Connection, stage: str, name: str, **parameters: object) -> list[Statement]:
    """The rows of the query in file `name` as statements without an undo."""
    found = database.rows(connection, name, **parameters)
    return [Statement(stage, row["object"], row["do"], None, row.get("lock") or "") for row in found]


def statements_of(connection: Connection, known: Catalog, file: SqlFile) -> list[Statement]:
    """What a file adds to a plan: its own text, or what the query in it returns but for rows with a `problem` (see problems_of)."""
    stage, lock = file.header["stage"], file.header["locks"]
    if not file.name.endswith(".rows"):
        undo = sql.load(f"{file.name}.undo") if sql.exists(f"{file.name}.undo") else None
        do = file.carrying(known.carried)
        if undo is None:
            return [Statement(stage, file.rule, do, None, lock)]
        return [Statement(stage, file.rule, do, undo.statement, lock, undo.header.get("stage", "locked"))]
    return [
        Statement(stage, row["object"], row["do"], row["undo"], row.get("lock") or lock, row.get("undo_stage") or "locked")
        for row in known.rows(connection, file)
        if not row.get("problem")
    ]


def problems_of(connection: Connection, known: Catalog, file: SqlFile) -> list[Obstacle]:
    """The rows of a query file that cannot become statements, each with the reason."""
    found = {row["object"]: row["problem"] for row in known.rows(connection, file) if row.get("problem")}
    return [Obstacle(file.rule, subject, problem, file.header["remedy"]) for subject, problem in found.items()]


def obstacles_of(connection: Connection, known: Catalog, file: SqlFile) -> list[Obstacle]:
    """What the question in a file finds."""
    return [Obstacle(file.rule, row["subject"], row["problem"], file.header["remedy"]) for row in known.rows(connection, file)]


def _facts(connection: Connection, known: Catalog) -> dict[str, Any]:
    """What the reader of the plan is told."""
    return {
        **counting.facts(connection, known),
        "statuses_legacy_takes": json.loads(known.parameters["accepted"]),
        # what it deparses waits for whoever has locked a table that the words name
        hanging.FACT: counting.within_bound(
            connection, lambda: hanging.listed(connection, known, lambda file: counting.on_stubs(connection, known, file))
        ),
    }


def _blockers(connection: Connection, known: Catalog, facts: dict[str, Any]) -> tuple[Obstacle, ...]:
    """What must be mended first. Only a look at rows has a bound; one not had in that time is told in `facts`, and a gate looks again."""
    asked = dataclasses.replace(known, parameters={**known.parameters, **counting.exposure_counts(facts["exposure"])})
    found: list[Obstacle] = []
    for file in sql.folder("plan/blockers"):
        look = partial(obstacles_of, connection, asked, counting.on_stubs(connection, asked, file))
        rows = counting.within_bound(connection, look) if file.rule in _LOOK_AT_ROWS else look()
        if rows is None:
            facts.setdefault("not_looked", []).append(file.rule)
        found += rows or []
    return tuple(found)


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
