"""The benchmarks run, in miniature: what they print has its shape, whatever the times are."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bench import (
    __main__,
    bad_statistics,
    capture_overhead,
    comparison,
    data_phase,
    databases,
    life_cycle,
    log_size,
    machine,
    switch_stall,
    table,
)
from bench.results import Compared, Line, Measured, compare, read
from sample.server import EmbeddedServer
from tests.series import EXHAUSTIVE, LONG

ROWS = 500
TINY = capture_overhead.Size(rows=50, transactions=10, rounds=1, bulk_rows=50, bulk_rounds=1)


@pytest.fixture(scope="module", autouse=True)
def tidy(server: EmbeddedServer) -> Iterator[None]:
    """No database of a benchmark stays on the server of the tests."""
    yield
    with psycopg.connect(server.conninfo("postgres")) as connection:
        names = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", (f"{databases.PREFIX}%",)).fetchall()
    for (name,) in names:
        server.drop_database(name)


def value(server: EmbeddedServer, name: str, question: str) -> Any:
    """Return the one value that a query on a database returns."""
    with psycopg.connect(server.conninfo(name)) as connection:
        (found,) = connection.execute(question).fetchone() or (None,)
    return found


@EXHAUSTIVE
def test_the_overhead_of_the_capture_is_measured(server: EmbeddedServer) -> None:
    """The benchmark has a result for the workload and for each write, measured in pairs on sides that differ."""
    results = list(capture_overhead.measure(server, TINY))
    logged = value(server, "bench_with_single", "SELECT COUNT(*) FROM artwork_migration.legacy_change")
    after = value(server, "bench_switched_single", "SELECT COUNT(*) FROM artwork_migration.clean_change")
    single = ("mix of single writes", *capture_overhead.WRITES, *capture_overhead.WRITES_AFTER)
    assert [*single, *(name.format(rows=50) for name in capture_overhead.BULK)] == [result.name for result in results]
    assert all(len(result.pairs) == 1 and min(result.pairs[0]) > 0 for result in results)
    assert min(logged, after) >= TINY.transactions


@LONG
def test_the_data_phase_is_measured(server: EmbeddedServer) -> None:
    """The benchmark compares the data phase with four other ways, which all make the same artworks."""
    template = databases.deployed(server, ROWS)
    with databases.cloned(server, template) as name:
        data_phase.finish(server, name)
        indexes = data_phase.definitions(server, name)
    floor, batches = partial(data_phase.floor, indexes=indexes), partial(data_phase.batches, indexes=indexes)
    made = set()
    for way, filled in ((data_phase.strategy, "artworks_v2"), (data_phase.frames, "artworks_v2"), (floor, "other"), (batches, "other")):
        with databases.cloned(server, template) as name:
            if filled == "artworks_v2":
                data_phase.finish(server, name)
            way(server, name)
            made.add(value(server, name, f"SELECT ARRAY_AGG(c.id ORDER BY c.id)::text FROM public.{filled} AS c"))
    assert 1 == len(made)
    results = list(data_phase.measure(server, ROWS, rounds=1))
    assert [f"data phase to {other}" for other in data_phase.BARS] == [result.name for result in results]
    assert all(min(result.pairs[0]) > 0 for result in results)


@EXHAUSTIVE
def test_the_comparison_is_measured(server: EmbeddedServer) -> None:
    """The benchmark compares the comparison with a join and with reladiff, which sees the same artworks as equal until one differs."""
    results = list(comparison.measure(server, ROWS, rounds=1))
    assert [f"comparison to {other}" for other in comparison.BARS] == [result.name for result in results]
    assert all(min(result.pairs[0]) > 0 for result in results)
    with databases.cloned(server, databases.filled(server, ROWS)) as name:
        databases.execute(server, name, *comparison.SAME_ROWS)
        assert {"match", "excluded"} == set(comparison.compare(server, name))
        assert [[], []] == [comparison.differences(server, name, algorithm) for algorithm in ("joindiff", "hashdiff")]
        databases.execute(
            server, name, "UPDATE public.artworks_v1 SET pet_name = 'Rex' WHERE id IN (SELECT id FROM public.artworks_v1 LIMIT 1)"
        )
        assert all(comparison.differences(server, name, algorithm) for algorithm in ("joindiff", "hashdiff"))


@pytest.mark.exhaustive
def test_the_life_cycle_is_measured(server: EmbeddedServer) -> None:
    """The benchmark runs verbs by the command line, with a Prefect server, and has the seconds and the memory of each."""
    first = dict(list(life_cycle.COMMANDS.items())[:3])
    results = {result.name: result for result in life_cycle.measure(server, ROWS, rounds=1, commands=first)}
    memory = [results.pop(f"memory of {name}, to fewer rows") for name in first]
    assert {*first, "migrate-data to the strategy"} == set(results)
    assert all(isinstance(result, Compared) and min(result.pairs[0]) > 50 for result in memory)


@pytest.mark.exhaustive
def test_the_stall_of_the_switch_is_measured(server: EmbeddedServer) -> None:
    """The benchmark has the slowest write of each switch, of each rollback, and of as long a time without either."""
    results = {result.name: result for result in switch_stall.measure(server, ROWS, rounds=2)}
    for kind in ("switch-over", "rollback", "no switch"):
        values = results[f"slowest write, {kind}"].values
        assert 2 == len(values)
        assert min(values) > 0


def test_the_slowest_write_is_found(server: EmbeddedServer, tmp_path: Path) -> None:
    """The slowest write of a span is found in the log of pgbench: a write that a lock blocked for a while took at least so long."""
    with databases.cloned(server, databases.sample(server, ROWS)) as name:
        switch_stall.prepare(server, name)
        with switch_stall.writing(server, name, tmp_path), psycopg.connect(server.conninfo(name)) as connection:
            begun = time.time()
            connection.execute("LOCK TABLE public.artworks")
            time.sleep(0.3)
            connection.commit()
            span = (begun, time.time())
            time.sleep(switch_stall.FLUSHED)
        writes, failed = switch_stall.logged(tmp_path)
    assert switch_stall.slowest(writes, span) > 200
    assert (0, 0.0) == (failed, switch_stall.slowest(writes, (0, begun - 100)))


def test_a_writer_that_ended_is_no_result(server: EmbeddedServer, tmp_path: Path) -> None:
    """Without a writer no stall would be seen: the benchmark fails if pgbench has ended before it."""
    with databases.cloned(server, databases.sample(server, ROWS)) as name:
        with pytest.raises(RuntimeError, match="pgbench has ended"), switch_stall.writing(server, name, tmp_path):
            databases.execute(server, name, "DROP TABLE public.artworks CASCADE")
            time.sleep(switch_stall.FLUSHED)


@pytest.mark.exhaustive
def test_bad_statistics_are_measured(server: EmbeddedServer) -> None:
    """Each state of the statistics is compared with fresh ones, for each part of the data phase."""
    results = list(bad_statistics.measure(server, ROWS))
    wanted = [f"{part}, {state}" for state in bad_statistics.STATES if state != "fresh" for part in bad_statistics.PARTS]
    assert wanted == [result.name for result in results]
    assert all(min(result.pairs[0]) > 0 for result in results)
    assert "on" == value(server, "postgres", "SHOW autovacuum")


@pytest.mark.parametrize(
    ("state", "low", "high"),
    [("fresh", 0.9, 1.1), ("no statistics", -1, 0), ("1,000 times too few rows", 0, 0.1), ("1,000 times too many rows", 100, 10_000)],
)
def test_statistics_are_as_wrong_as_they_should_be(server: EmbeddedServer, state: str, low: float, high: float) -> None:
    """In each state the planner expects as many rows of the legacy table as the state's name says."""
    with databases.cloned(server, databases.deployed(server, ROWS)) as name:
        databases.execute(server, name, *bad_statistics.STATES[state][0])
        expected = value(server, name, "SELECT c.reltuples FROM pg_class AS c WHERE c.oid = 'public.artworks'::regclass")
    assert low <= expected / ROWS <= high


