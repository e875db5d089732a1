"""Matcher of a batch of reconciliation queries: names are matched, accompanying values are evidence.

Names are matched in a thread, within the time limit of the batch; the values of the candidates are fetched from the
store for all queries at once. A query without a name is answered by its properties alone.

Evidence is up to half of a score: a quarter for one property, half for two or more, with equal weights. A value that is
not in the graph, such as a section of a town hall, and a property without values of the candidate are no evidence: they
do not change the score.
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
_PART = 0.7  # agreement of two texts if one contains the other
_SURE = 95.0  # score from which two names are the same
_AGREES = 0.5  # agreement from which a property does not contradict
_DAY = re.compile(r"\d{4}(-\d\d){1,2}")


@dataclass(frozen=True)
class ScoredCandidate:
    """Candidate scored with all evidence: its score, and the agreement of each property from 0 to 1."""

    iri: str
    score: float
    agreement: Mapping[str, float]

    def features(self) -> dict[str, float]:
        """Return the agreement of each property by its prefixed name."""
        return {to_curie(property): value for property, value in self.agreement.items()}


def judge(
    iri: str, score: float | None, clues: Sequence[PropertyEvidence], values: Values, comparison: "Comparison"
) -> ScoredCandidate:
    """Return a candidate with its score (0 to 100) from that of its name and the evidence; None means no name."""
    each = {clue.property: comparison.agreement(clue, values.get((iri, clue.property), ())) for clue in clues}
    agreement = {property: value for property, value in each.items() if value is not None}
    if not agreement:
        return ScoredCandidate(iri, score or 0.0, agreement)
    mean = sum(agreement.values()) / len(agreement)
    if score is None:
        return ScoredCandidate(iri, 100 * mean, agreement)
    share = min(_MOST, _EACH * len(agreement))
    return ScoredCandidate(iri, (1 - share) * score + share * 100 * mean, agreement)


def matches(judged: Sequence[ScoredCandidate], named: Mapping[str, tuple[float, bool]]) -> set[str]:
    """Return the certain matches; `named` has the score of each candidate by its name, and whether that is a match.

    Contradicting evidence revokes a match. Among several candidates with the same name, one becomes a match if the
    evidence fully agrees with it only.
    """
    agreeing = [one for one in judged if min(one.agreement.values(), default=1.0) >= _AGREES]
    by_name = {one.iri for one in agreeing if named[one.iri][1]}
    if by_name:
        return by_name
    full = [one for one in agreeing if one.agreement and min(one.agreement.values()) == 1.0]
    same = {one.iri for one in full if named[one.iri][0] >= _SURE}
    return same if len(same) == 1 else set()


class Comparison:
    """Comparison of given values with those of candidates.

    `normalized` returns the comparison form of a text. `existing` has the given values that any entity of the graph
    has, each with its property.
    """

    def __init__(
        self, normalized: Callable[[str], str], meanings: Meanings, existing: Container[tuple[str, ClientValue]]
    ) -> None:
        self._normalized, self._meanings, self._existing = normalized, meanings, existing

    def agreement(self, clue: PropertyEvidence, values: Iterable[Value]) -> float | None:
        """Return the agreement (0 to 1) of the best pair of a given value and a value of the candidate.

        None means no evidence: the candidate has no value, or a given value is not in the graph and may be the same.
        """
        own = list(values)
        best = max((self._given(given, value) for given in clue.values for value in own), default=0.0)
        if best:
            return best
        return 0.0 if own and all(self._contradicts(clue.property, given, own) for given in clue.values) else None

    def _contradicts(self, property: str, given: ClientValue, values: Iterable[Value]) -> bool:
        """True if a differing value is that of another entity in the graph, or another number or date."""
        if (property, given) in self._existing:
            return True
        own = [value.text.rpartition("/")[2] if value.iri else value.text for value in values]
        return all(_number(text) is not None for text in (given.text, *own)) or all(
            _DAY.fullmatch(text) for text in (given.text, *own)
        )

    def _given(self, given: ClientValue, value: Value) -> float:
        if value.iri and given.thing == value.text:
            return 1.0
        if not given.text:
            return 0.0
        if value.iri:
            meant = self._meanings.get(given.text, {}).get(value.text, 0.0)
            names = [name for names in value.names.values() for name in names]
            # The last part of an IRI is a name too: 2019 for …/fiscal-year/2019.
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


_LOOKED_AT = 20  # minimum number of candidates of a name that evidence is applied to
_MEANINGS = 3  # entities that a given value may mean
_NEAR = 90.0  # minimum score of such an entity
_FULL = 100.0  # score of an entity given by its identifier, or found by evidence alone


@dataclass(frozen=True)
class Result:
    """Candidate of a query as returned to the client; `features` are from 0 to 1, by their identifiers."""

    iri: str
    names: Mapping[str, str]
    description: str
    types: tuple[str, ...]
    score: float
    match: bool
    features: Mapping[str, float] = field(default_factory=dict)
    editions: tuple[str, ...] = ()  # its own edition and the earlier ones, if the graph has several

    def as_json(self, lang: str, registry: TypeRegistry) -> dict[str, object]:
        """Return the candidate as an object of the API (section 4.2)."""
        content: dict[str, object] = {
            "id": id_of_thing(self.iri),
            "name": self.names.get(lang) or next(iter(self.names.values()), id_of_thing(self.iri)),
            "type": [registry.term(type).as_json(lang) for type in self.types],
            "score": round(self.score, 2),
            "match": self.match,
            "features": [{"id": id, "value": round(value, 4)} for id, value in self.features.items()],
        }
        description = " · ".join(filter(None, (self.description, format_editions(self.editions, lang))))
        return {**content, "description": description} if description else content


def format_editions(editions: Sequence[str], lang: str) -> str:
    """Format the editions of an entity, its own first; empty if it has none."""
    own, *earlier = (iri.rpartition("/")[2] for iri in editions or ("",))
    if not earlier:
        return own
    return f"{own}({'、'.join(earlier)}にもある)" if lang == "ja" else f"{own} (also in {', '.join(earlier)})"


@dataclass(frozen=True)
class _Matches:
    """Results of the matcher: candidates by the key of their query, and the entities that given values may mean."""

    found: dict[str, list[Result]]
    meanings: Meanings
    kinds: Mapping[str, Sequence[str]]  # types of the entities in `meanings`
    normalized: Callable[[str], str]


class QueryService:
    """Service for batches of queries about the entities of one edition, or of all."""

    def __init__(self, executor: SearchExecutor, lookup: StoreLookup) -> None:
        self._executor, self._lookup = executor, lookup

    async def batch(
        self, queries: Mapping[str, Query], edition: str | None, registry: TypeRegistry
    ) -> dict[str, list[Result]]:
        """Return the candidates of each query, best first; raise Refusal if matching takes too long."""
        matched = await self._executor.submit(lambda matcher, deadline: _match(matcher, queries, edition, deadline))
        await self._add_identified(queries, matched.found)
        await self._add_by_properties(queries, matched, edition)
        with_evidence = [name for name, query in queries.items() if query.clues]
        things = [result.iri for name in with_evidence for result in matched.found[name]]
        clues = [clue for name in with_evidence for clue in queries[name].clues]
        values = await self._lookup.values(things, [clue.property for clue in clues])
        existing = await self._lookup.existing_values(clues) | _meaningful_values(clues, matched, registry)
        comparison = Comparison(matched.normalized, matched.meanings, existing)
        return {name: _ranked(query, matched.found[name], values, comparison) for name, query in queries.items()}

    async def _add_identified(self, queries: Mapping[str, Query], found: dict[str, list[Result]]) -> None:
        """Set the entity of each query that is an identifier or an IRI, as its only candidate."""
        meant = {name: iri_of_thing(query.text.strip()) for name, query in queries.items() if "/" in query.text}
        named = await self._lookup.entities(meant.values())
        for name, iri in meant.items():
            thing = named.get(iri)
            if thing and _has_type(thing.types, queries[name]):
                found[name] = [_of(thing, True, {"identifier": 1.0})]

    async def _add_by_properties(self, queries: Mapping[str, Query], matched: _Matches, edition: str | None) -> None:
        """Add the entities with agreeing properties to the queries without a name."""
        for name, query in queries.items():
            if query.clues and not query.text.strip():
                iris = await self._lookup.entities_with_properties(query, matched.meanings, edition)
                named = await self._lookup.entities(iris)
                matched.found[name] = [_of(thing, False, {}) for thing in named.values()]


def _match(matcher: Matcher, queries: Mapping[str, Query], edition: str | None, deadline: float) -> _Matches:
    """Match the names of a batch, and the given values; equal texts are matched once."""
    cache: dict[tuple[str, str, int], list[Candidate]] = {}

    def near(text: str, type: str, limit: int) -> list[Candidate]:
        lookup = text, type, limit
        if lookup not in cache:
            seconds = remaining_seconds(deadline)
            cache[lookup] = matcher.candidates(text, type=type or None, edition=edition, limit=limit, seconds=seconds)
        return cache[lookup]

    found = {name: _candidates(query, near) for name, query in queries.items()}
    texts = {given.text for query in queries.values() for clue in query.clues for given in clue.values if given.text}
    meant = {text: [one for one in near(text, "", _MEANINGS) if one.score >= _NEAR] for text in texts}
    meanings = {text: {one.iri: one.score / 100 for one in those} for text, those in meant.items()}
    kinds = {one.iri: one.types for those in meant.values() for one in those}
    normalizer = matcher.index.normalizer
    return _Matches(found, meanings, kinds, lambda text: key(normalizer.text(text)))


def _meaningful_values(
    clues: Iterable[PropertyEvidence], matched: _Matches, registry: TypeRegistry
) -> set[tuple[str, ClientValue]]:
    """Return the given values that mean an entity of a type to which values of their property belong."""
    kinds = {use.property.iri: {*use.values} for use in registry.uses()}
    return {
        (clue.property, given)
        for clue in clues
        for given in clue.values
        for iri in matched.meanings.get(given.text, ())
        if kinds.get(clue.property, set()).intersection(matched.kinds[iri])
    }


def _candidates(query: Query, near: Callable[[str, str, int], list[Candidate]]) -> list[Result]:
    """Return the entities that a name may mean, of one of the types, or of all types if `every` is set."""
    if not query.text.strip():
        return []
    limit = max(query.limit, _LOOKED_AT) if query.clues or query.every else query.limit
    results: dict[str, Result] = {}
    for type in query.types[:1] if query.every else query.types or ("",):
        for one in near(query.text, type, limit):
            if _has_type(one.types, query):
                results.setdefault(one.iri, _result(one))
    ranked = sorted(results.values(), key=lambda result: -result.score)
    certain = [result for result in ranked if result.match]
    # Matches of several types are ambiguous, so none of them is certain.
    return [replace(result, match=False) for result in ranked] if len(certain) > 1 else ranked


def _has_type(types: Sequence[str], query: Query) -> bool:
    return (all if query.every else any)(type in types for type in query.types) or not query.types


def _result(found: Candidate) -> Result:
    names = {lang: name for lang, name in (("ja", found.label_ja), ("en", found.label_en)) if name}
    features = {part.name: part.value for part in found.parts}
    editions = (found.edition, *found.earlier) if found.edition else ()
    return Result(found.iri, names, found.description, found.types, found.score, found.match, features, editions)


def _of(thing: LabelledEntity, match: bool, features: Mapping[str, float]) -> Result:
    return Result(thing.iri, thing.names, "", thing.types, _FULL, match, features)


def _ranked(query: Query, results: Sequence[Result], values: Values, comparison: Comparison) -> list[Result]:
    """Return the results of a query rescored with its evidence, best first, up to its limit."""
    ranked = list(results)
    if query.clues:
        nameless = not query.text.strip()
        judged = [judge(one.iri, None if nameless else one.score, query.clues, values, comparison) for one in results]
        sure = matches(judged, {one.iri: (one.score, one.match) for one in results})
        ranked = [
            replace(one, score=its.score, match=one.iri in sure, features={**one.features, **its.features()})
            for one, its in zip(results, judged, strict=True)
        ]
        ranked.sort(key=lambda one: -one.score)
    return ranked[: query.limit]
