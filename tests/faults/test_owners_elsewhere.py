"""Artworks that belong to accounts of the platform: `user_id` references auth.users, or a table whose rows a sign-up makes.

No account is created and none is read. What a superuser sees is judged with the application's tables alone.
"""

import json
import re
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from expectations.suites import SUITES
from migration.errors import PrerequisitesNotMet
from migration.ledger.phases import DEPLOY_SCHEMA, ROLL_BACK_TO_NOT_STARTED
from migration.lock_errors import LockNotObtained
from migration.plans.drift import require_no_drift
from migration.sync import reconcile
from migration.sync.post_copy import finish_table
from reporting.pages import write_report
from reporting.plans import plan_markdown
from sample.build import Variant
from sample.server import EmbeddedServer
from tasks.validation import judge_suite
from tests.conftest import MakeShop
from tests.databases import (
    Shop,
    approve,
    copy,
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
from tests.owned import HANDED_OVER, OwnedShop
from tests.plans import planned_uninstall
from tests.series import EXHAUSTIVE, LONG, first, series

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
"""
ALONE = TO_ACCOUNTS + "DROP TABLE public.users;"
PROFILES = """
CREATE TABLE public.profiles (id uuid PRIMARY KEY REFERENCES auth.users (id) ON DELETE CASCADE, nickname text);
INSERT INTO public.profiles (id) SELECT id FROM auth.users;
"""
#: What the sample becomes, and the table that owns artworks then.
KINDS = {
    "auth.users": (ALONE, "auth.users"),
    "auth.users beside users": (TO_ACCOUNTS, "auth.users"),
    "auth.users beside profiles": (ALONE + PROFILES, "auth.users"),
    "profiles": (
        ALONE + PROFILES + "ALTER TABLE public.artworks DROP CONSTRAINT artworks_user_id_fkey,"
        " ADD CONSTRAINT artworks_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.profiles (id) ON DELETE SET NULL",
        "public.profiles",
    ),
    "public.users of accounts": (
        "ALTER TABLE public.users ADD FOREIGN KEY (id) REFERENCES auth.users (id) ON DELETE CASCADE, ALTER COLUMN id DROP DEFAULT",
        "public.users",
    ),
}
#: A row beside the account, where a sign-up makes one.
BESIDE = {
    "public.profiles": "INSERT INTO public.profiles (id) VALUES (%s)",
    "public.users": "INSERT INTO public.users (id, email) VALUES (%s, %s)",
}


#: Each kind, migrated by the owner of the application's tables and by a superuser.
CASES = series(
    [(kind, user) for kind in KINDS for user in ("shopkeeper", "superuser")],
    {("auth.users beside profiles", "shopkeeper")},
)


@pytest.fixture(autouse=True)
def roles(server: EmbeddedServer) -> None:
    """The owner of the application's tables, and the owner of the accounts."""
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        for role in ("shopkeeper LOGIN", "platform NOLOGIN"):
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role.split()[0],)).fetchone():
                connection.execute(f"CREATE ROLE {role}")  # type: ignore[call-overload]  # made of this test's own names


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
    call = (
        "SELECT (artwork).id, (artwork).user_id FROM create_artwork('A Customer', %s, 'Rex', 'https://a.example/1', 'https://a.example/2')"
    )
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


def visible(shop: Shop) -> dict[UUID, int]:
    """How many artworks each account sees when it has signed in."""
    seen = {}
    with shop.session(role="authenticated", autocommit=True) as session:
        for (account,) in shop.rows("SELECT id FROM auth.users ORDER BY id LIMIT 50"):
            session.execute(
                "SELECT SET_CONFIG('request.jwt.claims', %s, FALSE)", (json.dumps({"sub": str(account), "role": "authenticated"}),)
            )
            seen[account] = len(session.execute("SELECT id FROM artworks").fetchall())
    return seen


def accounts(shop: Shop) -> list[tuple[object, ...]]:
    """Every account as it is."""
    return shop.rows("SELECT u::text FROM auth.users AS u ORDER BY u.id")


@pytest.mark.parametrize(("kind", "user"), CASES)
@LONG
def test_the_whole_way_both_ways_and_no_account_is_made(make_shop: MakeShop, kind: str, user: str, tmp_path: Path) -> None:
    """Owners are kept, customers without an account have none until they claim, and the platform's deletes reach the table that serves."""
    shop = changed(make_shop, kind, user)
    before, known, seen = owners(shop, "artworks"), accounts(shop), visible(shop)
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

    switch(shop)
    assert [] == [account for account, artworks in visible(shop).items() if artworks > seen[account]]
    roll_back(shop)
    migrate(shop)

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


