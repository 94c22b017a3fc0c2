"""The table users: who reads and writes it besides its owner, what it refuses, and what fires on it. The SQL here reads no view of ours."""

from collections.abc import Callable

import psycopg
import pytest

from migration.checks import gates
from migration.errors import Problem, UsersRefused
from reporting.plans import plan_markdown
from tests.databases import (
    Shop,
    accept_exposure,
    catch_up_now,
    decide,
    deploy,
    migrate,
    planned_deployment,
    planned_switch,
    roll_back,
    running,
    switch,
)
from tests.series import LONG, series

CLIENTS = ("anon", "authenticated")
OPEN = "GRANT ALL ON users TO anon, authenticated"
REGISTER = (
    "ALTER TABLE users ENABLE ROW LEVEL SECURITY; GRANT SELECT, INSERT, UPDATE ON users TO authenticated;"
    "CREATE POLICY mine ON users FOR SELECT USING (id = auth.uid());"
    "CREATE POLICY sign_up ON users FOR INSERT TO authenticated WITH CHECK (id = auth.uid() {0});"
    "CREATE POLICY change ON users FOR UPDATE TO authenticated USING (id = auth.uid()) WITH CHECK (id = auth.uid() {0})"
)
ONE_SPELLING = "CREATE UNIQUE INDEX one_spelling ON users ((LOWER(email)))"
SMALL = (
    "CREATE FUNCTION small() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.email = LOWER(NEW.email); RETURN NEW; END';"
    "CREATE TRIGGER small BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION small()"
)
CHECKED = "ALTER TABLE users ADD CONSTRAINT no_capitals CHECK (email !~ '[A-Z]') NOT VALID"
WELCOME = (
    "CREATE TABLE welcome (address text);"
    "CREATE FUNCTION welcome() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN INSERT INTO public.welcome VALUES (NEW.email); RETURN NULL; END';"
    'CREATE TRIGGER "Welcome" AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION welcome()'
)
REFUSING = (
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION '{}'; END$$;"
    "CREATE TRIGGER refuse BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION refuse()"
)


def blockers(shop: Shop) -> list[Problem]:
    """What blocks deploy_schema once the sample's own exposure is accepted."""
    accept_exposure(shop)
    return list(planned_deployment(shop).blockers)


def follow(shop: Shop, problem: Problem) -> None:
    """Do what the remedy of a problem is, to the letter."""
    if problem.statement:
        shop.sql.execute(problem.statement)
    else:
        name, value = problem.decision.split(" ", 1)
        decide(shop, name, value)


def go_the_whole_way(shop: Shop, write: Callable[[Shop], object] = lambda _: None) -> dict[str, int]:
    """Deploy, migrate, switch, roll back and switch again, with a write in each phase. Returns the verdicts of the copy."""
    deploy(shop)
    verdicts = migrate(shop)
    for bring in (lambda _: None, switch, roll_back, switch):
        bring(shop)
        write(shop)
    return verdicts


def owners(shop: Shop, table: str) -> dict[str, str]:
    """The owner of each artwork of a table."""
    return dict(shop.rows(f"SELECT id::text, user_id::text FROM {table} WHERE user_id IS NOT NULL"))


def refused_by(shop: Shop, role: str, statement: str) -> str:
    """The SQLSTATE with which a statement of a role ends, or nothing. It is rolled back."""
    session = shop.session(role=role)
    try:
        session.execute(statement)
    except psycopg.Error as error:
        return error.sqlstate or ""
    finally:
        session.rollback()
        session.close()
    return ""


def create(shop: Shop, email: str) -> object:
    """The e-mail of the owner of a new artwork, as the table users has it."""
    artwork = shop.value("SELECT (artwork).id FROM create_artwork('New', %s, 'Rex', 'https://a.example', 'https://b.example')", email)
    table = "artworks" if shop.value("SELECT TO_REGCLASS('artworks_old') IS NOT NULL") else "artworks_v2"
    return shop.value(f"SELECT u.email FROM {table} AS a JOIN users AS u ON u.id = a.user_id WHERE a.id = %s", artwork)


@LONG
def test_users_that_clients_read_are_closed_by_the_remedy(shop: Shop) -> None:
    """The plan is blocked where clients read or write users; the statement of the blocker closes the table, and then it stays closed."""
    shop.sql.execute(OPEN)
    (problem,) = blockers(shop)
    assert ("users_access", "table public.users") == (problem.rule, problem.subject)
    assert all(f"{role}: DELETE, INSERT, SELECT, UPDATE" in problem.problem for role in CLIENTS)
    follow(shop, problem)
    assert () == planned_deployment(shop).blockers
    go_the_whole_way(shop)
    for role in CLIENTS:
        assert [] == shop.session(role=role).execute("SELECT email FROM users").fetchall()


