"""The IRI of every kind of thing. ASCII only; the patterns are a public contract.

`id/` names a thing, `def#` is the ontology. An IRI is made of keys that a curator chose or of what is printed, never of
a position in a program's data.

One base is in force in a process and in those it starts. It is the canonical one, but in a server that has been given
one of its own (`kg serve --base`): so all that a server says agrees, and none of its modules has to think of it.

Other ways to write what things are known by: numbers as such, and addresses of sites that have moved.

A corporate number stands alone or in an address of the registers; an item of Wikidata by its page, its data or its
number; a law by its ID or its file name in any address that e-Gov has had, or as it is cited.

From the canonical names, which every file holds, to the names of a server that has a base of its own.

Nothing changes where the base is the canonical one. Else every IRI under it is renamed, and nothing that is printed is:
a literal stays as it is, with its datatype. A few properties alone have a name or a query for their text, by their
specifications (VoID, VANN, SHACL); left alone, they would speak of a graph that is not the one served.
"""

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from pyoxigraph import Literal, NamedNode, Quad, Triple

from kg.core import sparql_scanner
from kg.core.spans import plain

CANONICAL = "https://w3id.org/shisaku/"  # what every file holds: the recipe, the releases, the stored queries
SERVED_BASE = "KG_SERVED_BASE"  # the variable by which `kg serve` hands on the base to itself and to its zygote
BASE = os.environ.get(SERVED_BASE) or CANONICAL
ONTOLOGY = BASE + "def#"
ID = BASE + "id/"

# The prefixes of what the graph is written in.
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


