"""Servers for a whole test run, templates built once, a clone for each test."""

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler.loadfile import LoadFileScheduling

from sample.build import Variant, build_sample
from sample.server import EmbeddedServer
from tests.databases import Shop, deploy, deploy_with_old_names, migrate, switch
from tests.series import mark_others, others, series

#: Rows of the sample that tests work on: enough for every kind of defect, few enough to clone in a moment.
ROWS = 2_000
#: The log of every clone would fill the memory in which the data are; and where autovacuum has noted free space, a new row goes there,
#: while tests of the copy want it at the end.
SETTINGS = {
    "fsync": "off",
    "max_connections": "250",
    "max_wal_size": "512MB",
    "max_prepared_transactions": "64",
    "autovacuum_naptime": "1d",
}
#: Bytes that must be free in memory for the servers of a run, several times what they take.
ROOM = 6 * 2**30

#: Files that need a Prefect server, in the groups that share one each: it takes seconds to start, and 7 % of a core while it waits.
ON_ONE_PREFECT_SERVER = (
    ("up", "up_browser"),
    (
        *("clean_up", "command_line", "databases", "docs", "doctor", "killed_run", "leaks", "move_customers", "notifications"),
        *("outages", "prefect", "progress", "report"),
    ),
    ("gates", "register", "run_migration", "switch_verbs", "verbs", "verify"),
)
GROUPS = {
    f"tests/lifecycle/test_{name}.py": f"Prefect server {number}" for number, names in enumerate(ON_ONE_PREFECT_SERVER) for name in names
}

#: The release of Postgres that the tests run on.
RELEASE = int(os.environ.get("POSTGRES", "18"))

MakeShop = Callable[..., Shop]


def pytest_configure() -> None:
    """Whatever is temporary stays in memory if there is room: the three hundred files of each clone would cost a disk far more work."""
    # a shell lets what it runs in the background ignore Ctrl-C, and every process that a test starts inherits that
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("ARTWORK_DATABASE", None)  # it would go before the URL that a test sets
    memory = Path("/dev/shm")  # noqa: S108 (what is made in it has a name of its own)
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM:
        os.environ["TMPDIR"] = tempfile.tempdir = str(memory)


