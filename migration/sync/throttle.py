"""Waiting between two batches: while the migration is paused, and while the server is behind."""

import time
from contextlib import ExitStack

from sqlalchemy import Connection

import sql
from migration import database
from migration.driver_errors import TOO_MANY_CONNECTIONS
from migration.errors import DatabaseError, Problem, WaitedTooLong, problem_lines
from migration.ledger import decisions, ledger
from migration.ledger.decisions import DecisionName
from migration.ledger.runs import Run
from migration.settings import Settings

#: The name of a pause among the readings; no decision waives it.
PAUSE = "pause"
#: Seconds between two readings, at least and at most.
EVERY, AT_MOST = 1.0, 10.0
#: So many times the seconds of the readings pass before the next ones: they cost half a percent of the time, whatever the network is.
RARELY = 200
#: Seconds after which a run that waits reports it once more.
REPORT_EVERY = 60.0


def may_continue(run: Run) -> bool:
    """Return once the next batch may begin: nearly always at once, and without a query. Call it outside a transaction.

    Returns whether the run has waited.

    It waits while the migration is paused and while a reading of `sql/throttle.sql` finds that the server is behind. A reading that fails
    counts like one that finds something. The ledger has what the run waits for. `run.warn` gets it at once, when it changes, each minute,
    and at the end. Raises WaitedTooLong after `longest_wait_seconds`. Locks: none on a table of the application.
    """
    if time.monotonic() < run.next_reading:
        return False
    reported, again = set[str](), 0.0
    with ExitStack() as waiting:
        while problems := _problems(run):
            if not reported:
                waiting.enter_context(run.progress.step("wait until the run may continue"))
            seconds = _record(run, problems)
            if reported != (rules := {problem.rule for problem in problems}) or time.monotonic() >= again:
                reported, again = rules, time.monotonic() + REPORT_EVERY
                so_far = f"{run.verb} waits ({seconds:,.0f} s so far); nothing is half done."
                run.warn(f"{so_far} It continues automatically when the cause is removed:\n{problem_lines(problems)}")
            time.sleep(EVERY)
    if reported:
        run.warn(f"{run.verb} continues after a wait of {_end(run):,.0f} s")
    return bool(reported)


def _problems(run: Run) -> list[Problem]:
    """Return what the run has to wait for now."""
    begun = time.monotonic()
    problems: list[Problem] = []
    reading, waived = PAUSE, tuple[str, ...]()
    try:
        with run.database.transaction("reading the server", transaction_read_only="on", statement_timeout="5s") as connection:
            problems += _pause(connection)
            waived = decisions.waived_readings(connection)
            for reading in decisions.READINGS:
                if reading not in waived:
                    problems += _read(connection, run.settings, reading, waive=_waiving(reading, waived))
    except DatabaseError as error:
        if error.sqlstate != TOO_MANY_CONNECTIONS:  # then the chunks have them all, and the next one begins with a connection or not at all
            problems.append(_failed(reading, error, waived))
    finally:
        now = time.monotonic()
        run.next_reading = now + min(max(EVERY, RARELY * (now - begun)), AT_MOST)
    return problems


def _pause(connection: Connection) -> list[Problem]:
    pause = ledger.pause_in_force(connection)
    remedy = "When the reason no longer holds, run `artwork-migration run resume --approved-by NAME --reason WHY`"
    return [Problem(PAUSE, "the migration", f"{pause}.", remedy)] if pause else []


def server_behind(connection: Connection, settings: Settings) -> list[Problem]:
    """Return what a run would wait for now, apart from a pause."""
    waived = decisions.waived_readings(connection)
    readings = [reading for reading in decisions.READINGS if reading not in waived]
    return [problem for reading in readings for problem in _read(connection, settings, reading, waive=_waiving(reading, waived))]


def _read(connection: Connection, settings: Settings, reading: str, *, waive: str) -> list[Problem]:
    file = sql.load(f"throttle/{reading}")
    limits = settings.model_dump(include={name for name in type(settings).model_fields if name.startswith("max_")})
    return [Problem.found(reading, file.header["remedy"], row) for row in database.rows(connection, file.name, **limits, waive=waive)]


def _failed(reading: str, error: DatabaseError, waived: tuple[str, ...]) -> Problem:
    """Return the problem of a reading that fails: the run does not know whether the server is behind."""
    found = f"it fails with SQLSTATE {error.sqlstate}, so the run cannot know whether the server is behind."
    remedy = "Remove the cause, such as a missing privilege (`GRANT pg_monitor`), or continue without this reading."
    return Problem(reading, f"reading {reading}", found, remedy, decision="" if reading == PAUSE else _waiving(reading, waived))


def _waiving(reading: str, waived: tuple[str, ...]) -> str:
    """Return the decision that waives a reading beside those that are waived."""
    return f"{DecisionName.WAIVE_READINGS} {','.join(name for name in decisions.READINGS if name in (*waived, reading))}"


def _record(run: Run, problems: list[Problem]) -> float:
    """Record what the run waits for, and return for how many seconds it has.

    Raises WaitedTooLong after `longest_wait_seconds`; a pause of that age has ended then, so that the next run continues.
    """
    reason = " ".join(f"{problem.subject}: {problem.problem}" for problem in problems)
    with run.database.transaction("recording a wait") as connection:
        seconds = float(database.run(connection, "ledger/begin_wait", run=run.epoch, run_name=run.name, reason=reason).scalar_one())
    longest = run.settings.longest_wait_seconds
    if seconds > longest:
        _end(run)
        with run.database.transaction("ending a pause") as connection:
            ledger.resume(connection, approved_by=run.name, reason=f"not resumed within {longest:,.0f} s", older_than=longest)
        raise WaitedTooLong(str(run.verb), longest, problems)
    return seconds


def _end(run: Run) -> float:
    """Record that the run no longer waits, and return for how many seconds it did."""
    with run.database.transaction("recording the end of a wait") as connection:
        return float(database.run(connection, "ledger/end_wait", run=run.epoch, run_name=run.name).scalar_one())
