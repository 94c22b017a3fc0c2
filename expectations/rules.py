"""What a suite is made of, and what the rules share whose question is asked in SQL of ours."""

from dataclasses import dataclass
from typing import Any, ClassVar

from great_expectations.compatibility.pydantic import root_validator
from great_expectations.core.suite_parameters import SuiteParameterDict
from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

#: What Great Expectations takes for a query.
Query = str | SuiteParameterDict[str, Any]

CRITICAL, WARNING, INFO = FailureSeverity.CRITICAL, FailureSeverity.WARNING, FailureSeverity.INFO

#: What an address on the web looks like; LIKE takes a tenth of the time of a regular expression.
URLS = ("http://%", "https://%")


@dataclass(frozen=True)
class Suite:
    """The rules of a gate: those about the columns of one `table` in the schema public, and those that SQL of ours has measured.

    A rule is a class; its type, the class's name in snake case, is the rule's name and no other suite's. `empty_is_fine` on a class says
    that it may have looked at nothing.
    """

    name: str
    table: str = ""
    columns: tuple[type[Expectation], ...] = ()
    measured: tuple[type[Expectation], ...] = ()

    @property
    def rules(self) -> tuple[type[Expectation], ...]:
        """All rules, in the order they are told."""
        return self.columns + self.measured


class Measured(UnexpectedRowsExpectation):
    """A rule that SQL of ours has measured, judged by its row in rule_result: there must be one, and nothing in it bad."""

    unexpected_rows_query: Query = ""
    empty_is_fine: ClassVar[bool] = False

    @root_validator(pre=True)
    def _asks_for_its_row(cls, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N805 (pydantic's validators are class methods)
        rule = cls.expectation_type
        query = f"SELECT '{rule}' AS rule, SUM(bad) AS bad FROM {{batch}} WHERE rule = '{rule}' HAVING COUNT(*) <> 1 OR SUM(bad) <> 0"
        return {"unexpected_rows_query": query, **values}
