"""Whether RDF data keep the promises of the shapes (SHACL), and which they break.

Two engines read the same terms, parsed here by pyoxigraph; nothing is fetched. pySHACL is the reference, `shacl` the
fast one. Four rules make their reports equal: literals keep the form they have in the file; a shape without a name is
known by the nearest named shape around it; path and messages are those that the shapes state; a result stands once.
"""

import functools
import hashlib
import importlib
import json
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, Triple, parse, serialize

from kg import names
from kg.errors import KgError, Problem, QueryError, RecipeError, ReleaseError

_SH, _RDF, _XSD = (names.PREFIXES[prefix] for prefix in ("sh", "rdf", "xsd"))
_RESULT = names.ID + "validation-result/"
_PREFIXES = {"sh": _SH, "xsd": _XSD, "shisaku": names.ONTOLOGY, "shape": names.BASE + "shapes#", "result": _RESULT}
_UNNAMED = "urn:unnamed-shape:"  # how a shape that is a blank node is called while an engine works
_SEVERITIES = ("Violation", "Warning", "Info")
_STEPS = {"inversePath": "^{}", "zeroOrMorePath": "{}*", "oneOrMorePath": "{}+", "zeroOrOnePath": "{}?"}
_WORDS = {  # conforms, does not, the severities
    "ja": ("適合しています。", "適合していません。", {"Violation": "違反", "Warning": "警告", "Info": "情報"}),
    "en": ("Conforms.", "Does not conform.", {severity: severity for severity in _SEVERITIES}),
}

_Term = NamedNode | BlankNode | Literal
_Statement = tuple[NamedNode | BlankNode, NamedNode, _Term]
_Found = tuple[str, str, str, str, str, str]  # focus, value, component, severity, source shape, the engine's own words
_Engine = Callable[[list[_Statement], list[_Statement]], Iterator[_Found]]


@dataclass(frozen=True, order=True)
class Result:
    """One broken promise: `focus` and `value` as in N-Triples, `path` as in SPARQL; `messages` with their languages."""

    focus: str
    path: str
    value: str
    component: str
    severity: str
    shape: str
    messages: tuple[tuple[str, str], ...] = field(compare=False)

    @property
    def iri(self) -> str:
        """The name of the result: the same fault has the same name in every report."""
        return _RESULT + _digest(astuple(self)[:-1])

    def message(self, language: str) -> str:
        """Return the message in a language, else in any."""
        return dict(self.messages).get(language) or self.messages[0][1]


@dataclass(frozen=True)
class Report:
    """What a validation found, the gravest first."""

    results: tuple[Result, ...]

    @property
    def conforms(self) -> bool:
        """Whether no result is a Violation: warnings and remarks do not keep data from being published."""
        return all(result.severity != _SH + "Violation" for result in self.results)

    @property
    def counts(self) -> dict[str, int]:
        """How many results there are of each severity."""
        return dict.fromkeys(_SEVERITIES, 0) | Counter(result.severity.removeprefix(_SH) for result in self.results)

    def text(self, language: str) -> str:
        """Return the report for people: each promise that is broken, and where. Of remarks (Info) only the number."""
        yes, no, label = _WORDS.get(language, _WORDS["en"])
        counted = ", ".join(f"{label.get(severity, severity)} {count}" for severity, count in self.counts.items())
        lines = [f"{yes if self.conforms else no} {counted}"]
        by_shape: dict[tuple[str, str], list[Result]] = defaultdict(list)
        for result in self.results:
            by_shape[result.severity.removeprefix(_SH), result.shape].append(result)
        for (severity, shape), results in by_shape.items():
            name = shape.removeprefix(_PREFIXES["shape"])
            lines.append(f"{label.get(severity, severity)} {name} ({len(results)}): {results[0].message(language)}")
            if severity != "Info":
                lines += [f"  {' '.join(filter(None, dict.fromkeys((r.focus, r.path, r.value))))}" for r in results]
        return "\n".join(lines) + "\n"

    def json(self) -> str:
        """Return the report as a JSON document."""
        results = [{"iri": one.iri, **asdict(one), "messages": dict(one.messages)} for one in self.results]
        document = {"conforms": self.conforms, "counts": self.counts, "results": results}
        return json.dumps(document, ensure_ascii=False, indent=1) + "\n"

    def turtle(self) -> bytes:
        """Return the report in SHACL's own terms, every node named: the source shape tells a path of several steps.

        `sh:conforms` leaves warnings and remarks aside, as SHACL 1.2 allows.
        """
        iris = [result.iri for result in self.results]
        about = NamedNode(names.shared("validation-report", _digest(iris)))
        conforms = Literal(str(self.conforms).lower(), datatype=NamedNode(_XSD + "boolean"))
        triples = [Triple(about, _sh("result"), NamedNode(iri)) for iri in iris]
        triples.append(Triple(about, NamedNode(_RDF + "type"), _sh("ValidationReport")))
        triples.append(Triple(about, _sh("conforms"), conforms))
        triples += [triple for result in self.results for triple in _triples(result)]
        data = serialize(sorted(triples, key=str), format=RdfFormat.TURTLE, prefixes=_PREFIXES)
        assert data is not None  # bytes are returned where no output is given
        return data


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def _sh(word: str) -> NamedNode:
    return NamedNode(_SH + word)


