"""A database we cannot migrate is refused with one clear error each: what, which object, what to do. Nothing is created."""

import contextlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

import sql
from migration import deployment, ledger, runs
from migration.database import Database
from migration.errors import BadInput, DatabaseUnreachable, MigrationError, Obstacle, ObstaclesFound
from migration.plan import Plan
from migration.settings import database_url
from sample.binaries import binary_directory, give_to, system_user
from sample.build import Variant
from sample.server import EmbeddedServer
from tests.conftest import MakeShop
from tests.shops import SETTINGS, Shop, deploy, migrate, withdraw

PASSWORD = "pa55word-of-nobody"  # noqa: S105 (a canary: it must appear nowhere)

#: A role that is not a superuser and owns what the sample's owner would own.
OWNER = "shop_owner"
#: A member of that role.
MEMBER = "shop_deployer"
#: A role with nothing at all.
STRANGER = "shop_stranger"

GIVE_TO_OWNER = f"""
ALTER TABLE public.artworks OWNER TO {OWNER};
ALTER TABLE public.users OWNER TO {OWNER};
ALTER TABLE public.orders OWNER TO {OWNER};
ALTER TABLE public.order_status_history OWNER TO {OWNER};
GRANT USAGE ON SCHEMA auth TO {OWNER};
"""


@dataclass(frozen=True)
class Case:
    """What is done to the sample, and the obstacles that then stand in the way: (rule, subject, a part of the problem)."""

    name: str
    setup: str
    obstacles: tuple[tuple[str, str, str], ...]
    variant: Variant = Variant.CURRENT
    user: str | None = None


def one(
    name: str, rule: str, subject: str, problem: str, setup: str, *, variant: Variant = Variant.CURRENT, user: str | None = None
) -> Case:
    """A case with exactly one obstacle."""
    return Case(name, setup, ((rule, subject, problem),), variant, user)


def mapping() -> list[tuple[str, bool, str]]:
    """The legacy columns of the mapping: name, whether it must exist, type."""
    rows = re.findall(r"\(\s*\d+, '\w+', '(\w+)', (TRUE|FALSE), '(\w+)'", sql.load("mapping").statement)
    return [(name, required == "TRUE", wanted) for name, required, wanted in rows]


SWAP = "ALTER TABLE public.artworks DROP COLUMN {0} CASCADE; ALTER TABLE public.artworks ADD COLUMN {0} {1};"

MISSING_COLUMNS = [
    one(
        f"{name} is missing",
        "column_missing",
        f"public.artworks.{name}",
        "is missing",
        f"ALTER TABLE public.artworks DROP COLUMN {name} CASCADE",
    )
    for name, required, _ in mapping()
    if required
]

WRONG_TYPES = [
    one(
        f"{name} of another type",
        "column_type",
        f"public.artworks.{name}",
        f"must be {wanted}",
        SWAP.format(name, "timestamp" if wanted == "timestamptz" else "integer"),
    )
    for name, _, wanted in mapping()
    if name not in ("id", "user_id")
]

