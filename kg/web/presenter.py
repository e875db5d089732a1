"""Presenter of RDF graphs for pages: facts by property in one language, values as text or links, source places."""

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
    """A displayed value: text, language, link (`away` if external), datatype."""

    text: str
    lang: str = ""
    href: str = ""
    datatype: str = ""
    away: bool = False


@dataclass(frozen=True)
class Fact:
    """A property with its values. `term` is its prefixed name, `href` links to its documentation if it is ours.

    Of very many values only some are included: `total` is their number, and `query` selects them.
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
    """A correction of a misreading: printed text, corrected text (empty if left as printed), and reason."""

    href: str
    printed: str
    corrected: str
    reason: Value


@dataclass(frozen=True)
class Issue:
    """An issue at a place in the source, with its message."""

    href: str
    message: Value


@dataclass(frozen=True)
class SourcePlace:
    """A place in the source: its name with its URL, and the printed text.

    `beside` is its URL in the source viewer; empty for a row of the recipe. `blank` is true if nothing is printed
    there; `corrections` and `issues` are those at the place.
    """

    name: str
    href: str
    printed: str
    blank: bool = False
    corrections: tuple[Correction, ...] = ()
    issues: tuple[Issue, ...] = ()
    viewer_href: str = ""


@dataclass(frozen=True)
class Section:
    """The description of one resource on a page: anchor, names, classes, facts and places in the source.

    `href` is the URL of its own document.
    """

    iri: str
    href: str
    anchor: str
    title: Value
    also: tuple[Value, ...]
    kinds: tuple[Value, ...]
    facts: tuple[Fact, ...]
    sources: tuple[SourcePlace, ...]


_RDF, _RDFS, _SKOS, _DCTERMS = (PREFIXES[prefix] for prefix in ("rdf", "rdfs", "skos", "dcterms"))
_SHISAKU, _OA = PREFIXES["shisaku"], PREFIXES["oa"]
TYPE, DERIVED = _RDF + "type", PREFIXES["prov"] + "wasDerivedFrom"
_FIRST, _REST, _NIL = _RDF + "first", _RDF + "rest", _RDF + "nil"
# Properties that name a resource, the preferred ones first.
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
_DEEPEST = 6  # levels of nested blank nodes
_MOST_VALUES = 200  # values of one property on a page


class GraphPresenter:
    """Presenter of the statements of one document in one language; `link` makes URLs of paths of this site.

    `anchors` are the resources on the page itself, by IRI: links to them are fragments.
    """

    def __init__(self, triples: Iterable[Triple], labels: Labels, lang: str, link: Callable[[str], str]) -> None:
        self._about: dict[str, list[Triple]] = {}
        self._issues: dict[str, list[str]] = {}
        self._values: dict[tuple[str, str], list[Term]] = {}
        for triple in dict.fromkeys(triples):
            key = _node_key(triple.subject)
            self._about.setdefault(key, []).append(triple)
            self._values.setdefault((key, triple.predicate.value), []).append(triple.object)
        for iri in self._about:
            if self.has(iri, MESSAGE):
                for place in self.iris(iri, PART_OF):
                    self._issues.setdefault(place, []).append(iri)
        self._labels, self._lang, self._link = labels, lang, link
        self.anchors: dict[str, str] = {}

    def subjects(self) -> list[str]:
        """Return the IRIs of the subjects, in the order of the statements."""
        return [key for key in self._about if not key.startswith("_:")]

    def has(self, iri: str, predicate: str) -> bool:
        """Return whether a resource has a property."""
        return bool(self._objects(iri, predicate))

    def iris(self, iri: str, predicate: str) -> list[str]:
        """Return the IRIs of a property, in natural order."""
        return sorted((t.value for t in self._objects(iri, predicate) if isinstance(t, NamedNode)), key=_natural_key)

    def text(self, iri: str, predicate: str) -> str:
        """Return the first literal of a property, or an empty text."""
        return next((term.value for term in self._objects(iri, predicate) if isinstance(term, Literal)), "")

    def localized(self, iri: str, predicate: str) -> Value | None:
        """Return the text of a property in the language of the page, else in another."""
        texts = self._texts(iri, predicate)
        return Value(*preferred_with_language(texts, self._lang)) if texts else None

    def in_language(self, iri: str, predicate: str, lang: str) -> Value | None:
        """Return the text of a property in one language, or None."""
        text = self._texts(iri, predicate).get(lang)
        return Value(text, lang) if text else None

    def first_value(self, iri: str, predicate: str) -> Value | None:
        """Return the first value of a property, such as a web address."""
        return next((self.value(term) for term in self._objects(iri, predicate)), None)

    def named(self, iri: str) -> bool:
        """Return whether the document names a resource."""
        return bool(self._names(iri))

    def is_cell(self, iri: str) -> bool:
        """Return whether a resource is a cell of the source with its printed text."""
        return self.has(iri, POSITION) and self.has(iri, PRINTED)

    def document_url(self, iri: str) -> str:
        """Return the URL of the document about a resource, even if it is on this page; empty if it has none."""
        return self._document(iri) if iri else ""

    def thing(self, iri: str) -> Value:
        """Return a resource by name, with its link."""
        return self.value(NamedNode(iri))

    def order(self, iri: str) -> list[tuple[int, str]]:
        """Return the sort key of an IRI in natural order."""
        return _natural_key(iri)

    def section(self, iri: str, skipped: Sequence[str] = (TYPE, DERIVED)) -> Section:
        """Return the description of one resource."""
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
        """Return the incoming links of a resource from other resources: subjects by property."""
        subjects: dict[str, list[str]] = {}
        for key, triples in self._about.items():
            if not key.startswith(f"{thing}/"):
                for triple in triples:
                    if triple.object == NamedNode(thing):
                        subjects.setdefault(triple.predicate.value, []).append(key)
        ranked = sorted(subjects.items(), key=lambda pair: self._labels.rank(pair[0]))
        return {predicate: sorted(keys, key=_natural_key) for predicate, keys in ranked}

    def term(self, iri: str) -> str:
        """Return the label of a property or a class."""
        return self._labels.of(iri, self._lang)

    def value(self, term: object, depth: int = 0) -> Value:
        """Return one term as displayed."""
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
            if total > _MOST_VALUES:  # sorted, so that the same ones are shown each time
                objects = sorted(objects, key=str)[:_MOST_VALUES]
            values = [self.value(term) for term in objects]
            values.sort(key=lambda value: (value.lang not in ("", self._lang), _natural_key(value.href), value.text))
            query = f"SELECT ?value WHERE {{\n  <{iri}> <{predicate}> ?value .\n}}\nORDER BY ?value"
            facts.append(self._fact(predicate, values, total, query))
        return tuple(facts)

    def _fact(self, predicate: str, values: Sequence[Value], total: int = 0, query: str = "") -> Fact:
        own = predicate.startswith(PREFIXES["shisaku"])
        href = self._href(predicate) if own else ""
        name = self._labels.of(predicate, self._lang)
        return Fact(predicate, name, to_curie(predicate), href, tuple(values), total or len(values), query)

    def place(self, iri: str) -> SourcePlace:
        """Return a row, a cell or a row of the recipe, with printed text, corrections and issues."""
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
            if (reason := self.localized(each, REASON))
        ]
        issues = [
            Issue(self._document(each), message)
            for each in self._issues.get(iri, ())
            if (message := self.localized(each, MESSAGE))
        ]
        printed = self.text(iri, PRINTED)
        return SourcePlace(
            name=name or self._name(iri)[0],
            href=self._href(iri),
            printed=printed,
            blank=self.has(iri, PRINTED) and not printed,
            corrections=tuple(corrections),
            issues=tuple(issues),
            viewer_href=self._link(quote(iri.removeprefix(ID), safe=SAFE)) if iri.startswith(f"{ID}source/") else "",
        )

    def _names(self, iri: str) -> dict[str, str]:
        """Return the texts of the preferred naming property of a resource, by language."""
        for name in NAMES:
            if texts := self._texts(iri, name):
                return texts
        return {}

    def _name(self, iri: str, shortened: bool = True) -> tuple[str, str]:
        """Return the name of a resource and its language; without a name, its shortened IRI."""
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
        """Return a list, or the statements about a blank node, as one text."""
        if depth > _DEEPEST:
            return "…"
        about = {triple.predicate.value: triple.object for triple in self._about.get(_node_key(node), ())}
        if _FIRST in about:
            head = self.value(about[_FIRST], depth + 1).text
            remaining = about.get(_REST)
            more = self._nested(remaining, depth) if isinstance(remaining, BlankNode) else ""
            return f"{head}, {more}" if more else head
        return "; ".join(
            f"{self._labels.of(predicate, self._lang)} {self.value(term, depth + 1).text}"
            for predicate, term in about.items()
        )

    def _href(self, iri: str) -> str:
        """Return the link to an IRI: on this page, on this site, to the web, or empty."""
        return f"#{quote(self.anchors[iri], safe=SAFE)}" if iri in self.anchors else self._document(iri)

    def _document(self, iri: str) -> str:
        path = path_of(iri)
        return self._link(path) if path else iri if is_web_address(iri) else ""


def _node_key(term: object) -> str:
    return term.value if isinstance(term, NamedNode) else str(term)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"


def _natural_key(text: str) -> list[tuple[int, str]]:
    """Return the key of natural sorting, in which 2 comes before 10."""
    return [(len(piece.lstrip("0")), piece) if piece.isdecimal() else (-1, piece) for piece in re.split(r"(\d+)", text)]