def _triples(result: Result) -> Iterator[Triple]:
    about = NamedNode(result.iri)
    yield Triple(about, NamedNode(_RDF + "type"), _sh("ValidationResult"))
    yield Triple(about, _sh("focusNode"), _published(result.focus))
    if result.path.endswith(">") and result.path.rfind("<") == 0:
        yield Triple(about, _sh("resultPath"), NamedNode(result.path[1:-1]))
    if result.value:
        yield Triple(about, _sh("value"), _published(result.value))
    yield Triple(about, _sh("sourceConstraintComponent"), NamedNode(result.component))
    yield Triple(about, _sh("resultSeverity"), NamedNode(result.severity))
    yield Triple(about, _sh("sourceShape"), NamedNode(result.shape))
    for language, text in result.messages:
        yield Triple(about, _sh("resultMessage"), Literal(text, language=language) if language else Literal(text))


def _published(text: str) -> NamedNode | Literal:
    """Return a term of a result as it may be published: a blank node gets a name."""
    term = _term(text)
    return NamedNode(f"https://w3id.org/.well-known/genid/{term.value}") if isinstance(term, BlankNode) else term


@functools.lru_cache(maxsize=4096)
def _term(text: str) -> _Term:
    """Return the term that Turtle writes so."""
    term = next(iter(parse(f"<a:a> <a:a> {text} .", format=RdfFormat.TURTLE))).object
    assert isinstance(term, NamedNode | BlankNode | Literal)
    return term


def validate(files: Sequence[Path], shapes: Path, engine: str = "pyshacl") -> Report:
    """Validate RDF files, taken together (with the named graphs in them), against the shapes of a file or folder."""
    if engine not in _ENGINES:
        raise QueryError(Problem(f"there is no SHACL engine {engine!r}", f"choose one of: {', '.join(_ENGINES)}"))
    stated = _Shapes(_read(sorted(shapes.glob("*.ttl")) if shapes.is_dir() else [shapes], RecipeError))
    if not stated.statements:
        raise RecipeError(Problem("there are no shapes here", "name a .ttl file, or a folder with such files", shapes))
    data = _read(files, ReleaseError)
    try:
        results = {stated.result(found) for found in _ENGINES[engine](data, stated.statements)}
    except (RuntimeError, ValueError, re.error) as error:
        fact = f"{engine} cannot use these shapes: {error}"
        raise RecipeError(Problem(fact, "mend the shapes; see https://www.w3.org/TR/shacl/", shapes)) from error
    rank = {_SH + severity: place for place, severity in enumerate(_SEVERITIES)}
    return Report(tuple(sorted(results, key=lambda one: (rank.get(one.severity, len(rank)), one.shape, one))))


def _read(files: Iterable[Path], kind: type[KgError]) -> list[_Statement]:
    """Return the statements of RDF files; blank nodes are numbered, so that the same files give the same report."""
    numbered: dict[tuple[Path, str], BlankNode] = {}
    statements: dict[_Statement, None] = {}

    def plain(file: Path, term: Any) -> Any:
        if isinstance(term, Triple):
            raise kind(Problem("a statement about a statement (RDF 1.2)", "leave it out: SHACL knows RDF 1.1", file))
        if isinstance(term, BlankNode):
            return numbered.setdefault((file, term.value), BlankNode(f"b{len(numbered) + 1}"))
        return term

    for file in files:
        for quad in _quads(file, kind):
            statements[plain(file, quad.subject), quad.predicate, plain(file, quad.object)] = None
    return list(statements)


def _quads(file: Path, kind: type[KgError]) -> Iterator[Quad]:
    rdf = RdfFormat.from_extension(file.suffix.removeprefix("."))
    if rdf is None:
        raise kind(Problem("the name does not tell the RDF format", "use .ttl .nt .nq .trig .rdf or .jsonld", file))
    try:
        yield from parse(path=str(file), format=rdf, base_iri=file.resolve().as_uri())
    except (SyntaxError, ValueError, OSError) as error:
        line = getattr(error, "lineno", None)
        raise kind(Problem(f"cannot be read: {error}", "mend or replace the file", file, line)) from error


