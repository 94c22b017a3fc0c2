"""`doctor`: a line for each thing that the verbs rely on, with what to do if it is not there. It changes nothing.

The rules are those by which a verb is refused or waits; here is only which line reports which of them.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

import sql
from cli.notifications import undelivered
from cli.prefect_server import without_password
from cli.up import registering
from cli.verbs import open_database, use_running_server
from migration import database
from migration.database import Database
from migration.errors import MigrationError, PrerequisitesNotMet, Problem, problem_lines
from migration.ledger import ledger, runs
from migration.ledger.phases import Phase
from migration.plans.statements import CHECKED_FIRST, require_prerequisites
from migration.settings import Settings, of_database, read_settings
from migration.sync.throttle import server_behind

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

#: The line that reports a prerequisite. What is in none of these belongs to the tables.
LINES = {
    "version": ("postgres_version", "server_encoding", "standby", "other_layout"),
    "role": ("usage_privilege", "not_owner", "create_privilege", "row_security", "owner_required", "owner_not_referenceable"),
    "timeouts": ("deadlock_timeout", "session_setting", "stored_setting", "role_timeout"),
}
TABLES = "tables"
#: Why a deployment verifies no day.
PAUSED, ABSENT = "it is paused, so no day is verified.", "it does not exist."
NOT_CHECKED = "not checked: it depends on a line above"


@dataclass(frozen=True)
class Line:
    """One line: what was checked, what was found, and the problems, each with what to do. Without `found` it could not be checked."""

    check: str
    found: str
    problems: Sequence[Problem | MigrationError] = ()
    #: The exit code if there are problems.
    code: int = 1
    #: Whether it was switched off or never set up, which may be intended.
    off: bool = False

    @property
    def good(self) -> bool:
        """Return whether it was checked, is on, and nothing is to be done."""
        return not self.problems and not self.off and self.found != NOT_CHECKED

    @property
    def to_do(self) -> list[str]:
        """Return each problem with what to do. Of one rule, only the first ten."""
        errors = [str(problem) for problem in self.problems if isinstance(problem, MigrationError)]
        lines = problem_lines([problem for problem in self.problems if isinstance(problem, Problem)], mark="{}")
        return [*errors, *lines.splitlines()]


_NONE_REGISTERED = [Line(check, NOT_CHECKED) for check in ("worker", "schedule", "automations")]


def examine() -> Iterator[Line]:
    """Yield the lines one after the other. Raises BadInput if a setting cannot be used."""
    settings = read_settings()
    yield from _database_lines()
    yield from _prefect_lines()
    yield _reports(of_database(settings, settings.database).reports)


def _database_lines() -> Iterator[Line]:
    try:
        with open_database() as (target, settings):
            with target.untouched("looking at the database") as connection:
                version = str(connection.execute(text("SHOW server_version")).scalar_one())
            yield Line("database", target.address)
            yield from _server_lines(target, settings, version)
    except MigrationError as error:
        yield Line("database", "", [error], error.exit_code)
        for check in ("pooler", *LINES, TABLES, "connections", "standbys and slots"):
            yield Line(check, NOT_CHECKED)


def _server_lines(target: Database, settings: Settings, version: str) -> Iterator[Line]:
    pooler = _refusals(lambda: runs.refuse_pooler(target, "doctor"))
    yield Line("pooler", "none that shares a session", pooler)
    with target.transaction("reading the phase", transaction_read_only="on") as connection:
        role = str(connection.execute(text("SELECT CURRENT_USER")).scalar_one())
        layout = _refusals(lambda: runs.require_layout(connection, "doctor"))
        phase = "unknown" if layout else ledger.phase(connection).phase  # of another layout nothing can be read
    problems = layout or _prerequisites(target, Phase(phase))
    alone = any(problem.rule in CHECKED_FIRST for problem in problems)
    found = {
        "version": f"Postgres {version}",
        "role": f"{role} may do what is needed",
        "timeouts": "no setting ends a run, or hides a write from it",
        TABLES: f"phase {phase}",
    }
    for check, fact in found.items():
        own = [problem for problem in problems if _line_of(problem.rule) == check]
        unknown = alone and not own and check != "version"  # whose rules are the first
        yield Line(check, NOT_CHECKED if unknown else fact, own)
    with target.transaction("reading the server", transaction_read_only="on", statement_timeout="5s") as connection:
        yield Line("connections", "enough are free", _few_connections(connection))
        behind = [] if layout else server_behind(connection, settings)
        yield Line("standbys and slots", NOT_CHECKED if layout else "nothing that a run would wait for", behind)


def _line_of(rule: str) -> str:
    return next((check for check, rules in LINES.items() if rule in rules), TABLES)


def _prerequisites(target: Database, phase: Phase) -> list[Problem]:
    """Return what refuses a verb: before the deployment all prerequisites, after it those that a run checks again."""

    def all_of_them() -> None:
        with target.transaction("checking prerequisites", isolation="REPEATABLE READ") as connection:
            require_prerequisites(connection, "doctor")

    problems = _refusals(all_of_them) if phase is Phase.NOT_STARTED else []
    if phase is not Phase.CLEANED and not any(problem.rule in CHECKED_FIRST for problem in problems):
        problems += _refusals(lambda: runs.require_working_conditions(target, "doctor"))
    return list({(problem.rule, problem.subject): problem for problem in problems}.values())


def _refusals(check: Callable[[], object]) -> list[Problem]:
    try:
        check()
    except PrerequisitesNotMet as error:
        return list(error.problems)
    return []


def _few_connections(connection: Connection) -> list[Problem]:
    file = sql.load("plan/advisories/room/connections")
    return [Problem.found(file.rule, file.header["remedy"], {**row, "attention": None}) for row in database.rows(connection, file.name)]


def _prefect_lines() -> Iterator[Line]:
    use_running_server()
    from prefect.settings import PREFECT_API_URL  # a second

    api = PREFECT_API_URL.value()
    if not api:
        fix = "Run `artwork-migration up`, or set PREFECT_API_URL."
        yield Line("Prefect API", f"no server is known, so nothing is scheduled, and no page shows a run. To have one: {fix}", off=True)
        yield from _NONE_REGISTERED
    else:
        yield from _api_lines(api)


def _api_lines(api: str) -> Iterator[Line]:
    from prefect.client.orchestration import get_client

    from cli.registration import CLIENT_ERRORS, server_version, unusable

    address = without_password(api)
    try:
        with get_client(sync_client=True) as client:
            version = server_version(client)
            lost = undelivered(api, registering(api))
            lines = [*_registered(client, registering(api)), *([Line("notifications", "", [lost])] if lost else [])]
        yield Line("Prefect API", f"{address}, Prefect {version}")
    except CLIENT_ERRORS as error:
        problem, fix = unusable(error)
        yield _line("Prefect API", address, address, problem, f"{fix[0].upper()}{fix[1:]}.")
        lines = _NONE_REGISTERED
    yield from lines


def _registered(client: "SyncPrefectClient", registering: str) -> Iterator[Line]:
    from prefect.client.schemas.objects import WorkerStatus
    from prefect.exceptions import ObjectNotFound

    from cli.registration import automations, databases, verification_of
    from cli.worker import POOL

    fix = f"Run `{registering}` on the machine of the worker."
    # `up` starts its worker too
    start = fix if registering.endswith("up") else f"Run `prefect worker start --pool {POOL}` on the machine of the worker."
    try:
        client.read_work_pool(POOL)
        online = [worker.name for worker in client.read_workers_for_work_pool(POOL) if worker.status == WorkerStatus.ONLINE]
        yield _line("worker", ", ".join(online), f"pool {POOL}", "" if online else "no worker is online.", start)
    except ObjectNotFound:
        yield _line("worker", "", f"pool {POOL}", "it does not exist.", fix)
    yield _schedule(client, list(map(verification_of, databases(client))), fix)
    enabled = {automation.name: automation.enabled for automation in client.read_automations()}
    wanted = [automation.name for automation in automations(client)]
    disabled = [name for name in wanted if not enabled.get(name, True)]
    found = f"disabled in the UI: {', '.join(disabled)}" if disabled else f"{len(wanted)} enabled"
    missing = [Problem("automations", f'"{name}"', "it is missing.", fix) for name in wanted if name not in enabled]
    yield Line("automations", found, missing, off=bool(disabled))


def _schedule(client: "SyncPrefectClient", named: Sequence[str], fix: str) -> Line:
    """Return whether each database is verified each day. Where there are named ones, `verify` may be paused: for no default database."""
    unverified = {name: _unverified(client, name) for name in ("verify", *named)}
    no_default = bool(named) and unverified["verify"] == PAUSED
    if no_default:
        del unverified["verify"]
    paused = "; verify of the default database is paused" if no_default else ""
    remedies = {PAUSED: "Resume it on its page in the UI.", ABSENT: fix}
    problems = [Problem("schedule", f"deployment {name}", found, remedies[found]) for name, found in unverified.items() if found]
    return Line("schedule", f"{' and '.join(unverified)}: each day{paused}", problems, off=no_default)


def _unverified(client: "SyncPrefectClient", deployment: str) -> str:
    """Return why this deployment verifies no day, or nothing."""
    from prefect.exceptions import ObjectNotFound

    try:
        found = client.read_deployment_by_name(f"verify/{deployment}")
    except ObjectNotFound:
        return ABSENT
    return PAUSED if found.paused or not any(schedule.active for schedule in found.schedules) else ""


def _line(check: str, found: str, subject: str, problem: str, fix: str) -> Line:
    return Line(check, found, [Problem(check, subject, problem, fix)] if problem else [])


def _reports(folder: Path) -> Line:
    """Return whether a file can be written to the folder, or the folder be made."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    try:
        if there == folder.absolute():
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"x" * 4096)
        elif not there.is_dir() or not os.access(there, os.W_OK):
            raise NotADirectoryError(20, f"{there} is no folder that can be written to")
    except OSError as error:
        problem = f"it cannot be written to: {error.strerror}."
        return Line("reports", str(folder), [Problem("reports", str(folder), problem, "Set ARTWORK_REPORTS to a folder that can.")])
    return Line("reports", str(folder))
