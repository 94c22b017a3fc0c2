"""A bounded part of the fuzzer; `make fuzz` runs all of it."""

import random
from pathlib import Path

import pytest

from sample.server import SUPERUSER
from tests.documents import ROOT
from tests.fuzz.__main__ import run_changes
from tests.fuzz.catalogue import catalogue
from tests.fuzz.fuzzed import OWNER, Bench
from tests.fuzz.life_cycle import Outcome, Stopped
from tests.fuzz.table import cell
from tests.series import series

#: A few of the catalogue, so that CI stays within its time on a slow machine.
ALONE = sorted(catalogue())[::16]
PAIRS = 2


@pytest.mark.parametrize("name", series(ALONE, ()))
def test_a_changed_database_is_migrated_whole_or_refused_in_words(fuzz_bench: Bench, name: str) -> None:
    """Each outcome is lawful: a plain owner migrates, or a remedy that is given works, or the plan refuses."""
    outcome = run_changes(fuzz_bench, [catalogue()[name]], OWNER, seed=1)
    assert [] == outcome.breaches, outcome
    assert not outcome.end.startswith("not possible")


@pytest.mark.parametrize("seed", series(range(PAIRS), ()))
def test_two_changes_together_are_lawful_too(fuzz_bench: Bench, seed: int) -> None:
    """A random pair of changes is migrated or refused like each of them."""
    chance = random.Random(seed)
    names = chance.sample(sorted(catalogue()), 2)
    outcome = run_changes(fuzz_bench, [catalogue()[name] for name in names], chance.choice([OWNER, SUPERUSER]), seed)
    assert [] == outcome.breaches, (names, outcome)


@pytest.mark.parametrize(
    ("verb", "rule", "expected"),
    [
        ("deploy-schema", "row_security", "**change it before you start**: [`row_security`](#row_security)"),
        ("roll-back --to MIGRATED", "rejected_value", "**stops**: [`rejected_value`](#rejected_value) at `roll-back --to MIGRATED`"),
    ],
)
def test_a_stop_is_in_the_page_with_its_rule(verb: str, rule: str, expected: str) -> None:
    """The page says where a database stopped, and leads to the rule."""
    assert expected == cell(Outcome(end=str(Stopped(verb, "blocked", [rule]))))


def test_every_change_of_the_catalogue_is_in_the_page() -> None:
    """The page of outcomes has a line for each change that the sample can have."""
    page = (Path(ROOT) / "docs" / "compatibility.md").read_text(encoding="utf-8")
    assert [] == [change.name for change in catalogue().values() if change.what not in page]


def test_the_catalogue_has_changes_of_each_kind() -> None:
    """There are at least eighty changes, of the eight kinds."""
    assert len(catalogue()) >= 80
    assert len({change.kind for change in catalogue().values()}) == 8
