"""Where a test of a fault begins: a shop whose plan has no blocker, and both ways across the switch, ready to go."""

import pytest

from tests.databases import Shop, accept_exposure
from tests.directions import DIRECTIONS, Direction


@pytest.fixture
def accepted(shop: Shop) -> Shop:
    """The sample, with the decision that its plan asks for."""
    accept_exposure(shop)
    return shop


@pytest.fixture(params=DIRECTIONS, ids=str)
def direction(request: pytest.FixtureRequest, migrated: Shop) -> Direction:
    """The switch and the way back from it, in turn."""
    return Direction.ready(migrated, request.param)
