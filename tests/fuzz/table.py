"""The table of outcomes as a page: `docs/compatibility.md`, *what your database may look like*."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import sql
from migration.ledger.decisions import DecisionName
from migration.plans import creation, trial
from sample.server import SUPERUSER
from tests.fuzz.catalogue import Change, Moment, catalogue

if TYPE_CHECKING:
    from tests.fuzz.life_cycle import Outcome

_INTRODUCTION = """# What your database may look like

<!-- Made by `make compatibility`; do not edit. -->

Each line is a change of the sample's database that went through the whole life cycle, both ways, while an application wrote: deploy,
migrate, switch over, roll back, uninstall (a copy), switch over again, clean up. Search the page for a word of your schema: below a line
stands the SQL that made the sample like it (*tried with*), where it is short. The sample itself has orders with ON DELETE CASCADE, a view,
a materialized view, functions, row level security, a publication, triggers that set `updated_at`, and rows without an e-mail or a token.

- **nothing to do**: everything completed. Afterwards a superuser found every row, every acknowledged write, every reference, rule of a
  column and privilege as they must be.
- **answer, then it migrates**: a plan stopped and named [a rule](#what-each-rule-asks). The statement or decision that it gives was
  followed to the letter; then everything completed.
- **change it before you start**: the first plan stopped and named a rule. Nothing was changed. What the rule says in words was not tried.
- **change it before the switch**: the first plan says so, and the switch is blocked until it is done.
- **stops**: a verb stopped later, because the cause appeared later. What serves was whole.

**Not in the list?** Run `artwork-migration run deploy-schema`: its plan reads your catalog, tries your triggers and constraints in a
transaction that it rolls back, and changes nothing but its own record of the run.

**Columns.** After the switch `artworks` has {stay} under their names, and {renamed}. All others, and so **columns of your own**, are gone
from it, and their values after the clean-up, unless you carry them over: `artwork-migration run decide carry_columns 'NAME,NAME'`. That
is so where their line says *nothing to do*, too. Generated and identity columns, and values of a type without equality (json), cannot be
carried. Views, triggers, policies, grants and keys follow, unless they name a column that goes. Indexes do not, and what a unique one
forbade is allowed then: the clean table has its own, and the plan lists yours. A row that your application hides by a column of its own
(soft delete, `deleted_at`) is migrated like any other.

**Triggers.** While rows are copied, none of your triggers on `artworks` fires, and `updated_at` keeps its value: the clean table gets its
own copy of them at the switch. From then on each write fires them as before. Triggers on `users` fire for the users that are created, so
the plan asks first.

**Connections.** Connect directly or by a session pooler; a pooler of transactions (PgBouncer with `pool_mode = transaction`) is refused.

**Not tried**: a subscriber of a publication or a reader of a slot while it follows the tables (the plan of the switch lists the slots); a
reference without a foreign key that names its type too (`record_type`, `record_id`).

The role that migrated was {roles}.
The plan of `deploy-schema` also asks for the decision `accept_exposure` where registered users would see more artworks, as in the sample;
the lines leave that out.

On this page: {contents}.
"""
_KINDS = {
    "columns": "Columns and types of `artworks`",
    "constraints": "Keys, checks, orders and other references",
    "users": "The table `users`",
    "access": "Privileges and row level security",
    "triggers": "Triggers, rules and event triggers",
    "dependents": "Views, functions, partitions and publications",
    "settings": "Settings and statistics",
    "data": "Rows and values",
}
_LATER = "Changes in the middle of the migration"
_RULES = "What each rule asks"
_MOMENTS = {
    Moment.DEPLOYED: "after `deploy-schema`",
    Moment.COPYING: "during `migrate-data`",
    Moment.MIGRATED: "after `migrate-data`",
    Moment.SWITCHED: "after `switch-over`",
}
_PLAIN = "the plain owner (of the tables, with neither SUPERUSER nor BYPASSRLS)"
#: What the sample itself needs, and so is in no line.
_ORDINARY = "deploy-schema: exposure_not_accepted"
#: The longest SQL that is printed below a line.
_SHORT = 170
#: Where the rules are whose header says what to do, the first of one name first.
_FOLDERS = (
    "plan/prerequisites",
    "plan/blockers",
    "switch_over/blockers",
    "roll_back/to_migrated/blockers",
    "roll_back/to_not_started/blockers",
    "clean_up/blockers",
    "drift",
    "dependents",
    "dependents/recreated",
)
#: The same of the rules that are tried.
_TRIED = {"artwork_rejected": trial.CORRECT, "creation_refused": creation.REFUSED, "altered_on_creation": creation.ALTERED}
_STOP = re.compile(r"(?P<kind>[\w ]+) at (?P<verb>[\w -]+): (?P<rules>[\w, ]+)(?P<foretold> \(.*\))?$")

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
        said.setdefault(changes[0], {})[role] = cell(outcome)
    tried = [change for change in catalogue().values() if change.name in said]
    first = [change for change in tried if change.at is Moment.BEFORE]
    sections = {title: [change for change in first if change.kind == kind] for kind, title in _KINDS.items()}
    sections[_LATER] = [change for moment in _MOMENTS for change in tried if change.at is moment]
    both = SUPERUSER in {role for _, role, _ in outcomes}
    roles = f"{_PLAIN}, and then a superuser; where their outcomes differ, the line has both" if both else _PLAIN
    parts = [_section(title, changes, said) for title, changes in sections.items()]
    contents = " · ".join(f"[{title}](#{_anchor(title)})" for title in (*sections, _RULES))
    return "\n".join([_INTRODUCTION.format(roles=roles, contents=contents, **_columns()), *parts, _rules_asked(outcomes.values())])


def _columns() -> dict[str, str]:
    """Return which legacy columns stay, and which have another name."""
    pairs = re.findall(r"\(\s*\d+, '(\w+)', '(\w+)'", sql.load("mapping").statement)
    stay = [f"`{clean}`" for clean, legacy in pairs if clean == legacy]
    renamed = [f"`{legacy}` as `{clean}`" for clean, legacy in pairs if clean != legacy]
    return {"stay": ", ".join(stay), "renamed": ", ".join(renamed)}


def _anchor(title: str) -> str:
    """Return the part of an address that leads to a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _section(title: str, changes: Iterable[Change], said: Mapping[str, Mapping[str, str]]) -> str:
    lines = [f"| {_line(change)} | {_by_role(said[change.name])} |" for change in changes]
    return "\n".join([f"## {title}\n", "| your database | what happens |", "|---|---|", *lines, ""])


def _line(change: Change) -> str:
    when = f"{_MOMENTS[change.at]}: " if change.at in _MOMENTS else ""
    name, _, value = change.decide.partition(" ")
    decided = f" (`decide {name} {shlex.quote(value)}`)" if change.decide else ""
    statement = " ".join(change.text.split()).removesuffix(";").replace("|", "\\|")
    code = f"<br>tried with `{statement}`" if len(statement) <= _SHORT and "`" not in statement else ""
    return f"{when}{change.what}{decided}{code}"


def _by_role(cells: Mapping[str, str]) -> str:
    if len(set(cells.values())) == 1:
        return next(iter(cells.values()))
    return "; ".join(f"{'superuser' if role == SUPERUSER else 'plain owner'}: {cell}" for role, cell in sorted(cells.items()))


def cell(outcome: "Outcome") -> str:
    if outcome.end == "completed":
        answered = "".join(f"; {said.split(' is ', 1)[1]}" for said in outcome.said if " is answered with " in said)
        asked = ", ".join(_named(verb, rule) for verb, rule in _asked(outcome))
        return (f"**answer, then it migrates**: {asked}" if asked else "**nothing to do**") + answered
    if not (stop := _STOP.match(outcome.end)):
        return f"**stops**: {outcome.end}"
    at = {rule: verb for verb, rule in _asked(outcome)} if stop["verb"] == "deploy-schema" else {}
    early = stop["verb"] in ("deploy-schema", "decide")
    rules = ", ".join(_named("" if early or stop["foretold"] else stop["verb"], rule) for rule in at or _stopping(stop))
    when = "change it before you start" if early else "change it before the switch" if stop["foretold"] else "stops"
    return f"**{when}**: {rules}"


def _stopping(stop: re.Match[str]) -> list[str]:
    return [rule for rule in stop["rules"].split(", ") if rule != _ORDINARY.split(": ")[1]]


def _asked(outcome: "Outcome") -> Iterator[tuple[str, str]]:
    """The verb and the rule of each stop on the way, except the ordinary one."""
    for said in outcome.said:
        if ": " in said and said != _ORDINARY:
            verb, rule = said.split(": ", 1)
            yield verb, rule


def _named(verb: str, rule: str) -> str:
    link = f"[`{rule}`](#{rule})" if rule in _remedies() else f"`{rule}`"
    return link if verb in ("", "deploy-schema", "decide") else f"{link} at `{verb}`"


def _rules_asked(outcomes: Iterable["Outcome"]) -> str:
    used = {rule for outcome in outcomes for rule in [*(rule for _, rule in _asked(outcome)), *_last(outcome)]}
    rules = [f"### {rule}\n\n{text}\n" for rule, text in _remedies().items() if rule in used]
    return "\n".join([f"## {_RULES}\n", *rules])


def _last(outcome: "Outcome") -> list[str]:
    stop = _STOP.match(outcome.end)
    return _stopping(stop) if stop else []


def _decided_by(statement: str) -> str:
    """Return the decisions that a rule gives as its remedy, as a sentence."""
    names = [f"[`{name}`](decisions.md)" for name in DecisionName if re.search(rf"'{name}[ '%]", statement)]
    return f" The plan gives the value for `artwork-migration run decide`: {', '.join(names)}." if names else ""


def _remedies() -> dict[str, str]:
    """What each rule finds, and what its message says to do, by the rule's name."""
    files = chain.from_iterable(map(sql.folder, reversed(_FOLDERS)))
    found = {
        file.rule: f"Found: {file.header['what']} To do: {file.header['remedy']}{_decided_by(file.statement)}"
        for file in files
        if "remedy" in file.header
    }
    return dict(sorted((found | {rule: f"Found by trying it. To do: {text}" for rule, text in _TRIED.items()}).items()))
