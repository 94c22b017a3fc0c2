"""The verdict in words: what a reader of the first line alone should know."""

from migration.errors import CheckFailed
from migration.ledger.phases import Phase
from reporting.report import Report

#: The headings of the sum whose rows stay behind by a rule, and those of rows that the application has worked with since the switch.
_STAY_BEHIND = ("excluded: ", "quarantined: ")
_SINCE = ("changed since", "deleted since")


def outcome(report: Report) -> str:
    """How the run ends."""
    if report.green:
        return "Completed"
    return CheckFailed.end_state if report.run.switched and report.run.verb == "switch_over" else "Red gate"


def since_then(report: Report) -> str:
    """What has changed hands after the rows were compared, so that the rest is read as of then; empty if the same table serves."""
    switched = report.phase is Phase.SWITCHED
    if switched == report.run.switched:
        return ""
    return f"Since then: {'switched over' if switched else 'rolled back'}; {report.phase.serves}."


def headline(report: Report) -> str:
    """Did it work?"""
    if report.run.switched:
        return f"{report.day}: {_of_the_day(report)}"
    if report.green:
        return "The migration worked: every artwork is accounted for."
    if not report.gates:
        return "No gate was judged, so nothing is proven."
    return "The migration did not pass its gates. The legacy table serves; nothing is lost."


def _of_the_day(report: Report) -> str:
    if report.green:
        return "the clean table serves, and everything is as it should be."
    if not report.gates:
        return "no gate was judged, so nothing is proven."
    return "the gate is red. The clean table serves, and every write to it is kept."


def sentence(report: Report) -> str:
    """How many came along, how many stayed behind and why, how many wait for a decision."""
    counts = dict(report.accounts.sum_rows)
    migrated, pending = counts.pop("migrated", 0), counts.pop("pending", 0)
    since = {heading: counts.pop(heading) for heading in _SINCE if heading in counts}
    behind = {heading.removeprefix("excluded: "): count for heading, count in counts.items() if heading.startswith(_STAY_BEHIND)}
    wrong = {heading: count for heading, count in counts.items() if not heading.startswith(_STAY_BEHIND)}
    parts = [
        f"{migrated:,} of {report.accounts.legacy_rows:,} legacy artworks migrated{', and as they were' if report.run.switched else ''}",
        *(f"{count:,} {heading} the switch" for heading, count in since.items()),
        *([f"{report.accounts.born_since:,} new ones born since"] if report.accounts.born_since else []),
        *([f"{pending:,} were on their way at that moment and were looked at again"] if pending else []),
        f"{sum(behind.values()):,} stayed behind{_listed(behind)}",
        *([f"{sum(wrong.values()):,} are not as they should be{_listed(wrong)}"] if wrong else []),
        f"in all {report.ids_to_decide:,} need a decision" if report.ids_to_decide else "none needs a decision",
    ]
    return f"{'; '.join(parts)}."


def _listed(counts: dict[str, int]) -> str:
    return f" ({', '.join(f'{count:,} {reason}' for reason, count in counts.items())})" if counts else ""


def report_markdown(report: Report, path: str) -> str:
    """The first page of the report for the Prefect UI, and where the rest of it is."""
    gates = "\n".join(
        f"| {rule.suite} | {rule.rule} | {rule.severity} | {rule.checked:,} | {rule.bad:,} | {rule.label} |" for rule in report.gates
    )
    sums = "\n".join(f"| {heading} | {count:,} |" for heading, count in report.accounts.sum_rows)
    said = "\n\n".join(filter(None, [since_then(report), f"# {headline(report)}", sentence(report)]))
    return (
        f"{said}\n\n"
        f"| every legacy row | rows |\n|---|---:|\n{sums}\n| **rows of the legacy table** | **{report.accounts.legacy_rows:,}** |\n\n"
        f"| gate | rule | severity | checked | bad | verdict |\n|---|---|---|---:|---:|---|\n{gates}\n\n"
        f"The whole report: `{path}`\n"
    )
