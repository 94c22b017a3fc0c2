"""Each rule has its texts, its SQL and its section in docs/validation.md."""

from pathlib import Path

import pytest
from great_expectations.expectations.expectation import Expectation

import sql
from expectations import documentation
from expectations.rules import Measured, Suite, declaration
from expectations.suites import SUITES
from expectations.verification import FIX_WHILE_SERVING
from migration.checks import gates, verification

RULES = {f"{suite.name}.{rule.expectation_type}": rule for suite in SUITES.values() for rule in suite.rules}
FILES = [file for suite in sql.folders("rules") for file in sql.folder(f"rules/{suite}")]


def test_the_committed_page_is_the_generated_one() -> None:
    """docs/validation.md is what `make docs` writes."""
    committed = Path(__file__).parents[2] / "docs" / "validation.md"
    assert documentation.page() == committed.read_text(encoding="utf-8"), "run `make docs`"


@pytest.mark.parametrize("name", RULES)
def test_a_rule_says_what_should_hold_why_and_how_to_fix_it(name: str) -> None:
    """Each of the three texts of a rule is there, begins with a word and ends with a full stop."""
    texts = declaration(RULES[name])
    for text in (texts.description, texts.why, texts.fix):
        assert len(text.split()) > 2
        assert text[0].isalnum() or text[0] == "`"
        assert text.endswith(".")


def test_each_fix_while_serving_belongs_to_a_rule() -> None:
    """The fixes that differ after the switch are used by the rules that they name."""
    rules = {rule.__name__: declaration(rule).fix for rule in SUITES["verification"].columns}
    assert FIX_WHILE_SERVING == {name: fix for name, fix in rules.items() if name in FIX_WHILE_SERVING}


def test_no_two_suites_have_a_rule_of_one_name() -> None:
    """Findings and Great Expectations know a rule by its name only."""
    names = [rule.expectation_type for rule in RULES.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("suite", [suite for suite in SUITES if suite != "reconciliation"])
def test_each_measured_rule_has_its_file_and_each_file_its_rule(suite: str) -> None:
    """Files and rules are in the same order; the checks of `verification` measure its first rules, `reconcile` all of its own."""
    checked = [rule for rules in verification.CHECKS.values() for rule in rules] if suite == verification.SUITE else []
    files = sql.folder(f"rules/{suite}") if suite in sql.folders("rules") else []
    assert [*checked, *(file.rule for file in files)] == [rule.expectation_type for rule in SUITES[suite].measured]


def test_each_folder_of_rules_has_its_suite() -> None:
    """No file of a rule is left out because its folder has another name than a suite."""
    assert {path.name for path in (sql.ROOT / "rules").iterdir()} <= set(SUITES)


@pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)
def test_a_suite_has_rules_of_both_kinds_in_their_places(suite: Suite) -> None:
    """Measured rules are those that are judged by their rule result, and no others."""
    assert suite.rules
    assert suite.about
    assert [] == [rule for rule in suite.measured if not is_measured(rule)]
    assert [] == [rule for rule in suite.columns if is_measured(rule)]


def test_there_are_files_of_rules() -> None:
    """The list of the next test is not empty."""
    assert len(FILES) > 10


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_a_file_of_a_rule_is_two_queries(file: sql.SqlFile) -> None:
    """What is bad as id and about, then how much was checked; neither writes, and neither has a parameter."""
    bad, checked = gates.queries(file)
    assert bad.startswith(("SELECT", "WITH"))
    assert " AS about" in bad
    assert checked.startswith("SELECT COUNT(*)")
    assert ":run" not in file.statement
    assert "INSERT" not in file.statement


def test_a_file_without_its_count_is_no_rule() -> None:
    """The line `-- Checked:` is required."""
    with pytest.raises(ValueError, match="no part Checked"):
        gates.queries(sql.SqlFile("rules/users/01_a_rule", {}, "SELECT NULL AS id"))


def is_measured(rule: type[Expectation]) -> bool:
    return issubclass(rule, Measured)
