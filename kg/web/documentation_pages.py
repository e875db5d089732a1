"""The pages that explain the words of a release: its ontology and its shapes, made of what it publishes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from pyoxigraph import Triple

from kg.core.iris import BASE, PREFIXES
from kg.core.labels import Labels
from kg.core.stored_queries import StoredQuery
from kg.engine.wire import Refusal
from kg.http.page_context import View
from kg.http.query_client import Ask
from kg.http.templates import fill
from kg.web.ontology_page import Ontology, Sources, anchor
from kg.web.presenter import Facts
from kg.web.shapes_page import SEVERITIES, Shapes
from kg.web.term_examples import Examples, examples
from kg.web.vocabulary_index import Vocabulary, Words

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
