"""What is written can be read back to the same: by parsers of others, in every format, with every odd character."""

import csv
import io
import json
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import httpx
import pyoxigraph
import pytest
import rdflib
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyoxigraph import BlankNode, CanonicalizationAlgorithm, Dataset, Literal, NamedNode, Quad, RdfFormat, Triple
from rdflib.compare import to_isomorphic

from kg.core.iris import PREFIXES
from kg.core.negotiation import JSON_LD, N_TRIPLES, RDF_XML, TRIG, TURTLE, NotAcceptable
from kg.http.responses import write
from kg.server.app import app

from ..docs import tools
from ..support.sites import QUERIES

# rdflib warns of itself, and of texts that do not fit their datatypes.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]
RDF = PREFIXES["rdf"]
FORMATS = {
    "ttl": ("turtle", RdfFormat.TURTLE),
    "nt": ("nt", RdfFormat.N_TRIPLES),
    "jsonld": ("json-ld", RdfFormat.JSON_LD),
    "rdfxml": ("xml", RdfFormat.RDF_XML),
    "trig": ("trig", RdfFormat.TRIG),
    "nq": ("nquads", RdfFormat.N_QUADS),
}
OF_DOCUMENTS = {TURTLE: "ttl", N_TRIPLES: "nt", JSON_LD: "jsonld", RDF_XML: "rdfxml"}
RESERVED = ["RDF", "ID", "about", "parseType", "resource", "nodeID", "datatype", "Description", "li", "aboutEach"]
RESERVED += ["aboutEachPrefix", "bagID"]
ODD = "\r\n\t \"'\\<>&{}|^`_:.-#%/?=+@あ施\u0085\u00a0\u0301\u200f\u2028\ufeff\U00020000\U0001f1ef"

texts = st.text(st.sampled_from(ODD + "ab0"), max_size=8)
# rdflib does not read a short name that ends in `\\.`, which Turtle allows.
tails = st.text(st.sampled_from("ab1.-_:/?%あ施\u0301Ȁ·\U00020000"), max_size=6).map(
    lambda tail: tail.replace("%", "%41").rstrip(".")
)
iris = st.builds(
    lambda start, tail: NamedNode(start + tail.lstrip("/")),
    st.sampled_from(
        [
            "http://e/",
            "http://e/#",
            "urn:x:",
            "dc:",
            "time:",
            "org:",
            "http://例え.jp/",
            *map(PREFIXES.get, ("dcterms", "skos")),
        ]
    ),
    tails,
)
labels = st.sampled_from(["b0", "1", "a:b", "日本", "x-31", "_", "a.b", "c14n0", "·".join("ab")])
subjects = iris | labels.map(BlankNode)
literals = (
    texts.map(Literal)
    | st.builds(lambda text, tag: Literal(text, language=tag), texts, st.sampled_from(["ja", "en-GB", "zh-Hant-TW"]))
    | st.builds(lambda text, kind: Literal(text, datatype=kind), texts, iris | st.just(NamedNode(RDF + "XMLLiteral")))
    | st.sampled_from(["0", "-5", "12345678901234567890", "١", "x", ""]).map(
        lambda text: Literal(text, datatype=NamedNode(PREFIXES["xsd"] + "integer"))
    )
)
predicates = iris | st.sampled_from(["type", "value", "_1", "first"]).map(lambda word: NamedNode(RDF + word))
graphs = st.lists(st.builds(Triple, subjects, predicates, subjects | literals), max_size=8)
EVERYDAY = {"deadline": None, "derandomize": True, "phases": (Phase.generate, Phase.shrink)}
FEW = settings(max_examples=60, suppress_health_check=list(HealthCheck), **EVERYDAY)  # type: ignore[arg-type]
MANY = settings(FEW, max_examples=4000)


def canonical(triples: list[Triple]) -> set[Quad]:
    """Return triples with the same names for the same blank nodes, whatever they were called."""
    dataset = Dataset(Quad(*triple) for triple in triples)
    dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    return set(dataset)


def read_by_engine(body: bytes, name: str) -> list[Triple]:
    """Read an RDF document with the parsers of the engine."""
    return [quad.triple for quad in pyoxigraph.parse(body, format=FORMATS[name][1])]


def read_by_rdflib(body: bytes, name: str) -> rdflib.Graph:
    """Read an RDF document with rdflib, each literal as it is written."""
    dataset = rdflib.Dataset() if name in ("trig", "nq") else None
    if dataset is None:
        return rdflib.Graph().parse(io.BytesIO(body), format=FORMATS[name][0])
    dataset.parse(io.BytesIO(body), format=FORMATS[name][0])
    graph = rdflib.Graph()
    for s, p, o, _ in dataset.quads():
        graph.add((s, p, o))
    return graph


