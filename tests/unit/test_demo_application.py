"""What the demo takes for good: a complete journal, and no error but the one that a switch may cause, as often as it may."""

import pytest

from cli.demo_application import OUTDATED_PLAN, WORKERS, Check
from sample.entry import Side
from sample.journal import JournalReport, Missing


def check(*, missing: tuple[Missing, ...] = (), errors: dict[str, int] | None = None, overcome: int = 0, rows: int = 1) -> Check:
    journal = JournalReport({"legacy/upload": rows}, in_doubt=0, rows_checked=rows, values_checked=rows, missing=list(missing))
    return Check(Side.CLEAN, journal, transactions=rows, errors=errors or {}, overcome=overcome)


@pytest.mark.parametrize("times", [0, 1, WORKERS])
def test_an_outdated_plan_on_each_connection_is_good(times: int) -> None:
    """An outdated prepared plan, seen once per connection and retried with success, is no error of the demo."""
    assert check(errors={OUTDATED_PLAN: times}, overcome=times).good


@pytest.mark.parametrize(
    "bad",
    [
        check(missing=(Missing("id-1", "pet_name", "is another"),)),
        check(rows=0),
        check(errors={"40P01": 1}, overcome=1),
        check(errors={OUTDATED_PLAN: 1, "55P03": 1}, overcome=2),
        check(errors={OUTDATED_PLAN: 2}, overcome=1),
        check(errors={OUTDATED_PLAN: WORKERS + 1}, overcome=WORKERS + 1),
    ],
    ids=["missing", "nothing looked at", "another error", "another error too", "not overcome", "too often"],
)
def test_anything_else_is_not(bad: Check) -> None:
    """A missing value, another error, one whose retry failed, or a second one on a connection is an error of the demo."""
    assert not bad.good
