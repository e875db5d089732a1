"""The pages that people see, and what operators ask."""

import re
import time
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from kg.core.release import Release
from kg.core.sparql_scanner import calls_service
from kg.http.templates import language
from kg.server.app import app

BROWSER = {"Accept": "text/html"}
LICENCE = "https://creativecommons.org/licenses/by/4.0/"
PAGES = ["/", "/sparql", "/sparql/", "/queries", "/release/2019.1.0/"]


class Links(HTMLParser):
    """Collects what a page points to and which elements it uses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.language = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a start tag."""
        self.tags.add(tag)
        for key, value in attrs:
            self.attributes.add(key)
            if key in ("href", "src", "action"):
                self.targets.append(value or "")
            if tag == "html" and key == "lang":
                self.language = value or ""


@pytest.fixture(scope="session")
def found() -> dict[str, bool]:
    """Which links have led somewhere: many pages have the same."""
    return {}


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_every_page_leads_somewhere(
    site: httpx.Client, found: dict[str, bool], path: str, lang: str
) -> None:
    """All links are relative, stay on this site and answer; no page has a style of its own or a foreign script."""
    answer = site.get(path, params={"lang": lang}, headers=BROWSER)
    page = Links(answer.text)

    assert page.language == lang
    assert not page.tags & {"style", "iframe", "img"}
    assert re.findall(r"<script(?! type=\"(?:module\" src=\"\.{1,2}/|application/))", answer.text) == []
    assert LICENCE in page.targets
    assert "style" not in page.attributes
    assert not [attribute for attribute in page.attributes if attribute.startswith("on")]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for target in {*page.targets} - {LICENCE}:
        assert not re.match(r"[a-z]+:|/", target)
        link = urljoin(f"{site.base_url}{path}", target).partition("#")[0]
        found[link] = found.get(link) or there(site, link)
        assert found[link], link


def there(site: httpx.Client, link: str) -> bool:
    """Whether a link leads somewhere, if need be when what it leads to has been made."""
    for _ in range(300):
        answer = site.get(link, follow_redirects=True, headers={"Accept": "text/html, */*;q=0.8"})  # as browsers do
        if answer.status_code != 503 or "retry-after" not in answer.headers:
            break
        time.sleep(0.2)
    return answer.status_code == 200


def test_the_landing_page_has_figures_and_three_ways_in(site: httpx.Client) -> None:
    """Figures of the graph, a query to run, the downloads with sizes, and the stored queries."""
    text = site.get("/", params={"lang": "en"}).text

    assert re.search(r"<dt>measures</dt><dd>2</dd>", text)
    assert 'href="./sparql?query=PREFIX' in text
    assert "graph.ttl" in text
    assert " KB" in text
    assert re.search(r"All \d+ stored queries", text)


def test_the_example_on_the_page_gives_rows(site: httpx.Client) -> None:
    """The query that the landing page offers runs, and its answer stands on the page."""
    text = site.get("/", params={"lang": "ja"}).text
    href = re.search(r'href="\./(sparql\?query=[^"]*)"', text)
    rows = site.get(f"/{href[1].replace('&amp;', '&')}").json()["results"]["bindings"]

    assert [row["number"]["value"] for row in rows] == ["01-05"]
    assert re.search(r">申請手続の電子化</bdi></a></td><td class=\"number\">2,000 ", text)


@pytest.mark.parametrize(
    ("asked", "accepted", "expected"),
    [
        (None, None, "ja"),
        (None, "en-US,en;q=0.9,ja;q=0.8", "en"),
        (None, "ja,en;q=0.9", "ja"),
        (None, "fr, en;q=0.1", "en"),
        (None, "en;q=nonsense, fr", "ja"),
        ("en", "ja", "en"),
        ("xx", "ja", "ja"),
    ],
)
def test_the_language_of_a_page(asked: str | None, accepted: str | None, expected: str) -> None:
    """?lang= wins, then Accept-Language, then Japanese."""
    assert language(asked, accepted) == expected


def test_hostile_texts_are_escaped(start, out: Path, release: Release, tmp_path: Path) -> None:
    """What a stored query says stands on the pages as text, never as markup."""
    hostile = '<script>alert("x")</script>&\'</textarea>'
    keys = ("summary", "summary_ja", "description", "description_ja")
    front = "".join(f"#+ {key}: {hostile}\n" for key in keys) + "#+ tags: [a]\n"
    (tmp_path / "hostile.rq").write_text(f'{front}SELECT ("</pre><script>" AS ?x) {{}}\n', encoding="utf-8")
    with start(app(release, tmp_path, out)) as site:
        for path in ("/", "/sparql", "/queries"):
            for lang in ("ja", "en"):
                page = site.get(path, params={"lang": lang}, headers=BROWSER).text
                assert "<script>" not in page
                assert "&lt;script&gt;" in page
        assert site.get("/queries/hostile").headers["content-type"] == "text/plain; charset=utf-8"
        assert site.get("/queries/%3Cscript%3E").headers["content-type"] == "application/problem+json"


def test_stored_queries_are_listed_and_given(site: httpx.Client) -> None:
    """Programs get the list with both languages as JSON, and each text as a file."""
    listed = site.get("/queries").json()

    assert {"name", "summary", "summary_ja", "description", "description_ja", "tags", "parameters"} == set(listed[0])
    for query in listed:
        text = site.get(f"/queries/{query['name']}").text
        assert site.post("/sparql", data={"query": text}).status_code == (403 if calls_service(text) else 200)
    assert site.get("/queries/nothing").status_code == 404


def test_what_operators_ask(site: httpx.Client, data_site: httpx.Client) -> None:
    """The server says that it lives, what it serves, and what its routes are."""
    assert site.get("/healthz").text == "ok\n"
    assert site.get("/readyz").json()["release"] == "2019.1.0"
    ready = data_site.get("/readyz").json()
    assert ready.pop("workers") > 0
    assert ready == {"release": None, "triples": 1, "store": "memory"}
    paths = site.get("/openapi.json").json()["paths"]
    assert {"/sparql", "/release/{version}/{name}", "/queries", "/healthz"} <= set(paths)
    assert set(paths["/sparql"]) == {"get", "post"}


def test_unknown_paths_and_methods_are_problem_documents(site: httpx.Client) -> None:
    """404 and 405 outside the endpoint have the same form, and no documentation page loads foreign scripts."""
    unknown, wrong = site.get("/redoc"), site.post("/")

    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "application/problem+json")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_a_page_for_data_files_offers_no_download(data_site: httpx.Client) -> None:
    """Started on data files, the page shows the number of triples and no downloads."""
    text = data_site.get("/", params={"lang": "en"}).text

    assert "<dt>triples</dt><dd>1</dd>" in text
    assert "Download" not in text
