"""A gate fails closed: anything that keeps a rule from checking makes the gate red, with another error than bad data."""

import tempfile
from pathlib import Path
from typing import Any, ClassVar

import pytest
from great_expectations import expectations as gxe
from great_expectations.expectations import registry
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.expectations.row_conditions import Column

from expectations.clean_artworks import CLEAN_ARTWORKS
from expectations.reconciliation import RECONCILIATION
from expectations.rules import CRITICAL, INFO, WARNING, Suite
from expectations.suites import SUITES
from expectations.users import USERS, UserEmailIsUnique
from expectations.verdicts import unjudged
from migration.checks.gates import GateVerdict, require_green
from migration.errors import DatabaseUnreachable
from migration.gate_errors import GateBroken, GateFailed
from migration.ledger.runs import Run
from migration.sync import reconcile
from sample.build import Variant, build_sample
from sample.server import EmbeddedServer
from tasks.validation import datasource, judge_suite, validate
from tests.artworks import add_clean
from tests.databases import Shop, deploy, migrate, running
from tests.series import LONG, first


class TimesInOrder(gxe.ExpectColumnPairValuesAToBeGreaterThanB):
    """A rule about two columns, which Great Expectations counts in several statements."""

    column_A: str = "updated_at"  # noqa: N815 (its name in Great Expectations)
    column_B: str = "created_at"  # noqa: N815 (its name in Great Expectations)
    or_equal: Any = True
    description: str | None = "No artwork was last changed before it was created."


class Sane(gxe.ExpectColumnValuesToNotBeNull):
    """A rule that is green wherever there is a row."""

    column: str = "id"
    description: str | None = "There is an id."


class NoSuchColumn(gxe.ExpectColumnValuesToNotBeNull):
    """A rule whose column does not exist."""

    column: str = "no_such_column"
    description: str | None = "Never."


class NotOnPostgres(gxe.ExpectColumnValuesToBeIncreasing):
    """A rule that Great Expectations does not support on Postgres."""

    column: str = "id"
    description: str | None = "Never."


class WithoutParameter(gxe.ExpectColumnValuesToBeInSet):
    """A rule whose parameter never gets a value."""

    column: str = "generation_status"
    value_set: Any = {"$PARAMETER": "statuses"}  # noqa: RUF012 (a field's default, which pydantic copies)
    description: str | None = "Never."


class LeaksInItsError(gxe.UnexpectedRowsExpectation):
    """A rule whose error message from the server has an e-mail in it."""

    unexpected_rows_query: Any = "SELECT CAST(customer_email AS int) FROM {batch}"
    description: str | None = "Never."


class Writes(gxe.UnexpectedRowsExpectation):
    """A rule that would change the database."""

    unexpected_rows_query: Any = "SELECT NEXTVAL('public.written') FROM {batch} LIMIT 1"
    description: str | None = "Never."


class NoneOfThese(gxe.ExpectColumnValuesToNotBeNull):
    """A rule that checks no row, because no row has this status."""

    column: str = "generated_image_url"
    row_condition: Any = Column("generation_status") == "no such status"
    description: str | None = "Never."


class NoneOfTheseIsFine(NoneOfThese):
    """The same rule, which may check no row."""

    empty_is_fine: ClassVar[bool] = True


class MarksNothing(gxe.ExpectColumnValuesToBeNull):
    """A warning that finds every row."""

    column: str = "id"
    severity: FailureSeverity = WARNING
    description: str | None = "There is no id."


class UnjudgedWarning(NoSuchColumn):
    """A warning that cannot be judged."""

    severity: FailureSeverity = WARNING


#: Every gate but `verification`, whose tables do not exist before the switch.
BEFORE_THE_SWITCH = [suite for name, suite in SUITES.items() if name != "verification"]


def judged(shop: Shop, suite: Suite) -> GateVerdict:
    """The verdict of a suite in a new run that has reconciled."""
    with running(shop) as run:
        begin(run)
        return judge_suite(run, suite)


