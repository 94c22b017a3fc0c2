"""The playground: the demo's shop with its application, a Prefect server and a worker, until Ctrl-C, to be clicked through."""

import os
import shlex
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console

from cli.demo_application import Application
from cli.demo_output import INDENT
from cli.demo_servers import HOME, build_shop, servers
from cli.prefect_server import ui_of
from cli.processes import Service
from cli.report_server import served
from cli.verbs import interrupt

#: What a second terminal must know.
SETTINGS = ("ARTWORK_DATABASE_URL", "ARTWORK_REPORTS", "ARTWORK_REPORTS_URL", "PREFECT_API_URL")


def run_playground(console: Console, *, rows: int, seed: int) -> int:
    """Build the shop in phase NOT_STARTED and keep everything running until Ctrl-C; returns the exit code.

    The files stay for `demo --undo`. Raises NotUp or NotRegistered.
    """
    signal.signal(signal.SIGINT, interrupt)
    with servers(console) as server:
        build_shop(console, server, rows, seed)
        os.environ.setdefault("ARTWORK_REPORTS", str(HOME / "reports"))
        with suppress(KeyboardInterrupt), Application(server, seed) as application, _reports() as reports, _worker(console, reports):
            _show_the_way(console)
            while not application.has_ended:
                time.sleep(0.5)
            console.print("[bold red]The application has ended.[/] Its error is in the lines above.")
            return 1
    return 0


def exports(environment: Mapping[str, str]) -> str:
    """Return the commands that set these settings in another shell; an address has characters that a shell would read."""
    return "\n".join(f"export {name}={shlex.quote(environment[name])}" for name in SETTINGS)


@contextmanager
def _reports() -> Iterator[Mapping[str, str]]:
    """Serve the reports during the block, also for links of the verbs that run here; gives the settings."""
    folder = Path(os.environ["ARTWORK_REPORTS"]).absolute()
    with served(folder) as address:
        given = os.environ.setdefault("ARTWORK_REPORTS_URL", address)
        yield {"ARTWORK_REPORTS": str(folder), "ARTWORK_REPORTS_URL": given}


@contextmanager
def _worker(console: Console, reports: Mapping[str, str]) -> Iterator[None]:
    """Register the deployments and run a worker with these settings of the reports during the block."""
    from cli.registration import register  # only now: Prefect reads its environment when it is imported
    from cli.worker import ensure_worker

    worker = Service(HOME, "worker")
    try:
        with console.status(f"{INDENT}Register the deployments and start a worker"):
            register()
            ensure_worker(worker, {}, reports, lambda label, text: console.print(f"{INDENT}{label}: {text}", highlight=False))
        yield
    finally:
        worker.stop()


def _show_the_way(console: Console) -> None:
    console.rule("Ready")
    ui, reports = ui_of(os.environ["PREFECT_API_URL"]), os.environ["ARTWORK_REPORTS_URL"]
    console.print(
        f"The application writes to the shop. Open {ui}/deployments, choose 1-deploy-schema, then Quick run: the plan changes nothing, and "
        f"its artifact says what blocks it and what to do. Each end message names the next step. Reports: {reports}\n\n"
        f"In a second terminal:\n{exports(os.environ)}\n.venv/bin/artwork-migration status --watch\n\n"
        "Ctrl-C ends the application, the worker and the servers. `.venv/bin/artwork-migration demo --undo` rolls back what was done.",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
