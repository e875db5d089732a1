"""The list of measures: every view has one address, and its rows are those of the query that it shows."""

import csv
import html
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from kg.core.paths import project_folders
from kg.server.app import app

HTML = {"Accept": "text/html"}
ID = "https://w3id.org/shisaku/id/"
# Views that differ in what makes them: facets with and without values, several at once, words, orders, languages.
VIEWS: list[dict[str, str]] = [
    {},
    {"lang": "en"},
    {"pillar": "data-use"},
    {"pillar": "-", "sort": "-number"},
    {"lead": "mic,meti", "target": "set", "sort": "due"},
    {"lead": "-", "sort": "-due"},
    {"participating": "mic", "effect": "convenience,uncertain", "sort": "listed"},
    {"effect": "uncertain", "correction": "doubtful", "sort": "-listed"},
    {"effect": "-,safety", "listed": "2019,-", "sort": "-targets"},
    {"correction": "corrected,-", "edition": "municipal-2019", "sort": "targets"},
    {"correction": "-", "sort": "-row"},
    {"q": "防災"},
    {"q": "データ smart", "lang": "en", "sort": "number"},
    {"q": "08-", "target": "set"},
    {"pillar": "digital-divide", "lead": "cas", "effect": "economy"},
]


def asked(site: httpx.Client, parameters: Mapping[str, str]) -> tuple[int, list[str]]:
    """Return the number that a view tells and the measures of all its pages, as JSON has them."""
    rows: list[str] = []
    number, pages = 1, 1
    while number <= pages:
        answer = site.get("/browse.json", params={**parameters, "page": str(number)}).json()
        rows += [row["measure"] for row in answer["rows"]]
        number, pages = number + 1, answer["pages"]
    return answer["total"], rows


def table(answer: httpx.Response) -> list[dict[str, str]]:
    """Return the rows of a CSV answer."""
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def links(page: str, words: str) -> list[str]:
    """Return where the links with these words lead."""
    found = re.findall(r'<a\b[^>]*href="([^"]*)"[^>]*>(.*?)</a>', page, flags=re.DOTALL)
    return [html.unescape(href) for href, inner in found if words in re.sub(r"<[^>]*>", "", inner)]


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param(
            view,
            id="&".join(f"{k}={v}" for k, v in view.items()) or "all",
            marks=() if number % 3 == 0 else pytest.mark.exhaustive,
        )
        for number, view in enumerate(VIEWS)
    ],
)
def test_a_view_is_what_its_query_answers(real_site: httpx.Client, parameters: dict[str, str]) -> None:
    """The pages are made from a table in memory, the CSV by the endpoint: the same measures in the same order."""
    total, rows = asked(real_site, parameters)
    query = real_site.get("/browse.rq", params=parameters).text
    answered = table(real_site.post("/sparql", data={"query": query, "format": "csv"}))

    assert [row["measure"] for row in answered] == rows
    assert table(real_site.get("/browse.csv", params=parameters)) == answered
    assert total == len(rows) == len(set(rows))
    assert rows or parameters.get("lead") == "cas"


def test_the_figures_of_the_facets_are_those_of_the_graph(real_site: httpx.Client) -> None:
    """Each value is told with the number of measures that choosing it would leave; a facet counts under the others."""
    everything = real_site.get("/browse.json").json()
    for facet, values in everything["facets"].items():
        for value, number in values.items():
            assert real_site.get("/browse.json", params={facet: value}).json()["total"] == number, (facet, value)
    narrowed = real_site.get("/browse.json", params={"pillar": "data-use", "lead": "mic"}).json()
    for value, number in narrowed["facets"]["lead"].items():
        assert real_site.get("/browse.json", params={"pillar": "data-use", "lead": value}).json()["total"] == number

    assert everything["total"] == 82 == everything["facets"]["edition"]["municipal-2019"]
    assert sum(everything["facets"]["pillar"].values()) == 82


def test_a_page_tells_its_view_in_both_languages(real_site: httpx.Client) -> None:
    """Rows with what people look for, the number of all, the way to take a condition away, CSV with its rows."""
    japanese = real_site.get("/browse", params={"lead": "mic", "target": "set", "lang": "ja"}, headers=HTML).text
    english = real_site.get("/browse", params={"lead": "mic", "target": "set", "lang": "en"}, headers=HTML).text
    total, _ = asked(real_site, {"lead": "mic", "target": "set"})

    assert f"{total}件の施策" in japanese and f"CSV({total}行)" in japanese
    assert f"{total} measures" in english and f"CSV ({total} rows)" in english
    assert 'aria-current="true"' in japanese and "主担当の府省庁" in japanese and "総務省" in japanese
    assert [urlsplit(href).query for href in links(english, "Remove: Lead ministry")] == ["target=set&lang=en"]
    assert 'lang="ja"' not in english.split('<tbody role="rowgroup">')[1].split("</tbody>")[0]
    assert len(japanese.encode()) < 100 * 1024


