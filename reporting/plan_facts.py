"""The facts in the plan of deploy_schema, section by section, as markdown."""

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence

from migration.checks.readiness import Readiness, Use
from migration.ledger.phases import SWITCH_OVER, Verb
from migration.plans.estimates import Advisory, Estimates
from reporting.owners import WITHOUT_ACCOUNT
from reporting.progress import duration

#: Marks a line that requires attention.
MARK = "⚠"


class Facts(Estimates):
    """The facts of the plan of deploy_schema, and its decisions."""

    statuses_legacy_takes: Mapping[str, Sequence[str]]
    decisions: Mapping[str, str]


NOT_COUNTED = f"{MARK} Not counted: the query exceeded its time limit."
_DISPOSITIONS = {
    "eligible": "are migrated",
    "in_flight": "in flight: are migrated at the switch",
    "test_data": "stay behind: test data",
    "no_email": "stay behind: no e-mail",
    "no_access_token": "stay behind: no access token",
    "abandoned": "stay behind: never finished",
    "not_completed": "stay behind: not completed",
}
_SIZES = {
    "legacy_table": "the table artworks today",
    "legacy_indexes": "its indexes today",
    "clean_table": "new: the clean table",
    "clean_indexes": "new: its indexes",
    "users": "new: users and their keys, at most",
    "wal": "WAL, in total",
    "temporary": "temporary files at one time, at most",
}


def verdict(facts: Facts) -> str:
    """Return one sentence: how many of the legacy rows are migrated."""
    rows = facts["legacy_rows"]
    if rows is None:
        return NOT_COUNTED
    total, along = sum(rows.values()), rows.get("eligible", 0) + rows.get("in_flight", 0)
    if not total:
        return f"{MARK} The legacy table is empty."
    count, behind = _count(facts, along), _count(facts, total - along)
    share = f"{count} of {_count(facts, total)} legacy rows ({_share(along, total)}) are migrated; {behind} stay behind."
    return f"{MARK} Most rows stay behind: {share}" if 2 * along < total else share


def sections(facts: Facts) -> str:
    """Return every section with its heading; a section without findings is one sentence."""
    return "\n\n".join(f"## {title}\n\n{section(facts)}" for title, section in _SECTIONS.items())


def application(facts: Readiness, verb: Verb) -> str:
    """Return who still uses what ends with this verb, from the readings of pg_stat_statements, and what these did not show."""
    ends = ", ".join(f"{_code(name['name'])} ({name['kind']})" for name in facts["names"])
    by = "The gate `application_ready` reads again before the locks" if verb is SWITCH_OVER else "Each plan reads again"
    quiet = re.sub(" 0 [a-z]+$", "", duration(facts["quiet_seconds"]))
    limit = f"The calls of each statement that names them must have stayed the same for {quiet}. {by}."
    waived = f"**Waived** by the decision `waive_readiness` of {facts['waived']}." if facts["waived"] else ""
    unseen = [f"- {MARK} {problem}." for problem in facts["problems"]]
    read = (
        f"Read at {facts['read_at']}." if facts["read_at"] else f"{MARK} Not read yet, so nothing is known: run `{verb}` without a number."
    )
    seen = bool(facts["read_at"]) and not facts["problems"]
    nothing = "No statement names them." if seen else "That no statement is listed here proves nothing: ask the developers."
    used = [(_standing(use), use["subject"], use["problem"]) for use in facts["use"]]
    return "\n\n".join(
        filter(
            None,
            [
                f"These end with `{verb}`: {ends}.",
                limit,
                waived,
                "\n".join([read, *unseen]),
                _table(("", "who", ""), used) if used else nothing,
            ],
        )
    )


def _standing(use: Use) -> str:
    if use["ambiguous"]:
        return "maybe through `legacy_names`"
    return f"{MARK} in use" if use["recent"] else "quiet"