@pytest.mark.parametrize(("kind", "user"), CASES)
@LONG
def test_the_uninstalled_database_is_the_one_before(make_shop: MakeShop, kind: str, user: str) -> None:
    """After roll-back --to NOT_STARTED the schema is the one before, and so are the accounts."""
    shop = changed(make_shop, kind, user)
    before, known = shop.schema_dump(), accounts(shop)
    deploy(shop)
    migrate(shop)
    uninstall(shop)
    assert before == shop.schema_dump()
    assert known == accounts(shop)


@LONG
def test_each_gate_judges_what_is_promised_and_the_report_says_what_is_not(make_shop: MakeShop, tmp_path: Path) -> None:
    """The gates are green without the rules about users, which the report names; a lost owner and an invented one are still found.

    The report has a file of each gate to which a rule applies, and its page links to these.
    """
    shop = changed(make_shop, "auth.users", "shopkeeper")
    deploy(shop)
    migrate(shop)
    for suite in ("legacy_artworks", "users", "clean_artworks"):
        assert {} == red(shop, suite)
    with running(shop) as run:
        run.begin()
        verdict = judge_suite(run, SUITES["users"])
        reconcile.reconcile(run)
        judge_suite(run, SUITES["users"])
        assert [] == judge_suite(run, SUITES["reconciliation"]).red_names
    assert {"not applicable"} == {rule.label for rule in verdict.rules}
    assert {"no users are created in auth.users"} == {rule.not_applicable for rule in verdict.rules}
    _, path = write_report(shop.database, tmp_path)
    written = path.read_text(encoding="utf-8")
    files = {f"gates/{file.name}" for file in (path.parent / "gates").iterdir()}
    assert {"gates/reconciliation.json"} == files == set(re.findall(r'href="(gates/[^"]+)"', written))
    assert "users · created are anonymous: it does not apply, no users are created in auth.users." in written
    assert "Customers without an account have no owner of their artworks" in written

    shop.sql.execute("SET artwork_migration.apply = 'on'")
    (lost,) = shop.rows(
        "UPDATE artworks_v2 SET user_id = NULL"
        " WHERE id = (SELECT MIN(id::text)::uuid FROM artworks_v2 WHERE user_id IS NOT NULL) RETURNING id"
    )
    (invented,) = shop.rows(
        "UPDATE artworks_v2 SET user_id = (SELECT MIN(id::text)::uuid FROM auth.users)"
        " WHERE id = (SELECT MIN(c.id::text)::uuid FROM artworks_v2 AS c INNER JOIN artworks AS a ON c.id = a.id WHERE a.user_id IS NULL)"
        " RETURNING id"
    )
    shop.sql.execute("RESET artwork_migration.apply")
    found = red(shop, "clean_artworks")
    assert {"has_user": [str(lost[0])], "owner_has_email": [str(invented[0])], "exposure_accepted": [str(invented[0])]} == found


@EXHAUSTIVE
def test_the_gate_after_the_switch_is_green(make_shop: MakeShop) -> None:
    """The acceptance test expects an artwork without an owner, and the serving key is the one that the legacy table had."""
    shop = changed(make_shop, "auth.users", "shopkeeper")
    deploy(shop)
    migrate(shop)
    switch(shop)
    assert {} == red(shop, "verification")
    shop.sql.execute("CREATE TABLE elsewhere (id uuid PRIMARY KEY); INSERT INTO elsewhere SELECT id FROM auth.users")
    shop.sql.execute(
        "ALTER TABLE artworks DROP CONSTRAINT artworks_user_id_fkey,"
        " ADD CONSTRAINT artworks_user_id_fkey FOREIGN KEY (user_id) REFERENCES elsewhere (id)"
    )
    assert {"live_constraints_in_place": []} == red(shop, "verification")


@LONG
def test_the_plan_says_how_customers_without_an_account_are_reached(make_shop: MakeShop) -> None:
    """The section about access says that nobody gains any, which table the owners are in, and how an artwork gets its owner."""
    said = plan_markdown(planned_deployment(changed(make_shop, "auth.users")))
    assert "None. `artworks.user_id` references `auth.users`. The rows of that table come with a sign-up" in said
    assert "`claim_anonymous_user` gives the artworks of the e-mail" in said
    said = plan_markdown(planned_deployment(changed(make_shop, "public.users of accounts")))
    assert "None. `users.id` references another table. The rows of that table come with a sign-up" in said


