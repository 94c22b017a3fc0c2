"""What `make test` runs of the series, and the shares of the exhaustive ones."""

import pytest

from tests.series import first, mark_others, others


@pytest.mark.parametrize("_case", range(3))
@first(1)
def test_make_test_runs_the_first_cases(_case: int, request: pytest.FixtureRequest) -> None:
    """Of a test that says how many cases are enough, the others are exhaustive; marked a second time it has no more of them."""
    of_this = [item for item in request.session.items if item.nodeid.startswith(request.node.nodeid.split("[")[0])]
    mark_others(of_this)
    exhaustive = [bool(item.get_closest_marker("exhaustive")) for item in of_this]
    assert [False, *[True] * (len(of_this) - 1)] == exhaustive


def test_the_shares_together_are_everything() -> None:
    """Each case is in exactly one of four shares, and the only share of one has all."""
    cases = range(10)
    shares = [set(cases) - set(others(cases, f"{number}/4")) for number in (1, 2, 3, 4)]
    assert sorted(cases) == sorted(case for share in shares for case in share)
    assert [] == others(cases, "1/1")
