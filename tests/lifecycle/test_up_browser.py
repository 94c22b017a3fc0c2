"""The operator's way through the Prefect UI that `up` serves, in a real browser: plan, read, approve, done."""

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from migration.ledger import ledger
from migration.ledger.phases import Phase
from tests.databases import Shop, deploy, migrate
from tests.lifecycle.local_server import LocalServer
from tests.series import EXHAUSTIVE

pytestmark = EXHAUSTIVE

#: Milliseconds; a run takes its time on a machine that does something else as well.
PATIENCE = 180_000
HELP = {
    "plan": "Leave it empty to make the plan",
    "approved_by": "Who approves the plan",
    "reason": "Why now",
}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in the browser. No request of it may leave this machine."""
    outside: list[str] = []
    made = browser.new_page(viewport={"width": 1300, "height": 1100}, reduced_motion="reduce")  # a spinner costs half a core
    made.on("request", lambda request: None if is_ours(request.url) else outside.append(request.url))
    yield made
    assert [] == outside


def is_ours(url: str) -> bool:
    """Asked of this machine, or of nobody."""
    return url.startswith(("http://127.0.0.1:", "data:", "blob:"))


def test_an_operator_plans_reads_and_approves(local_server: LocalServer, local_shop: Shop, page: Page) -> None:
    """In the UI the form explains its fields, a run leads to its plan, and the plan's link to the form that runs it."""
    del local_shop  # named for its database
    open_form(local_server, page, "1-deploy-schema")
    for field, words in HELP.items():
        expect(page.locator(".p-label", has_text=f"{field} (Optional)").last).to_contain_text(words)
    plan(page, "deploy-schema")
    approve(page, "1-deploy-schema")


def test_an_operator_switches_over(local_server: LocalServer, local_shop: Shop, page: Page) -> None:
    """In the UI the plan of the switch shows what happens before, under and after the lock, and its number switches the tables."""
    bring_to_migrated(local_shop)
    open_form(local_server, page, "3-switch-over")
    plan(page, "switch-over")
    for stage in ("Before the lock", "Under the lock", "After the commit"):
        expect(page.get_by_role("heading", name=re.compile(stage))).to_be_visible()
    approve(page, "3-switch-over")
    assert "SWITCHED" == phase(local_shop)
    page.goto(f"{local_server.ui}/artifacts/key/migration-status")
    page.locator("a[href*='/artifacts/artifact/']").first.click(timeout=PATIENCE)
    expect(page.get_by_text("the clean table serves as artworks").first).to_be_visible(timeout=PATIENCE)
    picture(page, "status")
    page.goto(page.get_by_role("link", name="the last report").get_attribute("href") or "")  # a click opens it in a tab of its own
    page.locator("a[href*='/artifacts/artifact/']").first.click(timeout=PATIENCE)
    expect(page.get_by_text("rows of the legacy table").first).to_be_visible(timeout=PATIENCE)


@pytest.mark.parametrize("path", ["dashboard", "runs", "work-pools", "blocks/catalog", "automations", "events", "artifacts", "settings"])
def test_no_page_asks_the_net_for_anything(local_server: LocalServer, page: Page, path: str) -> None:
    """Pictures, fonts and scripts of every page of the UI come from this machine; the catalogue has our two blocks only."""
    page.goto(f"{local_server.ui}/{path}", wait_until="networkidle")
    expect(page.get_by_text("Deployments", exact=True).first).to_be_visible(timeout=PATIENCE)
    if path == "blocks/catalog":
        expect(page.get_by_text("Artwork Database")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("2 Blocks")).to_be_visible()


def plan(page: Page, verb: str) -> None:
    """Submit the form as it is, see the run *Completed*, and open the plan."""
    submit(page)
    see_state(page, "Completed")
    picture(page, f"{verb}-planned")
    page.get_by_text("Artifacts", exact=True).click()
    page.get_by_role("link", name=re.compile("plan-[0-9a-f]{8}")).filter(has_not_text="-sql").click()
    heading = page.get_by_role("heading", name=re.compile(f"Plan [0-9a-f]{{8}}: {verb}"))
    expect(heading).to_be_visible(timeout=PATIENCE)
    picture(page, f"{verb}-plan")


def approve(page: Page, deployment: str) -> None:
    """Follow the plan's link to the form that has its number, add who and why, and see the run *Completed*."""
    number = page.get_by_role("heading", name=re.compile("Plan [0-9a-f]{8}")).inner_text().split()[1].rstrip(":")
    link = page.get_by_role("link", name="the form with this number filled in").get_attribute("href")
    page.goto(link or "")  # a click opens it in a tab of its own
    expect(field(page, "plan")).to_have_value(number, timeout=PATIENCE)
    for name, value in {"approved_by": "ada", "reason": "ticket 12"}.items():
        field(page, name).fill(value)
    picture(page, f"{deployment}-form")
    submit(page)
    see_state(page, "Completed")
    picture(page, f"{deployment}-completed")


def bring_to_migrated(shop: Shop) -> None:
    """From wherever an earlier test has left it."""
    if phase(shop) == "NOT_STARTED":
        deploy(shop)
    if phase(shop) == "DEPLOYED":
        migrate(shop)


def phase(shop: Shop) -> Phase:
    """The phase in force."""
    with shop.database.transaction("asking") as connection:
        return ledger.phase(connection).phase


def picture(page: Page, name: str) -> None:
    """For the README: a picture of what is seen, where ARTWORK_SCREENSHOTS says."""
    if folder := os.environ.get("ARTWORK_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def open_form(local_server: LocalServer, page: Page, deployment: str) -> None:
    """From the list of deployments to the form of one, whose description leads to the status."""
    page.goto(f"{local_server.ui}/deployments")
    page.get_by_role("link", name=deployment).click(timeout=PATIENCE)
    page.get_by_text("Description", exact=True).first.click(timeout=PATIENCE)
    to_status = page.get_by_role("link", name="migration-status")
    expect(to_status).to_have_attribute("href", f"{local_server.ui}/artifacts/key/migration-status", timeout=PATIENCE)
    picture(page, "description")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("Custom run").click()
    expect(page.get_by_role("button", name="Submit")).to_be_enabled(timeout=PATIENCE)


def field(page: Page, name: str) -> Locator:
    """The box of a field."""
    return page.locator(".p-label", has_text=f"{name} (Optional)").last.locator("textarea, input")


def submit(page: Page) -> None:
    """Start the run and go to its page, from the runs of its deployment: the newest is the first."""
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/deployments/deployment/*?tab=Runs")
    page.locator("a[href*='/runs/flow-run/']").first.click(timeout=PATIENCE)


def see_state(page: Page, name: str) -> None:
    """The state stands at the head of the run's page, before those of its tasks; the page is kept up to date."""
    expect(page.locator(".state-badge").first).to_have_text(name, timeout=PATIENCE)
