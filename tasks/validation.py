"""Gates: a Great Expectations suite judged so that it fails closed. It is imported in the task, because the import takes seconds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prefect.logging import get_run_logger
from sqlalchemy import Connection, text

from migration import database
from migration.errors import GateBroken, GateFailed
from migration.runs import Run
from tasks.steps import step

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.datasource.fluent.interfaces import Batch


@dataclass(frozen=True)
class RuleVerdict:
    """One rule of a suite as it was judged. `ids` are at most 20; values never leave the database."""

    rule: str
    severity: str
    passed: bool
    looked_at: int
    bad: int
    ids: tuple[str, ...]
    about: tuple[str, ...]
    description: str


@dataclass(frozen=True)
class GateVerdict:
    """A suite as it was judged."""

    suite: str
    rules: tuple[RuleVerdict, ...]

    def require_green(self) -> None:
        """Raise GateFailed if a critical rule is red."""
        failures = [(rule.rule, rule.bad, rule.ids) for rule in self.rules if not rule.passed and rule.severity == "critical"]
        if failures:
            raise GateFailed(self.suite, failures)


@step("gate reconciliation", retries=0)
def judge_reconciliation(run: Run) -> GateVerdict:
    """Judge the suite `reconciliation` on this run's rule results and note each rule's verdict in gate_result.

    Raises GateBroken when a rule could not be judged: dropped, raised, or nothing there to judge.
    """
    from expectations.reconciliation import RULE_BY_TYPE, reconciliation  # seconds, see above

    result = validate(run, reconciliation(), f"SELECT * FROM artwork_migration.rule_result WHERE run = {run.epoch}", len(RULE_BY_TYPE))
    return note_verdicts(run, "reconciliation", result, RULE_BY_TYPE)


def validate(run: Run, suite: ExpectationSuite, query: str, wanted: int) -> ExpectationSuiteValidationResult:
    """Run the suite on the rows of `query`, read-only. Raises GateBroken unless all `wanted` rules were judged without an exception."""
    if len(suite.expectations) != wanted or not wanted:
        raise GateBroken(suite.name, f"it holds {len(suite.expectations)} rules instead of {wanted}")
    try:
        result = batch(run, query).validate(
            suite, result_format={"result_format": "SUMMARY", "partial_unexpected_count": 0, "exclude_unexpected_values": True}
        )
    except Exception as error:  # noqa: BLE001 (whatever it is, the gate has not been judged; its text may hold the connection string)
        raise GateBroken(suite.name, f"it raised {type(error).__name__}") from None
    if len(result.results) != wanted:
        raise GateBroken(suite.name, f"{len(result.results)} of {wanted} rules were judged")
    raised = [_type(one) for one in result.results if _raised(one.exception_info)]
    if raised:
        raise GateBroken(suite.name, f"these rules raised an error: {', '.join(raised)}")
    return result


def batch(run: Run, query: str) -> Batch:
    """The rows of `query` as a Great Expectations batch, over a connection that cannot write."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx  # seconds, see above
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    source = context.data_sources.add_postgres(  # type: ignore[call-arg]  # its signature is made at run time
        "database",
        connection_string=run.database.url.render_as_string(hide_password=False),
        kwargs={"connect_args": {"application_name": run.database.name}, "execution_options": {"postgresql_readonly": True}},
    )
    return source.add_query_asset("rows", query=query).add_batch_definition_whole_table("all").get_batch()


def note_verdicts(run: Run, suite: str, result: ExpectationSuiteValidationResult, rule_by_type: Mapping[str, str]) -> GateVerdict:
    """Write one gate_result per rule and return them all."""
    with run.database.transaction("reading the rule results") as connection:
        counts = {row["rule"]: row for row in database.rows(connection, "reconcile/rule_results", run=run.epoch, suite=suite)}
    if set(counts) != set(rule_by_type.values()):
        raise GateBroken(suite, f"the rules judged are not the rules measured: {sorted(set(counts) ^ set(rule_by_type.values()))}")
    rules = tuple(_verdict(one, rule_by_type[_type(one)], counts) for one in result.results)
    run.database.write("noting the gate's verdicts", lambda connection: _insert(connection, run.epoch, suite, rules))
    for rule in rules:
        get_run_logger().log(20 if rule.passed else 40, "gate %s: %s is %s", suite, rule.rule, "green" if rule.passed else "RED")
    return GateVerdict(suite, rules)


def _verdict(one: Any, rule: str, results: dict[str, dict[str, Any]]) -> RuleVerdict:
    counts = results[rule]
    return RuleVerdict(
        rule=rule,
        severity=str(one.expectation_config.severity.value),
        passed=bool(one.success),
        looked_at=counts["looked_at"],
        bad=counts["bad"],
        ids=tuple(str(identifier) for identifier in counts["ids"]),
        about=tuple(counts["about"]),
        description=str(one.expectation_config.description),
    )


def _type(one: Any) -> str:
    return str(one.expectation_config.type)


def _raised(information: dict[str, Any] | None) -> bool:
    """Whether a rule raised: Great Expectations tells it flat, or per metric."""
    if not information:
        return False
    if "raised_exception" in information:
        return bool(information["raised_exception"])
    return any(bool(inner.get("raised_exception")) for inner in information.values() if isinstance(inner, dict))


def _insert(connection: Connection, run: int, suite: str, rules: tuple[RuleVerdict, ...]) -> None:
    connection.execute(
        text(
            "INSERT INTO artwork_migration.gate_result (run, suite, rule, severity, description, passed, looked_at, bad, ids, about)"
            " VALUES (:run, :suite, :rule, :severity, :description, :passed, :looked_at, :bad,"
            " CAST(:ids AS uuid []), CAST(:about AS text []))"
            " ON CONFLICT (run, suite, rule) DO UPDATE SET passed = EXCLUDED.passed, looked_at = EXCLUDED.looked_at,"
            " bad = EXCLUDED.bad, ids = EXCLUDED.ids, about = EXCLUDED.about"
        ),
        [
            {
                "run": run,
                "suite": suite,
                "rule": rule.rule,
                "severity": rule.severity,
                "description": rule.description,
                "passed": rule.passed,
                "looked_at": rule.looked_at,
                "bad": rule.bad,
                "ids": list(rule.ids),
                "about": list(rule.about),
            }
            for rule in rules
        ],
    )
