"""The form of the verb decide."""

from flows.decide import decide
from migration.ledger.decisions import DecisionName


def test_the_help_tells_what_each_decision_takes() -> None:
    """The help of the decide form names every decision and says what it takes."""
    told = decide.parameters.properties["name"]["description"]
    assert [] == [name for name in DecisionName if name not in told]
