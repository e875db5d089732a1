"""JSON-LD serializer with a readable, compact output.

One entity per line, with prefixed names and a context. If all values of a predicate are IRIs, of one datatype, or have
a language, the context states it once and the values are plain strings. Sorted, so that equal graphs give equal bytes.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from pyoxigraph import Literal, NamedNode, Triple

from kg.core.iris import PREFIXES

Value = NamedNode | Literal
Row = tuple[str, str, Value]

_RDF, _XSD = PREFIXES["rdf"], PREFIXES["xsd"]
_TYPE, _LANGUAGE, _STRING = _RDF + "type", _RDF + "langString", _XSD + "string"
_INTEGER, _BOOLEAN = _XSD + "integer", _XSD + "boolean"
_BOOLEANS = {"true": True, "false": False}
# JSON readers round integers beyond 2**53.
_SHORT = re.compile(r"0|-?[1-9][0-9]{0,14}")
_THING = "@id"
# Separator of the parts of a document, and its end.
SEPARATOR, END = b",\n", b"\n]}\n"


def rows_of(statements: Iterable[Triple]) -> list[Row]:
    """Return statements as plain tuples, quicker to group than the engine's objects; there are no blank nodes."""
    return [(s.value, p.value, o) for s, p, o in statements]


def compact(statements: Sequence[Triple], prefixes: Mapping[str, str]) -> bytes:
    """Return sorted statements without blank nodes as a JSON-LD document."""
    kinds, schemes = value_kinds(statements), iri_schemes(statements)
    # a context cannot define a term that is also the type of another term
    kinds = {predicate: "" if kind in kinds else kind for predicate, kind in kinds.items()}
    # a parser would take an IRI such as <dc:title> for a prefixed name
    prefixes = {prefix: iri for prefix, iri in prefixes.items() if prefix not in schemes}
    return document_head(kinds, prefixes) + serialize_nodes(statements, kinds, prefixes) + END


def document_head(kinds: Mapping[str, str], prefixes: Mapping[str, str]) -> bytes:
    """Return the beginning of a document: its context with the kinds of values."""
    names = _Names(prefixes)
    context: dict[str, Any] = dict(sorted(prefixes.items()))
    for predicate, kind in sorted(kinds.items()):
        if kind == _LANGUAGE:
            context[names[predicate]] = {"@id": predicate, "@container": "@language"}
        elif kind and kind != _STRING:
            context[names[predicate]] = {"@id": predicate, "@type": kind if kind == _THING else names[kind]}
    return ('{"@context": ' + _json(context) + ',\n"@graph": [\n').encode()


def serialize_nodes(statements: Iterable[Triple], kinds: Mapping[str, str], prefixes: Mapping[str, str]) -> bytes:
    """Return the subjects of sorted statements as nodes, one per line; a subject must not be split between parts."""
    names, rows = _Names(prefixes), rows_of(statements)
    found = (_json(_node(name, about, kinds, names)) for name, about in groupby(rows, key=itemgetter(0)))
    return ",\n".join(found).encode()


class _Names(dict[str, str]):
    """Short names of IRIs; the longest namespace wins."""

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        super().__init__()
        self._namespaces = sorted(((iri, prefix) for prefix, iri in prefixes.items()), key=lambda pair: -len(pair[0]))

    def __missing__(self, iri: str) -> str:
        for namespace, prefix in self._namespaces:
            # a local name that begins with // would make it look like an absolute IRI
            if iri.startswith(namespace) and not iri.startswith("//", len(namespace)):
                self[iri] = f"{prefix}:{iri[len(namespace) :]}"
                return self[iri]
        self[iri] = iri
        return iri


def iri_schemes(statements: Iterable[Triple]) -> set[str]:
    """Return the schemes of the IRIs in statements."""
    iris = {term.value for triple in statements for term in triple if isinstance(term, NamedNode)}
    iris |= {triple.object.datatype.value for triple in statements if isinstance(triple.object, Literal)}
    return {iri.partition(":")[0] for iri in iris}


def is_compactable(statement: Triple) -> bool:
    """True if `compact` can write a statement: it has no blank nodes and nothing of RDF 1.2."""
    subject, _, value = statement
    if not (isinstance(subject, NamedNode) and isinstance(value, NamedNode | Literal)):
        return False
    return not (isinstance(value, Literal) and value.direction)


def _kind(value: Value) -> str:
    return value.datatype.value if isinstance(value, Literal) else _THING


def value_kinds(statements: Iterable[Triple]) -> dict[str, str]:
    """Return the kind of the values of each predicate; empty if they differ."""
    return merge_kinds({(predicate, _kind(value)) for _, predicate, value in rows_of(statements)})


def merge_kinds(kinds: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the kinds of several parts as those of the whole."""
    found: dict[str, str] = {}
    for predicate, kind in kinds:
        if predicate != _TYPE and found.setdefault(predicate, kind) != kind:
            found[predicate] = ""
    return found


def _node(name: str, rows: Iterable[Row], kinds: Mapping[str, str], names: _Names) -> dict[str, Any]:
    node: dict[str, Any] = {"@id": names[name]}
    for predicate, stated in groupby(rows, key=itemgetter(1)):
        values = [value for _, _, value in stated]
        if predicate == _TYPE:
            node |= _types(values, names)
        elif kinds[predicate] == _LANGUAGE:
            node[names[predicate]] = _by_language([value for value in values if isinstance(value, Literal)])
        else:
            coerced = bool(kinds[predicate])
            node[names[predicate]] = _several([_value(value, coerced, names) for value in values])
    return node


def _types(values: Iterable[Value], names: _Names) -> dict[str, Any]:
    """Return the classes of an entity; literal types are listed under the full IRI."""
    classes, others = list[str](), list[Any]()
    for value in values:
        if isinstance(value, NamedNode):
            classes.append(names[value.value])
        else:
            others.append(_value(value, False, names))
    return {key: _several(found) for key, found in (("@type", classes), (names[_TYPE], others)) if found}


def _several(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _by_language(values: Iterable[Literal]) -> dict[str, Any]:
    texts: dict[str, list[str]] = {}
    for value in values:
        texts.setdefault(value.language or "", []).append(value.value)
    return {language: _several(found) for language, found in sorted(texts.items())}


def _value(value: Value, coerced: bool, names: _Names) -> Any:
    kind = _kind(value)
    if isinstance(value, NamedNode):
        return names[value.value] if coerced else {"@id": names[value.value]}
    if kind == _BOOLEAN and value.value in _BOOLEANS:
        return _BOOLEANS[value.value]
    if kind == _INTEGER and _SHORT.fullmatch(value.value):
        return int(value.value)
    if coerced or kind == _STRING:
        return value.value
    if kind == _LANGUAGE:
        return {"@value": value.value, "@language": value.language}
    return {"@value": value.value, "@type": names[kind]}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
