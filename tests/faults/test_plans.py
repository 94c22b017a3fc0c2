"""A plan's number is good for exactly what was read: anything that would make another plan of it makes another number."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest
from psycopg import sql as pgsql

import sql
from migration.database import Database
from migration.errors import BadInput, Blocked, PlanOutdated
from migration.ledger import ledger
from migration.ledger.phases import Phase
from migration.ledger.runs import Approval
from migration.settings import database_url
from migration.verbs import deploy_schema
from sample.build import Variant
from tests.conftest import MakeShop
from tests.databases import Shop, accept_exposure, deploy, migrate, planned_deployment, uninstall
from tests.plans import confirm, decide, keep, planned_uninstall
from tests.series import LONG, first

LEDGER_TABLES = ["decision", "lock_attempt", "pause", "phase_history", "plan", "progress", "step", "verification", "wait"]


def order_for(shop: Shop, condition: str) -> str:
    """Place an order for one artwork that meets the condition, and return the artwork's id."""
    return str(
        shop.value(
            "INSERT INTO public.orders (artwork_id, stripe_session_id, amount_cents)"
            f" SELECT a.id, 'cs_' || a.id, 4900 FROM public.artworks AS a WHERE {condition}"
            " AND NOT EXISTS (SELECT FROM public.orders AS o WHERE o.artwork_id = a.id) ORDER BY a.id LIMIT 1 RETURNING artwork_id"
        )
    )


TEST_DATA = "a.original_image_url LIKE 'test-%%'"


def upload(shop: Shop) -> None:
    """An ordinary artwork more."""
    shop.sql.execute(
        "INSERT INTO public.artworks (original_image_url, customer_name, customer_email, access_token, generation_status)"
        " VALUES ('https://u/1', 'Ana', 'ana@example.org', 'token-of-ana', 'completed')"
    )


# The number


@LONG
def test_the_same_plan_has_the_same_number(shop: Shop) -> None:
    """A plan made twice, also by another program over another connection, has the same number."""
    first = planned_deployment(shop)
    other = Database(database_url(shop.url), name="another program")
    with other.transaction("planning", isolation="REPEATABLE READ") as connection:
        second = deploy_schema.plan_deploy_schema(connection)
    other.dispose()
    assert first.number == second.number
    assert first.content() == second.content()


@LONG
def test_keeping_the_plan_does_not_change_its_number(shop: Shop) -> None:
    """The ledger that the first plan creates does not change its number."""
    first = planned_deployment(shop)
    keep(shop, first)
    assert first.number == planned_deployment(shop).number


@LONG
def test_counts_do_not_change_the_number(shop: Shop) -> None:
    """Another artwork, order and user make other counts and the same number."""
    first = planned_deployment(shop)
    upload(shop)
    order_for(shop, "a.generation_status = 'completed' AND a.original_image_url NOT LIKE 'test-%%' AND a.access_token <> ''")
    shop.sql.execute("INSERT INTO public.users (email) VALUES ('somebody@example.org')")
    second = planned_deployment(shop)
    assert first.facts != second.facts
    assert first.number == second.number


@first(1)
@pytest.mark.parametrize(
    "change",
    [
        "CREATE POLICY more ON public.artworks FOR SELECT USING (pet_name = 'Rex')",
        "GRANT SELECT ON public.artworks TO anon",
        "ALTER TABLE public.artworks DROP COLUMN upscaled_at CASCADE",
        "CREATE TABLE public.gifts (artwork_id uuid REFERENCES public.artworks (id))",
        "ALTER TABLE public.users ADD COLUMN is_anonymous boolean NOT NULL DEFAULT FALSE",
        "COMMENT ON TABLE public.artworks IS 'Portraits'",
    ],
)
def test_a_changed_statement_makes_another_number(shop: Shop, change: str) -> None:
    """Any change of the tables that changes a statement makes another number."""
    first = planned_deployment(shop)
    shop.sql.execute(change)
    second = planned_deployment(shop)
    assert first.statements != second.statements
    assert first.number != second.number


@LONG
@pytest.mark.parametrize(
    ("name", "value"), [("in_flight_age", "01:00:00"), ("max_quarantined", "5"), ("function_roles", "service_role,authenticated")]
)
def test_a_changed_decision_makes_another_number(shop: Shop, name: str, value: str) -> None:
    """Each changed decision makes another number."""
    first = planned_deployment(shop)
    decide(shop, name, value)
    second = planned_deployment(shop)
    decide(shop, name, f"{value}0" if name == "max_quarantined" else value)
    third = planned_deployment(shop)
    assert first.number != second.number
    assert (name != "max_quarantined") == (second.number == third.number)


