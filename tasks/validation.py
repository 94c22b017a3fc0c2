"""Gates: Great Expectations judges the suites, and they fail closed. The task imports it, because the import takes seconds."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, event, text

from migration.checks import gates, readiness, verification
from migration.checks.gates import GateVerdict
from migration.database import SETTINGS, mark_statements, set_all
from migration.errors import ConnectionLost
from migration.ledger.runs import Run
from migration.plans.statements import owner_table
from tasks.steps import log, step

if TYPE_CHECKING:
    from great_expectations.datasource.fluent.postgres_datasource import PostgresDatasource
    from great_expectations.datasource.fluent.sql_datasource import QueryAsset, TableAsset
    from great_expectations.expectations.expectation import Expectation

    from expectations.rules import Suite
    from expectations.verdicts import Result

#: What Great Expectations reports of a rule: counts first, then its query for the ids if the rule found something; never a value.
COUNTS: dict[str, Any] = {"result_format": "SUMMARY", "exclude_unexpected_values": True, "partial_unexpected_count": 0}
QUERIES = {**COUNTS, "unexpected_index_column_names": ["id"], "return_unexpected_index_query": True}
#: All rows of a query come to the client, so no query returns many.
RULE_RESULTS = "SELECT rule, bad FROM artwork_migration.rule_result WHERE run = {}"
#: For Great Expectations, which insists on the form of an address; it connects by `Database.connect`.
ADDRESS = "postgresql+psycopg://user@localhost/database"
_LEVELS = {"not judged": logging.ERROR, "red": logging.ERROR, "warning": logging.WARNING}


class RedVerdict(Exception):
    """The verdict is red. The step that gives it fails, so that Prefect shows it red; the flow goes on and decides."""

    def __init__(self, verdict: GateVerdict) -> None:
        super().__init__(f"gate {verdict.suite} is red: {', '.join(verdict.red_names) or verdict.broken}")
        self.verdict = verdict


def judge(run: Run, suite: str) -> GateVerdict:
    """Judge a suite and save the verdict on each rule in gate_result. `gates.require_green` decides whether a verdict stops the flow."""
    try:
        return _gate(run, suite)
    except RedVerdict as red:
        return red.verdict


@step("gate {suite}")
def _gate(run: Run, suite: str) -> GateVerdict:
    with run.progress.step("load Great Expectations"):
        from expectations.suites import SUITES  # takes seconds, once in a process

    verdict = judge_suite(run, SUITES[suite])
    log().info("gate %s: %d of %d rules are green", suite, sum(rule.label == "green" for rule in verdict.rules), len(verdict.rules))
    for rule in verdict.rules:
        if rule.label != "green":
            log().log(_LEVELS.get(rule.label, logging.INFO), "gate %s: %s: %s", suite, rule.rule, rule.line)
    if verdict.red or verdict.broken:
        raise RedVerdict(verdict)
    return verdict


def judge_suite(run: Run, suite: Suite) -> GateVerdict:
    """Measure, validate and save. A rule that could not be judged is `broken`, with the reason; that raises nothing."""
    from expectations.rules import applies  # slow to import
    from expectations.verdicts import column_verdict, measured_verdict, not_applicable_verdict  # slow to import

    with run.database.transaction("reading which table owns artworks", transaction_read_only="on") as connection:
        owner = owner_table(connection)
    idle = [rule for rule in suite.rules if not applies(rule, creates_users=owner.creates_users)]
    judged = suite.of([rule for rule in suite.rules if rule not in idle])
    run.progress.expect(len(judged.rules), "rules")
    if suite.name == readiness.SUITE:
        readiness.read_use(run)
    failed = gates.measure(run, suite.name, without={rule.expectation_type for rule in idle})
    failed |= verification.measure(run) if suite.name == verification.SUITE else {}
    measured_results = gates.rule_results(run, suite.name)
    with datasource(run) as (source, snapshot):
        of_columns = validate_columns(source, judged)
        ids, unsaved = save_ids(run, source, snapshot, judged, of_columns)
        run.progress.add(len(of_columns))
        results = {
            **of_columns,
            **validate(source, partial(source.add_query_asset, query=RULE_RESULTS.format(run.epoch)), judged.measured),
            **failed,
            **unsaved,
        }
    empty = gates.emptiness(run)
    columns = [
        column_verdict(suite.name, rule, results[rule.expectation_type], empty, ids[rule.expectation_type]) for rule in judged.columns
    ]
    measured = [
        measured_verdict(suite.name, rule, results[rule.expectation_type], measured_results.get(rule.expectation_type, []), empty)
        for rule in judged.measured
    ]
    not_applicable = [not_applicable_verdict(suite.name, rule, owner.relation) for rule in idle]
    verdict = GateVerdict(suite.name, (*columns, *measured, *not_applicable))
    gates.save_verdict(run, verdict)
    return verdict


@contextmanager
def datasource(run: Run) -> Iterator[tuple[PostgresDatasource, str]]:
    """The run's database for Great Expectations, over connections that cannot write, and the one snapshot they read. Raises ConnectionLost.

    Great Expectations runs each statement in a transaction of its own. On a table that is being written, it would count more values than
    rows and report an error.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx  # slow to import
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    try:
        source = context.data_sources.add_postgres(  # type: ignore[call-arg]  # its signature is made at run time
            "database",
            connection_string=ADDRESS,
            kwargs={
                "isolation_level": "REPEATABLE READ",
                "creator": lambda: run.database.connect(),  # noqa: PLW0108 (it copies what it gets, and a method with its object)
                "execution_options": {"postgresql_readonly": True},
            },
        )
    except Exception as error:  # noqa: BLE001 (any error: its text may hold the connection string)
        raise ConnectionLost(
            f"The gates could not connect: {type(error).__name__}.", "start it again when the database can be reached; it resumes."
        ) from None
    engines = (source.get_engine(), source.get_execution_engine().engine)
    try:
        with run.database.transaction(
            "holding the gates' snapshot", isolation="REPEATABLE READ", transaction_read_only="on", idle_in_transaction_session_timeout="0"
        ) as connection:
            snapshot = connection.execute(text("SELECT PG_EXPORT_SNAPSHOT()")).scalar_one()

            def begin(begun: Connection) -> None:
                begun.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
                # for each transaction: a session pooler may refuse options of a connection
                set_all(begun, {**SETTINGS, "idle_in_transaction_session_timeout": "0"})

            for engine in engines:
                event.listen(engine, "begin", begin)
                mark_statements(engine)
            yield source, snapshot
    finally:
        source.get_execution_engine().close()
        for engine in engines:
            engine.dispose()


