"""What capture and write-through rest on is compared at each flow's start: whatever differs is named, nothing is said of the rest."""

from collections.abc import Callable

import psycopg
import pytest

import sql
from migration.errors import BadInput, NewBlocker, PrerequisitesNotMet, Problem
from migration.ledger.decisions import DecisionName, checked_value
from migration.plans.drift import require_no_drift
from migration.verbs.roll_back import plan_uninstall
from sample.server import EmbeddedServer
from sql import SqlFile
from tests.artworks import add_legacy
from tests.conftest import MakeShop
from tests.databases import Shop, decide, deploy, execute_switch, migrate, planned_roll_back, planned_switch, roll_back, running, switch
from tests.series import LONG

#: What somebody does while both tables live, and what is named then: rules and subjects.
DRIFT = {
    "pg_restore": (
        "ALTER TABLE artworks DISABLE TRIGGER ALL",
        {
            ("trigger_drifted", f"trigger artwork_migration_{name} on public.artworks")
            for name in ("delete", "insert", "key", "truncate", "update")
        },
    ),
    "a trigger that does not always fire": (
        "ALTER TABLE users ENABLE TRIGGER artwork_migration_lock",
        {("trigger_drifted", "trigger artwork_migration_lock on public.users")},
    ),
    "a trigger of the write-through is gone": (
        "DROP TRIGGER artwork_migration_update ON artworks_v2",
        {("trigger_drifted", "trigger artwork_migration_update on public.artworks_v2")},
    ),
    "a trigger replaced by another function's": (
        "CREATE OR REPLACE TRIGGER artwork_migration_insert AFTER INSERT ON artworks FOR EACH STATEMENT EXECUTE FUNCTION nothing();"
        "ALTER TABLE artworks ENABLE ALWAYS TRIGGER artwork_migration_insert",
        {("trigger_drifted", "trigger artwork_migration_insert on public.artworks")},
    ),
    "a trigger with another condition": (
        "CREATE OR REPLACE TRIGGER artwork_migration_update AFTER UPDATE ON artworks_v2 FOR EACH ROW"
        " WHEN (FALSE) EXECUTE FUNCTION artwork_migration.write_through();"
        "ALTER TABLE artworks_v2 ENABLE ALWAYS TRIGGER artwork_migration_update",
        {("trigger_drifted", "trigger artwork_migration_update on public.artworks_v2")},
    ),
    "the life cycle is silent": (
        "ALTER TABLE artworks_v2 DISABLE TRIGGER artworks_v2_lifecycle",
        {("trigger_drifted", "trigger artworks_v2_lifecycle on public.artworks_v2")},
    ),
    "a capture of references is silent": (
        "ALTER TABLE orders DISABLE TRIGGER artwork_migration_delete_artwork_id",
        {("trigger_drifted", "trigger artwork_migration_delete_artwork_id on public.orders")},
    ),
    "another text of a function": (
        "CREATE OR REPLACE FUNCTION artwork_migration.capture_artworks() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        " SET search_path = '' AS 'BEGIN RETURN NULL; END'",
        {("function_changed", "function artwork_migration.capture_artworks()")},
    ),
    "a function with the caller's rights": (
        "ALTER FUNCTION artwork_migration.write_through() SECURITY INVOKER",
        {("function_changed", "function artwork_migration.write_through()")},
    ),
    "a column has come": ("ALTER TABLE artworks ADD rating int", {("table_drifted", "column rating on public.artworks")}),
    "a column is gone": ("ALTER TABLE artworks DROP mockup_urls CASCADE", {("table_drifted", "column mockup_urls on public.artworks")}),
    "a column has another name": (
        "ALTER TABLE artworks RENAME token_expires_at TO expires_at",
        {("table_drifted", "column expires_at on public.artworks"), ("table_drifted", "column token_expires_at on public.artworks")},
    ),
    "a column of another type": (
        "ALTER TABLE artworks ALTER mockup_urls TYPE text USING NULL",
        {("table_drifted", "column mockup_urls on public.artworks")},
    ),
    "NOT NULL": ("ALTER TABLE artworks ALTER updated_at SET NOT NULL", {("table_drifted", "column updated_at on public.artworks")}),
    "CHECK": (
        "ALTER TABLE artworks ADD CONSTRAINT short CHECK (LENGTH(pet_name) < 100) NOT VALID",
        {("table_drifted", "constraint short on public.artworks")},
    ),
    "a unique key": (
        "ALTER TABLE artworks ADD CONSTRAINT once UNIQUE (id, pet_name)",
        {("table_drifted", "constraint once on public.artworks")},
    ),
    "a unique index": ("CREATE UNIQUE INDEX once ON artworks (id, pet_name)", {("table_drifted", "index public.once")}),
    "the token's key is gone": (
        "ALTER TABLE artworks DROP CONSTRAINT artworks_access_token_key",
        {("table_drifted", "constraint artworks_access_token_key on public.artworks")},
    ),
    "a table that references artworks": (
        "CREATE TABLE likes (artwork_id uuid CONSTRAINT liked REFERENCES artworks (id))",
        {("reference_drifted", "constraint liked on public.likes")},
    ),
    "a table that a view of ours reads": (
        "DROP VIEW artwork_migration.referenced_artwork CASCADE",
        {
            ("view_gone", f"view artwork_migration.{name}")
            for name in (
                *("expected_artwork", "left_behind", "legacy_artwork", "moving_verdict", "pending_artwork"),
                *("referenced_artwork", "verdict"),
            )
        },
    ),
    "the key of users": (
        "ALTER TABLE users DROP CONSTRAINT users_email_key CASCADE",
        {("users_contract", "public.users.email")},
    ),
}


