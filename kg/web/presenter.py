"""What a page shows of a graph: facts by property, in the words of one language, each value as text or as a link.

The statements of one document, read for a page: each value as text or as a link, each thing by its name.

What a page shows of a graph: values, facts, places in the source, sections.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import quote

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from kg.core.iris import BASE, ID, PREFIXES, to_curie
from kg.core.labels import Labels, is_web_address, preferred_with_language
from kg.http.responses import SAFE, path_of


@dataclass(frozen=True)
class Value:
    """A value as it is shown: its text with its language, where it leads (`away` from this site), its datatype."""

    text: str
    lang: str = ""
    href: str = ""
    datatype: str = ""
    away: bool = False


@dataclass(frozen=True)
class Fact:
    """A property with its values. `term` is its prefixed name, `href` leads to what it means where that is ours.

    Of very many values only some are here: `total` are all, and `query` asks for them.
    """

    iri: str
    name: str
    term: str
    href: str
    values: tuple[Value, ...]
    total: int
    query: str = ""


@dataclass(frozen=True)
class Correction:
    """A judgement on a misreading: what is printed, what it was corrected to (nothing where it was left), and why."""

    href: str
    printed: str
    corrected: str
    reason: Value


@dataclass(frozen=True)
class Issue:
    """What could not be settled at a place, in words."""

    href: str
    message: Value


@dataclass(frozen=True)
class Place:
    """Where something was read: the name of the place with its address, and what is printed there.

    `beside` leads to it on the page of the source, beside what was read; it is empty for a row of the recipe.
    `blank` is a place where nothing is printed; `corrections` and `issues` are what was decided or left open there.
    """

    name: str
    href: str
    printed: str
    blank: bool = False
    corrections: tuple[Correction, ...] = ()
    issues: tuple[Issue, ...] = ()
    beside: str = ""


@dataclass(frozen=True)
class Section:
    """One thing on a page: the anchor, its names, what kinds of thing it is, its facts, and where it was read.

    `href` leads to its own document.
    """

    iri: str
    href: str
    anchor: str
    title: Value
    also: tuple[Value, ...]
    kinds: tuple[Value, ...]
    facts: tuple[Fact, ...]
    sources: tuple[Place, ...]


_RDF, _RDFS, _SKOS, _DCTERMS = (PREFIXES[prefix] for prefix in ("rdf", "rdfs", "skos", "dcterms"))
_SHISAKU, _OA = PREFIXES["shisaku"], PREFIXES["oa"]
TYPE, DERIVED = _RDF + "type", PREFIXES["prov"] + "wasDerivedFrom"
_FIRST, _REST, _NIL = _RDF + "first", _RDF + "rest", _RDF + "nil"
# What a thing goes by, the best first.
NAMES = (
    *(_SKOS + "prefLabel", _RDFS + "label", PREFIXES["foaf"] + "name", _DCTERMS + "title", PREFIXES["sh"] + "name"),
    *(_DCTERMS + "description", _SHISAKU + "printedText", _OA + "exact", _SKOS + "notation"),
    *(PREFIXES["schema"] + "url", _SHISAKU + "measureNumber"),
)
PRINTED, PAGE, LINE, POSITION = (_SHISAKU + name for name in ("printedText", "page", "line", "position"))
WAS, NOW, REASON, CORRECTION, MESSAGE = (
    _SHISAKU + name for name in ("printed", "corrected", "reason", "correction", "message")
)
COLUMN = _SHISAKU + "columnReadAs"
FILE, FILE_LINE, PART_OF = _SHISAKU + "file", _SHISAKU + "fileLine", _DCTERMS + "isPartOf"
Term = NamedNode | BlankNode | Literal | Triple
_LONGEST_NAME = 140
_DEEPEST = 6  # blank nodes within blank nodes
_MOST_VALUES = 200  # of one property on a page


class Facts:
    """The statements of one document, in the words of one language; `link` makes addresses of paths of this site.

    `anchors` are the things that stand on the page itself, by IRI: links to them stay on it.
    """

    def __init__(self, triples: Iterable[Triple], labels: Labels, lang: str, link: Callable[[str], str]) -> None:
        self._about: dict[str, list[Triple]] = {}
        self._issues: dict[str, list[str]] = {}
        self._values: dict[tuple[str, str], list[Term]] = {}
        for triple in dict.fromkeys(triples):
            key = _key(triple.subject)
            self._about.setdefault(key, []).append(triple)
            self._values.setdefault((key, triple.predicate.value), []).append(triple.object)
        for iri in self._about:
            if self.has(iri, MESSAGE):
                for place in self.iris(iri, PART_OF):
                    self._issues.setdefault(place, []).append(iri)
        self._labels, self._lang, self._link = labels, lang, link
        self.anchors: dict[str, str] = {}

    def subjects(self) -> list[str]:
        """Return the IRIs that something is said about, in the order of the statements."""
        return [key for key in self._about if not key.startswith("_:")]

    def has(self, iri: str, predicate: str) -> bool:
        """Whether something is said about a thing by a property."""
        return bool(self._objects(iri, predicate))

    def iris(self, iri: str, predicate: str) -> list[str]:
        """Return the things that a thing has for a property, 2 before 10."""
        return sorted((t.value for t in self._objects(iri, predicate) if isinstance(t, NamedNode)), key=_natural)

    def text(self, iri: str, predicate: str) -> str:
        """Return the first text that a thing has for a property, or nothing."""
        return next((term.value for term in self._objects(iri, predicate) if isinstance(term, Literal)), "")

    def told(self, iri: str, predicate: str) -> Value | None:
        """Return the text of a property in the language of the page, or else in another."""
        texts = self._texts(iri, predicate)
        return Value(*preferred_with_language(texts, self._lang)) if texts else None

    def in_language(self, iri: str, predicate: str, lang: str) -> Value | None:
        """Return the text of a property in one language, or None."""
        text = self._texts(iri, predicate).get(lang)
        return Value(text, lang) if text else None

    def web(self, iri: str, predicate: str) -> Value | None:
        """Return the first value of a property, such as an address on the web."""
        return next((self.value(term) for term in self._objects(iri, predicate)), None)

    def named(self, iri: str) -> bool:
        """Whether the document says what a thing is called."""
        return bool(self._names(iri))

    def is_cell(self, iri: str) -> bool:
        """Whether a thing is a cell of the source with what is printed in it."""
        return self.has(iri, POSITION) and self.has(iri, PRINTED)

    def away(self, iri: str) -> str:
        """Return where the document about a thing is, wherever it stands on this page; nothing for what has none."""
        return self._document(iri) if iri else ""

    def thing(self, iri: str) -> Value:
        """Return a thing by its name, with where it leads."""
        return self.value(NamedNode(iri))

    def order(self, iri: str) -> list[tuple[int, str]]:
        """Return what to sort things by: their IRIs, 2 before 10."""
        return _natural(iri)

    def section(self, iri: str, skipped: Sequence[str] = (TYPE, DERIVED)) -> Section:
        """Return what is shown about one thing."""
        names = [Value(text, language) for language, text in self._names(iri).items()]
        title = Value(*self._name(iri, shortened=False))
        return Section(
            iri=iri,
            href=self._document(iri),
            anchor=self.anchors.get(iri, ""),
            title=title,
            also=tuple(name for name in names if name.text != title.text),
            kinds=tuple(self.value(value) for value in self._objects(iri, TYPE)),
            facts=self._facts(iri, skipped),
            sources=tuple(
                self.place(term.value) for term in self._objects(iri, DERIVED) if isinstance(term, NamedNode)
            ),
        )

    def pointing_to(self, thing: str) -> dict[str, list[str]]:
        """Return what points to a thing from elsewhere: by property, the IRIs of those that have it."""
        found: dict[str, list[str]] = {}
        for key, triples in self._about.items():
            if not key.startswith(f"{thing}/"):
                for triple in triples:
                    if triple.object == NamedNode(thing):
                        found.setdefault(triple.predicate.value, []).append(key)
        ranked = sorted(found.items(), key=lambda pair: self._labels.rank(pair[0]))
        return {predicate: sorted(keys, key=_natural) for predicate, keys in ranked}

    def term(self, iri: str) -> str:
        """Return what a property or a class is called."""
        return self._labels.of(iri, self._lang)

    def value(self, term: object, depth: int = 0) -> Value:
        """Return one value as it is shown."""
        if isinstance(term, NamedNode):
            text, lang = self._name(term.value)
            return Value(text, lang, self._href(term.value), away=not term.value.startswith(BASE))
        if isinstance(term, Literal):
            kind = term.datatype.value
            href = term.value if kind == PREFIXES["xsd"] + "anyURI" and is_web_address(term.value) else ""
            plain = bool(term.language) or kind == PREFIXES["xsd"] + "string"
            return Value(term.value, term.language or "", href, "" if plain or href else to_curie(kind), bool(href))
        return Value(self._nested(term, depth) if isinstance(term, BlankNode) else str(term))

    def _facts(self, iri: str, skipped: Sequence[str]) -> tuple[Fact, ...]:
        stated = [triple for triple in self._about.get(iri, ()) if triple.predicate.value not in skipped]
        stated.sort(key=lambda triple: (triple.predicate.value not in NAMES, self._labels.rank(triple.predicate.value)))
        facts = []
        for predicate, group in groupby(stated, key=lambda triple: triple.predicate.value):
            objects = [triple.object for triple in group]
            total = len(objects)
            if total > _MOST_VALUES:  # the same ones each time
                objects = sorted(objects, key=str)[:_MOST_VALUES]
            values = [self.value(term) for term in objects]
            values.sort(key=lambda value: (value.lang not in ("", self._lang), _natural(value.href), value.text))
            query = f"SELECT ?value WHERE {{\n  <{iri}> <{predicate}> ?value .\n}}\nORDER BY ?value"
            facts.append(self._fact(predicate, values, total, query))
        return tuple(facts)

    def _fact(self, predicate: str, values: Sequence[Value], total: int = 0, query: str = "") -> Fact:
        own = predicate.startswith(PREFIXES["shisaku"])
        href = self._href(predicate) if own else ""
        name = self._labels.of(predicate, self._lang)
        return Fact(predicate, name, to_curie(predicate), href, tuple(values), total or len(values), query)

    def place(self, iri: str) -> Place:
        """Return where a row, a cell or a row of the recipe is, what is printed there, what was decided about it."""
        row = next((term.value for term in self._objects(iri, PART_OF) if isinstance(term, NamedNode)), iri)
        page, line = (self.text(row, term) or self.text(iri, term) for term in (PAGE, LINE))
        position, file, file_line = (self.text(iri, term) for term in (POSITION, FILE, FILE_LINE))
        ja = self._lang == "ja"
        parts = [
            (f"{page}頁" if ja else f"page {page}") if page else "",
            (f"{line}行目" if ja else f"line {line}") if line else "",
            (f"{position}番目のセル" if ja else f"cell {position}") if position else "",
            file and (f"{file} {file_line}行目" if ja else f"{file}, line {file_line}"),
        ]
        name = ("、" if ja else ", ").join(part for part in parts if part)
        corrections = [
            Correction(self._document(each), self.text(each, WAS), self.text(each, NOW), reason)
            for each in self.iris(iri, CORRECTION)
            if (reason := self.told(each, REASON))
        ]
        issues = [
            Issue(self._document(each), message)
            for each in self._issues.get(iri, ())
            if (message := self.told(each, MESSAGE))
        ]
        printed = self.text(iri, PRINTED)
        return Place(
            name=name or self._name(iri)[0],
            href=self._href(iri),
            printed=printed,
            blank=self.has(iri, PRINTED) and not printed,
            corrections=tuple(corrections),
            issues=tuple(issues),
            beside=self._link(quote(iri.removeprefix(ID), safe=SAFE)) if iri.startswith(f"{ID}source/") else "",
        )

    def _names(self, iri: str) -> dict[str, str]:
        """Return the texts of the best property that names a thing, by language."""
        for name in NAMES:
            if texts := self._texts(iri, name):
                return texts
        return {}

    def _name(self, iri: str, shortened: bool = True) -> tuple[str, str]:
        """Return what a thing is called and in which language; a thing without a name goes by its IRI."""
        texts = self._names(iri)
        if texts:
            text, language = preferred_with_language(texts, self._lang)
            return _short(text) if shortened else text, language
        if iri.startswith(ID):
            return iri.removeprefix(ID), ""
        name = self._labels.of(iri, self._lang)
        return name, "" if name == to_curie(iri) else self._lang

    def _objects(self, iri: str, predicate: str) -> list[Term]:
        return self._values.get((iri, predicate), [])

    def _texts(self, iri: str, predicate: str) -> dict[str, str]:
        return {t.language or "": t.value for t in self._objects(iri, predicate) if isinstance(t, Literal) and t.value}

    def _nested(self, node: BlankNode, depth: int) -> str:
        """Return a list, or the statements about a nameless thing, as one text."""
        if depth > _DEEPEST:
            return "…"
        about = {triple.predicate.value: triple.object for triple in self._about.get(_key(node), ())}
        if _FIRST in about:
            head = self.value(about[_FIRST], depth + 1).text
            rest = about.get(_REST)
            more = self._nested(rest, depth) if isinstance(rest, BlankNode) else ""
            return f"{head}, {more}" if more else head
        return "; ".join(
            f"{self._labels.of(predicate, self._lang)} {self.value(term, depth + 1).text}"
            for predicate, term in about.items()
        )

    def _href(self, iri: str) -> str:
        """Return where a link to an IRI leads: on this page, on this site, to the web, or nowhere."""
        return f"#{quote(self.anchors[iri], safe=SAFE)}" if iri in self.anchors else self._document(iri)

    def _document(self, iri: str) -> str:
        path = path_of(iri)
        return self._link(path) if path else iri if is_web_address(iri) else ""


def _key(term: object) -> str:
    return term.value if isinstance(term, NamedNode) else str(term)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"


def _natural(text: str) -> list[tuple[int, str]]:
    """Return what to sort by so that 2 comes before 10: a number by its digits, then by them in order."""
    return [(len(piece.lstrip("0")), piece) if piece.isdecimal() else (-1, piece) for piece in re.split(r"(\d+)", text)]
