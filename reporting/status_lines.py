"""How the status is shown: as lines in a terminal, and as markdown in Prefect's UI."""

import re
from collections.abc import Callable

from migration.checks.readiness import RolledBack
from migration.ledger.phases import ROLL_BACK_TO_NOT_STARTED, Phase, Verb
from migration.ledger.progress import Reported
from reporting.progress import duration, words
from reporting.status import SILENT, Backlog, CustomersServed, LastGates, NextStep, OldNamesUse, Status, window_line

#: What there is after the first plan or decision, before anything is deployed.
_LEDGER_ONLY = (
    "plans and decisions are in the schema artwork_migration; nothing else is there. To remove it: "
    f"artwork-migration run {ROLL_BACK_TO_NOT_STARTED}"
)


def status_lines(status: Status) -> list[tuple[str, str]]:
    """Return the status as (label, value) lines, for a terminal and for an artifact."""
    since = f" since {status.phase.since:%Y-%m-%d %H:%M %Z}" if status.phase.since else ""
    step = status.next_step
    return [
        ("verdict", status.verdict),
        ("next step", step.command if step else "nothing"),
        ("database", status.database),
        ("phase", f"{status.phase.phase}{since}"),
        *([("phases", _phases_line(status))] if status.reached else []),
        ("serves", status.phase.phase.serves),
        *(("running", _running_line(reported)) for reported in status.running),
        ("may be run next", status.may_be_run_next),
        *([("pause", f"{status.pause}; to end it: artwork-migration run resume")] if status.pause else []),
        *([("waits", f"since {status.wait.since:%Y-%m-%d %H:%M:%S %Z} for: {status.wait.reason}")] if status.wait else []),
        *([("ledger", _LEDGER_ONLY)] if status.ledger and status.phase.phase is Phase.NOT_STARTED else []),
        *(("plan", str(plan)) for plan in status.plans),
        *(("still to do", f"{step.verb}: {step.name}") for step in status.steps_left),
        *([("safety window", window_line(status.window))] if status.window else []),
        *(_backlog_lines(status.backlog, waits_for="carry-back" if status.window else "catch-up") if status.backlog else []),
        *([("customers", _customers_line(status.customers))] if status.customers else []),
        *(("old names", _old_names_line(use)) for use in status.old_names),
        *(("old names", f"{use['subject']}: {use['problem']}") for use in status.old_name_use if use["recent"]),
        *([("rolled back", _rolled_back_line(status.rolled_back))] if status.rolled_back else []),
        *([("last gates", _gates_line(status.last_gates))] if status.last_gates else []),
        *([("roll back", line)] if status.window and status.last_gates and (line := _roll_back_line(status.last_gates)) else []),
        *(("decision", f"{name} = {value}") for name, value in status.decisions.items()),
        *(("last run", f"{run.run} {run.verb} {run.run_name}: {run.outcome or 'has not ended'}") for run in status.runs[:1]),
        *([("last locks", ": ".join(status.stall))] if status.stall else []),
        *(("not ended", f"{run.run} {run.verb} {run.run_name}, begun {run.begun_at:%Y-%m-%d %H:%M %Z}") for run in status.unfinished),
    ]


def status_markdown(status: Status, form: Callable[[Verb, str], str], artifact: Callable[[str], str], reports: str = "") -> str:
    """Return the status as markdown: verdict, next step, what to read, a table.

    `form` returns the address of a verb's form, and `artifact` that of an artifact's page by its key; nothing if there is no UI. `reports`
    is the address of the list of reports, if it is served.
    """
    lines = [(label, value) for label, value in status_lines(status) if label not in ("verdict", "next step")]
    # the page does not wrap a cell, it cuts it off
    broken = {"|": "\\|", "; ": ";<br>", " → ": "<br>→ "}
    cells = [(label, re.sub(r"\||; | → ", lambda found: broken[found[0]], value)) for label, value in lines]
    table = "\n".join(f"| {label} | {value} |" for label, value in cells)
    above = [f"# {status.verdict}", _next_step_markdown(status.next_step, form), *_to_read(status, artifact, reports)]
    return "\n\n".join([*above, f"| | |\n|---|---|\n{table}\n"])


