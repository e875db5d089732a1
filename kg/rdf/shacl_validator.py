"""SHACL validator with two engines: pySHACL, the reference, and `shacl`, the fast one.

Both engines read the same terms, and four rules make their reports equal: literals keep their form in the file; a shape
without an IRI is identified by the nearest enclosing shape with one; path and messages are those stated by the shapes;
each result is listed once.
"""

import functools
import importlib
import importlib.util
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, parse

from kg.core import iris
from kg.core.errors import Problem, QueryError, RecipeError, ReleaseError
from kg.rdf.shacl_report import SEVERITIES, SH, Report, Result, Statement, Term, parse_term, read_statements

__all__ = ["FAST", "REFERENCE", "Report", "Result", "Validator", "fastest_engine", "make_report", "validate"]


# Result of an engine: focus, value, component, severity, source shape, the engine's message.
RawResult = tuple[str, str, str, str, str, str]

_RDF = iris.PREFIXES["rdf"]
_UNNAMED = "urn:unnamed-shape:"  # prefix of temporary IRIs for shapes that are blank nodes
TARGET_MARK = "urn:validated-as:"  # with a class: marks its validated things if not all are
_STEPS = {"inversePath": "^{}", "zeroOrMorePath": "{}*", "oneOrMorePath": "{}+", "zeroOrOnePath": "{}?"}


class Shapes:
    """Shapes graph in which every shape has an IRI; gives the path, messages and enclosing shape of a result."""

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

    def marked_targets(self) -> list[Statement]:
        """Return the shapes with each class target replaced by the things marked for it (`TARGET_MARK`)."""
        return [
            (s, NamedNode(SH + "targetSubjectsOf"), NamedNode(TARGET_MARK + o.value))
            if p.value == SH + "targetClass" and isinstance(o, NamedNode)
            else (s, p, o)
            for s, p, o in self.statements
        ]

    def inverse_properties(self) -> frozenset[str]:
        """Return the properties that a path follows from the object to the subject."""
        inverse = (value for _, predicate, value in self.statements if predicate.value == SH + "inversePath")
        return frozenset(value.value for value in inverse if isinstance(value, NamedNode))

    def result(self, raw: RawResult) -> Result:
        """Return the result of an engine with the path and messages that the shapes state."""
        focus, value, component, severity, source, words = raw
        shape = parse_term(source)
        texts = [text for text in self._about[shape, SH + "message"] if isinstance(text, Literal)]
        messages = sorted((text.language or "", text.value) for text in texts) or [("", words)]
        path = "".join(self._path(path) for path in self._about[shape, SH + "path"])
        return Result(focus, path, value, component, severity, self._owner(shape), tuple(messages))

    def _owner(self, shape: Term) -> str:
        """Return the shape itself, or the nearest enclosing shape with an IRI."""
        step = shape
        while step in self._parent and (isinstance(step, BlankNode) or step.value.startswith(_UNNAMED)):
            step = self._parent[step]
        return step.value

    def _path(self, path: Term) -> str:
        """Return a property path in SPARQL syntax."""
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


REFERENCE, FAST = "pyshacl", "shacl"

Check = Callable[[bytes], Iterator[RawResult]]  # validates data in N-Triples
Engine = Callable[[str], Check]  # parses shapes in N-Triples, once for any number of data

_XSD = iris.PREFIXES["xsd"]


def fastest_engine() -> str:
    """Return the name of the fast engine if it is installed, else of the reference; their reports are equal.

    The fast engine is installed with kg, except on processors for which it has no wheel.
    """
    return FAST if importlib.util.find_spec(FAST) else REFERENCE


def n_triples(statements: Iterable[Statement]) -> str:
    """Return statements as N-Triples, the input of every engine."""
    return "".join(f"{s} {p} {o} .\n" for s, p, o in statements)


@functools.lru_cache(maxsize=2)
def _shapes_of_shacl(shapes: str) -> Any:
    """Return the parsed shapes of the fast engine, cached: parsing takes longer than validating a small graph."""
    return importlib.import_module(FAST).Shapes.from_text(shapes, format="ntriples")


def _load_shacl(shapes: str) -> Check:
    try:
        importlib.import_module(FAST)
    except ImportError as error:
        remedy = "install it (pip install shacl), or use the engine pyshacl"
        raise QueryError(Problem("the SHACL engine `shacl` is not installed", remedy)) from error
    parsed = _shapes_of_shacl(shapes)

    def check(data: bytes) -> Iterator[RawResult]:
        for one in parsed.validate_text(data.decode(), format="ntriples").results:
            focus, value = (str(parse_term(text)) if text else "" for text in (one.focus_node, one.value))
            yield focus, value, one.component_iri, one.severity_iri, one.source_shape, one.message or ""

    return check


def _load_pyshacl(shapes: str) -> Check:
    parsed = _rdflib(shapes.encode())
    return lambda data: _validate_by_pyshacl(data, parsed)