@pytest.fixture(autouse=True)
def _literals_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rdflib, "NORMALIZE_LITERALS", False)


def check(triples: list[Triple]) -> None:
    """Write a graph as documents are written, and read it back."""
    wanted = canonical(triples)
    read = to_isomorphic(read_by_rdflib("".join(f"{quad.triple} .\n" for quad in wanted).encode(), "nt"))
    for format, name in OF_DOCUMENTS.items():
        try:
            body = write(triples, format)
        except Exception as error:
            assert format is RDF_XML and "XML cannot express this answer: it holds the property" in str(error)
            continue
        assert canonical(read_by_engine(body, name)) == wanted, body.decode()
        assert to_isomorphic(read_by_rdflib(body, name)) == read, body.decode()


@FEW
@given(graphs)
def test_random_graphs_come_back(triples: list[Triple]) -> None:
    """A document in Turtle, N-Triples, JSON-LD or RDF/XML is the graph that was written, or is refused with why."""
    check(triples)


@pytest.mark.exhaustive
@MANY
@given(graphs)
def test_many_random_graphs_come_back(triples: list[Triple]) -> None:
    """The same of thousands."""
    check(triples)


@pytest.mark.exhaustive
def test_random_graphs_come_back_in_javascript(tmp_path: Path) -> None:
    """N3.js, rdfxml-streaming-parser and jsonld-streaming-parser, which browsers use, read the same graphs."""
    try:
        modules = tools.comunica()
    except tools.Missing as reason:
        pytest.skip(str(reason))
    made: list[list[Triple]] = []
    settings(FEW, max_examples=300)(given(graphs)(lambda triples: made.append(triples)))()
    for place, triples in enumerate(made):
        for format, name in {**OF_DOCUMENTS, TRIG: "trig"}.items():
            with suppress(NotAcceptable):
                (tmp_path / f"{place}.{'rdf' if name == 'rdfxml' else name}").write_bytes(write(triples, format))
    script = Path(__file__).with_name("readers.mjs")
    subprocess.run(["node", str(script), str(tmp_path), str(modules)], check=True, timeout=120)
    read = sorted(tmp_path.glob("*.read"))

    assert len(read) > 4 * len(made) > 400
    for file in read:
        text = file.read_text(encoding="utf-8")
        assert not text.startswith("!"), (file.name, text)
        assert canonical(read_by_engine(text.encode(), "nt")) == canonical(made[int(file.name.partition(".")[0])])


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory, start: "Start") -> Iterator[httpx.Client]:
    """A site of a file with things that have non-ASCII names."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "odd.ttl").write_text(ODD_DATA, encoding="utf-8")
    with start(app([folder / "odd.ttl"], QUERIES, folder)) as client:
        yield client


Start = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
THING = "https://w3id.org/shisaku/id/施策/子育て"
ODD_DATA = f"""\
@prefix e: <http://e/> .
<{THING}> a <http://e/種類> ; e:p "行1\\r\\n行2" , <dc:title> ;
  e:p <https://例え.jp/a?b=あ#い> ; <http://e/a\U00020000b> 1 .
