"""The report of a green and of a red run: what it says, what it keeps to itself, and what a browser makes of it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pandas as pd
import pytest
from playwright.sync_api import Browser

from cli.report_server import served
from flows.decide import decide
from flows.migrate_data import migrate_data
from tasks.ends import kind_of_end, message
from tests.databases import Shop
from tests.documents import DOCUMENTS
from tests.lifecycle.conftest import run
from tests.lifecycle.runs import artifact
from tests.series import EXHAUSTIVE, LONG

DAMAGE = """
    CREATE FUNCTION public.damage() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.pet_name := 'damaged'; RETURN NEW; END$$;
    CREATE TRIGGER damage BEFORE INSERT ON artworks_v2 FOR EACH ROW WHEN (NEW.access_token LIKE '%a') EXECUTE FUNCTION public.damage()
"""


def reports(folder: Path) -> list[Path]:
    """The folders of the reports written so far, in the order of their runs."""
    return sorted((folder / "reports").glob("*-run-*"), key=lambda path: int(path.name.rsplit("-", 1)[1]))


def index_of(folder: Path) -> str:
    """The list of the reports written so far."""
    return (folder / "reports" / "index.html").read_text(encoding="utf-8")


def contents(folder: Path) -> dict[Path, bytes]:
    """What is in each file of a report."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def words(page: Path) -> str:
    """What the page says, without its marks."""
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page.read_text(encoding="utf-8"), flags=re.DOTALL).split())


