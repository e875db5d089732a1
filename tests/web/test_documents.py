"""The documents of the real release: their forms, their headers, their pages, and what is told where there is none."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
import rdflib

from kg.core.paths import project_folders
from kg.core.release import Release
from kg.server.app import app

BASE = "https://w3id.org/shisaku/"
MEASURE = "municipal-2019/measure/08-03"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")

TURTLE = {"Accept": "text/turtle"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PARSERS = {".ttl": "turtle", ".nt": "nt", ".jsonld": "json-ld", ".rdf": "xml"}
TYPES = {
    ".html": "text/html",
    ".ttl": "text/turtle",
    ".nt": "application/n-triples",
    ".jsonld": "application/ld+json",
    ".rdf": "application/rdf+xml",
}


class Page(HTMLParser):
    """Where the links of a page lead, and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a link or an anchor."""
        for key, value in attrs:
            if key == "href" and tag == "a":
                self.links.append(value or "")
            if key == "id" and value:
                self.anchors.add(value)


def relations(answer: httpx.Response) -> dict[str, list[str]]:
    """Return the targets of each relation in the Link header."""
    found: dict[str, list[str]] = {}
    for target, relation in re.findall(r'<([^<>]*)>; rel="([a-z-]+)"', answer.headers["link"]):
        found.setdefault(relation, []).append(target)
    return found


@pytest.mark.parametrize(
    ("headers", "query", "suffix"),
    [
        ({"Accept": "*/*"}, "", ".ttl"),
        ({"Accept": ""}, "", ".ttl"),
        (TURTLE, "", ".ttl"),
        (BROWSER, "", ".html"),
        ({"Accept": "text/turtle, text/html"}, "", ".html"),
        ({"Accept": "text/html;q=0.5, application/ld+json"}, "", ".jsonld"),
        ({"Accept": "application/rdf+xml;q=0.9, application/n-triples;q=0.8"}, "", ".rdf"),
        (BROWSER, "?format=nt", ".nt"),
        (TURTLE, "?format=html", ".html"),
    ],
)
def test_the_form_is_negotiated(real_site: httpx.Client, headers: dict[str, str], query: str, suffix: str) -> None:
    """By Accept with its weights, by format=, a page for those alone who ask for it; the answer says what it is."""
    answer = real_site.get(f"/doc/{MEASURE}{query}", headers=headers)
    location = answer.headers["content-location"]

    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == TYPES[suffix]
    assert {"Accept", "Accept-Language"} <= set(answer.headers["vary"].split(", "))
    assert urljoin(f"/doc/{MEASURE}", location).partition("?")[0] == f"/doc/{MEASURE}{suffix}"
    assert real_site.get(urljoin(f"/doc/{MEASURE}", location), headers=TURTLE).content == answer.content


def test_what_cannot_be_had_is_refused_before_the_redirect(real_site: httpx.Client) -> None:
    """406 names what there is, for the name and for the document."""
    for path in ("id", "doc"):
        answer = real_site.get(f"/{path}/{MEASURE}", headers={"Accept": "image/png"})
        assert answer.status_code == 406
        assert "text/turtle (format=ttl)" in answer.json()["detail"]


def test_a_suffix_and_a_query_survive_the_redirect(real_site: httpx.Client) -> None:
    """`/id/x.ttl?lang=en` leads to `/doc/x.ttl?lang=en`."""
    answer = real_site.get(f"/id/{MEASURE}.html?lang=en")

    assert (answer.status_code, answer.headers["vary"]) == (303, "Accept, Accept-Language")
    assert answer.headers["location"] == f"../../../doc/{MEASURE}.html?lang=en"
    assert 'lang="en"' in real_site.get(f"/id/{MEASURE}.html?lang=en", follow_redirects=True).text


def test_all_forms_say_the_same(real_site: httpx.Client) -> None:
    """rdflib reads each RDF form, and each holds the same statements, its licence and its topic among them."""
    thing, document = rdflib.URIRef(f"{BASE}id/{MEASURE}"), rdflib.URIRef(f"{BASE}doc/{MEASURE}")
    graphs = [
        rdflib.Graph().parse(data=real_site.get(f"/doc/{MEASURE}{suffix}").content, format=name)
        for suffix, name in PARSERS.items()
    ]

    assert all(set(graph) == set(graphs[0]) for graph in graphs)
    assert (document, rdflib.FOAF.primaryTopic, thing) in graphs[0]
    assert (document, rdflib.DCTERMS.license, rdflib.URIRef("https://creativecommons.org/licenses/by/4.0/")) in graphs[
        0
    ]
    assert (thing, rdflib.DCTERMS.title, rdflib.Literal("データ利活用型ICTスマートシティの推進", lang="ja")) in graphs[
        0
    ]
    assert (rdflib.URIRef(f"{thing}/kpi/effect-1/target-1"), rdflib.RDF.type, None) in graphs[0]


def test_a_document_tells_its_relations(real_site: httpx.Client) -> None:
    """Signposting: the name to cite, each form with its type, licence, collection, what kind of page it is."""
    answer = real_site.get(f"/doc/{MEASURE}", headers=TURTLE)
    found = relations(answer)

    assert found["cite-as"] == [f"{BASE}id/{MEASURE}"]
    assert found["license"] == ["https://creativecommons.org/licenses/by/4.0/"]
    assert found["type"] == ["https://schema.org/AboutPage"]
    assert '<./08-03.jsonld>; rel="describedby"; type="application/ld+json"' in answer.headers["link"]
    for suffix, media_type in TYPES.items():
        assert f'<./08-03{suffix}>; rel="alternate"; type="{media_type}"' in answer.headers["link"]
    for target in (*found["alternate"], *found["collection"]):
        assert real_site.get(urljoin(f"/doc/{MEASURE}", target)).status_code == 200


def test_caches_can_rely_on_it(real_site: httpx.Client, real: Release) -> None:
    """A strong tag for each form, the day of the release, an hour to keep it; who has it already gets 304."""
    plain = {"Accept-Encoding": "identity"}  # a compressed form has a tag of its own
    forms = [real_site.get(f"/doc/{MEASURE}{suffix}", headers=plain) for suffix in (*TYPES, ".html?lang=en")]
    tags = {answer.headers["etag"] for answer in forms}
    again = real_site.get(f"/doc/{MEASURE}.ttl", headers={**plain, "If-None-Match": forms[1].headers["etag"]})

    assert len(tags) == len(forms)
    assert all(re.fullmatch(rf'"{real.inputs[:12]}-[0-9a-f]{{32}}"', tag) for tag in tags)
    assert {answer.headers["cache-control"] for answer in forms} == {"public, max-age=3600"}
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", forms[1].headers["etag"])
    head = real_site.head(f"/doc/{MEASURE}.ttl", headers=plain)
    assert (head.headers["etag"], head.content) == (forms[1].headers["etag"], b"")


@pytest.mark.parametrize(
    ("path", "lang"),
    [
        *((MEASURE, "ja"), ("organization/mic", "en")),
        *(
            pytest.param(path, lang, marks=pytest.mark.exhaustive)
            for path in (MEASURE, "organization/mic", "source/municipal-2019/row/55", "edition/municipal-2019")
            for lang in ("ja", "en")
            if (path, lang) not in ((MEASURE, "ja"), ("organization/mic", "en"))
        ),
    ],
)
def test_links_of_a_page_lead_on(real_site: httpx.Client, path: str, lang: str) -> None:
    """Links to this site are relative and answer; anchors stand on the page."""
    page = Page(real_site.get(f"/doc/{path}.html?lang={lang}").text)
    here = [link for link in page.links if not link.startswith(("http:", "https:", "#"))]
    targets = {urljoin(f"{real_site.base_url}/doc/{path}.html", link).partition("#")[0] for link in here}

    assert here and not any(link.startswith("/") for link in here)
    assert {link.removeprefix("#") for link in page.links if link.startswith("#")} <= page.anchors
    answers = {target: real_site.get(target, headers=BROWSER).status_code for target in sorted(targets)[:25]}
    assert set(answers.values()) == {200}, answers


def test_a_page_shows_facts_source_and_how_to_cite(real_site: httpx.Client, real: Release) -> None:
    """In words: title in both languages, names of properties and values, parts, printed passage, permalink, release."""
    text = real_site.get(f"/doc/{MEASURE}.html?lang=en").text

    assert "<h1><bdi>Promoting ICT smart cities based on data use</bdi></h1>" in text
    assert "データ利活用型ICTスマートシティの推進" in text
    assert "<dt>Lead</dt>" in text and "Ministry of Internal Affairs and Communications" in text
    assert "page 8, line 96, cell 4" in text and "令和2年度末までに延べ26か所" in text
    assert f"<code>{BASE}id/{MEASURE}</code>" in text
    assert f"release {real.version}" in text


def test_every_term_of_the_data_has_a_name_on_pages(real_site: httpx.Client) -> None:
    """No page shows a bare prefixed name where a person looks for a word."""
    pages = [f"/doc/{path}.html?lang={lang}" for path in (MEASURE, "unit/day") for lang in ("ja", "en")]
    shown = [real_site.get(page).text for page in pages]
    names = {name for text in shown for name in re.findall(r'title="[a-z-]+:\w+">([^<]*)</', text)}

    assert names
    assert [name for name in names if re.fullmatch(r"[a-z-]+:\w+", name)] == []


def test_what_points_to_a_thing_comes_in_pages(real_site: httpx.Client) -> None:
    """A hundred at a time, in one order, each once; Link leads to the next and the previous page."""
    address, seen, sizes = "/doc/target-status/none.nt", [], []
    while address:
        answer = real_site.get(address)
        inbound = [line for line in answer.text.splitlines() if line.endswith(f"<{BASE}id/target-status/none> .")]
        seen += [line for line in inbound if "primaryTopic" not in line]
        sizes.append(len(inbound) - 1)
        found = relations(answer)
        assert bool(found.get("prev")) == (len(sizes) > 1)
        address = urljoin(address, found["next"][0]) if "next" in found else ""

    assert sizes == [100, len(seen) - 100]
    assert len(set(seen)) == len(seen) > 100
    assert real_site.get("/doc/target-status/none?page=3").status_code == 404
    for page in ("0", "-1", "x", "1.5", "9" * 5000):
        assert real_site.get(f"/doc/target-status/none?page={page}").status_code == 400


def test_what_is_not_there_is_answered_with_what_is_near(real_site: httpx.Client) -> None:
    """404 as a problem document, or as a page for a reader, with things that are called alike or that stand there."""
    problem = real_site.get("/id/municipal-2019/measure/08-99")
    part = real_site.get("/doc/municipal-2019/measure/08-03/kpi/effect-9").json()
    folder = real_site.get("/id/organization").json()
    page = real_site.get("/id/municipal-2019/measure/08-99", headers=BROWSER)

    assert (problem.status_code, problem.headers["content-type"]) == (404, "application/problem+json")
    assert f"{BASE}id/municipal-2019/measure/08-09" in problem.json()["near"]
    assert f"{BASE}id/{MEASURE}" in part["near"]
    assert f"{BASE}id/organization/mic" in folder["near"]
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert 'href="../../../doc/municipal-2019/measure/08-09"' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "%22%3E%3Cscript%3E",
        "%7D%20%7D",
        "a%0Ab",
        "%00",
        "%FF",
        "x%3E%20.%20%3Fs%20%3Fp%20%3Fo",
        "../etc/passwd",
        "%zz",
        "a" * 2000,
    ],
)
def test_a_hostile_path_is_only_a_thing_that_is_not_there(real_site: httpx.Client, path: str) -> None:
    """What is no IRI, or would be another query, is 404; nothing of it is markup."""
    for prefix in ("id", "doc"):
        request = real_site.build_request("GET", "/", headers=BROWSER)
        request.url = request.url.copy_with(raw_path=f"/{prefix}/{path}".encode())
        answer = real_site.send(request)
        assert answer.status_code == 404
        assert "<script" not in answer.text


def test_an_address_has_one_spelling(real_site: httpx.Client) -> None:
    """An escaped slash leads to the plain address, so no cache ever holds a page whose links lead elsewhere."""
    request = real_site.build_request("GET", "/", headers=BROWSER)
    request.url = request.url.copy_with(raw_path=f"/doc/{MEASURE.replace('/', '%2F')}.html?lang=en".encode())
    answer = real_site.send(request)

    assert (answer.status_code, answer.headers["location"]) == (303, f"../doc/{MEASURE}.html?lang=en")
    assert 'href="../../../doc/organization/mic?lang=en"' in real_site.get(f"/doc/{MEASURE}.html?lang=en").text


def test_it_works_behind_a_prefix(real: Release, start) -> None:
    """Under a root path, redirects and links stay under it, whatever the client calls this host."""
    inner = app(real, project_folders().queries, real.folder.parents[1])

    async def mounted(scope, receive, send):  # type: ignore[no-untyped-def]
        await inner({**scope, "root_path": "/deep/prefix"} if scope["type"] == "http" else scope, receive, send)

    with start(mounted) as site:
        evil = {"Host": "evil.example", **BROWSER}
        named = site.get(f"/deep/prefix/id/{MEASURE}", headers=evil)
        page = site.get(urljoin(f"/deep/prefix/id/{MEASURE}", named.headers["location"]), headers=evil)
        found = [*Page(page.text).links, *relations(page)["alternate"], *relations(page)["collection"]]
        looked = site.get("/deep/prefix/lookup", params={"iri": f"{BASE}id/{MEASURE}"})

    assert (named.status_code, page.status_code, looked.status_code) == (303, 200, 303)
    assert urljoin("/deep/prefix/lookup", looked.headers["location"]) == f"/deep/prefix/doc/{MEASURE}"
    assert "evil" not in page.text + str(page.headers)
    for link in found:
        if not link.startswith(("http", "#")):
            assert urljoin(f"/deep/prefix/doc/{MEASURE}", link).startswith("/deep/prefix/")


def test_the_query_of_documents_and_the_terms_are_declared() -> None:
    """What a document holds is a stored query, which anybody can read and run."""
    text = (Path(project_folders().queries) / "document-about-a-thing.rq").read_text(encoding="utf-8")

    assert text.count("VALUES ?thing { <") == 3
    assert "LIMIT 100 OFFSET 0" in text