def slug(text: str) -> str:
    """Return `x-` and the first 10 hex digits of the SHA-256 of the NFKC text without white space.

    The name of a thing that no code list knows: two printings that differ in width or line wraps share it.
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
    """Return the IRI of the record that a measure of an edition continues an earlier one, or may."""
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
    """Return the IRI of a thing that several measures share: organization, pillar, effect, unit, budget, document …"""
    return f"{ID}{kind}/{key}"


def source_row(edition_key: str, row_key: str) -> str:
    """Return the IRI of a row of the source document; `row_key` is the printed No where it is unique, else `line-N`."""
    return f"{ID}source/{edition_key}/row/{row_key}"


def source_cell(row_iri: str, position: int) -> str:
    """Return the IRI of a cell of a source row; `position` counts from 1."""
    return f"{row_iri}/cell/{position}"


def mention(cell_iri: str, position: int) -> str:
    """Return the IRI of the `position`-th naming (from 1) of a shared thing in a cell."""
    return f"{cell_iri}/mention/{position}"


def plan_measure(plan: str, number: str) -> str:
    """Return the IRI of a national measure of a plan, which several tables may list."""
    return f"{ID}plan/{plan}/measure/{number}"


_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:-on)?")
PERIOD_KINDS = {"FY": "fiscal-year", "CY": "calendar-year"}


def period(code: str) -> str:
    """Return the IRI of a period from its code: `FY2019`, `CY2020-2024`, `FY2019-H1`, `2020-11` or `2020-11-30`.

    What has no end has a code that ends in `-on`: `FY2021-on`.
    """
    prefix, rest = code[:2], code[2:]
    if prefix in PERIOD_KINDS:
        return shared(PERIOD_KINDS[prefix], rest)
    return shared("day" if _DAY.fullmatch(code) else "month", code)


_WIKIDATA = "http://www.wikidata.org/entity/"
_ITEM = re.compile(r"(?:wd:|wikidata:)?([QPL][1-9][0-9]*)", re.IGNORECASE)
_ON_WIKIDATA = re.compile(
    r"/(?:wiki/(?:Special:Entity(?:Data|Page)/|Property:|Lexeme:)?|entity/)([QPL][1-9][0-9]*)(?:\.\w+)?/?"
)
_CORPORATE = re.compile(r"T?([0-9]{13})")  # T: as a number of the invoice system
_IN_ADDRESS = re.compile(r"(?<![0-9])[0-9]{13}(?![0-9])")
_REGISTERS = ("nta.go.jp", "gbiz.go.jp")
_EGOV = "e-gov.go.jp"
_LAW = "https://laws.e-gov.go.jp/law/"
_LAW_ID = re.compile(r"(?<![0-9A-Z])([1-5])([0-9]{2})([A-Z]{2})([0-9A-Z])([0-9A-Z]{3})([0-9]{6})(?![0-9A-Z])")
_FILE = re.compile(r"(?<![0-9A-Z])([MTSHR])([0-9]{2})(HO|SE)([0-9]{3,4})(?![0-9])")
_ERAS = {"1": "明治", "2": "大正", "3": "昭和", "4": "平成", "5": "令和"} | dict(
    zip("MTSHR", ("明治", "大正", "昭和", "平成", "令和"), strict=True)
)
_DIGITS, _TENS = "〇一二三四五六七八九", {"十": 10, "百": 100, "千": 1000}
_IN_CHARACTERS = re.compile(r"(?<=[治正和成第])[〇一二三四五六七八九十百千]{1,9}(?=[年号])")
_KINDS = {"AC": "法律", "HO": "法律", "CO": "政令", "SE": "政令"}
_CITED = re.compile(r"(明治|大正|昭和|平成|令和)\s*(元|[0-9]+)\s*年\s*(法律|政令)\s*第?\s*([0-9]+)\s*号")


def addresses_of(text: str) -> Iterator[str]:
    """Yield the addresses that things may be linked to by, of what is meant by a text or another address of it."""
    host, path = _parted(text)
    plain = unicodedata.normalize("NFKC", text).strip()
    item = _ON_WIKIDATA.fullmatch(path) if _is_of(host, "wikidata.org") else _ITEM.fullmatch(plain)
    if item:
        yield _WIKIDATA + item[1].upper()
    if _is_of(host, _EGOV) or not host:
        found = _LAW_ID.search(plain.upper())  # behind it there may stand the law that has changed it
        if found:
            yield _LAW + found[0]


def identifiers_of(text: str) -> Iterator[str]:
    """Yield the numbers that a text is, or that stand in an address of the site that gives them."""
    host, _ = _parted(text)
    plain = unquote(unicodedata.normalize("NFKC", text)).strip()
    bare = re.sub(r"[\s-]", "", plain)
    if not host and (number := _CORPORATE.fullmatch(bare)):
        yield number[1]
    if any(_is_of(host, register) for register in _REGISTERS):
        yield from _IN_ADDRESS.findall(plain)
    if _is_of(host, _EGOV) or not host:
        if found := _LAW_ID.search(plain.upper()):
            yield found[0]
            yield from _cited(_ERAS[found[1]], found[2], _KINDS.get(found[3], ""), found[6])
        if found := _FILE.search(plain.upper()):
            yield from _cited(_ERAS[found[1]], found[2], _KINDS[found[3]], found[4])
    if not host:
        for found in _CITED.finditer(_IN_CHARACTERS.sub(lambda number: str(_number(number[0])), plain)):
            yield from _cited(found[1], found[2].replace("元", "1"), found[3], found[4])


def _number(characters: str) -> int:
    """Return a number that is written in characters: 三十九, or digit by digit, 三九."""
    total = part = 0
    for character in characters:
        if character in _TENS:
            total += (part or 1) * _TENS[character]
            part = 0
        else:
            part = part * 10 + _DIGITS.index(character)
    return total + part


def _cited(era: str, year: str, kind: str, number: str) -> Iterator[str]:
    """Yield how a law is cited by its number."""
    if kind:
        yield from (
            f"{era}{said}年{kind}第{int(number)}号"
            for said in ([str(int(year)), "元"] if int(year) == 1 else [str(int(year))])
        )


def _parted(text: str) -> tuple[str, str]:
    """Return host and path of an address, with its scheme or without; nothing for what is none."""
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        host = parts.hostname or ""
    except ValueError:
        return "", ""
    return (host, unquote(parts.path)) if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host) else ("", "")


def _is_of(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


# Whether this process names things in its own way.
REBASED = BASE != CANONICAL

_SH = PREFIXES["sh"]
_NAMES_AS_TEXT = {
    PREFIXES["void"] + "uriSpace",
    "http://purl.org/vocab/vann/preferredNamespaceUri",
    _SH + "namespace",
}
_QUERIES_AS_TEXT = {_SH + form for form in ("select", "ask", "construct")}


def served_iri(iri: str) -> str:
    """Return the name that this process gives to what a file calls by this IRI."""
    return BASE + iri.removeprefix(CANONICAL) if REBASED and iri.startswith(CANONICAL) else iri


def canonical_iri(iri: str) -> str:
    """Return by what IRI a file calls what this process gives this name."""
    return CANONICAL + iri.removeprefix(BASE) if REBASED and iri.startswith(BASE) else iri


def served_quad(quad: Quad) -> Quad:
    """Return a statement of a file, with its graph, in the names of this process."""
    if not REBASED:
        return quad
    value = quad.object
    value = _literal(quad.predicate.value, value) if isinstance(value, Literal) else _term(value)
    return Quad(_term(quad.subject), _term(quad.predicate), value, _term(quad.graph_name))


def served_query(text: str) -> str:
    """Return a stored query in the names of this process: its IRIs are replaced, its texts and comments are not."""
    return under(BASE, text) if REBASED else text


def under(base: str, query: str) -> str:
    """Return a query with canonical names in the names of a server that has this base."""

    def named(iri: str) -> str:
        return base + iri.removeprefix(CANONICAL) if iri.startswith(CANONICAL) else iri

    return sparql_scanner.with_iris(query, named)


def _term(term: Any) -> Any:
    """Return a term of any kind in the names of this process; a triple term (RDF 1.2) is made of terms."""
    if isinstance(term, NamedNode):
        return NamedNode(served_iri(term.value)) if term.value.startswith(CANONICAL) else term
    if isinstance(term, Triple):
        return Triple(_term(term.subject), _term(term.predicate), _term(term.object))
    return term


def _literal(predicate: str, literal: Literal) -> Literal:
    if literal.language:
        return literal
    if predicate in _NAMES_AS_TEXT:
        return Literal(served_iri(literal.value), datatype=literal.datatype)
    if predicate in _QUERIES_AS_TEXT:
        return Literal(served_query(literal.value), datatype=literal.datatype)
    return literal