@LONG
def test_a_change_of_an_id_by_a_client_moves_no_artwork(shop: Shop) -> None:
    """Where a decision leaves users open, no client moves artworks by changing the id of their user; the server's role still can."""
    shop.sql.execute(OPEN)
    accept_exposure(shop)
    decide(shop, "accept_users_access", ",".join(CLIENTS))

    def steal(it: Shop) -> None:
        table = "artworks" if it.value("SELECT TO_REGCLASS('artworks_old') IS NOT NULL") else "artworks_v2"
        user, email = it.rows(f"SELECT u.id, u.email FROM users AS u JOIN {table} AS a ON a.user_id = u.id ORDER BY u.id LIMIT 1")[0]
        before = owners(it, table)
        for role in CLIENTS:
            assert "23503" == refused_by(it, role, f"UPDATE users SET id = GEN_RANDOM_UUID() WHERE id = '{user}'")
        assert owners(it, table) == before
        assert "" == refused_by(it, "service_role", f"UPDATE users SET id = GEN_RANDOM_UUID() WHERE email = '{email}'")

    go_the_whole_way(shop, steal)


@LONG
def test_a_chosen_email_needs_a_decision_of_its_own(shop: Shop) -> None:
    """Where people write any e-mail into their own row, the plan names roles and policies, and accept_exposure is not enough."""
    shop.sql.execute(REGISTER.format(""))
    (problem,) = blockers(shop)
    assert ("chosen_email", "public.users.email") == (problem.rule, problem.subject)
    assert "authenticated (INSERT by policy sign_up), authenticated (UPDATE by policy change)" in problem.problem
    assert "can be chosen by `authenticated` (INSERT, policy sign_up)" in plan_markdown(planned_deployment(shop))
    follow(shop, problem)
    assert () == planned_deployment(shop).blockers
    go_the_whole_way(shop)


def test_a_confirmed_email_needs_none(shop: Shop) -> None:
    """Policies that accept only the e-mail of the session's claims block nothing."""
    shop.sql.execute(REGISTER.format("AND email = auth.jwt() ->> 'email'"))
    assert [] == blockers(shop)


@pytest.mark.parametrize("suite", ["legacy_artworks", "users"])
def test_what_opens_users_later_is_red_and_blocks_the_switch(migrated: Shop, suite: str) -> None:
    """A grant or a policy that appears after the plan turns the gates red and blocks the switch."""
    migrated.sql.execute(
        REGISTER.format("") + "; GRANT SELECT ON users TO anon; CREATE POLICY shown ON users FOR SELECT TO anon USING (TRUE)"
    )
    with running(migrated) as run:
        run.begin()
        gates.measure(run, suite)
        (found,) = (results[0] for rule, results in gates.rule_results(run, suite).items() if rule.startswith("users_"))
    assert {"anon SELECT policy shown", "authenticated INSERT email policy sign_up"} < set(found.about)
    assert {"users_access", "chosen_email"} == {problem.rule for problem in planned_switch(migrated).blockers}


@pytest.mark.parametrize(
    "refusal", series([ONE_SPELLING, SMALL, CHECKED], {CHECKED}), ids=["a unique index", "a trigger that changes it", "a check"]
)
@LONG
def test_users_that_cannot_be_created_are_counted_and_quarantined(shop: Shop, refusal: str) -> None:
    """The plan counts the artworks whose user the table refuses; they go to quarantine with the reason, and the others have an owner."""
    shop.sql.execute(refusal)
    found = blockers(shop)
    refused = next(problem for problem in found if problem.rule == "user_refused")
    for problem in found:
        follow(shop, problem)
    assert () == planned_deployment(shop).blockers
    assert shop.value("SELECT COUNT(*) FROM users WHERE email LIKE '%artwork-migration%'") == 0
    verdicts = go_the_whole_way(shop)
    assert refused.decision == f"max_quarantined {verdicts['quarantined']}"
    assert [("no_user",)] == shop.rows("SELECT DISTINCT reason FROM artwork_migration.quarantine")
    assert 0 == shop.value("SELECT COUNT(*) FROM artworks WHERE user_id IS NULL")
    assert 0 == shop.value(
        "SELECT COUNT(*) FROM artworks AS a JOIN users AS u ON u.id = a.user_id WHERE LOWER(u.email) <> LOWER(a.customer_email)"
    )


