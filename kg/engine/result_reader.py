"""Streaming parser of the results of other engines (SPARQL 1.1 Query Results in JSON or XML), rewritten as strict JSON.

Members may come in any order; unknown ones are skipped. Blank nodes get new labels that are valid in every format and
unique among all answers.
"""

import codecs
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from json import JSONDecoder
from typing import Any, cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from pyoxigraph import BlankNode, Literal, NamedNode, QueryResultsFormat, QuerySolutions, Triple

Term = dict[str, Any]
Row = dict[str, Term]

_LITERALS = ("literal", "typed-literal")
_URIS = ("uri", "iri")
_PARTS = ("subject", "predicate", "object")


def select_variables(solutions: QuerySolutions, variables: Sequence[str]) -> Iterator[bytes]:
    """Yield rows as strict JSON with the given variables only, in this order."""
    available = {variable.value for variable in solutions.variables}
    named = [name for name in variables if name in available]
    rows = ({name: _serialize_term(row[name]) for name in named if row[name] is not None} for row in solutions)
    return serialize_rows(list(variables), rows)


def boolean_from_rows(solutions: QuerySolutions) -> bytes:
    """Return the boolean answer, as strict JSON, of an engine that answers ASK by a row or by none."""
    first = next(solutions, None)
    values = [term.value for term in first if isinstance(term, Literal)] if first else ["0"]
    if len(values) != 1 or values[0] not in ("0", "1", "true", "false"):
        raise ValueError("it is not a boolean")
    return serialize_boolean(values[0] in ("1", "true"))


class RowReader:
    """Parser of rows, with the variables of the head and the new labels of blank nodes."""

    def __init__(self) -> None:
        self.variables: list[str] | None = None
        self._scope = f"s{secrets.token_hex(6)}x"
        self._labels: dict[str, str] = {}

    def read_head(self, head: object) -> None:
        """Read the variables of the head."""
        if not isinstance(head, list) or not all(isinstance(name, str) for name in head):
            raise ValueError("its head has no variables")
        self.variables = list(dict.fromkeys(head))

    def label(self, label: str) -> str:
        """Return the new label of a blank node."""
        return self._labels.setdefault(label, f"{self._scope}{len(self._labels)}")

    def row(self, read: object) -> Row:
        """Return a row in strict form."""
        if not isinstance(read, dict):
            raise ValueError("one of its rows is malformed")
        return {name: self.term(term) for name, term in read.items() if term is not None}

    def term(self, term: object) -> Term:
        """Return a term with the members of the specification only."""
        kind, value = (term.get("type"), term.get("value")) if isinstance(term, dict) else (None, None)
        assert kind is None or isinstance(term, dict)
        if kind == "triple" and isinstance(value, dict):
            return {"type": kind, "value": {part: self.term(value.get(part)) for part in _PARTS}}
        if not isinstance(value, str) or not isinstance(term, dict):
            raise ValueError("one of its values is malformed")
        if kind in _URIS:
            return {"type": "uri", "value": value}
        if kind == "bnode":
            return {"type": kind, "value": self.label(value)}
        if kind not in _LITERALS:
            raise ValueError(f"one of its values has the unknown type {kind}")
        if language := term.get("xml:lang"):
            members = {"xml:lang": language} | ({"its:dir": term["its:dir"]} if term.get("its:dir") else {})
        else:
            members = {"datatype": term["datatype"]} if term.get("datatype") else {}
        return {"type": "literal", "value": value, **members}