def _to_read(status: Status, artifact: Callable[[str], str], reports: str) -> list[str]:
    keys = {f"plan {plan.number} of {plan.verb}": f"plan-{plan.number}" for plan in status.plans}
    if status.last_gates:
        keys["the last report"] = "migration-report"
    addresses = {name: artifact(key) for name, key in keys.items()} | {"all reports": reports}
    links = [f"[{name}]({address})" for name, address in addresses.items() if address]
    return [f"**To read:** {' · '.join(links)}"] if links else []


def _next_step_markdown(step: NextStep | None, form: Callable[[Verb, str], str]) -> str:
    if step is None:
        return "**Next step:** nothing now."
    name = f"{step.verb}{f', plan {step.plan}' if step.plan else ''}"
    address = form(step.verb, step.plan)
    link = f"[{name}]({address}), or in a terminal " if address else ""
    return f"**Next step:** {link}`{step.command}`"


def _phases_line(status: Status) -> str:
    """Return the phases in their order, those that were reached with their dates. What a rollback has left is not reached."""
    order = list(Phase)
    reached = {name: when for name, when in status.reached.items() if order.index(Phase(name)) <= order.index(status.phase.phase)}
    return " → ".join(f"{phase} {reached[phase]:%Y-%m-%d %H:%M}" if phase in reached else str(phase) for phase in order)


def _gates_line(last: LastGates) -> str:
    red = last.red
    warnings = sum(not rule.green and not rule.red for rule in last.rules)
    with_warnings = f", {warnings} of them with a warning" if warnings else ""
    verdict = f"red: {', '.join(red)}" if red else f"all {len(last.rules)} rules green{with_warnings}"
    return f"{verdict} (run {last.run}, {last.verb})"


def _roll_back_line(last: LastGates) -> str:
    """Return what would block a roll back, as the last verification has tried it; empty if nothing would."""
    rejected = sum(rule.bad for rule in last.rules if rule.rule == "roll_back_open")
    return f"blocked: the retired table does not take {rejected} artworks as a whole (roll_back_open of run {last.run})" if rejected else ""


def _backlog_lines(backlog: Backlog, *, waits_for: str) -> list[tuple[str, str]]:
    since = f", the oldest since {backlog.logged_since:%Y-%m-%d %H:%M:%S %Z}" if backlog.logged and backlog.logged_since else ""
    lines = [("log", f"{backlog.logged} changes wait for {waits_for}{since}")]
    if backlog.chunks is not None:
        lines.append(("backfill", f"{backlog.chunks_done} of {backlog.chunks} chunks, {backlog.copied} rows copied"))
    return [*lines, ("rejected writes", str(backlog.refused))]


def _customers_line(served: CustomersServed) -> str:
    single = [
        *([f"{served.also_clean} more by their e-mail"] if served.also_clean else []),
        *([f"without {served.still_legacy} by their e-mail"] if served.still_legacy else []),
    ]
    return ", ".join([f"the clean table serves a share of {served.percent:g}%", *single])


def _running_line(reported: Reported) -> str:
    silent = f"; {reported.run_name} has reported nothing for {duration(reported.unseen)}" if reported.unseen > SILENT else ""
    return f"{reported.step.step}: {words(reported.step)}{silent}"


def _rolled_back_line(counted: RolledBack) -> str:
    """Return how many transactions failed, or were rolled back, since the switch. Of errors the server counts nothing else."""
    before = f"; before it {_share(counted.before, counted.of_before)}" if counted.of_before > 0 else ""
    return f"{_share(counted.since, counted.of_since)} transactions since the switch, ours included{before}"


def _share(count: int, total: int) -> str:
    return f"{count:,} of {total:,} ({100 * count / max(total, 1):.2g} %)"


def _old_names_line(use: OldNamesUse) -> str:
    application = f" in {use.application_name}" if use.application_name else ""
    minutes = f"{use.minutes} minute{'s' if use.minutes != 1 else ''} of a session"
    return f"{use.role_name}{application}: {use.kinds}; last at {use.used_at:%Y-%m-%d %H:%M %Z}, in {minutes}"
