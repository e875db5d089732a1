"""A browser, and what the pages of the real release are called."""

import os
import shutil
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# Set by .ci/run: there, a browser that is missing is a failure.
REQUIRED = "KG_TEST_BROWSER"
CLASSES = """SELECT ?class (MIN(?thing) AS ?first) (COUNT(?thing) AS ?things) WHERE {
  ?thing a ?class . FILTER(STRSTARTS(STR(?thing), "https://w3id.org/shisaku/id/")) } GROUP BY ?class"""


@pytest.fixture(scope="module")  # while it lives, its event loop runs, and no other can be started in this thread
def browser() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        message = "no Chromium here: apt-get install chromium, or take the other tests for enough"
        pytest.fail(message) if os.environ.get(REQUIRED) == "required" else pytest.skip(message)
    with sync_playwright() as playwright:
        # As root, as in containers, Chromium does not start with its sandbox; it is shown our own pages only.
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, real_site: httpx.Client) -> Iterator[Page]:
    """A page of a visitor of the real release; what a browser complains about fails the test."""
    context = browser.new_context(base_url=str(real_site.base_url))
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()

    assert complaints == []


@pytest.fixture(scope="session")
def kinds(real_site: httpx.Client) -> dict[str, str]:
    """The path of one thing of each class of the real release, by class."""
    rows = real_site.get("/sparql", params={"query": CLASSES, "format": "json"}).json()["results"]["bindings"]
    return {row["class"]["value"]: "/doc/" + row["first"]["value"].partition("/id/")[2] for row in rows}
