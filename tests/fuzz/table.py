"""The table of outcomes as a page: `docs/compatibility.md`, *what your database may look like*."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sample.server import SUPERUSER
from tests.fuzz.catalogue import Change, Moment, catalogue

if TYPE_CHECKING:
    from tests.fuzz.life_cycle import Outcome

_INTRODUCTION = """# What your database may look like

<!-- Made by `make compatibility`; do not edit. -->

Each line is a change of the sample's database that went through the whole life cycle, both ways, while an application wrote: deploy,
migrate, switch over, roll back, uninstall (a copy), switch over again, clean up. Find what your database has, and read what happens.

- **migrates**: everything completed. Afterwards a superuser found every row, every acknowledged write, every reference, rule of a column
  and privilege as they must be.
- **asks**: a plan stopped and named this rule. The statement or decision that it gives was followed to the letter; then it migrated.
- **refused**: a plan stopped on the first day and named this rule. Nothing was changed.
- **stops**: a verb stopped later. The cause appeared later, or the first plan had named it as something to change before the switch. What
  serves was whole.

The role that migrated was {roles}.

The plan of `deploy_schema` also asks for the decision `accept_exposure` where registered users would see more artworks, as in the sample;
the lines leave that out.
"""
_KINDS = {
    "columns": "Columns and types of `artworks`",
    "constraints": "Keys, checks and references",
    "users": "The table `users`",
    "access": "Privileges and row level security",
    "triggers": "Triggers, rules and event triggers",
    "dependents": "Views, functions and other dependents",
    "settings": "Settings and statistics",
    "data": "Rows and values",
}
_PLAIN = "a plain owner of the tables, who is no superuser and to whom row level security applies"
#: What the sample itself needs, and so is in no line.
_ORDINARY = ("deploy_schema: exposure_not_accepted",)
_MOMENTS = {
    Moment.DEPLOYED: "after `deploy_schema`: ",
    Moment.COPYING: "during `migrate_data`: ",
    Moment.MIGRATED: "after `migrate_data`: ",
    Moment.SWITCHED: "after `switch_over`: ",
}

Outcomes = Mapping[tuple[tuple[str, ...], str, int], "Outcome"]


def write(outcomes: Outcomes, path: Path) -> None:
    """Write the page. Raises ValueError if an outcome is unlawful: such a page would promise too much."""
    if wrong := [run[0] for run, outcome in outcomes.items() if not outcome.lawful]:
        raise ValueError(f"unlawful: {wrong}")
    path.write_text(page(outcomes), encoding="utf-8")


def page(outcomes: Outcomes) -> str:
    """Return the page as markdown."""
    said: dict[str, dict[str, str]] = {}
    for (changes, role, _), outcome in outcomes.items():
        said.setdefault(changes[0], {})[role] = _cell(outcome)
    parts = [_section(title, [change for change in catalogue().values() if change.kind == kind], said) for kind, title in _KINDS.items()]
    both = SUPERUSER in {role for _, role, _ in outcomes}
    roles = f"{_PLAIN}, and then a superuser; where their outcomes differ, the line has both" if both else _PLAIN
    return "\n".join([_INTRODUCTION.format(roles=roles), *parts])


def _section(title: str, changes: Iterable[Change], said: Mapping[str, Mapping[str, str]]) -> str:
    lines = [
        f"| {_MOMENTS.get(change.at, '')}{change.what}{_decided(change)} | {_by_role(said[change.name])} |"
        for change in changes
        if change.name in said
    ]
    return "\n".join([f"## {title}\n", "| your database | what happens |", "|---|---|", *lines, ""])


def _decided(change: Change) -> str:
    return f" (`decide {change.decide}`)" if change.decide else ""


def _by_role(cells: Mapping[str, str]) -> str:
    if len(set(cells.values())) == 1:
        return next(iter(cells.values()))
    return "; ".join(f"{'superuser' if role == SUPERUSER else 'plain owner'}: {cell}" for role, cell in sorted(cells.items()))


def _cell(outcome: "Outcome") -> str:
    rules = [said for said in outcome.said if ": " in said and said not in _ORDINARY]
    if outcome.end == "completed":
        answered = "".join(f"; {said.split(' is ', 1)[1]}" for said in outcome.said if " is answered with " in said)
        return (f"**asks** at {_rules(rules)}, then migrates" if rules else "**migrates**") + answered
    if outcome.end.startswith(("refused at", "blocked at")) and outcome.end.split()[2].startswith(("deploy_schema", "decide")):
        return f"**refused** at {_rules(rules) or '`decide`'}"
    return f"**stops**: {outcome.end}"


def _rules(said: Iterable[str]) -> str:
    return ", ".join(f"`{verb}` (`{rule}`)" for verb, rule in (one.split(": ", 1) for one in said))