def begin(run: Run) -> None:
    run.begin()
    reconcile.reconcile(run)


def on_clean(*columns: type[Expectation]) -> Suite:
    return Suite("trap", table="artworks_v2", columns=columns)


@LONG
def test_a_migrated_shop_is_green(migrated: Shop) -> None:
    """Each suite of a migrated shop judges each of its rules, and none is red."""
    for suite in BEFORE_THE_SWITCH:
        verdict = judged(migrated, suite)
        assert "" == verdict.broken
        assert [] == verdict.red
        assert len(suite.rules) == len(verdict.rules)
        require_green(verdict)


def test_each_rule_leaves_one_verdict(migrated: Shop) -> None:
    """Judged once or twice, a rule leaves one verdict, with the severity and the description of its class."""
    with running(migrated) as run:
        begin(run)
        judge_suite(run, CLEAN_ARTWORKS)
        judge_suite(run, CLEAN_ARTWORKS)
    noted = migrated.rows("SELECT rule, severity, description FROM artwork_migration.gate_result ORDER BY rule")
    fields = {rule.expectation_type: rule.__fields__ for rule in CLEAN_ARTWORKS.rules}
    declared = [(name, one["severity"].default.value, one["description"].default) for name, one in sorted(fields.items())]
    assert declared == noted


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (NoSuchColumn, "raised InvalidMetricAccessorDomainKwargsKeyError"),
        (NotOnPostgres, "raised "),
        (WithoutParameter, "has a parameter without a value"),
        (LeaksInItsError, "raised "),
        (NoneOfThese, "checked nothing"),
        (UnjudgedWarning, "raised "),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
@first(2)
def test_a_rule_that_cannot_look_breaks_the_gate(migrated: Shop, rule: type[Expectation], why: str) -> None:
    """A rule that cannot be judged breaks the gate, whatever its severity and however green the other rules are."""
    verdict = judged(migrated, on_clean(Sane, rule))
    assert f"{rule.expectation_type} {why}" in verdict.broken.replace("sane, ", "")
    with pytest.raises(GateBroken, match="could not be judged"):
        require_green(verdict)
    assert [(True, 0)] == migrated.rows("SELECT red, bad FROM artwork_migration.gate_result WHERE rule = %s", rule.expectation_type)


def test_an_empty_suite_breaks_the_gate(migrated: Shop) -> None:
    """A suite without rules breaks the gate, although Great Expectations calls it a success."""
    with pytest.raises(GateBroken, match="no rules"):
        require_green(judged(migrated, Suite("trap", table="artworks_v2")))


