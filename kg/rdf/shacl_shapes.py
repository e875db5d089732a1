"""The shapes, as the engines are given them, and what they say about a result."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode

from kg.core import iris
from kg.rdf.shacl_report import Result
from kg.rdf.shacl_terms import SH, Statement, Term, term_of

# What an engine found: focus, value, component, severity, source shape, the engine's own words.
Found = tuple[str, str, str, str, str, str]

_RDF = iris.PREFIXES["rdf"]
_UNNAMED = "urn:unnamed-shape:"  # how a shape that is a blank node is called while an engine works
AIM = "urn:validated-as:"  # and a class: a property of the things of it that are validated, where not all are
_STEPS = {"inversePath": "^{}", "zeroOrMorePath": "{}*", "oneOrMorePath": "{}+", "zeroOrOnePath": "{}?"}


class Shapes:
    """The shapes, each with a name while an engine works; knows the path, the messages and the owner of each."""

    def __init__(self, statements: list[Statement]) -> None:
        words = {(s, p.value.removeprefix(SH)) for s, p, _ in statements if p.value.startswith(SH)}
        shapes = {s for s, word in words if isinstance(s, BlankNode) and word not in (*_STEPS, "alternativePath")}
        named: dict[Any, Any] = {shape: NamedNode(_UNNAMED + shape.value) for shape in shapes}
        self.statements: list[Statement] = [(named.get(s, s), p, named.get(o, o)) for s, p, o in statements]
        self._about: dict[tuple[Term, str], list[Term]] = defaultdict(list)
        self._parent: dict[Any, Any] = {}
        for subject, predicate, value in self.statements:
            self._about[subject, predicate.value].append(value)
            self._parent.setdefault(value, subject)

    def aimed(self) -> list[Statement]:
        """Return the shapes so that what has a target class is validated only where `AIM` and the class marks it."""
        return [
            (s, NamedNode(SH + "targetSubjectsOf"), NamedNode(AIM + o.value))
            if p.value == SH + "targetClass" and isinstance(o, NamedNode)
            else (s, p, o)
            for s, p, o in self.statements
        ]

    def followed_back(self) -> frozenset[str]:
        """Return the properties that a path follows from the value to the subject."""
        inverse = (value for _, predicate, value in self.statements if predicate.value == SH + "inversePath")
        return frozenset(value.value for value in inverse if isinstance(value, NamedNode))

    def result(self, found: Found) -> Result:
        """Return what an engine found, in the words of the shapes."""
        focus, value, component, severity, source, words = found
        shape = term_of(source)
        texts = [text for text in self._about[shape, SH + "message"] if isinstance(text, Literal)]
        messages = sorted((text.language or "", text.value) for text in texts) or [("", words)]
        path = "".join(self._path(path) for path in self._about[shape, SH + "path"])
        return Result(focus, path, value, component, severity, self._owner(shape), tuple(messages))

    def _owner(self, shape: Term) -> str:
        """Return the shape itself, or the nearest around it that has a name."""
        step = shape
        while step in self._parent and (isinstance(step, BlankNode) or step.value.startswith(_UNNAMED)):
            step = self._parent[step]
        return step.value

    def _path(self, path: Term) -> str:
        """Return a property path as SPARQL writes it."""
        if isinstance(path, NamedNode):
            return str(path)
        for word, form in _STEPS.items():
            for inner in self._about[path, SH + word]:
                return form.format(self._path(inner))
        for choice in self._about[path, SH + "alternativePath"]:
            return f"({'|'.join(map(self._path, self._members(choice)))})"
        return f"({'/'.join(map(self._path, self._members(path)))})"

    def _members(self, head: Term) -> Iterator[Term]:
        yield from self._about[head, _RDF + "first"]
        for rest in self._about[head, _RDF + "rest"]:
            yield from self._members(rest)
