"""Pages of the ontology and the shapes of a release: each term with definition, use, example, shapes and queries.

Examples are real: an instance of each class, and a statement with each property. They are queried once.
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
from kg.http.query_client import RunQuery, fetch_bindings, is_iri
from kg.http.templates import View, render
from kg.web.diagram import Drawing, Node, draw
from kg.web.presenter import TYPE, GraphPresenter, Value
from kg.web.query_library import QueryInfo, internal_last, query_info
from kg.web.shapes_page import SEVERITIES, ShapeGroup, ShapeRow, ShapesPresenter
from kg.web.vocabulary_index import CLASS, PROPERTY, Term, Vocabulary, VocabularyTerms

Names = Mapping[str, Mapping[str, str]]
_NAMING = " ".join(
    f"<{PREFIXES[prefix]}{name}>"
    for prefix, name in (
        *(("skos", "prefLabel"), ("dcterms", "title"), ("rdfs", "label"), ("foaf", "name")),
        *(("dcterms", "description"), ("shisaku", "printedText")),
    )
)
_BATCH_SIZE = 400  # resources per query


@dataclass(frozen=True)
class Example:
    """A resource that uses a term, and for a property one of its values: an IRI, or a text with its language."""

    thing: str
    value: str = ""
    lang: str = ""
    is_iri: bool = False


@dataclass(frozen=True)
class Examples:
    """The examples by term, and the names of their resources by language."""

    by_term: Mapping[str, Example]
    names: Names

    def name(self, iri: str, lang: str) -> tuple[str, str]:
        """Return the name of a resource and its language; both empty without a name."""
        return preferred_with_language(self.names.get(iri, {}), lang)


async def fetch_examples(run_query: RunQuery, terms: Iterable[Term]) -> Examples:
    """Return an example of each term in use."""
    used = [term for term in terms if is_iri(term.example)]
    pairs = " ".join(f"(<{term.iri}> <{term.example}>)" for term in used if term.kind == PROPERTY)
    rows = await fetch_bindings(
        run_query,
        f"SELECT * {{ VALUES (?term ?thing) {{ {pairs} }} ?thing ?term ?value }} ORDER BY ?term ?value",
    )
    examples = {term.iri: Example(term.example) for term in used if term.kind != PROPERTY}
    for row in rows:
        value = row["value"]
        one = Example(row["thing"]["value"], value["value"], value.get("xml:lang", ""), value["type"] == "uri")
        if row["term"]["value"] not in examples or one.lang == "ja":
            examples[row["term"]["value"]] = one
    things = {one.thing for one in examples.values()} | {one.value for one in examples.values() if one.is_iri}
    return Examples(examples, await _names(run_query, sorted(iri for iri in things if is_iri(iri))))


async def _names(run_query: RunQuery, things: list[str]) -> Names:
    names: dict[str, dict[str, str]] = {}
    for start in range(0, len(things), _BATCH_SIZE):
        some = " ".join(f"<{iri}>" for iri in things[start : start + _BATCH_SIZE])
        query = f"""SELECT ?thing ?name {{ VALUES ?thing {{ {some} }} VALUES ?naming {{ {_NAMING} }}
          ?thing ?naming ?name }} ORDER BY ?name"""
        for row in await fetch_bindings(run_query, query):
            name = row["name"]
            names.setdefault(row["thing"]["value"], {}).setdefault(name.get("xml:lang", ""), name["value"])
    return names


_RDFS, _OWL, _SKOS = (PREFIXES[prefix] for prefix in ("rdfs", "owl", "skos"))
_DOMAIN, _RANGE = _RDFS + "domain", _RDFS + "range"
_CLASS = _OWL + "Class"
_READ_FROM = PREFIXES["prov"] + "wasDerivedFrom"
# Nearly all classes point to code lists or to rows of the recipe; these arrows would hide all others.
_NOT_DRAWN = {_SKOS + "Concept", PREFIXES["rdf"] + "Property", ONTOLOGY + "RecipeRow"}


@dataclass(frozen=True)
class TermLink:
    """A mention of a term or a resource: label, link and language."""

    text: str
    href: str = ""
    lang: str = ""


@dataclass(frozen=True)
class TermEntry:
    """A term as documented on the page."""

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
    domain: tuple[TermLink, ...]
    range: tuple[TermLink, ...]
    related: tuple[tuple[tuple[str, str], TermLink], ...]
    uses: int
    example: tuple[TermLink, TermLink | None] | None
    rules: tuple[ShapeRow, ...]
    questions: tuple[QueryInfo, ...]


@dataclass(frozen=True)
class OntologyData:
    """The data of the page: ontology, shapes, stored queries, terms in use and their examples."""

    triples: Sequence[Triple]
    groups: Sequence[ShapeGroup]
    stored: Sequence[StoredQuery]
    terms: VocabularyTerms
    examples: Examples
    labels: Labels


@dataclass
class OntologyPresenter:
    """Presenter of the ontology for one page context."""

    sources: OntologyData
    view: View
    facts: GraphPresenter = field(init=False)

    def __post_init__(self) -> None:
        self.facts = GraphPresenter(self.sources.triples, self.sources.labels, self.view.lang, self.view.link)
        self._stored = _queries_by_term(self.sources.stored)
        self._rules = _shapes_by_term(self.sources.groups)

    def classes(self) -> list[TermEntry]:
        """Return our classes, in the order of the file."""
        return [self.entry(iri) for iri in self._own() if self._is_class(iri)]

    def properties(self) -> list[tuple[TermLink, list[TermEntry]]]:
        """Return our properties grouped by domain; those with several domains come last."""
        by_domain: dict[str, list[TermEntry]] = {}
        for iri in self._own():
            if not self._is_class(iri):
                by_domain.setdefault(next(iter(self.facts.iris(iri, _DOMAIN)), ""), []).append(self.entry(iri))
        order = [*(iri for iri in self._own() if iri in by_domain), *([""] if "" in by_domain else [])]
        shared = TermLink(self.view.t("複数のクラスに使う述語", "Properties of several classes"))
        return [(self.term(iri) if iri else shared, by_domain[iri]) for iri in order]

    def external_terms(self) -> list[TermEntry]:
        """Return the external terms that this release uses, by name."""
        used = [iri for iri in self.sources.terms.used if not iri.startswith(ONTOLOGY) and to_curie(iri) != iri]
        return [self.entry(iri) for iri in sorted(used, key=to_curie)]

    def entry(self, iri: str) -> TermEntry:
        """Return the documentation of a term."""
        facts = self.facts
        used = self.sources.terms.used.get(iri) or Term(iri, CLASS if self._is_class(iri) else PROPERTY)
        label, other = (self._label(iri, lang) for lang in (self.view.lang, self.view.other))
        return TermEntry(
            iri=iri,
            anchor=term_anchor(iri),
            name=to_curie(iri),
            kind=used.kind,
            label=label or Value(to_curie(iri)),
            other=other,
            definition=facts.localized(iri, _SKOS + "definition"),
            note=facts.localized(iri, _SKOS + "scopeNote"),
            reason=facts.text(iri, _SKOS + "editorialNote"),
            samples=tuple(self._samples(iri)),
            domain=tuple(self.term(other) for other in facts.iris(iri, _DOMAIN)),
            range=tuple(self.term(other) for other in facts.iris(iri, _RANGE)),
            related=tuple(self._related(iri)),
            uses=used.uses,
            example=self._example(iri),
            rules=tuple(self._rules.get(iri, ())),
            questions=tuple(query_info(query, self.view) for query in self._stored.get(iri, ())),
        )

    def term(self, iri: str) -> TermLink:
        """Return a mention of a term."""
        here = iri.startswith(ONTOLOGY) or iri in self.sources.terms.used
        label = self._label(iri, self.view.lang)
        return TermLink(label.text if label else to_curie(iri), f"#{term_anchor(iri)}" if here else "")

    def drawing(self) -> Drawing:
        """Return the class diagram: links by domain and range, else by the shapes."""
        links: dict[tuple[str, str], list[str]] = {}
        for source, iri, target in self._class_links():
            if target not in _NOT_DRAWN and self._is_drawn(source) and self._is_drawn(target):
                labels, terms = links.setdefault((source, target), []), self.term(iri).text
                if terms not in labels:
                    labels.append(terms)
        drawn = [iri for iri in self._own() if self._is_class(iri)]
        drawn += [iri for ends in links for iri in ends if iri not in drawn]
        return draw([self._node(iri) for iri in dict.fromkeys(drawn) if any(iri in ends for ends in links)], links)

    def _class_links(self) -> Iterable[tuple[str, str, str]]:
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
        return iri.startswith(ONTOLOGY) or iri in self.sources.terms.used

    def _own(self) -> list[str]:
        return [iri for iri in self.facts.subjects() if iri.startswith(ONTOLOGY)]

    def _is_class(self, iri: str) -> bool:
        return _CLASS in self.facts.iris(iri, TYPE)

    def _label(self, iri: str, lang: str) -> Value | None:
        text = self.sources.labels.of(iri, lang)
        return None if text == to_curie(iri) else Value(text, lang)

    def _samples(self, iri: str) -> Iterable[str]:
        samples = (triple for triple in self.sources.triples if triple.predicate.value == _SKOS + "example")
        yield from (str(getattr(t.object, "value", "")) for t in samples if getattr(t.subject, "value", "") == iri)

    def _related(self, iri: str) -> Iterable[tuple[tuple[str, str], TermLink]]:
        for name, terms in (
            (_RDFS + "subClassOf", ("上位クラス", "is a kind of")),
            (_RDFS + "subPropertyOf", ("上位の述語", "is a kind of")),
            (_OWL + "inverseOf", ("逆", "inverse of")),
            (_OWL + "disjointWith", ("重ならないクラス", "disjoint with")),
        ):
            yield from ((terms, self.term(other)) for other in self.facts.iris(iri, name))

    def _example(self, iri: str) -> tuple[TermLink, TermLink | None] | None:
        example: Example | None = self.sources.examples.by_term.get(iri)
        if example is None:
            return None
        value = self._thing(example.value) if example.is_iri else TermLink(example.value, "", example.lang)
        return self._thing(example.thing), value if example.value else None

    def _thing(self, iri: str) -> TermLink:
        text, lang = self.sources.examples.name(iri, self.view.lang)
        return TermLink(text or to_curie(iri).removeprefix(BASE), self.facts.document_url(iri), lang)


def term_anchor(iri: str) -> str:
    """Return the anchor of a term: for our terms the local name, as in the IRI."""
    return iri.removeprefix(ONTOLOGY) if iri.startswith(ONTOLOGY) else to_curie(iri).replace(":", "-")


def _queries_by_term(stored: Iterable[StoredQuery]) -> Mapping[str, list[StoredQuery]]:
    """Return the stored queries that use a term, by term."""
    by_term: dict[str, list[StoredQuery]] = {}
    for query in internal_last(stored):
        for iri in dict.fromkeys(name.iri for name in sparql_scanner.names(query.text)):
            by_term.setdefault(iri, []).append(query)
    return by_term


def _shapes_by_term(groups: Iterable[ShapeGroup]) -> Mapping[str, list[ShapeRow]]:
    """Return the shapes about a term, by term: for a class the first one, for a property all."""
    by_term: dict[str, list[ShapeRow]] = {}
    for group in groups:
        by_term.setdefault(group.target, []).append(group.rules[0])
        for rule in group.rules:
            for iri in rule.paths:
                by_term.setdefault(iri, []).append(rule)
    return by_term


Forms = Sequence[tuple[str, str]]
_HEAD = BASE + "def"


@dataclass
class VocabularyPages:
    """The vocabulary pages of one release, with cached query results."""

    run_query: RunQuery
    labels: Labels
    vocabulary: Vocabulary
    stored: Sequence[StoredQuery]
    _examples: Examples | None = field(default=None, init=False)

    async def ontology(self, view: View, triples: Sequence[Triple], shapes: Sequence[Triple], forms: Forms) -> str:
        """Return the page of the ontology, from its statements and those of the shapes."""
        terms = await self._words()
        groups = ShapesPresenter(shapes, self.labels, view.lang).groups()
        shown = OntologyPresenter(
            OntologyData(triples, groups, self.stored, terms, await self._shown(terms), self.labels), view
        )
        facts = GraphPresenter(triples, self.labels, view.lang, view.link)
        # In a thread, since rendering some hundreds of sections takes a while.
        return await asyncio.to_thread(
            lambda: render(
                "ontology.html",
                view,
                iri=_HEAD,
                about=facts.section(_HEAD),
                description=facts.localized(_HEAD, PREFIXES["dcterms"] + "description"),
                version=facts.text(_HEAD, PREFIXES["owl"] + "versionInfo"),
                forms=forms,
                drawing=shown.drawing(),
                classes=shown.classes(),
                properties=shown.properties(),
                borrowed=shown.external_terms(),
            )
        )

    async def shapes(self, view: View, triples: Sequence[Triple], forms: Forms) -> str:
        """Return the page of the shapes, from their statements."""
        terms = await self._words()

        def term_url(iri: str) -> str:
            return view.link(f"def#{term_anchor(iri)}") if iri in terms.declared or iri in terms.used else ""

        groups = ShapesPresenter(triples, self.labels, view.lang).groups()
        return await asyncio.to_thread(
            lambda: render(
                "shapes.html",
                view,
                iri=BASE + "shapes",
                groups=[(group, self.labels.of(group.target, view.lang), term_url(group.target)) for group in groups],
                term_url=term_url,
                severity=lambda name: view.t(*SEVERITIES[name]) if name in SEVERITIES else name,
                forms=forms,
            )
        )

    async def _words(self) -> VocabularyTerms:
        try:
            return await self.vocabulary.terms()
        except Refusal:  # very large data, or a busy server: terms can be described without counts
            return VocabularyTerms({})

    async def _shown(self, terms: VocabularyTerms) -> Examples:
        if self._examples is None:
            try:
                self._examples = await fetch_examples(self.run_query, terms.used.values())
            except Refusal:
                return Examples({}, {})
        return self._examples


def expand_term(name: str) -> str:
    """Return the IRI of a term from its prefixed name; an IRI is returned unchanged."""
    prefix, _, local = name.partition(":")
    return PREFIXES[prefix] + local if prefix in PREFIXES and not local.startswith("//") else name
