"""The estimates in the plan of deploy_schema, made in seconds on a table of any size. Informational counts come from a sample; counts that
decide are exact, within a time limit. They are facts of the plan and no part of its number."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypedDict, TypeVar, cast

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.driver_errors import translated
from migration.errors import DatabaseError
from migration.ledger import decisions, ledger
from migration.plans import users
from migration.plans.statements import Catalog
from sql import SqlFile

Answer = TypeVar("Answer")

#: Blocks of the sample for informational counts: some 40,000 rows. A smaller table is counted completely.
SAMPLE_BLOCKS = 2048
#: Seconds for a query that reads many rows. If it takes longer, the plan says that it was not counted.
COUNT_SECONDS = 20
#: A transaction that is open for longer is listed.
LONG_TRANSACTION = "1 minute"

_CANCELED = "57014"
#: The sections of advisories in the plan.
SECTIONS = sql.folders("plan/advisories")


class Exposure(TypedDict):
    """The artworks that existing users would gain, or that would change their owner, and how many users each concerns."""

    user_gained: int
    users_gaining: int
    user_changed: int
    users_changed: int


class Identity(TypedDict):
    """The database, its server, and the role of the connection."""

    database: str
    system_identifier: str
    version: str
    role: str


class Owners(TypedDict):
    """The table whose rows own artworks, and whether anonymous users are created in it."""

    relation: str
    creates_users: bool


class Advisory(TypedDict):
    """One advisory: its rule, its subject, the problem and the remedy; `attention` if an operator must act."""

    rule: str
    subject: str
    problem: str
    attention: bool
    remedy: str


class Users(TypedDict):
    """The estimates about the users that are created. None: the query exceeded its time limit."""

    #: anonymous users that migrate_data will create
    users_to_create: int | None
    #: what the insert of an anonymous user of each kind came to; none if it was not tried
    users_tried: list[users.Tried]
    #: the triggers because of which it was not tried
    users_not_tried: list[str]
    #: e-mails whose user the table refuses, and their artworks, by the object that refuses them
    users_refused: list[dict[str, Any]] | None
    #: the ways to users that are open, accepted or not
    users_access: list[users.Way]


#: Where no users are created.
NO_USERS = Users(users_to_create=0, users_tried=[], users_not_tried=[], users_refused=[], users_access=[])


class Estimates(Users):
    """The estimates, section by section. None: the query exceeded its time limit."""

    database: Identity
    sample_percent: float
    #: by disposition
    legacy_rows: dict[str, int] | None
    token_is_unique: bool
    owners: Owners
    exposure: Exposure | None
    #: values by column
    columns_not_carried: dict[str, int] | None
    #: why not, by column
    cannot_be_carried: dict[str, str]
    #: bytes of the legacy table and its indexes, and of what the migration will create and write
    size: dict[str, int]
    settings: dict[str, str]
    #: by section
    notes: dict[str, list[Advisory]]


def facts(connection: Connection, catalog: Catalog) -> Estimates:
    """Return the estimates. Takes ACCESS SHARE on artworks and users."""
    sample = database.rows(connection, "plan/sample", blocks=SAMPLE_BLOCKS)[0]
    percent = float(sample["percent"])
    rows = within_bound(connection, lambda: _dispositions(connection, catalog, percent))
    columns = within_bound(connection, lambda: _columns_not_carried(connection, catalog, percent))
    counts = _rows_and_migrated(rows, sample["rows_by_statistics"])
    (size,) = database.rows(connection, "plan/size", **counts, creates_users=catalog.parameters["creates_users"])
    return {
        "database": cast(Identity, database.rows(connection, "plan/identity")[0]),
        "sample_percent": percent,
        "legacy_rows": rows,
        "token_is_unique": database.rows(connection, "plan/token_is_unique")[0]["token_is_unique"],
        "owners": Owners(relation=catalog.parameters["owner_relation"], creates_users=catalog.parameters["creates_users"]),
        "exposure": within_bound(connection, lambda: _exposure(connection, catalog)),
        **(_users(connection, catalog) if catalog.parameters["creates_users"] else NO_USERS),
        "columns_not_carried": columns,
        "cannot_be_carried": decisions.cannot_be_carried(connection, list(columns or ()), catalog.parameters["mapping"]),
        "size": size,
        "settings": {row["name"]: row["value"] for row in database.rows(connection, "plan/settings")},
        "notes": {section: _advisories(connection, section, {**size, "long_transaction": LONG_TRANSACTION}) for section in SECTIONS},
    }


def exposure_counts(exposure: Exposure | None) -> dict[str, int | None]:
    """Return the parameters of the blocker exposure_not_accepted: the counts, or NULL if they could not be made in time."""
    return dict.fromkeys(Exposure.__annotations__) if exposure is None else cast(dict[str, int | None], exposure)


def within_bound(connection: Connection, question: Callable[[], Answer]) -> Answer | None:
    """Return the answer, or None if it takes longer than COUNT_SECONDS. The transaction continues in its snapshot."""
    limit = text("SELECT SET_CONFIG('statement_timeout', :limit, TRUE)")
    try:
        with translated("counting"), connection.begin_nested():
            connection.execute(limit, {"limit": f"{int(COUNT_SECONDS * 1000)}ms"})
            answer = question()
            connection.execute(limit, {"limit": "0"})
            return answer
    except DatabaseError as error:
        if error.sqlstate != _CANCELED:
            raise
        return None


def before_deployment(connection: Connection, catalog: Catalog, file: SqlFile, *, sampled: float | None = None) -> SqlFile:
    """Return the query with stand-ins for those of our relations that do not exist yet. `sampled` is a percentage of the legacy table."""
    if "given" not in file.header:
        return file
    stand_ins = {
        "users": _stand_in(_has_users(connection) and catalog.parameters["creates_users"], "users", "no_users"),
        "owner_table": sql.load("owner_table").statement,
        "clean_modified": sql.load("stand_ins/clean_modified").statement,
        "decision": _stand_in(ledger.exists(connection), "decision", "no_decisions"),
        "referenced_artwork": _question(connection, "referenced_artwork"),
        "column_gone": sql.load("stand_ins/column_gone").statement,
        "refused_email": database.rows(connection, "plan/refused_email")[0]["question"],
    }
    stand_ins["legacy_artwork"] = sql.load("legacy_artwork").expanded(catalog.columns, sampled=sampled).given(stand_ins).statement
    left_behind = SqlFile("left_behind", {"given": "legacy_artwork, decision"}, _question(connection, "left_behind"))
    stand_ins["left_behind"] = left_behind.given(stand_ins).statement
    stand_ins["quarantined"] = sql.load("stand_ins/quarantined").given(stand_ins).statement
    return file.given(stand_ins)


def _stand_in(there: bool, present: str, absent: str) -> str:
    return sql.load(f"stand_ins/{present if there else absent}").statement


def _has_users(connection: Connection) -> bool:
    return bool(connection.execute(text("SELECT TO_REGCLASS('public.users') IS NOT NULL")).scalar_one())


def _question(connection: Connection, view: str) -> str:
    """Return the query of a view that deploy_schema will create."""
    (statement,) = database.statements(connection, sql.load(f"deploy_schema/{view}"))
    return statement.question or ""


def _dispositions(connection: Connection, catalog: Catalog, percent: float) -> dict[str, int]:
    question = before_deployment(connection, catalog, sql.load("plan/dispositions"), sampled=percent)
    return {row["disposition"]: _of_all(row["row_count"], percent) for row in catalog.rows(connection, question)}


def _exposure(connection: Connection, catalog: Catalog) -> Exposure:
    question = before_deployment(connection, catalog, sql.load("plan/exposure"))
    return cast(Exposure, catalog.rows(connection, question)[0])


def _users(connection: Connection, catalog: Catalog) -> Users:
    tried = users.tried(connection)
    return {
        "users_to_create": within_bound(connection, lambda: _users_to_create(connection, catalog)),
        "users_tried": tried,
        "users_not_tried": users.not_tried(connection),
        "users_refused": within_bound(connection, lambda: _users_refused(connection, catalog, small=users.stores_small(tried))),
        "users_access": _users_access(connection, catalog),
    }


def _users_to_create(connection: Connection, catalog: Catalog) -> int:
    question = before_deployment(connection, catalog, sql.load("plan/users_to_create"))
    return int(catalog.rows(connection, question)[0]["users_to_create"])


def _users_refused(connection: Connection, catalog: Catalog, *, small: bool) -> list[dict[str, Any]]:
    asked = dataclasses.replace(catalog, parameters={**catalog.parameters, "small": small})
    return asked.rows(connection, before_deployment(connection, asked, sql.load("plan/users_refused")))


def _users_access(connection: Connection, catalog: Catalog) -> list[users.Way]:
    return users.access(connection, catalog, before_deployment(connection, catalog, sql.load("users_access")))


def _columns_not_carried(connection: Connection, catalog: Catalog, percent: float) -> dict[str, int]:
    found = database.rows(connection, "plan/columns_not_carried", mapping=catalog.parameters["mapping"], percent=percent)[0]
    counts = database.run_literally(connection, found["question"]).scalar_one() if found["columns"] else []
    return {column: _of_all(count, percent) for column, count in zip(found["columns"], counts, strict=True)}


def _of_all(count: int, percent: float) -> int:
    """Return the estimate for the whole table from a count in the sample."""
    return round(count * 100 / percent)


def _rows_and_migrated(rows: dict[str, int] | None, by_statistics: int) -> dict[str, int]:
    """Return the parameters of the size: all rows and the migrated ones. Without a count, all rows are migrated."""
    if rows is None:
        return {"legacy_rows": by_statistics, "migrated": by_statistics}
    return {"legacy_rows": sum(rows.values()), "migrated": rows.get("eligible", 0)}


def _advisories(connection: Connection, section: str, parameters: dict[str, Any]) -> list[Advisory]:
    """Return what the queries of a section find, each with its remedy."""
    catalog = Catalog(parameters)
    return [
        Advisory(rule=file.rule, subject=row["subject"], problem=row["problem"], attention=row["attention"], remedy=file.header["remedy"])
        for file in sql.folder(f"plan/advisories/{section}")
        for row in catalog.rows(connection, file)
    ]
