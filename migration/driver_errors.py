"""The driver's errors as ours: SQLSTATE, names of objects, what it means, and the way to fix it. A driver's text has values of rows."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError

from migration.errors import BadInput, ConnectionLost, DatabaseError, DatabaseUnreachable, HiddenRows, MigrationError, Overtaken

#: SQLSTATE classes of a lost connection: the statement was not at fault, and the step can be repeated.
_CUT = ("08", "57P0")
#: What ended the connection, by SQLSTATE.
_CUT_BY = {
    "57P01": "the server was stopped, or an administrator ended the session",
    "57P02": "another process of the server crashed, and the server restarts",
    "57P03": "the server is starting up, shutting down, or in recovery",
    "57P04": "the database was dropped",
    "57P05": "the setting `idle_session_timeout` ended the idle session",
}
_RESUMES = "start it again when the database can be reached; it resumes."
#: What fixes a connection that was cut for a reason which does not pass, by SQLSTATE.
_CUT_FIX = {"57P05": "set `idle_session_timeout` to 0 for the role that migrates, then start it again; it resumes."}
#: SQLSTATE classes whose primary message names only objects and never a value, if the server itself raised it.
_SAFE_MESSAGES = ("42", "0A", "55", "25", "28", "3D")
#: The SQLSTATE class that only our own statements raise; their messages name only rules and ids.
_OURS = "AM"
TOO_MANY_CONNECTIONS = "53300"
#: What the server lacks or does not allow, by SQLSTATE: what that means, and how to fix it.
_SERVER_LACKS = {
    "53100": ("the disk of the server is full", "make room on the disk of the server"),
    "53200": ("the server has no memory left", "give the server more memory, or end what uses it"),
    TOO_MANY_CONNECTIONS: ("the server has no connection left", "end sessions that are not needed, or raise the limit of connections"),
    "25006": (
        "the server accepts no writes, because it is a standby or `default_transaction_read_only` is on",
        "set ARTWORK_DATABASE_URL to the primary server, or reset that setting for the role that migrates",
    ),
    "25P04": ("the setting `transaction_timeout` ended the transaction", "set `transaction_timeout` to 0 for the role that migrates"),
}
#: A table or a function that is missing. If it is ours, another version of this tool has deployed the database.
_MISSING = ("42P01", "42883")
_OTHER_VERSION = (
    "the database was deployed by another version of this tool, or this object was dropped",
    "use the version that has deployed it; to change to this one, roll back to NOT_STARTED with that one and deploy with this one",
)


@contextmanager
def translated(action: str, address: str = "the database", *, reached: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Translate an error of the driver, and do not chain it: its text has values of rows, and Prefect logs every chained error.

    `reached` returns whether there was a connection before: one that is lost is another error than one that could not be made.
    """
    try:
        yield
    except DBAPIError as error:
        raise _translation(error.orig, action, address, reached=reached()) from None
    except psycopg.Error as error:
        raise _translation(error, action, address, reached=reached()) from None


def _translation(error: BaseException | None, action: str, address: str, *, reached: bool) -> MigrationError:
    sqlstate = getattr(error, "sqlstate", None)
    diagnosis = getattr(error, "diag", None)
    if sqlstate is None or sqlstate.startswith(("28", "3D")):
        return _bad_parameter(error, address) or _unreachable(error, sqlstate, action, address, reached=reached)
    if sqlstate.startswith(_CUT):
        why = _CUT_BY.get(sqlstate, "the server closed it")
        return ConnectionLost(
            f"{action}: the connection to {address} was lost: {why} (SQLSTATE {sqlstate}).", _CUT_FIX.get(sqlstate, _RESUMES)
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
    return _failed(sqlstate, objects, action)


def _failed(sqlstate: str, objects: str, action: str) -> DatabaseError:
    missing = sqlstate in _MISSING and "artwork_migration." in objects
    meaning, fix = _OTHER_VERSION if missing else _SERVER_LACKS.get(sqlstate, ("", ""))
    return DatabaseError(sqlstate, _condition(sqlstate), objects, action, meaning=meaning, fix=fix)


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
_NOT_READY = ("the server is starting up, shutting down, or in recovery", "wait until it accepts connections", True)
_NO_SLOT = (*_SERVER_LACKS[TOO_MANY_CONNECTIONS], False)
#: What the driver's text contains, by what it means, how to fix it, and whether it may pass if the database could be reached before.
_UNREACHABLE = {
    "password authentication failed": ("the password or the user name is wrong", "correct them in ARTWORK_DATABASE_URL", False),
    "no password supplied": ("the server asks for a password and ARTWORK_DATABASE_URL has none", "add the password", False),
    "does not exist": ("the server has no such database or role", "correct the name in ARTWORK_DATABASE_URL", False),
    "connection refused": ("no server listens there", "check host and port in ARTWORK_DATABASE_URL, and that the server runs", True),
    "no such file": ("there is no server at that socket", "check the folder in ARTWORK_DATABASE_URL, and that the server runs", True),
    "resolve": ("the host name cannot be resolved", "check the host in ARTWORK_DATABASE_URL", True),
    "timeout": ("the server did not answer in 10 s", "check host, port and firewall", True),
    "does not support ssl": ("the server offers no TLS, and sslmode requires it", "correct sslmode in ARTWORK_DATABASE_URL", False),
    "pg_hba": ("the server does not accept this user from this host", "allow it in pg_hba.conf on the server", False),
    "starting up": _NOT_READY,
    "shutting down": _NOT_READY,
    "in recovery mode": _NOT_READY,
    "not yet accepting connections": _NOT_READY,
    "not accepting connections": _NOT_READY,
    "too many": _NO_SLOT,
    "remaining connection slots": _NO_SLOT,
}
_UNKNOWN = ("the server closed or refused the connection", "read the log of the server", True)


def _bad_parameter(error: BaseException | None, address: str) -> BadInput | None:
    """Return the error for a parameter of the URL that libpq refuses, by the parameter's name and without its value; else None."""
    for sign, reason, fix in _BAD_PARAMETER:
        if found := re.search(sign, str(error)):
            problem = reason.format(**found.groupdict())
            return BadInput(
                f"The database {address} cannot be reached: {problem}. Nothing was changed. To fix: {fix} in ARTWORK_DATABASE_URL."
            )
    return None


def _unreachable(error: BaseException | None, sqlstate: str | None, action: str, address: str, *, reached: bool) -> MigrationError:
    """Return why there is no connection. The driver's text is only searched, never shown: it may hold the connection string."""
    driver_text = str(error).lower()
    reason, fix, passes = next((known for sign, known in _UNREACHABLE.items() if sign in driver_text), _UNKNOWN)
    if sqlstate and sqlstate.startswith("28") and "pg_hba" not in driver_text:
        reason, fix, passes = _UNREACHABLE["password authentication failed"]
    if reached and (reason, fix, passes) == _NO_SLOT:
        return _failed(TOO_MANY_CONNECTIONS, "", action)
    if reached:
        way_on = _RESUMES if passes else f"{fix}, then {_RESUMES}"
        return ConnectionLost(f"{action}: no connection to {address} any more: {reason}.", way_on)
    return DatabaseUnreachable(f"The database {address} cannot be reached: {reason}.", f"{fix}.")