@LONG
def test_an_account_deleted_before_the_key_exists_leaves_no_dangling_owner(make_shop: MakeShop) -> None:
    """Such an owner becomes NULL and catch-up goes on; an owner that only the clean side has, and that exists, stays."""
    shop = changed(make_shop, "auth.users", "shopkeeper")
    deploy(shop)
    copy(shop)
    owned = shop.rows("SELECT user_id, (ARRAY_AGG(id))[1] FROM artworks_v2 WHERE user_id IS NOT NULL GROUP BY user_id ORDER BY 1 LIMIT 2")
    (gone, of_gone), (other, _) = owned
    kept = shop.value("SELECT id FROM artworks_v2 WHERE user_id IS NULL ORDER BY id LIMIT 1")
    shop.sql.execute("DELETE FROM auth.users WHERE id = %s", (gone,))
    shop.sql.execute("SET artwork_migration.apply = 'on'")
    shop.sql.execute("UPDATE artworks_v2 SET user_id = %s WHERE id = %s", (other, kept))
    with running(shop) as run:
        run.begin()
        list(finish_table(run, print))
    assert (None, other) == (owners(shop, "artworks_v2")[of_gone], owners(shop, "artworks_v2")[kept])
    assert shop.value("SELECT convalidated FROM pg_constraint WHERE conname = 'artworks_v2_user_id_fkey'")


@pytest.mark.parametrize("phase", ["DEPLOYED", "MIGRATED"])
@first(1)
def test_a_claim_for_an_account_that_does_not_exist_is_refused_on_both_sides(make_shop: MakeShop, phase: str) -> None:
    """It fails with 23503, also before the clean table has its key, and no artwork is changed."""
    shop = changed(make_shop, "auth.users")
    deploy(shop)
    email = customer(shop, "artworks")
    if phase == "MIGRATED":
        migrate(shop)
    else:
        copy(shop)
    before = owners(shop, "artworks_v2")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        claim(shop, email, uuid4())
    assert before == owners(shop, "artworks_v2")
    assert 0 == shop.value("SELECT COUNT(*) FROM artwork_migration.rejected_write")


def test_a_claim_without_an_address_is_refused(make_shop: MakeShop) -> None:
    """A blank e-mail, and one that is none and that no artwork has, are refused with 22023."""
    shop = changed(make_shop, "auth.users")
    deploy(shop)
    for email in ("", " ", "nobody"):
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            claim(shop, email, uuid4())


def test_an_owner_that_every_artwork_must_have_is_refused(make_shop: MakeShop) -> None:
    """A user_id that is NOT NULL is refused; after the statement an artwork without an owner is created on both sides."""
    shop = changed(make_shop, "auth.users", "shopkeeper")
    shop.sql.execute("DELETE FROM artworks WHERE user_id IS NULL; ALTER TABLE artworks ALTER COLUMN user_id SET NOT NULL")
    with pytest.raises(PrerequisitesNotMet) as refused:
        planned_deployment(shop)
    (problem,) = refused.value.problems
    shop.sql.execute(problem.statement)  # type: ignore[call-overload]  # it is a remedy of ours
    deploy(shop)
    born = create(shop, "somebody@shop.example")
    assert (None, None) == (owners(shop, "artworks")[born], owners(shop, "artworks_v2")[born])


#: What a role lacks, and the subject and the remedy that the plan gives.
LACKING = {
    "REVOKE REFERENCES (id) ON auth.users FROM shopkeeper": ("table auth.users", "GRANT REFERENCES (id) ON TABLE auth.users TO shopkeeper"),
    "REVOKE USAGE ON SCHEMA auth FROM shopkeeper": ("schema auth", "GRANT USAGE ON SCHEMA auth TO shopkeeper"),
}


@pytest.mark.parametrize("revoke", LACKING)
@first(1)
def test_a_missing_privilege_is_refused_with_its_grant(make_shop: MakeShop, revoke: str) -> None:
    """A role that may not reference the owners is refused with a GRANT; after it, and nothing else, the copy has its key."""
    shop = changed(make_shop, "auth.users", "shopkeeper")
    shop.sql.execute(revoke)  # type: ignore[call-overload]  # one of these literals
    with pytest.raises(PrerequisitesNotMet) as refused:
        planned_deployment(shop)
    subject, grant = LACKING[revoke]
    statements = [problem.statement for problem in refused.value.problems if problem.rule == "owner_not_referenceable"]
    assert ([grant], [subject]) == (statements, [problem.subject for problem in refused.value.problems if problem.statement == grant])
    shop.sql.execute(grant)  # type: ignore[call-overload]  # it is a remedy of ours
    deploy(shop)
    migrate(shop)


