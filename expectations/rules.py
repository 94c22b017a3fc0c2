"""What a suite is made of, and the base of the rules that our SQL measures."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from great_expectations.compatibility.pydantic import root_validator
from great_expectations.core.suite_parameters import SuiteParameterDict
from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

#: The type of a query in Great Expectations.
Query = str | SuiteParameterDict[str, Any]

CRITICAL, WARNING, INFO = FailureSeverity.CRITICAL, FailureSeverity.WARNING, FailureSeverity.INFO

#: How a web address begins. LIKE takes a tenth of the time of a regular expression.
URLS = ("http://%", "https://%")


@dataclass(frozen=True)
class Suite:
    """The rules of a gate: those about the columns of one `table` in the schema public, and those that our SQL measures.

    `about` says when the gate is judged, and on what. A rule is a class. Its `expectation_type`, the class's name in snake case, is the
    rule's name, and no other suite has a rule of that name. Each class has three texts, which message, report and docs/validation.md use:
    `description` is what should hold, `why` is why that matters, `fix` is what to do if it does not hold. `empty_is_fine` on a class
    allows it to check nothing; `refuses_empty` marks the rule that finds an empty table bad unless a decision allows that;
    `about_created_users` says that it does not apply where no users are created (``sql/owner_table.sql``); `not_seen` is the reason why a
    rule that could look at nothing does not apply.
    """

    name: str
    about: str = ""
    table: str = ""
    columns: tuple[type[Expectation], ...] = ()
    measured: tuple[type[Expectation], ...] = ()

    @property
    def rules(self) -> tuple[type[Expectation], ...]:
        """All rules, in the order in which they are judged and documented."""
        return self.columns + self.measured

    def of(self, rules: Collection[type[Expectation]]) -> "Suite":
        """The same suite with these of its rules only."""
        columns, measured = (tuple(rule for rule in kind if rule in rules) for kind in (self.columns, self.measured))
        return replace(self, columns=columns, measured=measured)


def applies(rule: type[Expectation], *, creates_users: bool) -> bool:
    """Whether a database in which users are created, or not, can break the rule."""
    return creates_users or not getattr(rule, "about_created_users", False)


@dataclass(frozen=True)
class Declaration:
    """What a rule's class says of the rule."""

    rule: str
    severity: str
    description: str
    why: str
    fix: str


def declaration(rule: type[Expectation]) -> Declaration:
    """The texts of a rule. They come from the class: a result of Great Expectations leaves out a class's defaults."""
    fields = rule.__fields__
    severity, description = fields["severity"].default.value, fields["description"].default
    return Declaration(rule.expectation_type, severity, description, getattr(rule, "why", ""), getattr(rule, "fix", ""))


class Measured(UnexpectedRowsExpectation):
    """A rule that our SQL has measured. It passes if rule_result has exactly one row for it, and nothing in that row is bad."""

    unexpected_rows_query: Query = ""
    empty_is_fine: ClassVar[bool] = False
    why: ClassVar[str]
    fix: ClassVar[str]

    @root_validator(pre=True)
    def _query_its_row(cls, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N805 (pydantic's validators are class methods)
        rule = cls.expectation_type
        query = f"SELECT '{rule}' AS rule, SUM(bad) AS bad FROM {{batch}} WHERE rule = '{rule}' HAVING COUNT(*) <> 1 OR SUM(bad) <> 0"
        return {"unexpected_rows_query": query, **values}
