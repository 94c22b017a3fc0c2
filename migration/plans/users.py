"""What a plan asks about the table users: who can read and write it besides its owner, and whether an anonymous user can be created."""

import json
from typing import Any, TypedDict, cast

from sqlalchemy import Connection, text

from migration import database
from migration.driver_errors import translated
from migration.errors import DatabaseError
from migration.plans.statements import USERS_ACCESS, Catalog
from sql import SqlFile

#: A policy may call any function; one that takes longer counts as one that fails.
POLICY_TIMEOUT = "5s"
_OUTCOMES = {"": "the table takes it for one that is there", "changed": "the table stores it in another spelling"}
#: The e-mails that are tried, in this order, by kind. Nobody can have one of the domain `invalid`.
_TRIED = {
    "ordinary": "artwork-migration-trial@artwork-migration.invalid",
    "second spelling": "ARTWORK-MIGRATION-TRIAL@ARTWORK-MIGRATION.INVALID",
    "capitals": "Artwork-Migration-Trial-2@artwork-migration.invalid",
    "long": f"artwork-migration-trial@{'a' * 205}.artwork-migration.invalid",
}
_READ_ONLY = "25006"


class Tried(TypedDict):
    """A kind of e-mail, and what the insert of an anonymous user with it came to: `created`, or why not."""

    kind: str
    outcome: str


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

    A policy whose evaluation fails, or takes too long, gets the answer that the question has for that. Locks ACCESS SHARE on users.
    """
    if connection.execute(text("SELECT TO_REGCLASS('public.users') IS NULL")).scalar_one():
        return []
    return [_way(row) for row in catalog.rows(connection, questions) if _answer(connection, row)]


def access_now(connection: Connection) -> list[Way]:
    """Return the ways that are open once our schema exists. Locks ACCESS SHARE on users."""
    return [_way(row) for row in connection.execute(text("SELECT * FROM artwork_migration.users_access()")).mappings()]


def tried(connection: Connection) -> list[Tried]:
    """Insert an anonymous user of each kind and take all of them back. Returns none if that cannot be tried.

    A trigger whose effect may survive a rollback must not fire, and a read-only transaction can insert nothing. Locks ROW EXCLUSIVE on
    users for a moment, and waits a second at most.
    """
    if connection.execute(text("SELECT TO_REGCLASS('public.users') IS NULL")).scalar_one() or not_tried(connection):
        return []
    trial = connection.begin_nested()
    try:
        connection.execute(text("SET LOCAL lock_timeout = '1s'"))
        connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        return [{"kind": kind, "outcome": _inserted(connection, email)} for kind, email in _TRIED.items()]
    except DatabaseError as error:
        if error.sqlstate != _READ_ONLY:
            raise
        return []
    finally:
        trial.rollback()


def not_tried(connection: Connection) -> list[str]:
    """Return the triggers for which no user is inserted, because their effect may survive a rollback."""
    return [row["name"] for row in database.rows(connection, "plan/cannot_be_tried")]


def stores_small(outcomes: list[Tried]) -> bool:
    """Return whether the trial has shown that the table stores no capitals."""
    return {"kind": "capitals", "outcome": _OUTCOMES["changed"]} in outcomes


def _inserted(connection: Connection, email: str) -> str:
    statement = text("INSERT INTO public.users (email) VALUES (:email) ON CONFLICT DO NOTHING RETURNING email")
    try:
        with translated("trying to create a user"), connection.begin_nested():
            stored = connection.execute(statement, {"email": email}).scalar_one_or_none()
    except DatabaseError as error:
        if error.sqlstate == _READ_ONLY:
            raise
        return f"SQLSTATE {error.sqlstate} {error.objects}".strip()
    if stored is None:
        return _OUTCOMES[""]
    return "created" if stored == email else _OUTCOMES["changed"]


def parameters(ways: list[Way], *, user_gained: int | None = None) -> dict[str, Any]:
    """Return the parameters of the blockers users_access and chosen_email."""
    return {USERS_ACCESS: json.dumps(ways), "user_gained": user_gained}


def _answer(connection: Connection, row: dict[str, Any]) -> bool:
    settings = text("SELECT SET_CONFIG('request.jwt.claims', :claims, TRUE), SET_CONFIG('statement_timeout', :limit, TRUE)")
    try:
        with translated("evaluating a policy"), connection.begin_nested():
            connection.execute(settings, {"claims": row["claims"], "limit": POLICY_TIMEOUT})
            answer = database.run_literally(connection, row["question"]).scalar_one()
            connection.execute(settings, {"claims": "", "limit": "0"})
            return bool(answer)
    except DatabaseError:
        return bool(row["otherwise"])


def _way(row: Any) -> Way:
    return cast(Way, {name: row[name] for name in Way.__annotations__})
