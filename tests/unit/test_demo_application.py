"""What the demo takes for good: a complete journal, and no error but the one that a switch may cause, as often as it may."""

import pytest

from cli.demo_application import OUTDATED_PLAN, WORKERS, Check
from sample.journal import JournalReport, Missing
from sample.journal_entry import Side


def check(*, missing: tuple[Missing, ...] = (), errors: dict[str, int] | None = None, retried: int = 0, rows: int = 1) -> Check:
    journal = JournalReport({"legacy/upload": rows}, in_doubt=0, rows_checked=rows, values_checked=rows, missing=list(missing))
    return Check(Side.CLEAN, journal, transactions=rows, errors=errors or {}, retried=retried)


@pytest.mark.parametrize("times", [0, 1, WORKERS])
def test_an_outdated_plan_on_each_connection_is_good(times: int) -> None:
    """An outdated prepared plan, seen once per connection and retried with success, is no error of the demo."""
    assert check(errors={OUTDATED_PLAN: times}, retried=times).good


@pytest.mark.parametrize(
    "bad",
    [
        check(missing=(Missing("id-1", "pet_name", "is another"),)),
        check(rows=0),
        check(errors={"40P01": 1}, retried=1),
        check(errors={OUTDATED_PLAN: 1, "55P03": 1}, retried=2),
        check(errors={OUTDATED_PLAN: 2}, retried=1),
        check(errors={OUTDATED_PLAN: WORKERS + 1}, retried=WORKERS + 1),
    ],
    ids=["missing", "nothing looked at", "another error", "another error too", "not retried", "too often"],
)
def test_anything_else_is_not(bad: Check) -> None:
    """A missing value, another error, one whose retry failed, or a second one on a connection is an error of the demo."""
    assert not bad.good
