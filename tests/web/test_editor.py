"""The query editor in a browser, with its script and without, and what it says of mistakes."""

import csv
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from kg.http import templates
from tests.support.browsers import REQUIRED
from tests.support.servers import serving
from tests.web.test_browser import violations

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SHISAKU = "PREFIX shisaku: <https://w3id.org/shisaku/def#>\n"
GUESSED = f"{SHISAKU}SELECT ?measure WHERE {{ ?measure shisaku:targetYear 2020 }}"
# Where the browser is required, as in CI, so are the scripts.
scripted = pytest.mark.skipif(
    not templates.asset_exists("made/editor.js") and os.environ.get(REQUIRED) != "required",
    reason="the scripts are not made: ./run scripts",
)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def plain(browser: Browser, real_site: httpx.Client) -> Iterator[Page]:
    """A page of a visitor whose browser runs no script."""
    context = browser.new_context(base_url=str(real_site.base_url), java_script_enabled=False, locale="ja")
    yield context.new_page()
    context.close()


def answer(site: httpx.Client, query: str, lang: str = "en", **more: str) -> httpx.Response:
    """Return what a browser gets for a query."""
    return site.get("/sparql", params={"query": query, "lang": lang, **more}, headers=BROWSER)


def test_a_query_is_asked_without_a_script(plain: Page) -> None:
    """Choose a stored query, run it, and read a table at an address that can be shared; CSV is one link away."""
    plain.goto("/sparql?lang=ja")
    plain.locator("summary", has_text="府省庁").click()
    plain.get_by_role("link", name="主担当の府省庁別の施策数").click()
    plain.get_by_role("button", name="実行").click()

    assert "/sparql?query=" in plain.url
    assert plain.locator("#answer tbody tr").count() > 5
    assert plain.locator("#answer").get_by_role("link", name="id/organization/cas").count() == 1
    with plain.expect_download() as download:
        plain.get_by_role("link", name="CSV").click()
    rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    assert len(rows) - 1 == plain.locator("#answer tbody tr").count()


@scripted
def test_a_query_is_asked_in_the_editor(page: Page) -> None:
    """A stored query runs by Ctrl+Enter without leaving the page; its address can be shared, and CSV downloaded."""
    page.goto("/sparql?lang=ja&stored=measures-by-pillar")
    editor = page.locator(".editor .cm-content")
    expect(editor).to_contain_text("GROUP BY ?pillar")
    page.evaluate("window.stayed = true")
    editor.click()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#status")).to_contain_text("8行")

    assert page.evaluate("window.stayed")
    assert "/sparql?query=" in page.url
    assert page.locator("#answer tbody tr").count() > 5
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert Path(download.value.path()).read_text(encoding="utf-8").startswith("pillar,pillar_ja,pillar_en,measures")


@scripted
@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        ("対象期間", "shisaku:period"),
        pytest.param("lead", "shisaku:leadOrganization", marks=pytest.mark.exhaustive),
    ],
)
def test_names_are_completed_with_their_prefix(page: Page, typed: str, chosen: str) -> None:
    """A term is found by its name or by what it is called, and declares its prefix."""
    page.goto("/sparql?lang=ja&edit=SELECT%20*%20%7B%20%3Fs%20")
    page.locator(".editor .cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type(typed)
    page.locator(".editor [role=option]", has_text=chosen).first.click()

    text = page.locator("#query").input_value()
    assert text == f"{SHISAKU}SELECT * {{ ?s {chosen}"


@scripted
def test_the_editor_shows_where_a_mistake_is(browser: Browser, real_site: httpx.Client) -> None:
    """The line of a mistake is marked, and told in words."""
    context = browser.new_context(base_url=str(real_site.base_url))
    page = context.new_page()
    page.goto("/sparql?lang=en&edit=SELECT%20*%20%7B%0A%20%20%3Fs%20foaf%3Aname%20%3Fo%0A%7D")
    page.get_by_role("button", name="Run").click()
    expect(page.locator("#answer")).to_contain_text("No PREFIX declares foaf:")

    assert page.locator(".editor .cm-wrong").inner_text().strip() == "?s foaf:name ?o"
    context.close()


LONG = "SELECT * {\n" + "".join(f"  ?thing{n} ?property{n} ?value{n} . # {'wide ' * 60}\n" for n in range(60)) + "}"


@scripted
@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.exhaustive)])
def test_the_keyboard_reaches_a_query_that_scrolls(browser: Browser, real_site: httpx.Client, width: int) -> None:
    """A query that is longer and wider than the editor scrolls in it: on a phone and a desk axe finds nothing wrong."""
    size = {"width": width, "height": 844}
    context = browser.new_context(base_url=str(real_site.base_url), viewport=size)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"/sparql?lang=en&edit={quote(LONG)}")
    page.locator(".editor .cm-content").wait_for()
    scroller = page.locator(".editor .cm-scroller")

    assert scroller.evaluate("node => node.scrollWidth > node.clientWidth || node.scrollHeight > node.clientHeight")
    assert violations(page, contrast=False) == []
    assert scroller.evaluate("node => node.querySelector('[tabindex=\"0\"]') !== null")
    page.locator(".editor .cm-content").focus()
    page.keyboard.press("Control+End")
    moved = "node => node.scrollTop > 0 || scrollY > 0"
    expect(page.locator(".editor .cm-content")).to_be_focused()
    assert scroller.evaluate(moved)
    context.close()