def test_the_query_of_a_view_opens_in_the_editor(real_site: httpx.Client) -> None:
    """The link carries the query itself, and the query says what it is for in words that were asked for."""
    page = real_site.get("/browse", params={"pillar": "data-use", "lang": "en"}, headers=HTML).text
    [href] = links(page, "Show this view’s query")
    editor = real_site.get("/sparql", params=parse_qs(urlsplit(href).query), headers=HTML)

    assert "pillar/data-use" in html.unescape(editor.text)
    assert parse_qs(urlsplit(href).query)["edit"][0] == real_site.get("/browse.rq?pillar=data-use&lang=en").text


def test_a_view_has_one_address(real_site: httpx.Client) -> None:
    """Whatever the order of its parameters, and whatever a form sends empty: a redirect to the one that links use."""
    answer = real_site.get("/browse?sort=row&q=&target=set&lead=mic,cas&lead=&page=1&lang=en", headers=HTML)
    there = real_site.get(answer.headers["location"], headers=HTML)

    assert answer.status_code == 303
    assert answer.headers["location"] == "./browse?lead=cas,mic&target=set&lang=en"
    assert there.status_code == 200
    assert '<link rel="canonical" href="./browse?lead=cas%2Cmic&amp;target=set&amp;lang=en">' in there.text


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("pillar=nowhere", "pillar=nowhere"),
        ("sort=beauty", "sort=beauty"),
        ("page=-1", "page=-1"),
        ("page=" + "9" * 5000, "page=999"),
        ("wanted=x", "wanted=x"),
        ("lead=mic&lead=cas", "lead=cas"),
        ("q=" + "x" * 201, "q=xxx"),
        ("effect=%3Cscript%3Ealert(1)%3C/script%3E", "effect=<script>alert(1)"),
        ("lead=http://example.org/%22%3E%20x", 'lead=http://example.org/"> x'),
    ],
)
def test_what_cannot_be_followed_is_told(real_site: httpx.Client, address: str, named: str) -> None:
    """A person sees the list and reads what was ignored; a program is refused, since its rows would be too many."""
    page = real_site.get(f"/browse?{address}", headers=HTML)
    said = html.unescape(re.sub(r"<[^>]*>", "", page.text.split('role="status"')[1].split("</div>")[0]))

    assert page.status_code == 200 and named in said
    assert "<script" not in page.text
    for form in ("csv", "json", "rq"):
        refused = real_site.get(f"/browse.{form}?{address}")
        assert refused.status_code == 400
        assert named.partition("=")[0] in refused.json()["detail"]


def test_an_empty_view_offers_to_take_a_condition_away(real_site: httpx.Client) -> None:
    """It says that there is nothing, and how many there would be without each of the conditions."""
    page = real_site.get("/browse?lead=-&effect=uncertain&target=set&lang=en", headers=HTML).text
    offered = dict(re.findall(r"without “([^:”]*)[^”]*”</a> <span class=\"count\">([\d,]+) measures", page))
    without = {
        "Lead ministry": {"effect": "uncertain", "target": "set"},
        "Expected effect": {"lead": "-", "target": "set"},
        "Targets of KPIs": {"lead": "-", "effect": "uncertain"},
    }

    assert "0 measures" in page and "No measure has all of this." in page
    assert offered == {facet: str(asked(real_site, left)[0]) for facet, left in without.items()}


def test_pages_lead_to_their_view_of_the_list(real_site: httpx.Client) -> None:
    """A ministry's page leads to the measures that it leads and takes part in; a pillar's to its own."""
    for path, words, parameters in (
        ("organization/mic", "主担当の施策", {"lead": "mic"}),
        ("organization/mic", "関与する施策", {"participating": "mic"}),
        ("pillar/data-use", "この柱の施策", {"pillar": "data-use"}),
    ):
        page = real_site.get(f"/doc/{path}?lang=ja", headers=HTML).text
        [href] = list(links(page, f"一覧で開く(絞り込み、並べ替え、CSV) ({words})"))
        there = httpx.URL(f"{real_site.base_url}/doc/{path}").join(href)
        found = real_site.get(there, headers=HTML, follow_redirects=True)

        assert f"{asked(real_site, parameters)[0]}件の施策" in found.text


