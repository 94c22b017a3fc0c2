"""The safety window: its days, its verifications, and what the report says of them."""

import pytest

from expectations.suites import SUITES
from migration.checks.gates import GateVerdict
from migration.ledger import phases, safety_window
from migration.ledger.safety_window import SAFETY_DAYS, SafetyWindow
from reporting import pages
from reporting.report import read_report
from reporting.verdict import headline, outcome, report_markdown, sentence, since_then
from tasks.validation import judge_suite
from tests.artworks import add_clean
from tests.conftest import MakeShop
from tests.databases import Shop, execute_switch, roll_back, running, switch
from tests.series import LONG


@pytest.fixture
def switched(make_shop: MakeShop) -> Shop:
    """The production-like sample with the clean table serving."""
    return make_shop(phase="SWITCHED")


def window(shop: Shop) -> SafetyWindow | None:
    with shop.database.transaction("asking") as connection:
        return safety_window.read(connection)


def verify(shop: Shop, verb: phases.Verb = phases.VERIFY) -> GateVerdict:
    """What the verb does between its begin and its report."""
    with running(shop, verb) as run:
        run.begin()
        verdict = judge_suite(run, SUITES["verification"])
        found = window(shop)
        assert found
        day = found.day
        run.database.write("noting", lambda connection: safety_window.note(connection, run.epoch, day, verdict.red_names))
    return verdict


def switched_ago(shop: Shop, interval: str) -> None:
    """Let the switch have been earlier, and what was verified since with it."""
    for table, column in (("phase_history", "ended_at"), ("verification", "verified_at")):
        shop.sql.execute(f"UPDATE artwork_migration.{table} SET {column} = {column} - INTERVAL '{interval}'")


def test_no_window_is_open_before_the_switch(migrated: Shop) -> None:
    """No safety window is open before the switch, nor after a rollback."""
    assert window(migrated) is None
    switch(migrated)
    assert window(migrated)
    roll_back(migrated)
    assert window(migrated) is None


@pytest.mark.parametrize(
    ("ago", "day", "over", "today"),
    [
        ("0 hours", 1, False, "Day 1 of 30"),
        ("23 hours", 1, False, "Day 1 of 30"),
        ("25 hours", 2, False, "Day 2 of 30"),
        ("719 hours", 30, False, "Day 30 of 30"),
        ("721 hours", 31, True, "The safety window of 30 days is over (day 31)"),
    ],
)
def test_the_day_is_counted_from_the_switch(switched: Shop, ago: str, day: int, over: bool, today: str) -> None:
    """The day is counted in whole days of the database's clock from the switch, and the window ends after the last full one."""
    switched_ago(switched, ago)
    found = window(switched)
    assert found
    assert (day, over, today) == (found.day, found.over, found.today)
    assert SAFETY_DAYS == 30


@LONG
def test_a_verification_counts_for_a_day(switched: Shop) -> None:
    """A green verification counts for a day unless a newer one is red, and not in another window."""
    assert [False, True, False] == [is_verified(switched), bool(verify(switched)) and is_verified(switched), grown_old(switched)]
    verify(switched)
    switched.sql.execute("DROP INDEX artworks_user_id_idx")
    assert ["live_constraints_in_place", "queries_on_index"] == sorted(verify(switched).red_names)
    found = window(switched)
    assert found
    assert [0, 0, 2] == [len(one.red) for one in found.verifications]
    assert not found.verified
    switched.sql.execute("CREATE INDEX artworks_user_id_idx ON artworks (user_id)")
    verify(switched)
    assert is_verified(switched)
    roll_back(switched)
    switch(switched)
    assert not is_verified(switched)


def is_verified(shop: Shop) -> bool:
    found = window(shop)
    return bool(found and found.verified)


def grown_old(shop: Shop) -> bool:
    """Whether it still counts after more than a day."""
    switched_ago(shop, "25 hours")
    return is_verified(shop)


def test_the_report_of_a_day(switched: Shop) -> None:
    """The report of a day has what serves, the day, what changed since, and the verifications so far."""
    verify(switched)
    switched_ago(switched, "25 hours")
    switched.sql.execute("UPDATE artworks SET pet_name = 'Rex' WHERE id = (SELECT id FROM artworks ORDER BY id LIMIT 1)")
    add_clean(switched)
    verify(switched)
    report = read_report(switched.database)
    assert report.accounts.adds_up
    assert "Day 2 of 30: the clean table serves, and no check is red." == headline(report)
    assert "1 changed since the switch; 1 created since the switch" in sentence(report)
    assert [1, 2] == [one.day for one in report.verifications]
    page = pages.page(report)
    for untrue in ("The legacy table still serves", "This run copied", "left with nothing", "An independent count"):
        assert untrue not in page
    for true in ("now retired", "The legacy table is retired as artworks_old", "Day 2 of 30: every verification"):
        assert true in page