@LONG
def test_the_size_of_the_log_is_measured(server: EmbeddedServer) -> None:
    """The log is measured full and drained, with and without a reader and a writer; drained it is small unless a reader needs it."""
    results = {result.name: result for result in log_size.measure(server, 10_000)}
    readers = ("no reader", "a REPEATABLE READ reader", "the reader has finished")
    full, drained = ([results[f"log when {state}, {reader}"] for reader in readers] for state in ("full", "drained"))
    assert all(result.value > 0 for name, result in results.items() if "drained" not in name)
    assert [True, False, True] == [small.value < large.value for small, large in zip(drained, full, strict=True)]
    assert [True, False, True] == [result.bar is not None for result in drained]


def test_a_ratio_is_the_median_of_pairs_and_the_bar_decides() -> None:
    """The first pair warms up, the sides take turns, the result is the median, and a bar can be missed."""
    order: list[str] = []

    def side(name: str, milliseconds: float) -> float:
        order.append(name)
        return milliseconds

    result = compare("load", "ms", other=lambda _: side("a", 2.0), ours=lambda n: side("b", 2.0 + n), rounds=3, bar=1.5)
    assert (((2.0, 3.0), (2.0, 4.0), (2.0, 5.0)), 2.0, False) == (result.pairs, result.value, result.holds)
    assert ["b", "a", "a", "b", "b", "a", "a", "b"] == order
    assert Compared("load", "ms", ((1.0, 1.0),), 1.15).holds


