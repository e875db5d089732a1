"""Vocabulary index: the classes and properties in use with their frequency, and suggestions for unknown names.

A query with an unknown term is valid and has no results. So misspelt and guessed names are reported, with suggestions:
names with similar spelling, and those with definitions that contain the words of the name.
"""

import asyncio
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyoxigraph import Literal, NamedNode

from kg.core import sparql_scanner
from kg.core.iris import BASE, ID, PREFIXES, served_iri
from kg.core.labels import parse_terms
from kg.engine.wire import Refusal
from kg.http.query_client import RunQuery, fetch_existing, fetch_rows, is_iri

CLASS, PROPERTY = "class", "property"
# Number of uses and first subject of each term. Not stored queries, since they count over all editions.
_USES = {
    CLASS: "SELECT ?term (COUNT(*) AS ?uses) (MIN(STR(?s)) AS ?example) { ?s a ?term } GROUP BY ?term",
    PROPERTY: "SELECT ?term (COUNT(*) AS ?uses) (MIN(STR(?s)) AS ?example) { ?s ?term ?o } GROUP BY ?term",
}
# Used if these fail, as they may on very large data: the terms without counts.
_TERMS_ONLY = {CLASS: "SELECT DISTINCT ?term { ?s a ?term }", PROPERTY: "SELECT DISTINCT ?term { ?s ?term ?o }"}
# Terms of the metadata graphs may be used as well.
_IN_NAMED_GRAPHS = "SELECT DISTINCT ?term { GRAPH ?g { ?s ?p ?o . BIND(?p AS ?term) } }"
_RELATED = {PREFIXES["rdfs"] + "domain", PREFIXES["rdfs"] + "range"}
_EXCLUDED_PROPERTIES = {PREFIXES["skos"] + "editorialNote"}  # its texts mention other terms
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|[^\W\da-zA-Z_]+")
_MOST_SUGGESTIONS = 3
_LEAST_SIMILARITY = 0.55
_ALL, _SOME, _BOTH, _ELSE = 0.85, 0.4, 0.1, 0.9
_MOST = 20  # names checked per query


@dataclass(frozen=True)
class Term:
    """A class or a property: its number of uses, and the IRI of a resource that uses it."""

    iri: str
    kind: str
    uses: int = 0
    example: str = ""


@dataclass(frozen=True)
class UnknownTerm:
    """An unknown name in a query, as written, and suggestions as IRIs.

    `declared` is true if the ontology defines it, but no statement uses it.
    """

    written: str
    iri: str
    near: tuple[str, ...] = ()
    declared: bool = False


