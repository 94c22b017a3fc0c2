"""Gates: suites judged by Great Expectations, so that they fail closed. It is imported in the task, because the import takes seconds."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prefect.logging import get_run_logger

from migration import gates
from migration.gates import GateVerdict, RuleVerdict
from migration.runs import Run
from tasks.steps import step

if TYPE_CHECKING:
    from great_expectations.datasource.fluent.interfaces import Batch
    from great_expectations.datasource.fluent.postgres_datasource import PostgresDatasource
    from great_expectations.expectations.expectation import Expectation

    from expectations.rules import Suite

#: What Great Expectations tells of a rule: counts first, and of a rule that says no the first 200 ids; never a value.
COUNTS: dict[str, Any] = {"result_format": "SUMMARY", "exclude_unexpected_values": True, "partial_unexpected_count": 0}
IDS = {**COUNTS, "unexpected_index_column_names": ["id"], "partial_unexpected_count": 200}
_LEVELS = {"critical": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO}


@step("gate {suite}")
def judge(run: Run, suite: str) -> GateVerdict:
    """Judge a suite and note the verdict on each rule in gate_result. Whether a verdict stops the flow says `require_green`."""
    from expectations.suites import SUITES  # seconds, see above

    verdict = judge_suite(run, SUITES[suite])
    for rule in verdict.rules:
        level = logging.ERROR if rule.broken else logging.INFO if rule.passed else _LEVELS[rule.severity]
        get_run_logger().log(level, "gate %s: %s %s", suite, rule.rule, rule.broken or ("is green" if rule.passed else f"{rule.bad} bad"))
    return verdict


def judge_suite(run: Run, suite: Suite) -> GateVerdict:
    """Measure, validate and note. A rule that could not be judged is broken, with the reason; nothing of that is raised."""
    measured = gates.measure(run, suite.name)
    with datasource(run) as source:
        results = {
            **validate_table(suite, lambda: whole_table(source, suite.table)),
            **validate(suite.name, suite.measured, lambda: rule_results(source, run)),
        }
    about_columns = [_column_verdict(rule, results[rule.expectation_type]) for rule in suite.columns]
    about_rows = [_measured_verdict(rule, results[rule.expectation_type], measured) for rule in suite.measured]
    verdict = GateVerdict(suite.name, (*about_columns, *about_rows))
    gates.note(run, verdict, about_columns)
    return verdict


@contextmanager
def datasource(run: Run) -> Iterator[PostgresDatasource]:
    """The run's database as Great Expectations sees it, over connections that cannot write."""
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
    try:
        yield source
    finally:
        source.get_engine().dispose()


def whole_table(source: PostgresDatasource, table: str) -> Batch:
    """Every row of a table in the schema public."""
    return source.add_table_asset(table, table_name=table, schema_name="public").add_batch_definition_whole_table("all").get_batch()


def rule_results(source: PostgresDatasource, run: Run) -> Batch:
    """What SQL of ours has measured in this run."""
    query = f"SELECT rule, bad FROM artwork_migration.rule_result WHERE run = {run.epoch}"
    return source.add_query_asset("rule_result", query=query).add_batch_definition_whole_table("all").get_batch()


def validate_table(suite: Suite, batch: Callable[[], Batch]) -> dict[str, Any]:
    """The results of the rules about columns: counts for all of them, which is one scan, then ids for those that say no."""
    counts = validate(suite.name, suite.columns, batch)
    red = [rule for rule in suite.columns if not (_unjudged(counts[rule.expectation_type]) or counts[rule.expectation_type].success)]
    return {**counts, **validate(suite.name, red, batch, IDS)}


def validate(
    suite: str, rules: Sequence[type[Expectation]], batch: Callable[[], Batch], result_format: dict[str, Any] = COUNTS
) -> dict[str, Any]:
    """The result of each rule by its name: Great Expectations's own, or in words why there is none.

    It drops rules that it does not know without a word, so the names are those that should be judged, not those that were.
    """
    from great_expectations import ExpectationSuite  # seconds, see above

    names = [rule.expectation_type for rule in rules]
    if not names:
        return {}
    try:
        judged = batch().validate(ExpectationSuite(name=suite, expectations=[rule() for rule in rules]), result_format=result_format)
    except Exception as error:  # noqa: BLE001 (whatever it is, nothing has been judged; its text may hold the connection string)
        return dict.fromkeys(names, f"raised {type(error).__name__}")
    by_name = {one.expectation_config.type: one for one in judged.results if one.expectation_config}
    return {name: by_name.get(name, "was not judged") for name in names}


def _column_verdict(rule: type[Expectation], one: Any) -> RuleVerdict:
    """A rule about the table as a whole has looked at one thing and names no ids."""
    broken = _unjudged(one)
    result: dict[str, Any] = {} if broken else one.result
    looked_at = 0 if broken else result.get("element_count", 1)
    bad = 0 if broken else max(result.get("unexpected_count") or 0, 0 if one.success else 1)
    found = [identifier for group in result.get("partial_unexpected_index_list") or [] for identifier in group["id"]]
    return RuleVerdict(
        **_declared(rule),
        looked_at=looked_at,
        bad=bad,
        ids=tuple(sorted(str(identifier) for identifier in found)),
        about=_columns(rule) if bad else (),
        broken=broken or _looked_at_nothing(rule, looked_at),
    )


def _measured_verdict(rule: type[Expectation], one: Any, measured: Mapping[str, list[dict[str, Any]]]) -> RuleVerdict:
    rows = measured.get(rule.expectation_type, [])
    if broken := _unjudged(one) or (f"has {len(rows)} results instead of one" if len(rows) != 1 else ""):
        return RuleVerdict(**_declared(rule), broken=broken)
    row = rows[0]
    return RuleVerdict(
        **_declared(rule),
        looked_at=row["looked_at"],
        bad=max(row["bad"], 0 if one.success else 1),
        ids=tuple(str(identifier) for identifier in row["ids"]),
        about=tuple(row["about"]),
        broken=_looked_at_nothing(rule, row["looked_at"]),
    )


def _declared(rule: type[Expectation]) -> dict[str, Any]:
    """What the class says. The result does not: Great Expectations leaves out whatever is a class's default."""
    fields = rule.__fields__
    return {"rule": rule.expectation_type, "severity": fields["severity"].default.value, "description": fields["description"].default}


def _columns(rule: type[Expectation]) -> tuple[str, ...]:
    return tuple(rule.__fields__[name].default for name in ("column", "column_A", "column_B") if name in rule.__fields__)


def _looked_at_nothing(rule: type[Expectation], looked_at: int) -> str:
    return "" if looked_at or getattr(rule, "empty_is_fine", False) else "looked at nothing"


def _unjudged(one: Any) -> str:
    """Why there is no result of a rule, or an empty text. Great Expectations tells an exception flat, or per metric."""
    if isinstance(one, str):
        return one
    told = one.exception_info or {}
    metrics = [told, *(inner for inner in told.values() if isinstance(inner, dict))]
    return "raised an error" if any(inner.get("raised_exception") for inner in metrics) else ""
