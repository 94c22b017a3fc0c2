"""The report's page and folder where something is missing: plots, readable neighbours, the results of a look."""

import json
from pathlib import Path

import pytest

from migration import database
from migration.errors import BadInput, NoReport
from migration.ledger.decisions import DecisionName
from migration.sync import reconcile
from migration.verbs.decide import apply_at_once
from reporting import pages
from reporting.accounts import read_accounts
from reporting.plans import plan_markdown, sql_markdown
from reporting.report import read_report
from reporting.status import read_status
from tests.databases import Shop, decide, planned_switch, reconcile_now, running


def test_a_page_without_plots_is_written(migrated: Shop) -> None:
    """The report of a run with no row left behind and nothing timed has no plot and says so."""
    migrated.sql.execute("DELETE FROM artwork_migration.statistic")
    page = pages.page(read_report(migrated.database))
    assert "Nothing stays behind." in page
    assert "<svg" not in page


def test_an_unreadable_summary_stops_no_report(migrated: Shop, tmp_path: Path) -> None:
    """A summary that is cut off or not ours is left out of the index, and no half-written file is left."""
    _, ours = pages.write_report(migrated.database, tmp_path)
    summary = (ours.parent / "summary.json").read_text()
    odd = {**json.loads(summary), "snapshot_at": None}
    for name, content in {"cut": summary[:40], "foreign": '{"total": 1}', "list": "[1]", "odd": json.dumps(odd), "bytes": "\udcff"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "summary.json").write_bytes(content.encode(errors="surrogateescape"))
    pages.write_report(migrated.database, tmp_path)
    index = (tmp_path / "index.html").read_text()
    assert 1 == index.count("/report.html")
    assert f"{ours.parent.name}/report.html" in index
    assert {"report.html", "findings.csv", "summary.json", "gates"} == {path.name for path in ours.parent.iterdir()}


def test_the_list_of_the_reports_folder_has_those_of_named_databases(migrated: Shop, tmp_path: Path) -> None:
    """The report of a named database is in its own list, and in the one of the folder that the reports of all databases are in."""
    _, ours = pages.write_report(migrated.database, tmp_path)
    pages.write_report(migrated.database, tmp_path / "berlin", "berlin")
    everything = (tmp_path / "index.html").read_text()
    assert f'"{ours.parent.name}/report.html"' in everything
    assert f'"berlin/{ours.parent.name}/report.html"' in everything
    assert f'"{ours.parent.name}/report.html"' in (tmp_path / "berlin" / "index.html").read_text()


def test_a_comparison_without_results_is_not_reported(migrated: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was killed before its results leaves the report of the run before it, or none."""
    before, accounts = read_report(migrated.database), read_accounts(migrated.database)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(reconcile, "_write_results", killed)
    with pytest.raises(KeyboardInterrupt), running(migrated) as run:
        run.begin()
        reconcile.reconcile(run)
    assert migrated.value("SELECT MAX(run) FROM artwork_migration.reconciliation") > before.run.run
    assert before.run == read_report(migrated.database).run
    assert accounts == read_accounts(migrated.database)
    migrated.sql.execute("DELETE FROM artwork_migration.rule_result")
    with pytest.raises(NoReport):
        read_report(migrated.database)


def test_how_the_values_of_a_column_differ(migrated: Shop) -> None:
    """The report counts the kinds of difference of each column, and shows no value."""
    found = migrated.rows(
        "SELECT id FROM public.artworks_v2 WHERE upscaled_image_url IS NULL AND pet_name <> UPPER(pet_name) ORDER BY id LIMIT 7"
    )
    clean = [artwork for (artwork,) in found]
    changes = ["UPPER(pet_name)", "pet_name || ' '", "pet_name || '-Lieschen'", "LEFT(pet_name, 2)", "'Geheim'", "'Geheim'"]
    migrated.sql.execute("SET artwork_migration.apply = 'on'")
    for artwork, change in zip(clean, changes, strict=False):
        migrated.sql.execute(f"UPDATE public.artworks_v2 SET pet_name = {change} WHERE id = %s", (artwork,))
    migrated.sql.execute("UPDATE public.artworks_v2 SET upscaled_image_url = 'Geheim' WHERE id = %s", (clean[6],))
    reconcile_now(migrated)
    report = read_report(migrated.database)
    names = ["another value: 2", "blanks: 1", "letter case: 1", "longer, with the same beginning: 1", "shorter, with the same beginning: 1"]
    kinds = {column.column_name: column.kinds for column in report.differing_columns}
    assert {"pet_name": names, "upscaled_image_url": ["NULL to a value: 1"]} == kinds
    assert "letter case: 1" in pages.page(report)
    assert "Geheim" not in pages.page(report)


def test_a_report_is_signed(migrated: Shop) -> None:
    """Who reviewed a report stands in it; only a run with a report can be reviewed, and a review leaves the plans as they are."""
    report = read_report(migrated.database)
    number = planned_switch(migrated).number
    assert "Nobody yet." in pages.page(report)
    with migrated.database.transaction("deciding") as connection:
        apply_at_once(connection, DecisionName.REVIEWED, str(report.run.run))
        with pytest.raises(BadInput, match=rf"The newest report is that of run {report.run.run}, not 999\. Nothing was decided\."):
            apply_at_once(connection, DecisionName.REVIEWED, "999")
    decide(migrated, "reviewed", str(report.run.run))
    (review,) = read_report(migrated.database).reviews
    assert ("test", "test") == (review.approved_by, review.reason)
    assert number == planned_switch(migrated).number
    assert "reviewed" not in read_status(migrated.database).decisions


def test_what_a_gate_found_that_was_not_judged_is_not_for_information(migrated: Shop) -> None:
    """After a kill between measuring and judging, the page and the CSV call what was found not judged."""
    migrated.sql.execute("SET artwork_migration.apply = 'on'; UPDATE artworks_v2 SET pet_name = 'damaged' WHERE pet_name > 'S'")
    with running(migrated) as run:
        run.begin()
        reconcile.reconcile(run)
    report = read_report(migrated.database)
    assert "differs" in {finding.rule for finding in report.findings_not_judged}
    assert "differs" not in {finding.rule for finding in report.other_findings}
    with migrated.database.transaction("reading") as connection:
        rows = database.rows(connection, "report/finding_rows", run=report.run.run)
    assert {("reconciliation", "not judged")} == {(row["suite"], row["severity"]) for row in rows if row["rule"] == "differs"}


def test_a_plan_has_a_page_and_its_sql_another(migrated: Shop) -> None:
    """The page of a plan says what its statements do and has no SQL; the other page has the SQL and the lock of each."""
    made = planned_switch(migrated)
    page, statements = plan_markdown(made), sql_markdown(made)
    assert "```sql" not in page
    assert f"plan-{made.number}-sql" in page
    assert [] == [statement.object for statement in made.statements if statement.do not in statements or statement.lock not in statements]
