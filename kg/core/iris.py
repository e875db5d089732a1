"""IRIs of the graph: their patterns (a public contract, ASCII only), prefixes, and base.

`id/` is the namespace of the entities, `def#` the ontology. An IRI is made of keys that a curator chose or of printed
text, never of a position in the data of a program.

One base IRI is in force in a process and its children: the canonical one, except in a server with its own base
(`kg serve --base`). There every canonical IRI of a file is rebased when it is read, so that other modules need not
know the base. Literals are unchanged, except those whose text is an IRI or a query by specification (VoID, VANN,
SHACL).

Two related parts are here as well. `linkable_addresses` recognizes identifiers of other sites: corporate numbers,
Wikidata items and laws, alone or in a URL. `service_description` is the SPARQL 1.1 Service Description of the endpoint,
used by the builder with its canonical IRI and by the server with the requested URL.
"""

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from pyoxigraph import Literal, NamedNode, Quad, Triple

from kg.core import sparql_scanner
from kg.core.spans import plain

CANONICAL = "https://w3id.org/shisaku/"  # in all files: recipe, releases, stored queries
SERVED_BASE = "KG_SERVED_BASE"  # environment variable for the restarted server and its zygote
BASE = os.environ.get(SERVED_BASE) or CANONICAL
ONTOLOGY = BASE + "def#"
ID = BASE + "id/"

# Prefixes of the vocabularies of the graph.
PREFIXES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "oa": "http://www.w3.org/ns/oa#",
    "org": "http://www.w3.org/ns/org#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "prov": "http://www.w3.org/ns/prov#",
    "qudt": "http://qudt.org/schema/qudt/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "schema": "http://schema.org/",
    "sd": "http://www.w3.org/ns/sparql-service-description#",
    "semapv": "https://w3id.org/semapv/vocab/",
    "sh": "http://www.w3.org/ns/shacl#",
    "shisaku": ONTOLOGY,
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "sssom": "https://w3id.org/sssom/",
    "time": "http://www.w3.org/2006/time#",
    "void": "http://rdfs.org/ns/void#",
    "void-ext": "http://ldf.fi/void-ext#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


def to_curie(iri: str, prefixes: Mapping[str, str] = PREFIXES) -> str:
    """Return the prefixed name (CURIE) of an IRI, or the IRI if it has no known prefix."""
    for prefix, namespace in prefixes.items():
        if iri.startswith(namespace):
            return f"{prefix}:{iri.removeprefix(namespace)}"
    return iri


def slug(text: str) -> str:
    """Return `x-` and the first 10 hex digits of the SHA-256 of the NFKC text without white space.

    The key of an entity that is in no code list: two printed forms that differ in width or line wraps share it.
    """
    return "x-" + hashlib.sha256(plain(text).encode()).hexdigest()[:10]


def term(name: str) -> str:
    """Return the IRI of a term of the ontology."""
    return ONTOLOGY + name


def edition(key: str) -> str:
    """Return the IRI of one edition of the table."""
    return f"{ID}edition/{key}"


def measure(edition_key: str, key: str) -> str:
    """Return the IRI of a listed measure; `key` is its national number, or `row-N`, or `line-N`."""
    return f"{ID}{edition_key}/measure/{key}"


def revision(edition_key: str, key: str) -> str:
    """Return the IRI of the revision record of a measure that continues, or may continue, an earlier one."""
    return f"{ID}{edition_key}/revision/{key}"


def local_measure(plan: str, key: str) -> str:
    """Return the IRI of a measure of a local plan; `key` is the number that the plan gives it, or `line-N`."""
    return f"{ID}local-plan/{plan}/measure/{key}"


def kpi(measure_iri: str, kind: str, position: int) -> str:
    """Return the IRI of the `position`-th KPI (from 1) of its kind."""
    return f"{measure_iri}/kpi/{kind}-{position}"


def target(kpi_iri: str, position: int) -> str:
    """Return the IRI of the `position`-th target (from 1) of a KPI."""
    return f"{kpi_iri}/target-{position}"


def shared(kind: str, key: str) -> str:
    """Return the IRI of an entity shared by measures: organization, pillar, effect, unit, budget, document …"""
    return f"{ID}{kind}/{key}"


def source_row(edition_key: str, row_key: str) -> str:
    """Return the IRI of a row of the source document; `row_key` is the printed No where it is unique, else `line-N`."""
    return f"{ID}source/{edition_key}/row/{row_key}"


def source_cell(row_iri: str, position: int) -> str:
    """Return the IRI of a cell of a source row; `position` counts from 1."""
    return f"{row_iri}/cell/{position}"


def mention(cell_iri: str, position: int) -> str:
    """Return the IRI of the `position`-th mention (from 1) of a shared entity in a cell."""
    return f"{cell_iri}/mention/{position}"


def plan_measure(plan: str, number: str) -> str:
    """Return the IRI of a national measure of a plan, which several tables may list."""
    return f"{ID}plan/{plan}/measure/{number}"


_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:-on)?")
PERIOD_KINDS = {"FY": "fiscal-year", "CY": "calendar-year"}


