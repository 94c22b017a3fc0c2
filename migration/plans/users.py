"""What a plan asks about the table users: who can read and write it besides its owner, and how many users the migration will create."""

import json
from typing import Any, TypedDict, cast

from sqlalchemy import Connection, text

from migration import database
from migration.errors import DatabaseError
from migration.plans.statements import USERS_ACCESS, Catalog
from sql import SqlFile


class Way(TypedDict):
    """A way of a role to users of others, or to the choice of its own e-mail (`email`): by a privilege, `via` a policy or a view if any.

    `accepted`: a decision accepts it.
    """

    role: str
    privilege: str
    email: bool
    via: str
    accepted: bool


def access(connection: Connection, catalog: Catalog, questions: SqlFile) -> list[Way]:
    """Return the ways that are open before deploy_schema: those of `questions` (sql/users_access.sql) that are answered with yes.

    A policy whose evaluation fails gets the answer that the question has for that. Locks ACCESS SHARE on users.
    """
    if connection.execute(text("SELECT TO_REGCLASS('public.users') IS NULL")).scalar_one():
        return []
    return [_way(row) for row in catalog.rows(connection, questions) if _answer(connection, row)]


def access_now(connection: Connection) -> list[Way]:
    """Return the ways that are open once our schema exists. Locks ACCESS SHARE on users."""
    return [_way(row) for row in connection.execute(text("SELECT * FROM artwork_migration.users_access()")).mappings()]


def parameters(ways: list[Way] | None, *, user_gained: int | None = None) -> dict[str, Any]:
    """Return the parameters of the blockers users_access and chosen_email. None: the ways could not be evaluated in time."""
    return {USERS_ACCESS: json.dumps(ways or []), "user_gained": user_gained}


def _answer(connection: Connection, row: dict[str, Any]) -> bool:
    claims = text("SELECT SET_CONFIG('request.jwt.claims', :claims, TRUE)")
    try:
        with database.translated("evaluating a policy", ""), connection.begin_nested():
            connection.execute(claims, {"claims": row["claims"]})
            answer = database.run_literally(connection, row["question"]).scalar_one()
            connection.execute(claims, {"claims": ""})
            return bool(answer)
    except DatabaseError:
        return bool(row["otherwise"])


def _way(row: Any) -> Way:
    return cast(Way, {name: row[name] for name in Way.__annotations__})
