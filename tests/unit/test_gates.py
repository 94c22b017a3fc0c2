"""Whether a rule is red, and what a gate reports of its rules."""

import pytest

from migration.checks.gates import GateVerdict, RuleVerdict, require_green, require_verified
from migration.gate_errors import CheckFailed, GateBroken, GateFailed

#: Severity, bad rows and the reason why it was not judged; then the label, red and green.
CASES = [
    ("critical", 0, "", "green", False, True),
    ("critical", 1, "", "red", True, False),
    ("warning", 0, "", "green", False, True),
    ("warning", 1, "", "warning", False, False),
    ("info", 1, "", "info", False, False),
    ("critical", 0, "raised an error", "not judged", True, False),
    ("warning", 0, "raised an error", "not judged", True, False),
    ("info", 1, "checked nothing", "not judged", True, False),
]


def test_a_rule_that_does_not_apply_is_green_and_says_why() -> None:
    """It was not measured, makes no gate red, and its line has the reason."""
    rule = RuleVerdict("users", "a_rule", "critical", "It holds.", not_applicable="no users are created in auth.users")
    assert ("not applicable", False, True) == (rule.label, rule.red, rule.green)
    assert "not applicable: no users are created in auth.users" == rule.line
    require_green(GateVerdict("users", (rule,)))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_rule_is_red_if_it_is_critical_and_bad_or_was_not_judged(case: tuple[str, int, str, str, bool, bool]) -> None:
    """A warning never makes a gate red, and a rule that could not be judged always does."""
    severity, bad, broken, label, red, green = case
    rule = RuleVerdict("users", "a_rule", severity, "It holds.", bad=bad, broken=broken)
    assert (label, red, green) == (rule.label, rule.red, rule.green)
    gate = GateVerdict("users", (rule,))
    assert (["a_rule"] if red else []) == gate.red_names
    if red:
        with pytest.raises(GateBroken if broken else GateFailed):
            require_green(gate)
        with pytest.raises(CheckFailed):
            require_verified(gate, CheckFailed)
    else:
        require_green(gate)
        require_verified(gate, CheckFailed)


def test_a_gate_reports_how_to_fix_each_red_rule() -> None:
    """A red rule carries its fix into the error; a warning and a broken rule are not among the red rules."""
    red = RuleVerdict("users", "red", "critical", "It holds.", fix="Merge them.", bad=30, ids=[f"id-{n}" for n in range(30)])
    others = [RuleVerdict("users", "w", "warning", "", bad=1), RuleVerdict("users", "b", "critical", "", broken="raised an error")]
    (reported,) = GateVerdict("users", (red, *others)).red
    assert ("red", 30, 20, "Merge them.") == (reported.rule, reported.bad, len(reported.ids), reported.fix)
