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
from migration.plans import plan
from migration.plans.plan import Plan
from migration.settings import database_url
from migration.verbs import deploy_schema, roll_back
from sample.build import Variant
from tests.conftest import MakeShop
from tests.shops import Shop, accept_exposure, deploy, migrate, planned_deployment, uninstall

LEDGER_TABLES = ["decision", "phase_history", "plan", "step", "verification"]


def planned_uninstall(shop: Shop) -> Plan:
    """The plan of roll_back(to=NOT_STARTED), not kept."""
    with shop.database.transaction("planning") as connection:
        return roll_back.plan_uninstall(connection)


def keep(shop: Shop, made: Plan) -> None:
    """What a verb does with a plan that nobody has approved yet."""
    shop.database.write("keeping the plan", lambda connection: plan.keep(connection, made, "test-run"))


def confirm(shop: Shop, made: Plan, number: str) -> None:
    """What a verb does with the number it was given."""
    with shop.database.transaction("confirming the plan") as connection:
        plan.confirm(connection, made, Approval(number, "test", "test"))


def decide(shop: Shop, name: str, value: str) -> None:
    """An operator's choice."""
    with shop.database.transaction("deciding") as connection:
        ledger.create(connection)
        ledger.decide(connection, name, value, approved_by="test", reason="test", run_name="test-run")


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


def test_the_same_plan_has_the_same_number(shop: Shop) -> None:
    """Made twice, also over another connection of another program, it is the same number."""
    first = planned_deployment(shop)
    other = Database(database_url(shop.url), name="another program")
    with other.transaction("planning", isolation="REPEATABLE READ", transaction_read_only="on") as connection:
        second = deploy_schema.plan_deployment(connection)
    other.dispose()
    assert first.number == second.number
    assert first.content() == second.content()


def test_keeping_the_plan_does_not_change_its_number(shop: Shop) -> None:
    """The ledger that the first plan creates is no part of the plan."""
    first = planned_deployment(shop)
    keep(shop, first)
    assert first.number == planned_deployment(shop).number


def test_counts_do_not_change_the_number(shop: Shop) -> None:
    """The application goes on while somebody reads the plan: another artwork, order and user make no other number."""
    first = planned_deployment(shop)
    upload(shop)
    order_for(shop, "a.generation_status = 'completed' AND a.original_image_url NOT LIKE 'test-%%' AND a.access_token <> ''")
    shop.sql.execute("INSERT INTO public.users (email) VALUES ('somebody@example.org')")
    second = planned_deployment(shop)
    assert first.facts != second.facts
    assert first.number == second.number


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
    """Whatever on the tables changes what would be executed changes the number."""
    first = planned_deployment(shop)
    shop.sql.execute(change)
    second = planned_deployment(shop)
    assert first.statements != second.statements
    assert first.number != second.number


@pytest.mark.parametrize(
    ("name", "value"), [("in_flight_age", "01:00:00"), ("max_quarantined", "5"), ("function_roles", "service_role,authenticated")]
)
def test_a_changed_decision_makes_another_number(shop: Shop, name: str, value: str) -> None:
    """Each decision makes another number, and taken back the first one."""
    first = planned_deployment(shop)
    decide(shop, name, value)
    second = planned_deployment(shop)
    decide(shop, name, f"{value}0" if name == "max_quarantined" else value)
    third = planned_deployment(shop)
    assert first.number != second.number
    assert (name != "max_quarantined") == (second.number == third.number)


def test_another_database_makes_another_number(shop: Shop) -> None:
    """A copy of the database, alike to the last row, is another database."""
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
    """The way back planned from DEPLOYED is not the way back from MIGRATED."""
    first = planned_uninstall(deployed)
    migrate(deployed)
    second = planned_uninstall(deployed)
    assert first.number != second.number
    assert first.changes_since(second.content()) == ["the phase has changed"]


def test_a_run_that_stays_in_its_phase_does_not_change_the_number(migrated: Shop) -> None:
    """Catching up once more leaves the plan of the way back as it is."""
    first = planned_uninstall(migrated)
    migrate(migrated)
    assert first.number == planned_uninstall(migrated).number


def test_there_and_back_makes_another_number(deployed: Shop) -> None:
    """A plan made before a roll-back does not hold after the next deployment, although the statements are the same."""
    first = planned_uninstall(deployed)
    uninstall(deployed)
    deploy(deployed)
    second = planned_uninstall(deployed)
    assert first.statements == second.statements
    assert first.number != second.number


def test_a_number_from_before_the_roll_back_must_be_read_again(shop: Shop) -> None:
    """After roll_back(to=NOT_STARTED) nothing of ours remains, so the number can be the same; but nobody has read that plan since."""
    first = deploy(shop)
    uninstall(shop)
    accept_exposure(shop)
    again = planned_deployment(shop)
    assert first.number == again.number
    with pytest.raises(PlanOutdated, match="no plan with that number was made for this database"):
        confirm(shop, again, first.number)
    keep(shop, again)
    confirm(shop, again, first.number)


