"""Shares of the exhaustive series."""

from tests.series import others


def test_the_shares_together_are_everything() -> None:
    """Each case is in exactly one of four shares, and the only share of one has all."""
    cases = range(10)
    shares = [set(cases) - set(others(cases, f"{number}/4")) for number in (1, 2, 3, 4)]
    assert sorted(cases) == sorted(case for share in shares for case in share)
    assert [] == others(cases, "1/1")