@pytest.fixture
def found(deployed: Shop) -> Shop:
    """Both tables live, with a function that does nothing."""
    deployed.sql.execute("CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    return deployed


def drift_in(shop: Shop) -> list[Problem]:
    """What a flow that starts now is refused for."""
    with running(shop) as run:
        try:
            require_no_drift(run)
        except PrerequisitesNotMet as refused:
            return list(refused.problems)
    return []


def asked(file: SqlFile) -> str:
    """The query of a file, with the parameters of a database in which users are created."""
    query = file.statement.replace(":owner_relation", "'public.users'").replace(":creates_users", "TRUE")
    return query.replace("%", "%%")


def test_each_drift_is_named_until_it_is_undone(found: Shop) -> None:
    """Each kind of drift is reported as exactly what it is, and nothing is reported before it.

    The flow looks in a session of its own, so what it asks is asked here within the transaction of the change.
    """
    questions = [*sql.folder("drift"), sql.load("plan/prerequisites/users_contract")]

    def named() -> set[tuple[str, str]]:
        return {(file.rule, str(row[0])) for file in questions for row in found.rows(asked(file))}

    found.sql.execute("SET search_path = public")
    assert set() == named()
    for name, (change, wanted) in DRIFT.items():
        with found.sql.transaction(force_rollback=True):
            found.sql.execute(change)
            assert (name, wanted) == (name, named())
    assert set() == named()


def test_every_question_has_a_case_that_it_reports() -> None:
    """Each file of drift has a case here that it reports, and a remedy."""
    assert {file.rule for file in sql.folder("drift")} | {"users_contract"} == {rule for _, wanted in DRIFT.values() for rule, _ in wanted}
    assert [] == [file.name for file in sql.folder("drift") if not file.header["remedy"].endswith(".")]


def test_a_flow_is_refused_with_what_to_do(deployed: Shop) -> None:
    """A flow is refused with the trigger's name and how to restore it; restored, the flow goes on."""
    was = deployed.value("SELECT PG_GET_TRIGGERDEF(oid) FROM pg_trigger WHERE tgname = 'artwork_migration_key'")
    assert [] == drift_in(deployed)
    deployed.sql.execute("DROP TRIGGER artwork_migration_key ON artworks")
    (problem,) = drift_in(deployed)
    assert ("trigger_drifted", "trigger artwork_migration_key on public.artworks") == (problem.rule, problem.subject)
    assert "CREATE TRIGGER artwork_migration_key AFTER UPDATE OF id ON public.artworks" in problem.problem
    deployed.sql.execute(f"{was}; ALTER TABLE artworks ENABLE ALWAYS TRIGGER artwork_migration_key")
    assert [] == drift_in(deployed)


def test_a_changed_column_may_be_accepted_and_a_changed_trigger_may_not(deployed: Shop) -> None:
    """accept_drift takes columns and constraints as the refusal names them, and neither a trigger nor what does not exist."""
    deployed.sql.execute("ALTER TABLE artworks ADD rating int, ADD note text")
    deployed.sql.execute("ALTER TABLE orders DISABLE TRIGGER artwork_migration_insert_artwork_id")

    def decided(value: str) -> None:
        with deployed.database.transaction("deciding") as connection:
            kept = checked_value(connection, DecisionName.ACCEPT_DRIFT, value)
        decide(deployed, "accept_drift", kept)

    decided("column rating on public.artworks, column note on public.artworks")
    assert ["trigger_drifted"] == [problem.rule for problem in drift_in(deployed)]
    decided("column note on public.artworks")
    assert {"trigger_drifted", "table_drifted"} == {problem.rule for problem in drift_in(deployed)}
    for wrong in ("trigger artwork_migration_insert_artwork_id on public.orders", "column absent on public.artworks", ""):
        with pytest.raises(BadInput, match="Nothing was decided"):
            decided(wrong)


def test_before_a_deployment_nothing_can_be_accepted(shop: Shop) -> None:
    """accept_drift is refused before a deployment, because there is no baseline yet."""
    with shop.database.transaction("deciding") as connection, pytest.raises(BadInput, match="since deploy-schema, and that has not run"):
        checked_value(connection, DecisionName.ACCEPT_DRIFT, "column rating on public.artworks")


@LONG
def test_it_is_the_same_after_the_switch_and_back(make_shop: MakeShop, either_server: EmbeddedServer) -> None:
    """A switch and a rollback leave triggers, functions, columns and keys with the same definitions, on both releases.

    In between, what the switch has made is monitored: a silent capture blocks the rollback, and a changed guard is named.
    """
    shop = make_shop(phase="MIGRATED", on=either_server)
    switch(shop)
    assert ((), []) == (planned_roll_back(shop).blockers, shop.rows("SELECT * FROM artwork_migration.drift"))
    shop.sql.execute("ALTER TABLE artworks DISABLE TRIGGER artwork_migration_update")
    shop.sql.execute("ALTER FUNCTION artwork_migration.guard_retired() RESET ALL")
    assert [
        ("trigger_drifted", "trigger artwork_migration_update on public.artworks"),
        ("function_changed", "function artwork_migration.guard_retired()"),
    ] == [(blocker.rule, blocker.subject) for blocker in planned_roll_back(shop).blockers]
    shop.sql.execute("ALTER TABLE artworks ENABLE ALWAYS TRIGGER artwork_migration_update")
    shop.sql.execute("ALTER FUNCTION artwork_migration.guard_retired() SET search_path = pg_catalog, pg_temp")
    roll_back(shop)
    assert [] == drift_in(shop)


def test_an_invalid_index_is_called_so(deployed: Shop) -> None:
    """An index that a failed REINDEX CONCURRENTLY has left behind is named as INVALID, and the statement in the message removes it."""
    with deployed.session() as holder:
        holder.execute("UPDATE artworks SET pet_name = pet_name WHERE ctid = '(0,1)'")
        deployed.sql.execute("SET lock_timeout = '300ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            deployed.sql.execute("REINDEX INDEX CONCURRENTLY artworks_access_token_key")
        holder.rollback()
    (problem,) = drift_in(deployed)
    assert ("table_drifted", "index public.artworks_access_token_key_ccnew") == (problem.rule, problem.subject)
    assert problem.problem.startswith("it is INVALID: ")
    assert "DROP INDEX CONCURRENTLY public.artworks_access_token_key_ccnew" == problem.statement
    deployed.sql.execute(problem.statement.encode())
    assert [] == drift_in(deployed)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("ALTER DATABASE {} SET default_transaction_isolation = 'repeatable read'", "stored_setting"),
        ("CREATE RULE quiet AS ON INSERT TO users WHERE FALSE DO INSTEAD NOTHING", "users_rule"),
    ],
)
def test_a_prerequisite_that_is_broken_since_is_named_without_a_plan(deployed: Shop, change: str, rule: str) -> None:
    """A verb without a plan asks again what deploy_schema required and somebody may have changed since."""
    deployed.sql.execute(change.format(deployed.name).encode())
    assert [rule] == [problem.rule for problem in drift_in(deployed)]


