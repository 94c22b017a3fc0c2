"""The only place that opens connections. It translates errors of the driver, and repeats transactions that lost a conflict."""

import json
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

import psycopg
from sqlalchemy import URL, Connection, CursorResult, create_engine, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError

import sql
from migration.errors import BadInput, DatabaseError, DatabaseUnreachable, HiddenRows, Overtaken
from sql import SqlFile, StatementRow

Result = TypeVar("Result")

LOCK_NOT_AVAILABLE = "55P03"
DEADLOCK = "40P01"
QUERY_CANCELED = "57014"
#: A conflict with the application, after which the transaction is repeated: a lock timeout, a deadlock, a serialization failure, or a
#: user or token that was deleted or taken meanwhile.
RETRIED = (LOCK_NOT_AVAILABLE, DEADLOCK, "40001", "23503", "23505")
#: The settings of our statements, whatever the role or the database sets: what their text means, what they create, and no time limit.
#: Definitions from the catalog always have the same text. Without enable_material the planner cannot keep a table in memory that it
#: believes to be small and read that once for every row: a repeated scan costs what its pages cost, and their number needs no statistics.
#: With row_security off, a query that row level security would filter fails: rows that we cannot see never count as absent.
SETTINGS = {
    "search_path": "",
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "row_security": "off",
    "restrict_nonsystem_relation_kind": "",
    "check_function_bodies": "on",
    "default_table_access_method": "heap",
    "default_tablespace": "",
    "client_connection_check_interval": "5s",
    "lock_timeout": "0",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "transaction_timeout": "0",
    "jit": "off",
    "enable_material": "off",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "quote_all_identifiers": "off",
}
#: For transactions in which code of the application runs, its triggers or its materialized views: there its policies filter as always.
#: What we read there ourselves is checked for hidden rows before the commit.
APPLICATION_CODE = {"row_security": "on"}
#: A setting that an older server does not have is skipped, so that such a server is refused by its prerequisite and not by an error here.
_SET = (
    "SELECT SET_CONFIG(s.key, s.value, CAST(:local AS boolean)) FROM JSONB_EACH_TEXT(CAST(:settings AS jsonb)) AS s"
    " WHERE STRPOS(s.key, '.') > 0 OR CURRENT_SETTING(s.key, TRUE) IS NOT NULL"
)
#: SQLSTATE classes of a lost connection: the statement was not at fault, and the step can be repeated.
_CUT = ("08", "57P0")
#: SQLSTATE classes whose primary message names only objects and never a value, if the server itself raised it.
_SAFE_MESSAGES = ("42", "0A", "55", "25", "28", "3D")

#: The SQLSTATE class that only our own statements raise; their messages name only rules and ids.
_OURS = "AM"


