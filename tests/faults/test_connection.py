"""No connection, a wrong address, a pooler: each is told in words, and no password with it."""

import contextlib
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode

import psycopg
import pytest
from psycopg import sql as pgsql

from migration.database import Database
from migration.errors import BadInput, DatabaseUnreachable
from migration.settings import database_url
from sample.binaries import binary_directory, give_to, system_user
from sample.server import EmbeddedServer
from tests.databases import Shop
from tests.faults.connecting import PASSWORD, refusal, start, tells_no_secret
from tests.waiting import wait_until

# No connection at all


@pytest.fixture(scope="module")
def tcp_server() -> Iterator[EmbeddedServer]:
    """A server that asks for passwords."""
    with (
        tempfile.TemporaryDirectory(prefix="pg") as folder,
        EmbeddedServer(Path(folder) / "d", settings={"fsync": "off"}, listen_on_tcp=True) as it,
    ):
        with psycopg.connect(it.conninfo("postgres"), autocommit=True) as connection:
            connection.execute("CREATE ROLE keeper LOGIN SUPERUSER PASSWORD 'right-one'")
        it.create_database("shop")
        yield it


def unreachable(url: str) -> str:
    """The message when no connection can be made."""
    with pytest.raises(DatabaseUnreachable) as caught:
        start(url)
    tells_no_secret(caught.value)
    assert caught.value.exit_code == 3
    return str(caught.value)


def test_nobody_listens() -> None:
    """The refusal of an address where nothing listens names it and says to check whether the server runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: refused, and nobody else can have it meanwhile
        port = taken.getsockname()[1]
        message = unreachable(f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/shop")
    assert f"shop at 127.0.0.1:{port}" in message
    assert "no server listens there" in message


def test_no_socket(tmp_path: Path) -> None:
    """The refusal of a socket that does not exist names its folder."""
    message = unreachable(f"postgresql://postgres:{PASSWORD}@/shop?host={tmp_path}")
    assert f"shop at {tmp_path}" in message
    assert "no server at that socket" in message


def test_unknown_host() -> None:
    """The refusal of an unknown host names it."""
    message = unreachable(f"postgresql://postgres:{PASSWORD}@nowhere.invalid/shop")
    assert "shop at nowhere.invalid" in message
    assert "cannot be resolved" in message


def test_wrong_password(tcp_server: EmbeddedServer) -> None:
    """The refusal of a wrong password holds neither that password nor the right one."""
    message = unreachable(tcp_server.url("shop", "keeper", PASSWORD, tcp=True))
    assert "the password or the user name is wrong" in message
    assert "right-one" not in message


def test_no_password(tcp_server: EmbeddedServer) -> None:
    """A missing password is refused with another message than a wrong one."""
    assert "ARTWORK_DATABASE_URL has none" in unreachable(tcp_server.url("shop", "keeper", tcp=True))


def test_right_password_gets_through(tcp_server: EmbeddedServer) -> None:
    """With the right password the connection succeeds, and the next prerequisite is checked."""
    (prerequisite,) = refusal(tcp_server.url("shop", "keeper", "right-one", tcp=True))
    assert "artworks_missing" == prerequisite.rule


def test_unknown_database(server: EmbeddedServer) -> None:
    """The refusal of an unknown database names it."""
    assert "The database no_shop at" in unreachable(server.url("no_shop"))


def test_unknown_role(server: EmbeddedServer) -> None:
    """An unknown role is refused before any prerequisite is checked."""
    assert "no such database or role" in unreachable(server.url("postgres", user="nobody_at_all"))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (f"mysql://root:{PASSWORD}@localhost/shop", "for mysql, not for Postgres"),
        ("sqlite:///shop.db", "for sqlite, not for Postgres"),
        (f"postgresql://postgres:{PASSWORD}@localhost", "names no database"),
        (f"postgresql://postgres:{PASSWORD}@localhost/", "names no database"),
        (f"postgres {PASSWORD} on localhost", "cannot be read"),
        (f"postgresql://postgres:{PASSWORD}@localhost:port/shop", "cannot be read"),
        ("", "cannot be read"),
        (f"postgresql://postgres:{PASSWORD}@localhost/shop?schema={PASSWORD}", "libpq does not know: schema"),
        (
            f"postgresql://postgres:{PASSWORD}@localhost/shop?pgbouncer=true&sslmode=prefer&schema=public",
            "does not know: pgbouncer, schema",
        ),
    ],
)
def test_an_address_that_is_none(url: str, told: str) -> None:
    """A text that is no address is refused before a connection is tried, without repeating it."""
    with pytest.raises(BadInput, match=told) as caught:
        start(url)
    tells_no_secret(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        (f"sslmode={PASSWORD}", "does not accept the value of sslmode"),
        (f"connect_timeout={PASSWORD}", "does not accept the value of connect_timeout"),
        (f"keepalives_idle={PASSWORD}", "does not accept the value of keepalives_idle"),
        (f"service={PASSWORD}", "the service is not in the file of services"),
    ],
)
def test_a_parameter_that_libpq_refuses(tcp_server: EmbeddedServer, parameters: str, told: str) -> None:
    """A parameter whose value libpq refuses is bad input, named without its value."""
    with pytest.raises(BadInput, match=told) as caught:
        start(f"{tcp_server.url('shop', 'keeper', 'right-one', tcp=True)}?{parameters}")
    tells_no_secret(caught.value)
    assert caught.value.exit_code == 2


def test_no_root_certificate() -> None:
    """A server that must be verified without a root certificate is bad input; the message names the parameter that is missing."""
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(BadInput, match="To fix: add sslrootcert") as caught:
        Thread(target=_offer_tls, args=(listener,), daemon=True).start()
        start(f"postgresql://postgres:{PASSWORD}@127.0.0.1:{listener.getsockname()[1]}/shop?sslmode=verify-full&sslrootcert=/nowhere.crt")
    tells_no_secret(caught.value)
    assert caught.value.exit_code == 2


def test_no_tls(tcp_server: EmbeddedServer) -> None:
    """A server without TLS is refused in words where sslmode requires it."""
    assert "offers no TLS" in unreachable(f"{tcp_server.url('shop', 'keeper', 'right-one', tcp=True)}?sslmode=require")


def test_user_password_and_database_are_decoded_once(tcp_server: EmbeddedServer) -> None:
    """Names with blanks, percent signs and slashes reach the server as they are, in the URL or as parameters, also for the gates."""
    user, password, name = "a %41@b", "p%40:/ ?", "my%20shop é/1"
    with psycopg.connect(tcp_server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(pgsql.SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}").format(pgsql.Identifier(user), pgsql.Literal(password)))
    tcp_server.create_database(name)
    whole = tcp_server.url(name, user, password, tcp=True)
    port = whole.split(":")[-1].split("/")[0]
    parts = urlencode({"user": user, "password": password, "dbname": name, "host": "127.0.0.1", "port": port, "sslmode": "prefer"})
    for url in (whole, f"postgresql:///?{parts}"):
        database = Database(database_url(url), name="decoded")
        connection = database.connect()
        assert (user, name, "decoded") == connection.execute(
            "SELECT current_user, current_database(), current_setting('application_name')"
        ).fetchone()
        connection.close()
        assert password not in repr(database)
        database.dispose()


# Poolers


@pytest.fixture
def pooler(shop: Shop, request: pytest.FixtureRequest) -> Iterator[str]:
    """A real pgbouncer before the shop, in the pool mode of the parameter; the URL that leads through it."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed (apt-get install pgbouncer)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    user = system_user(binary_directory(18))
    with tempfile.TemporaryDirectory(prefix="pgb") as folder:
        config = Path(folder) / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n{shop.name} = host={shop.server.socket_directory} port={shop.server.port} user=postgres\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = any\npool_mode = {request.param}\nmax_client_conn = 50\ndefault_pool_size = 10\n",
            encoding="utf-8",
        )
        for path in (Path(folder), config):
            give_to(user, path)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen([program, "-q", str(config)], user=user, group=user, cwd="/", **quiet)
        try:
            wait_until(lambda: _answers(port))
            yield f"postgresql://postgres@127.0.0.1:{port}/{shop.name}"
        finally:
            process.terminate()
            process.wait(10)


