"""A batch of reconciliation queries: names go to the matcher, what clients say beside them is evidence.

A name is matched in a thread, within a time that the whole batch has; what the graph says of the candidates is asked of
the store, for all queries of the batch at once. Queries without a name are found by their properties.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kg.http.search_executor import Desk, left
from kg.matching.reconcile.property_scorer import Comparison, judge, matches
from kg.matching.reconcile.request_parser import Clue, Given, Query
from kg.matching.reconcile.store_lookup import Known, Meanings, Named, Values
from kg.matching.reconcile.type_registry import Vocabulary, id_of_thing, iri_of_thing
from kg.search import Candidate, Matcher
from kg.search.normalizer import key

_LOOKED_AT = 20  # candidates of a name that evidence is heard for, at least
_MEANINGS = 3  # things that a given value may name
_NEAR = 90.0  # how well it must name them, of 100
_FULL = 100.0  # what is asked for by its identifier; what only evidence will tell apart


@dataclass(frozen=True)
class Result:
    """A candidate for a query, as it is sent; features go from 0 to 1, by their identifiers."""

    iri: str
    names: Mapping[str, str]
    description: str
    types: tuple[str, ...]
    score: float
    match: bool
    features: Mapping[str, float] = field(default_factory=dict)
    editions: tuple[str, ...] = ()  # the one that it is in and the earlier ones, where the graph has several

    def said(self, lang: str, vocabulary: Vocabulary) -> dict[str, object]:
        """Return it as an object of the API (section 4.2)."""
        said: dict[str, object] = {
            "id": id_of_thing(self.iri),
            "name": self.names.get(lang) or next(iter(self.names.values()), id_of_thing(self.iri)),
            "type": [vocabulary.term(type).said(lang) for type in self.types],
            "score": round(self.score, 2),
            "match": self.match,
            "features": [{"id": id, "value": round(value, 4)} for id, value in self.features.items()],
        }
        described = " · ".join(filter(None, (self.description, editions_said(self.editions, lang))))
        return {**said, "description": described} if described else said


def editions_said(editions: Sequence[str], lang: str) -> str:
    """Return in words in which editions something is, the first being its own; nothing where it is in none."""
    own, *earlier = (iri.rpartition("/")[2] for iri in editions or ("",))
    if not earlier:
        return own
    return f"{own}({'、'.join(earlier)}にもある)" if lang == "ja" else f"{own} (also in {', '.join(earlier)})"


@dataclass(frozen=True)
class _Looked:
    """What the matcher has found: candidates by the key of their query, and what given values may mean."""

    found: dict[str, list[Result]]
    meanings: Meanings
    kinds: Mapping[str, Sequence[str]]  # the types of the things that given values may mean
    folded: Callable[[str], str]


class Matching:
    """Answers batches of queries about the things of one edition, or of all."""

    def __init__(self, desk: Desk, known: Known) -> None:
        self._desk, self._known = desk, known

    async def batch(
        self, queries: Mapping[str, Query], edition: str | None, vocabulary: Vocabulary
    ) -> dict[str, list[Result]]:
        """Return the candidates for each query, the best first; raise Refusal where that takes too long."""
        looked = await self._desk.errand(lambda matcher, deadline: _look(matcher, queries, edition, deadline))
        await self._put_identified(queries, looked.found)
        await self._add_by_properties(queries, looked, edition)
        heard = [name for name, query in queries.items() if query.clues]
        things = [result.iri for name in heard for result in looked.found[name]]
        clues = [clue for name in heard for clue in queries[name].clues]
        values = await self._known.values(things, [clue.property for clue in clues])
        there = await self._known.there(clues) | _meaning(clues, looked, vocabulary)
        compared = Comparison(looked.folded, looked.meanings, there)
        return {name: _ranked(query, looked.found[name], values, compared) for name, query in queries.items()}

    async def _put_identified(self, queries: Mapping[str, Query], found: dict[str, list[Result]]) -> None:
        """Put in the things that are asked for by their identifier or IRI, which nothing else can mean (section 5)."""
        meant = {name: iri_of_thing(query.text.strip()) for name, query in queries.items() if "/" in query.text}
        named = await self._known.named(meant.values())
        for name, iri in meant.items():
            thing = named.get(iri)
            if thing and _has_type(thing.types, queries[name]):
                found[name] = [_of(thing, True, {"identifier": 1.0})]

    async def _add_by_properties(self, queries: Mapping[str, Query], looked: _Looked, edition: str | None) -> None:
        """Add what has properties that agree, to the queries that give no name."""
        for name, query in queries.items():
            if query.clues and not query.text.strip():
                having = await self._known.having(query, looked.meanings, edition)
                named = await self._known.named(having)
                looked.found[name] = [_of(thing, False, {}) for thing in named.values()]


def _look(matcher: Matcher, queries: Mapping[str, Query], edition: str | None, deadline: float) -> _Looked:
    """Match the names of a batch, and the values that name things; equal names are matched once."""
    memory: dict[tuple[str, str, int], list[Candidate]] = {}

    def near(text: str, type: str, limit: int) -> list[Candidate]:
        asked = text, type, limit
        if asked not in memory:
            seconds = left(deadline)
            memory[asked] = matcher.candidates(text, type=type or None, edition=edition, limit=limit, seconds=seconds)
        return memory[asked]

    found = {name: _candidates(query, near) for name, query in queries.items()}
    texts = {given.text for query in queries.values() for clue in query.clues for given in clue.values if given.text}
    meant = {text: [one for one in near(text, "", _MEANINGS) if one.score >= _NEAR] for text in texts}
    meanings = {text: {one.iri: one.score / 100 for one in those} for text, those in meant.items()}
    kinds = {one.iri: one.types for those in meant.values() for one in those}
    folding = matcher.index.folding
    return _Looked(found, meanings, kinds, lambda text: key(folding.text(text)))


def _meaning(clues: Iterable[Clue], looked: _Looked, vocabulary: Vocabulary) -> set[tuple[str, Given]]:
    """Return those of the values that clients give which name a thing of a type that values of their property have."""
    kinds = {use.property.iri: {*use.values} for use in vocabulary.uses()}
    return {
        (clue.property, given)
        for clue in clues
        for given in clue.values
        for iri in looked.meanings.get(given.text, ())
        if kinds.get(clue.property, set()).intersection(looked.kinds[iri])
    }


def _candidates(query: Query, near: Callable[[str, str, int], list[Candidate]]) -> list[Result]:
    """Return what a name may mean: things of one of the types, or of all of them, each once."""
    if not query.text.strip():
        return []
    limit = max(query.limit, _LOOKED_AT) if query.clues or query.every else query.limit
    results: dict[str, Result] = {}
    for type in query.types[:1] if query.every else query.types or ("",):
        for one in near(query.text, type, limit):
            if _has_type(one.types, query):
                results.setdefault(one.iri, _result(one))
    ranked = sorted(results.values(), key=lambda result: -result.score)
    surely = [result for result in ranked if result.match]
    # Where each of several types has a match, which one is meant is open.
    return [replace(result, match=False) for result in ranked] if len(surely) > 1 else ranked


def _has_type(types: Sequence[str], query: Query) -> bool:
    return (all if query.every else any)(type in types for type in query.types) or not query.types


def _result(found: Candidate) -> Result:
    names = {lang: name for lang, name in (("ja", found.label_ja), ("en", found.label_en)) if name}
    features = {part.name: part.value for part in found.parts}
    editions = (found.edition, *found.earlier) if found.edition else ()
    return Result(found.iri, names, found.description, found.types, found.score, found.match, features, editions)


def _of(thing: Named, match: bool, features: Mapping[str, float]) -> Result:
    return Result(thing.iri, thing.names, "", thing.types, _FULL, match, features)


def _ranked(query: Query, results: Sequence[Result], values: Values, compared: Comparison) -> list[Result]:
    """Return the results of a query under its evidence, the best first, as many as it wants."""
    ranked = list(results)
    if query.clues:
        nameless = not query.text.strip()
        judged = [judge(one.iri, None if nameless else one.score, query.clues, values, compared) for one in results]
        sure = matches(judged, {one.iri: (one.score, one.match) for one in results})
        ranked = [
            replace(one, score=its.score, match=one.iri in sure, features={**one.features, **its.features()})
            for one, its in zip(results, judged, strict=True)
        ]
        ranked.sort(key=lambda one: -one.score)
    return ranked[: query.limit]
