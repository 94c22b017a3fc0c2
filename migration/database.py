"""The only way to a connection. Driver errors are turned into SQLSTATE and object names here, and lock timeouts are retried here."""

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

import psycopg
from sqlalchemy import URL, Connection, CursorResult, create_engine, text
from sqlalchemy.exc import DBAPIError

import sql
from migration.errors import DatabaseError, DatabaseUnreachable, Overtaken
from sql import SqlFile, StatementRow

Result = TypeVar("Result")

LOCK_NOT_AVAILABLE = "55P03"
DEADLOCK = "40P01"
#: We lose against the application and try again: a lock timeout, a deadlock, a user or a token that changed hands meanwhile.
RETRIED = (LOCK_NOT_AVAILABLE, DEADLOCK, "40001", "23503", "23505")
#: What each transaction of ours begins with, whatever the role or the database has: no limit of theirs, and in these settings the catalog's
#: words are always the same. Without enable_material the planner cannot keep a table in memory that it believes to be small and read that
#: once for every row: a repeated scan costs what its pages cost, and their number needs no statistics.
_DEFAULTS = {
    "search_path": "",
    "client_connection_check_interval": "5s",
    "statement_timeout": "0",
    "transaction_timeout": "0",
    "jit": "off",
    "enable_material": "off",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "quote_all_identifiers": "off",
}
#: A server older than 17 lacks transaction_timeout, one older than 14 client_connection_check_interval too; it is still refused in words.
_SET_FOR_TRANSACTION = (
    "SELECT SET_CONFIG(s.key, s.value, TRUE) FROM JSONB_EACH_TEXT(CAST(:settings AS jsonb)) AS s"
    " WHERE STRPOS(s.key, '.') > 0 OR CURRENT_SETTING(s.key, TRUE) IS NOT NULL"
)
#: The connection is gone, not the statement wrong: worth the same step again.
_CUT = ("08", "57P0")
#: Classes whose primary message names objects only, never a value, as long as the server itself has written it.
_SAFE_MESSAGES = ("42", "0A", "55", "25", "28", "3D")

#: Raised by statements of ours alone, whose messages name rules and ids.
_OURS = "AM"


