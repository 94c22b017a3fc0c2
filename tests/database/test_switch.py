"""The switch and the way back from it, in every variant and on both releases."""

import pytest

from sample.build import Variant
from tests.conftest import MakeShop
from tests.shops import planned_switch, reconcile_now, switch, switch_back


@pytest.mark.parametrize("variant", [Variant.MINIMAL, Variant.OLDER, Variant.CURRENT])
def test_there_and_back(make_shop: MakeShop, variant: Variant) -> None:
    """After the switch and the way back the schema is what it was and both sides agree."""
    shop = make_shop(variant, phase="MIGRATED")
    before = shop.schema_dump()
    assert () == planned_switch(shop).blockers
    switch(shop)
    switch_back(shop)
    assert before == shop.schema_dump()
    assert set(reconcile_now(shop)) <= {"match", "excluded", "quarantined"}
