"""What the report server serves, and what it refuses."""

from pathlib import Path

import httpx
import pytest

from cli.report_server import served

SERVED = ["index.html", "shop-run-1/report.html", "shop-run-1/findings.csv", "shop-run-1/gates/users.json", "berlin/index.html"]
KEPT = [
    *("plan-c1.md", "ledger-shop.json", "plan-c1-blockers.csv", "shop-run-1/summary.json", "shop-run-1/gates/x.txt"),
    *("gates/ledger-shop.json", "findings.csv", "a/b/index.html"),
]
#: Other spellings of what is kept back, and of what is outside.
SPELLINGS = [
    *("shop-run-1/", "shop-run-1", "%2e%2e/report.html", "shop-run-1/../../report.html", "gates/..%2fledger-shop.json"),
    *("shop-run-1/gates/..%2fsummary.json", "shop-run-1/gates/..%2f..%2fledger-shop.json", "ledger-shop.json?/index.html"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with reports, and with what is in it beside them."""
    reports = tmp_path / "reports"
    for name in [*SERVED, *KEPT]:
        path = reports / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "report.html").write_text("outside")
    return reports


def test_reports_are_served_and_nothing_else(folder: Path) -> None:
    """Reports, findings, gates and lists of reports are served; plans, exports, lists of problems and folders are not."""
    with served(folder) as address:
        assert SERVED == [httpx.get(f"{address}/{name}").text for name in SERVED]
        assert "index.html" == httpx.get(address).text
        for name in [*KEPT, *SPELLINGS]:
            assert 404 == httpx.get(f"{address}/{name}").status_code, name


def test_another_name_of_this_address_gets_nothing(folder: Path) -> None:
    """A page of another site whose name leads to loopback cannot read a report."""
    with served(folder) as address:
        assert 421 == httpx.get(f"{address}/index.html", headers={"Host": "reports.example:80"}).status_code


def test_a_folder_without_a_report(tmp_path: Path) -> None:
    """Before the first report, also without the folder, the address answers with 404."""
    with served(tmp_path / "none") as address:
        assert 404 == httpx.get(address).status_code