class Database:
    """One database to migrate. Connections are named after the run, so that whoever waits for us can see who we are."""

    def __init__(self, url: URL, *, name: str = "artwork-migration", attempts: int = 20) -> None:
        self.url = url
        self.name = name[:63]
        self.attempts = attempts
        self._engine = create_engine(
            url,
            hide_parameters=True,
            connect_args={"application_name": self.name, "connect_timeout": 10, "client_encoding": "utf8"},
        )

    def __repr__(self) -> str:
        return f"Database({self.url.render_as_string(hide_password=True)})"

    @property
    def address(self) -> str:
        """Where it is, without the user and the password."""
        host = self.url.query.get("host") or self.url.host
        return f"{self.url.database} at {host}{f':{self.url.port}' if self.url.port else ''}"

    def dispose(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def transaction(self, action: str, *, isolation: str = "READ COMMITTED", **settings: str) -> Iterator[Connection]:
        """One transaction; `action` names it in errors, `settings` are set for it alone (never for the session: a pooler would keep them).

        Raises DatabaseUnreachable, Overtaken or DatabaseError. The search_path is empty, so every name in our SQL is a full one.
        """
        with translated(action, self.address), self._engine.connect() as connection:
            connection.execution_options(isolation_level=isolation)
            with connection.begin():
                connection.execute(
                    text(_SET_FOR_TRANSACTION),
                    {"settings": json.dumps({**_DEFAULTS, **settings})},
                )
                yield connection

    @contextmanager
    def autocommit(self, action: str) -> Iterator[Connection]:
        """A connection outside any transaction, for the run's lock and for what Postgres refuses inside one."""
        with translated(action, self.address), self._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            yield connection

    def read(self, name: str, **parameters: object) -> list[dict[str, Any]]:
        """The rows of the query in file `name`, read in a transaction of its own that cannot write."""
        with self.transaction(name, transaction_read_only="on") as connection:
            return rows(connection, name, **parameters)

    def write(self, action: str, work: Callable[[Connection], Result], *, applying: bool = False) -> Result:
        """Run `work` in a transaction whose lock waits end before the application's would; try again when we lose.

        Any write of ours that locks rows goes through here; `applying` keeps it out of capture and write-through. Raises the last
        error when `attempts` are used up.
        """
        limits = {"lock_timeout": f"{self.lock_timeout_ms}ms", "idle_in_transaction_session_timeout": "60s"}
        if applying:
            limits["artwork_migration.apply"] = "on"
        for attempt in range(1, self.attempts + 1):
            try:
                with self.transaction(action, **limits) as connection:
                    return work(connection)
            except DatabaseError as error:
                if error.sqlstate not in RETRIED or attempt == self.attempts:
                    raise
            time.sleep(backoff(attempt))
        raise AssertionError("unreachable")

    @cached_property
    def deadlock_timeout_ms(self) -> int:
        """The server's deadlock_timeout in milliseconds."""
        with self.transaction("reading deadlock_timeout") as connection:
            return int(connection.execute(text("SELECT setting FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'")).scalar_one())

    @property
    def lock_timeout_ms(self) -> int:
        """Less than half of deadlock_timeout, so that we give up long before the detector would shoot somebody."""
        return max(1, int(self.deadlock_timeout_ms * 0.4))


def backoff(attempt: int) -> float:
    """Seconds to wait after a failed attempt: doubling from 50 ms to 2 s, with jitter."""
    return min(2.0, 0.05 * 2.0 ** min(attempt, 8)) * random.uniform(0.5, 1.0)  # noqa: S311 (jitter is no secret)


def run(connection: Connection, name: str, **parameters: object) -> CursorResult[Any]:
    """Execute the file `name`; where it holds several statements, it takes no parameters."""
    return connection.execute(text(sql.load(name).statement), parameters)


def rows(connection: Connection, name: str, **parameters: object) -> list[dict[str, Any]]:
    """The rows of the query in file `name`, as dictionaries."""
    return [dict(row) for row in run(connection, name, **parameters).mappings()]


def statements(connection: Connection, file: SqlFile, **parameters: object) -> list[StatementRow]:
    """The statements that a query of ``.rows`` returns. Raises ValueError where it breaks the contract of `StatementRow`."""
    found = connection.execute(text(file.statement), parameters)
    return file.statement_rows(found.keys(), [dict(row) for row in found.mappings()])


def run_literally(connection: Connection, statement: str) -> CursorResult[Any]:
    """Run a statement that was made in the database as it stands: a colon or a percent sign in it is no parameter."""
    return connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


@contextmanager
def translated(action: str, address: str) -> Iterator[None]:
    """Turn a driver's error into one of ours: it carries rows and parameters, and Prefect logs whatever is chained."""
    try:
        yield
    except DBAPIError as error:
        raise _translation(error.orig, action, address) from None
    except psycopg.Error as error:
        raise _translation(error, action, address) from None


def _translation(error: BaseException | None, action: str, address: str) -> Exception:
    sqlstate = getattr(error, "sqlstate", None)
    diagnosis = getattr(error, "diag", None)
    if sqlstate is None or sqlstate.startswith(("28", "3D")):
        return DatabaseUnreachable(_unreachable(error, sqlstate, address))
    if sqlstate.startswith(_CUT):
        return DatabaseUnreachable(
            f"{action}: the server {address} cut the connection (SQLSTATE {sqlstate}). Run it again; it goes on where it was."
        )
    message = (diagnosis.message_primary or "") if diagnosis else ""
    if sqlstate == "55000" and "was overtaken by run" in message:
        return Overtaken(f"{action}: {message}. Nothing of this step was kept; the newer run does the work.")
    names = [getattr(diagnosis, part, None) for part in ("schema_name", "table_name", "column_name", "constraint_name")]
    objects = ".".join(name for name in names if name)
    raised_by_a_function = getattr(diagnosis, "source_function", None) == "exec_stmt_raise"
    if sqlstate.startswith(_OURS) or (not objects and sqlstate.startswith(_SAFE_MESSAGES) and not raised_by_a_function):
        objects = message
    return DatabaseError(sqlstate, _condition(sqlstate), objects, action)


def _condition(sqlstate: str) -> str:
    try:
        return psycopg.errors.lookup(sqlstate).__name__
    except KeyError:
        return "raised by a function"


def _unreachable(error: BaseException | None, sqlstate: str | None, address: str) -> str:
    """Why no connection could be made, from what the driver says, but in words of ours: its text may hold the connection string."""
    told = str(error).lower()
    reasons = {
        "password authentication failed": "the password or the user name is wrong. Correct ARTWORK_DATABASE_URL.",
        "no password supplied": "the server wants a password and ARTWORK_DATABASE_URL has none.",
        "does not exist": "the server has no such database or role. Correct the name in ARTWORK_DATABASE_URL.",
        "connection refused": "nobody listens there. Check host and port in ARTWORK_DATABASE_URL, and that the server runs.",
        "no such file": "there is no server at that socket. Check the folder in ARTWORK_DATABASE_URL, and that the server runs.",
        "resolve": "the host name cannot be resolved. Check the host in ARTWORK_DATABASE_URL.",
        "timeout": "the server did not answer in 10 s. Check host, port and firewall.",
        "pg_hba": "the server does not let this user in from here (pg_hba.conf).",
    }
    reason = next((text for sign, text in reasons.items() if sign in told), "the server ended or refused the connection.")
    if sqlstate and sqlstate.startswith("28") and "pg_hba" not in told:
        reason = reasons["password authentication failed"]
    return f"The database {address} cannot be reached: {reason}"