@LONG
def test_another_database_makes_another_number(shop: Shop) -> None:
    """A copy of a database has the same statements and another number."""
    first = planned_deployment(shop)
    shop.close()
    clone = Shop(shop.server, f"{shop.name}_clone")
    shop.server.create_database(clone.name, template=shop.name)
    try:
        second = planned_deployment(clone)
    finally:
        clone.close()
        clone.server.drop_database(clone.name)
    assert first.statements == second.statements
    assert first.number != second.number


def test_another_phase_makes_another_number(deployed: Shop) -> None:
    """The plan to uninstall from DEPLOYED and the one from MIGRATED have different numbers."""
    first = planned_uninstall(deployed)
    migrate(deployed)
    second = planned_uninstall(deployed)
    assert first.number != second.number
    assert first.changes_since(second.content()) == ["the phase has changed"]


def test_a_run_that_stays_in_its_phase_does_not_change_the_number(migrated: Shop) -> None:
    """Another catch-up does not change the number of the plan to uninstall."""
    first = planned_uninstall(migrated)
    migrate(migrated)
    assert first.number == planned_uninstall(migrated).number


@LONG
def test_there_and_back_makes_another_number(deployed: Shop) -> None:
    """A number from before a rollback and a new deployment is invalid, although the statements are the same."""
    first = planned_uninstall(deployed)
    uninstall(deployed)
    deploy(deployed)
    second = planned_uninstall(deployed)
    assert first.statements == second.statements
    assert first.number != second.number


@LONG
def test_a_number_from_before_the_roll_back_must_be_read_again(shop: Shop) -> None:
    """After an uninstallation the same number can return, and is refused until its plan is made again."""
    first = deploy(shop)
    uninstall(shop)
    accept_exposure(shop)
    again = planned_deployment(shop)
    assert first.number == again.number
    with pytest.raises(PlanOutdated, match="no plan with that number was made for this database"):
        confirm(shop, again, first.number)
    keep(shop, again)
    confirm(shop, again, first.number)


@LONG
def test_a_new_blocker_makes_another_number_and_a_second_one_of_its_rule_does_not(accepted: Shop) -> None:
    """A blocker of a new rule makes another number, another id of the same rule does not."""
    first = planned_deployment(accepted)
    order_for(accepted, TEST_DATA)
    second = planned_deployment(accepted)
    order_for(accepted, TEST_DATA)
    third = planned_deployment(accepted)
    assert [0, 1, 2] == [len(made.blockers) for made in (first, second, third)]
    assert first.number != second.number
    assert second.number == third.number


# Refusals


@dataclass(frozen=True)
class Change:
    """Something that happens between the plan and its approval, and what the refusal says of it."""

    told: str
    happens: Callable[[Shop], object]


CHANGES = [
    Change("a decision has changed", lambda shop: decide(shop, "max_quarantined", "5")),
    Change("a blocker has appeared or disappeared", lambda shop: order_for(shop, TEST_DATA)),
    Change(
        "the statements differ: something about the tables has changed", lambda shop: shop.sql.execute("GRANT SELECT ON artworks TO anon")
    ),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.told)
@first(1)
def test_an_old_number_is_refused_with_what_changed(shop: Shop, change: Change) -> None:
    """The refusal names both numbers and what made the difference, and nothing else."""
    first = planned_deployment(shop)
    keep(shop, first)
    change.happens(shop)
    second = planned_deployment(shop)
    before = shop.schema_dump()
    with pytest.raises(PlanOutdated) as caught:
        confirm(shop, second, first.number)
    assert (first.number, second.number, (change.told,)) == (caught.value.number, caught.value.current, caught.value.changes)
    assert f"plan={second.number}" in str(caught.value)
    assert before == shop.schema_dump()


@LONG
def test_a_number_of_another_verb_is_refused(shop: Shop) -> None:
    """The number of a deployment is refused for an uninstallation, with verb and phase as reasons."""
    first = deploy(shop)
    with pytest.raises(PlanOutdated) as caught:
        confirm(shop, planned_uninstall(shop), first.number)
    assert "the plan is for another verb" in caught.value.changes
    assert "the phase has changed" in caught.value.changes


@pytest.mark.parametrize("number", ["deadbeef", "x", "'; DROP TABLE artworks; --"])
@first(1)
def test_an_unknown_number_is_refused_and_creates_nothing(shop: Shop, number: str) -> None:
    """A number that no plan of this database has is refused, and nothing is created."""
    before = shop.schema_dump()
    with pytest.raises(PlanOutdated, match="no plan with that number was made for this database"):
        confirm(shop, planned_deployment(shop), number)
    assert before == shop.schema_dump()