def test_a_dropped_rule_breaks_the_gate(migrated: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that Great Expectations does not know, and leaves out of the suite, breaks the gate."""
    monkeypatch.delitem(registry._registered_expectations, Sane.expectation_type)
    with pytest.raises(GateBroken, match="sane"):
        require_green(judged(migrated, on_clean(Sane, NoneOfTheseIsFine)))


def test_fewer_results_than_rules_break_the_gate(migrated: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule whose result has another name than the rule breaks the gate."""
    monkeypatch.setattr(Sane, "expectation_type", "sane_no_more")
    with pytest.raises(GateBroken, match="sane_no_more was not judged"):
        require_green(judged(migrated, on_clean(Sane)))


def test_a_missing_table_breaks_the_gate(migrated: Shop) -> None:
    """A table that does not exist breaks the gate, and the message names the rule."""
    with pytest.raises(GateBroken, match="sane raised"):
        require_green(judged(migrated, Suite("trap", table="no_such_table", columns=(Sane,))))


def test_an_empty_table_breaks_the_gate(migrated: Shop) -> None:
    """An empty table breaks the gate, although Great Expectations finds no NULL in it and calls it a success."""
    migrated.sql.execute("CREATE TABLE public.nothing_here (id uuid)")
    with pytest.raises(GateBroken, match="sane checked nothing"):
        require_green(judged(migrated, Suite("trap", table="nothing_here", columns=(Sane,))))


def test_a_rule_may_say_that_empty_is_fine(migrated: Shop) -> None:
    """A rule that may check no row is green if it checks none."""
    require_green(judged(migrated, on_clean(NoneOfTheseIsFine)))


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ("DELETE FROM artwork_migration.rule_result WHERE rule = 'missing'", "missing has 0 results"),
        ("INSERT INTO artwork_migration.rule_result SELECT * FROM artwork_migration.rule_result WHERE rule = 'missing'", "missing has 2"),
        ("UPDATE artwork_migration.rule_result SET checked = 0 WHERE rule = 'missing'", "missing checked nothing"),
    ],
    ids=["row is missing", "row is there twice", "checked nothing"],
)
def test_a_rule_result_that_does_not_say_breaks_the_gate(migrated: Shop, damage: str, why: str) -> None:
    """A measured rule breaks the gate unless it has exactly one result, and that result checked something."""
    migrated.sql.execute("ALTER TABLE artwork_migration.rule_result DROP CONSTRAINT rule_result_pkey")
    with running(migrated) as run:
        begin(run)
        migrated.sql.execute(damage)
        with pytest.raises(GateBroken, match=why):
            require_green(judge_suite(run, RECONCILIATION))


def test_a_rule_result_that_is_bad_fails_the_gate(migrated: Shop) -> None:
    """A result with bad rows fails the gate, with the rule and the count in the message."""
    with running(migrated) as run:
        begin(run)
        for rule in RECONCILIATION.rules:
            migrated.sql.execute(
                "UPDATE artwork_migration.rule_result SET bad = CASE WHEN rule = %s THEN 1 ELSE 0 END", [rule.expectation_type]
            )
            verdict = judge_suite(run, RECONCILIATION)
            assert [rule.expectation_type] == [one.rule for one in verdict.red]
            with pytest.raises(GateFailed, match=f"gate reconciliation is red: {rule.expectation_type}: 1 bad"):
                require_green(verdict)


def test_sql_of_ours_that_fails_breaks_the_gate(migrated: Shop) -> None:
    """A rule file that fails breaks the gate with its SQLSTATE; the other rules are judged."""
    migrated.sql.execute("ALTER TABLE artwork_migration.created_user RENAME TO elsewhere")
    verdict = judged(migrated, USERS)
    assert "created_are_anonymous, created_have_email failed with SQLSTATE 42P01" == verdict.broken
    assert verdict.rules[0].green


def test_a_warning_is_reported_and_stops_nothing(migrated: Shop) -> None:
    """A warning is saved with its findings and does not make the gate red, although Great Expectations calls the suite a failure."""
    verdict = judged(migrated, on_clean(Sane, MarksNothing))
    require_green(verdict)
    assert [True, False] == [rule.green for rule in verdict.rules]
    rows = migrated.value("SELECT COUNT(*) FROM artworks_v2")
    assert [(False, rows, 20)] == migrated.rows(
        "SELECT red, bad, CARDINALITY(ids) FROM artwork_migration.gate_result WHERE rule = 'marks_nothing'"
    )
    assert [(rows, [["id"]])] == migrated.rows(
        "SELECT COUNT(*), ARRAY_AGG(DISTINCT about) FROM artwork_migration.finding WHERE rule = 'marks_nothing'"
    )