def _database(facts: Facts) -> str:
    identity = facts["database"]
    statuses = facts["statuses_legacy_takes"].items()
    allowed = [(f"allowed in {_code(column)}", ", ".join(map(_code, values))) for column, values in statuses]
    return _table(
        ("", ""),
        [
            ("database", _code(identity["database"])),
            ("server", f"Postgres {identity['version']}, system {identity['system_identifier']}"),
            ("connected as", _code(identity["role"])),
            *allowed,
        ],
    )


def _rows(facts: Facts) -> str:
    rows = facts["legacy_rows"]
    if rows is None:
        return NOT_COUNTED
    total = sum(rows.values())
    lines = [(_DISPOSITIONS.get(name, name.replace("_", " ")), _count(facts, count), _share(count, total)) for name, count in rows.items()]
    counted = _table(("legacy rows", "rows", "share"), [*lines, ("**total**", f"**{_count(facts, total)}**", "")])
    if facts["token_is_unique"] and not any(name.startswith("quarantined") for name in rows):
        return counted + _sampled(facts)
    return (
        f"{counted}{_sampled(facts)}\n\n{MARK} Rows in quarantine make `migrate-data` red. To fix: correct them, or accept N of them by "
        "`artwork-migration run decide max_quarantined N`. Only the gate `legacy_artworks` counts artworks that share a token."
    )


def _exposure(facts: Facts) -> str:
    exposure = facts["exposure"]
    if exposure is None:
        return f"{NOT_COUNTED} The number of artworks that signed-in users would gain is unknown."
    if not facts["owners"]["creates_users"]:
        return f"None. {_owners_elsewhere(facts)}"
    table = _table(
        ("", "artworks", "users"),
        [
            (
                "`user_gained`: have no owner, and a user with their e-mail exists",
                f"{exposure['user_gained']:,}",
                f"{exposure['users_gaining']:,}",
            ),
            ("`user_changed`: would get a different owner", f"{exposure['user_changed']:,}", f"{exposure['users_changed']:,}"),
        ],
    )
    table += _chosen_emails(facts)
    if exposure["user_gained"] or "user_gained" in facts["decisions"].get("accept_exposure", "").split(","):
        return table
    return (
        f"{table}\n\n{MARK} Record the decision `artwork-migration run decide accept_exposure user_gained` anyway if customers can sign up "
        "before the switch. Otherwise the first claim turns the gate `clean_artworks` red."
    )


def _owners_elsewhere(facts: Facts) -> str:
    relation = facts["owners"]["relation"]
    of_users = relation == "public.users"
    return f"{'`users.id` references another table' if of_users else f'`artworks.user_id` references {_code(relation)}'}. {WITHOUT_ACCOUNT}"


def _users(facts: Facts) -> str:
    """Return how many users will be created, what the trial inserts came to, and which e-mails the table will refuse."""
    if not facts["owners"]["creates_users"]:
        return "None are created."
    count = facts["users_to_create"]
    lines = [NOT_COUNTED if count is None else f"`migrate-data` will create {count:,} anonymous users."]
    if facts["users_not_tried"]:
        names = ", ".join(map(_code, facts["users_not_tried"]))
        lines.append(f"{MARK} No user was inserted to try it: what these triggers do may survive a rollback: {names}.")
    if facts["users_tried"]:
        outcomes = [(trial["kind"], trial["outcome"]) for trial in facts["users_tried"]]
        lines.append(_table(("tried and taken back: an e-mail", ""), outcomes))
    if facts["users_refused"] is None:
        lines.append(f"{NOT_COUNTED} It is unknown whether `users` refuses some of these e-mails; their artworks would go to quarantine.")
    elif facts["users_refused"]:
        refused = [(row["object"], f"{row['emails']:,}", f"{row['artworks']:,}") for row in facts["users_refused"]]
        lines.append(_table(("refuses the user", "e-mails", "artworks to quarantine"), refused))
    return "\n\n".join(lines)


def _chosen_emails(facts: Facts) -> str:
    """Return by whom and by which policies `users.email` can be chosen, which decides who gains an artwork."""
    ways = [way for way in facts["users_access"] if way["email"]]
    named = ", ".join(f"{_code(way['role'])} ({way['privilege']}, {way['via']})" for way in ways)
    return f"\n\n{MARK} The e-mail of a user, and with it who gains an artwork, can be chosen by {named}." if ways else ""