def test_a_view_is_kept_by_caches(real_site: httpx.Client) -> None:
    """Who has it already gets 304, for the page and for its rows; languages and formats do not mix."""
    for path in ("/browse?lead=mic&lang=en", "/browse.csv?lead=mic", "/browse.json?lead=mic"):
        answer = real_site.get(path, headers=HTML)
        again = real_site.get(path, headers={**HTML, "If-None-Match": answer.headers["etag"]})

        assert again.status_code == 304
        assert "Accept-Language" in answer.headers["vary"]


def test_formats_are_negotiated(real_site: httpx.Client) -> None:
    """One address, three forms; what is sent names itself, its query and its file."""
    rows = real_site.get("/browse?lead=mic", headers={"Accept": "text/csv"})
    content = real_site.get("/browse?lead=mic", headers={"Accept": "application/json"}).json()

    assert rows.headers["content-type"] == "text/csv; charset=utf-8"
    assert rows.headers["content-disposition"] == f'attachment; filename="measures-{content["total"]}.csv"'
    assert '<./browse.rq?lead=mic&lang=ja>; rel="describedby"; type="application/sparql-query"' in rows.headers["link"]
    assert len(table(rows)) == content["total"]
    assert content["parameters"] == {"lead": "mic"}
    assert real_site.get("/browse", headers={"Accept": "image/png"}).status_code == 406


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory, start) -> Iterator[httpx.Client]:  # type: ignore[no-untyped-def]
    """A server of measures that a stranger wrote: values of other vocabularies, markup, one value for each."""
    script = "<script>document.title='run'</script>"
    lines = []
    for number in range(300):
        measure, edition = f"<{ID}x/measure/{number}>", f"<http://example.org/edition?{number % 90}&a,b>"
        for term, value in (
            ("http://www.w3.org/1999/02/22-rdf-syntax-ns#type", "<https://w3id.org/shisaku/def#Measure>"),
            ("https://w3id.org/shisaku/def#edition", edition),
            ("https://w3id.org/shisaku/def#pillar", f"<javascript:alert({number % 2})>"),
            ("https://w3id.org/shisaku/def#rowNumber", f'"{script}"'),
            ("https://w3id.org/shisaku/def#leadOrganization", f'"{script}"'),
            ("https://w3id.org/shisaku/def#leadOrganization", "<http://example.org/body?a=1&b#part>"),
            ("http://purl.org/dc/terms/title", json.dumps(f"\u202e{script} {number}", ensure_ascii=False) + "@ja"),
        ):
            lines.append(f"{measure} <{term}> {value} .")
    folder = tmp_path_factory.mktemp("strange")
    (folder / "data.nt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with start(app([folder / "data.nt"], project_folders().queries, folder)) as client:
        yield client


def test_strange_measures_are_listed_safely(strange: httpx.Client) -> None:
    """Markup is text, what is no address leads nowhere, many values are folded, and every value can be chosen."""
    page = strange.get("/browse?lang=en", headers=HTML).text
    facets = strange.get("/browse.json").json()["facets"]

    assert "300 measures" in page
    assert "<script" not in page and 'href="javascript' not in page
    assert "lookup?iri=http%3A%2F%2Fexample.org%2Fbody%3Fa%3D1%26b%23part&amp;lang=en" in page
    assert len(page.encode()) < 100 * 1024 and "more values" in page
    assert len(facets["edition"]) == 90 and len(facets["pillar"]) == 2
    for facet, value in (("edition", next(iter(facets["edition"]))), ("pillar", next(iter(facets["pillar"])))):
        total, rows = asked(strange, {facet: value})
        assert total == len(rows) == facets[facet][value]
        query = strange.get("/browse.rq", params={facet: value}).text
        answer = strange.post("/sparql", data={"query": query, "format": "json"}).json()
        assert [row["measure"]["value"] for row in answer["results"]["bindings"]] == rows


def test_data_without_measures_say_so(tmp_path: Path, start) -> None:  # type: ignore[no-untyped-def]
    """Any RDF can be served; where it has no measures the list is empty and says why."""
    (tmp_path / "data.nt").write_text('<http://example.org/s> <http://example.org/p> "o" .\n')
    with start(app([tmp_path / "data.nt"], project_folders().queries, tmp_path)) as site:
        page = site.get("/browse?lang=en", headers=HTML)

        assert page.status_code == 200 and "There are no measures in these data." in page.text
        assert site.get("/browse.json").json()["rows"] == []
        assert table(site.get("/browse.csv")) == []
