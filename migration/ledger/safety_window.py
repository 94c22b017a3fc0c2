"""The safety window: the days after the switch in which the way back stands open and everything is verified daily."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from migration import database
from migration.ledger import ledger
from migration.ledger.phases import Phase

#: How long it is at least, counted from the time that the database recorded.
SAFETY_DAYS = 30
#: How old a verification may be that clean-up relies on.
FRESH_HOURS = 24


@dataclass(frozen=True)
class Verification:
    """One look at everything: `red` names what was not as it should be."""

    run: int
    day: int
    red: tuple[str, ...]
    verified_at: datetime
    fresh: bool


@dataclass(frozen=True)
class SafetyWindow:
    """The window that is open now, with its verifications, the oldest first; `days` are whole ones since the switch."""

    switched_at: datetime
    days: int
    verifications: tuple[Verification, ...]

    @property
    def day(self) -> int:
        """The day it is: 1 begins with the switch."""
        return self.days + 1

    @property
    def today(self) -> str:
        """The day it is, in words."""
        return in_words(self.day)

    @property
    def over(self) -> bool:
        """Whether the days are over."""
        return self.day > SAFETY_DAYS

    @property
    def verified(self) -> bool:
        """Whether the newest verification is green and fresh."""
        newest = self.verifications[-1:]
        return any(one.fresh and not one.red for one in newest)


def in_words(day: int) -> str:
    """How a day of the window is told, and one after it."""
    return f"Day {day} of {SAFETY_DAYS}" if day <= SAFETY_DAYS else f"The safety window of {SAFETY_DAYS} days is over (day {day})"


def read(connection: Connection) -> SafetyWindow | None:
    """The window as the ledger and the database's clock have it; None outside SWITCHED."""
    switch = ledger.phase(connection)
    if switch.phase is not Phase.SWITCHED or switch.since is None:
        return None
    days = connection.execute(
        text("SELECT FLOOR(EXTRACT(EPOCH FROM NOW() - CAST(:since AS timestamptz)) / 86400)::int"), {"since": switch.since}
    ).scalar_one()
    found = database.rows(connection, "safety_window/verifications", switch_run=switch.run, fresh_hours=FRESH_HOURS)
    return SafetyWindow(switch.since, int(days), tuple(Verification(**{**row, "red": tuple(row["red"])}) for row in found))


def note(connection: Connection, run: int, day: int, red: Sequence[str]) -> None:
    """Write down that everything was looked at in this run, and what was red."""
    database.run(connection, "safety_window/verified", run=run, day=day, red=list(red))
