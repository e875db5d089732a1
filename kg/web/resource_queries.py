"""What the graph says about one thing: its document, whether there is such a thing, what is near, what is linked to it.

The store is asked by SPARQL only, through `ask`, so it may be anywhere. Text of a request becomes part of a query only
as a term that the engine itself has checked and written.

What the page of a thing tells beside its facts: where it was read, where it is named, and what is like it.

Each is a stored query, so that anybody can ask the same.

`/lookup?iri=…`: finds our thing by any IRI, its own or one of another graph that it is linked to.

A corporate number, a law ID or an item of Wikidata will do as well, and addresses that the sites of these have had.
"""

import asyncio
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from fastapi import APIRouter, Request, Response
from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, parse

from kg.core.errors import QueryError
from kg.core.iris import BASE, CANONICAL, ID, PREFIXES, linkable_addresses, linkable_identifiers
from kg.core.negotiation import N_TRIPLES
from kg.core.paths import project_folders
from kg.core.release import Release
from kg.core.stored_queries import stored_query
from kg.http.openapi import answered, led
from kg.http.query_client import Ask, Row, Term, checked, fill_values, is_iri, rows
from kg.http.responses import SAFE, Asked, Notice, link, path_of, redirect, told
from kg.http.sparql_endpoint import Refusal
from kg.web.layouts import Kind

PAGE_SIZE = 100
DOCUMENT_QUERY = "document-about-a-thing"
ADDRESS_QUERY = "things-linked-to-an-address"
_WINDOW = re.compile(rf"LIMIT {PAGE_SIZE} OFFSET \d+")
# What the graphs beside the default graph say of a thing that it does not know, such as a result of the validation.
_BESIDE = """CONSTRUCT { ?subject ?property ?value } WHERE {
  { VALUES ?subject { } GRAPH ?graph { ?subject ?property ?value } }
  UNION { VALUES ?value { } GRAPH ?graph { ?subject ?property ?value } }
}"""
_KNOWN = """SELECT ?thing { VALUES ?thing { }
  FILTER(EXISTS { ?thing ?p ?o } || EXISTS { ?s ?q ?thing } || EXISTS { GRAPH ?g { ?thing ?r ?u } }) }"""
_INBOUND = """SELECT (COUNT(*) AS ?inbound) { VALUES ?thing { } ?from ?link ?thing .
  FILTER(!STRSTARTS(STR(?from), CONCAT(STR(?thing), "/"))) }"""
_ANY_URI = NamedNode(PREFIXES["xsd"] + "anyURI")
_NEAR = 8  # names that a reader takes in at a glance
_LONGEST = 500  # characters of an IRI; nobody mistypes a longer one


