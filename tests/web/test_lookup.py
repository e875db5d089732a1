"""Finding a thing by an IRI, names that were given up, and data files that want to be more than text."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import rdflib

from kg.core.paths import project_folders
from kg.core.release import Release
from kg.server.app import app

from .test_documents import Page

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")

ID = "https://w3id.org/shisaku/id/"
BROWSER = {"Accept": "text/html"}
DATA = """\
@prefix id: <https://w3id.org/shisaku/id/> .
@prefix shisaku: <https://w3id.org/shisaku/def#> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix schema: <http://schema.org/> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

<https://w3id.org/shisaku/id/organization/mic> skos:prefLabel "総務省"@ja ;
  skos:exactMatch <http://www.wikidata.org/entity/Q1> ; foaf:homepage <https://www.soumu.example/> .
<https://w3id.org/shisaku/id/organization/meti> owl:sameAs <http://www.wikidata.org/entity/Q2> ;
  skos:closeMatch <http://www.wikidata.org/entity/Q1> .
<https://w3id.org/shisaku/id/document/x-1> schema:url "https://doc.example/a?b=1&c=2"^^xsd:anyURI .
<https://w3id.org/shisaku/id/%E6%96%BD> rdfs:label "escaped" .
<https://w3id.org/shisaku/id/施> rdfs:label "施"@ja .
<https://w3id.org/shisaku/id/control> rdfs:label "bell \\u0007" .
<http://elsewhere.example/thing> skos:exactMatch <http://www.wikidata.org/entity/Q3> .
<https://w3id.org/shisaku/id/evil/1> rdfs:label "<script>alert(1)</script>"@ja , "\\"><img src=x onerror=alert(2)>"@en ;
  schema:url "javascript:alert(3)"^^xsd:anyURI ; rdfs:seeAlso <javascript:alert(4)> , <JaVaScRiPt:alert(5)> ;
  foaf:page <data:text/html,%3Cscript%3E> ; <javascript:alert(6)> "value" ;
  shisaku:value "<b>7</b>"^^<javascript:alert(8)> ; shisaku:kpi <https://w3id.org/shisaku/id/evil/1/part> ;
  rdfs:comment [ rdfs:label "<script>nested</script>" ] .