@LONG
def test_a_green_run_and_the_one_after_it(deployed: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of a green run has the database's counts, its CSV every finding, and the index lists both runs, newest first.

    Where the folder is served, the artifact links to the page and to the index.
    """
    decide(name="max_quarantined", value="7", approved_by="Grace", reason="ticket <12>", return_state=True)
    assert kind_of_end(migrate_data(return_state=True)) == "Completed"
    (folder,) = reports(tmp_path)
    said = words(folder / "report.html")
    legacy, clean = deployed.value("SELECT COUNT(*) FROM artworks"), deployed.value("SELECT COUNT(*) FROM artworks_v2")
    assert "The migration worked" in said
    assert f"{clean:,} of {legacy:,} legacy artworks migrated; {legacy - clean:,} stayed behind" in said
    assert "none needs a decision" in said
    for fact in ("Grace", "ticket &lt;12&gt;", deployed.name, "mockup_urls"):
        assert fact in said
    assert re.search(r"Under the locks Each attempt.* 1 committed 0\.\d{3} .*key artworks_v2_user_id_fkey 0\.\d{3}", said)
    assert f"{clean:,} of {legacy:,}" in artifact("migration-report")
    assert str(folder) in artifact("migration-report")

    found = deployed.rows("SELECT rule, id::text FROM artwork_migration.finding ORDER BY rule, id")
    assert found == list(pd.read_csv(folder / "findings.csv")[["rule", "id"]].itertuples(index=False, name=None))

    with served(tmp_path / "reports") as address:
        monkeypatch.setenv("ARTWORK_REPORTS_URL", address)
        assert kind_of_end(migrate_data(return_state=True)) == "Completed"
        first, second = reports(tmp_path)
        links = re.findall(rf"\(({address}/[^)]+)\)", artifact("migration-report"))
        assert [(second / "report.html").read_text(encoding="utf-8"), index_of(tmp_path)] == [httpx.get(link).text for link in links]
    assert "This run copied no chunk" in words(second / "report.html")
    assert [second.name, first.name] == re.findall(r'href="([^"]+)/report\.html"', index_of(tmp_path))
    assert ["Completed"] * 2 == re.findall(r'class="badge green">([^<]+)', index_of(tmp_path))


@LONG
def test_a_red_run_says_what_is_wrong_and_how_to_look_at_it(deployed: Shop, tmp_path: Path) -> None:
    """The page of a red run names rule, count, column and ids, and its query returns the rows; after the fix the next page is green.

    The lines of docs/validation.md load the red gate into a context of Great Expectations, whose Data Docs say the same.
    """
    deployed.sql.execute(DAMAGE)
    assert kind_of_end(migrate_data(return_state=True)) == "Red"
    (red,) = reports(tmp_path)
    page, said = (red / "report.html").read_text(encoding="utf-8"), words(red / "report.html")
    bad = [row[0] for row in deployed.rows("SELECT id::text FROM artwork_migration.finding WHERE rule = 'differs' ORDER BY id")]
    assert "A gate is red." in said
    assert f"{len(bad)} need a decision" in said
    assert re.search(rf"reconciliation · differs \(pet_name\): {len(bad)} bad", said)
    assert '<details id="rule-differs" open>' in page
    assert re.search(rf"pet_name {len(bad)} another value: \d+[^-]* {' '.join(bad[:3])} ", said)
    csv = pd.read_csv(red / "findings.csv")
    assert bad == list(csv.loc[csv["rule"] == "differs", "id"])
    assert {"critical"} == set(csv.loc[csv["rule"] == "differs", "severity"])

    queries = [query.replace("&#39;", "'") for query in re.findall(r"<pre>(.*?) \\gx</pre>", page, re.DOTALL)]
    assert bad[:20] == sorted(str(row[0]) for row in deployed.rows(queries[0]))
    assert all(row[1] for query in queries for row in deployed.rows(query))

    # in a process of its own, which does not know our rules
    (block,) = re.findall(r"```python\n(.*?)```", DOCUMENTS["docs/validation.md"], re.DOTALL)
    loading = [sys.executable, "-c", block.replace("clean_artworks", "reconciliation")]
    loaded = subprocess.run(
        loading, cwd=red, env={**os.environ, "GX_ANALYTICS_ENABLED": "false"}, capture_output=True, text=True, check=True
    )
    assert "" == loaded.stdout + loaded.stderr
    result = json.loads((red / "gates" / "reconciliation.json").read_text(encoding="utf-8"))
    (differs,) = (found for found in result["results"] if found["expectation_config"]["meta"]["rule"] == "differs")
    assert (False, False, len(bad)) == (result["success"], differs["success"], differs["result"]["unexpected_count"])
    assert bad == sorted(str(row[0]) for row in deployed.rows(differs["result"]["unexpected_index_query"]))
    (docs,) = (red / "gx").rglob("validations/reconciliation/**/*.html")
    assert differs["expectation_config"]["description"] in docs.read_text(encoding="utf-8")
    assert f"{len(bad)} unexpected values found" in docs.read_text(encoding="utf-8")

    deployed.sql.execute("DROP TRIGGER damage ON artworks_v2")
    assert kind_of_end(migrate_data(return_state=True)) == "Completed"
    assert "The migration worked" in words(reports(tmp_path)[-1] / "report.html")
    badges = re.findall(r'class="badge (\w+)"', index_of(tmp_path))
    assert ["green", "red"] == badges


@EXHAUSTIVE
def test_a_gate_that_was_not_judged_is_red(deployed: Shop, tmp_path: Path) -> None:
    """A suite that was measured and then not judged makes the page red, whatever the counts are."""
    assert kind_of_end(migrate_data(return_state=True)) == "Completed"
    deployed.sql.execute("DELETE FROM artwork_migration.gate_result")
    assert run("artwork-migration report", dict(os.environ), tmp_path).returncode == 0
    said = words(reports(tmp_path)[0] / "report.html")
    assert "No gate was judged" in said
    assert "reconciliation was measured but not judged" in said
    assert json.loads((reports(tmp_path)[0] / "summary.json").read_text())["outcome"] == "Red"


@EXHAUSTIVE
def test_the_command_writes_the_same_page_anew(deployed: Shop, tmp_path: Path) -> None:
    """`report` writes page and CSV from the ledger alone, the same to the letter, into the same folder."""
    early = run("artwork-migration report", dict(os.environ), tmp_path)
    assert (early.returncode, "run migrate-data" in early.stdout) == (1, True)
    migrate_data(return_state=True)
    (folder,) = reports(tmp_path)
    before = contents(folder)
    done = run("artwork-migration report", dict(os.environ), tmp_path)
    assert (done.returncode, str(folder / "report.html")) == (0, done.stdout.strip())
    assert [folder] == reports(tmp_path)
    assert before == contents(folder)


@EXHAUSTIVE
def test_a_folder_that_cannot_be_written_is_reported(deployed: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose report cannot be written ends with a message that names the setting; with another folder it goes on."""
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ARTWORK_REPORTS", str(tmp_path / "file" / "reports"))
    refused = migrate_data(return_state=True)
    assert (kind_of_end(refused), "ARTWORK_REPORTS" in message(refused)) == ("Failed", True)
    monkeypatch.setenv("ARTWORK_REPORTS", str(tmp_path / "reports"))
    assert kind_of_end(migrate_data(return_state=True)) == "Completed"


@EXHAUSTIVE
def test_a_browser_asks_for_nothing_else(deployed: Shop, tmp_path: Path, browser: Browser) -> None:
    """The page, opened from the disk, loads no other file or address, runs no script, fits a small window, and names its plots."""
    migrate_data(return_state=True)
    page_file = reports(tmp_path)[0] / "report.html"
    asked: list[str] = []
    page = browser.new_page(viewport={"width": 420, "height": 900})
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri(), wait_until="networkidle")
    assert [page_file.as_uri()] == [url for url in asked if not url.startswith("data:")]
    assert 0 == page.locator("script").count()
    assert 420 == page.evaluate("document.documentElement.scrollWidth")
    assert 3 == page.locator("svg[role=img] > title").count()
    assert page.locator("table").count() == page.locator("table > caption").count() > 5
    assert "rgb(20, 24, 30)" != page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert "rgb(20, 24, 30)" == page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.goto((tmp_path / "reports" / "index.html").as_uri())
    page.get_by_role("link").first.click()
    page.wait_for_url(page_file.as_uri())


@LONG
def test_the_steps_are_measured(deployed: Shop) -> None:
    """The ledger has the seconds of each step before the report, in the order of the flow, and of each gate under its own name."""
    migrate_data(return_state=True)
    measured = "SELECT label FROM artwork_migration.statistic WHERE name = 'seconds' AND value > 0 ORDER BY detail"
    steps = [row[0] for row in deployed.rows(measured)]
    assert ["read the use of old names", "gate legacy_artworks", "find quarantined rows", "create users", "copy chunks"] == steps[:5]
    assert "gate reconciliation" in steps
