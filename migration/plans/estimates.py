"""What the plan of deploy_schema tells its reader, in seconds on a table of any size: from a sample what is only told, exactly but within
a bound what decides. Nothing here is in the plan's number."""

from collections.abc import Callable
from typing import Any, TypedDict, TypeVar, cast

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.errors import DatabaseError
from migration.ledger import ledger
from migration.plans.statements import Catalog
from sql import SqlFile

Answer = TypeVar("Answer")

#: Blocks of the sample in which is counted what decides nothing: some 40,000 rows. A smaller table is counted as a whole.
SAMPLE_BLOCKS = 2048
#: Seconds for a question that must look at every row it is about; without the answer the plan says so.
COUNT_SECONDS = 20
#: For how long a transaction must be open to be told.
LONG_TRANSACTION = "1 minute"

_CANCELED = "57014"
#: What is told without being counted, by folder of sql/plan/advisories: also the section in which it is read.
NOTES = ("room", "sessions", "replication", "other_migrations")


class Exposure(TypedDict):
    """Artworks that users who are there already would gain, or that would change their owner, and how many such users."""

    user_gained: int
    users_gaining: int
    user_changed: int
    users_changed: int


class Identity(TypedDict):
    """Which database this is, and who asks."""

    database: str
    system_identifier: str
    version: str
    role: str


class Size(TypedDict):
    """Bytes: of the legacy table and its indexes, and of what the migration will make and write."""

    legacy_table: int
    legacy_indexes: int
    clean_table: int
    clean_indexes: int
    users: int
    wal: int
    temporary: int


class Advisory(TypedDict):
    """What the reader should know; what needs `attention` comes with its remedy."""

    rule: str
    subject: str
    problem: str
    attention: bool
    remedy: str


class Estimates(TypedDict):
    """What is counted and seen, each a section for the reader; None where the server had no answer in the time for it."""

    database: Identity
    sample_percent: float
    #: by disposition
    legacy_rows: dict[str, int] | None
    token_is_unique: bool
    exposure: Exposure | None
    #: values by column
    columns_not_carried: dict[str, int] | None
    #: why not, by column
    cannot_be_carried: dict[str, str]
    size: Size
    settings: dict[str, str]
    #: by section
    notes: dict[str, list[Advisory]]


def facts(connection: Connection, known: Catalog) -> Estimates:
    """Count and see everything. Takes ACCESS SHARE on artworks and users."""
    sample = database.rows(connection, "plan/sample", blocks=SAMPLE_BLOCKS)[0]
    percent = float(sample["percent"])
    rows = within_bound(connection, lambda: _dispositions(connection, known, percent))
    columns = within_bound(connection, lambda: _columns_not_carried(connection, known, percent))
    size = cast(Size, database.rows(connection, "plan/size", **_rows_and_migrated(rows, sample["rows_by_statistics"]))[0])
    return {
        "database": cast(Identity, database.rows(connection, "plan/identity")[0]),
        "sample_percent": percent,
        "legacy_rows": rows,
        "token_is_unique": database.rows(connection, "plan/token_is_unique")[0]["token_is_unique"],
        "exposure": within_bound(connection, lambda: _exposure(connection, known)),
        "columns_not_carried": columns,
        "cannot_be_carried": _cannot_be_carried(connection, known, list(columns or ())),
        "size": size,
        "settings": {row["name"]: row["value"] for row in database.rows(connection, "plan/settings")},
        "notes": {section: _notes(connection, section, {**size, "long_transaction": LONG_TRANSACTION}) for section in NOTES},
    }


def exposure_counts(exposure: Exposure | None) -> dict[str, int | None]:
    """The counts that the blocker exposure_not_accepted asks for; NULL where nobody could count."""
    return dict.fromkeys(Exposure.__annotations__) if exposure is None else cast(dict[str, int | None], exposure)


