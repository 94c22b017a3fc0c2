"""What the plan of deploy_schema counts and sees, section by section, as an operator reads it."""

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

#: What stands before whatever needs attention.
MARK = "⚠"

Facts = Mapping[str, Any]

NOT_COUNTED = f"{MARK} Not counted: the server had no answer in the time for it."
_DISPOSITIONS = {
    "eligible": "come along",
    "in_flight": "in flight: come along at the switch",
    "test_data": "stay behind: test data",
    "no_email": "stay behind: no e-mail",
    "no_access_token": "stay behind: no access token",
    "abandoned": "stay behind: never finished",
    "not_completed": "stay behind: not completed",
}
_SIZES = {
    "legacy_table": "the table artworks, as it is",
    "legacy_indexes": "its indexes, as they are",
    "clean_table": "to come: the clean table",
    "clean_indexes": "to come: its indexes",
    "users": "to come: users and their keys, at most",
    "wal": "written to the log (WAL), in all",
    "temporary": "temporary files, at most at a time",
}


def sections(facts: Facts) -> str:
    """Every section that these facts hold (and the `decisions` in force), each with its heading; sessions and the like also where nothing
    was seen."""
    return "\n\n".join(f"## {title}\n\n{section(facts)}" for title, section in _SECTIONS.items())


def _database(facts: Facts) -> str:
    identity = facts["database"]
    statuses = facts["statuses_legacy_takes"].items()
    taken = [(f"values that {_code(column)} takes", ", ".join(map(_code, values))) for column, values in statuses]
    return _table(
        ("", ""),
        [
            ("database", _code(identity["database"])),
            ("server", f"Postgres {identity['version']}, system {identity['system_identifier']}"),
            ("connected as", _code(identity["role"])),
            *taken,
        ],
    )


def _rows(facts: Facts) -> str:
    rows = facts["legacy_rows"]
    if rows is None:
        return NOT_COUNTED
    total = sum(rows.values())
    lines = [(_DISPOSITIONS.get(name, name.replace("_", " ")), _count(facts, count), _share(count, total)) for name, count in rows.items()]
    counted = _table(("legacy rows", "rows", "share"), [*lines, ("**in all**", f"**{_count(facts, total)}**", "")])
    return counted + _sampled(facts) + _quarantine(facts)


def _quarantine(facts: Facts) -> str:
    """What to do about rows that no clean row can be made of, where there are any, or where nobody has counted all of them."""
    if facts["token_is_unique"] and not any(name.startswith("quarantined") for name in facts["legacy_rows"]):
        return ""
    return (
        f"\n\n{MARK} Rows in quarantine make `migrate-data` red until they are mended, or `artwork-migration run decide max_quarantined N` "
        "accepts them; artworks sharing a token are counted only by the gate `legacy_artworks`."
    )


def _exposure(facts: Facts) -> str:
    counted = facts["exposure"]
    if counted is None:
        return f"{NOT_COUNTED} Nobody knows how many artworks signed-in users would come to see."
    told = _table(
        ("", "artworks", "users"),
        [
            (
                "`user_gained`: had no owner, and a user of their e-mail is there already",
                f"{counted['user_gained']:,}",
                f"{counted['users_gaining']:,}",
            ),
            ("`user_changed`: would get another owner than they have", f"{counted['user_changed']:,}", f"{counted['users_changed']:,}"),
        ],
    )
    if counted["user_gained"] or "user_gained" in facts["decisions"].get("accept_exposure", "").split(","):
        return told
    return (
        f"{told}\n\n{MARK} The first customer who claims their artworks before the switch makes the gate `clean_artworks` red without "
        "`artwork-migration run decide accept_exposure user_gained`."
    )


def _columns(facts: Facts) -> str:
    columns = facts["columns_not_carried"]
    if columns is None:
        return NOT_COUNTED
    if not columns:
        return "None: every column comes along."
    lines = [(_code(name), _count(facts, count)) for name, count in columns.items()]
    return _table(("stays in the legacy table", "values"), lines) + _sampled(facts) + _carrying(facts)


def _carrying(facts: Facts) -> str:
    """How those come along that can, and when; why the others cannot."""
    cannot = facts["cannot_be_carried"]
    can = ",".join(name for name in facts["columns_not_carried"] if name not in cannot)
    command = f"`artwork-migration run decide carry_columns {shlex.quote(can)} --approved-by NAME --reason WHY`"
    lines = [f"To take them along: {command}, before this plan is run; later only after a roll-back."] if can else []
    stays = [f"{_code(name)} stays in the retired table: {problem}." for name, problem in cannot.items()]
    return "".join(f"\n\n{line}" for line in [*lines, *stays])


def _room(facts: Facts) -> str:
    needs = [(label, f"{'' if name.startswith('legacy') else 'about '}{_bytes(facts['size'][name])}") for name, label in _SIZES.items()]
    limits = [(_code(name), value) for name, value in facts["settings"].items()]
    return (
        _table(("", "size"), needs)
        + "\n\nHow much room the disk has cannot be seen from SQL: look yourself. What can be seen are the limits:\n\n"
        + _table(("setting", "value"), limits)
        + "\n\n"
        + _notes(facts["notes"]["room"], "None of them is in the way.")
    )


def _seen(section: str, nothing: str) -> Callable[[Facts], str]:
    return lambda facts: _notes(facts["notes"][section], nothing)


_SECTIONS: dict[str, Callable[[Facts], str]] = {
    "Database": _database,
    "Rows": _rows,
    "Who would see more": _exposure,
    "Columns that are not carried over": _columns,
    "Size and room": _room,
    "Sessions in the way": _seen("sessions", "None: no transaction is open for a minute or longer."),
    "Replication": _seen("replication", "None: no standby, no slot, no publication of the table."),
    "Other migrations": _seen("other_migrations", "No trace of another one."),
}


def _notes(notes: Sequence[Mapping[str, Any]], nothing: str) -> str:
    """What needs attention first, marked and with what to do about it."""
    marked = [f"- {MARK} **{note['subject']}**: {note['problem']} {note['remedy']}" for note in notes if note["attention"]]
    return "\n".join([*marked, *(f"- {note['subject']}: {note['problem']}" for note in notes if not note["attention"])]) or nothing


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells break no line and no column, whatever is in them; all columns but the first are numbers if there is a head."""
    rule = ["---", *(["---:"] * (len(head) - 1) if head[-1] else ["---"] * (len(head) - 1))]
    return "\n".join(f"| {' | '.join(cell(words) for words in row)} |" for row in [head, rule, *rows])


def cell(text: str) -> str:
    """What would end the cell or the line does not."""
    return " ".join(text.split()).replace("|", "\\|")


def _code(name: str) -> str:
    return f"`{name.replace('`', chr(39))}`"


def _count(facts: Facts, count: int) -> str:
    """A count, or two digits of an estimate: it holds no more."""
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
