"""Every part of the carry-over is needed: left out of an executed plan, the row-by-row reading of law 8 fails, or it is told here why not.

The parts are taken from the plan itself, so a new statement is a new part. Each time the plan is executed in a transaction that is rolled
back. Whatever is new is handed out by default to everybody, so nothing is closed by chance.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from migration.plans import plan
from migration.plans.plan import Plan, Statement
from sample.build import Variant
from tests.access_diff import Before, before, differences
from tests.conftest import MakeShop
from tests.databases import Shop, deploy, migrate, planned_deployment, planned_roll_back, planned_switch, switch
from tests.roles import HANDED_OUT, NEWCOMER, OWNER, Caller, add_roles, few_rows, visible
from tests.series import LONG, series

#: Whoever notices most looks first.
LOOKING = ("anon", OWNER, "gaining", "owning", NEWCOMER, "service_role")

#: What makes a statement a part: something that says who may do what.
KINDS = {
    "closed": re.compile(r"(revoke_from_all|close_schema)\(|\bREVOKE\b"),
    "granted": re.compile(r"^GRANT "),
    "policy": re.compile(r"^(CREATE|ALTER) POLICY "),
    "row level security": re.compile(r" ROW LEVEL SECURITY"),
    "owner": re.compile(r" OWNER TO "),
    "options": re.compile(r"^CREATE (OR REPLACE |MATERIALIZED )*VIEW \S+ WITH \("),
}

#: The views of the dependents hold such statements as text.
RELATION = "relation of dependents"
#: What restores or refuses what was left out; it is not executed here, and has tests of its own in test_event_triggers.
SECOND_GUARD = {"what was created, as it was meant", "blocker altered_objects", "blocker altered_clean_table"}

#: Parts without which nothing is open, each with what protects as well.
PROTECTED_OTHERWISE = {
    r"policy: policy .Service role manages artworks. on ": "the service role bypasses row level security, with the policy and without",
    r"granted: public\.\w+\(": "what is not granted is not open; that the service role may call these is asked in test_exposure",
    r"owner: public\.\w+: ALTER (MATERIALIZED )?VIEW ": "it has that owner already; it is said for the lock that this takes",
}


#: Which parts of a plan a test leaves out, one at a time: each n-th one.
EACH_PART = pytest.mark.parametrize("nth", series([16, 1], {16}))


@EACH_PART
@LONG
def test_a_part_of_deploy_schema_left_out_is_noticed(shop: Shop, nth: int) -> None:
    """A plan of deploy_schema without any one of its protecting parts shows a role more, or the application less, than before."""
    was = before(shop, few_rows(shop))
    shop.sql.execute(HANDED_OUT)
    made = planned_deployment(shop)
    shop.database.write("keeping the plan", lambda connection: plan.keep(connection, made, "test"))
    copied = (
        "INSERT INTO artwork_migration.legacy_change (ids) SELECT ARRAY_AGG(a.id) FROM public.artworks AS a",
        "SELECT artwork_migration.catch_up_batch(1000)",
    )
    assert {"closed", "granted", "policy", "row level security", "owner"} == {part.split(":")[0] for part in parts(made)}
    assert [] == unnoticed(shop, was, made, nth, *copied)


@EACH_PART
@LONG
def test_a_part_of_the_switch_or_of_the_rollback_left_out_is_noticed(shop: Shop, nth: int) -> None:
    """A plan of the switch or the rollback without any one of its protecting parts shows a role more, or the application less."""
    was = before(shop, few_rows(shop))
    shop.sql.execute(HANDED_OUT)
    deploy(shop)
    migrate(shop)
    there = planned_switch(shop)
    assert {"closed", "granted", "policy", "owner", "options"} == {part.split(":")[0] for part in parts(there)}
    assert [] == unnoticed(shop, was, there, nth)
    switch(shop)
    back = planned_roll_back(shop)
    assert {"policy", "owner", "options"} == {part.split(":")[0] for part in parts(back)}
    assert [] == unnoticed(shop, was, back, nth)


@LONG
def test_a_users_table_of_ours_is_closed_twice(make_shop: MakeShop) -> None:
    """A `users` table of ours is closed by its privileges and by row level security: without either it is closed, without both open."""
    shop = make_shop(Variant.MINIMAL)
    add_roles(shop)
    shop.sql.execute(HANDED_OUT)
    made = planned_deployment(shop)
    shop.database.write("keeping the plan", lambda connection: plan.keep(connection, made, "test"))
    closed = [place for place, one in enumerate(made.statements) if one.object == "public.users" and KINDS["closed"].search(one.do)]
    statements = without(made, "", set())
    unguarded = [one.replace("ALTER TABLE public.users ENABLE ROW LEVEL SECURITY", "") for one in statements]
    somebody = "INSERT INTO public.users (email) VALUES ('ada@users.example')"
    for left_out, seen in (
        (statements, False),
        (_emptied(statements, closed), False),
        (unguarded, False),
        (_emptied(unguarded, closed), True),
    ):
        with executed(shop, left_out, somebody):
            assert seen == any(visible(shop, Caller(role), "SELECT u.email FROM public.users AS u") for role in ("anon", NEWCOMER))


def parts(made: Plan) -> dict[str, list[int]]:
    """The protecting statements of a plan by their places, under names; the grants of one object to one role are one part."""
    found: dict[str, list[int]] = {}
    for place, statement in enumerate(made.statements):
        for kind, pattern in KINDS.items():
            if _changes(statement) and pattern.search(statement.do):
                subject = statement.object if kind == "granted" else f"{statement.object}: {statement.do.splitlines()[0]}"
                found.setdefault(f"{kind}: {subject}", []).append(place)
    return found


def _changes(statement: Statement) -> bool:
    """Whether it changes something up to the commit; a recheck of a blocker does not, whatever its text says."""
    text_only = statement.object == RELATION or statement.object.startswith("blocker ")
    return statement.stage != "after" and not text_only and statement.object not in SECOND_GUARD


def without(made: Plan, part: str, places: list[int] | set[int]) -> list[str]:
    """The plan's statements but for the part and for what would notice it; of a view only its options are left out."""

    def left(statement: Statement) -> str:
        return re.sub(r" WITH \([^)]*\)", "", statement.do, count=1) if part.startswith("options") else ""

    every = [left(one) if place in places else one.do for place, one in enumerate(made.statements) if one.stage != "after"]
    return _emptied(every, [place for place, one in enumerate(made.statements) if one.object in SECOND_GUARD])


