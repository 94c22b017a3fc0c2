"""`python -m tests.fuzz`: the catalogue alone, or in random pairs and triples, and the table of what came of it."""

import argparse
import json
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from sample.server import SUPERUSER
from tests.conftest import pytest_configure
from tests.fuzz import table
from tests.fuzz.catalogue import Change, catalogue
from tests.fuzz.fuzzed import OWNER, Bench, bench, names
from tests.fuzz.life_cycle import LifeCycle, Outcome

Run = tuple[tuple[str, ...], str, int]
_BENCH: list[Bench] = []
_SERVERS = ExitStack()


def main() -> int:
    """Run what the arguments ask for and print the table. Returns 1 if an outcome was unlawful."""
    arguments = _arguments()
    pytest_configure()
    outcomes: dict[Run, Outcome] = {}
    known: dict[Run, Outcome] = {}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fz") as folder, ProcessPoolExecutor(arguments.processes) as pool:
        runs = {pool.submit(_run, run, folder, arguments.postgres): run for run in _with(arguments.also, _runs(arguments))}
        for done in as_completed(runs):
            run = runs[done]
            outcomes[run] = done.result()
            _print(len(outcomes), len(runs), run, outcomes[run])
            known = _recorded(Path(arguments.record), {run: outcomes[run]}) if arguments.record else outcomes
    unlawful = {run: outcome for run, outcome in outcomes.items() if not outcome.lawful}
    print(f"\n{len(outcomes)} databases, {len(unlawful)} unlawful, {time.monotonic() - began:.0f} s")
    for run, outcome in unlawful.items():
        print(f"  make fuzz FUZZ='{' '.join(run[0])} --role {run[1]} --seed {run[2]}'")
        for breach in dict.fromkeys(outcome.breaches):
            print(f"    {breach}")
    if arguments.table:
        table.write({run: outcome for run, outcome in known.items() if len(run[0]) == 1}, Path(arguments.table))
    return 1 if unlawful else 0


def _recorded(path: Path, outcomes: dict[Run, Outcome]) -> dict[Run, Outcome]:
    """Return the outcomes of earlier runs with these, and keep them: a run that is ended loses none, and a few can be run again."""
    earlier = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    known = {(tuple(changes), role, seed): Outcome(**outcome) for (changes, role, seed), outcome in earlier} | outcomes
    path.write_text(json.dumps([(run, asdict(outcome)) for run, outcome in known.items()]), encoding="utf-8")
    return known


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("changes", nargs="*", help="names of changes to make together; without them the whole catalogue, one by one")
    parser.add_argument("--pairs", type=int, default=0, help="that many random pairs instead")
    parser.add_argument("--triples", type=int, default=0, help="that many random triples as well")
    parser.add_argument(
        "--role", choices=[OWNER, SUPERUSER], help="the role that migrates; without it, both alone and one of them in pairs"
    )
    parser.add_argument("--only", type=lambda given: given.split(","), help="only these changes, each alone; names with commas between")
    parser.add_argument("--also", action="append", default=[], help="a change that every database has as well; may be repeated")
    parser.add_argument("--kind", help="only changes of this kind, which is the name of their file")
    parser.add_argument("--seed", type=int, default=1, help="of the choice of pairs and of the application's writes")
    parser.add_argument("--processes", type=int, default=2, help="databases at a time")
    parser.add_argument("--postgres", type=int, default=18, help="the release of the server")
    parser.add_argument("--record", help="file that keeps the outcomes of this and of earlier runs")
    parser.add_argument("--table", help="file to write the table of outcomes to")
    return parser.parse_args()


def _runs(arguments: argparse.Namespace) -> list[Run]:
    chance = random.Random(arguments.seed)
    roles = [arguments.role] if arguments.role else [OWNER, SUPERUSER]
    if arguments.changes:
        return [(tuple(arguments.changes), role, arguments.seed) for role in roles]
    every = arguments.only or [change.name for change in catalogue().values() if arguments.kind in (None, change.kind)]
    if arguments.pairs or arguments.triples:
        sizes = [2] * arguments.pairs + [3] * arguments.triples
        return [
            (tuple(chance.sample(every, size)), chance.choice(roles), number) for number, size in enumerate(sizes, start=arguments.seed)
        ]
    return [((name,), role, arguments.seed) for name in every for role in roles]


def _with(also: Sequence[str], runs: Sequence[Run]) -> list[Run]:
    return [(tuple(dict.fromkeys([*changes, *also])), role, seed) for changes, role, seed in runs]


def _run(run: Run, folder: str, version: int) -> Outcome:
    changes, role, seed = run
    return run_changes(_bench(folder, version), [catalogue()[name] for name in changes], role, seed)


def run_changes(on: Bench, changes: Sequence[Change], role: str, seed: int) -> Outcome:
    """Return the outcome of one database with these changes. An error of the fuzzer or a crash of the product is a breach too."""
    with on.database(role) as fuzzed, tempfile.TemporaryDirectory() as reports:
        cycle = LifeCycle(on, fuzzed, changes, Path(reports), seed)
        try:
            return cycle.run()
        except Exception as error:  # noqa: BLE001 (whatever the product raises is an outcome)
            where = traceback.extract_tb(error.__traceback__)[-1]
            cycle.outcome.end = f"crashed: {type(error).__name__}"
            cycle.outcome.breaches.append(f"{type(error).__name__} in {Path(where.filename).name}:{where.lineno}")
            return cycle.outcome


def _bench(folder: str, version: int) -> Bench:
    """Return this process's own server, started with its first run. It ends with the process."""
    if not _BENCH:
        _BENCH.append(_SERVERS.enter_context(bench(Path(tempfile.mkdtemp(dir=folder)) / "d", version)))
    return _BENCH[0]


def _print(number: int, total: int, run: Run, outcome: Outcome) -> None:
    mark = "ok      " if outcome.lawful else "UNLAWFUL"
    changes = [catalogue()[name] for name in run[0]]
    print(f"{number:4}/{total} {mark} {names(changes)} ({run[1]}): {outcome.end} [{'; '.join(outcome.said)}]", flush=True)
    for breach in dict.fromkeys(outcome.breaches):
        print(f"               {breach}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
