"""Asks a store by what its measures are told apart: some editions at once, so that no answer is large."""

import asyncio
import re
from collections.abc import Iterator, Sequence

from kg.core.iris import ONTOLOGY
from kg.core.negotiation import TSV
from kg.engine.wire import Refusal
from kg.http.query_client import Ask, rows
from kg.http.stored_query_client import Names, editions_of, is_iri, names, text_of, texts
from kg.web.browse.facet_index import Maker, Stated, Table

# Editions in one question: what they answer is kept in a file, not in memory (`kg.engine`), and soon there.
_AT_ONCE = 12
# Where editions do not say that they are some, all measures are asked.
_EDITIONS = f"SELECT DISTINCT ?edition WHERE {{ ?measure <{ONTOLOGY}edition> ?edition }} ORDER BY ?edition"

# An IRI, or a literal with its datatype; numbers stand as they are (SPARQL 1.1 Query Results CSV and TSV, 4).
_TERM = re.compile(r'^<(.*)>$|^"(.*)".*$')


async def gathered(ask: Ask) -> Table:
    """Return the table of a graph; other questions have their turns meanwhile."""
    maker = Maker()
    said = await editions_of(ask)
    editions = said or [row["edition"] for row in await rows(ask, _EDITIONS) if is_iri(row["edition"])]
    for start in range(0, len(editions), _AT_ONCE):
        for body in await _answered(ask, editions[start : start + _AT_ONCE]):
            await asyncio.to_thread(maker.take, _read(body))
    named = await names(ask, maker.values())
    return await asyncio.to_thread(maker.table, named, next(iter(said), ""))


async def _answered(ask: Ask, editions: Sequence[str]) -> list[bytes]:
    """Return the answers about editions: one, or more where a busy server has not had the time for one."""
    try:
        return [await ask(text_of("facets-of-measures", edition=editions), TSV)]
    except Refusal as refusal:
        if refusal.status != 503 or len(editions) == 1:
            raise
    half = len(editions) // 2
    return [*await _answered(ask, editions[:half]), *await _answered(ask, editions[half:])]


async def titles(ask: Ask, measures: Sequence[str]) -> Names:
    """Return the titles of measures, by language."""
    return await texts(ask, "titles-of-measures", "measure", "title", measures)


def _read(body: bytes) -> Iterator[Stated]:
    """Yield the rows of an answer. It is TSV, which tells IRIs from texts; an IRI with a comma would break our CSV."""
    for line in body.decode().split("\n")[1:]:  # other characters that end lines may stand in a text
        terms = line.split("\t")
        if len(terms) == len(Stated._fields) - 1 and terms[0].startswith("<"):
            measure, facet, value = (_TERM.sub(lambda term: term[1] or term[2] or "", term) for term in terms)
            yield Stated(measure, facet, value, terms[2].startswith("<"))
