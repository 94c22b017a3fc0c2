"""The form of the verb decide."""

from flows.decide import decide
from migration.ledger.decisions import DecisionName


def test_the_help_tells_what_each_decision_takes() -> None:
    """Whoever fills in the form reads there of every choice, each by its name."""
    told = decide.parameters.properties["name"]["description"]
    assert [] == [name for name in DecisionName if name not in told]
