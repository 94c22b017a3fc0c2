"""What the demo prints, at the widths of usual terminals."""

import shlex
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from cli.demo_application import Check
from cli.demo_output import Summary, show_accounts, show_summary
from cli.demo_servers import SHOP
from cli.playground import SETTINGS, exports
from reporting.accounts import Accounts
from sample.journal import JournalReport
from sample.journal_entry import Side
from sample.write_latency import WriteLatency

ACCOUNTS = Accounts(20_122, 15_221, [("migrated", 15_221), ("excluded: no access token", 4_901)], [("the strategy's WHERE clause", 15_221)])


@pytest.mark.parametrize(("width", "beside"), [(80, False), (120, True)])
def test_the_accounts_are_beside_each_other_where_there_is_room(width: int, beside: bool) -> None:
    """Both accounts are in one line of a wide terminal and below each other in a narrow one; no line is cut."""
    console = Console(file=StringIO(), width=width)
    show_accounts(console, ACCOUNTS)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]  # a StringIO
    assert beside is any("Where every legacy row went" in line and "From the strategy" in line for line in lines)
    assert (True, True) == (max(map(len, lines)) <= width, "   Both accounts add up." in lines)


def test_the_box_at_the_end_has_what_was_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It has the rows, the checked writes, how many are lost, and for each switch its writes and the slowest of them, in 80 columns."""
    report = tmp_path / f"{SHOP}-run-7" / "report.html"
    report.parent.mkdir()
    report.touch()
    monkeypatch.setenv("ARTWORK_REPORTS", str(tmp_path))
    console = Console(file=StringIO(), width=80)
    journal = JournalReport({}, in_doubt=0, rows_checked=908, values_checked=4_084, missing=[], orders_checked=264)
    check = Check(Side.CLEAN, journal, transactions=403)
    show_summary(console, Summary(39.2, ACCOUNTS, check, [("switch-over", WriteLatency(340, 3, 0.05))]))
    shown = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    for text in ("Done in 39 s", "20,122 legacy, 15,221 migrated", "4,084 values of 908 rows, 264 orders", "340 writes", "50 ms"):
        assert text in shown
    assert (True, True) == ("lost          0" in shown, f"Report: {report}" in shown)


def test_the_settings_of_the_playground_survive_a_shell() -> None:
    """Another terminal gets the addresses of the playground whole, whatever is in them."""
    environment = dict.fromkeys(SETTINGS, "postgresql://postgres@/demo_shop?host=/a folder&port=5432")
    for line in exports(environment).splitlines():
        assert ["export", f"{line.split('=')[0].split()[1]}={environment['ARTWORK_DATABASE_URL']}"] == shlex.split(line)
