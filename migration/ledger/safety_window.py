"""The safety window: the days after the switch in which `verify` runs daily and a rollback is possible."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from migration import database
from migration.ledger import ledger
from migration.ledger.phases import Phase

#: The days of the window, counted from the switch by the clock of the database.
SAFETY_DAYS = 30
#: The age of a verification, in hours, up to which clean_up relies on it.
FRESH_HOURS = 24


@dataclass(frozen=True)
class Verification:
    """One verification; `red` has the names of its red rules, and `day` is the day of the window."""

    run: int
    day: int
    red: tuple[str, ...]
    verified_at: datetime
    fresh: bool


@dataclass(frozen=True)
class SafetyWindow:
    """The open window and its verifications, oldest first; `days` is the number of whole days since the switch."""

    switched_at: datetime
    days: int
    verifications: tuple[Verification, ...]

    @property
    def day(self) -> int:
        """Return the day of the window; day 1 begins with the switch."""
        return self.days + 1

    @property
    def today(self) -> str:
        """Return the day of the window as text."""
        return day_text(self.day)

    @property
    def over(self) -> bool:
        """Return whether the window is over."""
        return self.day > SAFETY_DAYS

    @property
    def verified(self) -> bool:
        """Return whether the newest verification is green and fresh."""
        return any(newest.fresh and not newest.red for newest in self.verifications[-1:])


def day_text(day: int) -> str:
    """Return the text for a day of the window, or for a day after it."""
    return f"Day {day} of {SAFETY_DAYS}" if day <= SAFETY_DAYS else f"The safety window of {SAFETY_DAYS} days is over (day {day})"


def read(connection: Connection) -> SafetyWindow | None:
    """Return the safety window by the clock of the database; None outside phase SWITCHED."""
    switch = ledger.phase(connection)
    if switch.phase is not Phase.SWITCHED or switch.since is None:
        return None
    days = connection.execute(
        text("SELECT FLOOR(EXTRACT(EPOCH FROM NOW() - CAST(:since AS timestamptz)) / 86400)::int"), {"since": switch.since}
    ).scalar_one()
    rows = database.rows(connection, "safety_window/verifications", switch_run=switch.run, fresh_hours=FRESH_HOURS)
    return SafetyWindow(switch.since, int(days), tuple(Verification(**{**row, "red": tuple(row["red"])}) for row in rows))


def note(connection: Connection, run: int, day: int, red: Sequence[str]) -> None:
    """Record the verification of this run, with the names of its red rules."""
    database.run(connection, "safety_window/verified", run=run, day=day, red=list(red))
