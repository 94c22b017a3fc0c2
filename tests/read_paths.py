"""Every way to read a row, found in the catalog of a database, and what a caller gets by each of them.

What a caller learns or may do is a set of facts. A table that is called ``artworks``, ``artworks_v2`` or ``artworks_old`` is of one
`kind`; `key` is the row's id; `what` is, say, "read pet_name", "update pet_name", "delete" or "may TRUNCATE".
"""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.databases import Shop
from tests.roles import Caller, acting_as

#: In the place of a column's name: every column there is.
WHOLE_ROW = "*"
#: A refusal by right, and a refusal in words by a guard of ours.
REFUSED = ("42501", "0A000")
#: The kind of whatever stands in our schema.
OURS = "artwork_migration"

#: Schemas of the server's own, as a pattern.
SYSTEM = r"'^(pg_|information_schema$)'"
#: The name of a relation `c`, with its schema only where two have it.
NAME = "CASE c.relnamespace::regnamespace::text WHEN 'legacy_names' THEN 'legacy_names.' ELSE '' END || c.relname"
#: Executes a question as whoever calls it, undoes what it did, and tells the rows or the words of the error.
_ASKED = """
CREATE OR REPLACE FUNCTION pg_temp.asked(question text, OUT rows jsonb, OUT state text, OUT words text) LANGUAGE plpgsql AS $$
DECLARE
  part text;
BEGIN
  EXECUTE FORMAT('SELECT COALESCE(JSONB_AGG(TO_JSONB(x)), ''[]'') FROM (%s) AS x', question) INTO rows;
  state := '00000';
  words := '';
  RAISE EXCEPTION USING ERRCODE = 'AM999';
EXCEPTION
  WHEN SQLSTATE 'AM999' THEN NULL;
  WHEN OTHERS THEN
    rows := '[]';
    state := SQLSTATE;
    GET STACKED DIAGNOSTICS words = PG_EXCEPTION_DETAIL, part = PG_EXCEPTION_HINT;
    words := CONCAT_WS(' ', SQLERRM, words, part);
END $$;
"""


class Fact(NamedTuple):
    """Something that a caller learns or may do."""

    kind: str
    key: str
    what: str


#: A fact, and the name of what it was found at.
Found = tuple[str, Fact]


def kind_of(name: str) -> str:
    """The same for a table whatever it is called at the moment, and for what shows it under its old names."""
    return re.sub(r"^legacy_names\.|_(v2|old)$", "", name)


class ReadPath(NamedTuple):
    """One question: what it is asked of, with which arguments, and whether it stands in our schema."""

    name: str
    arguments: str
    question: str
    ours: bool
    whole: bool

    @property
    def kind(self) -> str:
        """A function tells what it tells to whoever knows the arguments, so they belong to its kind."""
        return kind_of(self.name) + self.arguments


class Answer(NamedTuple):
    """What came back."""

    read_path: ReadPath
    rows: list[dict[str, Any]]
    state: str
    words: str


def answers(shop: Shop, caller: Caller) -> list[Answer]:
    """Query every read path there is."""
    read_paths = [*_relations(shop, caller.role), *_calls(shop), *_statistics()]
    shop.sql.execute(_ASKED)
    with acting_as(shop, caller) as session:
        found = session.execute(
            "SELECT a.rows, a.state, a.words FROM UNNEST(%s::text[]) WITH ORDINALITY AS q (question, place),"
            " LATERAL pg_temp.asked(q.question) AS a ORDER BY q.place",
            ([read_path.question for read_path in read_paths],),
        ).fetchall()
    return [Answer(read_path, *row) for read_path, row in zip(read_paths, found, strict=True)]


def learned(given: list[Answer], secrets: frozenset[str]) -> set[Found]:
    """Each column of each row with an id, each secret in what is said without being asked, and each open read path of ours."""
    found: set[Found] = set()
    for read_path, rows, state, words in given:
        if read_path.ours and state != "42501":
            found.add((read_path.name, Fact(OURS, read_path.name, f"answers {state}")))
        capability = read_path.kind if read_path.arguments else ""
        found |= {(read_path.name, Fact(capability, "", f"says {secret}")) for secret in _said(read_path, rows, words, secrets)}
        for row in map(_flat, rows):
            key = next((str(row[name]) for name in ("id", "artwork_id", "order_id") if _is_uuid(row.get(name))), "")
            columns = [*row, *([WHOLE_ROW] if read_path.whole else [])]
            found |= {(read_path.name, Fact(read_path.kind, key, f"read {column}")) for column in columns}
    return found


def _said(read_path: ReadPath, rows: list[dict[str, Any]], words: str, secrets: frozenset[str]) -> Iterator[str]:
    said = json.dumps(rows, ensure_ascii=False) + words
    return (secret for secret in secrets if secret in said and secret not in read_path.question)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    nested = [value for value in row.values() if isinstance(value, dict)]
    return {**row, **{name: value for inner in nested for name, value in inner.items()}}


