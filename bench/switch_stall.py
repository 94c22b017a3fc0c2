"""How long the slowest write of the application takes while the names change hands, there and back, at 500 writes a second.

pgbench makes the writes of `capture_overhead` that both tables take, with 50 connections, and logs each. Measured are those that were
running between the first attempt and the end of the last one; the catch-up of the log before each attempt is part of it. A write's time
begins when its connection is free, so the writes of 100 ms have a connection each. What the same writes take without a switch is shown
for as long a time: on a machine with other work that alone is over the bar.
"""

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import capture_overhead, databases
from bench.results import Measured, tell
from sample.server import EmbeddedServer

#: Milliseconds of the slowest write.
BAR = 50.0
RATE = 500
ARTWORKS = 10_000
#: Seconds after which pgbench has written the lines of a span to its log.
FLUSHED = 1.0
WRITES = [write for name, (_, write) in capture_overhead.WRITES.items() if name != "insert artwork"]

Span = tuple[float, float]


def measure(on: EmbeddedServer, rows: int, rounds: int) -> Iterator[Measured]:
    """Switch there and back, as often as there are rounds, while pgbench writes."""
    spans: dict[str, list[Span]] = {"switch-over": [], "rollback": [], "no switch": []}
    with databases.cloned(on, databases.filled(on, rows)) as name, tempfile.TemporaryDirectory(prefix="bench") as folder:
        prepare(on, name)
        with writing(on, name, Path(folder)):
            for number in range(1, rounds + 1):
                spans["switch-over"].append(databases.switch_over(on, name))
                spans["rollback"].append(databases.roll_back(on, name))
                tell(f"there and back, round {number} of {rounds}")
                spans["no switch"].append(_nothing(*spans["switch-over"][-1]))
            time.sleep(FLUSHED)
        writes, failed = logged(Path(folder))
    for kind, bar in (("switch-over", BAR), ("rollback", BAR), ("no switch", None)):
        yield Measured(f"slowest write, {kind}", "ms", tuple(slowest(writes, span) for span in spans[kind]), bar)
        if bar:
            yield Measured(f"time of all attempts, {kind}", "ms", tuple(1000 * (ended - begun) for begun, ended in spans[kind]))
    yield Measured("writes that failed", "writes", (failed,), 0.0)


def _nothing(begun: float, ended: float) -> Span:
    """Wait as long as that span. Returns the span of the wait."""
    now = time.time()
    time.sleep(ended - begun)
    return now, time.time()


def prepare(on: EmbeddedServer, name: str) -> None:
    """Create the artworks that are written to."""
    databases.execute(on, name, capture_overhead.PREPARE.format(rows=ARTWORKS), "VACUUM (ANALYZE)")


@contextmanager
def writing(on: EmbeddedServer, name: str, folder: Path) -> Iterator[None]:
    """Write at the rate during the block. Each write is in the log in the folder. Raises RuntimeError if pgbench has ended before."""
    scripts = []
    for number, write in enumerate(WRITES):
        path = folder / f"{number}.sql"
        path.write_text(f"\\set n random(1, {ARTWORKS})\n\\set m random(1, 1000000)\n{write}\n", encoding="utf-8")
        scripts.append(f"--file={path}")
    options = ["--no-vacuum", "--protocol=prepared", "--client=50", "--jobs=2", "--time=3600", "--log", f"--rate={RATE}", *scripts]
    with tempfile.TemporaryFile("w+") as output:
        command = [str(on.binary("pgbench")), *options, on.conninfo(name)]
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        try:
            time.sleep(FLUSHED)  # every client has a connection
            yield
            if process.poll() is not None:
                output.seek(0)
                raise RuntimeError(f"pgbench has ended: {''.join(re.findall('error: .*', output.read())[:1])}")
        finally:
            process.terminate()
            process.wait()


def logged(folder: Path) -> tuple[list[Span], int]:
    """Return when each write began and ended, in seconds of the clock, and how many have failed."""
    writes, failed = [], 0
    for log in folder.glob("pgbench_log.*"):
        for line in log.read_text(encoding="utf-8").splitlines():
            fields = line.split()
            if len(fields) < 7 or not fields[2].isdigit():
                failed += "failed" in fields
                continue
            _, _, microseconds, _, seconds, part, lag = map(int, fields)
            ended = seconds + part / 1e6
            writes.append((ended - (microseconds - lag) / 1e6, ended))
    return writes, failed


def slowest(writes: list[Span], span: Span) -> float:
    """Return the milliseconds of the slowest write that was running in the span; 0 if there was none."""
    return max((1000 * (ended - begun) for begun, ended in writes if begun <= span[1] and ended >= span[0]), default=0.0)
