"""Settings from the environment (ARTWORK_*), and the one function that makes every database URL from them."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from psycopg import pq
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from migration.errors import BadInput

#: The block of the type Artwork Database that is taken where no other name is given.
BLOCK = "artwork-database"
#: The parameters of a connection that this libpq knows.
_LIBPQ_PARAMETERS = frozenset(option.keyword.decode() for option in pq.Conninfo.get_defaults())
#: Parts of a URL that libpq also accepts as parameters, and their names in SQLAlchemy.
_PARTS = {"user": "username", "password": "password", "port": "port", "dbname": "database"}


class Settings(BaseSettings):
    """The settings of a process. A choice that changes what is migrated is not a setting but a decision in the ledger."""

    model_config = SettingsConfigDict(env_prefix="ARTWORK_", hide_input_in_errors=True)

    database_url: SecretStr | None = Field(None, description="the database to migrate, e.g. postgresql://user@host:5432/shop")
    database: str | None = Field(
        None,
        pattern="^[a-z0-9-]*$",
        description="on the command line: the block with the database, in place of database_url; of several on one Prefect server",
    )
    prefect_database_url: SecretStr | None = Field(None, description="where `up` keeps Prefect's own data; its own Postgres if not set")
    notify_url: SecretStr | None = Field(None, description="where notifications go, an address of Apprise")
    prefect_port: int = Field(4200, gt=0, lt=65_000, description="the first port that `up` tries for the Prefect UI")
    reports: Path = Field(Path("reports"), description="folder for exports and reports")
    reports_url: str | None = Field(
        None, pattern=r"^(https?://[^\s@?#()]+)?$", description="where that folder is served, for links in Prefect; without a password"
    )
    lock_wait_seconds: float = Field(30.0, gt=0, description="how long a verb tries to acquire its locks before it gives up")
    run_wait_seconds: float = Field(3.0, ge=0, description="how long a run waits for another one to end before it is refused")
    attempts: int = Field(20, gt=0, description="how often a transaction is tried that has lost a conflict with the application")
    chunk_blocks: int = Field(
        8_192, gt=0, description="largest size of a backfill chunk in blocks of 8 kB, unless a 32nd of the table is larger"
    )
    chunk_seconds: float = Field(5.0, gt=0, description="how long a backfill chunk should take; a pause waits for it")
    copy_connections: int = Field(
        2, gt=0, le=32, description="connections over which chunks are copied, and comparisons are made, at the same time"
    )
    work_mem: str = Field("64MB", pattern=r"^[1-9]\d*(kB|MB|GB)$", description="memory of one sort or hash table of our statements")
    batch_size: int = Field(1_000, gt=0, description="ids in one catch-up batch")
    max_replica_lag_mb: int = Field(1_024, gt=0, description="MB of WAL that a physical standby may be behind before a run waits")
    max_replica_lag_seconds: float = Field(60.0, gt=0, description="seconds that a physical standby may be behind before a run waits")
    max_transaction_seconds: float = Field(3_600.0, gt=0, description="age of a transaction that keeps rows from vacuum before a run waits")
    max_archive_backlog_mb: int = Field(2_048, gt=0, description="MB of WAL that may not be archived yet before a run waits")
    max_frozen_age: int = Field(1_000_000_000, gt=0, description="age of the database's oldest transaction number before a run waits")
    longest_wait_seconds: float = Field(14_400.0, gt=0, description="how long a run waits, or is paused, before it ends")


def read_settings() -> Settings:
    """Return the settings from the environment. Raises BadInput with the name of each variable that cannot be used, without its value."""
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"ARTWORK_{str(detail['loc'][0]).upper()}: {detail['msg'].lower()}" for detail in error.errors(include_input=False)
        )
        raise BadInput(f"These settings cannot be used: {wrong}. Nothing was changed. To fix: correct them in the environment.") from None
    return settings.model_copy(update={"database": database_name(settings.database or "", settings) or None})


def database_name(given: str, settings: Settings) -> str:
    """Return the name of the block that was given for the database; empty for the default one. Raises BadInput, without what was given.

    The block `artwork-database` is the default one where ARTWORK_DATABASE_URL is not set.
    """
    if not re.fullmatch("[a-z0-9-]*", given):  # it may be a URL with a password
        raise BadInput(
            "`database` is not the name of a block: such a name has only the letters a to z, digits and `-`. Nothing was changed. To fix:"
            " give the name of a block of the type Artwork Database, or leave `database` empty for the default database."
        )
    if given == BLOCK and settings.database_url:
        raise BadInput(
            f"The block `{BLOCK}` is the default database only where ARTWORK_DATABASE_URL is not set, and it is set. Nothing was changed."
            " To fix: leave `database` empty for the database in ARTWORK_DATABASE_URL, or save the block under another name and give that."
        )
    return "" if given == BLOCK else given


def of_database(settings: Settings, name: str | None) -> Settings:
    """Return the settings for the database in the block `name`, whose reports are in a folder of that name; for the default without one."""
    address = settings.reports_url and f"{settings.reports_url.rstrip('/')}/{f'{name}/' if name else ''}"
    return settings.model_copy(update={"database": name or None, "reports": settings.reports / (name or ""), "reports_url": address})


def commands_about(name: str | None, text: str) -> str:
    """Return the text with each command about the database in the block `name`: as it would be typed where ARTWORK_DATABASE is not set.

    A command that has the name already stays as it is, and so does the whole text without a name.
    """
    if not name:
        return text
    command = r"(?:\bARTWORK_DATABASE=\S+ )?\b(artwork-migration (?:run|status|report|doctor)\b)"
    return re.sub(command, lambda found: f"ARTWORK_DATABASE={name} {found[1]}", text)


def configured_url(given: SecretStr | None, stored: Callable[[str], URL | None], name: str | None = None) -> URL | None:
    """Return the URL of the database to migrate: the one `stored` in Prefect in the block `name`.

    Without a name it is the one `given` in ARTWORK_DATABASE_URL, or else the one in the block `artwork-database`.
    """
    return database_url(given.get_secret_value()) if given and not name else stored(name or BLOCK)


def required_url(settings: Settings, stored: Callable[[str], URL | None]) -> URL:
    """Return the URL of the database to migrate. Raises BadInput if no database is set, or if there is no block of the name that is set."""
    url = configured_url(settings.database_url, stored, settings.database)
    if url is None and settings.database:
        raise BadInput(
            f"No database `{settings.database}` is known: there is no block of this name and the type Artwork Database, or no Prefect"
            " server. Nothing was changed. To fix: create the block in Prefect, or give the name of another one."
        )
    if url is None:
        raise BadInput(
            "No database is set. Nothing was changed. To fix: set ARTWORK_DATABASE_URL, like postgresql://user@host:5432/shop, or create a "
            "block of the type Artwork Database in Prefect and call it artwork-database."
        )
    return url


def database_url(raw: str, driver: str = "psycopg") -> URL:
    """Return the URL of one database for `driver` (psycopg or asyncpg), from any usual spelling. Its parts are decoded, once and here.

    Raises BadInput, without the given text, if it cannot be parsed, is not for Postgres, or has a parameter that libpq does not know.
    """
    try:
        url = make_url(raw)
    except (ArgumentError, ValueError):
        raise _bad_url("The database URL cannot be read.") from None
    # SQLAlchemy decodes every part except the name of the database
    return complete_url(url.set(database=unquote(url.database)) if url.database else url, driver)


def complete_url(url: URL, driver: str = "psycopg") -> URL:
    """Return the URL with the driver, a host, and each part in its place, from parts that are decoded. Raises BadInput as `database_url`.

    A unix socket stays in ``?host=/dir``.
    """
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise _bad_url(f"The database URL is for {url.get_backend_name()}, not for Postgres.")
    url = _parameters_in_their_place(url)
    if driver == "psycopg" and (unknown := sorted(set(url.query) - _LIBPQ_PARAMETERS)):
        raise _bad_url(
            f"The database URL has parameters that libpq does not know: {', '.join(unknown)}.",
            "remove them, or write them as libpq does (https://www.postgresql.org/docs/current/libpq-connect.html)",
        )
    if "service" in url.query:
        return url.set(drivername=f"postgresql+{driver}")
    if not url.database:
        raise _bad_url("The database URL names no database.")
    full = url.set(drivername=f"postgresql+{driver}", host=url.host or "localhost")
    return _without_host(full) if driver == "asyncpg" and "host" in url.query else full


def _parameters_in_their_place(url: URL) -> URL:
    """Return the URL with user, password, port and database in their places where they were given as parameters."""
    for name, part in _PARTS.items():
        value = url.query.get(name)
        if not isinstance(value, str) or (name == "port" and not value.isdigit()):
            continue  # several ports belong to several hosts, and libpq reads both
        # the type is ignored: mypy cannot know which part the name is
        url = url.difference_update_query([name]).set(**{part: int(value) if name == "port" else value})  # type: ignore[arg-type]
    return url


def _bad_url(problem: str, fix: str = "write it as postgresql://user:password@host:5432/database") -> BadInput:
    return BadInput(f"{problem} Nothing was changed. To fix: {fix}.")


def _without_host(url: URL) -> URL:
    """Return the URL without its host: where asyncpg parses a URL itself, as for Prefect's listener, a host makes it ignore the socket."""
    query = {**url.query, **({"port": str(url.port)} if url.port else {})}
    return URL.create(url.drivername, url.username, url.password, database=url.database, query=query)
