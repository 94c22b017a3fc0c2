"""Settings of the database or the role do not change what our statements and functions mean."""

from uuid import uuid4

import pytest
from psycopg import sql as pgsql

from expectations.suites import SUITES
from migration.errors import PrerequisitesNotMet, Problem
from migration.ledger.phases import MIGRATE_DATA, VERIFY
from tasks.validation import judge_suite
from tests.conftest import MakeShop
from tests.databases import Shop, accept_exposure, deploy, migrate, planned_deployment, reconcile_now, roll_back, running, switch, uninstall
from tests.faults.judging import differing_rows, lost_orders
from tests.series import LONG, first

#: Settings that change the meaning of a text, what is created, or how long we may work.
HOSTILE = {
    "standard_conforming_strings": "off",
    "escape_string_warning": "off",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "row_security": "off",
    "check_function_bodies": "off",
    "quote_all_identifiers": "on",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Asia/Kathmandu",
    "bytea_output": "escape",
    "extra_float_digits": "-5",
    "default_transaction_deferrable": "on",
    "lock_timeout": "50ms",
    "statement_timeout": "2s",
    "restrict_nonsystem_relation_kind": "view",
    "search_path": "pg_temp, public",
}


@pytest.fixture
def hostile(make_shop: MakeShop) -> Shop:
    """The sample in a database with all these settings, for every session that is opened from now on."""
    shop = make_shop()
    for name, value in HOSTILE.items():
        values = pgsql.SQL(", ").join(map(pgsql.Literal, value.split(", ")))
        shop.sql.execute(pgsql.SQL("ALTER DATABASE {} SET {} = {}").format(pgsql.Identifier(shop.name), pgsql.Identifier(name), values))
    shop.close()
    return Shop(shop.server, shop.name)


def red(shop: Shop, suite: str) -> list[str]:
    """The rules of a gate that are red or could not be judged."""
    with running(shop, VERIFY if suite == "verification" else MIGRATE_DATA) as run:
        run.begin()
        return [f"{rule.rule} {rule.broken}" for rule in judge_suite(run, SUITES[suite]).rules if rule.red]


@LONG
def test_no_setting_of_the_database_changes_the_migration(hostile: Shop) -> None:
    """With every such setting the whole way is green in both directions, gates included, and the dump is as before."""
    session = hostile.session(autocommit=True)
    assert "off" == hostile.value("SHOW standard_conforming_strings")
    hostile.sql.execute("SET restrict_nonsystem_relation_kind = ''; SET quote_all_identifiers = off; SET statement_timeout = 0")
    session.execute("SET restrict_nonsystem_relation_kind = ''")
    before = hostile.schema_dump()
    deploy(hostile)
    assert set(migrate(hostile)) <= {"match", "excluded", "quarantined"}
    assert [] == red(hostile, "clean_artworks") + red(hostile, "users")
    for _ in range(2):
        switch(hostile)
        assert [] == red(hostile, "verification")
        assert (0, 0) == (lost_orders(hostile), differing_rows(hostile))
        email = f"{uuid4()}@example.com"
        session.execute("SELECT create_artwork('Ada', %s, 'Rex', 'https://a/1', 'https://a/2')", [email])
        artwork = hostile.value("UPDATE artworks SET pet_name = E'c\\\\d' WHERE customer_email = %s RETURNING id", email)
        roll_back(hostile)
        assert "c\\d" == hostile.value("SELECT pet_name FROM artworks WHERE id = %s", artwork)
        assert set(reconcile_now(hostile)) <= {"match", "excluded", "quarantined"}
    uninstall(hostile)
    assert before == hostile.schema_dump()


@pytest.mark.parametrize(
    ("name", "value"), [("default_transaction_read_only", "on"), ("session_replication_role", "replica"), ("idle_session_timeout", "9min")]
)
@first(1)
def test_a_setting_that_we_cannot_override_has_a_statement_that_resets_it(make_shop: MakeShop, name: str, value: str) -> None:
    """A setting that no statement of ours can override is refused, and the statement in the message makes the plan pass."""
    shop = make_shop()
    accept_exposure(shop)
    shop.sql.execute(
        pgsql.SQL("ALTER DATABASE {} SET {} = {}").format(pgsql.Identifier(shop.name), pgsql.Identifier(name), pgsql.Literal(value))
    )
    shop.database.dispose()
    (problem,) = problems(shop)
    assert f"setting {name}" == problem.subject
    shop.sql.execute(problem.statement.encode())
    shop.database.dispose()
    assert [] == problems(shop)
    shop.sql.execute(pgsql.SQL("ALTER ROLE postgres IN DATABASE {} RESET ALL").format(pgsql.Identifier(shop.name)))


def problems(shop: Shop) -> list[Problem]:
    """What the plan of deploy_schema is refused with, or what blocks it."""
    try:
        return list(planned_deployment(shop).blockers)
    except PrerequisitesNotMet as refusal:
        return list(refusal.problems)
