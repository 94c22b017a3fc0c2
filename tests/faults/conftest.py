"""Both ways across the switch, ready to go."""

import pytest

from tests.shops import Shop
from tests.ways import WAYS, Way


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, migrated: Shop) -> Way:
    """The switch and the way back from it, in turn."""
    return Way.ready(migrated, request.param)