def _columns(facts: Facts) -> str:
    columns = facts["columns_not_carried"]
    if columns is None:
        return NOT_COUNTED
    if not columns:
        return "None: every column is carried over."
    lines = [(_code(name), _count(facts, count)) for name, count in columns.items()]
    return _table(("stays in the legacy table", "values"), lines) + _sampled(facts) + _carrying(columns, facts["cannot_be_carried"])


def _carrying(columns: Iterable[str], cannot: Mapping[str, str]) -> str:
    """Return how to carry columns over, and why some cannot be."""
    can = ",".join(name for name in columns if name not in cannot)
    command = f"`artwork-migration run decide carry_columns {shlex.quote(can)} --approved-by NAME --reason WHY`"
    lines = [f"To carry them over: {command}. Do it before you run this plan; later it requires a roll back first."] if can else []
    stays = [f"{_code(name)} stays in the retired table: {problem}." for name, problem in cannot.items()]
    return "".join(f"\n\n{line}" for line in [*lines, *stays])


def _room(facts: Facts) -> str:
    sizes = [(label, f"{'' if name.startswith('legacy') else 'about '}{_bytes(facts['size'][name])}") for name, label in _SIZES.items()]
    limits = [(_code(name), value) for name, value in facts["settings"].items()]
    return (
        _table(("", "size"), sizes)
        + "\n\nFree disk space is not visible from SQL: check it on the server. These limits are visible:\n\n"
        + _table(("setting", "value"), limits)
        + "\n\n"
        + _notes(facts["notes"]["room"], "None of these limits blocks the migration.")
    )


def _noted(section: str, nothing: str) -> Callable[[Facts], str]:
    return lambda facts: _notes(facts["notes"][section], nothing)


_SECTIONS: dict[str, Callable[[Facts], str]] = {
    "Database": _database,
    "Rows": _rows,
    "Access that users would gain": _exposure,
    "Anonymous users": _users,
    "Columns that are not carried over": _columns,
    "Size and disk space": _room,
    "Blocking sessions": _noted("sessions", "None: no transaction is open for a minute or longer."),
    "Replication": _noted("replication", "None: no standby, no slot, no publication of the table."),
    "Other migrations": _noted("other_migrations", "None found."),
}


def _notes(notes: Sequence[Advisory], nothing: str) -> str:
    """Return the notes; those that require attention come first, with a mark and a remedy."""
    marked = [f"- {MARK} **{note['subject']}**: {note['problem']} {note['remedy']}" for note in notes if note["attention"]]
    return "\n".join([*marked, *(f"- {note['subject']}: {note['problem']}" for note in notes if not note["attention"])]) or nothing


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table. With a head, every column except the first has numbers."""
    rule = ["---", *(["---:"] * (len(head) - 1) if head[-1] else ["---"] * (len(head) - 1))]
    return "\n".join(f"| {' | '.join(map(cell, row))} |" for row in [head, rule, *rows])


def cell(text: str) -> str:
    """Escape a text for a cell: it ends neither the cell nor the line."""
    return " ".join(text.split()).replace("|", "\\|")


def _code(name: str) -> str:
    return f"`{name.replace('`', chr(39))}`"


def _count(facts: Facts, count: int) -> str:
    """Return a count, or an estimate rounded to two digits."""
    return f"{count:,}" if facts["sample_percent"] >= 100 else f"about {round(count, 2 - len(str(count))):,}"


def _sampled(facts: Facts) -> str:
    percent = facts["sample_percent"]
    return "" if percent >= 100 else f"\n\nEstimated from {percent:.2g} % of the table."


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f} %" if total else ""


def _bytes(size: int) -> str:
    amount, units = float(size), iter(("bytes", "kB", "MB", "GB", "TB"))
    unit = next(units)
    while amount >= 1024 and unit != "TB":
        amount, unit = amount / 1024, next(units)
    return f"{amount:,.0f} {unit}" if amount >= 10 or unit == "bytes" else f"{amount:.1f} {unit}"
