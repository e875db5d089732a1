"""Answers read by other means than the engine's, and compared: blank nodes are the same whatever they are called."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pyoxigraph import (
    BlankNode,
    CanonicalizationAlgorithm,
    Dataset,
    Literal,
    NamedNode,
    Quad,
    QueryBoolean,
    QuerySolutions,
    RdfFormat,
    parse,
)

Row = dict[str, Any]
Table = tuple[list[str], list[Row]]

_XML = "{http://www.w3.org/2005/sparql-results#}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_LABEL = re.compile(r"_:\w+")


def of_engine(results: Any) -> bool | Table | frozenset[Quad]:
    """Return what the engine itself answers: a boolean, a table or a graph."""
    if isinstance(results, QueryBoolean):
        return bool(results)
    if not isinstance(results, QuerySolutions):
        return graph(Quad(*triple) for triple in results)
    names = [variable.value for variable in results.variables]
    return names, [{name: row[name] for name in names if row[name] is not None} for row in results]


def of_json(content: bytes) -> bool | Table:
    """Read the SPARQL 1.1 Query Results JSON Format."""
    document = json.loads(content)
    if "boolean" in document:
        return document["boolean"]
    rows = document["results"]["bindings"]
    return document["head"]["vars"], [{name: _of_json(term) for name, term in row.items()} for row in rows]


def _of_json(term: dict[str, str]) -> Any:
    if term["type"] == "literal":
        return _literal(term["value"], term.get("xml:lang"), term.get("datatype"))
    return {"uri": NamedNode, "bnode": BlankNode}[term["type"]](term["value"])


def of_xml(content: bytes) -> bool | Table:
    """Read the SPARQL Query Results XML Format."""
    root = ET.fromstring(content)
    boolean = root.findtext(_XML + "boolean")
    if boolean is not None:
        return boolean == "true"
    names = [variable.attrib["name"] for variable in root.iter(_XML + "variable")]
    return names, [{b.attrib["name"]: _of_xml(b[0]) for b in row} for row in root.iter(_XML + "result")]


def _of_xml(term: ET.Element) -> Any:
    text = term.text or ""
    if term.tag == _XML + "literal":
        return _literal(text, term.get(_LANG), term.get("datatype"))
    return {_XML + "uri": NamedNode, _XML + "bnode": BlankNode}[term.tag](text)


def _literal(text: str, language: str | None, datatype: str | None) -> Literal:
    return Literal(text, language=language, datatype=NamedNode(datatype) if datatype else None)


def lines(content: bytes, format: str) -> list[tuple[str, ...]]:
    """Return the rows of CSV or TSV, the names of the columns first; a blank node is only known to be one.

    An empty line of CSV is a row whose one cell is empty, as the engine writes it.
    """
    text = content.decode()
    rows = csv.reader(io.StringIO(text, newline="")) if format == "csv" else (r.split("\t") for r in text.split("\n"))
    return [tuple(_LABEL.sub("_:", cell) for cell in row or [""]) for row in rows]


def graph(quads: Iterable[Quad]) -> frozenset[Quad]:
    """Return a graph whose blank nodes are named by what is said about them."""
    dataset = Dataset(quads)
    dataset.canonicalize(CanonicalizationAlgorithm.UNSTABLE)
    return frozenset(dataset)


def of_rdf(content: bytes, format: RdfFormat, base: str = "") -> frozenset[Quad]:
    """Read a graph."""
    return graph(parse(content, format=format, base_iri=base or None))


def same(one: Any, other: Any, in_order: bool = False) -> bool:
    """Whether two answers are the same: booleans, graphs, or tables with the same rows as often (and in order)."""
    if not isinstance(one, tuple) or not isinstance(other, tuple):
        return bool(one == other)
    if one[0] != other[0]:
        return False
    masked = [[_masked(row) for row in table[1]] for table in (one, other)]
    if masked[0] != masked[1] if in_order else Counter(masked[0]) != Counter(masked[1]):
        return False
    return not any("_:" in str(row) for row in masked[0]) or _linked(one[1]) == _linked(other[1])


def _masked(row: Row) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, _LABEL.sub("_:", str(t)) if _blank(t) else str(t)) for name, t in row.items()))


def _blank(term: Any) -> bool:
    return not isinstance(term, NamedNode | Literal)


def _linked(rows: list[Row]) -> frozenset[Quad]:
    """Return a table as a graph, a node for each row, so that the same blank node is the same in all rows."""

    def said() -> Iterator[Quad]:
        for row, times in Counter(tuple(sorted(row.items())) for row in rows).items():
            node = BlankNode()
            yield Quad(node, NamedNode("urn:times"), Literal(times))
            for name, term in row:
                yield Quad(node, NamedNode(f"urn:column:{name}"), term)

    return graph(said())
