"""Queries about one resource: existence, document, related data for its page, similar IRIs; and the route `/lookup`.

The store is accessed by SPARQL only, so it may be remote. Most queries are stored queries, which users can run as well.

`/lookup?iri=…` finds a resource by its own IRI or by that of a resource of another graph that it is linked to; also by
a corporate number, a law ID, a Wikidata item, or current and former web addresses of these.
"""

import asyncio
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import quote, unquote

from fastapi import APIRouter, Request, Response
from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, parse

from kg.core.errors import QueryError
from kg.core.iris import BASE, CANONICAL, ID, PREFIXES, linkable_addresses, linkable_identifiers
from kg.core.negotiation import N_TRIPLES
from kg.core.paths import project_folders
from kg.core.release import Release
from kg.core.stored_queries import fill_values, stored_query
from kg.http.openapi import redirect_docs, response_docs
from kg.http.query_client import (
    RowType,
    RunQuery,
    StoredRow,
    Term,
    checked_query_text,
    fetch_existing,
    fetch_rows,
    is_iri,
)
from kg.http.responses import SAFE, DocumentRequest, Notice, link, notice_response, path_of, redirect_response
from kg.http.sparql_endpoint import Refusal
from kg.web.layouts import Layout

PAGE_SIZE = 100
DOCUMENT_QUERY = "document-about-a-thing"
ADDRESS_QUERY = "things-linked-to-an-address"
_WINDOW = re.compile(rf"LIMIT {PAGE_SIZE} OFFSET \d+")
# Statements about a resource in named graphs, used if the default graph has none, such as a validation result.
_IN_NAMED_GRAPHS = """CONSTRUCT { ?subject ?property ?value } WHERE {
  { VALUES ?subject { } GRAPH ?graph { ?subject ?property ?value } }
  UNION { VALUES ?value { } GRAPH ?graph { ?subject ?property ?value } }
}"""
_INBOUND = """SELECT (COUNT(*) AS ?inbound) { VALUES ?thing { } ?from ?link ?thing .
  FILTER(!STRSTARTS(STR(?from), CONCAT(STR(?thing), "/"))) }"""
_ANY_URI = NamedNode(PREFIXES["xsd"] + "anyURI")
_NEAR = 8  # similar IRIs in a notice
_LONGEST = 500  # characters of an IRI for which similar ones are searched


