"""The SHACL engines, each behind one function: pySHACL is the reference, `shacl` the fast one."""

import functools
import importlib
import importlib.util
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pyoxigraph import BlankNode, NamedNode, RdfFormat, parse

from kg.core import iris
from kg.core.errors import Problem, QueryError
from kg.rdf.shacl_shapes import Found
from kg.rdf.shacl_terms import SH, Statement, Term, term_of

REFERENCE, FAST = "pyshacl", "shacl"

Check = Callable[[bytes], Iterator[Found]]  # of data, as N-Triples
Engine = Callable[[str], Check]  # of shapes, as N-Triples: they are read once for any number of data

_XSD = iris.PREFIXES["xsd"]


def fastest() -> str:
    """Return the name of the fast engine where it is installed, else that of the reference: their reports agree.

    It is installed with kg but on processors that it has no wheel for.
    """
    return FAST if importlib.util.find_spec(FAST) else REFERENCE


def n_triples(statements: Iterable[Statement]) -> str:
    """Return statements as N-Triples, which every engine is given."""
    return "".join(f"{s} {p} {o} .\n" for s, p, o in statements)


@functools.lru_cache(maxsize=2)
def _shapes_of_shacl(shapes: str) -> Any:
    """Return shapes as the engine has understood them: that takes longer than to validate a small graph."""
    return importlib.import_module(FAST).Shapes.from_text(shapes, format="ntriples")


def _by_shacl(shapes: str) -> Check:
    try:
        importlib.import_module(FAST)
    except ImportError as error:
        remedy = "install it (pip install shacl), or use the engine pyshacl"
        raise QueryError(Problem("the SHACL engine `shacl` is not installed", remedy)) from error
    known = _shapes_of_shacl(shapes)

    def check(data: bytes) -> Iterator[Found]:
        for one in known.validate_text(data.decode(), format="ntriples").results:
            focus, value = (str(term_of(text)) if text else "" for text in (one.focus_node, one.value))
            yield focus, value, one.component_iri, one.severity_iri, one.source_shape, one.message or ""

    return check


def _by_pyshacl(shapes: str) -> Check:
    known = _rdflib(shapes.encode())
    return lambda data: _found_by_pyshacl(data, known)


def _found_by_pyshacl(data: bytes, shapes: Any) -> Iterator[Found]:
    import pyshacl
    from rdflib import SH as words

    # a value that does not fit its datatype is a result; rdflib would write a traceback to the log as well
    logging.getLogger("rdflib.term").setLevel(logging.CRITICAL)
    _, report, _ = pyshacl.validate(_rdflib(data), shacl_graph=shapes, inplace=True)
    if not hasattr(report, "objects"):
        raise RuntimeError(str(report))
    for one in report.objects(None, words.result):
        found = {str(word).removeprefix(SH): term for word, term in report.predicate_objects(one)}
        focus, value = (str(term_of(found[word].n3())) if word in found else "" for word in ("focusNode", "value"))
        component, severity = str(found["sourceConstraintComponent"]), str(found["resultSeverity"])
        yield focus, value, component, severity, found["sourceShape"].n3(), str(found.get("resultMessage", ""))


def _rdflib(lines: bytes) -> Any:
    """Return N-Triples as an rdflib graph, in memory: pySHACL is many times slower on a store."""
    from rdflib import BNode, Graph, URIRef
    from rdflib import Literal as Value

    @functools.cache
    def term(one: Term) -> Any:
        if isinstance(one, NamedNode):
            return URIRef(one.value)
        if isinstance(one, BlankNode):
            return BNode(one.value)
        if one.language or one.datatype.value == _XSD + "string":  # "a" and "a"^^xsd:string are different to rdflib
            return Value(one.value, lang=one.language)
        return Value(one.value, datatype=URIRef(one.datatype.value), normalize=False)

    graph = Graph(bind_namespaces="none")
    for subject, predicate, value, _ in parse(lines, format=RdfFormat.N_TRIPLES):
        graph.add((term(subject), term(predicate), term(value)))
    return graph


ENGINES: dict[str, Engine] = {REFERENCE: _by_pyshacl, FAST: _by_shacl}
