"""The time that a statement takes grows with the tables and not with their square, whatever the planner believes of them."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from migration.checks import gates, verification
from migration.ledger.phases import MOVE_CUSTOMERS, VERIFY
from migration.settings import Settings
from migration.sync import pace
from migration.verbs.move_customers import Choice, find_moving, plan_move_customers, put_in_force
from sample.build import Variant, build_sample
from sample.server import EmbeddedServer
from tests import conftest
from tests.databases import SETTINGS, Shop, approve, deploy, migrate, planned, reconcile_now, roll_back, running, switch
from tests.series import series

ROWS = 4_000
#: Rows that one statement may visit for each artwork, in all executions. The worst of ours visits 80, a quadratic plan thousands.
LINEAR = 200
ROWS_IN_A_PAGE = 20
#: This memory is to a hash table over the sample what that of a poor server is to one over a million rows.
WORK_MEM = "64kB"
#: Each statement is logged with the plan that was executed. A chunk is the whole sample, as most tables are a few chunks. The budget of a
#: batch depends on deadlock_timeout; here it is large enough for statements that are logged.
LOGGED = {
    "autovacuum": "off",
    "deadlock_timeout": "60s",
    "work_mem": WORK_MEM,
    "hash_mem_multiplier": "1",
    "max_parallel_workers_per_gather": "0",
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_format": "json",
    "log_error_verbosity": "terse",
    "log_line_prefix": "<entry>",
}
TABLES = """
SELECT FORMAT('%I', n.nspname) AS schema_name, FORMAT('%I', c.relname) AS table_name, PG_RELATION_SIZE(c.oid) / 8192 AS pages
FROM pg_class AS c INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE c.relkind = 'r' AND n.nspname IN ('public', 'artwork_migration')
"""
Believe = Callable[[Shop], object]


def nothing(shop: Shop) -> None:
    """No statistics: nobody has ever analyzed a table."""
    shop.sql.execute("DELETE FROM pg_statistic WHERE starelid >= 16384")
    shop.sql.execute(f"SELECT PG_CLEAR_RELATION_STATS(t.schema_name, t.table_name) FROM ({TABLES}) AS t")


def empty(shop: Shop) -> None:
    """Statistics taken when nothing was copied yet."""
    if not shop.value("SELECT COUNT(*) FROM public.artworks_v2"):
        shop.sql.execute("VACUUM (ANALYZE)")


def times(factor: float) -> Believe:
    """Statistics that are wrong by this factor; never less than 20 rows, because for a single row the planner takes any plan."""

    def believe(shop: Shop) -> None:
        shop.sql.execute("ANALYZE")
        rows = f"GREATEST(20, t.pages * {ROWS_IN_A_PAGE} * {factor})::real"
        relation = "'schemaname', t.schema_name, 'relname', t.table_name"
        shop.sql.execute(
            f"SELECT PG_RESTORE_RELATION_STATS({relation}, 'relpages', t.pages::int, 'reltuples', {rows}) FROM ({TABLES}) AS t"
        )

    return believe


STATISTICS: dict[str, Believe] = {"absent": nothing, "empty": empty, "too_few": times(0.001), "too_many": times(1000)}


@pytest.fixture(scope="module")
def logging_server() -> Iterator[EmbeddedServer]:
    """A server that logs each executed plan, with the sample as a template."""
    with (
        tempfile.TemporaryDirectory(prefix="pg") as folder,
        EmbeddedServer(Path(folder) / "d", settings={**conftest.SETTINGS, **LOGGED}) as it,
    ):
        it.create_database("sample")
        build_sample(it.conninfo("sample"), Variant.CURRENT, rows=ROWS)
        yield it


@pytest.fixture
def logged_shop(logging_server: EmbeddedServer, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """The production-like sample on that server."""
    shop = Shop(logging_server, f"logged_{request.node.callspec.id}")
    logging_server.create_database(shop.name, template="sample")
    yield shop
    shop.close()
    logging_server.drop_database(shop.name)


@pytest.mark.parametrize("statistics", series(STATISTICS, {"empty"}))
def test_every_statement_is_linear(logged_shop: Shop, statistics: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From deploy_schema to the rollback after the switch no statement visits more rows than a fixed multiple of the artworks."""
    whole = {"chunk_blocks": Settings(database_url=None).chunk_blocks, "work_mem": WORK_MEM}
    monkeypatch.setattr(Shop, "settings", SETTINGS.model_copy(update=whole))
    monkeypatch.setattr(pace, "TARGET", 60.0)  # full batches, however busy the machine is
    with logged_shop.server.log.open() as log:
        log.seek(0, 2)
        life_cycle(logged_shop, STATISTICS[statistics])
        visited = visits_by_statement(log.read())
    assert any("artwork_migration.verdict" in statement and rows > ROWS for statement, rows in visited.items())
    assert {} == {statement: rows / ROWS for statement, rows in visited.items() if rows > LINEAR * ROWS}