def period(code: str) -> str:
    """Return the IRI of a period from its code: `FY2019`, `CY2020-2024`, `FY2019-H1`, `2020-11` or `2020-11-30`.

    The code of an open-ended period ends in `-on`: `FY2021-on`.
    """
    prefix, period_code = code[:2], code[2:]
    if prefix in PERIOD_KINDS:
        return shared(PERIOD_KINDS[prefix], period_code)
    return shared("day" if _DAY.fullmatch(code) else "month", code)


_WIKIDATA = "http://www.wikidata.org/entity/"
_ITEM = re.compile(r"(?:wd:|wikidata:)?([QPL][1-9][0-9]*)", re.IGNORECASE)
_ON_WIKIDATA = re.compile(
    r"/(?:wiki/(?:Special:Entity(?:Data|Page)/|Property:|Lexeme:)?|entity/)([QPL][1-9][0-9]*)(?:\.\w+)?/?"
)
_CORPORATE = re.compile(r"T?([0-9]{13})")  # with T it is a number of the invoice system
_IN_ADDRESS = re.compile(r"(?<![0-9])[0-9]{13}(?![0-9])")
_REGISTERS = ("nta.go.jp", "gbiz.go.jp")
_EGOV = "e-gov.go.jp"
_LAW = "https://laws.e-gov.go.jp/law/"
_LAW_ID = re.compile(r"(?<![0-9A-Z])([1-5])([0-9]{2})([A-Z]{2})([0-9A-Z])([0-9A-Z]{3})([0-9]{6})(?![0-9A-Z])")
_LAW_FILE = re.compile(r"(?<![0-9A-Z])([MTSHR])([0-9]{2})(HO|SE)([0-9]{3,4})(?![0-9])")
_ERAS = {"1": "明治", "2": "大正", "3": "昭和", "4": "平成", "5": "令和"} | dict(
    zip("MTSHR", ("明治", "大正", "昭和", "平成", "令和"), strict=True)
)
_DIGITS, _TENS = "〇一二三四五六七八九", {"十": 10, "百": 100, "千": 1000}
_IN_CHARACTERS = re.compile(r"(?<=[治正和成第])[〇一二三四五六七八九十百千]{1,9}(?=[年号])")
_KINDS = {"AC": "法律", "HO": "法律", "CO": "政令", "SE": "政令"}
_CITED = re.compile(r"(明治|大正|昭和|平成|令和)\s*(元|[0-9]+)\s*年\s*(法律|政令)\s*第?\s*([0-9]+)\s*号")


def linkable_addresses(text: str) -> Iterator[str]:
    """Yield the IRIs of other datasets that a text, URL or identifier stands for."""
    host, path = _host_and_path(text)
    plain = unicodedata.normalize("NFKC", text).strip()
    item = _ON_WIKIDATA.fullmatch(path) if _in_domain(host, "wikidata.org") else _ITEM.fullmatch(plain)
    if item:
        yield _WIKIDATA + item[1].upper()
    if _in_domain(host, _EGOV) or not host:
        found = _LAW_ID.search(plain.upper())  # it may be followed by the ID of the amending law
        if found:
            yield _LAW + found[0]


def linkable_identifiers(text: str) -> Iterator[str]:
    """Yield the corporate numbers, law IDs and law citations in a text or in a URL of the issuing site."""
    host, _ = _host_and_path(text)
    plain = unquote(unicodedata.normalize("NFKC", text)).strip()
    bare = re.sub(r"[\s-]", "", plain)
    if not host and (number := _CORPORATE.fullmatch(bare)):
        yield number[1]
    if any(_in_domain(host, register) for register in _REGISTERS):
        yield from _IN_ADDRESS.findall(plain)
    if _in_domain(host, _EGOV) or not host:
        if found := _LAW_ID.search(plain.upper()):
            yield found[0]
            yield from _law_citations(_ERAS[found[1]], found[2], _KINDS.get(found[3], ""), found[6])
        if found := _LAW_FILE.search(plain.upper()):
            yield from _law_citations(_ERAS[found[1]], found[2], _KINDS[found[3]], found[4])
    if not host:
        for found in _CITED.finditer(_IN_CHARACTERS.sub(lambda number: str(_kanji_number(number[0])), plain)):
            yield from _law_citations(found[1], found[2].replace("元", "1"), found[3], found[4])


def _kanji_number(characters: str) -> int:
    """Parse a number in kanji: 三十九, or digit by digit, 三九."""
    total = part = 0
    for character in characters:
        if character in _TENS:
            total += (part or 1) * _TENS[character]
            part = 0
        else:
            part = part * 10 + _DIGITS.index(character)
    return total + part


def _law_citations(era: str, year: str, kind: str, number: str) -> Iterator[str]:
    """Yield the citations of a law by its number."""
    if kind:
        yield from (
            f"{era}{year_text}年{kind}第{int(number)}号"
            for year_text in ([str(int(year)), "元"] if int(year) == 1 else [str(int(year))])
        )


def _host_and_path(text: str) -> tuple[str, str]:
    """Return host and path of a URL with or without scheme; both are empty if it is not a URL."""
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        host = parts.hostname or ""
    except ValueError:
        return "", ""
    return (host, unquote(parts.path)) if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host) else ("", "")


