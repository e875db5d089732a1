"""The words of a release: which classes and properties it uses and how often, and which one a mistaken name may mean.

A question that names a term that is not there is answered: with nothing. Whoever mistypes a name, or guesses it, is to
be told so. The nearest names are those that are spelt alike, and those whose definitions speak of what the name says.
"""

import asyncio
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyoxigraph import Literal, NamedNode

from kg.core import sparql_scanner
from kg.core.iris import BASE, ID, PREFIXES, served_iri, to_curie
from kg.core.labels import parse_terms
from kg.engine.wire import Refusal
from kg.http.query_client import Ask, fill_values, is_iri, rows

CLASS, PROPERTY = "class", "property"
# How often each is used, and the first thing that uses it. They are no stored queries: they count over all editions.
_USES = {
    CLASS: "SELECT ?term (COUNT(*) AS ?uses) (MIN(STR(?s)) AS ?example) { ?s a ?term } GROUP BY ?term",
    PROPERTY: "SELECT ?term (COUNT(*) AS ?uses) (MIN(STR(?s)) AS ?example) { ?s ?term ?o } GROUP BY ?term",
}
# Where these fail, as they may on very large data, the terms alone.
_ALONE = {CLASS: "SELECT DISTINCT ?term { ?s a ?term }", PROPERTY: "SELECT DISTINCT ?term { ?s ?term ?o }"}
# What describes the graph may be asked for, too, and is no mistake.
_BESIDE = "SELECT DISTINCT ?term { GRAPH ?g { ?s ?p ?o . BIND(?p AS ?term) } }"
_KNOWN = "SELECT ?thing { VALUES ?thing { } FILTER(EXISTS { ?thing ?p ?o } || EXISTS { ?s ?q ?thing }) }"
_RELATED = {PREFIXES["rdfs"] + "domain", PREFIXES["rdfs"] + "range"}
_ASIDE = {PREFIXES["skos"] + "editorialNote"}  # speaks of other terms
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|[^\W\da-zA-Z_]+")
_NEAR = 3
_LIKE = 0.55
_ALL, _SOME, _BOTH, _ELSE = 0.85, 0.4, 0.1, 0.9
_MOST = 20  # names of one query that are looked at


@dataclass(frozen=True)
class Term:
    """A class or a property: how often it is used, and the IRI of a thing that uses it."""

    iri: str
    kind: str
    uses: int = 0
    example: str = ""


@dataclass(frozen=True)
class Missing:
    """A name in a query that nothing here bears: as it was written, and the nearest ones that are there, as IRIs.

    `declared` says that the ontology has it, and no statement uses it.
    """

    written: str
    iri: str
    near: tuple[str, ...] = ()
    declared: bool = False


@dataclass(frozen=True)
class Words:
    """What is known: the terms in use by IRI, and of every other term of the graph or the ontology that it is there."""

    used: Mapping[str, Term]
    others: frozenset[str] = frozenset()
    declared: frozenset[str] = frozenset()
    said: Mapping[str, str] = field(default_factory=dict)

    @property
    def spaces(self) -> frozenset[str]:
        """The namespaces of the terms: a name of another one may be anything."""
        return frozenset(_space(iri) for iri in (*self.used, *self.declared)) - {PREFIXES["xsd"]}


