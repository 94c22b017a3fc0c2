"""Whether the application still uses what vanishes: the gate `application_ready`, the plans, and the block of the clean-up."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from expectations.suites import SUITES
from migration.checks import readiness
from migration.checks.gates import GateVerdict, RuleVerdict, require_green
from migration.database import Database
from migration.gate_errors import GateFailed
from migration.ledger.phases import CLEAN_UP, SWITCH_OVER, Verb
from migration.settings import database_url
from reporting.findings import Finding
from reporting.plans import plan_markdown
from reporting.status import read_status
from reporting.status_lines import status_lines
from sample.build import Variant, build_sample
from sample.server import EmbeddedServer
from tasks.validation import judge_suite
from tests.conftest import MakeShop
from tests.databases import (
    Shop,
    decide,
    deploy,
    deploy_with_old_names,
    execute_clean_up,
    make_ready,
    migrate,
    planned_clean_up,
    planned_switch,
    running,
    switch,
)
from tests.series import LONG

UNUSED, SEEN = "old_columns_unused", "use_can_be_seen"
#: What old code does: the column has no place in the clean table. The e-mail must be in no report.
OLD = "UPDATE artworks SET original_image_url = original_image_url WHERE customer_email = 'jane.doe@example.com' /* by joe@example.com */"
#: Seconds: long enough for our statements, short enough to wait for.
QUIET = 2


@contextmanager
def counting_server(version: int, *, most: int = 10_000) -> Iterator[EmbeddedServer]:
    """A server that counts statements, `most` of them at a time."""
    settings = {"fsync": "off", "shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.max": str(most)}
    with (
        tempfile.TemporaryDirectory(prefix="pg") as folder,
        EmbeddedServer(Path(folder) / "d", version=version, settings=settings) as started,
    ):
        yield started


@contextmanager
def counting_shop(server: EmbeddedServer, name: str, bring: Callable[[Shop], object] = deploy) -> Iterator[Shop]:
    """A migrated shop on it, whose application has been quiet if its statements stay the same for two seconds."""
    server.create_database(name)
    build_sample(server.conninfo(name), Variant.CURRENT, rows=200)
    shop = Shop(server, name)
    shop.sql.execute("CREATE SCHEMA monitoring; CREATE EXTENSION pg_stat_statements SCHEMA monitoring")
    bring(shop)
    migrate(shop)
    decide(shop, "quiet_time", f"{QUIET} seconds")
    read(shop)  # as migrate-data does; the sample's own INSERTs are in it
    time.sleep(QUIET)
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def newest() -> Iterator[EmbeddedServer]:
    """The newest release."""
    with counting_server(18) as started:
        yield started


@pytest.fixture
def counting(newest: EmbeddedServer) -> Iterator[Shop]:
    """A migrated shop whose statements are counted."""
    with counting_shop(newest, f"shop_{uuid4().hex}") as shop:
        yield shop


def judged(shop: Shop) -> GateVerdict:
    """The verdict of the gate in a new run."""
    with running(shop, SWITCH_OVER) as run:
        run.begin()
        return judge_suite(run, SUITES["application_ready"])


def rules(verdict: GateVerdict) -> dict[str, RuleVerdict]:
    return {rule.rule: rule for rule in verdict.rules}


def read(shop: Shop) -> str:
    with running(shop, SWITCH_OVER) as run:
        return readiness.read_use(run)


def seen(shop: Shop, verb: Verb) -> readiness._Reading:
    """What a reading about the names that end with this verb has; it is not kept."""
    with shop.database.transaction("reading") as connection:
        (source,) = readiness.database.rows(connection, "readiness/source")
        return readiness._read(connection, source, verb)


def use(shop: Shop, statement: str = OLD, *, application: str = "shop-api", keep: bool = False) -> psycopg.Connection:
    """Execute the statement as an application does."""
    connection = psycopg.connect(shop.server.conninfo(shop.name), application_name=application, autocommit=True)
    connection.execute(statement)  # type: ignore[call-overload]  # not a literal
    if not keep:
        connection.close()
    return connection


def test_a_statement_of_old_code_is_red_until_it_stops(counting: Shop) -> None:
    """The gate names statement, role, application and calls; it is green once the calls stay the same, and says nothing of our own."""
    assert {UNUSED: "green", SEEN: "green"} == {name: rule.label for name, rule in rules(judged(counting)).items()}
    session = use(counting, keep=True)
    verdict = judged(counting)
    (about,) = rules(verdict)[UNUSED].about
    role = counting.value("SELECT CURRENT_USER")
    assert about.startswith(f"role {role}, application shop-api: `UPDATE artworks SET original_image_url = original_image_url WHERE")
    assert "` names original_image_url; 1 calls between " in about
    assert "example.com" not in about
    with pytest.raises(GateFailed, match="application shop-api") as caught:
        require_green(verdict)
    assert "run `switch-over` again" in str(caught.value)
    assert "switch-over" == str(read_status(counting.database).next_step.verb)  # type: ignore[union-attr]
    session.execute(OLD)
    time.sleep(QUIET)
    assert not rules(judged(counting))[UNUSED].green
    time.sleep(QUIET)
    assert rules(judged(counting))[UNUSED].green
    session.close()


@LONG
def test_what_is_not_the_application_s_use_is_not_counted(counting: Shop) -> None:
    """Columns without the table, the table alone, DDL, literals, pg_dump, legacy_names and our own statements do not count."""
    for statement in (
        "SELECT 1 AS original_image_url",
        "SELECT a.id, a.customer_email FROM artworks AS a",
        "COMMENT ON COLUMN artworks.original_image_url IS NULL",
        "SELECT 'artworks original_image_url'",
        "COPY public.artworks (id, original_image_url) TO '/dev/null'",
        "BEGIN; DECLARE _pg_dump_cursor CURSOR FOR SELECT id, original_image_url FROM ONLY public.artworks; COMMIT",
        "SELECT id AS legacy_names, original_image_url FROM artworks",
    ):
        use(counting, statement)
    planned_switch(counting)
    assert rules(judged(counting))[UNUSED].green
    use(counting, 'SELECT upscaled_at AS "a" FROM public."artworks" WHERE pet_name = $$rex@example.com$$')
    (about,) = rules(judged(counting))[UNUSED].about
    assert "names upscaled_at" in about
    assert "example" not in about


@pytest.mark.parametrize(
    "statement",
    [
        "/* before */ UPDATE /* within */ artworks SET original_image_url = NULL WHERE FALSE /* after */",
        "/* before -- */ UPDATE artworks /* within */ SET original_image_url = NULL WHERE FALSE",
        "-- before /*\nUPDATE artworks -- within\nSET original_image_url = NULL WHERE FALSE /* after */ -- after",
    ],
    ids=["block", "line within block", "block within line"],
)
@LONG
def test_comments_hide_no_statement(counting: Shop, statement: str) -> None:
    """A statement between two comments is found, and its comments are not shown."""
    use(counting, statement)
    (about,) = rules(judged(counting))[UNUSED].about
    assert "`UPDATE artworks SET original_image_url = " in about
    assert all(word not in about for word in ("before", "within", "after "))


@LONG
def test_at_most_20_statements_are_listed(counting: Shop) -> None:
    """The gate lists 20 statements, and how many more there are."""
    for number in range(23):
        use(counting, f"SELECT original_image_url {', 1' * number} FROM artworks LIMIT 1")
    about = rules(judged(counting))[UNUSED].about
    assert 21 == len(about)
    assert "statements that are not listed here: 3" in about


@LONG
def test_the_plan_says_what_ends_and_who_uses_it(counting: Shop) -> None:
    """The plan of the switch has the columns and values that end, the use with its role and application, and a decision that waives it."""
    use(counting)
    read(counting)
    markdown = plan_markdown(planned_switch(counting))
    assert "`original_image_url` (column)" in markdown
    assert "`upscale_status = 'not_required'` (value)" in markdown
    assert "in use | role " in markdown
    assert "`UPDATE artworks SET original_image_url" in markdown
    assert "The calls of each statement that names them must have stayed the same for 2 s." in markdown
    assert any(label == "old names" and "original_image_url" in value for label, value in status_lines(read_status(counting.database)))
    decide(counting, "waive_readiness", "switch-over")
    use(counting)
    assert rules(judged(counting))[UNUSED].green
    assert "**Waived** by the decision `waive_readiness` of test: test" in plan_markdown(planned_switch(counting))
    decide(counting, "waive_readiness", "clean-up")
    use(counting)
    assert not rules(judged(counting))[UNUSED].green


@pytest.mark.parametrize("reset", ["pg_stat_statements_reset()", "pg_stat_statements_reset(queryid => {})"], ids=["all", "one"])
@LONG
def test_a_reset_is_no_quiet(counting: Shop, reset: str) -> None:
    """After a reset of all or of one statement the gate is red for the quiet time, and green after it."""
    use(counting)
    read(counting)
    time.sleep(QUIET)
    assert rules(judged(counting))[UNUSED].green
    query = counting.value("SELECT queryid FROM monitoring.pg_stat_statements WHERE query LIKE 'UPDATE artworks SET original_image_url%'")
    counting.sql.execute("SELECT monitoring." + reset.format(query))
    about = rules(judged(counting))[UNUSED].about
    assert any("reset" in line for line in about), about
    time.sleep(QUIET)
    assert rules(judged(counting))[UNUSED].green


@LONG
def test_an_eviction_is_no_quiet() -> None:
    """A counter that was evicted between two readings counts as used, and the gate warns that others may be missing."""
    with counting_server(18, most=1000) as server, counting_shop(server, "shop") as shop:
        use(shop)
        read(shop)
        time.sleep(QUIET)
        for number in range(1500):  # each has another shape
            shop.sql.execute(f"SELECT {', '.join('1' for _ in range(number % 50 + 1))} {'+ 1' * (number // 50)}")  # type: ignore[call-overload]
        found = rules(judged(shop))
        assert any("has evicted" in line for line in found[SEEN].about), found
        assert any("its counter is gone (reset or evicted between" in line for line in found[UNUSED].about), found


def unseen(shop: Shop, why: str) -> None:
    """The gate warns with the reason, judges nothing else, and the plan says the same."""
    found = rules(judged(shop))
    assert {UNUSED: "not applicable", SEEN: "warning"} == {name: rule.label for name, rule in found.items()}
    assert [] == [line for line in found[SEEN].about if why not in line]
    assert found[SEEN].about
    assert why in plan_markdown(planned_switch(shop))
    require_green(judged(shop))


@LONG
def test_without_the_extension(counting: Shop) -> None:
    """Without pg_stat_statements in the database the gate warns; it is green again with it."""
    counting.sql.execute("DROP EXTENSION pg_stat_statements")
    use(counting)
    unseen(counting, "pg_stat_statements is not installed in this database")
    counting.sql.execute("CREATE EXTENSION pg_stat_statements")
    assert rules(judged(counting))[SEEN].green


def test_the_sample_has_no_extension(migrated: Shop) -> None:
    """The databases of the demo and of other tests have none: a warning, and nothing that stops the switch."""
    unseen(migrated, "pg_stat_statements is not installed in this database")


def test_the_library_is_not_loaded(migrated: Shop) -> None:
    """The extension alone, without its library, is reported as such."""
    migrated.sql.execute("CREATE EXTENSION pg_stat_statements")
    unseen(migrated, "pg_stat_statements is not in shared_preload_libraries")


@pytest.mark.parametrize(("version", "readable"), [("1.10-x", True), ("1.8", False), ("next", False), ("99999999999.1", False)])
@LONG
def test_a_version_may_be_any_text(counting: Shop, version: str, readable: bool) -> None:
    """The version of the extension fails no verb: from 1.9 on it is read, whatever follows; an unknown one is reported."""
    counting.sql.execute("UPDATE pg_extension SET extversion = %s WHERE extname = 'pg_stat_statements'", (version,))
    found = seen(counting, SWITCH_OVER)
    assert readable == found.readable
    assert readable == ("or its version is not known" not in " ".join(found.problems))


@LONG
def test_nothing_is_counted(counting: Shop) -> None:
    """pg_stat_statements that is told to count nothing proves nothing."""
    counting.sql.execute(f"ALTER DATABASE {counting.name} SET pg_stat_statements.track = 'none'")
    counting.database.dispose()
    unseen(counting, "pg_stat_statements.track is none")


@LONG
def test_a_role_that_may_not_read(counting: Shop) -> None:
    """A role without pg_read_all_stats does not see what other roles do, and one without a privilege on the view sees nothing."""
    role = f"reader_{counting.name}"
    counting.sql.execute(
        f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA monitoring TO {role}; GRANT USAGE ON SCHEMA artwork_migration TO {role};"
        f" GRANT SELECT ON ALL TABLES IN SCHEMA artwork_migration TO {role}; GRANT USAGE ON SCHEMA public TO {role}"
    )
    use(counting)
    database = Database(database_url(counting.url).set(username=role), name="reader")
    try:
        for statement, why in (
            ("SELECT 1", "the statements of other roles are hidden from this role"),
            ("REVOKE SELECT ON monitoring.pg_stat_statements FROM PUBLIC", "this role may not read pg_stat_statements"),
        ):
            counting.sql.execute(statement)  # type: ignore[call-overload]  # not a literal
            with database.transaction("reading") as connection:
                (source,) = readiness.database.rows(connection, "readiness/source")
                found = readiness._read(connection, source, SWITCH_OVER)
            assert not found.complete
            assert why in found.problems[0]
        counting.sql.execute(f"GRANT SELECT ON monitoring.pg_stat_statements TO {role}; GRANT pg_read_all_stats TO {role}")
        with database.transaction("reading") as connection:
            found = readiness._read(connection, source, SWITCH_OVER)
        assert found.complete
        assert "original_image_url" in {name for statement in found.statements for name in statement["names"]}
    finally:
        database.dispose()
        counting.sql.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


THROUGH = f"SET search_path = legacy_names, public; {OLD}"
OF_PUBLIC = OLD.replace("UPDATE artworks", "UPDATE public.artworks")


@LONG
def test_what_may_go_through_legacy_names_is_a_warning() -> None:
    """Where legacy_names is served, a statement without a schema may go through it; one that names public does not."""
    with counting_server(17) as server, counting_shop(server, "shop", deploy_with_old_names) as shop:
        use(shop, THROUGH)
        found = rules(judged(shop))
        assert found[UNUSED].label == "green"
        assert any(line.startswith("it may go through legacy_names: role ") for line in found[SEEN].about)
        assert "maybe through `legacy_names`" in plan_markdown(planned_switch(shop))
        use(shop, OF_PUBLIC)
        (about,) = rules(judged(shop))[UNUSED].about
        assert "UPDATE public.artworks" in about


@LONG
def test_postgres_18_counts_both_together(newest: EmbeddedServer) -> None:
    """From Postgres 18 on, the two have one counter: with legacy_names the gate judges nothing, and warns with the statement."""
    with counting_shop(newest, "with_old_names", deploy_with_old_names) as shop:
        use(shop, THROUGH)
        use(shop, OF_PUBLIC)
        found = rules(judged(shop))
        assert found[UNUSED].label == "not applicable"
        together, about = sorted(found[SEEN].about, reverse=True)
        assert "this server counts statements through legacy_names together with those on the table" == together
        assert "2 calls" in about


@LONG
def test_from_postgres_18_on_a_text_proves_no_use_of_legacy_names(newest: EmbeddedServer) -> None:
    """A statement that names only legacy_names does not block the clean-up: the calls may be those of the same statement on public."""
    with counting_shop(newest, "one_counter", deploy_with_old_names) as shop:
        for schema in ("legacy_names", "public"):
            use(shop, f"SELECT id FROM {schema}.artworks LIMIT 1")
        found = seen(shop, CLEAN_UP)
        assert [] == found.statements
        assert any("only what legacy_names has counted itself is known" in problem for problem in found.problems)


@LONG
def test_what_we_ask_for_does_not_block_the_clean_up(counting: Shop) -> None:
    """The queries of a report, and a backup of artworks_old, are no use of the application; other statements with it are."""
    counting.sql.execute("CREATE TABLE artworks_old AS TABLE artworks WITH NO DATA")
    of_report = [
        Finding(rule, suite, 1, [], [str(uuid4())], switched=True).query.removesuffix("\\gx")
        for rule, suite in (("live_differs", "verification"), ("orphan", "users"))
    ]
    for statement in (*of_report, "COPY artworks_old TO '/dev/null'", "COPY (SELECT id FROM public.artworks_old) TO '/dev/null'"):
        use(counting, statement)
    assert [] == seen(counting, CLEAN_UP).statements
    for statement in ("SELECT id FROM artworks_old", "COPY (SELECT id FROM artworks_v2) TO '/dev/null'"):
        use(counting, statement)
    assert [["artworks_old"], ["artworks_v2"]] == sorted(found["names"] for found in seen(counting, CLEAN_UP).statements)


@LONG
def test_the_clean_up_waits_until_nobody_uses_the_old_names(counting: Shop, tmp_path: Path) -> None:
    """A statement with artworks_v2 within 7 days blocks the clean-up, with its role; later, or by a decision, it goes through."""
    switch(counting)
    assert any(label == "rolled back" for label, _ in status_lines(read_status(counting.database)))
    for sign in "+-":  # as after a crash, when the server counts from zero; and back
        counting.sql.execute(f"UPDATE artwork_migration.use_reading SET rolled_back = rolled_back {sign} 1000000")  # type: ignore[call-overload]
        assert (sign == "-") == any(label == "rolled back" for label, _ in status_lines(read_status(counting.database)))
    counting.sql.execute("UPDATE artwork_migration.phase_history SET ended_at = ended_at - interval '40 days'")
    use(counting, "SELECT id FROM artworks_v2 LIMIT 1")
    with running(counting, CLEAN_UP) as run:
        readiness.read_use(run)
    make_ready(counting)
    blockers = [blocker for blocker in planned_clean_up(counting).blockers if blocker.rule == "old_names_used"]
    assert {"pg_stat_statements"} < {blocker.subject for blocker in blockers}
    assert any("`SELECT id FROM artworks_v2 LIMIT $1` names artworks_v2" in blocker.problem for blocker in blockers)
    counting.sql.execute(
        "UPDATE artwork_migration.use_reading SET read_at = read_at - interval '20 days', reset_at = reset_at - interval '30 days'"
    )
    with running(counting, CLEAN_UP) as run:
        readiness.read_use(run)
    blockers = [blocker for blocker in planned_clean_up(counting).blockers if blocker.rule == "old_names_used"]
    assert ["pg_stat_statements"] == [blocker.subject for blocker in blockers]
    decide(counting, "waive_readiness", "clean-up")
    assert () == planned_clean_up(counting).blockers
    execute_clean_up(counting)


def test_the_use_of_legacy_names_blocks_the_clean_up(make_shop: MakeShop) -> None:
    """Use that was counted within 7 days blocks it, by role and application; older use does not."""
    shop = make_shop(phase="SWITCHED")
    make_ready(shop)
    shop.sql.execute("INSERT INTO artwork_migration.legacy_names_use VALUES ('web', 'shop-api', 'UPDATE')")
    (blocker,) = planned_clean_up(shop).blockers
    assert ("old_names_used", "role web, application shop-api") == (blocker.rule, blocker.subject)
    assert "waive_readiness clean-up" == blocker.decision
    shop.sql.execute("UPDATE artwork_migration.legacy_names_use SET used_at = used_at - interval '8 days'")
    assert () == planned_clean_up(shop).blockers