class ByFileAndServer(LoadFileScheduling):
    """A file's tests run on one worker, and so do the files of a group."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return GROUPS.get(file, file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFileAndServer:
    """Distribute the tests over the workers."""
    return ByFileAndServer(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--share`."""
    parser.addoption(
        "--share", default="1/1", help="2/4: the second quarter of the exhaustive cases, on another release than 18 of all tests"
    )


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what has a marker
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not in the share, and begin with what waits longest: the groups in their order, then the files in theirs."""
    if RELEASE == 18:  # the database side is tested in shares on the others
        mark_others(items)
    sampled = [item for item in items if RELEASE != 18 or item.get_closest_marker("exhaustive")]
    left_out = others(sampled, config.getoption("share"))
    config.hook.pytest_deselected(items=left_out)
    gone = set(left_out)
    items[:] = [item for item in items if item not in gone]
    items.sort(key=lambda item: GROUPS.get(item.nodeid.split("::", maxsplit=1)[0], "~"))


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """Postgres 18, the release we recommend, or the release in the environment variable POSTGRES."""
    yield from _server(RELEASE)


@pytest.fixture(scope="session")
def server_16() -> Iterator[EmbeddedServer]:
    """Postgres 16, for what must hold on both."""
    yield from _server(16)


@pytest.fixture(scope="session", params=series([18, 16], {18}))
def either_server(request: pytest.FixtureRequest) -> EmbeddedServer:
    """Each release in turn."""
    return request.getfixturevalue("server" if request.param == 18 else "server_16")  # type: ignore[no-any-return]  # pytest's own is Any


@pytest.fixture(scope="session")
def templates() -> dict[tuple[Path, str, str], str]:
    """The templates built so far, by server, variant and phase."""
    return {}


@pytest.fixture
def make_shop(server: EmbeddedServer, templates: dict[tuple[Path, str, str], str]) -> Iterator[MakeShop]:
    """`make_shop(variant=Variant.CURRENT, phase="NOT_STARTED", on=server)` gives a fresh database in that phase."""
    made: list[Shop] = []

    def make(variant: Variant = Variant.CURRENT, phase: str = "NOT_STARTED", on: EmbeddedServer | None = None) -> Shop:
        target = on or server
        shop = Shop(target, f"test_{next(_NUMBERS)}")
        target.create_database(shop.name, template=_template(target, variant, phase, templates))
        made.append(shop)
        return shop

    yield make
    for shop in made:
        shop.close()
        shop.server.drop_database(shop.name)


@pytest.fixture
def restored(make_shop: MakeShop) -> Callable[[Shop], Shop]:
    """`restored(shop)` gives what pg_dump says of it and psql executes on an empty database: the same, under other numbers."""

    def restore(shop: Shop) -> Shop:
        dumped = subprocess.run(
            [shop.server.binary("pg_dump"), "-d", shop.server.conninfo(shop.name)], capture_output=True, text=True, check=True
        ).stdout
        copy = make_shop(on=shop.server)
        copy.server.drop_database(copy.name)
        copy.server.create_database(copy.name)
        psql = [copy.server.binary("psql"), "-q", "-v", "ON_ERROR_STOP=1", "-d", copy.server.conninfo(copy.name)]
        subprocess.run(psql, input=dumped, capture_output=True, text=True, check=True)
        return copy

    return restore


@pytest.fixture
def shop(make_shop: MakeShop) -> Shop:
    """The production-like sample, not started."""
    return make_shop()


@pytest.fixture
def deployed(make_shop: MakeShop) -> Shop:
    """The production-like sample with the clean schema beside it."""
    return make_shop(phase="DEPLOYED")


@pytest.fixture
def migrated(make_shop: MakeShop) -> Shop:
    """The production-like sample, migrated."""
    return make_shop(phase="MIGRATED")


_NUMBERS = itertools.count(1)
#: What brings a template into a phase, and from which.
_WAYS: dict[str, tuple[str, Callable[[Shop], object]]] = {
    "DEPLOYED": ("NOT_STARTED", deploy),
    "MIGRATED": ("DEPLOYED", migrate),
    "SWITCHED": ("MIGRATED", switch),
    "DEPLOYED with old names": ("NOT_STARTED", deploy_with_old_names),
    "MIGRATED with old names": ("DEPLOYED with old names", migrate),
    "SWITCHED with old names": ("MIGRATED with old names", switch),
}


def _server(version: int) -> Iterator[EmbeddedServer]:
    # a short path, because the socket's must stay under 107 characters; fsync off, because nobody pulls the plug on a test
    with (
        tempfile.TemporaryDirectory(prefix="pg") as folder,
        EmbeddedServer(Path(folder) / "d", version=version, settings=SETTINGS) as it,
    ):
        yield it


def _template(server: EmbeddedServer, variant: Variant, phase: str, templates: dict[tuple[Path, str, str], str]) -> str:
    key = (server.data, variant.value, phase)
    if key in templates:
        return templates[key]
    name = f"template_{variant.value}_{phase.lower().replace(' ', '_')}"
    if phase == "NOT_STARTED":
        server.create_database(name)
        build_sample(server.conninfo(name), variant, rows=ROWS)
        _keep_in_flight(Shop(server, name))
    else:
        before, bring = _WAYS[phase]
        server.create_database(name, template=_template(server, variant, before, templates))
        shop = Shop(server, name)
        bring(shop)
        shop.close()
    templates[key] = name
    return name


def _keep_in_flight(shop: Shop) -> None:
    """What is in flight in a template is so in each clone of it, hours later; nothing else in the sample is near that age."""
    shop.sql.execute("SET session_replication_role = replica")  # else a trigger of the sample's sets the time anew
    shop.sql.execute(
        "UPDATE artworks SET updated_at = updated_at + interval '6 hours'"
        " WHERE generation_status IN ('pending', 'processing') AND updated_at > NOW() - interval '10 minutes'"
    )
    shop.sql.execute("VACUUM (FULL, ANALYZE) artworks")  # tests of the copy want new rows at the end
    shop.close()