@dataclass(frozen=True)
class Description:
    """The document of a resource. `inbound` is the number of incoming links, over all pages."""

    thing: str
    triples: Sequence[Triple]
    page: int
    inbound: int

    @property
    def pages(self) -> int:
        """The number of pages of incoming links."""
        return max(1, -(-self.inbound // PAGE_SIZE))


class ResourceClient:
    """Queries about the resources of a graph, from two stored queries; raises QueryError if these are unsuitable."""

    def __init__(self, run_query: RunQuery) -> None:
        self._run_query = run_query
        self._document = checked_query_text(DOCUMENT_QUERY, "thing", _WINDOW)
        self._linked = checked_query_text(ADDRESS_QUERY, "address")

    async def first_existing(self, candidates: Sequence[str]) -> str | None:
        """Return the first of these IRIs that occurs in the graph, or None."""
        existing = await fetch_existing(self._run_query, candidates, named_graphs=True)
        return next((iri for iri in candidates if iri in existing), None)

    async def describe(self, thing: str, page: int = 1) -> Description | None:
        """Return the description of a resource with one page of incoming links; None if it does not occur."""
        query = _WINDOW.sub(
            f"LIMIT {PAGE_SIZE} OFFSET {(page - 1) * PAGE_SIZE}", fill_values(self._document, thing=[thing])
        )
        body = await self._run_query(query, N_TRIPLES)
        triples = [quad.triple for quad in parse(body, format=RdfFormat.N_TRIPLES)]
        if not triples:
            body = await self._run_query(fill_values(_IN_NAMED_GRAPHS, subject=[thing], value=[thing]), N_TRIPLES)
            triples = [quad.triple for quad in parse(body, format=RdfFormat.N_TRIPLES)]
        inbound = sum(1 for t in triples if t.object == NamedNode(thing) and not _under(t.subject, thing))
        if page > 1 or inbound >= PAGE_SIZE:
            inbound = int((await self.values(fill_values(_INBOUND, thing=[thing]), "inbound"))[0])
        return Description(thing, triples, page, inbound) if triples else None

    async def linked_to(self, addresses: Sequence[str]) -> list[str]:
        """Return the resources of this graph that are linked to one of these IRIs, in order."""
        terms = list[Term](iri for iri in addresses if is_iri(iri))
        for iri in addresses:
            terms += [Literal(iri), Literal(iri, datatype=_ANY_URI)]
        return [iri for iri in await self.values(fill_values(self._linked, address=terms)) if iri.startswith(BASE)]

    async def similar_iris(self, iri: str) -> list[str]:
        """Return resources with IRIs similar to an unknown one: its parents, children and siblings."""
        if len(iri) > _LONGEST or not iri.startswith(ID):
            return []
        parents = [iri[:end] for end, character in enumerate(iri) if character == "/" and end > len(ID)]
        above = [parent for parent in parents if await self.first_existing([parent])]
        siblings = await self._under(iri) or await self._under(iri.rpartition("/")[0])
        return [*reversed(above), *(difflib.get_close_matches(iri, siblings, _NEAR, 0.5) or siblings[:_NEAR])]

    async def _under(self, iri: str) -> list[str]:
        """Return the resources one path segment below an IRI."""
        folder = Literal(f"{iri}/")
        query = f"""SELECT DISTINCT ?thing {{ ?thing a ?class .
          FILTER(STRSTARTS(STR(?thing), {folder}) && !CONTAINS(STRAFTER(STR(?thing), {folder}), "/")) }}
          ORDER BY ?thing LIMIT 1000"""
        return await self.values(query)

    async def values(self, query: str, variable: str = "thing") -> list[str]:
        """Return the distinct values of a variable in the result of a SELECT query."""
        return list(dict.fromkeys(row[variable] for row in await fetch_rows(self._run_query, query)))


def candidate_iris(base: str, raw_path: str) -> list[str]:
    """Return the IRIs that a path can mean: as sent, and percent-decoded."""
    return list(dict.fromkeys([base + raw_path, base + unquote(raw_path, errors="replace")]))


def _under(subject: object, thing: str) -> bool:
    return isinstance(subject, NamedNode) and subject.value.startswith(f"{thing}/")


@dataclass(frozen=True)
class MentionRow(StoredRow):
    """A mention of a resource: printed words, place, and the measure."""

    query: ClassVar[str] = "mentions-of-a-thing"
    printed: str
    page: str
    line: str
    position: str
    measure: str
    number: str
    cell: str


@dataclass(frozen=True)
class SimilarRow(StoredRow):
    """A resource that shares others with this one."""

    query: ClassVar[str] = "things-like-a-thing"
    other: str
    number: str
    name_ja: str
    name_en: str
    shared: int
    first_shared: str


SOURCES_QUERY = "sources-of-a-thing"
# Number of incoming links by property, used if not all of them are on one page.
_COUNTS = """SELECT ?link (COUNT(?from) AS ?things) WHERE {
  VALUES ?thing { }
  ?from ?link ?thing .
} GROUP BY ?link"""


@dataclass(frozen=True)
class RelatedData:
    """Related data of a resource page, as query results; `query` is that of its document."""

    query: str
    sources: Sequence[Triple] = ()
    mentions: Sequence[MentionRow] = ()
    alike: Sequence[SimilarRow] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


class RelatedDataClient:
    """Queries of the related data of resources. A deleted stored query is skipped."""

    def __init__(self, run_query: RunQuery) -> None:
        self._run_query = run_query
        self._texts: dict[str, str] = {}  # by name of the stored query
        self.document = stored_query(project_folders().queries, DOCUMENT_QUERY).text
        for name in (SOURCES_QUERY, MentionRow.query, SimilarRow.query):
            try:
                self._texts[name] = stored_query(project_folders().queries, name).text
            except QueryError:
                continue

    async def of(self, description: Description, layout: Layout) -> RelatedData:
        """Return the related data for the page of a resource with this layout."""
        thing = description.thing
        sources, mentions, alike, counts = await asyncio.gather(
            self._graph(thing) if "sources" in layout.related else _empty(),
            self._rows(MentionRow, thing) if "mentions" in layout.related else _empty(),
            self._rows(SimilarRow, thing) if "alike" in layout.related else _empty(),
            fetch_rows(self._run_query, fill_values(_COUNTS, thing=[thing])) if description.pages > 1 else _empty(),
        )
        inbound = {row["link"]: int(row["things"]) for row in counts}
        return RelatedData(fill_values(self.document, thing=[thing]), sources, mentions, alike, inbound)

    async def _graph(self, thing: str) -> list[Triple]:
        if SOURCES_QUERY not in self._texts:
            return []
        body = await self._run_query(fill_values(self._texts[SOURCES_QUERY], thing=[thing]), N_TRIPLES)
        return [quad.triple for quad in parse(body, format=RdfFormat.N_TRIPLES)]

    async def _rows(self, row_type: type[RowType], thing: str) -> list[RowType]:
        if row_type.query not in self._texts:
            return []
        rows = await fetch_rows(self._run_query, fill_values(self._texts[row_type.query], thing=[thing]))
        return [row_type.of(row) for row in rows]


async def _empty() -> list:  # type: ignore[type-arg]
    return []


_PROPERTIES = " ".join(
    f"<{PREFIXES[prefix]}{name}>"
    for prefix, name in (
        ("org", "identifier"),
        ("dcterms", "identifier"),
        ("shisaku", "lawId"),
        ("shisaku", "lawNumber"),
    )
)
_IDENTIFIED = f"""SELECT DISTINCT ?thing {{ VALUES ?value {{ }} VALUES ?property {{ {_PROPERTIES} }}
  ?thing ?property ?value }} ORDER BY ?thing LIMIT 100"""
_PREFIXES = {"id": ID, "shisaku": PREFIXES["shisaku"]}
_ANSWERS = {**redirect_docs(303), **response_docs("application/json", "text/html", status=300)}


def router(run_query: RunQuery, release: Release | None) -> APIRouter:
    """Return the route of the lookup."""
    routes = APIRouter(tags=["things"])
    things = ResourceClient(run_query)
    given_up = release.redirects_by_iri if release else {}

    @routes.get(
        "/lookup", summary="Find the thing that an IRI means or is linked to", status_code=303, responses=_ANSWERS
    )
    async def lookup(request: Request, iri: str = "") -> Response:
        document = DocumentRequest(request, "lookup")
        iri = iri.strip()
        if not iri:
            raise Refusal(400, "say which IRI is looked for: /lookup?iri=https://…")
        if own := _own_iri(iri):
            if own.endswith("/") and not await things.first_existing([own]):
                own = own.rstrip("/")
            if not own.startswith(ID) or own in given_up or await things.first_existing([own]):
                return _redirect_to(document, own)
            matches = []
        else:
            matches = await things.linked_to(_spellings(iri)) or await _by_identifier(things, iri)
        if len(matches) == 1:
            return _redirect_to(document, matches[0])
        return notice_response(
            document,
            _ambiguous_notice(iri, matches) if matches else _not_found_notice(iri),
            [(path_of(each), each) for each in matches],
        )

    return routes


def _redirect_to(document: DocumentRequest, iri: str) -> Response:
    return redirect_response(303, document.root + path_of(iri), {"Link": link(quote(iri, safe=SAFE + "#"), "cite-as")})


async def _by_identifier(things: ResourceClient, text: str) -> list[str]:
    """Return the resources with this number, or those linked to the current form of an obsolete address."""
    addresses = [spelling for address in linkable_addresses(text) for spelling in _spellings(address)]
    matches = await things.linked_to(addresses) if addresses else []
    numbers = list(dict.fromkeys(linkable_identifiers(text)))
    terms: list[Term] = [*map(Literal, numbers), *(Literal(number, language="ja") for number in numbers)]
    if terms and not matches:
        matches = [iri for iri in await things.values(fill_values(_IDENTIFIED, value=terms)) if iri.startswith(BASE)]
    return matches


def _own_iri(iri: str) -> str:
    """Return the IRI of this graph, from either scheme, its canonical or its prefixed form; empty for external IRIs."""
    prefix, _, local = iri.partition(":")
    if prefix in _PREFIXES and local and not local.startswith("//"):
        return _PREFIXES[prefix] + local
    bare = iri.partition("://")[2]
    for base in sorted((BASE, CANONICAL), key=len, reverse=True):  # longest first: one may extend the other
        start = base.partition("://")[2]
        if bare.startswith(start):
            return BASE + bare.removeprefix(start)
    return ""


def _spellings(iri: str) -> list[str]:
    """Return the variants of an IRI, with http and https, with and without trailing slash, as links are written."""
    scheme, mark, remainder = iri.partition("://")
    if scheme not in ("http", "https"):
        return [iri]
    remainder = quote(remainder, safe=SAFE + "?#")  # links are written as URIs
    bare = remainder.removesuffix("/")
    return list(
        dict.fromkeys(
            [iri, *(f"{way}{mark}{end}" for way in ("https", "http") for end in (remainder, bare, f"{bare}/"))]
        )
    )


def _ambiguous_notice(iri: str, matches: list[str]) -> Notice:
    text = (f"{iri} に結び付けられた事物は{len(matches)}件あります。", f"{len(matches)} things are linked to {iri}")
    return Notice(300, ("いくつかあります", "Several things"), text, matches)


def _not_found_notice(iri: str) -> Notice:
    text = (
        f"{iri} を指すもの、または {iri} に結び付けられた事物は、このグラフにありません。SPARQL で名称から探せます。",
        f"this graph has nothing that {iri} means or is linked to; look for it by its name with SPARQL (/sparql)",
    )
    return Notice(404, ("見つかりません", "Not found"), text)
