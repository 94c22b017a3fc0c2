"""What a caller may write: every statement is tried, what it reached is looked up by row, and it is rolled back at once."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

from tests.databases import Shop
from tests.read_paths import NAME, OURS, REFUSED, SYSTEM, WHOLE_ROW, Fact, Found, kind_of
from tests.roles import Caller, acting_as

#: Rights that no statement shows row by row.
_RIGHTS = ("TRUNCATE", "REFERENCES", "TRIGGER")

#: Executes a statement as whoever calls it, tells the rows of the application's tables that are others afterwards, and undoes it.
#: `versions` is the superuser's, who creates it: where each row stands.
_TRIED = """
CREATE OR REPLACE FUNCTION pg_temp.versions() RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  one regclass;
BEGIN
  FOR one IN SELECT c.oid FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' LOOP
    RETURN QUERY EXECUTE FORMAT(
      'SELECT CONCAT_WS('' '', %L, t.id, t.ctid) FROM %s AS t',
      REGEXP_REPLACE((SELECT c.relname FROM pg_class AS c WHERE c.oid = one), '_(v2|old)$', ''), one
    );
  END LOOP;
END $$;
CREATE OR REPLACE FUNCTION pg_temp.tried(statement text, before text[], OUT reached text[], OUT state text) LANGUAGE plpgsql AS $$
DECLARE
  amount bigint;
BEGIN
  EXECUTE statement;
  GET DIAGNOSTICS amount = ROW_COUNT;
  reached := CASE WHEN amount = 0 THEN '{}' ELSE ARRAY(
    SELECT DISTINCT SPLIT_PART(x.version, ' ', 1) || ' ' || SPLIT_PART(x.version, ' ', 2)
    FROM ((SELECT UNNEST(before) EXCEPT SELECT v FROM pg_temp.versions() AS v)
      UNION (SELECT v FROM pg_temp.versions() AS v EXCEPT SELECT UNNEST(before))) AS x (version)
  ) END;
  state := '00000';
  RAISE EXCEPTION USING ERRCODE = 'AM999';
EXCEPTION
  WHEN SQLSTATE 'AM999' THEN NULL;
  WHEN OTHERS THEN
    reached := '{}';
    state := SQLSTATE;
END $$;
"""


class Attempt(NamedTuple):
    """A statement that is tried: on which relation, what it would do, and the columns it speaks for."""

    relation: str
    what: str
    statement: str
    columns: tuple[str, ...] = ()


#: A constraint, or the life cycle of a status: they come after the rights.
CONSTRAINED = ("23", "22023")
#: Through a view, a column that nobody may write: it is generated.
GENERATED = "428C9"


class Writable(NamedTuple):
    """A table or view, with the columns that somebody may update, whether these are all, and the columns that they may insert."""

    relation: str
    is_view: bool
    updatable: list[str]
    every_one: bool
    insertable: list[str]


def may_write(shop: Shop, caller: Caller) -> set[Found]:
    """What the caller may do: by row for UPDATE (with the columns) and DELETE, by the row's owner for INSERT, and rights as such."""
    found = _rights(shop, caller)
    attempts = [attempt for one in _writable(shop, caller) for attempt in _attempts(shop, caller, one)]
    for attempt, (reached, state) in zip(attempts, _tried(shop, caller, attempts), strict=True):
        if not state.startswith(("00", GENERATED, *CONSTRAINED, *REFUSED)):
            raise AssertionError(f"the test does not know what SQLSTATE {state} says of: {caller.name}, {attempt.what} {attempt.relation}")
        # a constraint comes after the rights, and keeps one of the rows
        within_rights = _one_by_one(shop, caller, attempt) if state.startswith(CONSTRAINED) else reached
        for kind, key in (one.split(" ") for one in within_rights):
            if attempt.what.startswith("insert"):
                found |= {(attempt.relation, Fact(kind, "", attempt.what))}
            found |= {(attempt.relation, Fact(kind, key, f"{attempt.what} {column}".strip())) for column in attempt.columns}
    return found


def _tried(shop: Shop, caller: Caller, attempts: list[Attempt]) -> list[tuple[list[str], str]]:
    shop.sql.execute(_TRIED)
    with acting_as(shop, caller) as session:
        return session.execute(
            "SELECT t.reached, t.state FROM UNNEST(%s::text[]) WITH ORDINALITY AS s (statement, place),"
            " (SELECT ARRAY(SELECT pg_temp.versions()) AS versions OFFSET 0) AS b,"
            " LATERAL pg_temp.tried(s.statement, b.versions) AS t ORDER BY s.place",
            ([attempt.statement for attempt in attempts],),
        ).fetchall()


def _one_by_one(shop: Shop, caller: Caller, attempt: Attempt) -> list[str]:
    """What a statement might reach if there were no constraints."""
    kind = kind_of(attempt.relation)
    if attempt.what.startswith("insert"):
        return [f"{kind} new"]
    ids = [key for (key,) in shop.rows(f"SELECT t.id::text FROM {_full(attempt.relation)} AS t")]
    alone = [attempt._replace(statement=f"{attempt.statement} WHERE id = '{key}'") for key in ids]
    tried = zip(ids, _tried(shop, caller, alone), strict=True)
    return [one for key, (reached, state) in tried for one in ([f"{kind} {key}"] if state.startswith(CONSTRAINED) else reached)]


