"""The life cycle: its phases, and the one table of the verbs that lead from phase to phase."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """The phases of a migration. The ledger has the one in force, written in the transaction that makes it true."""

    NOT_STARTED = "NOT_STARTED"
    DEPLOYED = "DEPLOYED"
    MIGRATED = "MIGRATED"
    SWITCHED = "SWITCHED"
    CLEANED = "CLEANED"

    @property
    def next_verbs(self) -> tuple[Verb, ...]:
        """Return the verbs that start in this phase, in the order of the life cycle."""
        return tuple(verb for verb in VERBS if self in verb.starts)

    @property
    def serves(self) -> str:
        """Return which table serves as `artworks`, as a clause."""
        return _SERVES[self]


@dataclass(frozen=True)
class Verb:
    """What an operator can run: `name` is that of its command, its flow and its deployment. The flow's file and function have underscores
    for the hyphens (`flows.function_of`).

    It `starts` in one of these phases and `brings` that phase. With `takes_target`, the phase to return to is a parameter. A verb that
    `needs_approval` only plans until it gets the number of its plan. A verb that `resumes` first does the steps that a killed run of it
    left after its commit.
    """

    name: str
    starts: tuple[Phase, ...]
    brings: Phase
    takes_target: bool = False
    needs_approval: bool = False
    resumes: bool = False

    def __str__(self) -> str:
        """Return the verb as it is typed after `artwork-migration run`."""
        return f"{self.name} --to {self.brings}" if self.takes_target else self.name

    def typed(self, plan: str = "") -> str:
        """Return the command line that runs the verb, with the number of a plan if there is one."""
        approval = f" --plan {plan} --approved-by NAME --reason WHY" if plan else ""
        return f"artwork-migration run {self}{approval}"

    def form(self, plan: str = "") -> dict[str, str]:
        """Return what is filled in in the verb's form."""
        return {**({"to": str(self.brings)} if self.takes_target else {}), **({"plan": plan} if plan else {})}

    @property
    def inverse(self) -> Verb | None:
        """Return the verb that undoes this one, or None if there is none. Customers are moved back by the same verb."""
        if self is MOVE_CUSTOMERS:
            return self
        back = (verb for verb in VERBS if verb is not self and self.brings in verb.starts and verb.brings in self.starts)
        return next(back, None)

    @property
    def leaves_steps(self) -> bool:
        """Return whether the verb has steps after the commit that brings its phase, which the next run of it does if this one cannot."""
        return self.resumes or self is ROLL_BACK_TO_NOT_STARTED

    @property
    def goes_back(self) -> bool:
        """Return whether the verb leads to an earlier phase."""
        return self.takes_target


DEPLOY_SCHEMA = Verb("deploy-schema", (Phase.NOT_STARTED,), Phase.DEPLOYED, needs_approval=True)
MIGRATE_DATA = Verb("migrate-data", (Phase.DEPLOYED, Phase.MIGRATED), Phase.MIGRATED)
SWITCH_OVER = Verb("switch-over", (Phase.MIGRATED,), Phase.SWITCHED, needs_approval=True, resumes=True)
VERIFY = Verb("verify", (Phase.SWITCHED,), Phase.SWITCHED)
ROLL_BACK_TO_MIGRATED = Verb("roll-back", (Phase.SWITCHED,), Phase.MIGRATED, takes_target=True, needs_approval=True, resumes=True)
ROLL_BACK_TO_NOT_STARTED = Verb("roll-back", (Phase.DEPLOYED, Phase.MIGRATED), Phase.NOT_STARTED, takes_target=True, needs_approval=True)
CLEAN_UP = Verb("clean-up", (Phase.SWITCHED,), Phase.CLEANED, needs_approval=True, resumes=True)

#: The life cycle, in its order.
VERBS = (DEPLOY_SCHEMA, MIGRATE_DATA, SWITCH_OVER, VERIFY, ROLL_BACK_TO_MIGRATED, ROLL_BACK_TO_NOT_STARTED, CLEAN_UP)

#: Beside the life cycle: what another process runs while migrate_data copies. It holds no lock of a run and brings no other phase.
JOIN_COPY = Verb("join-copy", (Phase.DEPLOYED,), Phase.DEPLOYED)
#: Beside it too: which table serves single customers before the switch.
MOVE_CUSTOMERS = Verb("move-customers", (Phase.MIGRATED,), Phase.MIGRATED, needs_approval=True)
BESIDE = (JOIN_COPY, MOVE_CUSTOMERS)

_BOTH = "the legacy table serves as artworks; the clean table artworks_v2 is written through"
_SERVES = {
    Phase.NOT_STARTED: "the legacy table serves as artworks",
    Phase.DEPLOYED: _BOTH,
    Phase.MIGRATED: _BOTH,
    Phase.SWITCHED: "the clean table serves as artworks; the legacy table is retired as artworks_old and kept for the rollback",
    Phase.CLEANED: "the clean table serves as artworks; the retired table is gone: no rollback is possible",
}


def verb_named(name: str, to: str | None = None) -> Verb | None:
    """Return the verb of the life cycle, or beside it, with this name and this target; None for what runs in any phase."""
    return next((verb for verb in (*VERBS, *BESIDE) if verb.name == name and (not verb.takes_target or to in {None, verb.brings})), None)


def verbs_from(phase: Phase) -> list[Verb]:
    """Return the verbs from a phase to the end of the life cycle, in its order."""
    order = list(Phase)
    forward = [verb for verb in VERBS if not verb.goes_back]
    return [verb for verb in forward if phase in verb.starts or order.index(phase) < order.index(verb.starts[0])]
