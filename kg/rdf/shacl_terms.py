"""What is validated and by what, as terms: read from files by pyoxigraph; nothing is fetched."""

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, Triple, parse

from kg.core import iris
from kg.core.errors import KgError, Problem

SH = iris.PREFIXES["sh"]

Term = NamedNode | BlankNode | Literal
Statement = tuple[NamedNode | BlankNode, NamedNode, Term]


@functools.lru_cache(maxsize=4096)
def term_of(text: str) -> Term:
    """Return the term that Turtle writes so."""
    term = next(iter(parse(f"<a:a> <a:a> {text} .", format=RdfFormat.TURTLE))).object
    assert isinstance(term, NamedNode | BlankNode | Literal)
    return term


def read_statements(files: Iterable[Path], kind: type[KgError]) -> list[Statement]:
    """Return the statements of RDF files; blank nodes are numbered, so that the same files give the same report."""
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
        raise kind(Problem("the name does not tell the RDF format", "use .ttl .nt .nq .trig .rdf or .jsonld", file))
    try:
        yield from parse(path=str(file), format=rdf, base_iri=file.resolve().as_uri())
    except (SyntaxError, ValueError, OSError) as error:
        line = getattr(error, "lineno", None)
        raise kind(Problem(f"cannot be read: {error}", "mend or replace the file", file, line)) from error
