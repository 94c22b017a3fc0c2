"""The only place that opens connections. It repeats transactions that lost a conflict."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property
from typing import Any, TypeVar, cast

import psycopg
from sqlalchemy import URL, Connection, CursorResult, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection

import sql
from migration.driver_errors import translated
from migration.errors import DatabaseError, HiddenRows, MigrationError
from migration.lock_errors import LockHolder, WriteBlocked
from sql import SqlFile, StatementRow

Result = TypeVar("Result")

LOCK_NOT_AVAILABLE = "55P03"
DEADLOCK = "40P01"
SERIALIZATION_FAILURE = "40001"
QUERY_CANCELED = "57014"
#: The server has ended the session, because its client was too slow with the next statement of a transaction that holds locks.
CLIENT_TOO_SLOW = "25P03"
#: Of that the client may only see that its connection is gone. The loss of this many connections in a row ends the attempts.
CONNECTIONS_LOST = 3
#: A conflict with the application, after which the transaction is repeated: a lock timeout, a deadlock, a serialization failure, or a
#: user or token that was deleted or taken meanwhile.
RETRIED = (LOCK_NOT_AVAILABLE, DEADLOCK, SERIALIZATION_FAILURE, "23503", "23505")
#: The tables whose rows a repeated transaction locks, with those that they reference.
ROWS_LOCKED = ("public.artworks", "public.artworks_v2", "public.artworks_old", "public.users")
#: The settings of our statements, whatever the role or the database sets: what their text means, what they create, and no time limit.
#: Definitions from the catalog always have the same text. Without enable_material the planner cannot keep a table in memory that it
#: believes to be small and read that once for every row: a repeated scan costs what its pages cost, and their number needs no statistics.
#: With row_security off, a query that row level security would filter fails: rows that we cannot see never count as absent.
#: A COMMIT does not wait for a synchronous standby: one that is away would stop a run without a word, and with its locks.
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
    "synchronous_commit": "local",
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
#: The end of each of our statements. pg_stat_statements keeps it, so what the migration does is never taken for the application's.
OURS = "\n/* artwork_migration */"


class Database:
    """One database to migrate. Its connections have the name of the run, so that a session that waits for us can see who holds the lock."""

    def __init__(self, url: URL, *, name: str = "artwork-migration", attempts: int = 20, work_mem: str = "64MB") -> None:
        self.url = url
        self.name = name[:63]
        self.attempts = attempts
        self._settings = {**SETTINGS, "work_mem": work_mem}
        self._reached = False
        self._engine = create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            pool_use_lifo=True,  # the session that was used last has compiled our functions and read the catalog
            max_overflow=-1,
            creator=self.connect,
        )
        mark_statements(self._engine)

    def __repr__(self) -> str:
        return f"Database({self.address})"

    def connect(self) -> DBAPIConnection:
        """Return a new connection of the driver. Everybody connects here, Great Expectations too, by the decoded parts of the URL."""
        arguments, parts = self._engine.dialect.create_connect_args(self.url)
        ours = {"application_name": self.name, "client_encoding": "utf8"}
        connection = self._engine.dialect.connect(*arguments, **{"connect_timeout": 10, **parts, **ours})
        self._reached = True
        return connection

    def _translated(self, action: str) -> AbstractContextManager[None]:
        return translated(action, self.address, reached=lambda: self._reached)

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
    def transaction(
        self, action: str, *, isolation: str = "READ COMMITTED", snapshot: str | None = None, **settings: str | None
    ) -> Iterator[Connection]:
        """Open a transaction, and commit it at the end of the block. `action` names it in errors.

        With `snapshot` it reads what another transaction, which has exported it, reads.

        The `settings` hold for this transaction only; a pooler would keep those of a session. None keeps what the role or the database
        sets. The search_path is empty, so every name in our SQL has its schema. Raises DatabaseUnreachable, HiddenRows, Overtaken or
        DatabaseError.
        """
        with self._translated(action), self._engine.connect() as connection:
            connection.execution_options(isolation_level=isolation)
            with connection.begin():
                if snapshot:
                    connection.execute(text(f"SET TRANSACTION SNAPSHOT '{snapshot}'"))
                set_all(connection, {**self._settings, **settings})
                yield connection

    @contextmanager
    def autocommit(self, action: str, **settings: str | None) -> Iterator[Connection]:
        """Open a connection outside a transaction block, for statements that Postgres refuses inside one. It is closed at the end.

        The settings end with the session: a pooler of sessions resets it. No time limit ends an idle session: one holds the lock of the
        run.
        """
        with self.untouched(action) as connection:
            connection.detach()
            set_all(connection, {**self._settings, "idle_session_timeout": "0", **settings}, local=False)
            yield connection

    @contextmanager
    def untouched(self, action: str) -> Iterator[Connection]:
        """Open a connection outside a transaction block and without our settings, which a pooler of transactions would give to others."""
        with self._translated(action), self._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            yield connection

    @contextmanager
    def threads(self, count: int) -> Iterator[ThreadPoolExecutor]:
        """Threads for the block, which waits for what they do. If Ctrl-C or a closed generator ends it, all their statements are cancelled.

        They are cancelled until no thread is at work: one may begin its next statement just after the first time.
        """
        with ThreadPoolExecutor(count) as pool:
            try:
                yield pool
            except (KeyboardInterrupt, GeneratorExit):
                ended = threading.Event()
                canceller = threading.Thread(target=self._cancel_statements, args=(ended,), daemon=True)
                canceller.start()
                pool.shutdown(cancel_futures=True)
                ended.set()
                canceller.join()
                raise

    def _cancel_statements(self, ended: threading.Event) -> None:
        while not ended.is_set():
            with suppress(MigrationError):  # the server may be away
                self.read("locks/cancel_statements", session=self.name)
            ended.wait(0.5)

    def in_snapshot(self, action: str, work: Callable[[Connection], Result], **settings: str) -> Result:
        """Run `work` in a transaction that reads one snapshot. Returns what `work` returns.

        If a table was truncated or rewritten after the snapshot, it is run again with a new one, as often as a write after a conflict.
        """
        for attempt in range(1, self.attempts + 1):
            try:
                with self.transaction(action, isolation="REPEATABLE READ", **settings) as connection:
                    result = work(connection)
                    require_tables_of_snapshot(connection, action)
                    return result
            except DatabaseError as error:
                if error.sqlstate != SERIALIZATION_FAILURE or attempt == self.attempts:
                    raise
        raise AssertionError("unreachable")

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
        attempts: int | None = None,
    ) -> Result:
        """Run `work` in a transaction that gives up a lock wait early, and repeat it after a conflict. Returns what `work` returns.

        Every write that locks rows goes through here. With `applying`, capture and write-through ignore it. With `application_code`,
        triggers of the application may run in it. With `locks_rows`, its one statement locks rows of the application and has a budget:
        less than half of deadlock_timeout. Raises the last error after `attempts` conflicts (those of the settings, if not given):
        WriteBlocked if it could not lock.
        """
        attempts = attempts or self.attempts
        limits = {"lock_timeout": f"{self.lock_timeout_ms}ms", "idle_in_transaction_session_timeout": "60s"}
        if locks_rows:
            limits |= self.budget
        if application_code:
            limits |= APPLICATION_CODE
        if applying:
            limits["artwork_migration.apply"] = "on"
        for attempt in range(1, attempts + 1):
            try:
                with self.transaction(action, **limits) as connection:
                    result = work(connection)
                    if application_code and connection.in_transaction():  # if not, the work has rolled itself back
                        _require_all_rows(connection, action)
                    return result
            except DatabaseError as error:
                if error.sqlstate not in RETRIED:
                    raise
                if attempt == attempts:
                    raise self._lost_to_others(error, attempts) from None
            time.sleep(backoff(attempt))
        raise AssertionError("unreachable")

    def _lost_to_others(self, error: DatabaseError, attempts: int) -> DatabaseError:
        """Return the error of a write that has lost every attempt, with the transactions that were open during the last one."""
        if error.sqlstate not in (LOCK_NOT_AVAILABLE, DEADLOCK):
            return error
        return WriteBlocked(error, attempts, self.lock_holders(ROWS_LOCKED, row_locks=True, seconds=self.lock_timeout_ms / 1000))

    def lock_holders(self, tables: Sequence[str], *, row_locks: bool = False, seconds: float = 0) -> list[LockHolder]:
        """Return who holds a lock on these tables and views now. With `row_locks`: who may hold locks of rows, and that for `seconds`."""
        with self.transaction("reading the lock holders") as connection:
            found = rows(connection, "locks/lock_holders", tables=list(tables), row_locks=row_locks, seconds=seconds)
        return [LockHolder(**row) for row in found]

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


def mark_statements(engine: Engine) -> None:
    """Add the comment OURS to each statement of this engine. Without it, they would count as use of what vanishes (checks/readiness)."""

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def mark(_: Connection, __: Any, statement: str, parameters: Any, *___: Any) -> tuple[str, Any]:
        return statement + OURS, parameters


def set_all(connection: Connection, settings: Mapping[str, str | None], *, local: bool = True) -> None:
    """Set these, for the transaction or, if not `local`, for the session. What is None, or this server does not know, is skipped."""
    given = {name: value for name, value in settings.items() if value is not None}
    connection.execute(text(_SET), {"settings": json.dumps(given), "local": local})


@contextmanager
def beside(connection: Connection, action: str, **settings: str) -> Iterator[Connection]:
    """Open a transaction on the same database beside the one of `connection`, which may only read, and roll it back in any case."""
    with translated(action), connection.engine.connect() as other:
        other.execution_options(isolation_level="READ COMMITTED")
        set_all(other, {**SETTINGS, **APPLICATION_CODE, **settings})
        try:
            yield other
        finally:
            other.rollback()


@contextmanager
def hearing(connection: Connection, sqlstate: str, heard: Callable[[str], None]) -> Iterator[None]:
    """Call `heard` with the text of each notice of this SQLSTATE that the server sends during the block."""

    def handle(notice: psycopg.errors.Diagnostic) -> None:
        if notice.sqlstate == sqlstate:
            heard(notice.message_primary or "")

    driver = cast(psycopg.Connection[Any], connection.connection.driver_connection)
    driver.add_notice_handler(handle)
    try:
        yield
    finally:
        driver.remove_notice_handler(handle)


def backoff(attempt: int) -> float:
    """Return the seconds to wait after a failed attempt: doubling from 50 ms to 2 s, with jitter."""
    return min(2.0, 0.05 * 2.0 ** min(attempt, 8)) * random.uniform(0.5, 1.0)  # noqa: S311 (jitter is no secret)


def require_tables_of_snapshot(connection: Connection, action: str) -> None:
    """Raise DatabaseError if a table that this transaction has read is not the one of its snapshot: truncated since, it was read as empty.

    What the truncation has logged is not in the snapshot either. See "Caveats" of concurrency control in the Postgres manual.
    """
    if changed := rows(connection, "locks/tables_not_of_snapshot"):
        objects = ", ".join(row["object"] for row in changed)
        meaning = "the table was truncated or rewritten after the snapshot was taken"
        raise DatabaseError(SERIALIZATION_FAILURE, "SerializationFailure", objects, action, meaning=meaning)


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