TABLE_CASES = [
    one("no table", "artworks_missing", "table public.artworks", "there is no such table", "DROP TABLE public.artworks CASCADE"),
    one(
        "a view",
        "artworks_missing",
        "table public.artworks",
        "no ordinary table",
        "ALTER TABLE public.artworks RENAME TO pictures; CREATE VIEW public.artworks AS SELECT * FROM public.pictures",
    ),
    one(
        "a partitioned table",
        "artworks_missing",
        "table public.artworks",
        "no ordinary table",
        "ALTER TABLE public.artworks RENAME TO pictures; CREATE TABLE public.artworks (LIKE public.pictures) PARTITION BY HASH (id)",
    ),
    one(
        "a table with children",
        "artworks_missing",
        "table public.artworks",
        "no ordinary table",
        "CREATE TABLE public.more_artworks () INHERITS (public.artworks)",
    ),
    one(
        "id without its key",
        "primary_key",
        "public.artworks.id",
        "not the primary key",
        "ALTER TABLE public.artworks DROP CONSTRAINT artworks_pkey CASCADE",
    ),
    one(
        "a key of two columns",
        "primary_key",
        "public.artworks.id",
        "not the primary key",
        "ALTER TABLE public.artworks DROP CONSTRAINT artworks_pkey CASCADE, ADD PRIMARY KEY (id, original_image_url)",
    ),
    one(
        "id that is a number",
        "column_type",
        "public.artworks.id",
        "the type is bigint and must be uuid",
        SWAP.format("id", "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
    ),
    Case(
        "user_id that is a number",
        SWAP.format("user_id", "integer"),
        (
            ("column_type", "public.artworks.user_id", "the type is integer and must be uuid"),
            ("user_without_key", "public.artworks.user_id", "no validated foreign key"),
        ),
    ),
    one(
        "a status of an enumerated type, with a check",
        "column_type",
        "public.artworks.generation_status",
        "must be text",
        SWAP.format("generation_status", "integer")
        + "CREATE TYPE public.progress AS ENUM ('pending', 'completed');"
        + SWAP.format("generation_status", "public.progress CHECK (generation_status IN ('pending', 'completed'))"),
    ),
    one(
        "user_id without a key",
        "user_without_key",
        "public.artworks.user_id",
        "no validated foreign key",
        "ALTER TABLE public.artworks DROP CONSTRAINT artworks_user_id_fkey",
    ),
    one(
        "user_id with a key that is not validated",
        "user_without_key",
        "public.artworks.user_id",
        "no validated foreign key",
        "ALTER TABLE public.artworks DROP CONSTRAINT artworks_user_id_fkey,"
        " ADD CONSTRAINT artworks_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id)"
        " ON DELETE SET NULL NOT VALID",
    ),
    *(
        one(
            f"user_id with a key {action or 'that refuses'}",
            "user_key_action",
            "constraint artworks_user_id_fkey on public.artworks",
            problem,
            "ALTER TABLE public.artworks DROP CONSTRAINT artworks_user_id_fkey,"
            f" ADD CONSTRAINT artworks_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) {action}",
        )
        for action, problem in (
            ("", "no user could be deleted"),
            ("ON DELETE RESTRICT", "no user could be deleted"),
            ("ON DELETE CASCADE", "it would delete retired ones"),
            ("ON DELETE SET DEFAULT", "it must leave them without"),
        )
    ),
    one(
        "a foreign key to another column",
        "reference_key",
        "constraint gifts_token_fkey on public.gifts",
        "by another column than id",
        "CREATE TABLE public.gifts (token text CONSTRAINT gifts_token_fkey REFERENCES public.artworks (access_token))",
    ),
    one(
        "a policy on a column that is not carried over",
        "policy_column",
        "policy printed on public.artworks",
        "the column mockup_urls",
        "CREATE POLICY printed ON public.artworks FOR SELECT USING (mockup_urls IS NOT NULL)",
    ),
    one(
        "a policy on the whole row",
        "policy_column",
        "policy whole on public.artworks",
        "the whole row",
        "CREATE FUNCTION public.shown(a public.artworks) RETURNS boolean LANGUAGE sql AS 'SELECT TRUE';"
        " CREATE POLICY whole ON public.artworks FOR SELECT USING (public.shown(artworks))",
    ),
    one(
        "a policy with the table's name in a literal",
        "policy_column",
        "policy told on public.artworks",
        "it holds a literal",
        "CREATE POLICY told ON public.artworks FOR SELECT USING (pet_name <> 'see artworks.pdf')",
    ),
]

SERVER_CASES = [
    one(
        "a short deadlock_timeout",
        "deadlock_timeout",
        "setting deadlock_timeout",
        "it is 100 ms and must be at least 240 ms",
        "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = 100', current_database()); END$$",
    ),
]

PRIVILEGE_CASES = [
    one("no USAGE on public", "usage_privilege", "schema public", "no USAGE", "REVOKE ALL ON SCHEMA public FROM PUBLIC", user=STRANGER),
    Case(
        "a stranger",
        "",
        (
            ("not_owner", "table public.artworks", f"{STRANGER} is no member"),
            ("not_owner", "table public.orders", f"{STRANGER} is no member"),
            ("not_owner", "table public.users", f"{STRANGER} is no member"),
            ("create_privilege", "database *", "no CREATE"),
            ("create_privilege", "schema public", "no CREATE"),
            ("row_security", "table public.artworks", f"hides rows from role {STRANGER}"),
            ("policy_schema", "schema auth", f"role {STRANGER} has no USAGE"),
        ),
        user=STRANGER,
    ),
    one(
        "no CREATE on the database",
        "create_privilege",
        "database *",
        f"role {OWNER} has no CREATE",
        GIVE_TO_OWNER + f"GRANT CREATE ON SCHEMA public TO {OWNER}",
        user=OWNER,
    ),
    one(
        "no CREATE on the schema",
        "create_privilege",
        "schema public",
        f"role {OWNER} has no CREATE",
        GIVE_TO_OWNER + f"DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {OWNER}', current_database()); END$$",
        user=OWNER,
    ),
    one(
        "an owner that may not have the clean table",
        "create_privilege",
        "schema public",
        f"role {OWNER} has no CREATE",
        GIVE_TO_OWNER
        + f"GRANT CREATE ON SCHEMA public TO {MEMBER};"
        + f"DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {MEMBER}', current_database()); END$$",
        user=MEMBER,
    ),
    one(
        "a policy that looks where the role may not",
        "policy_schema",
        "schema auth",
        f"role {OWNER} has no USAGE",
        GIVE_TO_OWNER
        + f"GRANT CREATE ON SCHEMA public TO {OWNER}; REVOKE USAGE ON SCHEMA auth FROM {OWNER};"
        + f"DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {OWNER}', current_database()); END$$",
        user=OWNER,
    ),
    one(
        "an owner whom row level security binds",
        "row_security",
        "table public.artworks",
        f"hides rows from role {OWNER}",
        GIVE_TO_OWNER
        + f"ALTER TABLE public.artworks FORCE ROW LEVEL SECURITY; GRANT CREATE ON SCHEMA public TO {OWNER};"
        + f"DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {OWNER}', current_database()); END$$",
        user=OWNER,
    ),
]

NAME_CASES = [
    one(f"{subject} taken", "name_taken", subject, "the name is taken", setup, variant=variant)
    for subject, setup, variant in (
        ("public.artworks_v2", "CREATE TABLE public.artworks_v2 ()", Variant.CURRENT),
        ("public.artworks_old", "CREATE VIEW public.artworks_old AS SELECT 1 AS one", Variant.CURRENT),
        ("public.artworks_v2_user_id_idx", "CREATE INDEX artworks_v2_user_id_idx ON public.orders (id)", Variant.CURRENT),
        ("public.create_artwork(text)", "CREATE FUNCTION public.create_artwork(text) RETURNS int RETURN 1", Variant.CURRENT),
        ("public.update_artwork_lifecycle()", "CREATE FUNCTION public.update_artwork_lifecycle() RETURNS int RETURN 1", Variant.CURRENT),
        ("public.raise_error()", "CREATE FUNCTION public.raise_error() RETURNS int RETURN 1", Variant.CURRENT),
        ("public.artwork_lifecycle()", "CREATE FUNCTION public.artwork_lifecycle() RETURNS int RETURN 1", Variant.CURRENT),
        ("public.get_customer_artworks()", "CREATE FUNCTION public.get_customer_artworks() RETURNS int RETURN 1", Variant.CURRENT),
        ("type public.artworks_v2", "CREATE DOMAIN public.artworks_v2 AS text", Variant.CURRENT),
        ("schema artwork_migration (it is not a ledger of ours)", "CREATE SCHEMA artwork_migration", Variant.CURRENT),
        (
            "trigger artwork_migration_mine on public.orders",
            "CREATE TRIGGER artwork_migration_mine BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.set_updated_at()",
            Variant.CURRENT,
        ),
        ("public.users_email_key", "CREATE INDEX users_email_key ON public.orders (id)", Variant.MINIMAL),
        ("type public.users", "CREATE DOMAIN public.users AS text", Variant.MINIMAL),
    )
]

USERS_CASES = [
    one(f"users: {name}", "users_contract", subject, problem, setup)
    for name, subject, problem, setup in (
        ("no e-mail", "public.users.email", "missing or is no text", "ALTER TABLE public.users DROP COLUMN email"),
        (
            "e-mail of another type",
            "public.users.email",
            "missing or is no text",
            "ALTER TABLE public.users ALTER COLUMN email TYPE bytea USING email::bytea",
        ),
        ("no unique e-mail", "public.users.email", "no unique key", "ALTER TABLE public.users DROP CONSTRAINT users_email_key"),
        (
            "a unique e-mail that may wait",
            "public.users.email",
            "no unique key",
            "ALTER TABLE public.users DROP CONSTRAINT users_email_key, ADD UNIQUE (email) DEFERRABLE",
        ),
        (
            "a NOT NULL column without default",
            "public.users.plan",
            "NOT NULL and has no default",
            "ALTER TABLE public.users ADD COLUMN plan text NOT NULL DEFAULT ''; ALTER TABLE public.users ALTER COLUMN plan DROP DEFAULT",
        ),
        ("no default for id", "public.users.id", "NOT NULL and has no default", "ALTER TABLE public.users ALTER COLUMN id DROP DEFAULT"),
        (
            "accounts kept elsewhere",
            "public.users.id",
            "it references auth.accounts",
            "CREATE TABLE auth.accounts AS SELECT id FROM public.users; ALTER TABLE auth.accounts ADD PRIMARY KEY (id);"
            " ALTER TABLE public.users ADD FOREIGN KEY (id) REFERENCES auth.accounts (id)",
        ),
    )
]

CASES = [*MISSING_COLUMNS, *WRONG_TYPES, *TABLE_CASES, *SERVER_CASES, *PRIVILEGE_CASES, *NAME_CASES, *USERS_CASES]

#: Rules that need more than a changed sample, each with its own test below.
OWN_TESTS = {"postgres_version", "standby", "function_role"}


@pytest.fixture(scope="session", autouse=True)
def roles(server: EmbeddedServer) -> None:
    """The roles; they belong to the whole server and go with it."""
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        for role in (OWNER, STRANGER, f"{MEMBER} IN ROLE {OWNER}"):
            connection.execute(f"CREATE ROLE {role}")  # type: ignore[call-overload]  # made of this test's own names
            connection.execute(f"ALTER ROLE {role.split()[0]} LOGIN")  # type: ignore[call-overload]  # made of this test's own names


def start(url: str) -> Plan:
    """What deploy_schema does up to its plan, the lock and the questions included."""
    database = Database(database_url(url), name="test")
    try:
        with (
            runs.exclusive(database, SETTINGS, verb="deploy_schema", name="test-run", run_id=""),
            database.transaction("planning", isolation="REPEATABLE READ", transaction_read_only="on") as connection,
        ):
            return deployment.plan_deployment(connection)
    finally:
        database.dispose()


def refusal(url: str) -> tuple[Obstacle, ...]:
    """The obstacles that deploy_schema is refused with."""
    with pytest.raises(ObstaclesFound) as caught:
        start(url)
    tells_no_secret(caught.value)
    assert len(caught.value.obstacles) == str(caught.value).count("\n- ")
    return caught.value.obstacles


def tells_no_secret(error: MigrationError) -> None:
    """Neither the message nor what Python would print of the error holds a password or the driver's own error."""
    printed = "".join(traceback.format_exception(error))
    assert PASSWORD not in printed
    assert "psycopg.errors" not in printed
    assert "sqlalchemy.exc" not in printed


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_obstacle_is_told_and_nothing_is_created(make_shop: MakeShop, case: Case) -> None:
    """Each obstacle has its rule, its object, what is wrong and what to do; the schema stays as it was, to the letter."""
    shop = make_shop(case.variant)
    shop.sql.execute(case.setup)
    before = shop.schema_dump()
    found = refusal(shop.server.url(shop.name, user=case.user))
    wanted = [(rule, subject.replace("*", shop.name)) for rule, subject, _ in case.obstacles]
    assert wanted == [(obstacle.rule, obstacle.subject) for obstacle in found]
    for obstacle, (_, _, problem) in zip(found, case.obstacles, strict=True):
        assert problem in obstacle.problem
        assert obstacle.remedy.endswith(".")
    assert before == shop.schema_dump()


def test_every_obstacle_has_a_test_in_which_it_says_no() -> None:
    """A rule file without a case here would never have been seen to refuse anything."""
    elsewhere = {"unfinished_roll_back"}  # test_way_back.py
    tested = {rule for case in CASES for rule, _, _ in case.obstacles} | OWN_TESTS | elsewhere
    assert {file.rule for file in sql.folder("plan/obstacles")} == tested


def test_every_obstacle_says_what_to_do() -> None:
    """The remedy stands in the header of each rule, in words that end with a full stop."""
    files = [file for name in ("plan/obstacles", "plan/blockers", "withdraw/blockers") for file in sql.folder(name)]
    assert [] == [file.name for file in files if not file.header.get("remedy", "").endswith(".")]


def test_several_obstacles_are_told_at_once(shop: Shop) -> None:
    """Whoever mends one does not learn of the next only then."""
    shop.sql.execute("CREATE TABLE public.artworks_v2 (); ALTER TABLE public.artworks DROP CONSTRAINT artworks_user_id_fkey")
    assert ["name_taken", "user_without_key"] == [obstacle.rule for obstacle in refusal(shop.url)]


def test_a_server_too_old_is_refused_alone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The version is asked first: on an old server the questions after it may not even parse."""
    # There is no server older than 15 here; the check itself is SQL, and the release it compares with is its parameter.
    monkeypatch.setattr(deployment, "OLDEST_VERSION", 990000)
    shop.sql.execute("CREATE TABLE public.artworks_v2 ()")
    before = shop.schema_dump()
    (obstacle,) = refusal(shop.url)
    assert ("postgres_version", "it is older than 15.") == (obstacle.rule, obstacle.problem)
    assert obstacle.subject.startswith("Postgres 18")
    assert "Upgrade the server" in obstacle.remedy
    assert before == shop.schema_dump()


def test_a_standby_is_refused() -> None:
    """A server in recovery takes no writes; whoever points us there learns it before anything else."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        data = Path(folder) / "d"
        with EmbeddedServer(data, settings={"fsync": "off"}) as server:
            server.create_database("shop")
        # a server that was shut down and finds this file waits for a primary's WAL, and answers questions meanwhile
        (data / "standby.signal").touch()
        give_to(system_user(binary_directory(18)), data / "standby.signal")
        with EmbeddedServer(data, settings={"fsync": "off"}) as standby:
            (obstacle,) = refusal(standby.url("shop"))
    assert ("standby", "database shop") == (obstacle.rule, obstacle.subject)


def test_a_function_role_that_does_not_exist_is_refused(shop: Shop) -> None:
    """A decision may name the application's roles; a typing error in it is found before anything is created."""
    with shop.database.transaction("deciding") as connection:
        ledger.create(connection)
        ledger.decide(connection, "function_roles", "service_role,servce_role", approved_by="test", reason="test", run_name="test")
    before = shop.schema_dump()
    (obstacle,) = refusal(shop.url)
    assert ("function_role", "role servce_role") == (obstacle.rule, obstacle.subject)
    assert before == shop.schema_dump()


@pytest.mark.parametrize(
    "setup",
    [
        pytest.param("", id="as it is"),
        pytest.param("ALTER TABLE public.artworks DROP COLUMN mockup_urls", id="a column gone that is not carried over"),
        pytest.param("CREATE TABLE public.artworks_v3 ()", id="a name that only looks like ours"),
        pytest.param(
            "DROP VIEW public.artwork_gallery; ALTER TABLE public.artworks ALTER COLUMN pet_name TYPE varchar(400)", id="varchar for text"
        ),
        pytest.param(
            "CREATE POLICY ordered ON public.artworks FOR SELECT"
            " USING (EXISTS (SELECT FROM public.orders AS o WHERE o.artwork_id = artworks.id AND status = 'paid' AND currency = 'usd'))",
            id="a policy with a sub-select",
        ),
    ],
)
def test_what_is_no_obstacle_is_let_through(shop: Shop, setup: str) -> None:
    """The rules refuse no database that can be migrated: deployed, its policies and grants stand on the clean table."""
    shop.sql.execute(setup)
    deploy(shop)
    question = "SELECT COUNT(*) FROM pg_policy WHERE polrelid = 'public.{}'::regclass"
    assert shop.value(question.format("artworks")) == shop.value(question.format("artworks_v2"))


@pytest.mark.parametrize("role", [OWNER, MEMBER])
def test_a_role_with_just_what_is_asked_for_goes_the_whole_way(make_shop: MakeShop, role: str) -> None:
    """What the obstacles ask for is enough: an owner who is no superuser, or a member of it, deploys, migrates and rolls back."""
    shop = make_shop()
    shop.sql.execute(
        GIVE_TO_OWNER
        + f"GRANT CREATE ON SCHEMA public TO {OWNER};"
        + f"DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {role}', current_database()); END$$"
    )
    before = shop.schema_dump()
    theirs = TheirShop(shop.server, shop.name)
    theirs.role = role
    try:
        deploy(theirs)
        counts = migrate(theirs)
        withdraw(theirs)
    finally:
        theirs.close()
    assert set(counts) <= {"match", "excluded", "quarantined"}
    assert before == shop.schema_dump()


class TheirShop(Shop):
    """The same database, but our code connects as another role."""

    role: str

    @property
    def url(self) -> str:
        """What ARTWORK_DATABASE_URL would be."""
        return self.server.url(self.name, user=self.role)


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
            _wait_for_port(port)
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
    assert start(pooler).blockers == ()


def test_the_port_of_a_transaction_pooler_is_refused_unasked() -> None:
    """Port 6543 is the hosting platform's transaction pooler: no connection is even tried."""
    (obstacle,) = refusal(f"postgresql://postgres:{PASSWORD}@127.0.0.1:6543/shop")
    assert "transaction_pooler" == obstacle.rule


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("pgbouncer did not start")
