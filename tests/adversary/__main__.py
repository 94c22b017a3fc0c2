"""`python -m tests.adversary`: the whole way with the adversarial writer, one seed after another."""

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

from migration.errors import MigrationError
from sample.build import Variant, build_sample
from sample.server import EmbeddedServer
from tests.adversary.cycle import Cycle, Result, deadlocks
from tests.adversary.judge import settle
from tests.adversary.process import Load
from tests.conftest import SETTINGS, pytest_configure
from tests.databases import Shop

ROWS = 400


def main() -> int:
    """Run the seeds, and print what each has found. Returns 1 if one has found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.adversary", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--connections", type=int, default=Load.connections)
    parser.add_argument("--think", type=float, default=Load.think, help="mean seconds between two transactions of a connection")
    parser.add_argument("--without", default=Load.without, help="kinds of write to leave out, with commas between")
    parser.add_argument("--orderly", action="store_true", help="keep to the order of locks of the guide, and compare the deadlocks")
    parser.add_argument("--journals", type=Path, help="folder that keeps the journals")
    given = parser.parse_args()
    pytest_configure()
    logging.disable(logging.CRITICAL)
    results: dict[int, Result] = {}
    with tempfile.TemporaryDirectory(prefix="ad") as folder, EmbeddedServer(Path(folder) / "d", settings=SETTINGS) as server:
        server.create_database("template")
        build_sample(server.conninfo("template"), Variant.CURRENT, rows=ROWS)
        journals = given.journals or Path(folder)
        journals.mkdir(exist_ok=True)
        for seed in range(given.first, given.first + given.seeds):
            results[seed] = _seed(server, seed, journals, Load(given.connections, given.think, given.without, given.orderly))
    failed = [seed for seed, result in results.items() if result.breaches]
    print(f"{given.seeds} seeds, {len(failed)} with a breach")
    for name in ("ours", "clone"):
        found = [getattr(result, name) for result in results.values() if result.ours]
        print(f"  {name}: {sum(map(deadlocks, found))} deadlocks in {sum(one['transactions'] for one in found)} transactions")
    for seed in failed:
        print(f"  to repeat it: python -m tests.adversary --first {seed} --seeds 1")
    return 1 if failed else 0


def _seed(server: EmbeddedServer, seed: int, journals: Path, load: Load) -> Result:
    shops = [Shop(server, f"{name}_{seed}") for name in ("ours", "clone")]
    for shop in shops:
        server.create_database(shop.name, template="template")
    cycle, begun = Cycle(*shops, journals, seed, load), time.monotonic()
    try:
        cycle.run(whole=True)
    except MigrationError as error:
        cycle.result.breaches.append(f"{type(error).__name__}: {error}")
    print(f"seed {seed}: {time.monotonic() - begun:.0f} s, {len(cycle.result.breaches)} breaches")
    print(*(f"  {line}" for line in [*cycle.result.breaches, *(cycle.result.lines() if cycle.result.ours else [])]), sep="\n", flush=True)
    for shop in shops:
        settle(shop.sql)
        shop.close()
        server.drop_database(shop.name)
    return cycle.result


if __name__ == "__main__":
    sys.exit(main())
