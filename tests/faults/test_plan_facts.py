"""What a plan tells its reader is true: who would see more, what was counted and how, which locks are taken."""

import dataclasses
import re
from contextlib import suppress

import pytest
from sqlalchemy import Connection, text

import sql
from migration import database
from migration.errors import Blocked, PlanOutdated
from migration.plans import estimates
from migration.plans.plan import Statement
from migration.verbs import deploy_schema
from reporting.plans import plan_markdown
from tests.databases import Shop, accept_exposure, planned_deployment, planned_switch
from tests.plans import confirm, decide, keep
from tests.series import LONG

# Exposure


@LONG
def test_exposure_is_accepted_by_a_decision(shop: Shop) -> None:
    """A plan with exposure is blocked, with its artworks and users counted, until it is accepted, and again if that is withdrawn."""
    artworks, users = shop.rows(
        "SELECT COUNT(*), COUNT(DISTINCT u.id) FROM public.artworks AS a JOIN public.users AS u ON u.email = a.customer_email"
        " WHERE a.user_id IS NULL AND a.generation_status = 'completed' AND a.original_image_url NOT LIKE 'test-%%'"
        " AND a.access_token <> ''"
    )[0]
    first = planned_deployment(shop)
    keep(shop, first)
    (blocker,) = first.blockers
    assert ("exposure_not_accepted", "user_gained") == (blocker.rule, blocker.subject)
    assert blocker.problem.startswith(f"{artworks:,} artworks without an owner")
    assert f"; {users:,} users would be able" in blocker.problem
    with pytest.raises(Blocked, match="decide accept_exposure user_gained"):
        confirm(shop, first, first.number)
    for value, blocking in (("user_changed", 1), ("user_gained", 0), ("user_gained,user_changed", 0), ("none", 1)):
        decide(shop, "accept_exposure", value)
        assert blocking == len(planned_deployment(shop).blockers), value


def test_without_exposure_nothing_needs_to_be_accepted(shop: Shop) -> None:
    """A plan without exposure has no blocker; a user who signs up meanwhile makes it another plan."""
    shop.sql.execute("DELETE FROM public.users AS u WHERE NOT EXISTS (SELECT FROM public.artworks AS a WHERE a.user_id = u.id)")
    shop.sql.execute("UPDATE public.artworks AS a SET user_id = u.id FROM public.users AS u WHERE a.customer_email = u.email")
    first = planned_deployment(shop)
    keep(shop, first)
    assert (0, ()) == (first.facts["exposure"]["user_gained"], first.blockers)
    shop.sql.execute(
        "INSERT INTO public.users (email) SELECT a.customer_email FROM public.artworks AS a"
        " WHERE a.user_id IS NULL AND a.generation_status = 'completed' AND a.original_image_url NOT LIKE 'test-%'"
        " AND a.access_token <> '' LIMIT 1"
    )
    with pytest.raises(PlanOutdated, match="a blocker has appeared or disappeared"):
        confirm(shop, planned_deployment(shop), first.number)


def test_without_exposure_the_plan_says_what_would_bring_some(shop: Shop) -> None:
    """A plan without exposure says that a claim before the switch would bring some, until it is decided."""
    shop.sql.execute("UPDATE public.artworks AS a SET user_id = u.id FROM public.users AS u WHERE a.customer_email = u.email")
    coming = "⚠ Record the decision `artwork-migration run decide accept_exposure user_gained` anyway"
    undecided = planned_deployment(shop)
    assert (0, True) == (undecided.facts["exposure"]["user_gained"], coming in plan_markdown(undecided))
    decide(shop, "accept_exposure", "user_gained")
    assert coming not in plan_markdown(planned_deployment(shop))


# Counting


@LONG
def test_a_quarantine_is_announced(accepted: Shop) -> None:
    """The plan announces a red gate if a row would be in quarantine or artworks may share a token, and only then."""
    announced = "⚠ Rows in quarantine make `migrate-data` red"
    clean = planned_deployment(accepted)
    assert [] == [name for name in clean.facts["legacy_rows"] if name.startswith("quarantined")]
    assert announced not in plan_markdown(clean)
    assert announced in plan_markdown(dataclasses.replace(clean, facts={**clean.facts, "legacy_rows": {"quarantined: no_created_at": 1}}))
    accepted.sql.execute("ALTER TABLE public.artworks DROP CONSTRAINT artworks_access_token_key")
    assert announced in plan_markdown(planned_deployment(accepted))


