"""Presenter of the SHACL shapes: by class, the constraints in words, and the terms that they are about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from kg.core.iris import BASE, PREFIXES, to_curie
from kg.core.labels import Labels, preferred_with_language
from kg.web.presenter import Value

_SH, _RDF = PREFIXES["sh"], PREFIXES["rdf"]
_PATH, _TARGET, _PROPERTY, _INVERSE = (_SH + name for name in ("path", "targetClass", "property", "inversePath"))
# Constraint components with their labels, in the order of the page; others are not displayed.
_DEMANDS = {
    "datatype": ("型", "datatype"),
    "class": ("クラス", "class"),
    "nodeKind": ("種類", "kind"),
    "hasValue": ("値", "value"),
    "in": ("次のどれか", "one of"),
    "languageIn": ("言語", "language"),
    "uniqueLang": ("言語ごとに一つ", "one for each language"),
    "pattern": ("形式", "pattern"),
    "minInclusive": ("最小", "at least"),
    "maxInclusive": ("最大", "at most"),
    "minLength": ("最短", "shortest"),
    "lessThan": ("より小さい", "less than"),
    "lessThanOrEquals": ("以下", "no more than"),
    "equals": ("等しい", "equals"),
    "disjoint": ("異なる", "differs from"),
    "or": ("いずれかの条件", "one of several conditions"),
    "not": ("成り立たない条件", "a condition that must not hold"),
    "qualifiedValueShape": ("条件付きの数", "a number of certain values"),
    "sparql": ("SPARQLによる条件", "a condition in SPARQL"),
}
_DESCRIBED_BY_MESSAGE = {"or", "not", "qualifiedValueShape", "sparql", "uniqueLang"}  # described by their messages only
SEVERITIES = {
    "Violation": ("必須", "must hold"),
    "Warning": ("警告", "warning"),
    "Info": ("統計", "statistic"),
}


@dataclass(frozen=True)
class ShapeRow:
    """One shape: anchor, name, property path, constraints, severity and message."""

    iri: str
    anchor: str
    name: Value
    path: str
    inverse: bool
    times: str
    constraints: tuple[tuple[str, str], ...]
    severity: str
    message: Value
    paths: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShapeGroup:
    """The shapes of one class."""

    target: str
    rules: list[ShapeRow] = field(default_factory=list)


class ShapesPresenter:
    """Presenter of the statements of a shapes file, in one language."""

    def __init__(self, triples: Iterable[Triple], labels: Labels, lang: str) -> None:
        self._labels, self._lang = labels, lang
        self._about: dict[str, dict[str, list[object]]] = {}
        for subject, predicate, value in triples:
            self._about.setdefault(_key(subject), {}).setdefault(predicate.value, []).append(value)

    def groups(self) -> list[ShapeGroup]:
        """Return all shapes by target class, in the order of the file."""
        groups: dict[str, ShapeGroup] = {}
        for shape in self._about:
            for target in self._all(shape, _TARGET):
                group = groups.setdefault(_key(target), ShapeGroup(_key(target)))
                group.rules.append(self._rule(shape))
                group.rules.extend(self._rule(_key(part)) for part in self._all(shape, _PROPERTY))
        return list(groups.values())

    def _rule(self, shape: str) -> ShapeRow:
        path = next(iter(self._all(shape, _PATH)), None)
        inverse = next(iter(self._all(_key(path), _INVERSE)), None) if isinstance(path, BlankNode) else None
        paths = tuple(self._named(path)) if path is not None else ()
        return ShapeRow(
            iri=shape,
            anchor=shape.rpartition("#")[2],
            name=self._text(shape, "name") or Value(to_curie(shape)),
            path=" / ".join(to_curie(iri) for iri in paths),
            inverse=inverse is not None,
            times=self._times(shape),
            constraints=tuple(self._constraints(shape)),
            severity=next((_key(term).removeprefix(_SH) for term in self._all(shape, _SH + "severity")), "Violation"),
            message=self._text(shape, "message") or Value(""),
            paths=paths,
            values=tuple(_key(term) for term in self._all(shape, _SH + "class")),
        )

    def _times(self, shape: str) -> str:
        """Return the cardinality: `1`, `0–1`, `1–`."""
        least, most = (self._literal(shape, name) for name in ("minCount", "maxCount"))
        if not (least or most):
            return ""
        return least if least == most else f"{least or 0}–{most}"

    def _constraints(self, shape: str) -> Iterable[tuple[str, str]]:
        for name, words in _DEMANDS.items():
            terms = self._all(shape, _SH + name)
            if terms:
                text = "" if name in _DESCRIBED_BY_MESSAGE else ", ".join(self._written(term) for term in terms)
                yield words[0 if self._lang == "ja" else 1], text

    def _written(self, term: object) -> str:
        """Return a value, or the values of a list, as text."""
        if isinstance(term, BlankNode):
            return ", ".join(self._written(item) for item in self._list(term))
        if isinstance(term, NamedNode):
            return to_curie(term.value).removeprefix(BASE).removeprefix("sh:")
        return str(getattr(term, "value", term))

    def _list(self, node: BlankNode) -> Iterable[object]:
        here: object = node
        while isinstance(here, BlankNode) and (first := self._all(_key(here), _RDF + "first")):
            yield first[0]
            here = next(iter(self._all(_key(here), _RDF + "rest")), None)

    def _named(self, path: object) -> Iterable[str]:
        """Yield the properties in a path."""
        if isinstance(path, NamedNode):
            yield path.value
        elif isinstance(path, BlankNode):
            for terms in self._about.get(_key(path), {}).values():
                for term in terms:
                    if _key(term) != _RDF + "nil":
                        yield from self._named(term)

    def _text(self, shape: str, name: str) -> Value | None:
        texts = {t.language or "": t.value for t in self._all(shape, _SH + name) if isinstance(t, Literal)}
        return Value(*preferred_with_language(texts, self._lang)) if texts else None

    def _literal(self, shape: str, name: str) -> str:
        return next((t.value for t in self._all(shape, _SH + name) if isinstance(t, Literal)), "")

    def _all(self, subject: str, predicate: str) -> Sequence[object]:
        return self._about.get(subject, {}).get(predicate, ())


def _key(term: object) -> str:
    return term.value if isinstance(term, NamedNode) else str(term)