def within_bound(connection: Connection, question: Callable[[], Answer]) -> Answer | None:
    """The answer, or None if the server had none in COUNT_SECONDS; the transaction goes on, in its snapshot."""
    limit = text("SELECT SET_CONFIG('statement_timeout', :limit, TRUE)")
    try:
        with database.translated("counting", ""), connection.begin_nested():
            connection.execute(limit, {"limit": f"{int(COUNT_SECONDS * 1000)}ms"})
            answer = question()
            connection.execute(limit, {"limit": "0"})
            return answer
    except DatabaseError as error:
        if error.sqlstate != _CANCELED:
            raise
        return None


def before_deployment(connection: Connection, known: Catalog, file: SqlFile, *, sampled: float | None = None) -> SqlFile:
    """The query of a file with stand-ins for the relations of ours that it names, `sampled` with a percentage of the legacy table."""
    if "given" not in file.header:
        return file
    stand_ins = {
        "users": _stand_in(_has_users(connection), "users", "no_users"),
        "clean_modified": sql.load("stand_ins/clean_modified").statement,
        "decision": _stand_in(ledger.exists(connection), "decision", "no_decisions"),
        "referenced_artwork": _referenced(connection),
        "column_gone": sql.load("stand_ins/column_gone").statement,
    }
    mapping = sql.load("legacy_artwork").expanded(known.columns, sampled=sampled).given(stand_ins)
    return file.given({**stand_ins, "legacy_artwork": mapping.statement})


def _stand_in(there: bool, present: str, absent: str) -> str:
    return sql.load(f"stand_ins/{present if there else absent}").statement


def _has_users(connection: Connection) -> bool:
    return bool(connection.execute(text("SELECT TO_REGCLASS('public.users') IS NOT NULL")).scalar_one())


def _referenced(connection: Connection) -> str:
    """What the view of that name will say."""
    (view,) = database.statements(connection, sql.load("deploy_schema/referenced_artwork"))
    return view.question or ""


def _dispositions(connection: Connection, known: Catalog, percent: float) -> dict[str, int]:
    question = before_deployment(connection, known, sql.load("plan/dispositions"), sampled=percent)
    return {row["disposition"]: _of_all(row["row_count"], percent) for row in known.rows(connection, question)}


def _exposure(connection: Connection, known: Catalog) -> Exposure:
    question = before_deployment(connection, known, sql.load("plan/exposure"))
    return cast(Exposure, known.rows(connection, question)[0])


def _columns_not_carried(connection: Connection, known: Catalog, percent: float) -> dict[str, int]:
    found = database.rows(connection, "plan/columns_not_carried", mapping=known.parameters["mapping"], percent=percent)[0]
    counts = database.run_literally(connection, found["question"]).scalar_one() if found["columns"] else []
    return {column: _of_all(count, percent) for column, count in zip(found["columns"], counts, strict=True)}


def _cannot_be_carried(connection: Connection, known: Catalog, columns: list[str]) -> dict[str, str]:
    found = database.rows(connection, "plan/cannot_be_carried", columns=columns, mapping=known.parameters["mapping"])
    return {row["column_name"]: row["problem"] for row in found}


def _of_all(count: int, percent: float) -> int:
    """What a count in the sample stands for."""
    return round(count * 100 / percent)


def _rows_and_migrated(rows: dict[str, int] | None, by_statistics: int) -> dict[str, int]:
    """What the size is estimated from; all of them are migrated where nobody could count."""
    if rows is None:
        return {"legacy_rows": by_statistics, "migrated": by_statistics}
    return {"legacy_rows": sum(rows.values()), "migrated": rows.get("eligible", 0)}


def _notes(connection: Connection, section: str, parameters: dict[str, Any]) -> list[Advisory]:
    """What the questions of a folder find, each with what to do about it."""
    asked = Catalog(parameters)
    return [
        Advisory(rule=file.rule, subject=row["subject"], problem=row["problem"], attention=row["attention"], remedy=file.header["remedy"])
        for file in sql.folder(f"plan/advisories/{section}")
        for row in asked.rows(connection, file)
    ]
