"""The gate fails closed: whatever keeps it from looking is a failed gate, and another error than bad data."""

import pytest

from migration.errors import GateBroken
from tasks.validation import validate
from tests.shops import Shop, running

RESULTS = "SELECT * FROM artwork_migration.rule_result WHERE run = (SELECT MAX(run) FROM artwork_migration.rule_result)"


def test_a_dropped_rule_breaks_the_gate(migrated: Shop) -> None:
    """A suite that holds fewer rules than it should, or none, is not judged at all."""
    from great_expectations import ExpectationSuite

    from expectations.reconciliation import RULE_BY_TYPE, reconciliation

    suite = reconciliation()
    suite.expectations.pop()
    with running(migrated) as run:
        for dropped, wanted in ((suite, len(RULE_BY_TYPE)), (ExpectationSuite(name="empty"), 0)):
            with pytest.raises(GateBroken):
                validate(run, dropped, RESULTS, wanted)


def test_rows_that_cannot_be_read_break_the_gate(migrated: Shop) -> None:
    """An SQL error is told as a gate that could not be judged, without the driver's text."""
    from expectations.reconciliation import RULE_BY_TYPE, reconciliation

    with running(migrated) as run, pytest.raises(GateBroken):
        validate(run, reconciliation(), "SELECT * FROM artwork_migration.no_such_table", len(RULE_BY_TYPE))


@pytest.mark.parametrize(
    ("rows", "green"),
    [
        (RESULTS, 8),
        (f"{RESULTS} AND FALSE", 0),
        (f"SELECT rule, 0 AS looked_at, bad FROM ({RESULTS}) AS r", 0),
        (f"SELECT rule, looked_at, 1 AS bad FROM ({RESULTS}) AS r", 0),
        (f"SELECT * FROM ({RESULTS}) AS r WHERE rule <> 'missing'", 7),
    ],
    ids=["green", "no rows", "nothing looked at", "all bad", "one rule's row missing"],
)
def test_every_rule_says_no(migrated: Shop, rows: str, green: int) -> None:
    """A rule is green only if it looked at something and found nothing bad."""
    from expectations.reconciliation import RULE_BY_TYPE, reconciliation

    with running(migrated) as run:
        result = validate(run, reconciliation(), rows, len(RULE_BY_TYPE))
    assert green == sum(1 for one in result.results if one.success)
