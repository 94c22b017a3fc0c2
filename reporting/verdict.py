"""The verdict in words, for readers of the first line alone."""

from migration.gate_errors import CheckFailed, GateFailed
from migration.ledger.phases import SWITCH_OVER, Phase
from reporting.report import Report

#: The headings of rows that stay behind by a rule, and those of rows that the application has changed since the switch.
_STAY_BEHIND = ("excluded: ", "quarantined: ")
_SINCE = ("changed since", "deleted since")


def outcome(report: Report) -> str:
    """Return how the run ended."""
    if report.green:
        return "Completed"
    return CheckFailed.end if report.run.switched and report.run.verb == SWITCH_OVER.name else GateFailed.end


def since_then(report: Report) -> str:
    """Return what happened after the comparison, so that the report is read as of its time; empty if the same table serves."""
    switched = report.phase is Phase.SWITCHED
    if switched == report.run.switched:
        return ""
    return f"This database was {'switched over' if switched else 'rolled back'} after this report: {report.phase.serves}."


def headline(report: Report) -> str:
    """Return in one sentence whether the migration worked."""
    if report.run.switched:
        return f"{report.day}: {_of_the_day(report)}"
    if report.green:
        return "The migration worked: every artwork is accounted for."
    if not report.gates:
        return "No gate was judged, so nothing is proven."
    return "A gate is red. The legacy table still serves."


def _of_the_day(report: Report) -> str:
    if report.green:
        return "the clean table serves, and no check is red."
    if not report.gates:
        return "no gate was judged, so nothing is proven."
    return "the verification is red. The clean table still serves."


def sentence(report: Report) -> str:
    """Return how many artworks were migrated, how many stayed behind and why, and how many need a decision."""
    counts = dict(report.accounts.sum_rows)
    migrated, pending = counts.pop("migrated", 0), counts.pop("pending", 0)
    since = {heading: counts.pop(heading) for heading in _SINCE if heading in counts}
    behind = {heading.removeprefix("excluded: "): count for heading, count in counts.items() if heading.startswith(_STAY_BEHIND)}
    wrong = {heading: count for heading, count in counts.items() if not heading.startswith(_STAY_BEHIND)}
    parts = [
        f"{migrated:,} of {report.accounts.legacy_rows:,} legacy artworks migrated{' and unchanged' if report.run.switched else ''}",
        *(f"{count:,} {heading} the switch" for heading, count in since.items()),
        *([f"{report.accounts.born_since:,} created since the switch"] if report.accounts.born_since else []),
        *([f"{pending:,} in transit at that moment and rechecked"] if pending else []),
        f"{sum(behind.values()):,} stayed behind{_listed(behind)}",
        *([f"{sum(wrong.values()):,} wrong{_listed(wrong)}"] if wrong else []),
        f"{report.ids_to_decide:,} {'needs' if report.ids_to_decide == 1 else 'need'} a decision"
        if report.ids_to_decide
        else "none needs a decision",
    ]
    return f"{'; '.join(parts)}."


def _listed(counts: dict[str, int]) -> str:
    return f" ({', '.join(f'{count:,} {reason}' for reason, count in counts.items())})" if counts else ""


def report_markdown(report: Report, where: str) -> str:
    """Return the summary of the report for the Prefect UI, and `where` its page is, in Markdown."""
    gates = "\n".join(
        f"| {rule.suite} | {rule.rule} | {rule.severity} | {rule.checked:,} | {rule.bad:,} | {rule.label} |" for rule in report.gates
    )
    sums = "\n".join(f"| {heading} | {count:,} |" for heading, count in report.accounts.sum_rows)
    head = "\n\n".join(filter(None, [since_then(report), f"# {headline(report)}", sentence(report)]))
    return (
        f"{head}\n\n**The full report:** {where}\n\n"
        f"| every legacy row | rows |\n|---|---:|\n{sums}\n| **rows of the legacy table** | **{report.accounts.legacy_rows:,}** |\n\n"
        f"| gate | rule | severity | checked | bad | verdict |\n|---|---|---|---:|---:|---|\n{gates}\n"
    )