def _emptied(statements: list[str], places: list[int]) -> list[str]:
    return ["" if place in places else one for place, one in enumerate(statements)]


@contextmanager
def executed(shop: Shop, statements: list[str], *then: str) -> Iterator[None]:
    """For as long as the block takes, in a transaction that is rolled back."""
    with shop.sql.transaction(force_rollback=True):
        shop.sql.execute("SET LOCAL artwork_migration.apply = 'on'; SET LOCAL search_path = ''")
        shop.sql.execute(";\n".join(filter(None, (*statements, *then))))
        shop.sql.execute("SET LOCAL artwork_migration.apply = ''; SET LOCAL search_path = DEFAULT")
        yield


def unnoticed(shop: Shop, was: Before, made: Plan, nth: int, *then: str) -> list[str]:
    """Each n-th of the parts without which nothing is noticed and that nothing else protects, or that something else should and does not.

    Fails if there is something to say of the whole plan.
    """

    def noticed() -> bool:
        return any(differences(shop, was, halves=("artworks", "artworks_v2"), who=[one]) for one in LOOKING)

    with executed(shop, without(made, "", []), *then):
        assert not noticed()
    found = []
    for part, places in list(parts(made).items())[::nth]:
        protected = any(re.match(pattern, part) for pattern in PROTECTED_OTHERWISE)
        with executed(shop, without(made, part, places), *then):
            if noticed() == protected:
                found.append(part)
    return found