def test_drift_between_the_plan_and_the_lock_stops_the_switch(migrated: Shop) -> None:
    """Drift that appears between plan and lock stops the switch."""
    with pytest.raises(NewBlocker):
        execute_switch(migrated, meanwhile=lambda: migrated.sql.execute("ALTER TABLE orders DISABLE TRIGGER ALL"))
    assert ["trigger_drifted"] * 4 == [problem.rule for problem in drift_in(migrated)]


def test_the_plan_of_an_uninstallation_tells_what_has_drifted(deployed: Shop) -> None:
    """The plan of an uninstallation names a lost trigger, and is not blocked by it."""

    def drifted() -> object:
        with deployed.database.transaction("planning") as connection:
            return plan_uninstall(connection).facts["drifted"]

    assert [] == drifted()
    deployed.sql.execute("DROP TRIGGER artwork_migration_update ON artworks_v2")
    assert ["trigger artwork_migration_update on public.artworks_v2"] == drifted()


@LONG
def test_names_that_need_quotes_are_no_drift(make_shop: MakeShop) -> None:
    """A table, a column and a key whose names need quotes are no drift until something about them changes."""
    shop = make_shop()
    shop.sql.execute('CREATE TABLE public."Gift Card" (id int PRIMARY KEY, "artworkId" uuid REFERENCES public.artworks (id))')
    shop.sql.execute('ALTER TABLE public.artworks ADD "the rating" int UNIQUE')
    deploy(shop)
    assert [] == drift_in(shop)
    add_legacy(shop)
    shop.sql.execute('ALTER TABLE public."Gift Card" DISABLE TRIGGER "artwork_migration_insert_artworkId"')
    assert ['trigger "artwork_migration_insert_artworkId" on public."Gift Card"'] == [problem.subject for problem in drift_in(shop)]