def validate_columns(source: PostgresDatasource, suite: Suite) -> dict[str, Result]:
    """The results of the rules about columns: counts for all of them in one scan, then the query for the ids of those that found some."""
    from expectations.verdicts import found_bad  # slow to import

    add_table = partial(source.add_table_asset, table_name=suite.table, schema_name="public")
    counts = validate(source, add_table, suite.columns)
    red = [rule for rule in suite.columns if found_bad(counts[rule.expectation_type])]
    return {**counts, **validate(source, add_table, red, QUERIES)}


def save_ids(
    run: Run, source: PostgresDatasource, snapshot: str, suite: Suite, results: Mapping[str, Result]
) -> tuple[dict[str, Sequence[str]], dict[str, str]]:
    """Save every id that the rules about columns found. Returns the first ids of each rule, and why those of a rule could not be saved."""
    from expectations.verdicts import columns_of, ids_query  # slow to import

    queries = {rule.expectation_type: ids_query(source, suite.table, rule, results[rule.expectation_type]) for rule in suite.columns}
    about = {rule.expectation_type: columns_of(rule) for rule in suite.columns}
    return gates.save_found(run, snapshot, queries, about)


def validate(
    source: PostgresDatasource,
    add: Callable[[str], TableAsset | QueryAsset],
    rules: Sequence[type[Expectation]],
    result_format: dict[str, Any] = COUNTS,
) -> dict[str, Result]:
    """The result of each rule by its name, or the reason why there is none. `add` adds the rows to the source under a name.

    Great Expectations silently drops rules that it does not know, so the keys are the rules that should be judged.
    """
    from great_expectations import ExpectationSuite  # slow to import

    names = [rule.expectation_type for rule in rules]
    if not names:
        return {}
    try:
        batch = add(f"rows {len(source.assets)}").add_batch_definition_whole_table("all").get_batch()
        judged = batch.validate(ExpectationSuite(name="rules", expectations=[rule() for rule in rules]), result_format=result_format)
    except Exception as error:  # noqa: BLE001 (any error: nothing was judged, and its text may hold the connection string)
        return dict.fromkeys(names, f"raised {type(error).__name__}")
    by_name = {result.expectation_config.type: result for result in judged.results if result.expectation_config}
    return {name: by_name.get(name, "was not judged") for name in names}
