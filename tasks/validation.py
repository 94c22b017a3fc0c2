"""Gates: suites judged by Great Expectations, so that they fail closed. It is imported in the task, because the import takes seconds."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from prefect.logging import get_run_logger
from sqlalchemy import Connection, event, text

from migration.checks import gates, verification
from migration.checks.gates import GateVerdict
from migration.errors import DatabaseUnreachable
from migration.ledger.runs import Run
from tasks.steps import step

if TYPE_CHECKING:
    from great_expectations.datasource.fluent.postgres_datasource import PostgresDatasource
    from great_expectations.datasource.fluent.sql_datasource import QueryAsset, TableAsset
    from great_expectations.expectations.expectation import Expectation

    from expectations.rules import Suite
    from expectations.verdicts import Result

#: What Great Expectations tells of a rule: counts first, and of a rule that says no the first 200 ids; never a value.
COUNTS: dict[str, Any] = {"result_format": "SUMMARY", "exclude_unexpected_values": True, "partial_unexpected_count": 0}
IDS = {**COUNTS, "unexpected_index_column_names": ["id"], "partial_unexpected_count": 200}
#: A query's rows come to the client, all of them: no query for anything large.
RULE_RESULTS = "SELECT rule, bad FROM artwork_migration.rule_result WHERE run = {}"
#: A database's or role's own limits are not for us. For a transaction alone: a session pooler may refuse options when connecting.
NO_TIMEOUTS = ("LOCAL statement_timeout = 0", "LOCAL idle_in_transaction_session_timeout = 0")
_LEVELS = {"critical": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO}


@step("gate {suite}")
def judge(run: Run, suite: str) -> GateVerdict:
    """Judge a suite and note the verdict on each rule in gate_result. Whether a verdict stops the flow says `require_green`."""
    from expectations.suites import SUITES  # seconds, see above

    verdict = judge_suite(run, SUITES[suite])
    for rule in verdict.rules:
        level = logging.ERROR if rule.broken else logging.INFO if rule.passed else _LEVELS[rule.severity]
        told = rule.broken or ("is green" if rule.passed else f"{rule.bad} bad ({rule.severity})")
        get_run_logger().log(level, "gate %s: %s %s", suite, rule.rule, told)
    return verdict


def judge_suite(run: Run, suite: Suite) -> GateVerdict:
    """Measure, validate and note. A rule that could not be judged is broken, with the reason; nothing of that is raised."""
    from expectations.verdicts import column_verdict, measured_verdict  # seconds, see above

    failed = gates.measure(run, suite.name) | (verification.measure(run) if suite.name == verification.SUITE else {})
    rows = gates.rule_results(run, suite.name)
    with datasource(run) as source:
        results = {
            **validate_columns(source, suite),
            **validate(source, partial(source.add_query_asset, query=RULE_RESULTS.format(run.epoch)), suite.measured),
            **failed,
        }
    columns = [column_verdict(rule, results[rule.expectation_type]) for rule in suite.columns]
    measured = [measured_verdict(rule, results[rule.expectation_type], rows.get(rule.expectation_type, [])) for rule in suite.measured]
    verdict = GateVerdict(suite.name, (*columns, *measured))
    gates.note(run, verdict, found=columns)
    return verdict


@contextmanager
def datasource(run: Run) -> Iterator[PostgresDatasource]:
    """The run's database as Great Expectations sees it: one snapshot of it, over connections that cannot write.

    It counts in a transaction for each statement. On a table that is being written more rows would hold a value than there are rows, and
    it would call that an error. Raises DatabaseUnreachable.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx  # seconds, see above
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    try:
        source = context.data_sources.add_postgres(  # type: ignore[call-arg]  # its signature is made at run time
            "database",
            connection_string=run.database.url.render_as_string(hide_password=False),
            kwargs={
                "isolation_level": "REPEATABLE READ",
                "connect_args": {"application_name": run.database.name},
                "execution_options": {"postgresql_readonly": True},
            },
        )
    except Exception as error:  # noqa: BLE001 (whatever it is, its text may hold the connection string)
        raise DatabaseUnreachable(f"The gates could not connect: {type(error).__name__}. Run the verb again.") from None
    engines = (source.get_engine(), source.get_execution_engine().engine)
    try:
        with run.database.transaction(
            "holding the gates' snapshot", isolation="REPEATABLE READ", transaction_read_only="on", idle_in_transaction_session_timeout="0"
        ) as connection:
            snapshot = connection.execute(text("SELECT PG_EXPORT_SNAPSHOT()")).scalar_one()

            def begin(begun: Connection) -> None:
                for setting in (f"TRANSACTION SNAPSHOT '{snapshot}'", *NO_TIMEOUTS):
                    begun.exec_driver_sql(f"SET {setting}")

            for engine in engines:
                event.listen(engine, "begin", begin)
            yield source
    finally:
        source.get_execution_engine().close()
        for engine in engines:
            engine.dispose()


def validate_columns(source: PostgresDatasource, suite: Suite) -> dict[str, Result]:
    """The results of the rules about columns: counts for all of them, which is one scan, then ids for those that say no."""
    from expectations.verdicts import says_no  # seconds, see above

    add_table = partial(source.add_table_asset, table_name=suite.table, schema_name="public")
    counts = validate(source, add_table, suite.columns)
    red = [rule for rule in suite.columns if says_no(counts[rule.expectation_type])]
    return {**counts, **validate(source, add_table, red, IDS)}


def validate(
    source: PostgresDatasource,
    add: Callable[[str], TableAsset | QueryAsset],
    rules: Sequence[type[Expectation]],
    result_format: dict[str, Any] = COUNTS,
) -> dict[str, Result]:
    """The result of each rule, by its name, on the rows that `add` adds to the source by a name; in words where there is none.

    Great Expectations drops rules that it does not know without a word, so the names are those that should be judged.
    """
    from great_expectations import ExpectationSuite  # seconds, see above

    names = [rule.expectation_type for rule in rules]
    if not names:
        return {}
    try:
        batch = add(f"rows {len(source.assets)}").add_batch_definition_whole_table("all").get_batch()
        judged = batch.validate(ExpectationSuite(name="rules", expectations=[rule() for rule in rules]), result_format=result_format)
    except Exception as error:  # noqa: BLE001 (whatever it is, nothing has been judged; its text may hold the connection string)
        return dict.fromkeys(names, f"raised {type(error).__name__}")
    by_name = {one.expectation_config.type: one for one in judged.results if one.expectation_config}
    return {name: by_name.get(name, "was not judged") for name in names}
