"""How much longer the statements over a whole table take when the planner knows nothing about the tables, or what it knows is wrong.

Each state is compared with fresh statistics, with a quarter of the rows. It is made before the data phase and again before the comparison,
and autovacuum is off. Measured are the longest steps that read whole tables: users, copy and comparison.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from bench import databases
from bench.results import Compared
from flows.migrate_data import copy_into_clean_table
from migration.ledger.phases import MIGRATE_DATA
from sample.server import EmbeddedServer
from tasks.copying import reconcile_rows

#: The highest ratio of a step's time to its time with fresh statistics.
BAR = 2.0
#: What is measured, with the name of its step in the ledger.
PARTS = {"users": "create users", "copy": "copy chunks", "comparison": "reconcile"}
TABLES = """
SELECT FORMAT('%I', n.nspname) AS schema_name, FORMAT('%I', c.relname) AS table_name, PG_RELATION_SIZE(c.oid) / 8192 AS pages
FROM pg_class AS c INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE c.relkind = 'r' AND n.nspname IN ('public', 'artwork_migration')
"""
FRESH = ("ANALYZE",)
SMALL_MEMORY = f"ALTER DATABASE {databases.CLONE} SET work_mem = '64kB'"


def _wrong_by(factor: float) -> tuple[str, ...]:
    """Return statements after which the planner expects this many times the rows; at least 20, as for one row it takes any plan."""
    rows = f"GREATEST(20, t.pages * 20 * {factor})::real"
    relation = "'schemaname', t.schema_name, 'relname', t.table_name, 'relpages', t.pages::int"
    return ("ANALYZE", f"SELECT PG_RESTORE_RELATION_STATS({relation}, 'reltuples', {rows}) FROM ({TABLES}) AS t")


#: The statements that make each state, and the settings of the run. Statistics of empty tables are those from before the copy.
STATES: dict[str, tuple[tuple[str, ...], dict[str, object]]] = {
    "fresh": (FRESH, {}),
    "no statistics": (
        (
            "DELETE FROM pg_statistic WHERE starelid >= 16384",
            f"SELECT PG_CLEAR_RELATION_STATS(t.schema_name, t.table_name) FROM ({TABLES}) AS t",
        ),
        {},
    ),
    "statistics of empty tables": ((), {}),
    "1,000 times too few rows": (_wrong_by(0.001), {}),
    "1,000 times too many rows": (_wrong_by(1000), {}),
    "work_mem of the server 64 kB": ((*FRESH, SMALL_MEMORY), {}),
    "ARTWORK_WORK_MEM 64 kB": ((*FRESH, SMALL_MEMORY), {"work_mem": "64kB"}),
}


def measure(on: EmbeddedServer, rows: int) -> Iterator[Compared]:
    """Measure each state once."""
    template = databases.deployed(on, max(rows // 4, 1))
    with _without_autovacuum(on):
        fresh = _seconds(on, template, "fresh")
        for state in [name for name in STATES if name != "fresh"]:
            for part, seconds in _seconds(on, template, state).items():
                yield Compared(f"{part}, {state}", "s", ((fresh[part], seconds),), BAR)


@contextmanager
def _without_autovacuum(on: EmbeddedServer) -> Iterator[None]:
    databases.execute(on, "postgres", "ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()")
    try:
        yield
    finally:
        databases.execute(on, "postgres", "ALTER SYSTEM RESET autovacuum", "SELECT pg_reload_conf()")


def _seconds(on: EmbeddedServer, template: str, state: str) -> dict[str, float]:
    """Take a clone through the data phase. Returns the seconds by part."""
    statements, settings = STATES[state]
    with databases.cloned(on, template) as name:
        databases.execute(on, name, *FRESH, *statements)
        with databases.running(on, name, MIGRATE_DATA, **settings) as run:
            run.begin()
            copy_into_clean_table(run)
            databases.execute(on, name, *statements)
            reconcile_rows(run)
            return {part: run.seconds[step] for part, step in PARTS.items()}
