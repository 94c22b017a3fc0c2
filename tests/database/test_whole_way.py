"""There and back in every variant, on both releases."""

import pytest

from sample.build import Variant
from sample.server import EmbeddedServer
from tests.conftest import MakeShop
from tests.databases import deploy, migrate, uninstall
from tests.series import LONG, first


@pytest.mark.parametrize("variant", list(Variant))
@first(1)
def test_roll_back_leaves_the_schema_as_it_was(make_shop: MakeShop, either_server: EmbeddedServer, variant: Variant) -> None:
    """After deploy, migrate and roll-back --to NOT_STARTED the schema dump is the one taken before."""
    shop = make_shop(variant, on=either_server)
    before = shop.schema_dump()
    deploy(shop)
    counts = migrate(shop)
    assert counts["match"] > 1000
    assert set(counts) <= {"match", "excluded", "quarantined"}
    uninstall(shop)
    assert before == shop.schema_dump()


@LONG
@pytest.mark.parametrize("variant", list(Variant))
def test_roll_back_removes_just_the_users_we_created(make_shop: MakeShop, variant: Variant) -> None:
    """roll-back --to NOT_STARTED deletes the users that migrate_data created and no other."""
    shop = make_shop(variant)
    question = "SELECT ARRAY_AGG(id ORDER BY id) FROM public.users"
    before = shop.value(question) if variant is not Variant.MINIMAL else None
    deploy(shop)
    migrate(shop)
    uninstall(shop)
    assert before == (shop.value(question) if variant is not Variant.MINIMAL else None)
