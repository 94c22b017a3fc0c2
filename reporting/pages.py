"""The report as a folder of files: one page that opens offline, its findings as CSV, a summary for programs, and an index over all."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from migration.database import Database
from migration.errors import NoReport
from reporting import verdict
from reporting.findings import IDS_SHOWN, write_findings
from reporting.report import QUARANTINED_SHOWN, Report, read_report

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


def write_report(target: Database, folder: Path) -> tuple[Report, Path]:
    """Write the report of the newest run that has compared every row, and the index of `folder`; the same run again is the same folder.

    Returns the report and the path of its page. Raises NoReport when there is nothing to report, or when the folder cannot be written.
    """
    report = read_report(target)
    own = folder.absolute() / _folder_name(report)
    try:
        own.mkdir(parents=True, exist_ok=True)
        with _replacing(own / "findings.csv") as path:
            write_findings(target, report.run.run, path)
        _write(own / "report.html", page(report))
        _write(own / "summary.json", json.dumps(_summary(report), indent=1))
        write_index(folder)
    except OSError as error:
        raise NoReport(f"The report could not be written to {own}: {error.strerror}. Set ARTWORK_REPORTS to a folder that can.") from None
    return report, own / "report.html"


def page(report: Report) -> str:
    """The report as one self-contained page of HTML."""
    return _TEMPLATES.get_template("report.html.j2").render(
        report=report,
        since_then=verdict.since_then(report),
        headline=verdict.headline(report),
        outcome=verdict.outcome(report),
        sentence=verdict.sentence(report),
        left_with_nothing=_sum(report.figure("customer_left_with_nothing")),
        references=_references(report),
        plots=_plots(report),
        ids_shown=IDS_SHOWN,
        quarantined_shown=QUARANTINED_SHOWN,
    )


def write_index(folder: Path) -> None:
    """Write `index.html` over every report that stands in the folder, the newest first; what is no summary of ours is left out."""
    summaries = [summary for path in folder.glob("*/summary.json") if (summary := _read_summary(path))]
    newest_first = sorted(summaries, key=lambda summary: (summary["snapshot_at"], summary["run"]), reverse=True)
    _write(folder / "index.html", _TEMPLATES.get_template("index.html.j2").render(reports=newest_first))


def _read_summary(path: Path) -> dict[str, Any] | None:
    """What the index shows of one report, None where the file is cut off or none of ours."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        told = {key: found[key] for key in ("verb", "outcome", "green", "sentence", "database")}
        moment = datetime.fromisoformat(found["snapshot_at"]).astimezone(UTC)
        return {**told, "run": int(found["run"]), "snapshot_at": moment, "folder": path.parent.name}
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A path to write to that takes the place of `path` once it is written, so that nobody ever finds half a file."""
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
    """Named after the moment too: after a roll-back to the start the runs are counted anew."""
    database = re.sub(r"[^\w.-]", "_", report.identity["database"])
    return f"{database}-{report.run.begun_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-run-{report.run.run}"


def _summary(report: Report) -> dict[str, Any]:
    return {
        "run": report.run.run,
        "run_name": report.run.run_name,
        "verb": report.run.verb,
        "outcome": verdict.outcome(report),
        "green": report.green,
        "sentence": verdict.sentence(report),
        "database": report.identity["database"],
        "system_identifier": report.identity["system_identifier"],
        "snapshot_at": report.run.snapshot_at.astimezone(UTC).isoformat(),
    }


def _sum(rows: list[dict[str, Any]]) -> int:
    return int(sum(row["value"] for row in rows))


def _references(report: Report) -> list[dict[str, Any]]:
    """One line for each thing counted behind a foreign key: the rows, and the sum of their amounts; before and after."""
    lines: dict[tuple[str, str], dict[str, Any]] = {}
    for row in report.figures:
        if row["name"].startswith("reference_"):
            what = row["name"].removeprefix("reference_")
            lines.setdefault((row["label"], what), {"key": row["label"], "what": what})[row["detail"]] = row["value"]
    return list(lines.values())


def _plots(report: Report) -> dict[str, Markup]:
    """Every plot by its name, empty where there is nothing to show."""
    from reporting import plots  # a second, see there

    customers_left = _sum(report.figure("customer_left_with_nothing"))
    drawn: dict[str, Callable[[list[dict[str, Any]]], str]] = {
        "left_behind": plots.left_behind,
        "seconds": plots.seconds,
        "artworks_per_customer": lambda rows: plots.artworks_per_customer(rows, customers_left),
    }
    shown = {name: draw(rows) if (rows := report.figure(name)) else "" for name, draw in drawn.items()}
    return {name: Markup(svg) for name, svg in shown.items()}  # noqa: S704 (the plots' own letters are escaped by what draws them)
