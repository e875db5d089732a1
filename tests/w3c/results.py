"""The answers that the W3C expects, in the six forms in which the suites write them."""

import csv
import io
from pathlib import Path
from typing import Any

from answers import Row, graph, of_engine, same
from pyoxigraph import Literal, NamedNode, Quad, QueryResultsFormat, Store, parse, parse_query_results
from suite import BASE, FORMATS, Case, files, store_of

RS = "http://www.w3.org/2001/sw/DataAccess/tests/result-set#"
RESULTS = {".srx": QueryResultsFormat.XML, ".srj": QueryResultsFormat.JSON, ".tsv": QueryResultsFormat.TSV}


def as_expected(test: Case) -> bool:
    """Whether the engine alone answers a test as the W3C expects; numbers count by value, columns by name."""
    store, suffix = store_of(test), Path(test.result).suffix
    results = store.query(test.text, base_iri=test.base)
    content = files()[test.result]
    if suffix == ".csv":
        return _cells(results.serialize(format=QueryResultsFormat.CSV)) == _cells(content)
    if suffix in RESULTS:
        expected, in_order = of_engine(parse_query_results(content, RESULTS[suffix])), False
    else:
        expected, in_order = _in_rdf(test.result, content)
    return same(_by_value(of_engine(results)), _by_value(expected), in_order)


def _cells(content: bytes) -> list[list[str]]:
    """Return a CSV's rows, its columns in the order of their names; of a blank node only that it is one."""
    columns = zip(*csv.reader(io.StringIO(content.decode(), newline="")), strict=True)
    head, *rows = zip(*sorted(columns), strict=True)
    return [list(head), *sorted([_cell(text) for text in row] for row in rows)]


def _cell(text: str) -> str:
    try:
        return "_:" if text.startswith("_:") else repr(float(text))
    except ValueError:
        return text


def _in_rdf(name: str, content: bytes) -> tuple[Any, bool]:
    """Return an answer that is written as a graph, and whether it says an order: a graph, or the rs: words for rows."""
    quads = list(parse(content, format=FORMATS[Path(name).suffix], base_iri=BASE + name))
    store = _store(quads)

    def objects(subject: Any, word: str) -> list[Any]:
        return [quad.object for quad in store.quads_for_pattern(subject, NamedNode(RS + word), None, None)]

    roots = [quad.subject for quad in quads if quad.object == NamedNode(RS + "ResultSet")]
    if not roots:
        return graph(quads), False
    [root] = roots
    if objects(root, "boolean"):
        return objects(root, "boolean")[0].value == "true", False
    solutions = objects(root, "solution")
    in_order = bool(solutions) and all(objects(solution, "index") for solution in solutions)
    if in_order:
        solutions.sort(key=lambda solution: int(objects(solution, "index")[0].value))
    rows: list[Row] = []
    for solution in solutions:
        bindings = objects(solution, "binding")
        rows.append({objects(b, "variable")[0].value: objects(b, "value")[0] for b in bindings})
    return ([variable.value for variable in objects(root, "resultVariable")], rows), in_order


def _by_value(answer: Any) -> Any:
    """Return an answer with literals as a store writes them: `01` is `1`."""
    if isinstance(answer, tuple):
        names, rows = answer
        return sorted(names), [{name: _written(term) for name, term in row.items()} for row in rows]
    if isinstance(answer, frozenset):
        return graph(Quad(quad.subject, quad.predicate, _written(quad.object)) for quad in answer)
    return answer


def _written(term: Any) -> Any:
    if not isinstance(term, Literal):
        return term
    if term.datatype.value.endswith(("#double", "#float")):
        return Literal(repr(float(term.value)), datatype=term.datatype)
    name = NamedNode("urn:x")
    return next(iter(_store([Quad(name, name, term)]))).object


def _store(quads: list[Quad]) -> Store:
    store = Store()
    store.extend(quads)
    return store
