"""A worker with every deployment, on the Prefect server of the session."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.prefect_server import PrefectServer
from tests.lifecycle.conftest import environment

ROOT = Path(__file__).parents[2]


@contextmanager
def deployed_with_worker(prefect_server: PrefectServer, log: Path) -> Iterator[None]:
    """The deployments of prefect.yaml registered, and a worker for them whose output goes to `log`."""
    variables = {**environment(prefect_server), "ARTWORK_MIGRATION_HOME": str(ROOT)}
    prefect = [sys.executable, "-m", "prefect"]
    subprocess.run([*prefect, "work-pool", "create", "artwork-migration", "--type", "process", "--overwrite"], env=variables, check=True)
    subprocess.run([*prefect, "--no-prompt", "deploy", "--all"], env=variables, check=True, cwd=ROOT)
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [*prefect, "worker", "start", "--pool", "artwork-migration"], env=variables, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield
        finally:
            worker.terminate()
            try:
                worker.wait(30)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