@pytest.mark.parametrize(
    ("refusal", "stored"), series([(ONE_SPELLING, "Ada@users.example"), (SMALL, "ada@users.example")], {(SMALL, "ada@users.example")})
)
@LONG
def test_an_artwork_of_another_spelling_has_the_owner_that_the_table_has(shop: Shop, refusal: str, stored: str) -> None:
    """create_artwork finds the user under the e-mail that the table has stored, before and after the switch, and the copy agrees."""
    shop.sql.execute(refusal)
    for problem in blockers(shop):
        follow(shop, problem)

    def write(it: Shop) -> None:
        assert [stored, stored] == [create(it, "Ada@users.example"), create(it, "ADA@users.example")]

    go_the_whole_way(shop, write)
    assert 8 == shop.value("SELECT COUNT(*) FROM artworks AS a JOIN users AS u ON u.id = a.user_id WHERE u.email = %s", stored)


def test_an_artwork_without_an_owner_is_refused(deployed: Shop) -> None:
    """create_artwork raises an error of its own if the table stores no user for the e-mail."""
    deployed.sql.execute(
        "CREATE FUNCTION nobody() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER nobody BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION nobody()"
    )
    with pytest.raises(psycopg.errors.CheckViolation, match="accepts no user with this e-mail"):
        create(deployed, "ada@users.example")


def test_a_user_that_is_refused_later_stops_no_catch_up(migrated: Shop) -> None:
    """An order whose user the table refuses is in quarantine after the catch-up, and comes out of it when the table accepts the user."""
    migrated.sql.execute(CHECKED)
    order = "INSERT INTO artworks (original_image_url, customer_name, customer_email, access_token, generation_status) VALUES"
    migrated.sql.execute(order + " ('https://a.example', 'Ada', 'ADA@users.example', 'token-1', 'completed')")
    migrated.sql.execute(order + " ('https://a.example', 'Bo', 'bo@users.example', 'token-2', 'completed')")
    assert (1, 1) == ((caught := catch_up_now(migrated)).users_created, caught.written)
    assert [("no_user",)] == migrated.rows("SELECT reason FROM artwork_migration.quarantine")
    migrated.sql.execute("ALTER TABLE users DROP CONSTRAINT no_capitals")
    migrate(migrated)
    assert 0 == migrated.value("SELECT COUNT(*) FROM artwork_migration.quarantine")


def test_a_table_that_refuses_every_user_blocks_the_plan(shop: Shop) -> None:
    """The plan has tried an ordinary e-mail, and says what refused it without the text of the error."""
    shop.sql.execute(REFUSING.format("secret"))
    problem = next(problem for problem in blockers(shop) if problem.rule == "user_refused")
    assert "an anonymous user cannot be created: SQLSTATE P0001" in problem.problem
    assert "secret" not in str(problem)


def test_a_table_that_refuses_every_user_stops_the_copy_in_words(deployed: Shop) -> None:
    """A trigger that appears after the plan and refuses every user ends the step with an error of its own, before a row is copied."""
    deployed.sql.execute(REFUSING.format("no"))
    with pytest.raises(UsersRefused, match="SQLSTATE was P0001"):
        migrate(deployed)
    assert 0 == deployed.value("SELECT COUNT(*) FROM artworks_v2")


@LONG
def test_triggers_of_users_need_a_decision_and_fire_as_often_as_counted(shop: Shop) -> None:
    """The plan names the trigger and how often it will fire; it has fired for nobody before the decision, and then once for each user."""
    shop.sql.execute(WELCOME)
    (problem,) = blockers(shop)
    assert ("users_trigger", 'trigger "Welcome" on public.users') == (problem.rule, problem.subject)
    assert 0 == shop.value("SELECT COUNT(*) FROM welcome")
    follow(shop, problem)
    assert () == planned_deployment(shop).blockers
    go_the_whole_way(shop)
    fired = shop.value("SELECT COUNT(*) FROM welcome")
    assert fired == shop.value("SELECT COUNT(*) FROM users WHERE is_anonymous")
    assert f"when migrate-data creates users: {fired} users" in problem.problem


def test_what_survives_a_rollback_is_not_tried(shop: Shop) -> None:
    """No user is inserted where a trigger's text names what acts outside the transaction, and the plan says so."""
    shop.sql.execute(REFUSING.format("dblink"))
    accept_exposure(shop)
    plan = planned_deployment(shop)
    assert ([], ["refuse"]) == (plan.facts["users_tried"], plan.facts["users_not_tried"])
    assert "may survive a rollback: `refuse`" in plan_markdown(plan)
