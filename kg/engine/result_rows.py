"""Rows on their way from another engine: read as they are meant, written as strict JSON (SPARQL 1.1 Query Results).

What blank nodes are called is up to who writes them, so they get names that any reader takes, and that are those of no
other answer.
"""

import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, QuerySolutions, Triple

Term = dict[str, Any]
Row = dict[str, Term]

_LITERALS = ("literal", "typed-literal")
_URIS = ("uri", "iri")
_PARTS = ("subject", "predicate", "object")


def only(solutions: QuerySolutions, variables: Sequence[str]) -> Iterator[bytes]:
    """Yield rows as strict JSON with these variables in this order, whatever others there are."""
    there = {variable.value for variable in solutions.variables}
    named = [name for name in variables if name in there]
    rows = ({name: _written(row[name]) for name in named if row[name] is not None} for row in solutions)
    return written(list(variables), rows)


def yes_or_no(solutions: QuerySolutions) -> bytes:
    """Return as strict JSON what an engine says by a row, or by none, that is asked for a truth value."""
    first = next(solutions, None)
    values = [term.value for term in first if isinstance(term, Literal)] if first else ["0"]
    if len(values) != 1 or values[0] not in ("0", "1", "true", "false"):
        raise ValueError("it is no truth value")
    return boolean(values[0] in ("1", "true"))


class Rows:
    """Rows in the making: their variables, once these are known, and names for blank nodes."""

    def __init__(self) -> None:
        self.variables: list[str] | None = None
        self._scope = f"s{secrets.token_hex(6)}x"
        self._labels: dict[str, str] = {}

    def named(self, head: object) -> None:
        """Take the variables of a head."""
        if not isinstance(head, list) or not all(isinstance(name, str) for name in head):
            raise ValueError("its head names no variables")
        self.variables = list(dict.fromkeys(head))

    def label(self, label: str) -> str:
        """Return what a blank node is called here."""
        return self._labels.setdefault(label, f"{self._scope}{len(self._labels)}")

    def row(self, read: object) -> Row:
        """Return a row as it is to be written."""
        if not isinstance(read, dict):
            raise ValueError("a row of it is none")
        return {name: self.term(term) for name, term in read.items() if term is not None}

    def term(self, term: object) -> Term:
        """Return a term with the members that it may have."""
        kind, value = (term.get("type"), term.get("value")) if isinstance(term, dict) else (None, None)
        assert kind is None or isinstance(term, dict)
        if kind == "triple" and isinstance(value, dict):
            return {"type": kind, "value": {part: self.term(value.get(part)) for part in _PARTS}}
        if not isinstance(value, str) or not isinstance(term, dict):
            raise ValueError("a value of it is none")
        if kind in _URIS:
            return {"type": "uri", "value": value}
        if kind == "bnode":
            return {"type": kind, "value": self.label(value)}
        if kind not in _LITERALS:
            raise ValueError(f"a value of it is of no known kind ({kind})")
        if language := term.get("xml:lang"):
            kept = {"xml:lang": language} | ({"its:dir": term["its:dir"]} if term.get("its:dir") else {})
        else:
            kept = {"datatype": term["datatype"]} if term.get("datatype") else {}
        return {"type": "literal", "value": value, **kept}


def written(variables: list[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield rows with these variables; raise ValueError where one has another."""
    yield f'{{"head":{{"vars":{json.dumps(variables)}}},"results":{{"bindings":['.encode()
    known, between = set(variables), ""
    for row in rows:
        if not known.issuperset(row):
            raise ValueError("a row of it has a variable that its head does not name")
        yield (between + json.dumps(row)).encode()
        between = ","
    yield b"]}}"


def boolean(truth: bool) -> bytes:
    """Return a truth value."""
    return json.dumps({"head": {}, "boolean": truth}).encode()


def _written(term: object) -> Term:
    if isinstance(term, NamedNode):
        return {"type": "uri", "value": term.value}
    if isinstance(term, BlankNode):
        return {"type": "bnode", "value": term.value}
    if isinstance(term, Triple):
        return {"type": "triple", "value": {part: _written(getattr(term, part)) for part in _PARTS}}
    assert isinstance(term, Literal)
    if term.language:
        return {"type": "literal", "value": term.value, "xml:lang": term.language}
    return {"type": "literal", "value": term.value, "datatype": term.datatype.value}