@pytest.mark.parametrize("pooler", ["transaction"], indirect=True)
def test_a_transaction_pooler_is_refused(shop: Shop, pooler: str) -> None:
    """A transaction pooler is detected and refused, because a session's lock would protect nothing behind it."""
    before = shop.schema_dump()
    (prerequisite,) = refusal(pooler)
    assert ("transaction_pooler", "ARTWORK_DATABASE_URL") == (prerequisite.rule, prerequisite.subject)
    assert "session pooler" in prerequisite.remedy
    assert before == shop.schema_dump()


@pytest.mark.parametrize("pooler", ["transaction"], indirect=True)
def test_a_busy_transaction_pooler_is_refused(shop: Shop, pooler: str) -> None:
    """A transaction pooler is detected also with other clients' connections in its pool, some of them at work."""
    with contextlib.ExitStack() as others:
        for number in range(6):
            other = others.enter_context(psycopg.connect(pooler))
            other.execute("SELECT 1")
            if number % 2:
                other.rollback()
        (prerequisite,) = refusal(pooler)
    assert "transaction_pooler" == prerequisite.rule


@pytest.mark.parametrize("pooler", ["session"], indirect=True)
def test_a_session_pooler_is_accepted(pooler: str) -> None:
    """A session pooler is accepted like the server itself."""
    assert ["exposure_not_accepted"] == [blocker.rule for blocker in start(pooler).blockers]


def test_the_port_of_a_transaction_pooler_is_refused_unasked() -> None:
    """Port 6543, the hosting platform's transaction pooler, is refused without a connection."""
    (prerequisite,) = refusal(f"postgresql://postgres:{PASSWORD}@127.0.0.1:6543/shop")
    assert "transaction_pooler" == prerequisite.rule


def _offer_tls(listener: socket.socket) -> None:
    """Answer the first request as a server does that will now speak TLS."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(8)
        connection.sendall(b"S")
        connection.recv(1)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
