"""The pages that explain the words of a release: its ontology and its shapes, made of what it publishes.

The ontology as a page shows it: each term with what it means, its uses, an example, and what speaks of it.

Real examples of terms: a thing of each class, and a statement with each property, by their names. Asked once.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pyoxigraph import Triple

from kg.core import sparql_scanner
from kg.core.iris import BASE, ONTOLOGY, PREFIXES, to_curie
from kg.core.labels import Labels, preferred_with_language
from kg.core.stored_queries import StoredQuery
from kg.engine.wire import Refusal
from kg.http.query_client import Ask, bindings, is_iri
from kg.http.templates import View, fill
from kg.web.diagram import Drawing, Node, draw
from kg.web.presenter import TYPE, Facts, Value
from kg.web.query_library import QueryRequest, for_people_first, question
from kg.web.shapes_page import SEVERITIES, Group, Rule, Shapes
from kg.web.vocabulary_index import CLASS, PROPERTY, Term, Vocabulary, Words

Names = Mapping[str, Mapping[str, str]]
_NAMING = " ".join(
    f"<{PREFIXES[prefix]}{name}>"
    for prefix, name in (
        *(("skos", "prefLabel"), ("dcterms", "title"), ("rdfs", "label"), ("foaf", "name")),
        *(("dcterms", "description"), ("shisaku", "printedText")),
    )
)
_MOST = 400  # things that are asked for at once


@dataclass(frozen=True)
class Example:
    """A thing that uses a term, and for a property one of its values: an IRI, or a text with its language."""

    thing: str
    value: str = ""
    lang: str = ""
    is_iri: bool = False


@dataclass(frozen=True)
class Examples:
    """The examples by term, and the names by language of the things in them."""

    by_term: Mapping[str, Example]
    names: Names

    def name(self, iri: str, lang: str) -> tuple[str, str]:
        """Return what a thing is called, and in which language; both empty where it has no name."""
        return preferred_with_language(self.names.get(iri, {}), lang)


async def examples(ask: Ask, terms: Iterable[Term]) -> Examples:
    """Return an example of each term that is in use."""
    used = [term for term in terms if is_iri(term.example)]
    pairs = " ".join(f"(<{term.iri}> <{term.example}>)" for term in used if term.kind == PROPERTY)
    rows = await bindings(
        ask,
        f"SELECT * {{ VALUES (?term ?thing) {{ {pairs} }} ?thing ?term ?value }} ORDER BY ?term ?value",
    )
    found = {term.iri: Example(term.example) for term in used if term.kind != PROPERTY}
    for row in rows:
        value = row["value"]
        one = Example(row["thing"]["value"], value["value"], value.get("xml:lang", ""), value["type"] == "uri")
        if row["term"]["value"] not in found or one.lang == "ja":
            found[row["term"]["value"]] = one
    things = {one.thing for one in found.values()} | {one.value for one in found.values() if one.is_iri}
    return Examples(found, await _names(ask, sorted(iri for iri in things if is_iri(iri))))


async def _names(ask: Ask, things: list[str]) -> Names:
    found: dict[str, dict[str, str]] = {}
    for start in range(0, len(things), _MOST):
        some = " ".join(f"<{iri}>" for iri in things[start : start + _MOST])
        query = f"""SELECT ?thing ?name {{ VALUES ?thing {{ {some} }} VALUES ?naming {{ {_NAMING} }}
          ?thing ?naming ?name }} ORDER BY ?name"""
        for row in await bindings(ask, query):
            name = row["name"]
            found.setdefault(row["thing"]["value"], {}).setdefault(name.get("xml:lang", ""), name["value"])
    return found


_RDFS, _OWL, _SKOS = (PREFIXES[prefix] for prefix in ("rdfs", "owl", "skos"))
_DOMAIN, _RANGE = _RDFS + "domain", _RDFS + "range"
_CLASS = _OWL + "Class"
_READ_FROM = PREFIXES["prov"] + "wasDerivedFrom"
# Nearly everything points to a concept of a code list or to a row of the recipe; such arrows would hide all others.
_NOT_DRAWN = {_SKOS + "Concept", PREFIXES["rdf"] + "Property", ONTOLOGY + "RecipeRow"}


@dataclass(frozen=True)
class Named:
    """A term or a thing where it is mentioned: what it is called, in which language, and where it leads."""

    text: str
    href: str = ""
    lang: str = ""


@dataclass(frozen=True)
class Entry:
    """A term as the page explains it."""

    iri: str
    anchor: str
    name: str
    kind: str
    label: Value
    other: Value | None
    definition: Value | None
    note: Value | None
    reason: str
    samples: tuple[str, ...]
    domain: tuple[Named, ...]
    range: tuple[Named, ...]
    related: tuple[tuple[tuple[str, str], Named], ...]
    uses: int
    example: tuple[Named, Named | None] | None
    rules: tuple[Rule, ...]
    questions: tuple[QueryRequest, ...]


@dataclass(frozen=True)
class Sources:
    """What the page is made of: the ontology, the shapes, the stored queries, what is in use, and examples of it."""

    triples: Sequence[Triple]
    groups: Sequence[Group]
    stored: Sequence[StoredQuery]
    words: Words
    examples: Examples
    labels: Labels


@dataclass
class Ontology:
    """The terms in the words of one page."""

    sources: Sources
    view: View
    facts: Facts = field(init=False)

    def __post_init__(self) -> None:
        self.facts = Facts(self.sources.triples, self.sources.labels, self.view.lang, self.view.link)
        self._asked = _asked(self.sources.stored)
        self._rules = _rules(self.sources.groups)

    def classes(self) -> list[Entry]:
        """Return our classes, in the order of the file."""
        return [self.entry(iri) for iri in self._own() if self._is_class(iri)]

    def properties(self) -> list[tuple[Named, list[Entry]]]:
        """Return our properties under the class that they belong to; those of several classes come last."""
        found: dict[str, list[Entry]] = {}
        for iri in self._own():
            if not self._is_class(iri):
                found.setdefault(next(iter(self.facts.iris(iri, _DOMAIN)), ""), []).append(self.entry(iri))
        order = [*(iri for iri in self._own() if iri in found), *([""] if "" in found else [])]
        shared = Named(self.view.t("複数のクラスに使う述語", "Properties of several classes"))
        return [(self.term(iri) if iri else shared, found[iri]) for iri in order]

    def borrowed(self) -> list[Entry]:
        """Return the terms of others that this release uses, by their names."""
        used = [iri for iri in self.sources.words.used if not iri.startswith(ONTOLOGY) and to_curie(iri) != iri]
        return [self.entry(iri) for iri in sorted(used, key=to_curie)]

    def entry(self, iri: str) -> Entry:
        """Return a term as the page explains it."""
        facts = self.facts
        used = self.sources.words.used.get(iri) or Term(iri, CLASS if self._is_class(iri) else PROPERTY)
        label, other = (self._label(iri, lang) for lang in (self.view.lang, self.view.other))
        return Entry(
            iri=iri,
            anchor=anchor(iri),
            name=to_curie(iri),
            kind=used.kind,
            label=label or Value(to_curie(iri)),
            other=other,
            definition=facts.told(iri, _SKOS + "definition"),
            note=facts.told(iri, _SKOS + "scopeNote"),
            reason=facts.text(iri, _SKOS + "editorialNote"),
            samples=tuple(self._samples(iri)),
            domain=tuple(self.term(other) for other in facts.iris(iri, _DOMAIN)),
            range=tuple(self.term(other) for other in facts.iris(iri, _RANGE)),
            related=tuple(self._related(iri)),
            uses=used.uses,
            example=self._example(iri),
            rules=tuple(self._rules.get(iri, ())),
            questions=tuple(question(query, self.view) for query in self._asked.get(iri, ())),
        )

    def term(self, iri: str) -> Named:
        """Return a term where it is mentioned."""
        here = iri.startswith(ONTOLOGY) or iri in self.sources.words.used
        label = self._label(iri, self.view.lang)
        return Named(label.text if label else to_curie(iri), f"#{anchor(iri)}" if here else "")

    def drawing(self) -> Drawing:
        """Return the diagram of the classes: what a property leads to, by domain and range, else by the shapes."""
        links: dict[tuple[str, str], list[str]] = {}
        for source, iri, target in self._steps():
            if target not in _NOT_DRAWN and self._is_drawn(source) and self._is_drawn(target):
                said, words = links.setdefault((source, target), []), self.term(iri).text
                if words not in said:
                    said.append(words)
        drawn = [iri for iri in self._own() if self._is_class(iri)]
        drawn += [iri for ends in links for iri in ends if iri not in drawn]
        return draw([self._node(iri) for iri in dict.fromkeys(drawn) if any(iri in ends for ends in links)], links)

    def _steps(self) -> Iterable[tuple[str, str, str]]:
        for iri in self._own():
            for source in self.facts.iris(iri, _DOMAIN):
                for target in self.facts.iris(iri, _RANGE):
                    yield source, iri, target
        for group in self.sources.groups:
            for rule in group.rules if group.target.startswith(ONTOLOGY) else ():
                ours = len(rule.paths) == 1 and not rule.inverse and not self.facts.has(rule.paths[0], _DOMAIN)
                if ours and (rule.paths[0].startswith(ONTOLOGY) or rule.paths[0] == _READ_FROM):
                    yield from ((group.target, rule.paths[0], target) for target in rule.values)

    def _node(self, iri: str) -> Node:
        named = self.term(iri)
        return Node(iri, named.text, to_curie(iri), named.href, "own" if iri.startswith(ONTOLOGY) else "borrowed")

    def _is_drawn(self, iri: str) -> bool:
        return iri.startswith(ONTOLOGY) or iri in self.sources.words.used

    def _own(self) -> list[str]:
        return [iri for iri in self.facts.subjects() if iri.startswith(ONTOLOGY)]

    def _is_class(self, iri: str) -> bool:
        return _CLASS in self.facts.iris(iri, TYPE)

    def _label(self, iri: str, lang: str) -> Value | None:
        text = self.sources.labels.of(iri, lang)
        return None if text == to_curie(iri) else Value(text, lang)

    def _samples(self, iri: str) -> Iterable[str]:
        examples = (triple for triple in self.sources.triples if triple.predicate.value == _SKOS + "example")
        yield from (str(getattr(t.object, "value", "")) for t in examples if getattr(t.subject, "value", "") == iri)

    def _related(self, iri: str) -> Iterable[tuple[tuple[str, str], Named]]:
        for name, words in (
            (_RDFS + "subClassOf", ("上位クラス", "is a kind of")),
            (_RDFS + "subPropertyOf", ("上位の述語", "is a kind of")),
            (_OWL + "inverseOf", ("逆", "inverse of")),
            (_OWL + "disjointWith", ("重ならないクラス", "disjoint with")),
        ):
            yield from ((words, self.term(other)) for other in self.facts.iris(iri, name))

    def _example(self, iri: str) -> tuple[Named, Named | None] | None:
        example: Example | None = self.sources.examples.by_term.get(iri)
        if example is None:
            return None
        value = self._thing(example.value) if example.is_iri else Named(example.value, "", example.lang)
        return self._thing(example.thing), value if example.value else None

    def _thing(self, iri: str) -> Named:
        text, lang = self.sources.examples.name(iri, self.view.lang)
        return Named(text or to_curie(iri).removeprefix(BASE), self.facts.away(iri), lang)


def anchor(iri: str) -> str:
    """Return the anchor of a term: of ours its own name, as its IRI says."""
    return iri.removeprefix(ONTOLOGY) if iri.startswith(ONTOLOGY) else to_curie(iri).replace(":", "-")


def _asked(stored: Iterable[StoredQuery]) -> Mapping[str, list[StoredQuery]]:
    """Return the stored queries that name a term, by term."""
    found: dict[str, list[StoredQuery]] = {}
    for query in for_people_first(stored):
        for iri in dict.fromkeys(name.iri for name in sparql_scanner.names(query.text)):
            found.setdefault(iri, []).append(query)
    return found


def _rules(groups: Iterable[Group]) -> Mapping[str, list[Rule]]:
    """Return the shapes that speak of a term, by term: of a class the first one, of a property all."""
    found: dict[str, list[Rule]] = {}
    for group in groups:
        found.setdefault(group.target, []).append(group.rules[0])
        for rule in group.rules:
            for iri in rule.paths:
                found.setdefault(iri, []).append(rule)
    return found


Forms = Sequence[tuple[str, str]]
_HEAD = BASE + "def"


@dataclass
class Documentation:
    """These pages of one release. What they count and show of the graph is asked once."""

    ask: Ask
    labels: Labels
    vocabulary: Vocabulary
    stored: Sequence[StoredQuery]
    _examples: Examples | None = field(default=None, init=False)

    async def ontology(self, view: View, triples: Sequence[Triple], shapes: Sequence[Triple], forms: Forms) -> str:
        """Return the page of the ontology, from its statements and those of the shapes."""
        words = await self._words()
        groups = Shapes(shapes, self.labels, view.lang).groups()
        shown = Ontology(Sources(triples, groups, self.stored, words, await self._shown(words), self.labels), view)
        facts = Facts(triples, self.labels, view.lang, view.link)
        # Some hundreds of sections take a while to lay out, in which others are to be served.
        return await asyncio.to_thread(
            lambda: fill(
                "ontology.html",
                view,
                iri=_HEAD,
                about=facts.section(_HEAD),
                description=facts.told(_HEAD, PREFIXES["dcterms"] + "description"),
                version=facts.text(_HEAD, PREFIXES["owl"] + "versionInfo"),
                forms=forms,
                drawing=shown.drawing(),
                classes=shown.classes(),
                properties=shown.properties(),
                borrowed=shown.borrowed(),
            )
        )

    async def shapes(self, view: View, triples: Sequence[Triple], forms: Forms) -> str:
        """Return the page of the shapes, from their statements."""
        words = await self._words()

        def known(iri: str) -> str:
            return view.link(f"def#{anchor(iri)}") if iri in words.declared or iri in words.used else ""

        groups = Shapes(triples, self.labels, view.lang).groups()
        return await asyncio.to_thread(
            lambda: fill(
                "shapes.html",
                view,
                iri=BASE + "shapes",
                groups=[(group, self.labels.of(group.target, view.lang), known(group.target)) for group in groups],
                known=known,
                severity=lambda name: view.t(*SEVERITIES[name]) if name in SEVERITIES else name,
                forms=forms,
            )
        )

    async def _words(self) -> Words:
        try:
            return await self.vocabulary.words()
        except Refusal:  # very large data, or a busy server: the words themselves can be told
            return Words({})

    async def _shown(self, words: Words) -> Examples:
        if self._examples is None:
            try:
                self._examples = await examples(self.ask, words.used.values())
            except Refusal:
                return Examples({}, {})
        return self._examples


def term_of(name: str) -> str:
    """Return the IRI of a term from its prefixed name; of an IRI itself."""
    prefix, _, local = name.partition(":")
    return PREFIXES[prefix] + local if prefix in PREFIXES and not local.startswith("//") else name
