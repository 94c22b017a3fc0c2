"""What `make test` runs of the series, and the shares of the exhaustive ones."""

import subprocess
import sys

from tests.documents import ROOT
from tests.series import others


def test_make_test_runs_the_first_cases_and_make_test_all_every_one() -> None:
    """Of a test that says how many are enough, `make test` collects so many cases; without the exclusion all are there."""
    counts = []
    for excluded in (["-m", "not exhaustive"], []):
        collect = [sys.executable, "-m", "pytest", "--collect-only", "-q", *excluded, "tests/faults/test_mutated_mapping.py"]
        listed = subprocess.run(collect, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        counts.append(listed.count("test_a_rule_that_keeps_a_row_out_is_named["))
    assert 2 == counts[0] < counts[1]


def test_the_shares_together_are_everything() -> None:
    """Each case is in exactly one of four shares, and the only share of one has all."""
    cases = range(10)
    shares = [set(cases) - set(others(cases, f"{number}/4")) for number in (1, 2, 3, 4)]
    assert sorted(cases) == sorted(case for share in shares for case in share)
    assert [] == others(cases, "1/1")