@LONG
def test_a_restored_database_has_no_drift(make_shop: MakeShop, restored: Callable[[Shop], Shop]) -> None:
    """A database that was restored from pg_dump has no drift, before the switch and after it."""
    for phase in ("DEPLOYED", "SWITCHED"):
        copy = restored(make_shop(phase=phase))
        assert (phase, []) == (phase, copy.rows("SELECT subject FROM artwork_migration.drift"))


def test_the_first_table_that_references_artworks_is_named(make_shop: MakeShop) -> None:
    """A first reference to artworks is reported as drift, also if there was no key at the deployment."""
    shop = make_shop()
    shop.sql.execute("DROP MATERIALIZED VIEW artwork_sales; DROP TABLE order_status_history; DROP TABLE orders CASCADE")
    deploy(shop)
    shop.sql.execute("CREATE TABLE likes (artwork_id uuid CONSTRAINT liked REFERENCES artworks)")
    assert [("reference_drifted", "constraint liked on public.likes")] == [(problem.rule, problem.subject) for problem in drift_in(shop)]


def test_a_renamed_table_takes_its_triggers_along(make_shop: MakeShop) -> None:
    """A renamed table keeps its triggers and stops no rollback; a new table under the old name has none, and does stop it."""
    shop = make_shop(phase="SWITCHED")
    shop.sql.execute(
        "ALTER TABLE order_status_history DROP CONSTRAINT order_status_history_order_id_fkey; ALTER TABLE orders RENAME TO sales"
    )
    assert [] == [blocker.subject for blocker in planned_roll_back(shop).blockers if blocker.rule == "trigger_drifted"]
    shop.sql.execute("TRUNCATE sales CASCADE")
    assert 1 == shop.value("SELECT COUNT(*) FROM artwork_migration.indirect_change AS i WHERE i.truncated")
    shop.sql.execute("CREATE TABLE orders (artwork_id uuid REFERENCES artworks)")
    assert 4 == len([blocker for blocker in planned_roll_back(shop).blockers if blocker.rule == "trigger_drifted"])


def test_without_a_view_of_ours_the_rollback_ends_in_words(make_shop: MakeShop) -> None:
    """A rollback without the view of ours, which DROP … CASCADE took along, ends with a message."""
    shop = make_shop(phase="SWITCHED")
    shop.sql.execute("DROP TABLE orders CASCADE")
    with pytest.raises(PrerequisitesNotMet) as refused:
        planned_roll_back(shop)
    assert {"view_gone"} == {prerequisite.rule for prerequisite in refused.value.problems}


@LONG
def test_another_time_zone_is_no_drift(make_shop: MakeShop) -> None:
    """Constants of time in a definition are no drift in a database with another time zone."""
    shop = make_shop()
    shop.sql.execute("ALTER TABLE artworks ADD CONSTRAINT born CHECK (created_at > '2000-01-01 00:00+00') NOT VALID")
    shop.sql.execute("CREATE VIEW recent AS SELECT id FROM artworks WHERE created_at > '2020-01-01 00:00+00'::timestamptz")
    deploy(shop)
    migrate(shop)
    made = planned_switch(shop)
    shop.sql.execute(f"ALTER DATABASE {shop.name} SET TimeZone = 'Europe/Berlin'")
    shop.sql.execute(f"ALTER DATABASE {shop.name} SET quote_all_identifiers = on")
    shop.database.dispose()
    assert [] == drift_in(shop)
    assert made.number == planned_switch(shop).number