def test_a_new_blocker_makes_another_number_and_a_second_one_of_its_rule_does_not(accepted: Shop) -> None:
    """The names of the rules are in the number, ids are not."""
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


def test_a_number_of_another_verb_is_refused(shop: Shop) -> None:
    """The number that deploys is not the number that takes away."""
    first = deploy(shop)
    with pytest.raises(PlanOutdated) as caught:
        confirm(shop, planned_uninstall(shop), first.number)
    assert "the plan is for another verb" in caught.value.changes
    assert "the phase has changed" in caught.value.changes


@pytest.mark.parametrize("number", ["deadbeef", "x", "'; DROP TABLE artworks; --"])
def test_an_unknown_number_is_refused_and_creates_nothing(shop: Shop, number: str) -> None:
    """A number that no plan here has is refused before the ledger exists; nothing is created by asking."""
    before = shop.schema_dump()
    with pytest.raises(PlanOutdated, match="no plan with that number was made for this database"):
        confirm(shop, planned_deployment(shop), number)
    assert before == shop.schema_dump()


@pytest.mark.parametrize(("approved_by", "reason"), [(None, None), ("Ada", None), (None, "due"), ("Ada", " "), ("", "due")])
def test_a_number_needs_a_name_and_a_reason(approved_by: str | None, reason: str | None) -> None:
    """Whoever approves stands in the ledger, with why."""
    with pytest.raises(BadInput, match="approved_by and reason"):
        Approval.given("deadbeef", approved_by, reason)


@pytest.mark.parametrize("number", [None, "", "  "])
def test_without_a_number_it_is_only_a_plan(number: str | None) -> None:
    """An empty field in the form is no approval, whoever signs it."""
    assert Approval.given(number, "Ada", "due") is None


def test_blanks_around_what_was_typed_are_dropped() -> None:
    """A number copied with a blank is the number."""
    assert Approval("deadbeef", "Ada", "due") == Approval.given(" deadbeef ", " Ada ", " due\n")


@pytest.mark.parametrize(
    ("rule_broken", "disposition"),
    [
        (TEST_DATA, "test_data"),
        ("TRUE", "no_email"),
        ("TRUE", "no_access_token"),
    ],
)
def test_a_referenced_artwork_that_cannot_come_along_blocks(accepted: Shop, rule_broken: str, disposition: str) -> None:
    """The order would point nowhere after the switch: the plan names the artwork by its id, with what to do, and no value of it."""
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
    assert ("referenced_row", f"artwork {artwork}") == (blocker.rule, blocker.subject)
    assert f"it is not migrated ({disposition})" in blocker.problem
    assert "Give the artwork an e-mail and a token" in str(caught.value)
    assert before == shop.schema_dump()


def test_a_blocker_gone_is_another_plan(accepted: Shop) -> None:
    """With the order deleted the plan has no blocker, the number of before, and may run."""
    first = planned_deployment(accepted)
    keep(accepted, first)
    artwork = order_for(accepted, TEST_DATA)
    keep(accepted, planned_deployment(accepted))
    accepted.sql.execute("DELETE FROM public.orders WHERE artwork_id = %s", (artwork,))
    confirm(accepted, planned_deployment(accepted), first.number)


def test_a_rejected_write_blocks_the_way_back(deployed: Shop) -> None:
    """What the legacy table could not take would go with the clean table: roll_back is refused with the id, and no value."""
    artwork = uuid4()
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
def test_users_of_the_application_block_the_way_back(make_shop: MakeShop, claimed: bool) -> None:
    """A table users that deploy_schema created is not dropped with people in it who are not ours."""
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


def test_every_blocker_has_a_test_in_which_it_says_no() -> None:
    """The rules in the folders are those that are seen to refuse above."""
    # those of deploy_schema: test_bad_input.py
    assert ["rejected_write", "users_in_use"] == [file.rule for file in sql.folder("roll_back/to_not_started/blockers")]


# What a plan leaves behind


@pytest.mark.parametrize("variant", list(Variant))
def test_the_first_plan_creates_the_ledger_and_nothing_else(make_shop: MakeShop, variant: Variant) -> None:
    """Only the schema artwork_migration with its five tables is new; the phase is NOT_STARTED, the rest of the schema as it was."""
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


def test_the_same_plan_is_kept_once(shop: Shop) -> None:
    """Asking again adds nothing."""
    for _ in range(3):
        keep(shop, planned_deployment(shop))
    assert shop.value("SELECT COUNT(*) FROM artwork_migration.plan") == 1


def test_the_kept_plan_is_what_was_shown(shop: Shop) -> None:
    """Every statement stands in the ledger as it would be executed, with its lock and its undo."""
    made = planned_deployment(shop)
    keep(shop, made)
    with shop.database.transaction("reading") as connection:
        content = ledger.plan_content(connection, made.number)
    assert content is not None
    assert [(s.object, s.do, s.undo, s.lock) for s in made.statements] == [
        (s["object"], s["do"], s["undo"], s["lock"]) for s in content["statements"]
    ]


def test_a_plan_holds_no_value_of_a_row(shop: Shop) -> None:
    """Ids and counts only: no e-mail, token or name of the sample is in a plan's text."""
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