def test_the_worst_round_decides_about_a_figure() -> None:
    """A figure of one side is the highest of its rounds; without a bar it always holds."""
    assert (50.0, False) == (Measured("stall", "ms", (10.0, 50.0), 49.0).value, Measured("stall", "ms", (10.0, 50.0), 49.0).holds)
    assert Measured("stall", "ms", (10.0, 50.0)).holds


@pytest.mark.exhaustive
def test_every_result_is_a_line_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints each result, appends it to the file, and measures the next benchmark; a name it does not know is refused."""
    file = tmp_path / "results.jsonl"
    assert __main__.main(["log_size", "--rows", "1000", "--results", str(file)]) == 0
    assert capsys.readouterr().out.splitlines()[1:-1] == [str(line.result) for line in read(file)]
    assert {("log_size", 1000)} == {(line.benchmark, line.rows) for line in read(file)}
    with pytest.raises(SystemExit):
        __main__.main(["log_sice"])


def test_the_newest_result_is_shown(tmp_path: Path) -> None:
    """A file of results has those of many runs; of each name and size the newest counts, and it comes back as it was written."""
    compared, measured = Compared("load", "ms", ((1.0, 2.0),), 3.0), Measured("stall", "ms", (1.0, 2.0), None)
    lines = [Line("one", 10, "2026-11-29 12:00", "2 cores", result) for result in (compared, measured, replace(measured, values=(3.0,)))]
    file = tmp_path / "results.jsonl"
    file.write_text("".join(f"{line.to_json()}\n" for line in lines), encoding="utf-8")
    assert [lines[0], lines[2]] == read(file)


def test_the_tables_show_ratio_bar_and_growth() -> None:
    """There is a table for each number of rows, with what was missed, and one for the growth between them."""
    lines = [
        Line("one", rows, "2026-11-29 12:00", "2 cores (load 0.1), Postgres 18", Compared("load", "ms", ((1.0, ours),) * 2, 2.5))
        for rows, ours in ((1_000_000, 2.0), (10_000_000, 3.0))
    ]
    text = table.tables(lines)
    assert "| `one` | load | 1 | 2 | ms | **2** (2 to 2) | 2 | ≤ 2.5 |\n" in text
    assert "| `one` | load | 1 | 3 | ms | **3** (3 to 3) | 2 | ≤ 2.5 **missed** |\n" in text
    assert text.endswith("| `one` | load | ms | 2 | 3 | 1.50 × |")
    assert table.plot(lines).startswith("<svg")


def test_no_figure_was_copied_by_hand() -> None:
    """The tables of docs/benchmarks.md are those that `python -m bench.table` makes of docs/benchmarks.jsonl."""
    text = table.PAGE.read_text(encoding="utf-8")
    assert text == table.page(text, read(table.RESULTS))


def test_every_benchmark_is_described() -> None:
    """docs/benchmarks.md has a row for each benchmark, and for nothing else."""
    rows = re.findall(r"^\| `(\w+)` \|", table.PAGE.read_text(encoding="utf-8").split(table.BEGIN)[0], re.MULTILINE)
    assert set(__main__.BENCHMARKS) == set(rows)


def test_the_machine_is_shown_without_its_name(server: EmbeddedServer) -> None:
    """A result names cores, release and settings of the machine, and not its name."""
    assert re.fullmatch(r"\d+ cores \(load [\d.]+\), Postgres 18[\d.]*; fsync off, .*", machine.describe(server.conninfo("postgres")))
