"""Every usual spelling of a database's address gives one URL, and none of them shows its password."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo
from pydantic import ValidationError
from sqlalchemy import URL, make_url

from migration.database import Database
from migration.errors import BadInput
from migration.settings import Settings, database_url, of_database

CANARY = "pa55word-of-nobody"


@pytest.mark.parametrize(
    ("raw", "url"),
    [
        ("postgresql://ada@db.example.org:5433/shop", "postgresql+psycopg://ada@db.example.org:5433/shop"),
        ("postgres://ada@db.example.org/shop", "postgresql+psycopg://ada@db.example.org/shop"),
        ("postgresql+psycopg://ada@localhost/shop", "postgresql+psycopg://ada@localhost/shop"),
        ("postgresql+psycopg2://ada@localhost/shop", "postgresql+psycopg://ada@localhost/shop"),
        ("postgresql+asyncpg://ada@localhost/shop", "postgresql+psycopg://ada@localhost/shop"),
        ("postgresql:///shop", "postgresql+psycopg://localhost/shop"),
        ("postgresql://ada@/shop?host=/run/pg", "postgresql+psycopg://ada@localhost/shop?host=%2Frun%2Fpg"),
        ("postgresql://ada@localhost:5433/shop?host=/run/pg", "postgresql+psycopg://ada@localhost:5433/shop?host=%2Frun%2Fpg"),
        ("postgresql://db/shop?sslmode=require", "postgresql+psycopg://db/shop?sslmode=require"),
        ("postgresql://a%40b:p%40ss%2Fw%3Ard@db/shop", "postgresql+psycopg://a%40b:p%40ss%2Fw%3Ard@db/shop"),
        ("postgresql://ada@[::1]:5432/shop", "postgresql+psycopg://ada@[::1]:5432/shop"),
    ],
)
def test_an_address_gives_one_url(raw: str, url: str) -> None:
    """Every way to write an address gives psycopg one form of it, always with a host before ?host=."""
    assert url == database_url(raw).render_as_string(hide_password=False)


def test_another_driver_gets_the_same_address() -> None:
    """For another driver only its name differs; asyncpg gets no host beside a socket, because it would connect to that host."""
    assert "postgresql+asyncpg://ada:***@db:5433/shop" == str(database_url("postgres://ada:secret@db:5433/shop", driver="asyncpg"))
    url = database_url("postgres://ada:secret@localhost:5433/shop?host=/run/pg", driver="asyncpg")
    assert "postgresql+asyncpg://ada:***@/shop?host=%2Frun%2Fpg&port=5433" == str(url)


@given(
    user=st.text(min_size=1, max_size=12).filter(lambda name: "\0" not in name and not any("\ud800" <= c <= "\udfff" for c in name)),
    password=st.text(min_size=1, max_size=12).filter(lambda word: "\0" not in word and not any("\ud800" <= c <= "\udfff" for c in word)),
)
def test_any_user_and_password_come_through(user: str, password: str) -> None:
    """Blanks, colons, slashes, at signs and other scripts in user and password stay what they are."""
    written = URL.create("postgresql", username=user, password=password, host="db", database="shop").render_as_string(hide_password=False)
    read = database_url(written)
    assert (user, password, "db", "shop") == (read.username, read.password, read.host, read.database)
    assert read == database_url(read.render_as_string(hide_password=False))


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "shop",
        f"db:5432/{CANARY}",
        f"postgresql://ada:{CANARY}@db",
        f"postgresql://ada:{CANARY}@db:port/shop",
        f"mysql://ada:{CANARY}@db/shop",
        f"sqlite:///{CANARY}",
        f"postgresqll://ada:{CANARY}@db/shop",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(raw: str) -> None:
    """An address that is none is refused with what is wrong and how to write it, and without what was typed."""
    with pytest.raises(BadInput) as caught:
        database_url(raw)
    assert "write it as postgresql://" in str(caught.value)
    assert CANARY not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_password_is_shown_nowhere() -> None:
    """Neither the settings nor the database show it when they are printed."""
    raw = f"postgresql://ada:{CANARY}@db/shop"
    shown = [repr(Settings(database_url=raw)), str(Settings(database_url=raw)), repr(Database(database_url(raw))), str(database_url(raw))]
    assert [] == [text for text in shown if CANARY in text]


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """ARTWORK_* are read; without ARTWORK_DATABASE_URL no database is set, and none is guessed."""
    monkeypatch.delenv("ARTWORK_DATABASE_URL", raising=False)
    monkeypatch.setenv("ARTWORK_BATCH_SIZE", "7")
    settings = Settings()
    assert (None, 7) == (settings.database_url, settings.batch_size)
    monkeypatch.setenv("ARTWORK_DATABASE_URL", "postgresql://db/shop")
    set_now = Settings().database_url
    assert set_now is not None
    assert "postgresql://db/shop" == set_now.get_secret_value()


@pytest.mark.parametrize(
    ("name", "value"),
    [("LOCK_WAIT_SECONDS", "0"), ("RUN_WAIT_SECONDS", "-1"), ("CHUNK_BLOCKS", "0"), ("BATCH_SIZE", "many")]
    + [("REPORTS_URL", address) for address in (f"https://ada:{CANARY}@host", "host/reports", "http://host/?a=b", "http://host/a b")],
)
def test_a_setting_that_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A setting that cannot be used is refused at the start, by its name."""
    monkeypatch.setenv(f"ARTWORK_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()) as caught:
        Settings()
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("given", ["http://host/reports", "http://host/reports/"])
def test_the_address_of_the_reports_is_that_of_the_database(given: str, tmp_path: Path) -> None:
    """Folder and address of a named database's reports have its name once; an empty address is none."""
    settings = Settings(database_url=None, reports=tmp_path, reports_url=given)
    assert "http://host/reports/" == of_database(settings, None).reports_url
    berlin = of_database(settings, "berlin")
    assert (tmp_path / "berlin", "http://host/reports/berlin/") == (berlin.reports, berlin.reports_url)
    assert not of_database(Settings(database_url=None, reports_url=""), "berlin").reports_url


def test_a_refused_setting_does_not_show_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message of a mistyped number does not print the password beside it."""
    monkeypatch.setenv("ARTWORK_DATABASE_URL", f"postgresql://ada:{CANARY}@db/shop")
    monkeypatch.setenv("ARTWORK_BATCH_SIZE", CANARY)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert CANARY not in str(caught.value)


def test_every_setting_says_what_it_is() -> None:
    """Every setting has a description, which the documentation shows."""
    assert [] == [name for name, field in Settings.model_fields.items() if not field.description]


def test_libpq_reads_what_we_make() -> None:
    """libpq connects to the socket's folder, not to the host name that is there for Great Expectations."""
    url = make_url(database_url("postgresql://ada@/shop?host=/run/pg").render_as_string())
    _, arguments = url.get_dialect()().create_connect_args(url)
    assert "host=/run/pg" in make_conninfo(**arguments)
