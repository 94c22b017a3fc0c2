"""The errors of locks and rows that were not obtained: who holds them, and what gets these out of the way."""

from collections.abc import Sequence
from dataclasses import dataclass

from migration.errors import PROBLEMS_SHOWN, DatabaseError, OthersAtWork

#: Sessions that a message names: the others may have to wait for the same ones.
HOLDERS_SHOWN = 3


@dataclass(frozen=True)
class LockHolder:
    """A session that holds a lock that we must acquire, or a transaction `prepared` under that name, which no session holds.

    The text of a statement is left out, because it has values. `seconds` is the age of the transaction; None if our role may not see it.
    """

    pid: int | None
    application: str
    role: str
    state: str
    seconds: int | None
    table: str
    prepared: str = ""

    @property
    def hidden(self) -> bool:
        """Return whether it is the session of another role, whose state our role may not see."""
        return self.state == "not visible"

    def __str__(self) -> str:
        age = "" if self.seconds is None else f", open for {self.seconds} s"
        where = f" on {self.table}" if self.table else ""
        if self.prepared:
            return f"the prepared transaction {_literal(self.prepared)} (role {self.role}{age}){where}"
        role = f"role {self.role}, " if self.hidden and self.role else ""
        return f"pid {self.pid} ({role}{self.application or 'no application_name'}, {self.state}{age}){where}"


def _blocked_by(holders: Sequence[LockHolder]) -> str:
    more = [f"and {len(holders) - HOLDERS_SHOWN} more"] if len(holders) > HOLDERS_SHOWN else []
    return "; ".join([*map(str, holders[:HOLDERS_SHOWN]), *more]) or "sessions that have finished by now"


def _unblock(holders: Sequence[LockHolder]) -> str:
    """Return the way to get these out of the way, as the beginning of a sentence; nothing without holders."""
    ways = []
    if any(not holder.prepared for holder in holders):
        hidden = any(holder.hidden for holder in holders)
        see = ", which pg_read_all_stats would let this role see better" if hidden else ""
        ways.append(f"wait until these sessions end{see}, or end one with SELECT pg_terminate_backend(PID)")
    ways += [
        f"run COMMIT PREPARED {name} or ROLLBACK PREPARED {name}, as its transaction manager decides"
        for name in (_literal(holder.prepared) for holder in holders[:HOLDERS_SHOWN] if holder.prepared)
    ]
    return f"{'; '.join(ways)}; then " if ways else ""


def _literal(name: str) -> str:
    doubled = name.replace("'", "''")
    return f"'{doubled}'"


class LockNotObtained(OthersAtWork):
    """The locks could not be acquired within the budget, or there was too much to do under them; everything was rolled back."""

    end = "Lock not obtained"

    def __init__(self, verb: str, attempts: int, holders: Sequence[LockHolder], canceled: str = "") -> None:
        self.attempts, self.holders = attempts, tuple(holders)
        if canceled:
            what = f"had the locks, but there was too much to do under them. {attempts} attempts; the last one was {canceled}."
            fix = "when the application writes less, "
        else:
            what = f"could not acquire the locks after {attempts} attempts. The plan changed nothing. Blocked by: {_blocked_by(holders)}."
            fix = _unblock(holders)
        super().__init__(f"{verb}: {what} To fix: {fix}start {verb} with the same plan number.")


class RowsLocked(OthersAtWork):
    """Other sessions keep every artwork that is left from being written; what could be written was committed."""

    end = "Lock not obtained"

    def __init__(self, verb: str, ids: Sequence[str], holders: Sequence[LockHolder]) -> None:
        self.ids, self.holders = tuple(ids), tuple(holders)
        first, more = ", ".join(ids[:PROBLEMS_SHOWN]), f" and {len(ids) - PROBLEMS_SHOWN:,} more" if len(ids) > PROBLEMS_SHOWN else ""
        super().__init__(
            f"{verb}: other sessions have locked every artwork that is left, or its owner: ids {first}{more}. What was written "
            f"before stays, "
            f"and these artworks are still in the log. Blocked by: {_blocked_by(holders)}. To fix: {_unblock(holders)}run {verb} again."
        )


class OldTransactions(OthersAtWork):
    """A step that waits for every older transaction has waited long enough. No session waits for this step."""

    end = "Lock not obtained"

    def __init__(self, verb: str, action: str, holders: Sequence[LockHolder]) -> None:
        self.holders = tuple(holders)
        super().__init__(
            f"{verb}: {action} waits for older transactions, and they are still open. What was done before stays done. "
            f"Blocked by: {_blocked_by(holders)}. To fix: {_unblock(holders)}run {verb} again; it resumes."
        )


class WriteBlocked(OthersAtWork, DatabaseError):
    """A write lost every attempt to another transaction that holds rows or keys which it has to lock."""

    end = "Lock not obtained"

    def __init__(self, lost: DatabaseError, attempts: int, holders: Sequence[LockHolder]) -> None:
        self.holders = tuple(holders)
        DatabaseError.__init__(self, lost.sqlstate, "", lost.objects, lost.action)
        self.args = (
            f"{lost.action}: could not lock the rows in {attempts} attempts (SQLSTATE {lost.sqlstate}). What was committed before stays; "
            f"the rest was rolled back. Blocked by: {_blocked_by(holders)}. To fix: {_unblock(holders)}run the verb again; it resumes.",
        )