@pytest.mark.exhaustive
@scripted
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_beside_an_answer(browser: Browser, real_site: httpx.Client, scheme: str) -> None:
    """WCAG 2.2 AA for the editor with an answer, a suggestion and a mistake, in both schemes."""
    context = browser.new_context(base_url=str(real_site.base_url), color_scheme=scheme)  # type: ignore[arg-type]
    page, found = context.new_page(), {}
    for query in ("SELECT * { ?s ?p ?o } LIMIT 5", GUESSED, "SELECT * { ?s ?p")[scheme == "dark" :]:
        page.goto(f"/sparql?lang=ja&query={httpx.QueryParams({'q': query})['q']}")
        page.locator(".editor .cm-content").wait_for()
        found[query] = violations(page)
    context.close()

    assert {query: complaints for query, complaints in found.items() if complaints} == {}


def test_a_name_that_is_not_there_is_told_with_the_nearest(real_site: httpx.Client) -> None:
    """An empty answer says which terms the release does not have, and what may be meant."""
    page = answer(real_site, GUESSED).text

    message = page.split('class="message"')[1].split("</div>")[0]
    assert "<code>shisaku:targetYear</code> is not in this release" in " ".join(message.split())
    assert message.index("shisaku:period") < message.index("shisaku:targetRole")
    assert "edit=PREFIX%20shisaku%3A%20%3Chttps%3A//w3id.org/shisaku/def%23%3E" in message


@pytest.mark.parametrize(
    ("pattern", "near"),
    [
        ("?s <http://www.w3.org/2004/02/skos/core#prefLable> ?o", "skos:prefLabel"),
        ("?s shisaku:leadOrganization <https://w3id.org/shisaku/id/organization/mix>", "organization/mic"),
        ("?s shisaku:leadMinistry ?o", "shisaku:leadOrganization"),
        ("?s a shisaku:Mesure", "shisaku:Measure"),
        ("?s shisaku:title ?o", "dcterms:title"),
    ],
)
def test_misspelt_terms_and_things_are_found(real_site: httpx.Client, pattern: str, near: str) -> None:
    """Terms of any vocabulary in use, classes, and things of this graph."""
    page = answer(real_site, f"{SHISAKU}SELECT * WHERE {{ {pattern} }}").text

    assert near in page.split('class="message"')[1].split("</div>")[0]


def test_an_empty_answer_of_right_names_blames_none(real_site: httpx.Client) -> None:
    """Where every name is there, none is called missing."""
    page = answer(real_site, f'{SHISAKU}SELECT * {{ ?s shisaku:measureNumber "99-99" }}').text

    assert 'class="message"' not in page
    assert "Nothing matches." in page


@pytest.mark.parametrize(
    ("query", "line", "words"),
    [
        ("SELECT * {\n  ?s foaf:name ?o }", 2, "No PREFIX declares foaf:"),
        ("# a comment\nSELEC * { ?s ?p ?o }", 2, "Unknown query form SELEC."),
        ("SELECT * {\n  ?s ?p ?o", 1, "This { is never closed."),
        ("SELECT * {\n  ?s ?p ?o .\n  FILTER(?o > ) }", 3, "The query is invalid from here on."),
    ],
)
def test_a_mistake_is_told_with_its_line(real_site: httpx.Client, query: str, line: int, words: str) -> None:
    """The status is that of the protocol; the page names line and column and marks them in the text."""
    response = answer(real_site, query)

    assert response.status_code == 400
    assert f"Line {line}, column" in response.text
    assert words in response.text
    assert '<li class="wrong"><code>' in response.text


def test_a_refusal_of_another_kind_is_a_page_too(real_site: httpx.Client) -> None:
    """What is refused for what it asks says so, with the status of the protocol."""
    response = answer(real_site, "SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }")

    assert response.status_code == 403
    assert "SERVICE" in response.text.split('role="alert"')[1]


