"""What the plan of deploy_schema tells its reader, in seconds on a table of any size: from a sample what is only told, exactly but within
a bound what decides. Nothing here is in the plan's number."""

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

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
_NOTHING = "SELECT NULL::uuid AS id WHERE FALSE"
_LEGACY_TABLE = re.compile(r"^( *FROM public\.artworks)$", re.MULTILINE)
#: What is told without being counted, by folder of sql/plan/notes: also the section in which it is read.
NOTES = ("room", "sessions", "replication", "other_migrations")


def facts(connection: Connection, known: Catalog) -> dict[str, Any]:
    """What is counted and seen, each a section for the reader. What was not had in the time for it is None."""
    sample = database.rows(connection, "plan/sample", blocks=SAMPLE_BLOCKS)[0]
    percent = float(sample["percent"])
    rows = within_bound(connection, lambda: _dispositions(connection, known, percent))
    size = database.rows(connection, "plan/size", **_rows_and_migrated(rows, sample["rows_by_statistics"]))[0]
    exposure = within_bound(connection, lambda: ask(connection, known, sql.load("plan/exposure"))[0])
    return {
        "database": database.rows(connection, "plan/identity")[0],
        "sample_percent": percent,
        "legacy_rows": rows,
        "token_is_unique": database.rows(connection, "plan/token_is_unique")[0]["token_is_unique"],
        "exposure": exposure,
        **_columns(connection, known, within_bound(connection, lambda: _columns_not_carried(connection, known, percent))),
        "size": size,
        "settings": {row["name"]: row["value"] for row in database.rows(connection, "plan/settings")},
        "notes": {section: _notes(connection, section, {**size, "long_transaction": LONG_TRANSACTION}) for section in NOTES},
    }


def exposure_counts(exposure: dict[str, Any] | None) -> dict[str, Any]:
    """The counts that the blocker exposure_not_accepted asks for; NULL where nobody could count."""
    return exposure or dict.fromkeys(("user_gained", "users_gaining", "user_changed", "users_changed"))


def ask(connection: Connection, known: Catalog, file: SqlFile) -> list[dict[str, Any]]:
    """The rows of a query that reads the mapping view, before that exists."""
    return known.rows(connection, on_stubs(connection, known, file))


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


def on_stubs(connection: Connection, known: Catalog, file: SqlFile) -> SqlFile:
    """The same query before the view exists: its text as a CTE, on stand-ins for the tables that are not there yet.

    Only those that the query names are put before it: the server locks what stands in any of them.
    """
    has_users = connection.execute(text("SELECT TO_REGCLASS('public.users') IS NOT NULL")).scalar_one()
    references = sql.load("deploy_schema/40_referenced_artwork.rows")
    referenced = connection.execute(text(references.statement)).mappings().one()["do"].split(" AS ", 1)[1]
    stubs = {
        "users": "SELECT u.id, u.email FROM public.users AS u" if has_users else "SELECT NULL::uuid AS id, NULL::text AS email WHERE FALSE",
        "clean_modified": _NOTHING,
        "referenced_artwork": referenced,
        "decision": _decision_stub(connection),
        "column_gone": sql.load("plan/column_gone").statement,
        "legacy_artwork": str(known.parameters["legacy_artwork"]),
    }
    named = [name for name in stubs if "legacy_artwork" in file.statement or re.search(rf"\b{name}\b", file.statement)]
    if not named:
        return file
    ctes = ",\n".join(f"{name} AS NOT MATERIALIZED (\n{stubs[name]}\n)" for name in named)
    asked = re.sub(rf"\bartwork_migration\.({'|'.join(named)})\b", r"\1", file.statement)
    return SqlFile(file.name, file.header, f"WITH {ctes}\nSELECT * FROM (\n{asked}\n) AS asked")


def _decision_stub(connection: Connection) -> str:
    if ledger.exists(connection):
        return "SELECT d.number, d.name, d.value FROM artwork_migration.decision AS d"
    return "SELECT 0 AS number, ''::text AS name, ''::text AS value WHERE FALSE"


def _dispositions(connection: Connection, known: Catalog, percent: float) -> dict[str, int]:
    mapping = _LEGACY_TABLE.sub(rf"\1 TABLESAMPLE SYSTEM ({percent}) REPEATABLE (1)", str(known.parameters["legacy_artwork"]))
    sampled = dataclasses.replace(known, parameters={**known.parameters, "legacy_artwork": mapping})
    return {row["disposition"]: _of_all(row["row_count"], percent) for row in ask(connection, sampled, sql.load("plan/dispositions"))}


def _columns_not_carried(connection: Connection, known: Catalog, percent: float) -> dict[str, int]:
    found = database.rows(connection, "plan/columns_not_carried", mapping=known.parameters["mapping"], percent=percent)[0]
    columns: Sequence[str] = found["columns"]
    counts = connection.exec_driver_sql(found["question"].replace("%", "%%")).scalar_one() if columns else []
    return {column: _of_all(count, percent) for column, count in zip(columns, counts, strict=True)}


def _columns(connection: Connection, known: Catalog, counted: dict[str, int] | None) -> dict[str, Any]:
    """The columns that are not carried, and why some of them cannot be."""
    asked = {"columns": list(counted or ()), "mapping": known.parameters["mapping"]}
    cannot = {row["column_name"]: row["problem"] for row in database.rows(connection, "plan/cannot_be_carried", **asked)}
    return {"columns_not_carried": counted, "cannot_be_carried": cannot}


def _of_all(count: int, percent: float) -> int:
    """What a count in the sample stands for."""
    return round(count * 100 / percent)


def _rows_and_migrated(rows: dict[str, int] | None, by_statistics: int) -> dict[str, int]:
    """What the size is estimated from; all of them are migrated where nobody could count."""
    if rows is None:
        return {"legacy_rows": by_statistics, "migrated": by_statistics}
    return {"legacy_rows": sum(rows.values()), "migrated": rows.get("eligible", 0)}


def _notes(connection: Connection, section: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """What the questions of a folder find, each with what to do about it."""
    notes = []
    for file in sql.folder(f"plan/advisories/{section}"):
        question = text(file.statement)
        named = {name: parameters[name] for name in question.compile().params}
        notes += [{"rule": file.rule, **row, "remedy": file.header["remedy"]} for row in connection.execute(question, named).mappings()]
    return notes
