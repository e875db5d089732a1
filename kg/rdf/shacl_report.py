"""Validation report: its results, and its forms as text, JSON and RDF (SHACL).

The module also parses RDF terms and the RDF files to validate, by pyoxigraph; nothing is fetched from the network.
"""

import functools
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, Triple, parse, serialize

from kg.core import iris
from kg.core import iris as names
from kg.core.errors import KgError, Problem

SH = iris.PREFIXES["sh"]

Term = NamedNode | BlankNode | Literal
Statement = tuple[NamedNode | BlankNode, NamedNode, Term]


@functools.lru_cache(maxsize=4096)
def parse_term(text: str) -> Term:
    """Return the RDF term of a Turtle text."""
    term = next(iter(parse(f"<a:a> <a:a> {text} .", format=RdfFormat.TURTLE))).object
    assert isinstance(term, NamedNode | BlankNode | Literal)
    return term


def read_statements(files: Iterable[Path], kind: type[KgError]) -> list[Statement]:
    """Return the statements of RDF files; blank nodes are numbered, so that reports are reproducible."""
    numbered: dict[tuple[Path, str], BlankNode] = {}
    statements: dict[Statement, None] = {}

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
        raise kind(Problem(f"unknown file extension “{file.suffix}”", "use .ttl .nt .nq .trig .rdf or .jsonld", file))
    try:
        yield from parse(path=str(file), format=rdf, base_iri=file.resolve().as_uri())
    except (SyntaxError, ValueError, OSError) as error:
        line = getattr(error, "lineno", None)
        raise kind(Problem(f"cannot be read: {error}", "correct or replace the file", file, line)) from error


SHAPE = names.BASE + "shapes#"
SEVERITIES = ("Violation", "Warning", "Info")
INFO = SH + "Info"
_RDF, _XSD = (names.PREFIXES[prefix] for prefix in ("rdf", "xsd"))
_RESULT = names.ID + "validation-result/"
_PREFIXES = {"sh": SH, "xsd": _XSD, "shisaku": names.ONTOLOGY, "shape": SHAPE, "result": _RESULT}
_WORDS = {  # the verdicts “conforms” and “does not conform”, and the severities
    "ja": ("適合しています。", "適合していません。", {"Violation": "違反", "Warning": "警告", "Info": "情報"}),
    "en": ("Conforms.", "Does not conform.", {severity: severity for severity in SEVERITIES}),
}


@dataclass(frozen=True, order=True)
class Result:
    """One SHACL validation result.

    `focus` and `value` are written as in N-Triples, `path` as in SPARQL; `messages` have their languages.
    """

    focus: str
    path: str
    value: str
    component: str
    severity: str
    shape: str
    messages: tuple[tuple[str, str], ...] = field(compare=False)

    @cached_property
    def iri(self) -> str:
        """The IRI of the result: equal results have the same IRI in every report."""
        parts = (self.focus, self.path, self.value, self.component, self.severity, self.shape)
        return _RESULT + _digest(parts)

    def __str__(self) -> str:
        where = " ".join(filter(None, dict.fromkeys((self.focus, self.path, self.value))))
        return f"{self.shape.removeprefix(SHAPE)}: {self.message('en')}\n  {where}"

    def message(self, language: str) -> str:
        """Return the message in a language, else in any."""
        return dict(self.messages).get(language) or self.messages[0][1]


@dataclass(frozen=True)
class Report:
    """Validation report, most severe results first; `unlisted` has the number of further results by severity."""

    results: tuple[Result, ...]
    unlisted: tuple[tuple[str, int], ...] = ()

    @property
    def conforms(self) -> bool:
        """True if no result is a Violation; warnings and remarks do not prevent publication."""
        return all(result.severity != SH + "Violation" for result in self.results)

    @property
    def counts(self) -> dict[str, int]:
        """The number of results of each severity."""
        counts = Counter(result.severity.removeprefix(SH) for result in self.results)
        counts.update({severity.removeprefix(SH): number for severity, number in self.unlisted})
        return dict.fromkeys(SEVERITIES, 0) | counts

    def text(self, language: str) -> str:
        """Return the report as text: violated shapes with their focus nodes; of remarks (Info) only the number."""
        yes, no, label = _WORDS.get(language, _WORDS["en"])
        counted = ", ".join(f"{label.get(severity, severity)} {count}" for severity, count in self.counts.items())
        lines = [f"{yes if self.conforms else no} {counted}"]
        by_shape: dict[tuple[str, str], list[Result]] = defaultdict(list)
        for result in self.results:
            by_shape[result.severity.removeprefix(SH), result.shape].append(result)
        for (severity, shape), results in by_shape.items():
            name = shape.removeprefix(SHAPE)
            lines.append(f"{label.get(severity, severity)} {name} ({len(results)}): {results[0].message(language)}")
            if severity != "Info":
                lines += [f"  {' '.join(filter(None, dict.fromkeys((r.focus, r.path, r.value))))}" for r in results]
        return "\n".join(lines) + "\n"

    def json(self) -> str:
        """Return the report as a JSON document."""
        results = [{"iri": one.iri, **asdict(one), "messages": dict(one.messages)} for one in self.results]
        document = {"conforms": self.conforms, "counts": self.counts, "results": results}
        return json.dumps(document, ensure_ascii=False, indent=1) + "\n"

    def triples(self) -> Iterator[Triple]:
        """Yield the report in SHACL terms without blank nodes; the source shape identifies a complex path.

        `sh:conforms` ignores warnings and remarks, as SHACL 1.2 allows.
        """
        iris = [result.iri for result in self.results]
        about = NamedNode(names.shared("validation-report", _digest(iris)))
        conforms = Literal(str(self.conforms).lower(), datatype=NamedNode(_XSD + "boolean"))
        yield Triple(about, NamedNode(_RDF + "type"), _sh("ValidationReport"))
        yield Triple(about, _sh("conforms"), conforms)
        for iri in sorted(iris):
            yield Triple(about, _sh("result"), NamedNode(iri))
        for result in sorted(self.results, key=lambda result: result.iri):
            yield from sorted(_triples(result), key=str)

    def turtle(self) -> bytes:
        """Return the triples of the report as Turtle."""
        data = serialize(self.triples(), format=RdfFormat.TURTLE, prefixes=_PREFIXES)
        assert data is not None  # bytes are returned where no output is given
        return data


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def _sh(word: str) -> NamedNode:
    return NamedNode(SH + word)


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
    """Return a term of a result for publication: a blank node is replaced by an IRI."""
    term = parse_term(text)
    return NamedNode(f"https://w3id.org/.well-known/genid/{term.value}") if isinstance(term, BlankNode) else term