@pytest.mark.parametrize("action", ["ON DELETE CASCADE", "ON DELETE NO ACTION ON UPDATE CASCADE", "NOT VALID ON DELETE SET NULL", "none"])
@first(1)
def test_a_key_that_cannot_stay_is_refused_with_the_statement_that_changes_it(make_shop: MakeShop, action: str) -> None:
    """A key that deletes artworks, refuses a deletion, is not validated or is missing is refused; its statement makes the plan possible."""
    shop = changed(make_shop, "auth.users", "shopkeeper")
    shop.sql.execute("ALTER TABLE artworks DROP CONSTRAINT artworks_user_id_fkey")
    if action != "none":
        valid = action.removeprefix("NOT VALID ")
        shop.sql.execute(
            "ALTER TABLE artworks ADD CONSTRAINT artworks_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users (id)"  # type: ignore[call-overload]  # one of these literals
            f" {valid}{' NOT VALID' if valid != action else ''}"
        )
    with pytest.raises(PrerequisitesNotMet) as refused:
        planned_deployment(shop)
    (problem,) = refused.value.problems
    assert problem.statement
    shop.sql.execute(problem.statement)  # type: ignore[call-overload]  # it is a remedy of ours
    deploy(shop)


@LONG
def test_a_table_without_owners_gets_those_of_public_users(make_shop: MakeShop) -> None:
    """Without a column user_id the clean table's owners are in public.users; where a sign-up makes its rows, a claim still finds them."""
    shop = make_shop(Variant.MINIMAL)
    shop.sql.execute(
        "CREATE SCHEMA auth; CREATE TABLE auth.users (id uuid PRIMARY KEY, email text);"
        "CREATE TABLE public.users (id uuid PRIMARY KEY REFERENCES auth.users (id) ON DELETE CASCADE, email text)"
    )
    deploy(shop)
    migrate(shop)
    email = customer(shop, "artworks_v2")
    account = sign_up(shop, email)
    owned = claim(shop, email, account)
    assert owned > 1
    switch(shop)
    roll_back(shop)
    migrate(shop)
    assert owned == shop.value("SELECT COUNT(*) FROM artworks_v2 WHERE user_id = %s", account)
    shop.sql.execute("DELETE FROM auth.users WHERE id = %s", (account,))
    assert {None} == set(owners(shop, "artworks_v2").values())
    assert 0 == migrate(shop).get("differs", 0)


@LONG
def test_a_table_of_accounts_that_is_locked_is_named(make_shop: MakeShop) -> None:
    """Without an explicit lock of its own, the uninstall still says which session holds the owners' table, and changes nothing."""
    shop = changed(make_shop, "auth.users", "shopkeeper")
    deploy(shop)
    migrate(shop)
    with psycopg.connect(shop.server.conninfo(shop.name)) as holder:
        holder.execute("UPDATE auth.users SET password = 'changed'")
        made = planned_uninstall(shop)
        with running(shop, ROLL_BACK_TO_NOT_STARTED, patience=0.5) as run:
            approve(run, made)
            with pytest.raises(LockNotObtained, match=r"auth\.users"):
                execute(run, made)
        holder.rollback()
    assert shop.value("SELECT COUNT(*) FROM pg_constraint WHERE conname = 'artworks_v2_user_id_fkey'")


def test_accounts_that_appear_after_the_deployment_are_drift(deployed: Shop) -> None:
    """Once anonymous users are created in public.users, a key of its id to another table is refused in words, and dropping it is enough."""
    deployed.sql.execute(ACCOUNTS)
    deployed.sql.execute("ALTER TABLE public.users ADD CONSTRAINT late FOREIGN KEY (id) REFERENCES auth.users (id)")
    with running(deployed) as run:
        run.begin()
        with pytest.raises(PrerequisitesNotMet, match=r"it references auth\.users since deploy-schema"):
            require_no_drift(run)
    deployed.sql.execute("ALTER TABLE public.users DROP CONSTRAINT late")
    migrate(deployed)


def red(shop: Shop, suite: str) -> dict[str, list[str]]:
    """The rules of a suite that are red, with the ids that they found; every rule was judged or does not apply."""
    with running(shop) as run:
        run.begin()
        verdict = judge_suite(run, SUITES[suite])
    assert "" == verdict.broken
    return {rule.rule: list(rule.ids) for rule in verdict.rules if rule.red}
