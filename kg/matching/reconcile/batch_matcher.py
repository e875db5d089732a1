"""Matcher of a batch of reconciliation queries: names are matched, accompanying values are evidence.

A name is matched in a thread, within a time that the whole batch has; what the graph says of the candidates is asked of
the store, for all queries of the batch at once. Queries without a name are found by their properties.

How well what a client says of a thing agrees with what the graph says of a candidate.

Up to half of a score is evidence: a quarter for one property, half for two or more, each property as much as another.
The rest is the name. What the graph does not know is no evidence: a value that is nothing in it, such as a section of a
town, and a property that the candidate has no value of, leave the score as it is.
"""

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kg.core.iris import to_curie
from kg.matching.reconcile.request_parser import ClientValue, PropertyEvidence, Query
from kg.matching.reconcile.store_lookup import LabelledEntity, Meanings, StoreLookup, Value, Values
from kg.matching.reconcile.type_registry import TypeRegistry, id_of_thing, iri_of_thing
from kg.search import Candidate, Matcher
from kg.search.normalizer import key
from kg.web.search_routes import SearchExecutor, remaining_seconds

_EACH, _MOST = 0.25, 0.5
_PART = 0.7  # one text holds the other
_SURE = 95.0  # a name that agrees so well is the same name
_AGREES = 0.5
_DAY = re.compile(r"\d{4}(-\d\d){1,2}")


@dataclass(frozen=True)
class ScoredCandidate:
    """A candidate under all evidence: its score, and how well each property agrees, from 0 to 1."""

    iri: str
    score: float
    agreement: Mapping[str, float]

    def features(self) -> dict[str, float]:
        """Return how well each property agrees, by its prefixed name."""
        return {to_curie(property): value for property, value in self.agreement.items()}


def judge(
    iri: str, score: float | None, clues: Sequence[PropertyEvidence], values: Values, compared: "Comparison"
) -> ScoredCandidate:
    """Return the score (0 to 100) that a candidate has by that of its name and by evidence; by this alone for None."""
    compared_each = {clue.property: compared.clue(clue, values.get((iri, clue.property), ())) for clue in clues}
    agreement = {property: value for property, value in compared_each.items() if value is not None}
    if not agreement:
        return ScoredCandidate(iri, score or 0.0, agreement)
    mean = sum(agreement.values()) / len(agreement)
    if score is None:
        return ScoredCandidate(iri, 100 * mean, agreement)
    share = min(_MOST, _EACH * len(agreement))
    return ScoredCandidate(iri, (1 - share) * score + share * 100 * mean, agreement)


def matches(judged: Sequence[ScoredCandidate], named: Mapping[str, tuple[float, bool]]) -> set[str]:
    """Return the candidate, one or none, that is surely meant; `named` has the score and the match of each by its name.

    Evidence that contradicts takes a match away. It gives one where several things have the name, and it agrees fully
    with one of them alone.
    """
    agreeing = [one for one in judged if min(one.agreement.values(), default=1.0) >= _AGREES]
    by_name = {one.iri for one in agreeing if named[one.iri][1]}
    if by_name:
        return by_name
    full = [one for one in agreeing if one.agreement and min(one.agreement.values()) == 1.0]
    same = {one.iri for one in full if named[one.iri][0] >= _SURE}
    return same if len(same) == 1 else set()


class Comparison:
    """Compares values; `folded` gives the form in which two spellings of one text are the same.

    `known` holds the values, each with its property, that the graph has of anything.
    """

    def __init__(
        self, normalized: Callable[[str], str], meanings: Meanings, known: Container[tuple[str, ClientValue]]
    ) -> None:
        self._normalized, self._meanings, self._known = normalized, meanings, known

    def clue(self, clue: PropertyEvidence, values: Iterable[Value]) -> float | None:
        """Return how well the best of the values that a client gives agrees with the best of those of a thing.

        None says that nothing can be told: the thing has no value, or one that was given is not known and may be it.
        """
        there = list(values)
        best = max((self._given(given, value) for given in clue.values for value in there), default=0.0)
        if best:
            return best
        return 0.0 if there and all(self._contradicts(clue.property, given, there) for given in clue.values) else None

    def _contradicts(self, property: str, given: ClientValue, values: Iterable[Value]) -> bool:
        """True if a value that does not agree is one of another entity in the graph, or another number."""
        if (property, given) in self._known:
            return True
        there = [value.text.rpartition("/")[2] if value.iri else value.text for value in values]
        return all(_number(text) is not None for text in (given.text, *there)) or all(
            _DAY.fullmatch(text) for text in (given.text, *there)
        )

    def _given(self, given: ClientValue, value: Value) -> float:
        if value.iri and given.thing == value.text:
            return 1.0
        if not given.text:
            return 0.0
        if value.iri:
            meant = self._meanings.get(given.text, {}).get(value.text, 0.0)
            names = [name for names in value.names.values() for name in names]
            # Such as 2019 for …/fiscal-year/2019.
            return max([meant, *(self._texts(given.text, name) for name in [*names, value.text.rpartition("/")[2]])])
        return max(self._texts(given.text, value.text), _numbers(given.text, value.text))

    def _texts(self, one: str, other: str) -> float:
        first, second = self._normalized(one), self._normalized(other)
        if first == second:
            return 1.0 if first else 0.0
        shorter, longer = sorted((first, second), key=len)
        return _PART if len(shorter) > 1 and shorter in longer and not longer.isdecimal() else 0.0


