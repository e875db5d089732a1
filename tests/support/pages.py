"""A page of a visitor, and what the pages of the real release are called."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page

CLASSES = """SELECT ?class (MIN(?thing) AS ?first) (COUNT(?thing) AS ?things) WHERE {
  ?thing a ?class . FILTER(STRSTARTS(STR(?thing), "https://w3id.org/shisaku/id/")) } GROUP BY ?class"""


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
