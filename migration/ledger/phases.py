"""The phases of the life cycle, and which verb leads where."""

from enum import StrEnum


class Phase(StrEnum):
    """Where the migration stands. A fact in the ledger, written in the transaction that makes it true."""

    NOT_STARTED = "NOT_STARTED"
    DEPLOYED = "DEPLOYED"
    MIGRATED = "MIGRATED"
    SWITCHED = "SWITCHED"
    CLEANED = "CLEANED"

    @property
    def next_verbs(self) -> tuple[str, ...]:
        """The verbs an operator may run from here, in the order they would come."""
        return _NEXT_VERBS[self]

    @property
    def serves(self) -> str:
        """Which table answers to `artworks`, in words."""
        return _SERVES[self]


_BOTH = "the legacy table serves as artworks; the clean table artworks_v2 is written through"
_SERVES = {
    Phase.NOT_STARTED: "the legacy table serves as artworks",
    Phase.DEPLOYED: _BOTH,
    Phase.MIGRATED: _BOTH,
    Phase.SWITCHED: "the clean table serves as artworks; the legacy table is retired as artworks_old and kept for the way back",
    Phase.CLEANED: "the clean table serves as artworks; the retired table is gone: there is no way back",
}
_NEXT_VERBS = {
    Phase.NOT_STARTED: ("deploy_schema",),
    Phase.DEPLOYED: ("migrate_data", "roll_back"),
    Phase.MIGRATED: ("switch_over", "migrate_data", "roll_back"),
    Phase.SWITCHED: ("verify", "roll_back(to=MIGRATED)", "clean_up"),
    Phase.CLEANED: (),
}