@pytest.mark.parametrize(("approved_by", "reason"), [("", ""), ("Ada", ""), ("", "due"), ("Ada", " ")])
def test_a_number_needs_a_name_and_a_reason(approved_by: str, reason: str) -> None:
    """A number without approved_by or reason is refused."""
    with pytest.raises(BadInput, match="approved_by and reason"):
        Approval.given("deadbeef", approved_by, reason)


def test_a_name_without_a_number_is_refused() -> None:
    """A form that is empty, or has blanks, asks for a plan; a name or a reason without a number is refused, because it approves nothing."""
    assert Approval.given("", "  ", "\n") is None
    for who, why in (("Ada", "due"), ("Ada", ""), ("", "due")):
        with pytest.raises(BadInput, match="require the number of a plan"):
            Approval.given("  ", who, why)


@pytest.mark.parametrize("number", [" deadbeef ", "DEADBEEF", '"deadbeef"', "plan-deadbeef", "Plan deadbeef"])
def test_a_number_is_recognized_as_it_was_copied(number: str) -> None:
    """Blanks, capitals, quotes and the artifact's prefix around a number are ignored, as are blanks around name and reason."""
    assert Approval("deadbeef", "Ada", "due") == Approval.given(number, " Ada ", " due\n")


@pytest.mark.parametrize("number", ["12345678", "1e500000", "100000.0", "deadbee", "deadbeef1", "'; DROP TABLE artworks; --"])
def test_what_cannot_be_a_number_is_refused(number: str) -> None:
    """What some program has made of a number, or part of one, is bad input and no outdated plan."""
    with pytest.raises(BadInput, match="is not the number of a plan"):
        Approval.given(number, "Ada", "due")


@pytest.mark.parametrize(
    ("rule_broken", "disposition"),
    [
        (TEST_DATA, "test_data"),
        ("TRUE", "no_email"),
        ("TRUE", "no_access_token"),
    ],
)
@first(1)
def test_a_referenced_artwork_that_cannot_come_along_blocks(accepted: Shop, rule_broken: str, disposition: str) -> None:
    """An order for an artwork that stays behind blocks the plan by the artwork's id, with what to do and without a value."""
    shop = accepted
    artwork = order_for(shop, rule_broken)
    change = {"no_email": "customer_email = ' '", "no_access_token": "access_token = NULL"}.get(disposition)
    if change:
        shop.sql.execute(f"UPDATE public.artworks SET {change} WHERE id = %s", (artwork,))
    made = planned_deployment(shop)
    keep(shop, made)
    before = shop.schema_dump()
    with pytest.raises(Blocked) as caught:
        confirm(shop, made, made.number)
    (blocker,) = caught.value.blockers
    rule = "referenced_test_data" if disposition == "test_data" else "referenced_row"
    assert (rule, f"artwork {artwork}") == (blocker.rule, blocker.subject)
    assert f"it is not migrated ({disposition})" in blocker.problem
    remedy = "Decide that ordered test data is migrated" if disposition == "test_data" else "Give the artwork what it does not have"
    assert remedy in str(caught.value)
    assert before == shop.schema_dump()


@LONG
def test_a_blocker_gone_is_another_plan(accepted: Shop) -> None:
    """After the blocking order was deleted the plan has its former number and may run."""
    first = planned_deployment(accepted)
    keep(accepted, first)
    artwork = order_for(accepted, TEST_DATA)
    keep(accepted, planned_deployment(accepted))
    accepted.sql.execute("DELETE FROM public.orders WHERE artwork_id = %s", (artwork,))
    confirm(accepted, planned_deployment(accepted), first.number)


def test_a_rejected_write_blocks_the_rollback(deployed: Shop) -> None:
    """A rejected write blocks an uninstallation by its id, because the clean table would take it away."""
    artwork = uuid4()
    deployed.sql.execute("ALTER TABLE public.artworks_v2 ALTER customer_name DROP NOT NULL")
    deployed.sql.execute(
        "INSERT INTO public.artworks_v2 (id, customer_name, customer_email, pet_mom_image_url, pet_image_url, access_token)"
        " VALUES (%s, NULL, 'canary@example.org', 'https://u/1', 'https://u/2', 'canary-token')",
        (artwork,),
    )
    made = planned_uninstall(deployed)
    keep(deployed, made)
    with pytest.raises(Blocked) as caught:
        confirm(deployed, made, made.number)
    (blocker,) = caught.value.blockers
    assert ("rejected_write", f"artwork {artwork}") == (blocker.rule, blocker.subject)
    assert "INSERT" in blocker.problem
    assert "23502" in blocker.problem
    assert "canary" not in str(caught.value)
    assert deployed.value("SELECT TO_REGCLASS('public.artworks_v2') IS NOT NULL")


