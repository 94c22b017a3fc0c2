"""Every part of the carry-over is needed: left out of the executed plan, the row-by-row reading of law 8 fails, or it is told here why not.

The parts are taken from the plan itself, so a new statement is a new part. It is executed and looked at inside a transaction that is
rolled back, which needs no database of its own. Whatever is new is handed out by default to everybody.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from migration import plan
from migration.plan import Plan, Statement
from tests.conftest import MakeShop
from tests.exposure import Before, before, complaints
from tests.shops import Shop, deploy, migrate, planned_deployment, planned_switch, planned_way_back, switch
from tests.visitors import HANDED_OUT, few_rows

#: One who has each kind of right that the application's roles have, and one who has none.
LOOKING = ("anon", "exposure_owner", "gaining", "owning", "exposure_newcomer", "service_role")

_PARTS = {
    "closed": r"close_(to_others|schema)\(|\mREVOKE\b",
    "granted": r"^GRANT ",
    "policy": r"^(CREATE|ALTER) POLICY ",
    "row level security": r" ROW LEVEL SECURITY",
    "owner": r" OWNER TO ",
    "options": r"^CREATE (OR REPLACE |MATERIALIZED )*VIEW \S+ WITH \(",
}
PARTS = {name: re.compile(pattern.replace(r"\m", r"\b")) for name, pattern in _PARTS.items()}


def parts(made: Plan) -> dict[str, set[int]]:
    """The protecting statements of a plan by their place, under names; the grants of one object to one role are one part."""
    found: dict[str, set[int]] = {}
    for place, statement in enumerate(made.statements):
        for kind, pattern in PARTS.items():
            if statement.stage != "after" and pattern.search(statement.do):
                subject = statement.object if kind == "granted" else f"{statement.object}: {statement.do.splitlines()[0][:60]}"
                found.setdefault(f"{kind}: {subject}", set()).add(place)
    return found


def without(made: Plan, part: str, places: set[int]) -> list[str]:
    """The plan's statements but for the part; of a view only its options are left out."""

    def left(place: int, statement: Statement) -> str:
        if place not in places:
            return statement.do
        return re.sub(r" WITH \([^)]*\)", "", statement.do, count=1) if part.startswith("options") else ""

    return [left(place, statement) for place, statement in enumerate(made.statements) if statement.stage != "after"]


@contextmanager
def executed(shop: Shop, statements: list[str], *then: str) -> Iterator[None]:
    """For as long as the block takes, in a transaction that is rolled back."""
    with shop.sql.transaction(force_rollback=True):
        shop.sql.execute("SET LOCAL artwork_migration.apply = 'on'; SET LOCAL search_path = ''")
        shop.sql.execute(";\n".join(filter(None, (*statements, *then))))
        shop.sql.execute("SET LOCAL artwork_migration.apply = ''; SET LOCAL search_path = DEFAULT")
        yield


def unnoticed(shop: Shop, was: Before, made: Plan, *then: str) -> set[str]:
    """The parts without which nobody reads or writes anything else than with them. Fails if there is something to say of the whole plan."""

    def noticed() -> bool:
        return any(complaints(shop, was, halves=("artworks", "artworks_v2"), who=[one]) for one in LOOKING)

    with executed(shop, without(made, "", set()), *then):
        assert not noticed()
    missed = set()
    for part, places in parts(made).items():
        with executed(shop, without(made, part, places), *then):
            if not noticed():
                missed.add(part)
    return missed


COPIED = (
    "INSERT INTO artwork_migration.legacy_change (ids) SELECT ARRAY_AGG(a.id) FROM public.artworks AS a",
    "SELECT artwork_migration.catch_up_batch(1000)",
)


def test_deploy(shop: Shop) -> None:
    was = before(shop, few_rows(shop))
    shop.sql.execute(HANDED_OUT)
    made = planned_deployment(shop)
    shop.database.write("keeping the plan", lambda connection: plan.keep(connection, made, "test"))
    assert set() == unnoticed(shop, was, made, *COPIED)


def test_switch(shop: Shop) -> None:
    was = before(shop, few_rows(shop))
    shop.sql.execute(HANDED_OUT)
    deploy(shop)
    migrate(shop)
    a= unnoticed(shop, was, planned_switch(shop))
    switch(shop)
    b= unnoticed(shop, was, planned_way_back(shop))
    assert (set(), set()) == (a, b)
