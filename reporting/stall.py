"""For how long the application waited for a run, in words: from the attempts under locks that the ledger has."""

from collections.abc import Sequence

from sqlalchemy import Connection

from migration import database
from migration.ledger import ledger
from migration.ledger.ledger import COMMITTED, LockAttempt


def stall_line(attempts: Sequence[LockAttempt]) -> str:
    """Return the attempts of one run under locks as one sentence without its period; empty if there were none."""
    failed = [attempt for attempt in attempts if attempt.outcome != COMMITTED]
    committed = sorted((attempt for attempt in attempts if attempt.outcome == COMMITTED), key=lambda attempt: attempt.seconds)
    parts = [_committed(attempt) for attempt in committed[-1:]]
    if failed:
        longest = max(failed, key=lambda attempt: attempt.seconds)
        parts.append(f"{len(failed)} failed {'attempt' if len(failed) == 1 else 'attempts'}, the longest after {longest.seconds:.3f} s")
    return "; ".join(parts)


def _committed(attempt: LockAttempt) -> str:
    waited = f"another session had waited for {attempt.longest_wait:.3f} s" if attempt.longest_wait else "no other session was waiting"
    slowest = ", ".join(f"{statement['object']} {statement['seconds']:.3f} s" for statement in attempt.slowest[:3])
    locks = f"{attempt.seconds:.3f} s under the locks, {attempt.lock_wait:.3f} s of it to acquire them"
    return f"{locks}; {waited} when it committed; slowest: {slowest}"


def newest_stall(connection: Connection) -> tuple[str, str] | None:
    """Return the verb and run of the newest attempt under locks, and what `stall_line` says of that run; None if there was none."""
    rows = database.rows(connection, "ledger/newest_lock_attempt")
    return (f"{rows[0]['verb']} (run {rows[0]['run']})", stall_line(ledger.lock_attempts(connection, rows[0]["run"]))) if rows else None
