"""The benchmarks run, in miniature: what they print has its shape, whatever the times are."""

import re

import psycopg
import pytest

from bench import capture_overhead, data_phase, databases, log_size, machine
from bench.ratios import Compared, compare, report
from migration.ledger.phases import VERIFY
from sample.server import EmbeddedServer

TINY = capture_overhead.Size(rows=50, transactions=10, rounds=1, bulk_rows=50, bulk_rounds=1)


@pytest.fixture
def names() -> list[str]:
    """Databases of the benchmarks."""
    sides = (capture_overhead.WITHOUT, capture_overhead.WITH)
    return [log_size.DATABASE, *(f"{side}_{kind}" for side in sides for kind in ("single", "bulk")), f"{capture_overhead.SWITCHED}_single"]


def test_the_overhead_of_the_capture_is_measured(server: EmbeddedServer, names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The benchmark has a result for the workload and for each write, measured in pairs on sides that differ."""
    try:
        results = list(capture_overhead.measure(server, TINY))
        with databases.running(server, "bench_with_single", VERIFY) as run, run.database.transaction("looking") as connection:
            logged = connection.exec_driver_sql("SELECT COUNT(*) FROM artwork_migration.legacy_change").scalar_one()
        with databases.running(server, "bench_switched_single", VERIFY) as run, run.database.transaction("looking") as connection:
            after = connection.exec_driver_sql("SELECT COUNT(*) FROM artwork_migration.clean_change").scalar_one()
    finally:
        for name in names:
            server.drop_database(name)
    single = ("mix of single writes", *capture_overhead.WRITES, *capture_overhead.WRITES_AFTER)
    wanted = [*single, *(name.format(rows=50) for name in capture_overhead.BULK)]
    assert wanted == [result.name for result in results]
    assert all(len(result.pairs) == 1 and min(result.pairs[0]) > 0 for result in results)
    assert min(logged, after) >= TINY.transactions
    report(results)
    lines = capsys.readouterr().out.splitlines()
    assert len(wanted) == len(lines)
    assert all(
        re.search(r"without +[\d.]+  with +[\d.]+ ms/(write|statement)  ratio +[\d.]+ .* bar 1\.15: (holds|MISSED)$", line)
        for line in lines
    )


def test_the_data_phase_is_measured(server: EmbeddedServer) -> None:
    """The benchmark compares the data phase with two other ways to the same artworks, and the comparison with a join of as many rows."""
    sides = (data_phase.DEPLOYED, data_phase.INDEXED, data_phase.FILLED)
    try:
        indexes = data_phase.prepare(server, rows=500)
        artworks = []
        for template, work in (
            (data_phase.INDEXED, data_phase.strategy),
            (data_phase.DEPLOYED, lambda on, name: data_phase.floor(on, name, indexes)),
        ):
            server.create_database(data_phase.CLONE, template=template)
            work(server, data_phase.CLONE)
            table = "floor" if template == data_phase.DEPLOYED else "artworks_v2"
            with psycopg.connect(server.conninfo(data_phase.CLONE)) as connection:
                artworks += connection.execute(f"SELECT COUNT(*) FROM public.{table}").fetchall()
            server.drop_database(data_phase.CLONE)
        results = data_phase.measure(server, indexes, rows=500, rounds=1)
    finally:
        for name in (*sides, data_phase.CLONE):
            server.drop_database(name)
    assert artworks[0] == artworks[1] != (0,)
    assert ["to the strategy", "to the floor", "comparison to a join"] == [result.name for result in results]
    assert all(min(result.pairs[0]) > 0 for result in results)


def test_the_size_of_the_log_is_measured(server: EmbeddedServer, names: list[str]) -> None:
    """The log is measured full and drained, with and without a reader and a writer; drained it is small unless a reader needs it."""
    try:
        results = log_size.measure(server, 10_000)
    finally:
        for name in names:
            server.drop_database(name)
    assert ["no reader", "a REPEATABLE READ reader", "the reader has finished"] == [result.name for result in results]
    assert all(result.full > 0 and result.seconds > 0 and "longest" in str(result) for result in results)
    assert [True, False, True] == [result.drained < result.full for result in results]


def test_a_ratio_is_the_median_of_pairs_and_the_bar_decides() -> None:
    """The first pair warms up, the sides take turns, the result is the median, and a missed bar is exit code 1."""
    order: list[str] = []

    def side(name: str, milliseconds: float) -> float:
        order.append(name)
        return milliseconds

    result = compare("load", "write", without=lambda _: side("a", 2.0), with_it=lambda n: side("b", 2.0 + n), rounds=3, bar=1.5)
    assert (((2.0, 3.0), (2.0, 4.0), (2.0, 5.0)), 2.0, False) == (result.pairs, result.ratio, result.holds)
    assert ["b", "a", "a", "b", "b", "a", "a", "b"] == order
    assert (1, 0) == (report([result]), report([Compared("load", "write", ((1.0, 1.0),), 1.15)]))


def test_the_machine_is_shown_without_its_name(server: EmbeddedServer) -> None:
    """A result names cores, release and settings of the machine, and not its name."""
    assert re.fullmatch(r"\d+ cores \(load [\d.]+\), Postgres 18[\d.]*; fsync off, .*", machine.describe(server.conninfo("postgres")))