@LONG
def test_every_id_that_a_rule_about_columns_found_is_saved(migrated: Shop) -> None:
    """As many ids are saved as rows are bad, also of a rule that is about some of the rows only, and of one about duplicates."""
    migrated.sql.execute("SET session_replication_role = replica; ALTER TABLE artworks_v2 DROP CONSTRAINT artworks_v2_access_token_key")
    migrated.sql.execute("UPDATE artworks_v2 SET generated_image_url = NULL, access_token = LEFT(access_token, 1)")
    migrated.sql.execute("UPDATE artworks_v2 SET generation_status = 'failed' WHERE id IN (SELECT id FROM artworks_v2 LIMIT 400)")
    about_columns = {rule.expectation_type for rule in CLEAN_ARTWORKS.columns}
    bad = {rule.rule: rule.bad for rule in judged(migrated, CLEAN_ARTWORKS).rules if rule.bad and rule.rule in about_columns}
    assert {"completed_has_image", "clean_token_is_unique"} <= bad.keys()
    assert 400 < bad["completed_has_image"] < migrated.value("SELECT COUNT(*) FROM artworks_v2")
    saved = dict(migrated.rows("SELECT rule, COUNT(*) FROM artwork_migration.finding WHERE rule = ANY(%s) GROUP BY rule", list(bad)))
    assert bad == saved


def test_a_percent_sign_in_a_column_s_name(migrated: Shop) -> None:
    """A column of the application's own with a percent sign or a colon in its name does not keep the ids of duplicates from being saved."""
    migrated.sql.execute('ALTER TABLE users DROP CONSTRAINT users_email_key, ADD COLUMN "100% off:now" text')
    migrated.sql.execute("INSERT INTO users (email) SELECT email FROM users LIMIT 1")
    (rule,) = judged(migrated, Suite("users", table="users", columns=(UserEmailIsUnique,))).rules
    assert (2, 2, "") == (rule.bad, len(rule.ids), rule.broken)


def test_a_rule_whose_ids_cannot_be_saved_is_broken(migrated: Shop) -> None:
    """A rule whose ids cannot be saved could not be judged; the others are judged."""
    migrated.sql.execute("ALTER TABLE artwork_migration.finding ADD CONSTRAINT refuse CHECK (rule <> 'marks_nothing') NOT VALID")
    verdict = judged(migrated, on_clean(Sane, MarksNothing))
    assert "marks_nothing failed with SQLSTATE 23514" == verdict.broken
    assert verdict.rules[0].green


def test_all_gates_are_reported_at_once(migrated: Shop) -> None:
    """One message reports the gates that could not be judged and the gates that found bad data."""
    migrated.sql.execute("ALTER TABLE users DROP CONSTRAINT users_email_key; INSERT INTO users (email) SELECT email FROM users LIMIT 1")
    red = judged(migrated, Suite("users", table="users", columns=(UserEmailIsUnique,)))
    with pytest.raises(GateBroken) as caught:
        require_green(red, judged(migrated, on_clean(NoSuchColumn)))
    assert "gate trap could not be judged: no_such_column raised InvalidMetricAccessorDomainKwargsKeyError" in str(caught.value)
    assert "gate users is red: user_email_is_unique (email)" in str(caught.value)
    assert red.red[0].ids[0] in str(caught.value)