def _is_uuid(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value) is not None


def secrets(shop: Shop, *, known: dict[str, set[str]] | None = None) -> dict[str, set[str]]:
    """Per row of the application's, by id, the values in it that belong to somebody; beside those that are known of it."""
    found = {key: set(values) for key, values in (known or {}).items()}
    for (table,) in shop.rows(
        "SELECT c.relname::text FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
    ):
        for (row,) in shop.rows(f"SELECT TO_JSONB(t) FROM public.{table} AS t"):
            key = row["id"] if _is_uuid(row["id"]) else row["order_id"]
            values = (row.get(name) for name in ("id", "user_id", "customer_email", "email", "access_token", "stripe_session_id"))
            found.setdefault(key, set()).update(value for value in values if isinstance(value, str))
    return found


def _relations(shop: Shop, role: str) -> list[ReadPath]:
    """Tables, views, materialized views and sequences, each with the columns that the role has a right to."""
    rows = shop.rows(
        f"""
        SELECT {NAME}, n.nspname = 'artwork_migration', c.oid::regclass::text,
          STRING_AGG(QUOTE_IDENT(a.attname), ', ' ORDER BY a.attnum) FILTER (WHERE HAS_COLUMN_PRIVILEGE(%s, c.oid, a.attnum, 'SELECT')),
          BOOL_AND(HAS_COLUMN_PRIVILEGE(%s, c.oid, a.attnum, 'SELECT'))
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relkind NOT IN ('i', 'I', 't', 'c') AND n.nspname !~ {SYSTEM}
        GROUP BY c.oid, c.relname, c.relnamespace, n.nspname ORDER BY 1
        """,
        role,
        role,
    )
    return [ReadPath(name, "", f"SELECT {columns or 'NULL'} FROM {full}", ours, whole) for name, ours, full, columns, whole in rows]


def _statistics() -> list[ReadPath]:
    """The server's own views that show values out of tables."""
    return [
        ReadPath(view, "", f"SELECT * FROM pg_catalog.{view} WHERE schemaname !~ {SYSTEM}", ours=False, whole=False)
        for view in ("pg_stats", "pg_stats_ext", "pg_stats_ext_exprs")
    ]


#: Arguments to call a function with, by what a parameter's name says.
_ARGUMENTS = {
    "token": "SELECT access_token FROM {artworks} WHERE access_token IS NOT NULL UNION SELECT 'no such token'",
    "session": "SELECT stripe_session_id FROM public.orders",
    "email": "SELECT customer_email FROM {artworks} WHERE customer_email IS NOT NULL UNION SELECT email FROM {users}",
    "user_id": "SELECT id::text FROM {users}",
    "artwork_id|serving_id": "SELECT id::text FROM {artworks} UNION SELECT '00000000-0000-0000-0000-000000000000'",
    "order_id": "SELECT id::text FROM public.orders",
    "_url|_name|message|caller": "SELECT 'https://u/1'",
    "code": "SELECT 'P0001'",
    "changes": "SELECT '{{}}' UNION SELECT '{{\"fal_request_id\": \"mine\"}}'",
}


def _calls(shop: Shop) -> list[ReadPath]:
    """Each function of the application and of ours with every argument that might tell something; ours in our schema once, with NULLs."""
    functions = shop.rows(
        f"""
        SELECT p.proname::text, n.nspname = 'artwork_migration', p.oid::regproc::text,
          COALESCE(p.proargnames[:p.pronargs], '{{}}'), ARRAY(SELECT FORMAT_TYPE(t, NULL) FROM UNNEST(p.proargtypes) AS t)
        FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE p.prokind = 'f' AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) AND n.nspname !~ {SYSTEM}
        ORDER BY p.oid::regprocedure::text
        """
    )
    read_paths = []
    for name, ours, full, parameters, types in functions:
        asked = [["NULL"] * len(types)] if ours else itertools.product(*(_values(shop, name, one) for one in parameters))
        for values in asked:
            arguments = ", ".join(f"{value}::{kind}" for value, kind in zip(values, types, strict=True))
            read_paths.append(ReadPath(name, f"({arguments})", f"SELECT * FROM {full}({arguments})", ours, whole=False))
    return read_paths


def _values(shop: Shop, function: str, parameter: str) -> list[str]:
    tables = dict(
        shop.rows(
            "SELECT s.name, COALESCE(TO_REGCLASS('public.' || s.name || '_old'), TO_REGCLASS('public.' || s.name))::text"
            " FROM (VALUES ('artworks'), ('users')) AS s (name)"
        )
    )
    for pattern, query in _ARGUMENTS.items():
        if re.search(pattern, parameter):
            return [f"'{value}'" for (value,) in shop.rows(query.format(**tables))]
    raise AssertionError(f"the test does not know what to call {function} with: say it for a parameter named {parameter!r}")