def _numbers(one: str, other: str) -> float:
    number = _number(one)
    return float(number is not None and number == _number(other))


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


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

    def said(self, lang: str, vocabulary: TypeRegistry) -> dict[str, object]:
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
class _Matches:
    """Results of the matcher: candidates by the key of their query, and possible meanings of the given values."""

    found: dict[str, list[Result]]
    meanings: Meanings
    kinds: Mapping[str, Sequence[str]]  # the types of the things that given values may mean
    normalized: Callable[[str], str]


class QueryService:
    """Answers batches of queries about the things of one edition, or of all."""

    def __init__(self, desk: SearchExecutor, known: StoreLookup) -> None:
        self._desk, self._known = desk, known

    async def batch(
        self, queries: Mapping[str, Query], edition: str | None, vocabulary: TypeRegistry
    ) -> dict[str, list[Result]]:
        """Return the candidates for each query, the best first; raise Refusal where that takes too long."""
        looked = await self._desk.submit(lambda matcher, deadline: _look(matcher, queries, edition, deadline))
        await self._put_identified(queries, looked.found)
        await self._add_by_properties(queries, looked, edition)
        heard = [name for name, query in queries.items() if query.clues]
        things = [result.iri for name in heard for result in looked.found[name]]
        clues = [clue for name in heard for clue in queries[name].clues]
        values = await self._known.values(things, [clue.property for clue in clues])
        there = await self._known.there(clues) | _meaning(clues, looked, vocabulary)
        compared = Comparison(looked.normalized, looked.meanings, there)
        return {name: _ranked(query, looked.found[name], values, compared) for name, query in queries.items()}

    async def _put_identified(self, queries: Mapping[str, Query], found: dict[str, list[Result]]) -> None:
        """Put in the things that are asked for by their identifier or IRI, which nothing else can mean (section 5)."""
        meant = {name: iri_of_thing(query.text.strip()) for name, query in queries.items() if "/" in query.text}
        named = await self._known.named(meant.values())
        for name, iri in meant.items():
            thing = named.get(iri)
            if thing and _has_type(thing.types, queries[name]):
                found[name] = [_of(thing, True, {"identifier": 1.0})]

    async def _add_by_properties(self, queries: Mapping[str, Query], looked: _Matches, edition: str | None) -> None:
        """Add what has properties that agree, to the queries that give no name."""
        for name, query in queries.items():
            if query.clues and not query.text.strip():
                having = await self._known.having(query, looked.meanings, edition)
                named = await self._known.named(having)
                looked.found[name] = [_of(thing, False, {}) for thing in named.values()]


def _look(matcher: Matcher, queries: Mapping[str, Query], edition: str | None, deadline: float) -> _Matches:
    """Match the names of a batch, and the values that name things; equal names are matched once."""
    memory: dict[tuple[str, str, int], list[Candidate]] = {}

    def near(text: str, type: str, limit: int) -> list[Candidate]:
        asked = text, type, limit
        if asked not in memory:
            seconds = remaining_seconds(deadline)
            memory[asked] = matcher.candidates(text, type=type or None, edition=edition, limit=limit, seconds=seconds)
        return memory[asked]

    found = {name: _candidates(query, near) for name, query in queries.items()}
    texts = {given.text for query in queries.values() for clue in query.clues for given in clue.values if given.text}
    meant = {text: [one for one in near(text, "", _MEANINGS) if one.score >= _NEAR] for text in texts}
    meanings = {text: {one.iri: one.score / 100 for one in those} for text, those in meant.items()}
    kinds = {one.iri: one.types for those in meant.values() for one in those}
    folding = matcher.index.normalizer
    return _Matches(found, meanings, kinds, lambda text: key(folding.text(text)))


def _meaning(
    clues: Iterable[PropertyEvidence], looked: _Matches, vocabulary: TypeRegistry
) -> set[tuple[str, ClientValue]]:
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


def _of(thing: LabelledEntity, match: bool, features: Mapping[str, float]) -> Result:
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
