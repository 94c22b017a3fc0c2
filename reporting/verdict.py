"""The verdict in words: what a reader of the first line alone should know."""

from reporting.report import Report

#: The headings of the sum whose rows stay behind by a rule.
_STAY_BEHIND = ("excluded: ", "quarantined: ")


def outcome(report: Report) -> str:
    """One or two words."""
    return "Completed" if report.green else "Red gate"


def headline(report: Report) -> str:
    """Did it work?"""
    if report.green:
        return "The migration worked: every artwork is accounted for."
    if not report.gates:
        return "No gate was judged, so nothing is proven."
    return "The migration did not pass its gates. The legacy table serves; nothing is lost."


def sentence(report: Report) -> str:
    """How many came along, how many stayed behind and why, how many wait for a decision."""
    counts = dict(report.accounts.sum_rows)
    migrated, pending = counts.pop("migrated", 0), counts.pop("pending", 0)
    behind = {heading.removeprefix("excluded: "): count for heading, count in counts.items() if heading.startswith(_STAY_BEHIND)}
    wrong = {heading: count for heading, count in counts.items() if not heading.startswith(_STAY_BEHIND)}
    parts = [
        f"{migrated:,} of {report.accounts.legacy_rows:,} legacy artworks migrated",
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
        f"| {gate.suite} | {gate.rule} | {gate.severity} | {gate.looked_at:,} | {gate.bad:,} | {gate.verdict} |" for gate in report.gates
    )
    sums = "\n".join(f"| {heading} | {count:,} |" for heading, count in report.accounts.sum_rows)
    return (
        f"# {headline(report)}\n\n{sentence(report)}\n\n"
        f"| every legacy row | rows |\n|---|---:|\n{sums}\n| **rows of the legacy table** | **{report.accounts.legacy_rows:,}** |\n\n"
        f"| gate | rule | severity | looked at | bad | verdict |\n|---|---|---|---:|---:|---|\n{gates}\n\n"
        f"The whole report: `{path}`\n"
    )
