"""The phases of the life cycle, and which verb leads where."""

from enum import StrEnum


class Phase(StrEnum):
    """Where the migration stands. A fact in the ledger, written in the transaction that makes it true."""

    NOT_STARTED = "NOT_STARTED"
    DEPLOYED = "DEPLOYED"
    MIGRATED = "MIGRATED"

    @property
    def next_verbs(self) -> tuple[str, ...]:
        """The verbs an operator may run from here, in the order they would come."""
        return _NEXT_VERBS[self]

    @property
    def serves(self) -> str:
        """Which table answers to `artworks`, in words."""
        return "the legacy table serves as artworks" + (
            "" if self is Phase.NOT_STARTED else "; the clean table artworks_v2 is written through"
        )


_NEXT_VERBS = {
    Phase.NOT_STARTED: ("deploy_schema",),
    Phase.DEPLOYED: ("migrate_data", "roll_back"),
    Phase.MIGRATED: ("migrate_data", "roll_back"),
}
