"""The pages of the ontology, the shapes and the stored queries: whole, true to the release, and for everyone."""

import html
import re

import httpx
import pytest
from playwright.sync_api import Browser, Page
from pyoxigraph import RdfFormat, parse

from kg.core.release import Release

from .test_browser import violations

HTML = {"Accept": "text/html"}
DEF = "https://w3id.org/shisaku/def#"
# Long lists repeat themselves, and axe looks at every entry.
SHORTER = """for (const many of ['.term', '.terms li', '.borrowed tbody tr', '.rules tbody tr', '.question']) {
  [...document.querySelectorAll(many)].slice(5).forEach((one) => one.remove())
}"""
PAGES = ("/def", "/shapes", "/queries", "/queries/measures-by-pillar", "/queries?term=shisaku:period")


def get(site: httpx.Client, path: str, lang: str = "ja") -> str:
    """Return a page."""
    response = site.get(path, params=httpx.URL(path).params.merge({"lang": lang}), headers=HTML)
    assert response.status_code == 200
    return response.text


def term(page: str, name: str) -> str:
    """Return the section of a term."""
    return page.split(f'<section class="term" id="{name}"')[1].split("</section>")[0]


def text(markup: str) -> str:
    """Return the words of a piece of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_every_term_has_its_anchor_and_its_words(real: Release, real_site: httpx.Client, lang: str) -> None:
    """Each term of the ontology stands on the page under its own name, with its name in both languages."""
    page = get(real_site, "/def", lang)
    labels: dict[str, set[str]] = {}
    for quad in parse(path=str(real.path("ontology.ttl")), format=RdfFormat.TURTLE):
        if quad.subject.value.startswith(DEF) and quad.predicate.value.endswith("#label"):
            labels.setdefault(quad.subject.value.removeprefix(DEF), set()).add(quad.object.value)

    assert len(labels) > 80
    for name, words in labels.items():
        section = term(page, name)
        assert all(word in text(section) for word in words), name


def test_a_term_tells_its_uses_an_example_and_what_speaks_of_it(real_site: httpx.Client) -> None:
    """Uses are those of the release; the example is a statement of it; shapes and stored queries are linked."""
    count = f"SELECT (COUNT(*) AS ?n) {{ ?s <{DEF}period> ?o }}"
    uses = real_site.get("/sparql", params={"query": count, "format": "csv"}).text.split()[1]
    section = term(get(real_site, "/def", "en"), "period")
    thing, value = re.findall(r'href="\./doc/([^?"]+)\?', section)[:2]
    stated = f"ASK {{ <https://w3id.org/shisaku/id/{thing}> <{DEF}period> <https://w3id.org/shisaku/id/{value}> }}"

    assert f"{uses} statements" in text(section)
    assert real_site.get("/sparql", params={"query": stated, "format": "json"}).json()["boolean"] is True
    assert 'href="#Target"' in section
    assert "#Target-period" in section
    named = re.findall(r"/queries/([a-z-]+)", section)
    assert named and all("shisaku:period" in real_site.get(f"/queries/{name}").text for name in named)
    assert "targets-by-deadline" in get(real_site, re.search(r"/queries\?term=[^&\"]+", section)[0])


def test_links_between_terms_shapes_and_queries_hold(real_site: httpx.Client) -> None:
    """Each anchor that these pages link to on each other is there."""
    pages = {path: get(real_site, path) for path in ("/def", "/shapes", "/queries", "/queries/targets-by-deadline")}
    anchors = {path: set(re.findall(r' id="([^"]+)"', page)) for path, page in pages.items()}
    broken = []
    for path, page in pages.items():
        for target, anchor in re.findall(r'href="(?:(?:\.\./|\./)*([a-z]*)\?lang=ja)?#([^"]+)"', page):
            there = f"/{target}" if target else path
            if there in anchors and anchor not in anchors[there]:
                broken.append((path, target, anchor))

    assert broken == []


def test_the_diagram_says_what_the_ontology_says(real: Release, real_site: httpx.Client) -> None:
    """Each property between two of our classes is an arrow, in its direction, and a row of the table beside it."""
    page = get(real_site, "/def", "en")
    figure = page.split('<figure class="diagram">')[1].split("</figure>")[0]
    told = {"domain": dict[str, str](), "range": dict[str, str](), "label": dict[str, str]()}
    for quad in parse(path=str(real.path("ontology.ttl")), format=RdfFormat.TURTLE):
        word = quad.predicate.value.rpartition("#")[2]
        if word in told and getattr(quad.object, "language", None) in (None, "en"):
            told[word][quad.subject.value] = quad.object.value
    rows = re.findall(r'<tr><td><a href="#([^"]+)">.*?</td><td>(.*?)</td><td><a href="#([^"]+)">', figure)
    between = {
        (told["domain"][iri].removeprefix(DEF), told["label"][iri], told["range"][iri].removeprefix(DEF))
        for iri in told["domain"]
        if told["range"].get(iri, "").startswith(DEF)
    }

    assert len(between) > 10
    assert between <= set(rows)
    assert figure.count("<path d=") == len(rows) + 1  # the tip of an arrow is a path, too
    boxes = [
        tuple(map(int, box)) for box in re.findall(r'<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"', figure)
    ]
    apart = [
        a[0] + a[2] <= b[0] or b[0] + b[2] <= a[0] or a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1]
        for number, a in enumerate(boxes)
        for b in boxes[:number]
    ]
    assert len(boxes) > 15
    assert all(apart)


def test_every_shape_is_on_the_page_with_its_message(real: Release, real_site: httpx.Client) -> None:
    """Each shape with a message stands under its own name, in words of the language."""
    page = get(real_site, "/shapes", "en")
    missing = []
    for quad in parse(path=str(real.path("shapes.ttl")), format=RdfFormat.TURTLE):
        if quad.predicate.value.endswith("#message") and quad.object.language == "en":
            anchor = quad.subject.value.rpartition("#")[2]
            if f'<tr id="{anchor}">' not in page or quad.object.value[:30] not in page.replace("&#39;", "'"):
                missing.append(anchor)

    assert missing == []


def test_a_stored_query_has_a_page_with_its_answer(real_site: httpx.Client) -> None:
    """What it asks, its answer in this release, its text with its terms linked, and a way into the editor."""
    page = get(real_site, "/queries/measures-by-pillar", "en")

    assert "<h1>Measures by pillar</h1>" in page
    assert "<strong>8 rows</strong>" in page
    assert page.count("<tr><td") == 8
    assert 'href="../sparql?stored=measures-by-pillar&amp;lang=en"' in page
    assert 'href="../def?lang=en#pillar">shisaku:pillar</a>' in page
    editor = get(real_site, "/sparql?stored=measures-by-pillar", "en")
    assert "# Measures by pillar\nPREFIX shisaku:" in editor
    assert "#+" not in editor.split("<textarea")[1].split("</textarea>")[0]


@pytest.mark.parametrize("accept", ["*/*", "text/plain", "application/sparql-query", ""])
def test_a_program_gets_the_text_of_a_stored_query(real_site: httpx.Client, accept: str) -> None:
    """The text is as it was; as application/sparql-query where that is asked for."""
    response = real_site.get("/queries/measures-by-pillar", headers={"Accept": accept})

    expected = accept if accept.startswith("app") else "text/plain"
    assert response.headers["Content-Type"] == f"{expected}; charset=utf-8"
    assert response.text.startswith("#+ summary: Measures by pillar\n")


def test_every_stored_query_has_a_page_and_a_subject_in_words(real_site: httpx.Client) -> None:
    """Each query that is listed for programs is listed for people, and its subjects have names in both languages."""
    listed = real_site.get("/queries").json()
    page = get(real_site, "/queries")
    subjects = re.findall(r'<h2 id="[^"]+">([^<]+)</h2>', page)

    assert sorted(re.findall(r'<h3 id="([^"]+)"', page)) == sorted(query["name"] for query in listed)
    assert not [words for words in subjects if re.fullmatch(r"[a-z]+", words)]


@pytest.mark.exhaustive
@pytest.mark.parametrize(("lang", "scheme"), [("ja", "light"), ("en", "dark")])
def test_axe_finds_nothing_on_the_pages_that_explain(
    browser: Browser, real_site: httpx.Client, lang: str, scheme: str
) -> None:
    """WCAG 2.2 AA and best practice, in both languages and schemes. Of long lists some entries are looked at."""
    context = browser.new_context(base_url=str(real_site.base_url), color_scheme=scheme)  # type: ignore[arg-type]
    page, found = context.new_page(), {}
    for path in PAGES[:4]:
        page.goto(f"{path}?lang={lang}")
        page.evaluate(SHORTER)
        if complaints := violations(page):
            found[path] = complaints
    context.close()

    assert found == {}


@pytest.mark.exhaustive
def test_long_pages_fit_a_phone(browser: Browser, real_site: httpx.Client) -> None:
    """At 320 pixels nothing makes these pages scroll sideways: tables and the diagram scroll within themselves."""
    context = browser.new_context(base_url=str(real_site.base_url), viewport={"width": 320, "height": 800})
    page, wide = context.new_page(), []
    for path in (*PAGES, "/sparql?query=SELECT%20*%20%7B%3Fs%20%3Fp%20%3Fo%7D%20LIMIT%2020"):
        page.goto(f"{path}{'&' if '?' in path else '?'}lang=ja")
        if page.evaluate("document.documentElement.scrollWidth") > 320:
            wide.append(path)
    context.close()

    assert wide == []


def test_the_diagram_is_walked_by_keyboard(page: Page) -> None:
    """A box has the focus in its turn and leads to its term."""
    page.goto("/def?lang=ja")
    page.locator(".diagram a.box").first.focus()
    page.keyboard.press("Enter")

    assert page.url.endswith("#Measure")
    assert page.locator("#Measure").is_visible()