def _validate_by_pyshacl(data: bytes, shapes: Any) -> Iterator[RawResult]:
    import pyshacl
    from rdflib import SH as words

    # a value that does not fit its datatype is a result; rdflib would write a traceback to the log as well
    logging.getLogger("rdflib.term").setLevel(logging.CRITICAL)
    _, report, _ = pyshacl.validate(_rdflib(data), shacl_graph=shapes, inplace=True)
    if not hasattr(report, "objects"):
        raise RuntimeError(str(report))
    for one in report.objects(None, words.result):
        properties = {str(word).removeprefix(SH): term for word, term in report.predicate_objects(one)}
        focus, value = (
            str(parse_term(properties[word].n3())) if word in properties else "" for word in ("focusNode", "value")
        )
        component, severity = str(properties["sourceConstraintComponent"]), str(properties["resultSeverity"])
        yield (
            focus,
            value,
            component,
            severity,
            properties["sourceShape"].n3(),
            str(properties.get("resultMessage", "")),
        )


def _rdflib(lines: bytes) -> Any:
    """Return N-Triples as an rdflib graph in memory; pySHACL is many times slower on a store."""
    from rdflib import BNode, Graph, URIRef
    from rdflib import Literal as Value

    @functools.cache
    def term(one: Term) -> Any:
        if isinstance(one, NamedNode):
            return URIRef(one.value)
        if isinstance(one, BlankNode):
            return BNode(one.value)
        if one.language or one.datatype.value == _XSD + "string":  # rdflib distinguishes "a" and "a"^^xsd:string
            return Value(one.value, lang=one.language)
        return Value(one.value, datatype=URIRef(one.datatype.value), normalize=False)

    graph = Graph(bind_namespaces="none")
    for subject, predicate, value, _ in parse(lines, format=RdfFormat.N_TRIPLES):
        graph.add((term(subject), term(predicate), term(value)))
    return graph


ENGINES: dict[str, Engine] = {REFERENCE: _load_pyshacl, FAST: _load_shacl}


_TYPE = f"<{iris.PREFIXES['rdf']}type>".encode()


def validate(files: Sequence[Path], shapes: Path, engine: str = REFERENCE) -> Report:
    """Validate RDF files, merged with their named graphs, against the shapes of a file or folder."""
    return Validator(shapes, engine).report(files)


class Validator:
    """Validator by the shapes of a file or folder; the shapes are parsed once for any number of data.

    Raises QueryError if there is no such engine, RecipeError if there are no shapes.
    """

    def __init__(self, shapes: Path, engine: str) -> None:
        if engine not in ENGINES:
            raise QueryError(Problem(f"there is no SHACL engine {engine!r}", f"choose one of: {', '.join(ENGINES)}"))
        self._place, self._engine = shapes, engine
        files = sorted(shapes.glob("*.ttl")) if shapes.is_dir() else [shapes]
        self._shapes = Shapes(read_statements(files, RecipeError))
        if not self._shapes.statements:
            raise RecipeError(
                Problem("there are no shapes here", "name a .ttl file, or a folder with such files", shapes)
            )
        self._text, self._marked_text = n_triples(self._shapes.statements), n_triples(self._shapes.marked_targets())
        self._checks: dict[str, Check] = {}

    @property
    def inverse_properties(self) -> frozenset[str]:
        """The properties that a shape follows from an object to its subjects."""
        return self._shapes.inverse_properties()

    def report(self, files: Sequence[Path]) -> Report:
        """Validate RDF files, merged with their named graphs."""
        return make_report(self.results(n_triples(read_statements(files, ReleaseError)).encode()))

    def results(self, lines: bytes, focuses: Collection[bytes] | None = None) -> set[Result]:
        """Return the results for data in N-Triples without RDF 1.2 triple terms.

        If `focuses` (IRIs) are given, only these are validated.
        """
        if focuses is not None:
            lines += b"".join(_target_marks(lines, focuses))
        shapes = self._text if focuses is None else self._marked_text
        try:
            if shapes not in self._checks:  # an engine reports unusable shapes on first use
                self._checks[shapes] = ENGINES[self._engine](shapes)
            raw_results = self._checks[shapes](lines)
            return {
                self._shapes.result(one) for one in raw_results if focuses is None or one[0][1:-1].encode() in focuses
            }
        except (RuntimeError, ValueError, re.error) as error:
            fact = f"{self._engine} cannot use these shapes: {error}"
            raise RecipeError(
                Problem(fact, "correct the shapes; see https://www.w3.org/TR/shacl/", self._place)
            ) from error


def _target_marks(lines: bytes, focuses: Collection[bytes]) -> Iterator[bytes]:
    """Yield, for each class of a focus node, the line that makes it a target."""
    for line in lines.splitlines():
        subject, predicate, value = line.split(b" ", 2)
        if predicate == _TYPE and subject[1:-1] in focuses:
            yield b"%s <%s%s> %s .\n" % (subject, TARGET_MARK.encode(), value[1:-3], subject)


def make_report(results: Iterable[Result], unlisted: Counter[str] | None = None) -> Report:
    """Return the report of results, most severe first; `unlisted` has further numbers by severity."""
    rank = {SH + severity: place for place, severity in enumerate(SEVERITIES)}
    ordered = sorted(results, key=lambda one: (rank.get(one.severity, len(rank)), one.shape, one))
    return Report(tuple(ordered), tuple(sorted((unlisted or Counter()).items())))
