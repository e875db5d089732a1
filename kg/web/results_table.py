"""Results table: one page of the rows of a query result, read without parsing the others.

A result can be large, and is a file then. Each row of TSV, like each statement of N-Triples, is one line, so rows are
counted as lines, and only the displayed ones are parsed.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode, QueryResultsFormat, QuerySolutions, RdfFormat, parse, parse_query_results

from kg.core import sparql_scanner
from kg.core.iris import BASE, ID, PREFIXES, to_curie
from kg.core.labels import is_web_address
from kg.core.negotiation import JSON, N_TRIPLES, TSV, Format
from kg.engine.wire import Answer
from kg.http.responses import path_of
from kg.web.presenter import Value

ROWS = 100  # of one page
_PIECE = 1 << 20
_STATEMENT = ("subject", "predicate", "object")


@dataclass(frozen=True)
class ResultPage:
    """One page of a result: columns and rows (None if unbound), of `total` rows; or the boolean of ASK."""

    head: tuple[str, ...] = ()
    rows: tuple[tuple[Value | None, ...], ...] = ()
    total: int = 0
    page: int = 1
    verdict: bool | None = None
    graph: bool = False

    @property
    def pages(self) -> int:
        """The number of pages of all rows."""
        return max(1, -(-self.total // ROWS))

    @property
    def empty(self) -> bool:
        """Return whether the result is empty or false."""
        return self.verdict is False or (self.verdict is None and not self.total)


def format_for(query: str) -> Format:
    """Return the format in which the result of a query can be displayed."""
    return {"ASK": JSON, "CONSTRUCT": N_TRIPLES, "DESCRIBE": N_TRIPLES}.get(sparql_scanner.operation(query), TSV)


def result_page(answer: Answer, format: Format, page: int, link: Callable[[str], str]) -> ResultPage:
    """Return one page (from 1) of a result in this format; `link` makes URLs of paths of this site."""
    if format is JSON:
        return ResultPage(verdict=bool(json.loads(b"".join(_pieces(answer)))["boolean"]))
    heads = 0 if format is N_TRIPLES else 1
    window, lines = _window(_pieces(answer), heads + (page - 1) * ROWS, ROWS)
    if format is N_TRIPLES:
        statements = [quad.triple for quad in parse(window, format=RdfFormat.N_TRIPLES)]
        stated = tuple(tuple(_value(term, link) for term in statement) for statement in statements)
        return ResultPage(_STATEMENT, stated, lines, page, graph=True)
    head, _ = _window(_pieces(answer), 0, 1)
    solutions = parse_query_results(head + window, QueryResultsFormat.TSV)
    assert isinstance(solutions, QuerySolutions)
    names = tuple(variable.value for variable in solutions.variables)
    rows = tuple(tuple(None if term is None else _value(term, link) for term in row) for row in solutions)
    return ResultPage(names, rows, lines - 1, page)


def _value(term: object, link: Callable[[str], str]) -> Value:
    """Return a term as a cell: an IRI in its shortest form, a literal exactly."""
    if isinstance(term, NamedNode):
        iri = term.value
        if path := path_of(iri):
            return Value(_short(iri), "", link(path))
        return Value(_short(iri), "", iri if is_web_address(iri) else "", away=True)
    if isinstance(term, Literal):
        kind = term.datatype.value
        plain = bool(term.language) or kind == PREFIXES["xsd"] + "string"
        href = term.value if kind == PREFIXES["xsd"] + "anyURI" and is_web_address(term.value) else ""
        return Value(term.value, term.language or "", href, "" if plain else to_curie(kind), bool(href))
    return Value(str(term))


def _short(iri: str) -> str:
    return iri.removeprefix(BASE) if iri.startswith(ID) else to_curie(iri)


def _pieces(answer: Answer) -> Iterator[bytes]:
    if not answer.file:
        yield answer.body
        return
    start = 0
    while piece := answer.file.read(min(_PIECE, answer.size - start), start):
        yield piece
        start += len(piece)


def _window(pieces: Iterator[bytes], first: int, count: int) -> tuple[bytes, int]:
    """Return `count` lines starting at line `first` (from 0), and the total number of lines."""
    window, lines = list[bytes](), 0
    for piece in pieces:
        there = piece.count(b"\n")
        if lines + there >= first and lines < first + count:
            start = 0 if window or first == lines == 0 else _offset_after(piece, first - lines)
            end = _offset_after(piece, first + count - lines) if lines + there >= first + count else len(piece)
            window.append(piece[start:end])
        lines += there
    return b"".join(window), lines


def _offset_after(piece: bytes, lines: int) -> int:
    """Return the offset after so many lines of a piece."""
    place = 0
    for _ in range(lines):
        place = piece.index(b"\n", place) + 1
    return place