class Database:
    """One database to migrate. Its connections have the name of the run, so that a session that waits for us can see who holds the lock."""

    def __init__(self, url: URL, *, name: str = "artwork-migration", attempts: int = 20) -> None:
        self.url = url
        self.name = name[:63]
        self.attempts = attempts
        self._engine = create_engine(url, hide_parameters=True, creator=self.connect)

    def __repr__(self) -> str:
        return f"Database({self.address})"

    def connect(self) -> DBAPIConnection:
        """Return a new connection of the driver. Everybody connects here, Great Expectations too, by the decoded parts of the URL."""
        arguments, parts = self._engine.dialect.create_connect_args(self.url)
        ours = {"application_name": self.name, "client_encoding": "utf8"}
        return self._engine.dialect.connect(*arguments, **{"connect_timeout": 10, **parts, **ours})

    @property
    def address(self) -> str:
        """Return where the database is, without the user and the password."""
        host = self.url.query.get("host") or self.url.host or "its service"
        hosts = host if isinstance(host, str) else ", ".join(host)
        return f"{self.url.database or 'the database'} at {hosts}{f':{self.url.port}' if self.url.port else ''}"

    def dispose(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def transaction(self, action: str, *, isolation: str = "READ COMMITTED", **settings: str) -> Iterator[Connection]:
        """Open a transaction, and commit it at the end of the block. `action` names it in errors.

        The `settings` hold for this transaction only; a pooler would keep those of a session. The search_path is empty, so every name in
        our SQL has its schema. Raises DatabaseUnreachable, HiddenRows, Overtaken or DatabaseError.
        """
        with translated(action, self.address), self._engine.connect() as connection:
            connection.execution_options(isolation_level=isolation)
            with connection.begin():
                set_all(connection, {**SETTINGS, **settings})
                yield connection

    @contextmanager
    def autocommit(self, action: str, **settings: str | None) -> Iterator[Connection]:
        """Open a connection outside a transaction block, for statements that Postgres refuses inside one. It is closed at the end.

        The settings end with the session: a pooler of sessions resets it. None keeps what the role or the database sets.
        """
        with self.untouched(action) as connection:
            connection.detach()
            own = {name: value for name, value in {**SETTINGS, **settings}.items() if value is not None}
            set_all(connection, own, local=False)
            yield connection

    @contextmanager
    def untouched(self, action: str) -> Iterator[Connection]:
        """Open a connection outside a transaction block and without our settings, which a pooler of transactions would give to others."""
        with translated(action, self.address), self._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            yield connection

    def read(self, name: str, **parameters: object) -> list[dict[str, Any]]:
        """Return the rows of the query in file `name`, read in a read-only transaction."""
        with self.transaction(name, transaction_read_only="on") as connection:
            return rows(connection, name, **parameters)

    def write(
        self,
        action: str,
        work: Callable[[Connection], Result],
        *,
        applying: bool = False,
        application_code: bool = False,
        locks_rows: bool = False,
    ) -> Result:
        """Run `work` in a transaction that gives up a lock wait early, and repeat it after a conflict. Returns what `work` returns.

        Every write that locks rows goes through here. With `applying`, capture and write-through ignore it. With `application_code`,
        triggers of the application may run in it. With `locks_rows`, its one statement locks rows of the application and has a budget:
        less than half of deadlock_timeout. Raises the last error after `attempts` conflicts.
        """
        limits = {"lock_timeout": f"{self.lock_timeout_ms}ms", "idle_in_transaction_session_timeout": "60s"}
        if locks_rows:
            limits |= self.budget
        if application_code:
            limits |= APPLICATION_CODE
        if applying:
            limits["artwork_migration.apply"] = "on"
        for attempt in range(1, self.attempts + 1):
            try:
                with self.transaction(action, **limits) as connection:
                    result = work(connection)
                    if application_code and connection.in_transaction():  # if not, the work has rolled itself back
                        _require_all_rows(connection, action)
                    return result
            except DatabaseError as error:
                if error.sqlstate not in RETRIED or attempt == self.attempts:
                    raise
            time.sleep(backoff(attempt))
        raise AssertionError("unreachable")

    @cached_property
    def deadlock_timeout_ms(self) -> int:
        """Return the server's deadlock_timeout in milliseconds."""
        with self.transaction("reading deadlock_timeout") as connection:
            return int(connection.execute(text("SELECT setting FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'")).scalar_one())

    @property
    def budget(self) -> dict[str, str]:
        """Return the limits by which the server ends a statement with row locks, and then the transaction that waits for its client.

        Together they are less than half of deadlock_timeout: a session that waits for us goes on before the deadlock detector looks at the
        wait. So no wait for us can make anyone its victim, in whatever order rows are locked.
        """
        timeout = self.deadlock_timeout_ms
        return {
            "lock_timeout": f"{max(1, timeout * 15 // 100)}ms",
            "statement_timeout": f"{timeout * 3 // 10}ms",
            "idle_in_transaction_session_timeout": f"{timeout // 6}ms",
        }

    @property
    def lock_timeout_ms(self) -> int:
        """Return less than half of deadlock_timeout, so that our wait ends long before the deadlock detector would cancel anyone."""
        return max(1, int(self.deadlock_timeout_ms * 0.4))


def set_all(connection: Connection, settings: Mapping[str, str], *, local: bool = True) -> None:
    """Set these, for the transaction or, if not `local`, for the session. What this server does not know is skipped."""
    connection.execute(text(_SET), {"settings": json.dumps(dict(settings)), "local": local})


@contextmanager
def beside(connection: Connection, action: str, **settings: str) -> Iterator[Connection]:
    """Open a transaction on the same database beside the one of `connection`, which may only read, and roll it back in any case."""
    with translated(action, ""), connection.engine.connect() as other:
        other.execution_options(isolation_level="READ COMMITTED")
        set_all(other, {**SETTINGS, **APPLICATION_CODE, **settings})
        try:
            yield other
        finally:
            other.rollback()


def backoff(attempt: int) -> float:
    """Return the seconds to wait after a failed attempt: doubling from 50 ms to 2 s, with jitter."""
    return min(2.0, 0.05 * 2.0 ** min(attempt, 8)) * random.uniform(0.5, 1.0)  # noqa: S311 (jitter is no secret)


def _require_all_rows(connection: Connection, action: str) -> None:
    """Raise HiddenRows if row level security hid rows in this transaction. Its locks keep the flags as they were when it read them."""
    if hidden := rows(connection, "plan/prerequisites/row_security"):
        raise HiddenRows(", ".join(row["subject"] for row in hidden), action)


def run(connection: Connection, name: str, **parameters: object) -> CursorResult[Any]:
    """Execute the file `name`. A file with several statements takes no parameters."""
    return connection.execute(text(sql.load(name).statement), parameters)


def rows(connection: Connection, name: str, **parameters: object) -> list[dict[str, Any]]:
    """Return the rows of the query in file `name`, as dictionaries."""
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
    """Translate an error of the driver, and do not chain it: its text has values of rows, and Prefect logs every chained error."""
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
        return _bad_parameter(error, address) or DatabaseUnreachable(_unreachable(error, sqlstate, address))
    if sqlstate.startswith(_CUT):
        return DatabaseUnreachable(
            f"{action}: the server {address} closed the connection (SQLSTATE {sqlstate}). "
            "What was committed before stays. To fix: run it again; it resumes."
        )
    message = (diagnosis.message_primary or "") if diagnosis else ""
    if sqlstate == "55000" and "was overtaken by run" in message:
        return Overtaken(f"{action}: {message}. Nothing of this step was kept. The newer run does the work.")
    if getattr(diagnosis, "source_function", None) == "check_enable_rls":
        return HiddenRows(message, action)
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


#: What libpq refuses before it connects: a part of its text, what that means, and how to fix it.
_BAD_PARAMETER = (
    (
        r"root certificate",
        "sslmode asks to verify the server, and there is no root certificate",
        "add sslrootcert=FILE or sslrootcert=system",
    ),
    (r"certificate file|private key file", "a file with a certificate or key cannot be read", "correct sslcert or sslkey"),
    (r"definition of service", "the service is not in the file of services", "correct service, or define it in ~/.pg_service.conf"),
    (r"invalid (?P<name>\w+) value: ", "libpq does not accept the value of {name}", "correct it"),
    (r'invalid \w+ value .* for connection option "(?P<name>\w+)"', "libpq does not accept the value of {name}", "correct it"),
    (r"bad value for (?P<name>\w+)", "libpq does not accept the value of {name}", "correct it"),
    (r"invalid port number", "libpq does not accept the value of port", "correct it"),
)
#: What the driver's text contains, by what it means and how to fix it.
_UNREACHABLE = {
    "password authentication failed": ("the password or the user name is wrong", "correct them in ARTWORK_DATABASE_URL"),
    "no password supplied": ("the server asks for a password and ARTWORK_DATABASE_URL has none", "add the password"),
    "does not exist": ("the server has no such database or role", "correct the name in ARTWORK_DATABASE_URL"),
    "connection refused": ("no server listens there", "check host and port in ARTWORK_DATABASE_URL, and that the server runs"),
    "no such file": ("there is no server at that socket", "check the folder in ARTWORK_DATABASE_URL, and that the server runs"),
    "resolve": ("the host name cannot be resolved", "check the host in ARTWORK_DATABASE_URL"),
    "timeout": ("the server did not answer in 10 s", "check host, port and firewall"),
    "does not support ssl": ("the server offers no TLS, and sslmode requires it", "correct sslmode in ARTWORK_DATABASE_URL"),
    "pg_hba": ("the server does not accept this user from this host", "allow it in pg_hba.conf on the server"),
}


def _bad_parameter(error: BaseException | None, address: str) -> BadInput | None:
    """Return the error for a parameter of the URL that libpq refuses, by the parameter's name and without its value; else None."""
    for sign, reason, fix in _BAD_PARAMETER:
        if found := re.search(sign, str(error)):
            problem = reason.format(**found.groupdict())
            return BadInput(
                f"The database {address} cannot be reached: {problem}. Nothing was changed. To fix: {fix} in ARTWORK_DATABASE_URL."
            )
    return None


def _unreachable(error: BaseException | None, sqlstate: str | None, address: str) -> str:
    """Return why there is no connection. The driver's text is only searched, never shown: it may hold the connection string."""
    driver_text = str(error).lower()
    unknown = ("the server closed or refused the connection", "read the log of the server")
    reason, fix = next((known for sign, known in _UNREACHABLE.items() if sign in driver_text), unknown)
    if sqlstate and sqlstate.startswith("28") and "pg_hba" not in driver_text:
        reason, fix = _UNREACHABLE["password authentication failed"]
    return f"The database {address} cannot be reached: {reason}. What was committed before stays. To fix: {fix}."