class Vocabulary:
    """The words of one graph; `files` define or name them in Turtle. What is asked for it is asked once."""

    def __init__(self, ask: Ask, files: Iterable[Path] = ()) -> None:
        self._ask, self._files = ask, tuple(files)
        self._words: asyncio.Future[Words] | None = None

    async def words(self) -> Words:
        """Return what is known."""
        if self._words is None:
            self._words = asyncio.ensure_future(self._read())
        try:
            return await asyncio.shield(self._words)
        except Exception:
            self._words = None  # whoever asks next asks the graph again
            raise

    async def missing(self, query: str) -> list[Missing]:
        """Return the names in a query that nothing here bears, each once: terms, and things under our own base."""
        words = await self.words()
        written = {
            sparql_scanner.resolved(name.iri, BASE): name.written for name in sparql_scanner.names(query) if name.iri
        }
        found = list(written.items())[:_MOST]
        terms = [
            Missing(name, iri, nearest(iri, words), iri in words.declared)
            for iri, name in found
            if _space(iri) in words.spaces and iri not in words.used and iri not in words.others
        ]
        return [
            *terms,
            *await self._unknown([(iri, name) for iri, name in found if iri.startswith(ID) and is_iri(iri)]),
        ]

    async def known(self, things: Iterable[str]) -> set[str]:
        """Return which of these IRIs the graph says something about."""
        asked = [iri for iri in things if is_iri(iri)]
        return set(await self._column(fill_values(_KNOWN, thing=asked), "thing")) if asked else set()

    async def _unknown(self, things: Sequence[tuple[str, str]]) -> list[Missing]:
        """Return which of these things the graph says nothing about."""
        there = await self.known(iri for iri, _ in things)
        return [Missing(name, iri, await self._beside(iri)) for iri, name in things if iri not in there]

    async def things_under(self, start: str) -> list[str]:
        """Return the IRIs of at most a thousand things whose IRI begins like this."""
        begins = f"STRSTARTS(STR(?thing), {Literal(start)})"
        query = f"SELECT DISTINCT ?thing {{ ?thing a ?class FILTER(isIRI(?thing) && {begins}) }} LIMIT 1000"
        return await self._column(query, "thing")

    async def _beside(self, iri: str) -> tuple[str, ...]:
        """Return things whose IRI is like this one, of those with the same beginning."""
        others = await self.things_under(iri.rpartition("/")[0] + "/")
        return tuple(difflib.get_close_matches(iri, others, _NEAR, _LIKE))

    async def _read(self) -> Words:
        used = {term.iri: term for kind in _USES for term in await self._counted(kind)}
        others = frozenset(await self._column(_BESIDE, "term"))
        said, declared = _definitions(self._files)
        return Words(used, others, frozenset(declared), said)

    async def _counted(self, kind: str) -> list[Term]:
        try:
            counted = await rows(self._ask, _USES[kind])
        except Refusal:
            counted = await rows(self._ask, _ALONE[kind])
        return [Term(row["term"], kind, int(row.get("uses", 0)), row.get("example", "")) for row in counted]

    async def _column(self, query: str, variable: str) -> list[str]:
        return [row[variable] for row in await rows(self._ask, query) if variable in row]


def nearest(iri: str, words: Words) -> tuple[str, ...]:
    """Return the terms in use that a name may mean, the most likely first: classes for a name with a capital."""
    name = _local(iri)
    kind = CLASS if name[:1].isupper() else PROPERTY
    scores: dict[str, float] = {}
    for other, term in words.used.items():
        if term.kind == kind:
            alike, meant = _alike(name, _local(other)), _meant(_words_of(name), words.said.get(other, ""))
            scores[other] = (max(alike, meant) + _BOTH * min(alike, meant)) * (
                1 if _space(other) == _space(iri) else _ELSE
            )
    likely = [other for other, score in scores.items() if score >= _LIKE]
    return tuple(sorted(likely, key=lambda other: (-scores[other], other))[:_NEAR])


def _alike(one: str, other: str) -> float:
    """Return how much alike two names are spelt, from 0 to 1."""
    return difflib.SequenceMatcher(None, one.lower(), other.lower(), autojunk=False).ratio()


def _meant(name: Sequence[str], said: str) -> float:
    """Return how much of a name stands in what is said about a term: little, unless all of it does."""
    found = sum(f" {word} " in said if word.isascii() else word in said for word in name)
    return 0.0 if not name else _ALL if found == len(name) else _SOME * found / len(name)


def _definitions(files: Iterable[Path]) -> tuple[dict[str, str], set[str]]:
    """Return the words that are said about each term, between blanks, and the terms of our own that are declared."""
    texts: dict[str, list[str]] = {}
    for file in files:
        for quad in parse_terms(file):
            if isinstance(quad.subject, NamedNode) and quad.predicate.value not in _ASIDE:
                said = texts.setdefault(served_iri(quad.subject.value), [])
                if isinstance(quad.object, Literal):
                    said.append(quad.object.value)
                elif quad.predicate.value in _RELATED and isinstance(quad.object, NamedNode):
                    said.append(_local(quad.object.value))
    words = {iri: f" {' '.join(_words_of(' '.join(said)))} " for iri, said in texts.items()}
    return words, {iri for iri in texts if iri.startswith(PREFIXES["shisaku"])}


def _words_of(text: str) -> list[str]:
    """Return the words of a text or of a name in camel case, in small letters, without the s of a plural."""
    return [word.lower().removesuffix("s") for word in _WORD.findall(text)]


def _space(iri: str) -> str:
    return iri[: max(iri.rfind("#"), iri.rfind("/")) + 1]


def _local(iri: str) -> str:
    return iri.removeprefix(_space(iri))


def shown(iri: str) -> str:
    """Return an IRI as a query would name it."""
    name = to_curie(iri)
    return f"<{iri}>" if name == iri else name