@LONG
def test_no_value_leaves_the_database(migrated: Shop, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """No e-mail and no token is in the ledger, in a verdict, or in a log of Great Expectations."""
    with caplog.at_level("DEBUG"):
        verdicts = [judged(migrated, suite) for suite in (on_clean(LeaksInItsError, MarksNothing), *BEFORE_THE_SWITCH)]
    kept = migrated.rows("SELECT g::text FROM artwork_migration.gate_result AS g UNION SELECT f::text FROM artwork_migration.finding AS f")
    told = "".join([*(row for (row,) in kept), *map(str, verdicts), caplog.text, *capfd.readouterr()])
    values = migrated.rows("SELECT customer_email, access_token FROM artworks_v2")
    assert [] == [value for row in values for value in row if value in told]


def test_great_expectations_cannot_write(migrated: Shop) -> None:
    """Connections of Great Expectations are read-only, and none of them stays open."""
    migrated.sql.execute("CREATE SEQUENCE public.written")
    before = connections(migrated)
    for _ in range(4):
        with pytest.raises(GateBroken, match="writes raised ReadOnlySqlTransaction"):
            require_green(judged(migrated, on_clean(Writes)))
    assert not migrated.value("SELECT is_called FROM public.written")
    assert connections(migrated) - before < 4  # the pool of our own keeps some


def connections(shop: Shop) -> int:
    """How many connections of ours there are."""
    return int(shop.value("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = CURRENT_DATABASE() AND application_name = 'test'"))


@LONG
def test_the_rows_stay_in_the_database() -> None:
    """No query of a gate returns more than 200 rows; Great Expectations would fetch a whole table if it were given as a query."""
    settings = {"fsync": "off", "shared_preload_libraries": "pg_stat_statements"}
    with tempfile.TemporaryDirectory(prefix="pg") as folder, EmbeddedServer(Path(folder) / "d", version=18, settings=settings) as server:
        server.create_database("shop")
        build_sample(server.conninfo("shop"), Variant.CURRENT, rows=500)
        shop = Shop(server, "shop")
        shop.sql.execute("CREATE EXTENSION pg_stat_statements")
        deploy(shop)
        migrate(shop)
        shop.sql.execute("SELECT pg_stat_statements_reset()")
        for suite in BEFORE_THE_SWITCH:
            judged(shop, suite)
        of_tables = "REPLACE(query, '/* artwork_migration */', '') !~ 'artwork_migration'"  # each of our statements ends with the comment
        fetched = shop.rows(f"SELECT query, calls FROM pg_stat_statements WHERE rows > 200 * calls AND {of_tables}")
        shop.close()
    assert [] == fetched


def test_a_database_out_of_reach_is_reported_without_its_address(migrated: Shop) -> None:
    """A database that cannot be reached is reported without its URL, which may hold a password."""
    with running(migrated) as run:
        begin(run)
        run.database.url = run.database.url.set(port=1, query={})
        with pytest.raises(DatabaseUnreachable) as caught:
            judge_suite(run, USERS)
    assert str(caught.value).startswith("The gates could not connect: TestConnectionError. What was committed before stays. To fix: ")
    assert caught.value.__suppress_context__


def test_a_rule_s_severity_is_one_of_three() -> None:
    """Each rule is critical, a warning or information, and critical is the default."""
    severities = {rule.__fields__["severity"].default for suite in SUITES.values() for rule in suite.rules}
    assert {CRITICAL, WARNING, INFO} == severities
    assert CRITICAL == Sane.__fields__["severity"].default


def test_all_statements_of_a_gate_see_one_snapshot(migrated: Shop) -> None:
    """Rows written while a gate is judged are not counted in any of its statements."""
    before = migrated.value("SELECT COUNT(*) FROM public.artworks_v2")
    with running(migrated) as run, datasource(run) as (source, _):
        for _ in range(3):
            add_clean(migrated)
            found = validate(
                source, lambda name: source.add_table_asset(name, table_name="artworks_v2", schema_name="public"), [TimesInOrder, Sane]
            )
            assert {before} == {one.result["element_count"] for one in found.values() if not isinstance(one, str)}
            assert not any(map(unjudged, found.values()))
    assert before + 3 == migrated.value("SELECT COUNT(*) FROM public.artworks_v2")


def test_limits_of_the_database_do_not_end_a_gate(migrated: Shop) -> None:
    """A statement_timeout or idle_in_transaction_session_timeout of the database ends no connection of a gate."""
    with running(migrated) as run:
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            migrated.sql.execute(f"ALTER DATABASE {migrated.name} SET {limit} = '300ms'")
        run.database.dispose()  # its connections are older than the limits
        with datasource(run) as (source, _):
            for engine in (source.get_engine(), source.get_execution_engine().engine):
                with engine.connect() as connection:
                    connection.exec_driver_sql("SELECT PG_SLEEP(0.5)")
