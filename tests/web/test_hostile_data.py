"""Data that want to run, to hide, or to be too much: shown as what they are, cut and folded, never executed."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser

from kg.core.paths import project_folders
from kg.server.app import app

HTML = {"Accept": "text/html"}
ID, DEF = "https://w3id.org/shisaku/id/", "https://w3id.org/shisaku/def#"
SCRIPT = "<script>document.title='run'</script><img src=x onerror=\\\"document.title='run'\\\">"
# A word that turns the direction of all that follows it on the line.
TURNED = "\u202egnp.exe"
LARGEST = 100 * 1024


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, start) -> Iterator[httpx.Client]:  # type: ignore[no-untyped-def]
    """A server of RDF that a stranger made, in words of its own and in ours."""
    thing, other = f"<{ID}thing>", f"<{ID}other>"
    lines = [
        f'{thing} <http://www.w3.org/2000/01/rdf-schema#label> "{SCRIPT}"@en .',
        f'{thing} <http://www.w3.org/2000/01/rdf-schema#label> "</title></h1>{SCRIPT}"@ja .',
        f"{thing} <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://example.org/Unknown> .",
        f"{thing} <http://example.org/link> <javascript:document.title='run'> .",
        f"{thing} <http://example.org/link> <data:text/html,%3Cscript%3Ealert(1)%3C/script%3E> .",
        f'{thing} <http://example.org/turned> "{TURNED}" .',
        f'{thing} <http://example.org/url> "javascript:alert(1)"^^<http://www.w3.org/2001/XMLSchema#anyURI> .',
        f'{thing} <http://example.org/date> "\'><script>alert(1)</script>"^^<http://www.w3.org/2001/XMLSchema#date> .',
        f'{thing} <http://example.org/text> "{"long text " * 10_000}END" .',
        f'{thing} <http://example.org/word> "{"W" * 100_000}" .',
        *(f"{thing} <http://example.org/many> <http://example.org/v{number}> ." for number in range(10_000)),
        *(f"<{ID}from/{number}> <http://example.org/points> {thing} ." for number in range(1_000)),
        f'<{ID}from/7> <http://example.org/digits> "{"9" * 5000}"^^<http://www.w3.org/2001/XMLSchema#integer> .',
        # rows of a source, of which one says nothing of its edition
        f'<{ID}edition/e> <http://purl.org/dc/terms/title> "e"@ja .',
        *(
            f"<{row}> <{DEF}page> 1 ; <{DEF}line> 1 ; <{DEF}cell> <{row}/cell/1> . "
            f'<{row}/cell/1> <{DEF}position> 1 ; <{DEF}start> 0 ; <{DEF}printedText> "text" .'
            for row in (f"{ID}source/e/row/1", f"{ID}source/e/row/2")
        ),
        f"<{ID}source/e/row/1> a <{DEF}SourceRow> ; <http://purl.org/dc/terms/isPartOf> <{ID}edition/e> .",
        # one whose page is no number that anybody turns to, and one whose cell begins nowhere
        *(
            f"<{row}> a <{DEF}SourceRow> ; <http://purl.org/dc/terms/isPartOf> <{ID}edition/e> ; "
            f"<{DEF}page> {page} ; <{DEF}line> 2 ; <{DEF}cell> <{row}/cell/1> . "
            f'<{row}/cell/1> <{DEF}position> 1 ; <{DEF}start> "nowhere" ; <{DEF}printedText> "text" .'
            for row, page in (
                (f"{ID}source/e/row/3", '"front"'),
                (f"{ID}source/e/row/4", "9" * 5000),
                (f"{ID}source/e/row/5", "1"),
            )
        ),
        # a measure of ours with a title that is none, a number with markup, and a target that is a loop
        f"{other} <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://w3id.org/shisaku/def#Measure> .",
        f'{other} <http://purl.org/dc/terms/title> "{SCRIPT}"@ja .',
        f'{other} <https://w3id.org/shisaku/def#measureNumber> "<b>1</b>" .',
        f'{other} <https://w3id.org/shisaku/def#overview> "- {SCRIPT}\\n- {TURNED}"@ja .',
        f"{other} <https://w3id.org/shisaku/def#kpi> {other} .",
        f"{other} <https://w3id.org/shisaku/def#target> {other} .",
        f'{other} <https://w3id.org/shisaku/def#value> "{SCRIPT}" .',
    ]
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "data.ttl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with start(app([folder / "data.ttl"], project_folders().queries, folder)) as client:
        yield client


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("path", ["/doc/thing", "/doc/other", "/doc/thing?page=2", "/", "/pictures", "/quality"])
def test_nothing_of_the_data_is_markup(hostile: httpx.Client, path: str, lang: str) -> None:
    """Labels, literals and IRIs stand on the page as text; what is no web address is no link."""
    page = hostile.get(path, params={"lang": lang}, headers=HTML).text
    # a measure tells search engines its title: as data, whose end no text can write
    described = page.partition('<script type="application/ld+json">')[2].partition("</script>")[0]
    page = page.replace(f'<script type="application/ld+json">{described}</script>', "")

    assert "<" not in described and bool(described) == (path == "/doc/other")
    assert "<script" not in page and "<img" not in page and "<b>1" not in page
    assert 'href="javascript' not in page.lower() and 'href="data' not in page.lower()


def test_a_page_of_too_much_is_folded_and_cut(hostile: httpx.Client) -> None:
    """Of 10,000 values some hundred are there, with the number of all and the query for them; texts have an end."""
    page = hostile.get("/doc/thing", params={"lang": "en"}, headers=HTML).text

    assert len(page.encode()) < LARGEST
    assert "200 of 10,000 are shown." in page and "sparql?edit=SELECT%20" in page
    assert "More (100,003 characters)" in page and "The RDF formats have all of it." in page
    assert "Page 1 of 10 (1,000 in all)" in page


def test_a_kind_that_nobody_laid_out_still_has_its_page(hostile: httpx.Client) -> None:
    """Data in words of others: facts by property, what points there, how to cite, and the formats."""
    page = hostile.get("/doc/from/7", params={"lang": "en"}, headers=HTML).text

    assert "http://example.org/points" in page
    assert f"<code>{ID}from/7</code>" in page and "Turtle" in page


def test_a_number_of_thousands_of_digits_is_shown_as_it_is(hostile: httpx.Client) -> None:
    """A number that nobody can read in groups is no reason to show nothing."""
    answer = hostile.get("/doc/from/7", headers=HTML)

    assert answer.status_code == 200 and "9" * 1000 in answer.text


def test_a_row_that_stands_on_no_page_is_not_there(hostile: httpx.Client) -> None:
    """A row of the source is shown on its page; one that belongs to no edition is told to be missing."""
    assert hostile.get("/source/e/row/1", headers=HTML).status_code == 200
    assert hostile.get("/source/e/row/2", headers=HTML).status_code == 404


@pytest.mark.parametrize("path", ["source", "source/e", "source/e/page/1", "source/e/row/5"])
def test_a_page_that_is_no_number_hides_no_other(hostile: httpx.Client, path: str) -> None:
    """What stands on no page and in no place is left out of the source; all that has its place is shown."""
    assert hostile.get(f"/{path}", headers=HTML).status_code == 200
    assert hostile.get("/source/e/row/3", headers=HTML).status_code == 404
    assert hostile.get("/source/e/row/4", headers=HTML).status_code == 404


def test_a_browser_runs_none_of_it(hostile: httpx.Client, browser: Browser) -> None:
    """With scripts allowed nothing runs; words that turn the direction of writing stay within themselves."""
    context = browser.new_context(base_url=str(hostile.base_url), viewport={"width": 375, "height": 800})
    page = context.new_page()
    for path in ("/doc/thing?lang=en", "/doc/other?lang=ja"):
        page.goto(path)

        assert page.title() != "run"
        assert page.evaluate("document.querySelectorAll('main script, main img').length") == 0
        assert page.evaluate("document.documentElement.scrollWidth") == 375, "a long word must not widen the page"
    # what comes after the turned word on its line is where it would be without it
    page.goto("/doc/thing?lang=en")
    isolated = "[...document.querySelectorAll('bdi')].filter(e => e.textContent.includes('\\u202e')).length"
    bare = """(() => { const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
      while (walk.nextNode()) found.push(walk.currentNode);
      return found.filter((text) => text.data.includes('\\u202e') && !text.parentElement.closest('bdi')).length })()"""
    assert page.evaluate(isolated) == 1
    assert page.evaluate(bare) == 0
    context.close()