@LONG
def test_a_large_table_is_counted_in_a_sample(accepted: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Informational counts of a large table are marked estimates, the same each time; counts that decide are exact."""
    exact = planned_deployment(accepted)
    assert 100 == exact.facts["sample_percent"]
    assert "about" not in plan_markdown(exact).split("## Columns")[0]
    assert accepted.value("SELECT COUNT(*) FROM public.artworks") == sum(exact.facts["legacy_rows"].values())
    monkeypatch.setattr(estimates, "SAMPLE_BLOCKS", 40)
    sampled = planned_deployment(accepted)
    assert sampled.facts == planned_deployment(accepted).facts
    assert 0 < sampled.facts["sample_percent"] < 100
    assert f"Estimated from {sampled.facts['sample_percent']:.2g} % of the table." in plan_markdown(sampled)
    for counted in ("eligible", "not_completed"):
        assert 0.6 < sampled.facts["legacy_rows"][counted] / exact.facts["legacy_rows"][counted] < 1.6
    assert set(exact.facts["columns_not_carried"]) == set(sampled.facts["columns_not_carried"])
    assert exact.facts["legacy_rows"] != sampled.facts["legacy_rows"]
    assert exact.facts["exposure"] == sampled.facts["exposure"]
    assert exact.number == sampled.number


@LONG
def test_what_takes_too_long_is_not_counted_and_the_plan_says_so(accepted: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exposure that took too long to count blocks for every kind not accepted; other counts are marked, and the plan is made."""
    monkeypatch.setattr(estimates, "COUNT_SECONDS", 0.05)
    session = accepted.session()
    session.execute("LOCK TABLE public.orders IN ACCESS EXCLUSIVE MODE")
    made = planned_deployment(accepted)
    session.rollback()
    assert (None, None) == (made.facts["legacy_rows"], made.facts["exposure"])
    assert list(deploy_schema._READ_ROWS) == sorted(made.facts["not_checked"], key=deploy_schema._READ_ROWS.index)
    assert [("exposure_not_accepted", "user_changed")] == [(one.rule, one.subject) for one in made.blockers]
    told = plan_markdown(made)
    assert "⚠ referenced_row: not checked, because the query exceeded its time limit. The gate `legacy_artworks` rechecks it." in told
    assert 6 == told.count("⚠ Not counted")
    decide(accepted, "accept_exposure", "user_gained,user_changed")
    assert () == planned_deployment(accepted).blockers


def test_what_only_asks_the_catalog_is_asked_however_long_it_takes(accepted: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question to the catalog blocks also after the time bound for counting, because nothing checks it later."""
    monkeypatch.setattr(estimates, "COUNT_SECONDS", 0.05)
    accepted.sql.execute(
        "CREATE TRIGGER _pgroll_one BEFORE UPDATE ON public.artworks FOR EACH ROW EXECUTE FUNCTION public.set_updated_at()"
    )
    session = accepted.session()
    session.execute("LOCK TABLE public.orders IN ACCESS EXCLUSIVE MODE")
    made = planned_deployment(accepted)
    session.rollback()
    assert list(deploy_schema._READ_ROWS) == sorted(made.facts["not_checked"], key=deploy_schema._READ_ROWS.index)
    assert {"exposure_not_accepted", "other_migration"} == {blocker.rule for blocker in made.blockers}


def test_planning_reads_and_holds_no_more_than_a_reader(accepted: Shop) -> None:
    """Planning reads one snapshot and holds no lock but a reader's."""
    with accepted.database.transaction("planning", isolation="REPEATABLE READ", transaction_read_only="on") as connection:
        deploy_schema.plan_deploy_schema(connection)
        modes = connection.execute(
            text("SELECT DISTINCT l.mode FROM pg_catalog.pg_locks AS l WHERE l.pid = PG_BACKEND_PID() AND l.locktype = 'relation'")
        ).scalars()
        assert ["AccessShareLock"] == list(modes)


def test_the_estimate_of_the_room_is_about_what_it_takes(migrated: Shop, accepted: Shop) -> None:
    """The estimated size of clean table and indexes is between half and double of what they become."""
    size = planned_deployment(accepted).facts["size"]
    assert 0.5 < size["clean_table"] / migrated.value("SELECT PG_TABLE_SIZE('public.artworks_v2')") < 2
    assert 0.5 < size["clean_indexes"] / migrated.value("SELECT PG_INDEXES_SIZE('public.artworks_v2')") < 2


# Locks


def test_the_locks_and_the_rollback_stand_in_the_head(shop: Shop) -> None:
    """A plan's head has its locked tables by mode, and the command to run it only without a blocker."""
    blocked = planned_deployment(shop)
    head = plan_markdown(blocked).split("## Blockers")[0]
    assert "The plan has 1 blocker, listed below." in head
    assert "--plan" not in head
    accept_exposure(shop)
    made = planned_deployment(shop)
    head = plan_markdown(made).split("## Blockers")[0]
    assert f"`artwork-migration run deploy-schema --plan {made.number} --approved-by NAME --reason WHY`" in head
    modes = dict(re.findall(r"(?<= )(`[^A-Z]+`) ([A-Z ]+)(?=[;:])", head))
    assert {"`public.users`": "ACCESS EXCLUSIVE", "`public.orders`, `public.artworks`": "SHARE ROW EXCLUSIVE"} == modes
    assert "less than half of `deadlock_timeout`. **To undo:** `roll-back --to NOT_STARTED`." in head


def test_the_switch_names_once_what_it_locks(migrated: Shop) -> None:
    """The plan of the switch names each locked view and table once, and not the view that it makes."""
    ((names, mode),) = re.findall(r"\*\*Locks:\*\* (`[^A-Z]+`) ([A-Z ]+):", plan_markdown(planned_switch(migrated)))
    locked = ["public.artwork_gallery", "public.artwork_sales", "public.orders", "public.artworks", "public.artworks_v2"]
    assert (locked, "ACCESS EXCLUSIVE") == (re.findall(r"`([^`]+)`", names), mode)


def test_what_follows_the_switch_says_what_it_waits_for(migrated: Shop) -> None:
    """Every statement after the commit names the relation whose holders a message will name, and a key is validated as a validation."""
    after = {one.object: (one.kind, one.waits_on) for one in planned_switch(migrated).statements if one.stage == "after"}
    assert {
        "key orders_artwork_id_fkey on public.orders validated": (sql.VALIDATION, "public.orders"),
        "materialized view public.artwork_sales refreshed": (None, "public.artwork_sales"),
    } == after


def test_each_statement_takes_the_locks_that_the_plan_says(accepted: Shop) -> None:
    """Executed one by one, each statement takes only the locks on the application's tables that its plan shows."""
    made = planned_deployment(accepted)
    told: dict[str, list[str]] = {"untold": [], "untrue": [], "empty": []}
    with suppress(Undone), accepted.database.transaction("executing") as connection:
        had: set[tuple[str, str]] = set()
        for one in made.statements:
            database.run_literally(connection, one.do)
            held = locks_on_the_application(connection)
            told["untold"] += [f"{one.object}: {mode} on {table}" for table, mode in held - had if not says(one, table, mode)]
            told["untrue"] += [f"{one.object}: {line}" for line in claims(one) if not any(line == mode for _, mode in held)]
            told["empty"] += [one.object for _ in range(not one.lock)]
            had = held
        raise Undone
    assert {"untold": [], "untrue": [], "empty": []} == told
    assert {"ACCESS EXCLUSIVE", "SHARE ROW EXCLUSIVE"} <= {mode for _, mode in had}


class Undone(Exception):
    """Rolls the statements back."""


def locks_on_the_application(connection: Connection) -> set[tuple[str, str]]:
    """Table and mode, as SQL spells it, of what this transaction holds on tables that were there before."""
    found = connection.execute(
        text(
            "SELECT c.oid::regclass::text, REGEXP_REPLACE(l.mode, '(?<!^)(?=[A-Z])', ' ', 'g') FROM pg_catalog.pg_locks AS l"
            " JOIN pg_catalog.pg_class AS c ON c.oid = l.relation WHERE l.pid = PG_BACKEND_PID() AND l.locktype = 'relation'"
            " AND c.relkind IN ('r', 'v', 'm') AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'artworks_v2'"
        )
    )
    return {(table, mode.upper().removesuffix(" LOCK")) for table, mode in found}


def says(one: Statement, table: str, mode: str) -> bool:
    """Whether the statement's line tells of this lock: the mode, and the table by its name or as its object."""
    name = table.removeprefix("public.")
    named = re.search(rf"\b{name}\b", f"{one.object} {one.lock}") or "referencing tables" in one.lock or "each table" in one.lock
    return mode in one.lock and bool(named)


def claims(one: Statement) -> list[str]:
    """The strong modes that the statement says it takes, or has, while it is executed; not what a function takes when called."""
    if "when called" in one.lock or "when fired" in one.lock or "artworks_v2" in one.lock:
        return []
    return re.findall(r"ACCESS EXCLUSIVE|SHARE ROW EXCLUSIVE", one.lock)
