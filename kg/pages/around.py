"""What the page of a thing tells beside its facts: where it was read, where it is named, and what is like it.

Each is a stored query, so that anybody can ask the same.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pyoxigraph import NamedNode, RdfFormat, Triple, parse

from kg.asking import Ask
from kg.errors import QueryError
from kg.names import ID
from kg.negotiate import JSON, N_TRIPLES
from kg.pages.kinds import Kind
from kg.places import places
from kg.queries import stored_query
from kg.things import DOCUMENT_QUERY, Description

Row = dict[str, str]
QUERIES = {"sources": "sources-of-a-thing", "mentions": "mentions-of-a-thing", "alike": "things-like-a-thing"}
# How many things point to one, by property, where not all of them are on one page.
_COUNTS = f"""SELECT ?link (COUNT(?from) AS ?things) WHERE {{
  VALUES ?thing {{ <{ID}> }}
  ?from ?link ?thing .
}} GROUP BY ?link"""
_THING = re.compile(r"VALUES \?thing \{ <[^<>]*> \}")


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
        return Around(about(self.document, thing), sources, mentions, alike, told)

    async def _graph(self, thing: str) -> list[Triple]:
        if "sources" not in self._texts:
            return []
        body = await self._ask(about(self._texts["sources"], thing), N_TRIPLES)
        return [quad.triple for quad in parse(body, format=RdfFormat.N_TRIPLES)]

    async def _rows(self, what: str, thing: str) -> list[Row]:
        return await self._answered(self._texts[what], thing) if what in self._texts else []

    async def _answered(self, query: str, thing: str) -> list[Row]:
        answer = json.loads(await self._ask(about(query, thing), JSON))
        return [{name: term["value"] for name, term in row.items()} for row in answer["results"]["bindings"]]


def about(query: str, thing: str) -> str:
    """Return a stored query about another thing than the one that is written in it."""
    return _THING.sub(lambda _: f"VALUES ?thing {{ {NamedNode(thing)} }}", query)


async def _nothing() -> list:  # type: ignore[type-arg]
    return []
