"""No connection, a wrong address, a pooler: each is told in words, and no password with it."""

import contextlib
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from migration.errors import BadInput, DatabaseUnreachable
from sample.binaries import binary_directory, give_to, system_user
from sample.server import EmbeddedServer
from tests.faults.connecting import PASSWORD, refusal, start, tells_no_secret
from tests.shops import Shop
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
    """The address is named, and that somebody should look whether the server runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: refused, and nobody else can have it meanwhile
        port = taken.getsockname()[1]
        message = unreachable(f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/shop")
    assert f"shop at 127.0.0.1:{port}" in message
    assert "nobody listens there" in message


def test_no_socket(tmp_path: Path) -> None:
    """The folder is named."""
    message = unreachable(f"postgresql://postgres:{PASSWORD}@/shop?host={tmp_path}")
    assert f"shop at {tmp_path}" in message
    assert "no server at that socket" in message


def test_unknown_host() -> None:
    """The host is named."""
    message = unreachable(f"postgresql://postgres:{PASSWORD}@nowhere.invalid/shop")
    assert "shop at nowhere.invalid" in message
    assert "cannot be resolved" in message


def test_wrong_password(tcp_server: EmbeddedServer) -> None:
    """Neither the wrong password nor the right one is told."""
    message = unreachable(tcp_server.url("shop", "keeper", PASSWORD, tcp=True))
    assert "the password or the user name is wrong" in message
    assert "right-one" not in message


def test_no_password(tcp_server: EmbeddedServer) -> None:
    """A password that is missing is another mistake than one that is wrong."""
    assert "ARTWORK_DATABASE_URL has none" in unreachable(tcp_server.url("shop", "keeper", tcp=True))


def test_right_password_gets_through(tcp_server: EmbeddedServer) -> None:
    """With the right one the same server answers, and the next question is the table."""
    (obstacle,) = refusal(tcp_server.url("shop", "keeper", "right-one", tcp=True))
    assert "artworks_missing" == obstacle.rule


def test_unknown_database(server: EmbeddedServer) -> None:
    """The database that is not there is named."""
    assert "The database no_shop at" in unreachable(server.url("no_shop"))


def test_unknown_role(server: EmbeddedServer) -> None:
    """A role that is not there is found before anything is asked."""
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
    ],
)
def test_an_address_that_is_none(url: str, told: str) -> None:
    """It is refused before anybody is asked, without repeating what was typed."""
    with pytest.raises(BadInput, match=told) as caught:
        start(url)
    tells_no_secret(caught.value)
    assert caught.value.exit_code == 2


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
    """Behind a pooler that hands the backend on between transactions, a session's lock would protect nothing: it is found out."""
    before = shop.schema_dump()
    (obstacle,) = refusal(pooler)
    assert ("transaction_pooler", "ARTWORK_DATABASE_URL") == (obstacle.rule, obstacle.subject)
    assert "session pooler" in obstacle.remedy
    assert before == shop.schema_dump()


@pytest.mark.parametrize("pooler", ["transaction"], indirect=True)
def test_a_busy_transaction_pooler_is_refused(shop: Shop, pooler: str) -> None:
    """Also with other clients' connections in the pool, some of them at work."""
    with contextlib.ExitStack() as others:
        for number in range(6):
            other = others.enter_context(psycopg.connect(pooler))
            other.execute("SELECT 1")
            if number % 2:
                other.rollback()
        (obstacle,) = refusal(pooler)
    assert "transaction_pooler" == obstacle.rule


@pytest.mark.parametrize("pooler", ["session"], indirect=True)
def test_a_session_pooler_is_no_obstacle(pooler: str) -> None:
    """A pooler that gives each client a backend of its own is as good as the server."""
    assert ["exposure_not_accepted"] == [blocker.rule for blocker in start(pooler).blockers]


def test_the_port_of_a_transaction_pooler_is_refused_unasked() -> None:
    """Port 6543 is the hosting platform's transaction pooler: no connection is even tried."""
    (obstacle,) = refusal(f"postgresql://postgres:{PASSWORD}@127.0.0.1:6543/shop")
    assert "transaction_pooler" == obstacle.rule


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
