"""Law 8 from the first phase to the last: no role reads or writes a row, by table, view or function, that it could not before."""

from pathlib import Path

import pytest

from migration.ledger import ledger
from sample.build import Variant
from tests.access_diff import before, differences
from tests.conftest import MakeShop
from tests.databases import (
    decide,
    deploy,
    execute_clean_up,
    finish_clean_up,
    make_ready,
    migrate,
    planned_deployment,
    roll_back,
    switch,
    uninstall,
)
from tests.roles import few_rows
from tests.series import LONG, series

BESIDE = ("artworks", "artworks_v2")


@pytest.mark.parametrize(
    ("variant", "release", "old_names"),
    series(
        [
            (Variant.CURRENT, "server", "yes"),
            (Variant.CURRENT, "server", "no"),
            (Variant.OLDER, "server", "yes"),
            (Variant.CURRENT, "server_16", "yes"),
        ],
        {(Variant.CURRENT, "server", "yes")},
    ),
)
@LONG
def test_no_role_reads_or_writes_what_they_could_not_before(
    make_shop: MakeShop, request: pytest.FixtureRequest, tmp_path: Path, *, variant: Variant, release: str, old_names: str
) -> None:
    """In every phase each role gains, row by row and column by column, only what the plan counts, and loses nothing.

    So it is also where the schema legacy_names shows the artworks a second time.
    """
    shop = make_shop(variant, on=request.getfixturevalue(release))
    was = before(shop, few_rows(shop))
    assert ["service_role"] == [name for name in was.known if was.saw_all(name)]
    counted = planned_deployment(shop).facts["exposure"]

    shop.database.write("creating the ledger", ledger.create)
    decide(shop, "serve_old_names", old_names)
    deploy(shop)
    assert [] == differences(shop, was, halves=["artworks"])
    migrate(shop)
    assert [] == differences(shop, was, halves=BESIDE)
    shop.sql.execute("INSERT INTO artwork_migration.customer_move VALUES (1, 'clean', 0, 5000, TRUE)")
    assert [] == differences(shop, was, halves=BESIDE), "moved customers"
    clean = {key for (key,) in shop.rows("SELECT v.id::text FROM public.artworks_v2 AS v")}
    registered = shop.rows("SELECT u.email FROM public.users AS u WHERE u.id NOT IN (SELECT c.id FROM artwork_migration.created_user AS c)")
    gained = [clean & set(was.unowned.get(email, ())) for (email,) in registered]
    expected = {"user_gained": sum(map(len, gained)), "users_gaining": sum(map(bool, gained)), "user_changed": 0, "users_changed": 0}
    assert expected == counted
    assert counted["user_gained"] > 0

    switch(shop)
    assert [] == differences(shop, was, halves=BESIDE)
    roll_back(shop)
    assert [] == differences(shop, was, halves=BESIDE)
    uninstall(shop)
    assert [] == differences(shop, was, halves=["artworks"])

    for again in (deploy, migrate, switch, make_ready, execute_clean_up):
        again(shop)
    finish_clean_up(shop, tmp_path)
    assert [] == differences(shop, was, halves=["artworks"])
