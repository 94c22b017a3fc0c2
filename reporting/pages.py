"""The report as a folder of files: one page that opens offline, findings as CSV, gates and a summary for programs, an index of all."""

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from migration.database import Database
from migration.errors import ReportNotWritten
from migration.settings import commands_about
from migration.sync.reconcile import DIFFERENCES_JUDGED
from reporting import verdict
from reporting.findings import IDS_SHOWN, write_findings
from reporting.owners import WITHOUT_ACCOUNT
from reporting.report import QUARANTINED_SHOWN, Report, Statistic, read_report
from reporting.validation_results import validation_results

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _moment(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _code(text_of_rule: str) -> Markup:
    """What stands between backticks, as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text_of_rule))))  # noqa: S704 (escaped)


_TEMPLATES.filters.update(number=_number, moment=_moment, code=_code, words=lambda name: str(name).replace("_", " "))


@dataclass(frozen=True)
class IndexEntry:
    """One report in the index, and where its folder is."""

    folder: str
    run: int
    verb: str
    outcome: str
    green: bool
    sentence: str
    database: str
    snapshot_at: datetime


@dataclass(frozen=True)
class AccountPart:
    """One part of the account of all legacy rows: its rows, and the class of its colour."""

    heading: str
    count: int
    kind: str


@dataclass(frozen=True)
class Reference:
    """The rows that reference artworks by one foreign key, or the sum of their amounts: before and after the migration."""

    key: str
    subject: str
    legacy: float
    clean: float


def write_report(target: Database, folder: Path, name: str | None = None) -> tuple[Report, Path]:
    """Write the report of the newest run that has compared every row, and the index of `folder`; a run always has the same folder.

    Its commands are about the database in the block `name`, whose `folder` is in the folder of all databases: its index is written too.
    Returns the report and the path of its page. Raises NoReport if there is nothing to report, and ReportNotWritten.
    """
    report = read_report(target)
    own = folder.absolute() / _folder_name(report)
    gates = own / "gates"
    try:
        gates.mkdir(parents=True, exist_ok=True)
        with _replacing(own / "findings.csv") as path:
            write_findings(target, report.run.run, path)
        for suite, result in validation_results(report).items():
            _write(gates / f"{suite}.json", commands_about(name, json.dumps(result, indent=1)))
        _write(own / "report.html", commands_about(name, page(report)))
        _write(own / "summary.json", json.dumps(_summary(report), indent=1))
        write_index(folder)
        if name:
            write_index(folder.parent)
    except OSError as error:
        raise ReportNotWritten(str(own), error.strerror or "") from None
    return report, own / "report.html"


def page(report: Report) -> str:
    """Return the report as one self-contained page of HTML."""
    return _TEMPLATES.get_template("report.html.j2").render(
        report=report,
        since_then=verdict.since_then(report),
        headline=verdict.headline(report),
        outcome=verdict.outcome(report),
        sentence=verdict.sentence(report),
        left_with_nothing=_sum(report.statistic("customer_left_with_nothing")),
        account=_account(report),
        references=_references(report),
        plots=_plots(report),
        ids_shown=IDS_SHOWN,
        kinds_judged=DIFFERENCES_JUDGED,
        quarantined_shown=QUARANTINED_SHOWN,
        without_account=WITHOUT_ACCOUNT,
    )


def write_index(folder: Path) -> None:
    """Write `index.html` with every report in the folder, and in those of named databases in it, the newest first.

    A file that is not a complete summary is left out.
    """
    summaries = [*folder.glob("*/summary.json"), *folder.glob("*/*/summary.json")]
    entries = [entry for path in summaries if (entry := _read_summary(path, folder))]
    newest_first = sorted(entries, key=lambda entry: (entry.snapshot_at, entry.run), reverse=True)
    _write(folder / "index.html", _TEMPLATES.get_template("index.html.j2").render(reports=newest_first))


def _read_summary(path: Path, folder: Path) -> IndexEntry | None:
    """Return the entry of one report; None if the file is incomplete or not a summary."""
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        texts = {key: summary[key] for key in ("verb", "outcome", "green", "sentence", "database")}
        snapshot_at = datetime.fromisoformat(summary["snapshot_at"]).astimezone(UTC)
        return IndexEntry(folder=path.parent.relative_to(folder).as_posix(), run=int(summary["run"]), snapshot_at=snapshot_at, **texts)
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Yield a path that replaces `path` when the block ends without an error, so that no reader finds half a file."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write(path: Path, content: str) -> None:
    with _replacing(path) as part:
        part.write_text(content, encoding="utf-8")


def _folder_name(report: Report) -> str:
    """Return the folder of a run. Its name has the time, because the numbers of runs begin at 1 again after an uninstall."""
    database = re.sub(r"[^\w.-]", "_", report.identity.database)
    return f"{database}-{report.run.begun_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-run-{report.run.run}"


def _summary(report: Report) -> dict[str, Any]:
    return {
        "run": report.run.run,
        "run_name": report.run.run_name,
        "verb": report.run.verb,
        "outcome": verdict.outcome(report),
        "green": report.green,
        "sentence": verdict.sentence(report),
        "database": report.identity.database,
        "system_identifier": report.identity.system_identifier,
        "snapshot_at": report.run.snapshot_at.astimezone(UTC).isoformat(),
    }


def _sum(rows: Sequence[Statistic]) -> int:
    return int(sum(row.value for row in rows))


def _account(report: Report) -> list[AccountPart]:
    """Return every row of the account with the colour of its kind: migrated, left behind, in quarantine, in transit or changed, wrong."""
    kinds = {
        "migrated": "green",
        "pending": "info",
        "changed since": "info",
        "deleted since": "info",
        "excluded": "left",
        "quarantined": "warning",
    }
    return [AccountPart(heading, count, kinds.get(heading.partition(":")[0], "red")) for heading, count in report.accounts.sum_rows]


def _references(report: Report) -> list[Reference]:
    """Return the counts and the sums behind each foreign key. One side of them is one row of the statistics."""
    prefix = "reference_"
    rows = [row for row in report.statistics if row.name.startswith(prefix)]
    values = {(row.label, row.name.removeprefix(prefix), row.detail): row.value for row in rows}
    pairs = dict.fromkeys((key, subject) for key, subject, _ in values)
    return [Reference(key, subject, values[key, subject, "legacy"], values[key, subject, "clean"]) for key, subject in pairs]


def _plots(report: Report) -> dict[str, Markup]:
    """Return every plot by its name; a plot without rows is empty."""
    from reporting import plots  # takes a second

    customers_left = _sum(report.statistic("customer_left_with_nothing"))
    drawings: dict[str, Callable[[Sequence[Statistic]], str]] = {
        "left_behind": plots.left_behind,
        "seconds": plots.seconds,
        "artworks_per_customer": lambda rows: plots.artworks_per_customer(rows, customers_left),
    }
    drawn = {name: draw(rows) if (rows := report.statistic(name)) else "" for name, draw in drawings.items()}
    return {name: Markup(svg) for name, svg in drawn.items()}  # noqa: S704 (vl_convert escapes the texts in the plots)