<https://w3id.org/shisaku/id/evil/1/part> a <javascript:alert(9)> ; rdfs:label "<script>part</script>" .
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, start) -> Iterator[httpx.Client]:
    """A client of a server of these data."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "data.ttl").write_text(DATA, encoding="utf-8")
    with start(app([folder / "data.ttl"], project_folders().queries, folder)) as client:
        yield client


@pytest.mark.parametrize(
    ("iri", "location"),
    [
        (f"{ID}organization/mic", "./doc/organization/mic"),
        (f"http{ID.removeprefix('https')}organization/mic", "./doc/organization/mic"),
        ("http://www.wikidata.org/entity/Q2", "./doc/organization/meti"),
        ("https://www.wikidata.org/entity/Q2", "./doc/organization/meti"),
        ("http://www.soumu.example", "./doc/organization/mic"),
        ("https://doc.example/a?b=1&c=2", "./doc/document/x-1"),
        ("https://w3id.org/shisaku/def#Measure", "./def#Measure"),
        ("shisaku:Measure", "./def#Measure"),
        ("id:organization/mic", "./doc/organization/mic"),
        (f"{ID}organization/mic/", "./doc/organization/mic"),
    ],
)
def test_an_iri_leads_to_our_document(data: httpx.Client, iri: str, location: str) -> None:
    """Our own IRI, or one that a thing is linked to: by match, home page or address, with http or https."""
    answer = data.get("/lookup", params={"iri": iri})

    assert (answer.status_code, answer.headers["location"]) == (303, location)


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        ("2000012020001", "organization/mic"),
        ("２０００　０１２０　２０００１", "organization/mic"),
        ("T2000012020001", "organization/mic"),
        ("https://www.houjin-bangou.nta.go.jp/henkorireki-johoto.html?selHouzinNo=2000012020001", "organization/mic"),
        ("https://www.invoice-kohyo.nta.go.jp/regno-search/detail?selRegNo=2000012020001", "organization/mic"),
        ("https://info.gbiz.go.jp/hojin/ichiran?hojinBango=2000012020001", "organization/mic"),
        ("https://www.wikidata.org/wiki/Q1322293", "organization/"),
        ("wikidata.org/wiki/Q1322293", "organization/"),
        ("https://m.wikidata.org/wiki/Q1322293#P31", "organization/"),
        ("https://www.wikidata.org/wiki/Special:EntityData/Q1322293.json", "organization/"),
        ("wd:Q1322293", "organization/"),
        ("q1322293", "organization/"),
        ("https://laws.e-gov.go.jp/law/428AC1000000103", "law/kanmin-data"),
        ("平成二十八年法律第百三号", "law/kanmin-data"),
        ("電気事業法(昭和三十九年法律第百七十号)", "law/denki-jigyo"),
        ("https://laws.e-gov.go.jp/law/428AC1000000103/20210901_503AC0000000035", "law/kanmin-data"),
        ("https://elaws.e-gov.go.jp/document?lawid=428AC1000000103", "law/kanmin-data"),
        ("elaws.e-gov.go.jp/document?lawid=428AC1000000103_20210901_503AC0000000035", "law/kanmin-data"),
        (
            "https://elaws.e-gov.go.jp/document?law_unique_id=428AC1000000103_20210901_503AC0000000035",
            "law/kanmin-data",
        ),
        (
            "https://elaws.e-gov.go.jp/search/elawsSearch/elaws_search/lsg0500/detail?lawId=428AC1000000103",
            "law/kanmin-data",
        ),
        (
            "http://elaws.e-gov.go.jp/search/elawsSearch/elawsSearch/lsg0500/detail?lawId=339AC0000000170&openerCode=1",
            "law/denki-jigyo",
        ),
        ("https://laws.e-gov.go.jp/api/1/lawdata/428ac1000000103", "law/kanmin-data"),
        ("http://law.e-gov.go.jp/htmldata/H28/H28HO103.html", "law/kanmin-data"),
        ("law.e-gov.go.jp/htmldata/H29/H29HO064.html", "law/denshi-ininjo"),
        ("http://law.e-gov.go.jp/cgi-bin/idxselect.cgi?IDX_OPT=1&H_FILE_NAME=S39HO170&H_RYAKU=1", "law/denki-jigyo"),
        ("https://elaws.e-gov.go.jp/document?lawid=429AC0000000064", "law/denshi-ininjo"),
        ("428AC1000000103", "law/kanmin-data"),
        ("平成28年法律第103号", "law/kanmin-data"),
    ],
)
def test_numbers_and_addresses_that_have_moved_lead_to_our_document(
    real_site: httpx.Client, text: str, thing: str
) -> None:
    """A bare corporate number, any page of a Wikidata item, and what e-Gov has called a law find the thing."""
    answer = real_site.get("/lookup", params={"iri": text})
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"./doc/{thing}")


@pytest.mark.parametrize(
    "text",
    [
        *("2000012020002", "200001202000", "Q1", "https://wikidata.example/wiki/Q1322293"),
        *("https://elaws.e-gov.go.jp/document?lawid=999AC1000000103", "https://e-gov.example/428AC1000000103"),
        *("https://example.org/2000012020001", "http://law.e-gov.go.jp/htmldata/H28/H28HO999.html", "http://[", "T"),
        "https://elaws.e-gov.go.jp/document?lawid=428AC0000000103x",
    ],
)
def test_a_number_that_nothing_has_finds_nothing(real_site: httpx.Client, text: str) -> None:
    """What only looks like a number, or stands in an address of somebody else, is guessed at by nobody."""
    assert real_site.get("/lookup", params={"iri": text}).status_code == 404


def test_several_things_are_a_list_and_none_is_advice(data: httpx.Client) -> None:
    """300 with all of them; 404 with what else to try; things of others are not ours to find."""
    several = data.get("/lookup", params={"iri": "http://www.wikidata.org/entity/Q1"})
    page = data.get("/lookup", params={"iri": "http://www.wikidata.org/entity/Q1"}, headers=BROWSER)
    none = data.get("/lookup", params={"iri": "http://www.wikidata.org/entity/Q3"})

    assert (several.status_code, several.json()["near"]) == (300, [f"{ID}organization/meti", f"{ID}organization/mic"])
    assert page.status_code == 300 and 'href="doc/organization/mic"' in page.text
    assert none.status_code == 404 and "SPARQL" in none.json()["detail"]
    assert data.get("/lookup", params={"iri": f"{ID}organization/nobody"}).status_code == 404
    assert data.get("/lookup").status_code == 400


@pytest.mark.parametrize(
    "iri",
    [
        '"> } <x',
        'http://e/"} UNION { ?s ?p ?o } #',
        "http://e/\\u0022",
        "no iri",
        "<script>",
        "http://e/\n",
        "\x00",
        "://",
    ],
)
def test_what_is_no_iri_is_looked_for_as_text(data: httpx.Client, iri: str) -> None:
    """Nothing of it becomes part of the query or of the page."""
    answer = data.get("/lookup", params={"iri": iri}, headers=BROWSER)

    assert answer.status_code in (400, 404)
    assert "<script" not in answer.text


def test_escaped_and_plain_characters_name_two_things(data: httpx.Client) -> None:
    """`%E6%96%BD` as it is sent comes first; where only the plain one is known, that is meant."""
    answer = data.get("/doc/%E6%96%BD", headers={"Accept": "text/turtle"})

    assert "escaped" in answer.text
    assert data.get("/id/%E6%96%BD").headers["location"] == "../doc/%E6%96%BD"


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_hostile_data_stay_text(data: httpx.Client, lang: str) -> None:
    """No element and no address on a page is made of data; what is no web address is no link."""
    answer = data.get(f"/doc/evil/1.html?lang={lang}")
    links = Page(answer.text).links

    assert answer.status_code == 200
    assert "<script" not in answer.text and "<img" not in answer.text and "<b>7" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text and "&lt;script&gt;part" in answer.text
    assert "javascript:alert(3)" in answer.text
    assert [link for link in links if link.lower().startswith(("javascript:", "data:"))] == []
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")


def test_what_xml_cannot_express_is_refused(data: httpx.Client) -> None:
    """A control character is no XML: RDF/XML is 406 with the reason, every other form is there."""
    answers = {form: data.get(f"/doc/control.{form}").status_code for form in ("rdf", "ttl", "nt", "jsonld", "html")}

    assert answers == {"rdf": 406, "ttl": 200, "nt": 200, "jsonld": 200, "html": 200}


def test_data_files_have_documents_too(data: httpx.Client) -> None:
    """Without a release there is no licence, no collection and no long caching; blank nodes are served."""
    answer = data.get("/doc/evil/1.jsonld")
    graph = rdflib.Graph().parse(data=answer.content, format="json-ld")

    assert (rdflib.URIRef(f"{ID}evil/1"), rdflib.RDFS.comment, None) in graph
    assert 'rel="license"' not in answer.headers["link"] and 'rel="collection"' not in answer.headers["link"]
    assert answer.headers["cache-control"] == "public, no-cache"
    for path in ("/def", "/shapes", "/catalog", "/void", "/.well-known/sparql-examples"):
        assert data.get(path).status_code == 404


@pytest.fixture(scope="module")
def moved(real: Release, start) -> Iterator[httpx.Client]:
    """A client of a server whose release has given up two names."""
    said = {"reason_ja": "まとめた。", "reason_en": "Merged.", "decided_on": "2026-12-01"}
    rows = (
        {"iri": f"{ID}organization/old", "code": "301", "target": f"{ID}organization/mic", **said},
        {"iri": f"{ID}organization/gone", "code": "410", "target": "", **said},
    )
    with start(app(replace(real, redirects=rows), project_folders().queries, real.folder.parents[1])) as client:
        yield client


@pytest.mark.parametrize("prefix", ["id", "doc"])
def test_a_name_that_moved_leads_on_and_one_that_is_gone_says_why(moved: httpx.Client, prefix: str) -> None:
    """301 to the new name, relative; 410 with the reason and the day, in the language of the reader."""
    old = moved.get(f"/{prefix}/organization/old")
    gone = moved.get(f"/{prefix}/organization/gone")
    page = moved.get(f"/{prefix}/organization/gone", params={"lang": "ja"}, headers=BROWSER)

    assert (old.status_code, old.headers["location"]) == (301, f"../../{prefix}/organization/mic")
    assert (gone.status_code, gone.json()["detail"]) == (410, "Merged. (2026-12-01)")
    assert (page.status_code, page.headers["content-type"]) == (410, "text/html; charset=utf-8")
    assert "まとめた。(2026-12-01)" in page.text
    assert moved.get("/lookup", params={"iri": f"{ID}organization/old"}).headers["location"] == "./doc/organization/old"


def test_the_addresses_of_stored_queries_lead_to_them(moved: httpx.Client) -> None:
    """The examples name their queries `id/query/…`; there is no document beside the query itself."""
    assert moved.get("/id/query/measures-by-pillar", follow_redirects=True).text.startswith("#+ summary")
    assert Path(str(moved.get("/id/query/measures-by-pillar").headers["location"])).name == "measures-by-pillar"