def serialize_rows(variables: list[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield rows as strict JSON; raise ValueError if one has an undeclared variable."""
    yield f'{{"head":{{"vars":{json.dumps(variables)}}},"results":{{"bindings":['.encode()
    allowed, between = set(variables), ""
    for row in rows:
        if not allowed.issuperset(row):
            raise ValueError("one of its rows has a variable that its head does not declare")
        yield (between + json.dumps(row)).encode()
        between = ","
    yield b"]}}"


def serialize_boolean(value: bool) -> bytes:
    """Return a boolean answer as strict JSON."""
    return json.dumps({"head": {}, "boolean": value}).encode()


def _serialize_term(term: object) -> Term:
    if isinstance(term, NamedNode):
        return {"type": "uri", "value": term.value}
    if isinstance(term, BlankNode):
        return {"type": "bnode", "value": term.value}
    if isinstance(term, Triple):
        return {"type": "triple", "value": {part: _serialize_term(getattr(term, part)) for part in _PARTS}}
    assert isinstance(term, Literal)
    if term.language:
        return {"type": "literal", "value": term.value, "xml:lang": term.language}
    return {"type": "literal", "value": term.value, "datatype": term.datatype.value}


_SPACE = re.compile(r"[ \t\r\n]*")
_DROP_AFTER = 1 << 16  # characters that have been read before they are dropped
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def to_strict_json(pieces: Iterable[bytes], format: QueryResultsFormat = QueryResultsFormat.JSON) -> Iterator[bytes]:
    """Yield results as strict JSON; raise ValueError if they are truncated or malformed."""
    return (
        _XmlReader(pieces).to_strict_json()
        if format == QueryResultsFormat.XML
        else _JsonReader(pieces).to_strict_json()
    )


class _JsonReader:
    """Streaming parser of results in JSON."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = codecs.iterdecode(iter(pieces), "utf-8-sig")
        self._text, self._at, self._decoder = "", 0, JSONDecoder()
        self._rows = RowReader()

    def to_strict_json(self) -> Iterator[bytes]:
        """Yield the results as strict JSON."""
        buffered: list[Row] | None = None
        value: object = None
        done = False
        for member in self._members():
            if member == "head":
                self._head(self._value())
            elif member == "boolean":
                value = self._value()
            elif member == "results":
                rows = self._bindings()
                if self._rows.variables is None:
                    buffered = [*(buffered or ()), *rows]
                else:
                    yield from serialize_rows(self._rows.variables, rows)
                    done = True
            else:
                self._value()
        if self._skip_space():
            raise ValueError("it is followed by other text")
        if buffered is not None:
            names = self._rows.variables
            yield from serialize_rows(
                list({name: None for row in buffered for name in row}) if names is None else names, buffered
            )
        elif not done:
            if not isinstance(value, bool):
                raise ValueError("it has no results")
            yield serialize_boolean(value)

    def _head(self, head: object) -> None:
        if isinstance(head, dict) and "vars" in head:
            self._rows.read_head(head["vars"])

    def _bindings(self) -> Iterator[Row]:
        """Yield the rows among the members of `results`."""
        for member in self._members():
            if member == "bindings":
                yield from map(self._rows.row, self._elements())
            else:
                self._value()

    def _members(self) -> Iterator[str]:
        """Yield the name of each member of an object; the caller reads its value before the next one."""
        self._expect("{")
        if self._peek() == "}":
            self._at += 1
            return
        while True:
            name = self._value()
            if not isinstance(name, str):
                raise ValueError("a member of it has no name")
            self._expect(":")
            yield name
            if self._expect(",}") == "}":
                return

    def _elements(self) -> Iterator[Any]:
        self._expect("[")
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            yield self._value()
            if self._expect(",]") == "]":
                return

    def _value(self) -> Any:
        """Return the next value as soon as it is complete."""
        self._peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except ValueError:
                if not self._read_more():
                    raise
                continue
            if end < len(self._text) or not self._read_more():  # a number could go on
                self._at = end
                return value

    def _expect(self, characters: str) -> str:
        found = self._peek()
        if not found or found not in characters:
            raise ValueError("it is truncated" if not found else f"“{found}” where “{characters[0]}” is expected")
        self._at += 1
        return found

    def _peek(self) -> str:
        """Return the next non-space character; empty at the end."""
        return self._text[self._at] if self._skip_space() else ""

    def _skip_space(self) -> bool:
        while True:
            space = _SPACE.match(self._text, self._at)
            assert space is not None
            self._at = space.end()
            if self._at < len(self._text):
                return True
            if not self._read_more():
                return False

    def _read_more(self) -> bool:
        """Read on, doubling the unread text, so that a long value is not parsed too often."""
        if self._at > _DROP_AFTER:
            self._text, self._at = self._text[self._at :], 0
        wanted, added = len(self._text) - self._at, list[str]()
        for piece in self._pieces:
            added.append(piece)
            wanted -= len(piece)
            if wanted < 0:
                break
        self._text += "".join(added)
        return bool(added)


class _XmlReader:
    """Streaming parser of results in XML."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces, self._rows = pieces, RowReader()
        self._truth: bool | None = None
        self._there = False

    def to_strict_json(self) -> Iterator[bytes]:
        """Yield the results as strict JSON."""
        rows = self._read()
        first = next(rows, None)  # the head has been read once there is a row
        if self._there or first is not None:
            names = self._rows.variables
            yield from serialize_rows(names or [], _chain(first, rows))
        elif self._truth is not None:
            yield serialize_boolean(self._truth)
        else:
            raise ValueError("it has no results")

    def _read(self) -> Iterator[Row]:
        parser: XMLPullParser[Any] = XMLPullParser(("start", "end"))
        head, parents = list[str](), list[Element]()
        try:
            for piece in self._pieces:
                parser.feed(piece)
                yield from self._events(parser, head, parents)
            parser.close()
            yield from self._events(parser, head, parents)
        except ParseError as error:
            raise ValueError(f"it is not XML, or is truncated ({error})") from error

    def _events(self, parser: "XMLPullParser[Any]", head: list[str], parents: list[Element]) -> Iterator[Row]:
        for event, element in cast(Iterator[tuple[str, Element]], parser.read_events()):
            name = _local(element)
            if event == "start":
                parents.append(element)
                if name == "sparql" or len(parents) > 1:
                    continue
                raise ValueError("it is not a results document")
            parents.pop()
            if name == "variable":
                head.append(element.get("name", ""))
            elif name == "head":
                self._rows.read_head(head)
            elif name == "boolean":
                self._truth = (element.text or "").strip() in ("true", "1")
            elif name == "results":
                self._there = True
            elif name == "result" and _local(parents[-1]) == "results":
                yield self._row(element)
                parents[-1].clear()

    def _row(self, result: Element) -> Row:
        bindings = [element for element in result if _local(element) == "binding"]
        return {each.get("name", ""): self._term(each) for each in bindings if any(map(_is_term, each))}

    def _term(self, parent: Element) -> Term:
        """Return the term in an element; literals keep their white space."""
        element = next(filter(_is_term, parent))
        name, text = _local(element), "".join(element.itertext())
        if name == "triple":
            return {"type": name, "value": {_local(part): self._term(part) for part in element}}
        read: Term = {"type": name, "value": text if name == "literal" else text.strip()}
        read |= {"xml:lang": element.get(_LANGUAGE), "datatype": element.get("datatype")}
        return self._rows.term(read)


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _is_term(element: Element) -> bool:
    return _local(element) in ("uri", "bnode", "literal", "triple")


def _chain(first: Row | None, rows: Iterator[Row]) -> Iterator[Row]:
    if first is not None:
        yield first
        yield from rows
