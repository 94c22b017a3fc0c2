"""docs/application.md against a real database: every block is run, in its order, and every call has the functions' own arguments."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.conftest import MakeShop
from tests.database.conftest import Steps
from tests.databases import Shop, switch

GUIDE = (Path(__file__).parents[2] / "docs" / "application.md").read_text(encoding="utf-8")
FUNCTIONS = {
    *("create_artwork", "update_artwork_lifecycle", "request_artwork_upscale", "get_customer_artworks", "get_artwork_by_token"),
    *("claim_anonymous_user", "artwork_schema_for"),
}
#: What the TypeScript has in its hands beside what a call has returned.
KNOWN = {"session.user.email": "jane@example.com"}
#: Artworks of the clean table that have orders.
FROM_ORDERS = "FROM artworks_v2 AS v JOIN orders AS o ON o.artwork_id = v.id"
ARGUMENTS = "SELECT proargnames[:pronargs] FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname = %s"


def blocks(language: str) -> list[str]:
    """The code of that language, block by block."""
    found = re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    assert len(found) > 3
    return found


def test_the_sql_runs(deployed: Shop) -> None:
    """Each statement of the guide runs and returns what the guide says; results stand for :artwork_id and :access_token."""
    values: dict[str, object] = {"user_id": uuid4()}
    for statement in (part for block in blocks("sql") for part in re.split(r";$", block, flags=re.MULTILINE) if part.strip()):
        parametrized = re.sub(r"(?<=\W):(\w+)", r"%(\1)s", statement)
        cursor = deployed.sql.execute(parametrized, values)  # type: ignore[call-overload]  # the guide's own
        if cursor.description and (row := cursor.fetchone()) is not None:
            values |= dict(zip((column.name for column in cursor.description), row, strict=True))
        else:
            assert statement.lstrip().startswith(("INSERT", "UPDATE", "SET")), statement
    assert ("Buddy's MonaLisa", "completed, high-res available", 1) == (values["title"], values["stage"], values["claim_anonymous_user"])
    assert (values["artwork_id"], "legacy") == (values["id"], values["artwork_schema_for"])


def test_the_python_runs(deployed: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """The guide's Python runs as one program, and the customer view shows what the program made."""
    with mock.patch.dict(os.environ, {"DATABASE_URL": deployed.server.conninfo(deployed.name)}):
        namespace: dict[str, Any] = {}
        exec("\n".join(blocks("python")), namespace)  # noqa: S102  # it is our own documentation
    assert "Buddy's MonaLisa (completed, ready for prints)\n" == capsys.readouterr().out
    assert (1,) == namespace["owned"]
    assert namespace["linked"]["id"] == namespace["artwork"]["id"]


def test_the_typescript_calls_run(deployed: Shop) -> None:
    """Each .rpc call of the guide names exactly the function's arguments, and runs with them."""
    values: dict[str, Any] = {**KNOWN, "session.user.id": uuid4()}
    called = set()
    for block in blocks("ts"):
        values |= dict(re.findall(r"^const (\w+) = '([^']*)'$", block, re.MULTILINE))
        for name, arguments in calls(block, values):
            assert sorted(deployed.value(ARGUMENTS, name)) == sorted(arguments), name
            named = ", ".join(f"{argument} => %s" for argument in arguments)
            (row, *_) = deployed.rows(f"SELECT TO_JSONB(r) FROM {name}({named}) AS r", *map(_adapted, arguments.values()))
            if name == "create_artwork":
                values |= {"artwork.id": UUID(row[0]["artwork"]["id"]), "access_token": row[0]["access_token"]}
            called.add(name)
    assert FUNCTIONS == called


def test_the_guide_names_every_function_and_its_arguments(deployed: Shop) -> None:
    """The guide's table has every function with its arguments in order, and no function that is only called by others."""
    told = dict(re.findall(r"^\| `(\w+)\(([^)]*)\)` \|", GUIDE, re.MULTILINE))
    assert FUNCTIONS == set(told)
    assert {name: deployed.value(ARGUMENTS, name) for name in told} == {name: names.split(", ") for name, names in told.items()}


def test_the_guide_lists_every_stage(deployed: Shop) -> None:
    """The guide lists exactly the stages that the customer view's own body names."""
    body = deployed.value("SELECT PG_GET_FUNCTIONDEF('public.get_customer_artworks(text)'::regprocedure)")
    said = re.findall(r"(?:THEN|ELSE|format\()\s*'([^']+)'::text", body)
    told = re.findall(r"`([^`]+)`", GUIDE.split("| stage | `minutes_remaining` |")[1].split("\n\n")[0])
    assert sorted(words.replace("%s", "2") for words in said) == sorted(told)


