"""What the graph says about one thing: its document, whether there is such a thing, what is near, what is linked to it.

The store is asked by SPARQL only, through `ask`, so it may be anywhere. Text of a request becomes part of a query only
as a term that the engine itself has checked and written.
"""

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, parse

from kg.asking import Ask
from kg.errors import Problem, QueryError
from kg.names import BASE, ID, PREFIXES
from kg.negotiate import JSON, N_TRIPLES
from kg.places import places
from kg.queries import stored_query

PAGE_SIZE = 100
DOCUMENT_QUERY = "document-about-a-thing"
ADDRESS_QUERY = "things-linked-to-an-address"
_THING = re.compile(r"VALUES \?thing \{ <[^<>]*> \}")
_ADDRESS = re.compile(r"VALUES \?address \{[^{}]*\}")
_WINDOW = re.compile(rf"LIMIT {PAGE_SIZE} OFFSET \d+")
# What the graphs beside the default graph say of a thing that it does not know, such as a result of the validation.
_BESIDE = """CONSTRUCT { ?subject ?property ?value } WHERE {
  { VALUES ?subject {} GRAPH ?graph { ?subject ?property ?value } }
  UNION { VALUES ?value {} GRAPH ?graph { ?subject ?property ?value } }
}"""
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
        self._document = _stored(DOCUMENT_QUERY, _THING, _WINDOW)
        self._linked = _stored(ADDRESS_QUERY, _ADDRESS)

    async def known(self, candidates: Sequence[str]) -> str | None:
        """Return the first of these IRIs that the graph says something about, or None."""
        terms = [term for iri in candidates if (term := _term(iri))]
        if not terms:
            return None
        there = await self.values(
            f"SELECT ?thing {{ VALUES ?thing {{ {' '.join(terms)} }}"
            " FILTER(EXISTS { ?thing ?p ?o } || EXISTS { ?s ?q ?thing } || EXISTS { GRAPH ?g { ?thing ?r ?u } }) }"
        )
        return next((iri for iri in candidates if iri in there), None)

    async def describe(self, thing: str, page: int = 1) -> Description | None:
        """Return the description of a thing with one page of what points to it; None where there is nothing to say."""
        term = f"VALUES ?thing {{ {NamedNode(thing)} }}"
        query = _THING.sub(lambda _: term, self._document)
        query = _WINDOW.sub(f"LIMIT {PAGE_SIZE} OFFSET {(page - 1) * PAGE_SIZE}", query)
        body = await self._ask(query, N_TRIPLES)
        triples = [quad.triple for quad in parse(body, format=RdfFormat.N_TRIPLES)]
        if not triples:
            body = await self._ask(_BESIDE.replace("{}", f"{{ {NamedNode(thing)} }}"), N_TRIPLES)
            triples = [quad.triple for quad in parse(body, format=RdfFormat.N_TRIPLES)]
        inbound = sum(1 for t in triples if t.object == NamedNode(thing) and not _under(t.subject, thing))
        if page > 1 or inbound >= PAGE_SIZE:
            inbound = await self._inbound(term)
        return Description(thing, triples, page, inbound) if triples else None

    async def linked_to(self, addresses: Sequence[str]) -> list[str]:
        """Return the things of this graph that are linked to one of these IRIs, in order."""
        terms = []
        for iri in addresses:
            terms += [term for term in (_term(iri), str(Literal(iri)), str(Literal(iri, datatype=_ANY_URI))) if term]
        query = _ADDRESS.sub(lambda _: f"VALUES ?address {{ {' '.join(terms)} }}", self._linked)
        return [iri for iri in await self.values(query) if iri.startswith(BASE)]

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

    async def _inbound(self, term: str) -> int:
        query = f"""SELECT (COUNT(*) AS ?inbound) {{ {term} ?from ?link ?thing .
          FILTER(!STRSTARTS(STR(?from), CONCAT(STR(?thing), "/"))) }}"""
        return int((await self.values(query, "inbound"))[0])

    async def values(self, query: str, variable: str = "thing") -> list[str]:
        """Return the values of a variable in the answer to a SELECT query, each once."""
        answer = json.loads(await self._ask(query, JSON))
        return list(dict.fromkeys(row[variable]["value"] for row in answer["results"]["bindings"]))


def candidates(base: str, raw_path: str) -> list[str]:
    """Return the IRIs that a path can mean: as it was sent, and with its escapes resolved."""
    return list(dict.fromkeys([base + raw_path, base + unquote(raw_path, errors="replace")]))


def is_iri(text: str) -> bool:
    """Whether a text is an absolute IRI."""
    return _term(text) is not None


def _term(iri: str) -> str | None:
    """Return an IRI as it stands in a query, or None where it is none."""
    try:
        return str(NamedNode(iri))
    except ValueError:
        return None


def _under(subject: object, thing: str) -> bool:
    return isinstance(subject, NamedNode) and subject.value.startswith(f"{thing}/")


def _stored(name: str, *places_in_it: re.Pattern[str]) -> str:
    """Return the text of a stored query, in which each of these places must stand."""
    text = stored_query(places().queries, name).text
    for place in places_in_it:
        if not place.search(text):
            remedy = f"write it as {place.pattern}, which is replaced when somebody asks"
            raise QueryError(Problem(f"the stored query {name} has no place for what it is asked about", remedy))
    return text
