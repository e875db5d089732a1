"""`/changes` and `/cite` as people read them: in a browser, on a phone, and under another base."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urldefrag, urljoin
from xml.etree import ElementTree

import httpx
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser

from kg.core.paths import project_folders
from kg.core.release import read_release
from kg.server.app import app
from tests.support.based import CANONICAL, served
from tests.web.test_browser import violations

Start = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
PAGES = (
    "/changes",
    "/changes?from=2031.1.0&to=2030.1.0",
    "/cite",
    "/cite?query=revisions-to-check",
    "/cite?text=ASK%20%7B%20%3Fs%20%3Fp%20%3Fo%20%7D",
)
ATOM = "{http://www.w3.org/2005/Atom}"
WIDTHS = (390, 1280)


@pytest.fixture(scope="session")
def site(out: Path, pair: Path, start: Start) -> Iterator[httpx.Client]:
    """A client of a server of the second release, with the first beside it."""
    with start(app(read_release(pair), project_folders().queries, out)) as client:
        yield client


@pytest.mark.parametrize(
    ("lang", "scheme"), [("ja", "light"), pytest.param("en", "dark", marks=pytest.mark.exhaustive)]
)
def test_everybody_can_read_them(browser: Browser, site: httpx.Client, lang: str, scheme: str) -> None:
    """axe-core finds nothing, in either language, light or dark; no page is wider than a phone or a screen."""
    context = browser.new_context(base_url=str(site.base_url), color_scheme=scheme)  # type: ignore[arg-type]
    page, found = context.new_page(), {}
    for path in PAGES:
        page.goto(f"{path}{'&' if '?' in path else '?'}lang={lang}")
        found[path] = violations(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 844})
            found[path] += ["too wide"] if page.evaluate("document.documentElement.scrollWidth > innerWidth") else []
    context.close()

    assert found == {path: [] for path in PAGES}


@pytest.mark.parametrize(
    ("lang", "name"), [("ja", "内閣府 → ホームページ → "), ("en", "Cabinet Office → home page → ")]
)
def test_a_link_is_told_by_what_it_states(site: httpx.Client, lang: str, name: str) -> None:
    """Its record has no name of its own: people read what is linked, how, and to what."""
    page = site.get(f"/changes?lang={lang}", headers={"Accept": "text/html"}).text

    assert f"<bdi>{name}https://www.cao.go.jp/</bdi>" in page
    assert f"<bdi>{CANONICAL}id/" not in page


@pytest.mark.exhaustive
def test_under_another_base_nothing_leads_to_the_canonical_names(out: Path) -> None:
    """Links of the pages and of the feed lead to this site, and are there."""
    with served("--out", out, "--release", "2031.1.0") as client:
        top = str(client.base_url)
        for path in ("/changes?lang=en", "/cite?lang=en"):
            page = client.get(path, headers={"Accept": "text/html"})
            found = re.findall(r'(?:href|src|action)="([^"]+)"', page.text)
            links = {urldefrag(urljoin(str(page.url), link.replace("&amp;", "&")))[0] for link in found}
            inside = {link for link in links if link.startswith(top)}
            assert inside and not [link for link in links if link.startswith(CANONICAL)]
            assert {client.get(link).status_code for link in inside} == {200}
        feed = ElementTree.fromstring(client.get("/changes?format=atom").content)
        entries = [link.attrib["href"] for entry in feed.iter(f"{ATOM}entry") for link in entry.iter(f"{ATOM}link")]
        documents = [client.get(link, headers={"Accept": "text/turtle"}).status_code for link in entries[:5]]

    assert entries and all(link.startswith(f"{top}id/") for link in entries)
    assert set(documents) == {200}
