"""What event triggers of the database make of our creations is restored, or the first plan is refused and names the trigger."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from expectations.suites import SUITES
from migration.errors import DatabaseError, PrerequisitesNotMet, Problem
from migration.ledger.phases import VERIFY
from tasks.validation import judge_suite
from tests.conftest import MakeShop
from tests.databases import (
    Shop,
    accept_exposure,
    deploy,
    migrate,
    planned_deployment,
    planned_roll_back,
    reconcile_now,
    roll_back,
    running,
    switch,
    uninstall,
)
from tests.faults.judging import differing_rows, lost_orders
from tests.owned import OwnedShop, handed_over
from tests.series import LONG, series

ON_EACH_TABLE = """
CREATE FUNCTION public.on_each_table() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  c record;
BEGIN
  FOR c IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE' LOOP
    {}
  END LOOP;
END
$$;
CREATE EVENT TRIGGER on_each_table ON ddl_command_end WHEN TAG IN ({}) EXECUTE FUNCTION public.on_each_table();
"""
AUDIT = "CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;"


def on_each_table(action: str, tags: str = "'CREATE TABLE'") -> str:
    """An event trigger that does this to each table that is created; `%s` in the action is its name."""
    return ON_EACH_TABLE.format(f"EXECUTE FORMAT('{action}', c.object_identity);", tags)


#: What is done to each table, and what the migration restores.
RESTORED = {
    "row level security": on_each_table("ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"),
    "grants": on_each_table("GRANT ALL ON %s TO PUBLIC, anon"),
    "a policy": on_each_table("CREATE POLICY everybody ON %s USING (true)"),
    "a trigger": AUDIT + on_each_table("CREATE TRIGGER audit AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION public.audit()"),
}
#: What cannot be restored by the role that migrates.
REFUSED = {
    "another owner": (on_each_table("ALTER TABLE %s OWNER TO postgres"), "creation_refused"),
    "an error": (
        "CREATE FUNCTION public.refuses() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'a secret'; END$$;"
        "CREATE EVENT TRIGGER refuses ON ddl_command_start WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION public.refuses();",
        "creation_refused",
    ),
    "row level security after each change": (
        "CREATE FUNCTION public.secures() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN"
        " IF EXISTS (SELECT FROM pg_class WHERE oid = TO_REGCLASS('public.artworks_v2') AND NOT relforcerowsecurity)"
        " THEN ALTER TABLE public.artworks_v2 FORCE ROW LEVEL SECURITY; END IF; END$$;"
        "CREATE EVENT TRIGGER secures ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE') EXECUTE FUNCTION public.secures();",
        "altered_on_creation",
    ),
}


@pytest.fixture
def owned(make_shop: MakeShop) -> Iterator[OwnedShop]:
    """The sample without row level security on artworks, owned by a role that is no superuser."""
    with handed_over(make_shop()) as shop:
        shop.sql.execute("ALTER TABLE artworks DISABLE ROW LEVEL SECURITY")
        yield shop


def refusal(shop: Shop) -> tuple[Problem, ...]:
    """What the first plan is refused with."""
    with pytest.raises(PrerequisitesNotMet) as caught:
        planned_deployment(shop)
    assert "secret" not in str(caught.value)
    return caught.value.problems


@pytest.mark.parametrize("kind", series(RESTORED, {"row level security", "a trigger"}))
@LONG
def test_what_an_event_trigger_adds_to_our_tables_is_restored(owned: OwnedShop, kind: str) -> None:
    """With an event trigger that changes each new table the whole way is green in both directions, and access is what it was."""
    owned.sql.execute(RESTORED[kind].encode())
    before = owned.schema_dump()
    deploy(owned)
    access = "SELECT relrowsecurity, relforcerowsecurity, pg_get_userbyid(relowner) FROM pg_class WHERE oid = %s::regclass"
    assert owned.rows(access, "artworks") == owned.rows(access, "artworks_v2")
    assert not owned.value("SELECT has_table_privilege('anon', 'artwork_migration.waiting_email', 'SELECT')")
    migrate(owned)
    switch(owned)
    if kind == "row level security":
        with running(owned, VERIFY) as run:
            run.begin()
            assert [] == [rule.rule for rule in judge_suite(run, SUITES["verification"]).rules if rule.red]
    owned.sql.execute("SELECT create_artwork('Ada', %s, 'Rex', 'https://a/1', 'https://a/2')", [f"{uuid4()}@example.com"])
    assert (0, 0) == (lost_orders(owned), differing_rows(owned))
    roll_back(owned)
    assert set(reconcile_now(owned)) <= {"match", "excluded", "quarantined"}
    uninstall(owned)
    assert before == owned.schema_dump()


@pytest.mark.parametrize("kind", series(REFUSED, {"another owner"}))
@LONG
def test_an_event_trigger_that_cannot_be_restored_is_refused_by_the_plan(owned: OwnedShop, kind: str) -> None:
    """An event trigger that takes or refuses what we create refuses the first plan; after the statement everything is green."""
    trigger, rule = REFUSED[kind]
    before = owned.schema_dump()
    owned.sql.execute(trigger.encode())
    with_trigger = owned.schema_dump()
    problem = refusal(owned)[0]
    assert rule == problem.rule
    assert with_trigger == owned.schema_dump()
    owned.sql.execute(problem.statement.encode())
    assert before != with_trigger
    deploy(owned)
    migrate(owned)
    switch(owned)
    roll_back(owned)
    uninstall(owned)


def test_several_event_triggers_are_named(owned: OwnedShop) -> None:
    """If it is not certain which event trigger changes our tables, the message names all of them and gives no statement."""
    owned.sql.execute(REFUSED["an error"][0].encode())
    owned.sql.execute("CREATE EVENT TRIGGER another ON ddl_command_start WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION public.refuses()")
    (problem,) = refusal(owned)
    assert ("", True) == (problem.statement, problem.remedy.endswith("The event triggers are another, refuses."))


def test_a_full_disk_is_no_refusal(owned: OwnedShop) -> None:
    """If the server has no room for what is created on trial, the plan ends with that, and does not ask for privileges."""
    raising = "BEGIN RAISE EXCEPTION USING ERRCODE = '53100'; END"
    owned.sql.execute(f"CREATE FUNCTION public.no_room() RETURNS event_trigger LANGUAGE plpgsql AS $${raising}$$".encode())
    owned.sql.execute("CREATE EVENT TRIGGER no_room ON ddl_command_start WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION public.no_room()")
    with pytest.raises(DatabaseError) as caught:
        planned_deployment(owned)
    assert "make room on the disk of the server" in str(caught.value)


def test_the_trial_takes_no_lock_that_a_reader_would_not(owned: OwnedShop) -> None:
    """While the plan is made, nothing but ACCESS SHARE is held on the application's tables, and the trial leaves nothing behind."""
    accept_exposure(owned)
    before = owned.schema_dump()
    other = owned.session()
    other.execute("LOCK TABLE artworks, users, orders IN ROW EXCLUSIVE MODE")
    assert () == planned_deployment(owned).blockers
    other.rollback()
    assert before == owned.schema_dump()


def test_row_level_security_that_changes_in_the_safety_window_does_not_stop_the_rollback(make_shop: MakeShop) -> None:
    """If the serving table's row level security was changed, the statement in the plan of the rollback makes the other table alike."""
    shop = make_shop(phase="SWITCHED")
    shop.sql.execute("ALTER TABLE artworks DISABLE ROW LEVEL SECURITY")
    (problem,) = planned_roll_back(shop).blockers
    assert ("access_drift", "row level security") == (problem.rule, problem.subject)
    shop.sql.execute(problem.statement.encode())
    assert () == planned_roll_back(shop).blockers
    roll_back(shop)