def life_cycle(shop: Shop, believe: Believe) -> None:
    """What the verbs do that reads whole tables; before each gate every artwork is in the log."""
    deploy(shop)
    for _ in range(2):
        believe(shop)
        migrate(shop)
    log_every_artwork(shop)
    believe(shop)
    measure_rules(shop, "legacy_artworks", "clean_artworks", "users")
    move_everybody(shop)
    reconcile_now(shop)
    log_every_artwork(shop)
    believe(shop)
    switch(shop)
    log_every_artwork(shop)
    believe(shop)
    with running(shop, VERIFY) as run:
        run.begin()
        verification.compare_every_row(run)
    shop.sql.execute("DELETE FROM public.artworks AS a WHERE a.id IN (SELECT c.id FROM public.artworks AS c ORDER BY c.id LIMIT 500)")
    roll_back(shop)


def log_every_artwork(shop: Shop) -> None:
    """Every artwork is logged itself, and by the e-mail of its user."""
    shop.sql.execute("UPDATE public.artworks SET pet_name = 'Rex ' || pet_name")
    shop.sql.execute("INSERT INTO artwork_migration.indirect_change (emails) SELECT ARRAY[u.email] FROM public.users AS u")


def move_everybody(shop: Shop) -> None:
    """Every customer is moved to the clean table, in halves: by a share, then by the e-mail."""
    emails = tuple(email for (email,) in shop.rows("SELECT DISTINCT customer_email FROM public.artworks WHERE BTRIM(customer_email) <> ''"))
    for choice in (Choice("clean", (), 50), Choice("clean", emails, None)):
        made = planned(shop, partial(plan_move_customers, choice=choice))
        assert () == made.blockers
        with running(shop, MOVE_CUSTOMERS) as run:
            approve(run, made)
            find_moving(run, made)
            assert {} == gates.measure(run, "moved_customers")
            assert put_in_force(run, made).customers > 0


def measure_rules(shop: Shop, *suites: str) -> None:
    with running(shop) as run:
        run.begin()
        for suite in suites:
            assert {} == gates.measure(run, suite)


def visits_by_statement(log: str) -> dict[str, float]:
    """The rows that each statement has visited, in all its executions, from the plans in the server's log."""
    found: dict[str, float] = defaultdict(float)
    for entry in log.split("<entry>"):
        head, _, plan = entry.partition(" plan:\n")
        if plan and head.startswith("LOG:"):
            executed = json.loads(plan)
            found[executed["Query Text"]] += visits(executed["Plan"])
    return found


def visits(node: dict[str, Any]) -> float:
    """The rows that an executed plan has visited, those that it threw away included.

    A sequential scan also visits rows of its pages that are not visible to it, such as those that its own statement has inserted.
    """
    children = node.get("Plans", ())
    removed = sum(node.get(f"Rows Removed by {reason}", 0) for reason in ("Filter", "Join Filter", "Index Recheck"))
    rows = float((node["Actual Rows"] + removed) * node["Actual Loops"])
    if node["Node Type"] == "Seq Scan":
        rows = max(rows, ROWS_IN_A_PAGE * (pages(node) - sum(map(pages, children))))
    return rows + sum(map(visits, children))


def pages(node: dict[str, Any]) -> float:
    """The pages that a node and those below it have read."""
    return float(node["Shared Hit Blocks"] + node["Shared Read Blocks"])