@dataclass(frozen=True)
class VocabularyTerms:
    """Index of the vocabulary: the terms in use by IRI, the other terms of the graph, and those of the ontology."""

    used: Mapping[str, Term]
    others: frozenset[str] = frozenset()
    declared: frozenset[str] = frozenset()
    definitions: Mapping[str, str] = field(default_factory=dict)

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespaces of the terms; names in other namespaces are not checked."""
        return frozenset(_namespace(iri) for iri in (*self.used, *self.declared)) - {PREFIXES["xsd"]}


class Vocabulary:
    """The vocabulary of one graph; `files` define or label terms in Turtle. Query results are cached."""

    def __init__(self, run_query: RunQuery, files: Iterable[Path] = ()) -> None:
        self._run_query, self._files = run_query, tuple(files)
        self._terms: asyncio.Future[VocabularyTerms] | None = None

    async def terms(self) -> VocabularyTerms:
        """Return the index."""
        if self._terms is None:
            self._terms = asyncio.ensure_future(self._read())
        try:
            return await asyncio.shield(self._terms)
        except Exception:
            self._terms = None  # the next caller retries
            raise

    async def missing(self, query: str) -> list[UnknownTerm]:
        """Return the distinct unknown names in a query: terms, and resources under our own base."""
        terms_index = await self.terms()
        written = {
            sparql_scanner.resolved(name.iri, BASE): name.written for name in sparql_scanner.names(query) if name.iri
        }
        checked = list(written.items())[:_MOST]
        terms = [
            UnknownTerm(name, iri, nearest_terms(iri, terms_index), iri in terms_index.declared)
            for iri, name in checked
            if _namespace(iri) in terms_index.namespaces
            and iri not in terms_index.used
            and iri not in terms_index.others
        ]
        return [
            *terms,
            *await self._unknown_things([(iri, name) for iri, name in checked if iri.startswith(ID) and is_iri(iri)]),
        ]

    async def existing(self, things: Iterable[str]) -> set[str]:
        """Return those of these IRIs that occur in the graph."""
        return await fetch_existing(self._run_query, things)

    async def _unknown_things(self, things: Sequence[tuple[str, str]]) -> list[UnknownTerm]:
        """Return those of these resources that do not occur in the graph."""
        existing = await self.existing(iri for iri, _ in things)
        return [UnknownTerm(name, iri, await self._similar_iris(iri)) for iri, name in things if iri not in existing]

    async def things_under(self, start: str) -> list[str]:
        """Return the IRIs of at most a thousand resources with this prefix."""
        begins = f"STRSTARTS(STR(?thing), {Literal(start)})"
        query = f"SELECT DISTINCT ?thing {{ ?thing a ?class FILTER(isIRI(?thing) && {begins}) }} LIMIT 1000"
        return await self._column(query, "thing")

    async def _similar_iris(self, iri: str) -> tuple[str, ...]:
        """Return resources with an IRI similar to this one and the same prefix."""
        others = await self.things_under(iri.rpartition("/")[0] + "/")
        return tuple(difflib.get_close_matches(iri, others, _MOST_SUGGESTIONS, _LEAST_SIMILARITY))

    async def _read(self) -> VocabularyTerms:
        used = {term.iri: term for kind in _USES for term in await self._counted(kind)}
        others = frozenset(await self._column(_IN_NAMED_GRAPHS, "term"))
        definitions, declared = _definitions(self._files)
        return VocabularyTerms(used, others, frozenset(declared), definitions)

    async def _counted(self, kind: str) -> list[Term]:
        try:
            counted = await fetch_rows(self._run_query, _USES[kind])
        except Refusal:
            counted = await fetch_rows(self._run_query, _TERMS_ONLY[kind])
        return [Term(row["term"], kind, int(row.get("uses", 0)), row.get("example", "")) for row in counted]

    async def _column(self, query: str, variable: str) -> list[str]:
        return [row[variable] for row in await fetch_rows(self._run_query, query) if variable in row]


def nearest_terms(iri: str, terms: VocabularyTerms) -> tuple[str, ...]:
    """Return the terms in use that a name may mean, best first: classes for a capitalized name."""
    name = _local_name(iri)
    kind = CLASS if name[:1].isupper() else PROPERTY
    scores: dict[str, float] = {}
    for other, term in terms.used.items():
        if term.kind == kind:
            alike, definition = (
                _spelling_similarity(name, _local_name(other)),
                _definition_match(_words_of(name), terms.definitions.get(other, "")),
            )
            scores[other] = (max(alike, definition) + _BOTH * min(alike, definition)) * (
                1 if _namespace(other) == _namespace(iri) else _ELSE
            )
    likely = [other for other, score in scores.items() if score >= _LEAST_SIMILARITY]
    return tuple(sorted(likely, key=lambda other: (-scores[other], other))[:_MOST_SUGGESTIONS])


def _spelling_similarity(one: str, other: str) -> float:
    """Return the similarity of two spellings, from 0 to 1."""
    return difflib.SequenceMatcher(None, one.lower(), other.lower(), autojunk=False).ratio()


def _definition_match(name: Sequence[str], definition: str) -> float:
    """Return the share of the words of a name that occur in a definition, reduced unless all do."""
    matches = sum(f" {word} " in definition if word.isascii() else word in definition for word in name)
    return 0.0 if not name else _ALL if matches == len(name) else _SOME * matches / len(name)


def _definitions(files: Iterable[Path]) -> tuple[dict[str, str], set[str]]:
    """Return the words about each term, between spaces, and the declared terms of our own."""
    texts: dict[str, list[str]] = {}
    for file in files:
        for quad in parse_terms(file):
            if isinstance(quad.subject, NamedNode) and quad.predicate.value not in _EXCLUDED_PROPERTIES:
                texts_of_term = texts.setdefault(served_iri(quad.subject.value), [])
                if isinstance(quad.object, Literal):
                    texts_of_term.append(quad.object.value)
                elif quad.predicate.value in _RELATED and isinstance(quad.object, NamedNode):
                    texts_of_term.append(_local_name(quad.object.value))
    words = {iri: f" {' '.join(_words_of(' '.join(texts_of_term)))} " for iri, texts_of_term in texts.items()}
    return words, {iri for iri in texts if iri.startswith(PREFIXES["shisaku"])}


def _words_of(text: str) -> list[str]:
    """Return the words of a text or of a camel-case name, in lower case, without plural s."""
    return [word.lower().removesuffix("s") for word in _WORD.findall(text)]


def _namespace(iri: str) -> str:
    return iri[: max(iri.rfind("#"), iri.rfind("/")) + 1]


def _local_name(iri: str) -> str:
    return iri.removeprefix(_namespace(iri))
