"""Where a test of a fault begins: a shop whose plan has no blocker, and both ways across the switch, ready to go."""

import pytest

from tests.shops import Shop, accept_exposure
from tests.ways import WAYS, Way


@pytest.fixture
def accepted(shop: Shop) -> Shop:
    """The sample, with the decision that its plan asks for."""
    accept_exposure(shop)
    return shop


@pytest.fixture(params=WAYS, ids=str)
def way(request: pytest.FixtureRequest, migrated: Shop) -> Way:
    """The switch and the way back from it, in turn."""
    return Way.ready(migrated, request.param)