def _writable(shop: Shop, caller: Caller) -> list[Writable]:
    """What stands outside our schema."""
    found = shop.rows(
        f"""
        SELECT {NAME}, c.relkind = 'v',
          COALESCE(ARRAY_AGG(a.attname::text) FILTER (WHERE HAS_COLUMN_PRIVILEGE(%s, c.oid, a.attnum, 'UPDATE')), '{{}}'),
          BOOL_AND(HAS_COLUMN_PRIVILEGE(%s, c.oid, a.attnum, 'UPDATE')),
          COALESCE(ARRAY_AGG(a.attname::text)
            FILTER (WHERE NOT EXISTS (
              SELECT FROM pg_attribute AS t
              WHERE t.attrelid IN (c.oid, TO_REGCLASS('public.' || c.relname)) AND t.attname = a.attname AND t.attidentity = 'a'
            ) AND HAS_COLUMN_PRIVILEGE(%s, c.oid, a.attnum, 'INSERT')), '{{}}')
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'v') AND c.relnamespace::regnamespace::text !~ {SYSTEM} AND c.relnamespace::regnamespace::text <> '{OURS}'
        GROUP BY c.oid, c.relname, c.relnamespace ORDER BY 1
        """,
        *[caller.role] * 3,
    )
    return [Writable(*row) for row in found]


def _attempts(shop: Shop, caller: Caller, one: Writable) -> Iterator[Attempt]:
    relation, is_view, updatable, every_one, insertable = one
    harmless = [name for name in ("pet_name", "created_at", "updated_at") if name in updatable] or updatable
    together = (*updatable, WHOLE_ROW) if every_one else tuple(updatable)
    # a view's columns are written by whoever may write them in the table behind it, so they are tried one by one
    for column, columns in [(name, (name,)) for name in updatable] if is_view else [(name, together) for name in harmless[:1]]:
        yield Attempt(relation, "update", f"UPDATE {_full(relation)} SET {column} = DEFAULT", columns)
    yield Attempt(relation, "delete", f"DELETE FROM {_full(relation)}", ("",))
    row = shop.value(f"SELECT TO_JSONB(t) FROM {_full(relation)} AS t LIMIT 1") or {}
    owners = {"own": caller.user, "somebody else's": str(uuid4()), "nobody's": None} if "user_id" in insertable else {"": None}
    for whose, owner in owners.items() if insertable else ():
        yield Attempt(relation, f"insert {whose}".strip(), _insert(relation, insertable, row, owner))


def _insert(relation: str, columns: list[str], row: dict[str, Any], owner: str | None) -> str:
    """The row once more, as another one and somebody's."""
    unique = {"id": "GEN_RANDOM_UUID()", **dict.fromkeys(("access_token", "email", "stripe_session_id"), "GEN_RANDOM_UUID()::text")}
    # the life cycle looks at a status before the policies look at the row
    statuses = {name: f"COALESCE(r.{name}, 'pending')" for name in ("generation_status", "upscale_status")}
    given = {**unique, **statuses, "user_id": f"'{owner}'::uuid" if owner else "NULL"}
    values = ", ".join(given.get(name, f"r.{name}") for name in columns)
    literal = json.dumps(row).replace("'", "''")
    return (
        f"INSERT INTO {_full(relation)} ({', '.join(columns)})"
        f" SELECT {values} FROM JSONB_POPULATE_RECORD(NULL::{_full(relation)}, '{literal}') AS r"
    )


def _full(relation: str) -> str:
    return relation if "." in relation else f"public.{relation}"


def _rights(shop: Shop, caller: Caller) -> set[Found]:
    """Rights on tables, views, sequences, schemas and functions as such."""
    found = shop.rows(
        f"""
        SELECT c.relname::text, n.nspname::text, p.privilege
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace, UNNEST(%s::text[]) AS p (privilege)
        WHERE n.nspname !~ {SYSTEM} AND CASE
          WHEN c.relkind IN ('r', 'v', 'm') AND p.privilege NOT IN ('USAGE', 'UPDATE') THEN HAS_TABLE_PRIVILEGE(%s, c.oid, p.privilege)
          WHEN c.relkind = 'S' AND p.privilege IN ('USAGE', 'UPDATE') THEN HAS_SEQUENCE_PRIVILEGE(%s, c.oid, p.privilege)
        END
        UNION ALL
        SELECT n.nspname, n.nspname, p.privilege FROM pg_namespace AS n, UNNEST('{{USAGE,CREATE}}'::text[]) AS p (privilege)
        WHERE n.nspname !~ {SYSTEM} AND HAS_SCHEMA_PRIVILEGE(%s, n.oid, p.privilege)
        UNION ALL
        SELECT f.proname, n.nspname, 'EXECUTE' FROM pg_proc AS f JOIN pg_namespace AS n ON n.oid = f.pronamespace
        WHERE n.nspname !~ {SYSTEM} AND HAS_FUNCTION_PRIVILEGE(%s, f.oid, 'EXECUTE')
        """,
        ["USAGE", "UPDATE", *_RIGHTS, *(["MAINTAIN"] if shop.sql.info.server_version >= 170000 else [])],
        *[caller.role] * 4,
    )
    return {
        (name, Fact(OURS, name, f"may {privilege}") if schema == OURS else Fact(kind_of(name), "", f"may {privilege}"))
        for name, schema, privilege in found
    }