@dataclass(frozen=True)
class Description:
    """What a document says about a thing. `inbound` counts the statements of others about it, over all pages."""

    thing: str
    triples: Sequence[Triple]
    page: int
    inbound: int

    @property
    def pages(self) -> int:
        """The number of pages that the inbound statements take."""
        return max(1, -(-self.inbound // PAGE_SIZE))


class Things:
    """The things of a graph, described by two of the stored queries; raise QueryError where these are unfit."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._document = checked(DOCUMENT_QUERY, "thing", _WINDOW)
        self._linked = checked(ADDRESS_QUERY, "address")

    async def known(self, candidates: Sequence[str]) -> str | None:
        """Return the first of these IRIs that the graph says something about, or None."""
        asked = [iri for iri in candidates if is_iri(iri)]
        if not asked:
            return None
        there = await self.values(fill_values(_KNOWN, thing=asked))
        return next((iri for iri in candidates if iri in there), None)

    async def describe(self, thing: str, page: int = 1) -> Description | None:
        """Return the description of a thing with one page of what points to it; None where there is nothing to say."""
        query = _WINDOW.sub(
            f"LIMIT {PAGE_SIZE} OFFSET {(page - 1) * PAGE_SIZE}", fill_values(self._document, thing=[thing])
        )
        body = await self._ask(query, N_TRIPLES)
        triples = [quad.triple for quad in parse(body, format=RdfFormat.N_TRIPLES)]
        if not triples:
            body = await self._ask(fill_values(_BESIDE, subject=[thing], value=[thing]), N_TRIPLES)
            triples = [quad.triple for quad in parse(body, format=RdfFormat.N_TRIPLES)]
        inbound = sum(1 for t in triples if t.object == NamedNode(thing) and not _under(t.subject, thing))
        if page > 1 or inbound >= PAGE_SIZE:
            inbound = int((await self.values(fill_values(_INBOUND, thing=[thing]), "inbound"))[0])
        return Description(thing, triples, page, inbound) if triples else None

    async def linked_to(self, addresses: Sequence[str]) -> list[str]:
        """Return the things of this graph that are linked to one of these IRIs, in order."""
        terms = list[Term](iri for iri in addresses if is_iri(iri))
        for iri in addresses:
            terms += [Literal(iri), Literal(iri, datatype=_ANY_URI)]
        return [iri for iri in await self.values(fill_values(self._linked, address=terms)) if iri.startswith(BASE)]

    async def near(self, iri: str) -> list[str]:
        """Return things whose IRI is like one that names nothing: what it is part of, what is under or beside it."""
        if len(iri) > _LONGEST or not iri.startswith(ID):
            return []
        parents = [iri[:end] for end, character in enumerate(iri) if character == "/" and end > len(ID)]
        above = [parent for parent in parents if await self.known([parent])]
        beside = await self._under(iri) or await self._under(iri.rpartition("/")[0])
        return [*reversed(above), *(difflib.get_close_matches(iri, beside, _NEAR, 0.5) or beside[:_NEAR])]

    async def _under(self, iri: str) -> list[str]:
        """Return what stands one step under an IRI."""
        folder = Literal(f"{iri}/")
        query = f"""SELECT DISTINCT ?thing {{ ?thing a ?class .
          FILTER(STRSTARTS(STR(?thing), {folder}) && !CONTAINS(STRAFTER(STR(?thing), {folder}), "/")) }}
          ORDER BY ?thing LIMIT 1000"""
        return await self.values(query)

    async def values(self, query: str, variable: str = "thing") -> list[str]:
        """Return the values of a variable in the answer to a SELECT query, each once."""
        return list(dict.fromkeys(row[variable] for row in await rows(self._ask, query)))


def candidates(base: str, raw_path: str) -> list[str]:
    """Return the IRIs that a path can mean: as it was sent, and with its escapes resolved."""
    return list(dict.fromkeys([base + raw_path, base + unquote(raw_path, errors="replace")]))


def _under(subject: object, thing: str) -> bool:
    return isinstance(subject, NamedNode) and subject.value.startswith(f"{thing}/")


QUERIES = {"sources": "sources-of-a-thing", "mentions": "mentions-of-a-thing", "alike": "things-like-a-thing"}
# How many things point to one, by property, where not all of them are on one page.
_COUNTS = """SELECT ?link (COUNT(?from) AS ?things) WHERE {
  VALUES ?thing { }
  ?from ?link ?thing .
} GROUP BY ?link"""


@dataclass(frozen=True)
class Around:
    """What stands around a thing, as the store has answered; `query` is what its document answers."""

    query: str
    sources: Sequence[Triple] = ()
    mentions: Sequence[Row] = ()
    alike: Sequence[Row] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


class Surroundings:
    """Asks what stands around the things of one graph. A stored query that was taken away is not asked."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._texts: dict[str, str] = {}
        self.document = stored_query(project_folders().queries, DOCUMENT_QUERY).text
        for what, name in QUERIES.items():
            try:
                self._texts[what] = stored_query(project_folders().queries, name).text
            except QueryError:
                continue

    async def of(self, found: Description, kind: Kind) -> Around:
        """Return what the page of a thing of this kind tells beside its facts."""
        thing = found.thing
        sources, mentions, alike, counts = await asyncio.gather(
            self._graph(thing) if "sources" in kind.asks else _nothing(),
            self._rows("mentions", thing) if "mentions" in kind.asks else _nothing(),
            self._rows("alike", thing) if "alike" in kind.asks else _nothing(),
            self._answered(_COUNTS, thing) if found.pages > 1 else _nothing(),
        )
        told = {row["link"]: int(row["things"]) for row in counts}
        return Around(fill_values(self.document, thing=[thing]), sources, mentions, alike, told)

    async def _graph(self, thing: str) -> list[Triple]:
        if "sources" not in self._texts:
            return []
        body = await self._ask(fill_values(self._texts["sources"], thing=[thing]), N_TRIPLES)
        return [quad.triple for quad in parse(body, format=RdfFormat.N_TRIPLES)]

    async def _rows(self, what: str, thing: str) -> list[Row]:
        return await self._answered(self._texts[what], thing) if what in self._texts else []

    async def _answered(self, query: str, thing: str) -> list[Row]:
        return await rows(self._ask, fill_values(query, thing=[thing]))


async def _nothing() -> list:  # type: ignore[type-arg]
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
_ANSWERS = {**led(303), **answered("application/json", "text/html", status=300)}


def router(ask: Ask, release: Release | None) -> APIRouter:
    """Return the route of the look-up."""
    routes = APIRouter(tags=["things"])
    things = Things(ask)
    given_up = release.redirects_by_iri if release else {}

    @routes.get(
        "/lookup", summary="Find the thing that an IRI means or is linked to", status_code=303, responses=_ANSWERS
    )
    async def lookup(request: Request, iri: str = "") -> Response:
        asked = Asked(request, "lookup")
        iri = iri.strip()
        if not iri:
            raise Refusal(400, "say which IRI is looked for: /lookup?iri=https://…")
        if own := _own(iri):
            if own.endswith("/") and not await things.known([own]):
                own = own.rstrip("/")
            if not own.startswith(ID) or own in given_up or await things.known([own]):
                return _found(asked, own)
            found = []
        else:
            found = await things.linked_to(_spellings(iri)) or await _meant(things, iri)
        if len(found) == 1:
            return _found(asked, found[0])
        return told(asked, _several(iri, found) if found else _none(iri), [(path_of(each), each) for each in found])

    return routes


def _found(asked: Asked, iri: str) -> Response:
    return redirect(303, asked.root + path_of(iri), {"Link": link(quote(iri, safe=SAFE + "#"), "cite-as")})


async def _meant(things: Things, text: str) -> list[str]:
    """Return the things that are known by a number, or by what an address that is not in use any more leads to."""
    addresses = [spelling for address in linkable_addresses(text) for spelling in _spellings(address)]
    found = await things.linked_to(addresses) if addresses else []
    numbers = list(dict.fromkeys(linkable_identifiers(text)))
    terms: list[Term] = [*map(Literal, numbers), *(Literal(number, language="ja") for number in numbers)]
    if terms and not found:
        found = [iri for iri in await things.values(fill_values(_IDENTIFIED, value=terms)) if iri.startswith(BASE)]
    return found


def _own(iri: str) -> str:
    """Return the IRI of this graph that is meant, with either scheme, also by its canonical or prefixed name."""
    prefix, _, rest = iri.partition(":")
    if prefix in _PREFIXES and rest and not rest.startswith("//"):
        return _PREFIXES[prefix] + rest
    bare = iri.partition("://")[2]
    for base in sorted((BASE, CANONICAL), key=len, reverse=True):  # one may be under the other
        start = base.partition("://")[2]
        if bare.startswith(start):
            return BASE + bare.removeprefix(start)
    return ""


def _spellings(iri: str) -> list[str]:
    """Return an IRI with http and https, with and without a slash at its end: links are written in all these ways."""
    scheme, mark, rest = iri.partition("://")
    if scheme not in ("http", "https"):
        return [iri]
    rest = quote(rest, safe=SAFE + "?#")  # links are written as URIs
    bare = rest.removesuffix("/")
    return list(
        dict.fromkeys([iri, *(f"{way}{mark}{end}" for way in ("https", "http") for end in (rest, bare, f"{bare}/"))])
    )


def _several(iri: str, found: list[str]) -> Notice:
    text = (f"{iri} に結び付けられた事物は{len(found)}件あります。", f"{len(found)} things are linked to {iri}")
    return Notice(300, ("いくつかあります", "Several things"), text, found)


def _none(iri: str) -> Notice:
    text = (
        f"{iri} を指すもの、または {iri} に結び付けられた事物は、このグラフにありません。SPARQL で名称から探せます。",
        f"this graph has nothing that {iri} means or is linked to; look for it by its name with SPARQL (/sparql)",
    )
    return Notice(404, ("見つかりません", "Not found"), text)
