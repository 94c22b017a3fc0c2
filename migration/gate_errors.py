"""The errors of gates: bad data, rules that could not be judged, and a red verification while the clean table serves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from migration.errors import Red, shortened

#: Red rules that the name of a run has.
RULES_IN_NAME = 2


@dataclass(frozen=True)
class RedRule:
    """A critical rule that found bad data: what it is about (columns, dispositions, objects), how much, some ids, and how to fix it."""

    suite: str
    rule: str
    about: tuple[str, ...]
    bad: int
    ids: tuple[str, ...]
    fix: str

    def __str__(self) -> str:
        about = f" ({', '.join(self.about)})" if self.about else ""
        ids = f", ids {', '.join(self.ids)}" if self.ids else ""
        return f"{self.rule}{about}: {self.bad} bad{ids}"


class RedGate(Red):
    """A gate is not green: it has found bad data, or could not be judged. `red` are the critical rules that found something."""

    def __init__(self, red: Sequence[RedRule], broken: Mapping[str, str], *, found: str, serves: str, then: str) -> None:
        self.red, self._gates = tuple(red), list(dict.fromkeys([*broken, *(rule.suite for rule in red)]))
        self._rest = f"{serves} Once it is fixed, {then} {_WHERE_TO_READ}"
        super().__init__(f"{found} {serves} {_to_fix(self.red, broken=bool(broken))}\nThen {then} {_WHERE_TO_READ}")

    @property
    def in_name(self) -> str:
        """Return the end with the first red rules."""
        return f"{self.end.lower()}: {self._first_rules}"

    @property
    def brief(self) -> str:
        """Return the message with the first red rules only, what to do then before what to fix, and without ids."""
        lines = [f"- {rule.rule}: {rule.bad} bad. {rule.fix}" for rule in self.red]
        gates = f"gates {', '.join(self._gates)} are" if len(self._gates) > 1 else f"gate {self._gates[0]} is"
        return shortened("\n".join([f"{gates} red: {self._first_rules}. {self._rest}", *(["To fix:", *lines] if lines else [])]))

    @property
    def _first_rules(self) -> str:
        names = list(dict.fromkeys(rule.rule for rule in self.red)) or ["not judged"]
        more = [f"{len(names) - RULES_IN_NAME} more"] if len(names) > RULES_IN_NAME else []
        return ", ".join([*names[:RULES_IN_NAME], *more])


class GateFailed(RedGate):
    """Gates were judged and found bad data."""

    def __init__(self, red: Sequence[RedRule]) -> None:
        serves, then = _consequence(rule.suite for rule in red)
        super().__init__(red, {}, found=_red_gates(red), serves=serves, then=then)


class GateBroken(RedGate):
    """Gates could not be judged, which is not the same as bad data; they count as red. `broken` is the reason, by suite."""

    def __init__(self, broken: Mapping[str, str], red: Sequence[RedRule] = ()) -> None:
        self.broken = dict(broken)
        judged = f" The other rules were judged: {_red_gates(red)}" if red else ""
        super().__init__(red, broken, found=f"{_broken_gates(broken)}{judged}", serves=_consequence(broken)[0], then="run the verb again.")


class VerificationRed(RedGate):
    """The gate `verification` is red, or could not be judged, while the clean table serves. Nothing is rolled back automatically."""

    retry: ClassVar[str]

    def __init__(self, broken: str, red: Sequence[RedRule]) -> None:
        self.broken = broken
        reasons = {"verification": broken} if broken else {}
        uncaptured = broken or any(rule.rule in _UNCAPTURED for rule in red)
        carried = "what was captured" if uncaptured else "every write"
        super().__init__(
            red,
            reasons,
            found=" ".join(filter(None, [_broken_gates(reasons) if broken else "", _red_gates(red)])),
            serves="The clean table serves as `artworks`.",
            then=f"{self.retry}. Or run `roll-back --to MIGRATED`, which carries back {carried}.",
        )


class CheckFailed(VerificationRed):
    """Right after the switch."""

    end = "Switched – check failed"
    retry = "run `switch-over` again, which does the remaining steps"


class VerificationFailed(VerificationRed):
    """On a day of the safety window."""

    retry = "run `verify` again"


#: Rules that say of writes that they were not captured.
_UNCAPTURED = {"capture_in_place", "live_extra"}
_LEGACY_SERVES = "The legacy table still serves."
#: What a red gate means and what to do then, where it is not that the data must be migrated again.
_CONSEQUENCES = {
    "application_ready": (
        _LEGACY_SERVES,
        "run `switch-over` again; after a decision plan it first, because a decision changes the number of the plan.",
    ),
    "moved_customers": ("No customer was moved.", "plan the move again."),
}
_NOT_JUDGED = "Remove what kept the rule from checking, usually an empty table, a dropped column or a missing privilege."
_WHERE_TO_READ = "All ids are in artwork_migration.finding; docs/validation.md explains each rule."


def _consequence(suites: Iterable[str]) -> tuple[str, str]:
    """Return what it means for the application that these gates are red, and what to do once it is fixed."""
    found = {_CONSEQUENCES.get(suite, (_LEGACY_SERVES, "run `migrate-data` again.")) for suite in suites}
    return found.pop() if len(found) == 1 else (_LEGACY_SERVES, "run `migrate-data` again.")


def _broken_gates(broken: Mapping[str, str]) -> str:
    reasons = "".join(f"gate {suite} could not be judged: {reason}. " for suite, reason in broken.items())
    return f"{reasons}A gate that did not check everything counts as red."


def _red_gates(red: Sequence[RedRule]) -> str:
    suites = dict.fromkeys(rule.suite for rule in red)
    return " ".join(f"gate {suite} is red: {'; '.join(str(rule) for rule in red if rule.suite == suite)}." for suite in suites)


def _to_fix(red: Sequence[RedRule], *, broken: bool = False) -> str:
    """One line for each rule."""
    lines = [f"- {rule.rule}: {rule.fix}" for rule in red]
    return "\n".join(["To fix:", *([f"- not judged: {_NOT_JUDGED}"] if broken else []), *lines])