def _in_domain(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


# Whether this process has its own base.
REBASED = BASE != CANONICAL

_SH = PREFIXES["sh"]
_IRIS_AS_TEXT = {
    PREFIXES["void"] + "uriSpace",
    "http://purl.org/vocab/vann/preferredNamespaceUri",
    _SH + "namespace",
}
_QUERIES_AS_TEXT = {_SH + form for form in ("select", "ask", "construct")}


def served_iri(iri: str) -> str:
    """Return the IRI in this process of a canonical IRI."""
    return BASE + iri.removeprefix(CANONICAL) if REBASED and iri.startswith(CANONICAL) else iri


def canonical_iri(iri: str) -> str:
    """Return the canonical IRI of an IRI in this process."""
    return CANONICAL + iri.removeprefix(BASE) if REBASED and iri.startswith(BASE) else iri


def served_quad(quad: Quad) -> Quad:
    """Return a statement of a file, with its graph, with the IRIs of this process."""
    if not REBASED:
        return quad
    value = quad.object
    value = _literal(quad.predicate.value, value) if isinstance(value, Literal) else _term(value)
    return Quad(_term(quad.subject), _term(quad.predicate), value, _term(quad.graph_name))


def served_query(text: str) -> str:
    """Return a stored query with the IRIs of this process; strings and comments are unchanged."""
    return rebase_query(BASE, text) if REBASED else text


def rebase_query(base: str, query: str) -> str:
    """Return a query with its canonical IRIs rebased for a server with this base."""

    def rebased(iri: str) -> str:
        return base + iri.removeprefix(CANONICAL) if iri.startswith(CANONICAL) else iri

    return sparql_scanner.with_iris(query, rebased)


def _term(term: Any) -> Any:
    """Return a term, including a triple term (RDF 1.2), with the IRIs of this process."""
    if isinstance(term, NamedNode):
        return NamedNode(served_iri(term.value)) if term.value.startswith(CANONICAL) else term
    if isinstance(term, Triple):
        return Triple(_term(term.subject), _term(term.predicate), _term(term.object))
    return term


def _literal(predicate: str, literal: Literal) -> Literal:
    if literal.language:
        return literal
    if predicate in _IRIS_AS_TEXT:
        return Literal(served_iri(literal.value), datatype=literal.datatype)
    if predicate in _QUERIES_AS_TEXT:
        return Literal(served_query(literal.value), datatype=literal.datatype)
    return literal


# IRIs of the formats as the W3C defines them, hyphens and underscore included.
_FORMATS = "http://www.w3.org/ns/formats/"
_RESULTS = ("SPARQL_Results_JSON", "SPARQL_Results_XML", "SPARQL_Results_CSV", "SPARQL_Results_TSV")
_GRAPHS = ("Turtle", "N-Triples", "JSON-LD", "RDF_XML", "TriG", "N-Quads")
_SD, _VOID = PREFIXES["sd"], PREFIXES["void"]
_TYPE = NamedNode(PREFIXES["rdf"] + "type")
_INTEGER = NamedNode(PREFIXES["xsd"] + "integer")


def service_description(
    endpoint: str, triples: int, named_graphs: Iterable[str], default: str = "", federated: bool = False
) -> Iterator[Triple]:
    """Yield the description of an endpoint: languages, formats, default graph with its size, named graphs.

    `default` is the IRI of the default graph if it has its own description (VoID). `federated` is whether SERVICE is
    supported for some endpoints (SPARQL 1.1 Federated Query). There are no blank nodes.
    """
    service, dataset = NamedNode(f"{endpoint}#service"), NamedNode(f"{endpoint}#dataset")
    graph = NamedNode(default or f"{endpoint}#graph")

    def say(subject: NamedNode, word: str, value: NamedNode) -> Triple:
        return Triple(subject, NamedNode(_SD + word), value)

    def is_a(subject: NamedNode, word: str) -> Triple:
        return Triple(subject, _TYPE, NamedNode(_SD + word))

    yield is_a(service, "Service")
    yield say(service, "endpoint", NamedNode(endpoint))
    for language in ("SPARQL10Query", "SPARQL11Query"):
        yield say(service, "supportedLanguage", NamedNode(_SD + language))
    if federated:
        yield say(service, "feature", NamedNode(_SD + "BasicFederatedQuery"))
    for name in (*_RESULTS, *_GRAPHS):
        yield say(service, "resultFormat", NamedNode(_FORMATS + name))
    yield say(service, "defaultDataset", dataset)
    yield is_a(dataset, "Dataset")
    yield say(dataset, "defaultGraph", graph)
    yield is_a(graph, "Graph")
    yield Triple(graph, NamedNode(_VOID + "triples"), Literal(str(triples), datatype=_INTEGER))
    for number, name in enumerate(sorted(named_graphs), 1):
        named = NamedNode(f"{endpoint}#named-graph-{number}")
        yield say(dataset, "namedGraph", named)
        yield is_a(named, "NamedGraph")
        yield say(named, "name", NamedNode(name))
