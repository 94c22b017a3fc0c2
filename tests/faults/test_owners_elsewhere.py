"""Artworks that belong to accounts of the platform: `user_id` references auth.users, or a table whose rows a sign-up makes.

No account is created and none is read. What a superuser sees is judged with the application's tables alone.
"""

from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from migration.ledger.phases import DEPLOY_SCHEMA
from sample.server import EmbeddedServer
from tests.conftest import MakeShop
from tests.databases import (
    Shop,
    approve,
    execute,
    execute_clean_up,
    finish_clean_up,
    make_ready,
    migrate,
    planned_deployment,
    roll_back,
    running,
    switch,
    uninstall,
)
from tests.faults.test_switch_as_owner import HANDED_OVER, OwnedShop

#: As on a hosted platform: a table of the platform's own, which hides its rows even from the role that may read a column of it.
ACCOUNTS = """
CREATE TABLE auth.users (id uuid PRIMARY KEY, email text UNIQUE, password text);
INSERT INTO auth.users (id, email) SELECT id, email FROM public.users;
ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth.users OWNER TO platform;
GRANT USAGE ON SCHEMA auth TO platform;
GRANT REFERENCES (id), SELECT (id) ON auth.users TO shopkeeper;
"""
TO_ACCOUNTS = """
ALTER TABLE public.artworks DROP CONSTRAINT artworks_user_id_fkey,
  ADD CONSTRAINT artworks_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE SET NULL;
DROP TABLE public.users;
"""
PROFILES = """
CREATE TABLE public.profiles (id uuid PRIMARY KEY REFERENCES auth.users (id) ON DELETE CASCADE, nickname text);
INSERT INTO public.profiles (id) SELECT id FROM auth.users;
"""
#: What the sample becomes, and the table that owns artworks then.
KINDS = {
    "auth.users": (TO_ACCOUNTS, "auth.users"),
    "auth.users beside profiles": (TO_ACCOUNTS + PROFILES, "auth.users"),
    "profiles": (
        TO_ACCOUNTS + PROFILES + "ALTER TABLE public.artworks DROP CONSTRAINT artworks_user_id_fkey,"
        " ADD CONSTRAINT artworks_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.profiles (id) ON DELETE SET NULL",
        "public.profiles",
    ),
    "public.users of accounts": (
        "ALTER TABLE public.users ADD FOREIGN KEY (id) REFERENCES auth.users (id) ON DELETE CASCADE, ALTER COLUMN id DROP DEFAULT",
        "public.users",
    ),
}
#: A row beside the account, where a sign-up makes one.
BESIDE = {"public.profiles": "INSERT INTO public.profiles (id) VALUES (%s)", "public.users": "INSERT INTO public.users (id, email) VALUES (%s, %s)"}


@pytest.fixture
def roles(server: EmbeddedServer) -> None:
    """The owner of the application's tables, and the owner of the accounts."""
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        for role in ("shopkeeper LOGIN", "platform NOLOGIN"):
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role.split()[0],)).fetchone():
                connection.execute(f"CREATE ROLE {role}")  # type: ignore[call-overload]  # made of this test's own names


@pytest.fixture(params=["shopkeeper", "superuser"])
def user(request: pytest.FixtureRequest) -> str:
    """The role that migrates."""
    return str(request.param)


def changed(make_shop: MakeShop, kind: str, user: str = "superuser") -> Shop:
    """The sample as this kind of database, and as this role reaches it; `sql` is the administrator's."""
    made = make_shop()
    made.sql.execute(ACCOUNTS)
    made.sql.execute(KINDS[kind][0])
    made.sql.execute(HANDED_OVER)
    made.sql.execute(f"GRANT CREATE ON DATABASE {made.name} TO shopkeeper")  # type: ignore[call-overload]  # made of this test's own names
    return OwnedShop(made.server, made.name) if user == "shopkeeper" else made


def deploy(shop: Shop) -> None:
    """NOT_STARTED → DEPLOYED without a decision."""
    made = planned_deployment(shop)
    assert () == made.blockers
    assert {"user_gained": 0, "users_gaining": 0, "user_changed": 0, "users_changed": 0} == made.facts["exposure"]
    with running(shop, DEPLOY_SCHEMA) as run:
        approve(run, made)
        execute(run, made)


def sign_up(shop: Shop, email: str) -> UUID:
    """An account of the platform's, and what stands beside it."""
    account = uuid4()
    shop.sql.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", (account, f"{account}@accounts.example"))
    for table, statement in BESIDE.items():
        if shop.value("SELECT TO_REGCLASS(%s) IS NOT NULL", table):
            shop.sql.execute(statement, (account, email)[: statement.count("%s")])  # type: ignore[call-overload]  # one of two literals
    return account


def claim(shop: Shop, email: str, account: UUID) -> int:
    """How many artworks the account owns after it has claimed those of the e-mail, as the application's server claims."""
    with shop.session(role="service_role", autocommit=True) as session:
        owned = session.execute("SELECT claim_anonymous_user(customer_email => %s, user_id => %s)", (email, account)).fetchone()
    return int(owned[0]) if owned else 0


