"""docs/validation.md and the suites say the same, in both directions."""

import re
from pathlib import Path

import pytest
from great_expectations.expectations.expectation import Expectation

import sql
from expectations.rules import Measured
from expectations.suites import SUITES
from migration.checks import verification

TEXT = (Path(__file__).parents[2] / "docs" / "validation.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))
RULES = {f"{suite.name}.{rule.expectation_type}": rule for suite in SUITES.values() for rule in suite.rules}


def test_every_rule_has_its_section_and_every_section_its_rule() -> None:
    """docs/validation.md has one section per rule, in the order of the suites, and no other."""
    assert list(RULES) == list(SECTIONS)
    assert list(SUITES) == re.findall(r"^## (\S+)$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("name", RULES)
def test_the_section_says_what_the_class_says(name: str) -> None:
    """The severity and the description word for word, why, and what to do."""
    fields = RULES[name].__fields__
    assert f"*{fields['severity'].default.value}* — {fields['description'].default}" in SECTIONS[name]
    assert re.search(r"^- \*\*Why:\*\* \w.+\.$", SECTIONS[name], re.MULTILINE)
    assert re.search(r"^- \*\*When it says no:\*\* \w.+\.$", SECTIONS[name], re.MULTILINE)


def test_the_name_of_a_rule_is_good_for_one_suite_only() -> None:
    """Findings and Great Expectations know a rule by its name alone."""
    names = [rule.expectation_type for rule in RULES.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("suite", [suite for suite in SUITES if suite != "reconciliation"])
def test_each_file_of_sql_measures_a_rule(suite: str) -> None:
    """And each measured rule has its file; those of the reconciliation are measured by reconcile, and most of `live` by its looks."""
    looked = [rule for rules in verification.LOOKS.values() for rule in rules] if suite == verification.SUITE else []
    assert [*looked, *(file.rule for file in sql.folder(f"rules/{suite}"))] == [rule.expectation_type for rule in SUITES[suite].measured]


def test_no_suite_is_empty_and_no_folder_without_its_suite() -> None:
    """A suite has rules, and measured ones are of the kind that is judged by its rule result."""
    assert {path.name for path in (sql.ROOT / "rules").iterdir()} <= set(SUITES)
    for suite in SUITES.values():
        assert suite.rules
        assert [] == [rule for rule in suite.measured if not is_measured(rule)]
        assert [] == [rule for rule in suite.columns if is_measured(rule)]


def is_measured(rule: type[Expectation]) -> bool:
    return issubclass(rule, Measured)
