"""Hosted databases give no superuser: the whole way as a role that owns the application's objects and nothing else."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.conftest import MakeShop
from tests.databases import deploy, finish_switch, migrate, planned_switch, reconcile_now, roll_back, switch, uninstall
from tests.owned import HANDED_OVER, OwnedShop, handed_over
from tests.series import LONG, series


@pytest.fixture
def owned(make_shop: MakeShop) -> Iterator[OwnedShop]:
    """Not started, everything in it owned by a role that is no superuser and bypasses nothing."""
    with handed_over(make_shop()) as shop:
        yield shop


@LONG
def test_the_whole_way_needs_no_superuser(owned: OwnedShop) -> None:
    """The tables' owner, who is no superuser, can run every verb in both directions, and the dump is as before."""
    assert owned.database.url.username == "shopkeeper"
    assert not owned.value("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = 'shopkeeper'")
    before = owned.schema_dump()
    deploy(owned)
    migrate(owned)
    migrated = owned.schema_dump()
    for _ in range(2):
        switch(owned)
        owned.sql.execute(f"SELECT create_artwork('Ada', '{uuid4()}@example.com', 'Rex', 'https://a/1', 'https://a/2')")  # type: ignore[call-overload]  # made of this test's own names
        roll_back(owned)
        assert migrated == owned.schema_dump()
        assert set(migrate(owned)) <= {"match", "excluded", "quarantined"}
    uninstall(owned)
    assert before == owned.schema_dump()


NOT_OURS = {
    "view": ("CREATE VIEW theirs AS SELECT id FROM artworks", "theirs"),
    "materialized view": ("CREATE MATERIALIZED VIEW theirs AS SELECT id FROM artworks", "theirs"),
    "policy": ("CREATE TABLE theirs (id uuid); CREATE POLICY one ON theirs USING (EXISTS (SELECT FROM artworks))", "theirs"),
    "publication": ("CREATE PUBLICATION theirs FOR TABLE artworks", "publication theirs"),
}


@pytest.mark.parametrize("kind", series(NOT_OURS, {"view"}))
@LONG
def test_what_belongs_to_somebody_else_blocks_the_plan(owned: OwnedShop, kind: str) -> None:
    """An object of another owner blocks the plan, because it could not be recreated; after a change of owner the switch goes through."""
    deploy(owned)
    migrate(owned)
    statement, subject = NOT_OURS[kind]
    owned.sql.execute(statement)  # type: ignore[call-overload]  # made of this test's own names
    found = {blocker.subject: blocker for blocker in planned_switch(owned).blockers if blocker.rule == "not_owner"}
    assert [subject] == [name.removeprefix("public.") for name in found]
    assert all("belongs to postgres" in blocker.problem and "GRANT" in blocker.remedy for blocker in found.values())
    owned.sql.execute(HANDED_OVER)
    assert () == planned_switch(owned).blockers
    switch(owned)
    assert [] == finish_switch(owned)
    roll_back(owned)
    assert set(reconcile_now(owned)) <= {"match", "excluded", "quarantined"}