def create(shop: Shop, email: str) -> UUID:
    """The id of an artwork that the application's server creates."""
    call = "SELECT (artwork).id, (artwork).user_id FROM create_artwork('A Customer', %s, 'Rex', 'https://a.example/1', 'https://a.example/2')"
    with shop.session(role="service_role", autocommit=True) as session:
        made = session.execute(call, (email,)).fetchone()
    assert made
    assert made[1] is None
    return UUID(str(made[0]))


def owners(shop: Shop, table: str) -> dict[UUID, UUID | None]:
    """The owner of each artwork."""
    return dict(shop.rows(f"SELECT id, user_id FROM {table}"))


def customer(shop: Shop, table: str) -> str:
    """An e-mail with several artworks that serve, none with an owner, and no account."""
    return str(
        shop.value(
            f"SELECT customer_email FROM {table} GROUP BY customer_email"
            " HAVING COUNT(*) > 1 AND COUNT(user_id) = 0 AND BOOL_AND(generation_status = 'completed') ORDER BY 1 LIMIT 1"
        )
    )


def accounts(shop: Shop) -> list[tuple[object, ...]]:
    """Every account as it is."""
    return shop.rows("SELECT u::text FROM auth.users AS u ORDER BY u.id")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("roles")
def test_the_whole_way_both_ways_and_no_account_is_made(make_shop: MakeShop, kind: str, user: str, tmp_path: Path) -> None:
    """Owners are kept, customers without an account have none until they claim, and the platform's deletes reach the table that serves."""
    shop = changed(make_shop, kind, user)
    before, known = owners(shop, "artworks"), accounts(shop)
    deploy(shop)
    assert 0 == migrate(shop).get("differs", 0)
    clean = owners(shop, "artworks_v2")
    assert clean
    assert clean == {artwork: before[artwork] for artwork in clean}
    assert {None} < set(clean.values())
    assert known == accounts(shop)
    assert [] == shop.rows("SELECT tgname FROM pg_trigger WHERE tgrelid = 'auth.users'::regclass AND NOT tgisinternal")
    (key,) = shop.rows(
        "SELECT confrelid::regclass::text, confdeltype::text, convalidated FROM pg_constraint"
        " WHERE conrelid = 'artworks_v2'::regclass AND contype = 'f'"
    )
    assert (KINDS[kind][1].removeprefix("public."), "n", True) == key

    first = customer(shop, "artworks_v2")
    account = sign_up(shop, first)
    theirs = {artwork for (artwork,) in shop.rows("SELECT id FROM artworks_v2 WHERE customer_email = %s", first)}
    assert len(theirs) == claim(shop, first, account)
    assert {account} == {owners(shop, "artworks")[artwork] for artwork in theirs}
    born = create(shop, first)
    assert len(theirs) + 1 == claim(shop, first, account)
    gone = next(owner for owner in clean.values() if owner)
    orphaned = {artwork for artwork, owner in clean.items() if owner == gone}
    shop.sql.execute("SET ROLE platform")
    shop.sql.execute("DELETE FROM auth.users WHERE id = %s", (gone,))
    shop.sql.execute("RESET ROLE")
    for table in ("artworks", "artworks_v2"):
        assert {None} == {owners(shop, table)[artwork] for artwork in orphaned}

    switch(shop)
    assert {account} == {owners(shop, "artworks")[artwork] for artwork in theirs | {born}}
    second = customer(shop, "artworks")
    later = sign_up(shop, second)
    born_later = create(shop, second)
    others = {artwork for (artwork,) in shop.rows("SELECT id FROM artworks WHERE customer_email = %s", second)}
    assert len(others) == claim(shop, second, later)
    shop.sql.execute("DELETE FROM auth.users WHERE id = %s", (account,))
    assert {None} == {owners(shop, "artworks")[artwork] for artwork in theirs}
    serving = owners(shop, "artworks")

    roll_back(shop)
    assert {artwork: owners(shop, "artworks")[artwork] for artwork in serving} == serving
    assert born_later in others
    migrate(shop)
    switch(shop)
    assert serving == owners(shop, "artworks")
    make_ready(shop)
    execute_clean_up(shop)
    finish_clean_up(shop, tmp_path)
    assert serving == owners(shop, "artworks")
    assert len(others) == claim(shop, second, later)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("roles")
def test_the_uninstalled_database_is_the_one_before(make_shop: MakeShop, kind: str, user: str) -> None:
    """After roll_back(to=NOT_STARTED) the schema is the one before, and so are the accounts."""
    shop = changed(make_shop, kind, user)
    before, known = shop.schema_dump(), accounts(shop)
    deploy(shop)
    migrate(shop)
    uninstall(shop)
    assert before == shop.schema_dump()
    assert known == accounts(shop)