def test_large_answers_are_paged(real_site: httpx.Client) -> None:
    """A page holds a hundred rows and says how many there are; the pages hold each row once, in order."""
    query = f"{SHISAKU}SELECT ?c ?text WHERE {{ ?c a shisaku:SourceCell ; shisaku:position ?text }} ORDER BY ?c"
    whole = real_site.get("/sparql", params={"query": query, "format": "csv"}).text.splitlines()[1:]
    first, last = answer(real_site, query).text, answer(real_site, query, page=str(-(-len(whole) // 100))).text

    assert f"{len(whole):,} rows" in first
    assert first.count("<tr><td") == 100
    assert last.count("<tr><td") == len(whole) % 100
    assert whole[-1].split(",")[0].removeprefix("https://w3id.org/shisaku/") in last
    assert len(first.encode()) < 100_000


def test_a_very_large_answer_is_shown_from_its_file(real_site: httpx.Client) -> None:
    """Of an answer that lies in a file, the last page is what the last lines of the file say."""
    query = "SELECT ?s ?p ?o WHERE { ?s ?p ?o }"
    lines = real_site.get("/sparql", params={"query": query, "format": "tsv"}).text.splitlines()[1:]
    pages = -(-len(lines) // 100)

    for number in (1, pages // 2, pages):
        page = answer(real_site, query, page=str(number)).text
        window = lines[(number - 1) * 100 : number * 100]
        assert page.count("<tr><td") == len(window)


def test_a_graph_is_a_table_of_its_statements(real_site: httpx.Client) -> None:
    """CONSTRUCT and DESCRIBE are shown as triples, with the formats of graphs to download."""
    page = answer(real_site, "DESCRIBE <https://w3id.org/shisaku/id/organization/mic>").text

    assert "triples</strong>" in page
    assert "format=ttl" in page
    assert "format=csv" not in page


def test_programs_get_what_they_got(real_site: httpx.Client) -> None:
    """Who does not like HTML best gets an answer for programs, as does who names a format."""
    for accept in ("*/*", "application/sparql-results+json, text/html", "text/html;q=0.5, text/csv", ""):
        response = real_site.get("/sparql", params={"query": "ASK {}"}, headers={"Accept": accept})
        assert "html" not in response.headers["Content-Type"], accept
    assert answer(real_site, "ASK {}", format="json").headers["Content-Type"].startswith("application/sparql-results")


def test_a_posted_form_is_led_to_an_address(real_site: httpx.Client) -> None:
    """A form's answer has an address of its own where that is short enough; else it comes at once, and is the same."""
    short = real_site.post("/sparql?lang=en", data={"query": "ASK {}", "format": "html"}, headers=BROWSER)
    long = real_site.post("/sparql?lang=en", data={"query": "ASK {}" + " " * 9000}, headers=BROWSER)

    assert short.status_code == 303
    assert short.headers["Location"].startswith("./sparql?query=ASK")
    assert long.status_code == 200
    assert "<strong>Yes</strong>" in long.text


def test_hostile_answers_are_text(real_site: httpx.Client) -> None:
    """Markup in a value or in the query itself is shown and does nothing; no link leads to a script."""
    query = """SELECT ?iri ?text WHERE { VALUES ?text { "</textarea><script>alert(1)</script>" "\u202e"@ja }
      BIND(IRI("javascript:alert(2)") AS ?iri) }"""
    page = answer(real_site, query).text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert 'href="javascript:' not in page
    assert '<bdi lang="ja">\u202e</bdi>' in page


def test_the_terms_are_those_of_the_release(real_site: httpx.Client) -> None:
    """The editor completes what the release uses: names, kinds, uses, and what they are called in both languages."""
    said = real_site.get("/terms.json").json()

    terms = {term[0]: term[1:] for term in said["terms"]}
    assert terms["shisaku:Measure"] == ["class", 82, "掲載施策", "listed measure"]
    assert terms["dcterms:title"][0] == "property"
    assert said["prefixes"]["shisaku"] == "https://w3id.org/shisaku/def#"


def test_without_its_script_the_page_is_whole(real_site: httpx.Client) -> None:
    """The page names its script only where that has been made, and the policy allows just that."""
    response = real_site.get("/sparql", headers=BROWSER)

    policy = response.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert (
        ("made/editor." in response.text) is templates.asset_exists("made/editor.js") is ("script-src 'self'" in policy)
    )
    assert "<textarea" in response.text


@pytest.mark.exhaustive
def test_a_program_without_bundled_scripts_serves_the_page(tmp_path: Path) -> None:
    """Where no script could be made, the page is the form alone, and its policy lets no script run."""
    shutil.copytree(ROOT / "kg", tmp_path / "kg", ignore=shutil.ignore_patterns("made", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in ("build", "ontology", "shapes", "queries"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / "data.ttl").write_text("<http://e/s> <http://e/p> 1 .", encoding="utf-8")
    with serving("--data", "data.ttl", folder=tmp_path, PYTHONPATH=str(tmp_path)) as server:
        query = {"query": "SELECT * { ?s ?p ?o }", "lang": "en"}
        response = server.client.get("/sparql", params=query, headers=BROWSER)

    assert "<script" not in response.text
    assert "script-src" not in response.headers["Content-Security-Policy"]
    assert "<strong>1 row</strong>" in response.text
