"""What the page of a thing tells beside its facts: where it was read, where it is named, and what is like it.

Each is a stored query, so that anybody can ask the same.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pyoxigraph import RdfFormat, Triple, parse

from kg.core.errors import QueryError
from kg.core.negotiation import N_TRIPLES
from kg.core.paths import places
from kg.core.stored_queries import stored_query
from kg.http.query_client import Ask, Row, rows
from kg.http.stored_query_client import filled
from kg.web.layouts import Kind
from kg.web.resource_queries import DOCUMENT_QUERY, Description

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
        self.document = stored_query(places().queries, DOCUMENT_QUERY).text
        for what, name in QUERIES.items():
            try:
                self._texts[what] = stored_query(places().queries, name).text
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
        return Around(filled(self.document, thing=[thing]), sources, mentions, alike, told)

    async def _graph(self, thing: str) -> list[Triple]:
        if "sources" not in self._texts:
            return []
        body = await self._ask(filled(self._texts["sources"], thing=[thing]), N_TRIPLES)
        return [quad.triple for quad in parse(body, format=RdfFormat.N_TRIPLES)]

    async def _rows(self, what: str, thing: str) -> list[Row]:
        return await self._answered(self._texts[what], thing) if what in self._texts else []

    async def _answered(self, query: str, thing: str) -> list[Row]:
        return await rows(self._ask, filled(query, thing=[thing]))


async def _nothing() -> list:  # type: ignore[type-arg]
    return []