<https://w3id.org/shisaku/id/é> e:p <{THING}> .
"""


def terms(rows: list[Triple]) -> str:
    """Return the template of a query that makes a graph."""
    return " . ".join(f"{s} {p} {o}" for s, p, o in rows)


def construct(site: httpx.Client, triples: list[Triple], name: str) -> httpx.Response:
    """Ask for a graph that stands in the query itself."""
    return site.post("/sparql", data={"query": f"CONSTRUCT {{ {terms(triples)} }} {{ }}", "format": name})


ODD_GRAPH = [
    Triple(NamedNode("http://e/s"), NamedNode("http://e/p"), Literal(text))
    for text in ("a\rb", "\r\n", " \t\n", "", "\r", " a ", "]]>", "&#13;", "\u0085\u2028\ufeff", "'\"\\")
] + [
    Triple(NamedNode("http://例え.jp/s"), NamedNode(f"http://e/{end}"), NamedNode("dc:title"))
    for end in ("a\U00020000b", "施策", "1a", "a·b", "é", "Ȁ", "ȺȻa")
]


@pytest.mark.parametrize("name", FORMATS)
def test_an_odd_graph_is_read_by_rdflib(odd: httpx.Client, name: str) -> None:
    """CONSTRUCT in each format: carriage returns, spaces, names that only newer readers know, schemes like prefixes."""
    answer = construct(odd, ODD_GRAPH, name)

    assert answer.status_code == 200, answer.text
    assert canonical(read_by_engine(answer.content, name)) == canonical(ODD_GRAPH)
    lines = "".join(f"{triple} .\n" for triple in ODD_GRAPH)
    expected = rdflib.Graph().parse(data=lines, format="nt")
    assert set(read_by_rdflib(answer.content, name)) == set(expected)


@pytest.mark.parametrize("name", FORMATS)
def test_labels_that_a_query_chooses_fit_the_format(odd: httpx.Client, name: str) -> None:
    """BNODE("1"), BNODE("a:b") and others are as many nodes in each format, also for rdflib."""
    values = '"1" "a:b" "日本" "a.b" "x-31" "1x" "·" "b" "_:b" "a-"'
    made = f"{{ VALUES ?t {{ {values} }} BIND(BNODE(?t) AS ?b) FILTER(BOUND(?b)) }}"
    query = f"CONSTRUCT {{ ?b <http://e/p> ?t . <http://e/all> <http://e/has> ?b }} {made}"
    answer = odd.post("/sparql", data={"query": query, "format": name})
    wanted = odd.post("/sparql", data={"query": f"SELECT ?t {made}", "format": "json"}).json()["results"]["bindings"]
    graph = read_by_rdflib(answer.content, name)

    assert len(wanted) >= 5
    had = [
        (graph.value(node, rdflib.URIRef("http://e/p")), type(node))
        for node in graph.objects(None, rdflib.URIRef("http://e/has"))
    ]
    assert sorted(str(text) for text, _ in had) == sorted(row["t"]["value"] for row in wanted)
    assert {kind for _, kind in had} == {rdflib.BNode}


def test_labels_fit_rows_too(odd: httpx.Client) -> None:
    """TSV has the terms of Turtle: a label that Turtle does not take becomes one that it does; a text stays."""
    query = 'SELECT * { BIND(BNODE("a:b") AS ?a) BIND("_:a:b" AS ?b) BIND(BNODE("1") AS ?c) }'
    cells = odd.post("/sparql", data={"query": query, "format": "tsv"}).text.splitlines()[1].split("\t")
    parsed = list(rdflib.Graph().parse(data=f"{cells[0]} <http://e/p> {cells[1]} , {cells[2]} .", format="turtle"))

    assert len(parsed) == 2 and {str(o) for _, _, o in parsed if isinstance(o, rdflib.Literal)} == {"_:a:b"}


@pytest.mark.parametrize("word", RESERVED)
def test_a_word_of_the_syntax_is_refused_with_the_reason(odd: httpx.Client, word: str) -> None:
    """RDF/XML has no way to say a property such as rdf:li: 406, and every other format holds it."""
    triple = Triple(NamedNode("http://e/s"), NamedNode(RDF + word), Literal("x"))
    refused, given = construct(odd, [triple], "rdfxml"), construct(odd, [triple], "ttl")

    assert refused.status_code == 406 and f"rdf:{word}" in refused.json()["detail"]
    assert read_by_engine(given.content, "ttl") == [triple]


@pytest.mark.parametrize(
    ("value", "refused"),
    [('<<( <a:a> <b:b> "c" )>>', {"jsonld", "rdfxml"}), ('"x"@ar--rtl', {"rdfxml"})],
)
def test_what_came_with_rdf_12_is_written_or_refused(odd: httpx.Client, value: str, refused: set[str]) -> None:
    """A statement about a statement, and a text with a direction: 406 with the reason where a format has none of it."""
    query = f"CONSTRUCT {{ <a:a> <http://e/p> {value} }} {{ }}"
    answers = {name: odd.post("/sparql", data={"query": query, "format": name}) for name in FORMATS}
    statements = {str(read_by_engine(answers[name].content, name)) for name in FORMATS.keys() - refused}

    assert {name for name, answer in answers.items() if answer.status_code == 406} == refused
    assert all("RDF 1.2" in answers[name].json()["detail"] for name in refused)
    assert len(statements) == 1


@pytest.mark.parametrize("kind", [RDF + "li", RDF + "Description", "http://e/1", "http://e/\U00020000", "http://e/C"])
def test_a_class_of_any_name_is_no_obstacle(odd: httpx.Client, kind: str) -> None:
    """RDF/XML says a class that makes no element as an ordinary statement."""
    triple = Triple(NamedNode("http://e/s"), NamedNode(RDF + "type"), NamedNode(kind))
    answer = construct(odd, [triple], "rdfxml")

    assert answer.status_code == 200
    assert set(read_by_rdflib(answer.content, "rdfxml")) == {tuple(rdflib.URIRef(term.value) for term in triple)}  # type: ignore[union-attr]


@pytest.mark.parametrize("iri", ["http://e/1", "http://e/", "http://e/\U00020000", "urn:x:-"])
def test_a_property_without_a_name_is_refused_with_the_reason(odd: httpx.Client, iri: str) -> None:
    """No element can be made of it: 406 that names the property."""
    answer = construct(odd, [Triple(NamedNode("http://e/s"), NamedNode(iri), Literal("x"))], "rdfxml")

    assert answer.status_code == 406 and f"<{iri}>" in answer.json()["detail"]


ODD_TEXTS = [
    "",
    "a\rb",
    "\r\n",
    "\r",
    " a ",
    " ",
    "\n\n",
    "\t",
    '"',
    "a,b",
    "\\",
    "&lt;",
    "]]>",
    "\u0085",
    "'",
    "日本\U00020000",
]


def rows_of(body: bytes, name: str) -> list[str]:
    """Read the texts of one column with the parsers of the standard library, or as the specification says."""
    if name == "json":
        return [row["x"]["value"] for row in json.loads(body)["results"]["bindings"]]
    if name == "xml":
        return [
            literal.text or ""
            for literal in ET.fromstring(body).iter("{http://www.w3.org/2005/sparql-results#}literal")
        ]
    if name == "csv":
        return [row["x"] for row in csv.DictReader(io.StringIO(body.decode(), newline=""))]
    cells = body.decode().split("\n")[1:-1]
    graph = [rdflib.Graph().parse(data=f"<http://e/s> <http://e/p> {cell} .", format="turtle") for cell in cells]
    return [str(next(iter(found))[2]) for found in graph]


@pytest.mark.parametrize("name", ["json", "xml", "csv", "tsv"])
def test_odd_texts_come_back_from_rows(odd: httpx.Client, name: str) -> None:
    """Carriage returns, spaces, quotes: each text of each row, read by the parsers that people have."""
    values = " ".join(str(Literal(text)) for text in ODD_TEXTS)
    answer = odd.post("/sparql", data={"query": f"SELECT ?x {{ VALUES ?x {{ {values} }} }}", "format": name})

    assert rows_of(answer.content, name) == ODD_TEXTS


def test_no_row_is_lost_where_nothing_is_bound(odd: httpx.Client) -> None:
    """Of one column, rows without a value are rows: a reader of CSV passes over empty lines."""
    values = r'UNDEF "" "a\r\n\r\nb" "\"" UNDEF "\n\n" "b"'
    body = odd.post("/sparql", data={"query": f"SELECT ?x {{ VALUES ?x {{ {values} }} }}", "format": "csv"}).content

    assert rows_of(body, "csv") == ["", "", "a\r\n\r\nb", '"', "", "\n\n", "b"]


@pytest.mark.parametrize("suffix", ["", ".html", ".ttl", ".nt", ".jsonld", ".rdf"])
@pytest.mark.parametrize("thing", [THING, "https://w3id.org/shisaku/id/é"])
def test_a_thing_with_a_name_that_is_not_ascii_has_its_document(odd: httpx.Client, thing: str, suffix: str) -> None:
    """--data: the name leads to a document in each form; what stands in a header is a URI."""
    path = thing.removeprefix("https://w3id.org/shisaku")
    led = odd.get(path + suffix, follow_redirects=False)
    answer = odd.get(path + suffix, follow_redirects=True)

    assert (led.status_code, answer.status_code) == (303, 200), answer.text
    for name in ("location", "link", "content-location"):
        assert led.headers.get(name, "").isascii() and answer.headers.get(name, "").isascii()
    cited = httpx.URL(thing).raw_path.decode()
    assert f'<https://w3id.org{cited}>; rel="cite-as"' in answer.headers["link"]
    if suffix == ".rdf":
        assert (
            rdflib.URIRef("http://e/a\U00020000b") in set(read_by_rdflib(answer.content, "rdfxml").predicates())
            or "é" in thing
        )
    if suffix == ".jsonld" and "é" not in thing:
        read = read_by_rdflib(answer.content, "jsonld")
        assert {
            rdflib.URIRef("dc:title"),
            rdflib.URIRef("https://例え.jp/a?b=あ#い"),
            rdflib.Literal("行1\r\n行2"),
        } <= set(read.objects())


@pytest.mark.parametrize("scheme", sorted(PREFIXES))
def test_an_iri_whose_scheme_is_a_prefix_stays_itself(scheme: str) -> None:
    """JSON-LD: <dc:title> is not http://purl.org/dc/…title, wherever it stands."""
    odd = NamedNode(f"{scheme}:now")
    plain = NamedNode(f"{PREFIXES[scheme]}now")
    triples = [
        Triple(odd, odd, odd),
        Triple(plain, plain, plain),
        Triple(odd, plain, Literal("x", datatype=odd)),
        Triple(odd, NamedNode(RDF + "type"), odd),
        Triple(odd, NamedNode(RDF + "type"), Literal("a text")),
    ]
    body = write(triples, JSON_LD)
    lines = "".join(f"{triple} .\n" for triple in triples)

    assert canonical(read_by_engine(body, "jsonld")) == canonical(triples)
    assert set(read_by_rdflib(body, "jsonld")) == set(rdflib.Graph().parse(data=lines, format="nt"))