@pytest.mark.parametrize("claimed", [False, True], ids=["signed up", "claimed"])
@first(1)
def test_users_of_the_application_block_the_rollback(make_shop: MakeShop, claimed: bool) -> None:
    """A table users that deploy_schema created is not dropped if the application's users are in it."""
    shop = make_shop(Variant.MINIMAL)
    deploy(shop)
    migrate(shop)
    assert planned_uninstall(shop).blockers == ()
    if claimed:
        shop.sql.execute("UPDATE public.users SET is_anonymous = FALSE WHERE id = (SELECT id FROM public.users LIMIT 1)")
    else:
        shop.sql.execute("INSERT INTO public.users (email) VALUES ('canary@example.org')")
    (blocker,) = planned_uninstall(shop).blockers
    assert ("users_in_use", "table public.users") == (blocker.rule, blocker.subject)
    assert "1 users in it were not created by the migration" in blocker.problem
    assert "canary" not in str(blocker)


def test_every_blocker_has_a_case_that_it_blocks() -> None:
    """Each rule in the folders of blockers has a test in which it blocks."""
    # those of deploy_schema: test_prerequisites.py; of legacy_names: tests/database/test_legacy_names.py; of moved
    # customers: tests/lifecycle/test_move_customers.py
    assert ["customers_moved", "legacy_names_in_use", "rejected_write", "users_in_use"] == [
        file.rule for file in sql.folder("roll_back/to_not_started/blockers")
    ]


# What a plan leaves behind


@pytest.mark.parametrize("variant", list(Variant))
@first(1)
def test_the_first_plan_creates_the_ledger_and_nothing_else(make_shop: MakeShop, variant: Variant) -> None:
    """The first plan creates the schema artwork_migration with five tables, changes nothing else, and the phase is NOT_STARTED."""
    shop = make_shop(variant)
    before = objects(shop)
    keep(shop, planned_deployment(shop))
    assert before == objects(shop)
    tables = shop.rows(
        "SELECT relname FROM pg_class WHERE relnamespace = 'artwork_migration'::regnamespace AND relkind IN ('r', 'v') ORDER BY 1"
    )
    assert LEDGER_TABLES == [name for (name,) in tables]
    assert shop.value("SELECT COUNT(*) FROM artwork_migration.phase_history") == 0
    with shop.database.transaction("reading") as connection:
        assert ledger.phase(connection).phase is Phase.NOT_STARTED


@LONG
def test_the_same_plan_is_kept_once(shop: Shop) -> None:
    """Keeping the same plan twice adds no row."""
    for _ in range(3):
        keep(shop, planned_deployment(shop))
    assert shop.value("SELECT COUNT(*) FROM artwork_migration.plan") == 1


def test_the_kept_plan_is_what_was_shown(shop: Shop) -> None:
    """The ledger has every statement of a kept plan as it would be executed, with its lock and its undo."""
    made = planned_deployment(shop)
    keep(shop, made)
    with shop.database.transaction("reading") as connection:
        content = ledger.plan_content(connection, made.number)
    assert content is not None
    assert [(s.object, s.do, s.undo, s.lock) for s in made.statements] == [
        (s["object"], s["do"], s["undo"], s["lock"]) for s in content["statements"]
    ]


def test_a_plan_holds_no_value_of_a_row(shop: Shop) -> None:
    """A plan's text has ids and counts, and no e-mail, token or name of the sample."""
    order_for(shop, TEST_DATA)
    kept = str(planned_deployment(shop).content())
    for column in ("customer_email", "access_token", "customer_name"):
        values = shop.rows(
            pgsql.SQL("SELECT DISTINCT {0} FROM public.artworks WHERE LENGTH({0}) > 7").format(pgsql.Identifier(column))  # type: ignore[arg-type]  # wrong on purpose, or a psycopg.sql text
        )
        assert [] == [value for (value,) in values if value in kept]


def objects(shop: Shop) -> list[str]:
    """The schema dump without our schema."""
    command = [shop.server.binary("pg_dump"), "--schema-only", "--exclude-schema=artwork_migration", "-d", shop.server.conninfo(shop.name)]
    dumped = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line for line in dumped.splitlines() if "restrict " not in line]
