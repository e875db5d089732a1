"""What the graph says about one thing: its document, whether there is such a thing, what is near, what is linked to it.

The store is asked by SPARQL only, through `ask`, so it may be anywhere. Text of a request becomes part of a query only
as a term that the engine itself has checked and written.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, parse

from kg.core.iris import BASE, ID, PREFIXES
from kg.core.negotiation import N_TRIPLES
from kg.http.query_client import Ask, rows
from kg.http.stored_query_client import Term, checked, filled, is_iri

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
        there = await self.values(filled(_KNOWN, thing=asked))
        return next((iri for iri in candidates if iri in there), None)

    async def describe(self, thing: str, page: int = 1) -> Description | None:
        """Return the description of a thing with one page of what points to it; None where there is nothing to say."""
        query = _WINDOW.sub(f"LIMIT {PAGE_SIZE} OFFSET {(page - 1) * PAGE_SIZE}", filled(self._document, thing=[thing]))
        body = await self._ask(query, N_TRIPLES)
        triples = [quad.triple for quad in parse(body, format=RdfFormat.N_TRIPLES)]
        if not triples:
            body = await self._ask(filled(_BESIDE, subject=[thing], value=[thing]), N_TRIPLES)
            triples = [quad.triple for quad in parse(body, format=RdfFormat.N_TRIPLES)]
        inbound = sum(1 for t in triples if t.object == NamedNode(thing) and not _under(t.subject, thing))
        if page > 1 or inbound >= PAGE_SIZE:
            inbound = int((await self.values(filled(_INBOUND, thing=[thing]), "inbound"))[0])
        return Description(thing, triples, page, inbound) if triples else None

    async def linked_to(self, addresses: Sequence[str]) -> list[str]:
        """Return the things of this graph that are linked to one of these IRIs, in order."""
        terms = list[Term](iri for iri in addresses if is_iri(iri))
        for iri in addresses:
            terms += [Literal(iri), Literal(iri, datatype=_ANY_URI)]
        return [iri for iri in await self.values(filled(self._linked, address=terms)) if iri.startswith(BASE)]

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
