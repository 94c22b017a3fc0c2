"""The operator's way through the Prefect UI that `up` serves, in a real browser: plan, read, approve, done."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.lifecycle.house import House

#: Milliseconds; a run takes its time on a machine that does something else as well.
PATIENCE = 180_000
HELP = {
    "plan": "Leave empty to see the plan",
    "approved_by": "Who approves the plan",
    "reason": "Why now",
}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in the browser. No request of it may leave this machine."""
    outside: list[str] = []
    made = browser.new_page(viewport={"width": 1300, "height": 1100})
    made.on("request", lambda request: None if is_ours(request.url) else outside.append(request.url))
    yield made
    assert [] == outside


def is_ours(url: str) -> bool:
    """Asked of this machine, or of nobody."""
    return url.startswith(("http://127.0.0.1:", "data:", "blob:"))


def test_an_operator_plans_reads_and_approves(house: House, page: Page) -> None:
    """The form explains its fields; *Planned* leads to the plan; started again with its number, the run is *Completed*."""
    open_form(house, page)
    for field, words in HELP.items():
        expect(page.locator(".p-label", has_text=f"{field} (Optional)").last).to_contain_text(words)
    submit(house, page)
    see_state(page, "Planned")
    page.get_by_text("Artifacts", exact=True).click()
    page.get_by_role("link", name=re.compile("plan-[0-9a-f]{8}")).click()
    heading = page.get_by_role("heading", name=re.compile("Plan [0-9a-f]{8}: deploy_schema"))
    expect(heading).to_be_visible(timeout=PATIENCE)
    number = heading.inner_text().split()[1].rstrip(":")

    open_form(house, page)
    for field, value in {"plan": number, "approved_by": "ada", "reason": "ticket 12"}.items():
        fill(page, field, value)
    submit(house, page)
    see_state(page, "Completed")


@pytest.mark.parametrize("path", ["dashboard", "runs", "work-pools", "blocks/catalog", "automations", "events", "artifacts", "settings"])
def test_no_page_asks_the_net_for_anything(house: House, page: Page, path: str) -> None:
    """Pictures, fonts and scripts of every page come from this machine; the catalogue has our block and no other."""
    page.goto(f"{house.ui}/{path}", wait_until="networkidle")
    expect(page.get_by_text("Deployments", exact=True).first).to_be_visible(timeout=PATIENCE)
    if path == "blocks/catalog":
        expect(page.get_by_text("Artwork Database")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("1 Block")).to_be_visible()


def open_form(house: House, page: Page) -> None:
    """From the list of deployments to the form of `1-deploy-schema`."""
    page.goto(f"{house.ui}/deployments")
    page.get_by_role("link", name="1-deploy-schema").click(timeout=PATIENCE)
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("Custom run").click()
    expect(page.get_by_role("button", name="Submit")).to_be_enabled(timeout=PATIENCE)


def fill(page: Page, field: str, value: str) -> None:
    """An optional field is None until it is said to be a text."""
    box = page.locator(".p-label", has_text=f"{field} (Optional)").last
    box.get_by_role("button", name="str", exact=True).click()
    box.locator("textarea").fill(value)


def submit(house: House, page: Page) -> None:
    """Start the run and go to its page, by way of the page of all runs."""
    name = page.get_by_role("textbox").first.input_value()
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/deployments/deployment/*?tab=Runs")
    page.goto(f"{house.ui}/runs")
    page.get_by_role("link", name=name).first.click(timeout=PATIENCE)


def see_state(page: Page, name: str) -> None:
    """The state stands at the head of the run's page, which is kept up to date."""
    expect(page.locator(".state-badge", has_text=name).first).to_be_visible(timeout=PATIENCE)