def calls(block: str, values: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and arguments of every .rpc call, read as they are written."""
    for found in re.finditer(r"\.rpc\('(\w+)',\s*", block):
        yield found[1], _object(block[found.end() :], values)


def _object(text: str, values: dict[str, Any]) -> dict[str, Any]:
    """The object literal that the text begins with: quoted strings, objects one level deep, names of what is known, and the shorthand."""
    literal = re.match(r"\{(?:[^{}]|\{[^{}]*\})*\}", text)
    assert literal, text[:40]
    entries = re.findall(r"(\w+)(?:: ('[^']*'|\{[^{}]*\}|[\w.]+)!?)?[,\s]", literal[0][1:-1] + " ")
    return {name: _value(written or name, values) for name, written in entries}


def _value(written: str, values: dict[str, Any]) -> Any:
    if written[0] == "'":
        return written[1:-1]
    return _object(written, values) if written[0] == "{" else values[written]


def _adapted(value: Any) -> Any:
    return Jsonb(value) if isinstance(value, dict) else value


def test_what_the_guide_says_of_artworks_v2_is_true(make_shop: MakeShop) -> None:
    """Each statement of the guide's table ends as the guide says, on the table before the switch and on the view after it."""
    shop = make_shop(phase="MIGRATED")
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", section("What `artworks_v2` can do"), re.MULTILINE)
    assert len(rows) > 12
    for column, name in ((1, "until the switch"), (2, "after it")):
        values = {
            "ordered_artwork_id": shop.value(f"SELECT v.id {FROM_ORDERS} ORDER BY v.id LIMIT 1"),
            "artwork_id": shop.value(f"SELECT w.id FROM artworks_v2 AS w WHERE w.id NOT IN (SELECT v.id {FROM_ORDERS}) ORDER BY 1 LIMIT 1"),
        }
        said = {row[0]: (re.findall(r"\b[0-9A-Z]{5}\b", row[column]), row[column].startswith("works")) for row in rows}
        for statement, (codes, works) in said.items():
            old = len(codes) > 0 and works and shop.server.version < 17
            expected = codes[0] if codes and (old or not works) else None
            assert expected == ends(shop, statement, values), (name, statement)
        if column == 1:
            switch(shop)


def test_the_documented_order_of_locks_has_no_deadlock_and_the_opposite_one_has(migrated: Shop, steps: Steps) -> None:
    """A transaction that writes the legacy side first meets a write to the clean side in a deadlock; one in the guide's order waits."""
    clean, legacy = (f"UPDATE {name} SET pet_name = pet_name || 'x' WHERE id = %s" for name in ("artworks_v2", "artworks"))
    artwork = migrated.value("SELECT id FROM artworks_v2 ORDER BY id LIMIT 1")
    for order, states in (((clean, legacy), {None}), ((legacy, clean), {None, "40P01"})):
        first, second = migrated.session(), migrated.session()
        first.execute(order[0], (artwork,))
        waiting = steps.statement(migrated, second, clean, artwork)
        waiting.blocks()
        ended = steps.statement(migrated, first, order[1], artwork).sqlstate()
        (first.rollback if ended else first.commit)()
        assert states == {ended, waiting.sqlstate()}
        second.rollback()


def ends(shop: Shop, statement: str, values: dict[str, Any]) -> str | None:
    """The SQLSTATE that the statement ends with, or None; it is rolled back."""
    session = shop.session()
    try:
        with session.cursor() as cursor:
            parametrized = re.sub(r"(?<=\W):(\w+)", lambda found: f"'{values[found[1]]}'" if found[1] in values else found[0], statement)
            if statement.startswith("COPY"):
                with cursor.copy(parametrized) as data:  # type: ignore[call-overload]  # the guide's own
                    if parametrized.endswith("STDOUT"):
                        list(data)
            else:
                cursor.execute(parametrized)  # type: ignore[call-overload]
        return None
    except psycopg.Error as error:
        return error.sqlstate
    finally:
        session.rollback()


def section(title: str) -> str:
    """The guide's text from a bold title to the next one."""
    return GUIDE.split(f"**{title}")[1].split("\n**")[0]