class _Shapes:
    """The shapes, each with a name while an engine works; knows the path, the messages and the owner of each."""

    def __init__(self, statements: list[_Statement]) -> None:
        words = {(s, p.value.removeprefix(_SH)) for s, p, _ in statements if p.value.startswith(_SH)}
        shapes = {s for s, word in words if isinstance(s, BlankNode) and word not in (*_STEPS, "alternativePath")}
        named: dict[Any, Any] = {shape: NamedNode(_UNNAMED + shape.value) for shape in shapes}
        self.statements: list[_Statement] = [(named.get(s, s), p, named.get(o, o)) for s, p, o in statements]
        self._about: dict[tuple[_Term, str], list[_Term]] = defaultdict(list)
        self._parent: dict[_Term, _Term] = {}
        for subject, predicate, value in self.statements:
            self._about[subject, predicate.value].append(value)
            self._parent.setdefault(value, subject)

    def result(self, found: _Found) -> Result:
        """Return what an engine found, in the words of the shapes."""
        focus, value, component, severity, source, words = found
        shape = _term(source)
        texts = [text for text in self._about[shape, _SH + "message"] if isinstance(text, Literal)]
        messages = sorted((text.language or "", text.value) for text in texts) or [("", words)]
        path = "".join(self._path(path) for path in self._about[shape, _SH + "path"])
        return Result(focus, path, value, component, severity, self._owner(shape), tuple(messages))

    def _owner(self, shape: _Term) -> str:
        """Return the shape itself, or the nearest around it that has a name."""
        step = shape
        while step in self._parent and (isinstance(step, BlankNode) or step.value.startswith(_UNNAMED)):
            step = self._parent[step]
        return step.value

    def _path(self, path: _Term) -> str:
        """Return a property path as SPARQL writes it."""
        if isinstance(path, NamedNode):
            return str(path)
        for word, form in _STEPS.items():
            for inner in self._about[path, _SH + word]:
                return form.format(self._path(inner))
        for choice in self._about[path, _SH + "alternativePath"]:
            return f"({'|'.join(map(self._path, self._members(choice)))})"
        return f"({'/'.join(map(self._path, self._members(path)))})"

    def _members(self, head: _Term) -> Iterator[_Term]:
        yield from self._about[head, _RDF + "first"]
        for rest in self._about[head, _RDF + "rest"]:
            yield from self._members(rest)


def _by_shacl(data: list[_Statement], shapes: list[_Statement]) -> Iterator[_Found]:
    try:
        shacl = importlib.import_module("shacl")
    except ImportError as error:
        remedy = "install the extra `fast` (pip install 'shisaku-graph[fast]'), or use the engine pyshacl"
        raise QueryError(Problem("the SHACL engine `shacl` is not installed", remedy)) from error
    texts = ["".join(f"{s} {p} {o} .\n" for s, p, o in statements) for statements in (data, shapes)]
    report = shacl.Shapes.from_text(texts[1], format="ntriples").validate_text(texts[0], format="ntriples")
    for one in report.results:
        focus, value = (str(_term(text)) if text else "" for text in (one.focus_node, one.value))
        yield focus, value, one.component_iri, one.severity_iri, one.source_shape, one.message or ""


def _by_pyshacl(data: list[_Statement], shapes: list[_Statement]) -> Iterator[_Found]:
    import pyshacl
    from rdflib import SH

    # a value that does not fit its datatype is a result; rdflib would write a traceback to the log as well
    logging.getLogger("rdflib.term").setLevel(logging.CRITICAL)
    _, report, _ = pyshacl.validate(_rdflib(data), shacl_graph=_rdflib(shapes), inplace=True)
    if not hasattr(report, "objects"):
        raise RuntimeError(str(report))
    for one in report.objects(None, SH.result):
        found = {str(word).removeprefix(_SH): term for word, term in report.predicate_objects(one)}
        focus, value = (str(_term(found[word].n3())) if word in found else "" for word in ("focusNode", "value"))
        component, severity = str(found["sourceConstraintComponent"]), str(found["resultSeverity"])
        yield focus, value, component, severity, found["sourceShape"].n3(), str(found.get("resultMessage", ""))


def _rdflib(statements: list[_Statement]) -> Any:
    """Return the statements as an rdflib graph, in memory: pySHACL is many times slower on a store."""
    from rdflib import BNode, Graph, URIRef
    from rdflib import Literal as Value

    @functools.cache
    def term(one: _Term) -> Any:
        if isinstance(one, NamedNode):
            return URIRef(one.value)
        if isinstance(one, BlankNode):
            return BNode(one.value)
        if one.language or one.datatype.value == _XSD + "string":  # "a" and "a"^^xsd:string are different to rdflib
            return Value(one.value, lang=one.language)
        return Value(one.value, datatype=URIRef(one.datatype.value), normalize=False)

    graph = Graph(bind_namespaces="none")
    for subject, predicate, value in statements:
        graph.add((term(subject), term(predicate), term(value)))
    return graph


_ENGINES: dict[str, _Engine] = {"pyshacl": _by_pyshacl, "shacl": _by_shacl}