@LONG
def test_the_report_of_a_day_after_the_last(switched: Shop) -> None:
    """The report of a day after the last one says that the window is over, and what was verified."""
    switched_ago(switched, "721 hours")
    verify(switched)
    report = read_report(switched.database)
    over = "The safety window of 30 days is over (day 31)"
    assert f"{over}: the clean table serves, and no check is red." == headline(report)
    assert f"{over}: every verification since the switch." in pages.page(report)


@LONG
def test_the_report_says_what_has_changed_hands_since(switched: Shop) -> None:
    """The first line of page and artifact says if another table serves since, after a switch and after a rollback."""
    verify(switched)
    assert "" == since_then(read_report(switched.database))
    roll_back(switched)
    serves = "the legacy table serves as artworks; the clean table artworks_v2 is written through"
    since = f"This database was rolled back after this report: {serves}."
    report = read_report(switched.database)
    assert pages.page(report).split("<main>")[1].lstrip().startswith(f"<p><strong>{since}</strong></p>")
    assert report_markdown(report, "").startswith(f"{since}\n\n# Day 1 of 30: ")


@LONG
def test_the_report_of_a_switch_that_was_killed(migrated: Shop) -> None:
    """The report of a switch that was killed behind its commit says in its first line that the names have changed."""
    assert report_markdown(read_report(migrated.database), "").startswith("# ")
    execute_switch(migrated)
    since = since_then(read_report(migrated.database))
    assert since.startswith("This database was switched over after this report: the clean table serves")


@LONG
def test_a_report_says_since_when_in_which_columns_and_which_days_are_missing(switched: Shop) -> None:
    """The report has the day since which a rule is red, the columns that differ with their rows, and each day with its verdict or none."""
    verify(switched)
    switched_ago(switched, "2 days")
    artwork = switched.value("SELECT id::text FROM artworks ORDER BY id LIMIT 1")
    switched.sql.execute("SET artwork_migration.apply = 'on'")
    switched.sql.execute("UPDATE artworks SET pet_name = 'damaged' WHERE id = %s", [artwork])
    verify(switched)
    switched_ago(switched, "1 day")
    verify(switched)
    report = read_report(switched.database)
    assert ["green", "missing", "red", "red", "after this report"] == [day.verdict for day in report.days[:5]]
    since = report.red_since("live_differs")
    assert since and since.day == 3
    assert report.red_since("live_missing") is None
    assert [("pet_name", 1, [artwork], ["another value: 1"])] == [
        (one.column_name, one.row_count, one.ids, one.kinds) for one in report.differing_columns
    ]
    page = pages.page(report)
    assert '<span class="missing" title="day 2: missing">2</span>' in page
    assert "1 bad of 2,000, since day 3 (" in page


@LONG
@pytest.mark.parametrize(("verb", "end"), [(phases.VERIFY, "Red"), (phases.SWITCH_OVER, "Switched – check failed")])
def test_the_report_of_a_red_day(switched: Shop, verb: phases.Verb, end: str) -> None:
    """The report of a red day has what serves and both next steps, and its queries use the tables' new names."""
    artwork = switched.value("SELECT id::text FROM artworks ORDER BY id LIMIT 1")
    switched.sql.execute("SET artwork_migration.apply = 'on'")
    switched.sql.execute("UPDATE artworks SET pet_name = 'damaged' WHERE id = %s", [artwork])
    verify(switched, verb)
    report = read_report(switched.database)
    assert end == outcome(report)
    assert "the verification is red. The clean table still serves." in headline(report)
    assert "1 wrong (1 differs); 1 needs a decision" in sentence(report)
    page = pages.page(report)
    assert "or roll back to MIGRATED" in page
    assert "To fix: One of both rows was written without the triggers; if <code>retired_untouched</code> is red too" in page
    assert "Why: Law 2, fidelity." in page
    query = next(finding.query for finding in report.findings if finding.rule == "live_differs").removesuffix(" \\gx")
    assert "damaged" in str(switched.rows(query))
