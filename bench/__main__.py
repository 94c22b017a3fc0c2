"""Run benchmarks: `python -m bench` runs all of them, `python -m bench NAME …` some. The exit code is 1 if a bar was missed."""

import argparse
import logging
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bench import bad_statistics, capture_overhead, comparison, data_phase, databases, life_cycle, log_size, machine, switch_stall
from bench.results import Line, Result, tell
from sample.server import EmbeddedServer

#: Each benchmark by its name: it gets a server, the rows of the legacy table, and how often to measure.
BENCHMARKS: dict[str, Callable[[EmbeddedServer, int, int], Iterable[Result]]] = {
    "data_phase": data_phase.measure,
    "comparison": comparison.measure,
    "life_cycle": life_cycle.measure,
    "switch_stall": lambda on, rows, rounds: switch_stall.measure(on, rows, 2 * rounds),
    "bad_statistics": lambda on, rows, _: bad_statistics.measure(on, rows),
    "log_size": lambda on, rows, _: log_size.measure(on, rows),
    "capture_overhead": lambda on, rows, _: capture_overhead.measure(on, capture_overhead.Size.of(rows)),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run benchmarks on one server, print each result and write it to the file. Returns the exit code. An error ends one benchmark only."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"the benchmarks to run: {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the legacy table (default: 1,000,000)")
    parser.add_argument("--rounds", type=int, default=2, help="how often each side is measured (default: 2)")
    parser.add_argument("--results", type=Path, help="a file to which each result is appended, as a line of JSON")
    given = parser.parse_args(arguments)
    if unknown := set(given.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    logging.disable(logging.INFO)
    with databases.server() as on:
        print(machine.describe(on.conninfo("postgres")), flush=True)
        missed = [name for name in given.names or BENCHMARKS if not _run(on, name, given.rows, given.rounds, given.results)]
    print(f"A bar was missed, or an error occurred, in: {', '.join(missed)}." if missed else "Every bar holds.")
    return int(bool(missed))


def _run(on: EmbeddedServer, name: str, rows: int, rounds: int, file: Path | None) -> bool:
    """Run one benchmark. Returns whether all its bars hold."""
    tell(f"{name}, {rows:,} rows")
    description, good = machine.describe(on.conninfo("postgres")), True
    try:
        for result in BENCHMARKS[name](on, rows, rounds):
            print(result, flush=True)
            good = good and result.holds
            if file:
                line = Line(name, rows, time.strftime("%Y-%m-%d %H:%M"), description, result)
                with file.open("a", encoding="utf-8") as lines:
                    lines.write(line.to_json() + "\n")
    except Exception:  # noqa: BLE001 (the others of a long run are still measured)
        traceback.print_exc()
        good = False
    return good


if __name__ == "__main__":
    sys.exit(main())
