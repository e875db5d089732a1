"""How an answer is written: so that any reader of its format gets back what was written, or not at all.

The engine writes; where what it writes would be read as something else, or not be read, it is mended here. Labels of
blank nodes are made such as every format takes: a query may choose them (`BNODE("1")`), and Turtle, RDF/XML and JSON-LD
differ in what they allow.
"""

import re
from collections.abc import Iterable
from io import BytesIO
from typing import IO, Protocol, cast
from xml.parsers import expat

from pyoxigraph import BlankNode, QueryBoolean, QueryResultsFormat, QuerySolutions, RdfFormat, Triple, serialize

from kg.core import rdfxml_serializer
from kg.core.errors import Problem
from kg.core.iris import PREFIXES
from kg.core.negotiation import CSV, JSON_LD, RDF_XML, TSV, XML, Format, NotAcceptable, Output, Results

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_RENAMED = "x-"  # begins the labels that were others
# A cell of TSV that is a blank node: texts have neither a tab nor a line end, but escapes of them.
_CELL = re.compile(rb"(?<![^\t\n])_:([^\t\n]+)")
_AT_ONCE = 1 << 16


def write(results: Results, format: Format) -> bytes:
    """Return query results written in one of their formats."""
    body = BytesIO()
    write_to(results, format, body)
    return body.getvalue()


def write_to(results: Results, format: Format, output: Output) -> None:
    """Write query results in one of their formats, piece by piece; what `output` raises ends the query.

    Raises NotAcceptable where the format cannot express them.
    """
    writer = format.writer
    if isinstance(writer, RdfFormat):
        assert not isinstance(results, QuerySolutions | QueryBoolean)
        _write_graph(results, format, output)
        return
    assert isinstance(writer, QueryResultsFormat) and isinstance(results, QuerySolutions | QueryBoolean)
    mended = _mending(results, format, output)
    results.serialize(cast(IO[bytes], mended or output), format=writer)  # it calls write() and flush() only
    if mended:
        mended.close()


def _mending(results: QuerySolutions | QueryBoolean, format: Format, output: Output) -> "_Mending | None":
    """Return what mends what the engine writes of rows in a format; None where nothing is to be mended."""
    if format is CSV and isinstance(results, QuerySolutions) and len(results.variables) == 1:
        return _OneColumn(output)
    return _WellFormed(output) if format is XML else _Labelled(output) if format is TSV else None


def write_triples(triples: Iterable[Triple], format: Format) -> bytes:
    """Return triples written in an RDF format; raise NotAcceptable where XML cannot express them."""
    body = BytesIO()
    _write_graph(triples, format, body)
    return body.getvalue()


def _write_graph(triples: Iterable[Triple], format: Format, output: Output) -> None:
    named = map(_labelled, triples)
    if format is RDF_XML:
        _write_xml(named, output)
        return
    assert isinstance(format.writer, RdfFormat)
    if format is JSON_LD:
        named = map(_sayable, named)
    prefixes = PREFIXES if format.writer in (RdfFormat.TURTLE, RdfFormat.TRIG) else None
    serialize(named, cast(IO[bytes], output), format=format.writer, prefixes=prefixes)


def _write_xml(triples: Iterable[Triple], output: Output) -> None:
    held, size = list[str](), 0
    try:
        for piece in rdfxml_serializer.pieces(triples, PREFIXES):
            held.append(piece)
            size += len(piece)
            if size > _AT_ONCE:
                output.write("".join(held).encode())
                held, size = [], 0
    except rdfxml_serializer.InexpressibleError as error:
        raise _not_in_xml(str(error)) from error
    output.write("".join(held).encode())


def _sayable(triple: Triple) -> Triple:
    """Return a triple that JSON-LD 1.1 can say; raise NotAcceptable for any other."""
    if isinstance(triple.object, Triple):
        fact = "JSON-LD cannot express this answer: it holds a statement about a statement, which came with RDF 1.2"
        raise NotAcceptable(Problem(fact, "ask for another format, for example Turtle"))
    return triple


def _not_in_xml(reason: str) -> NotAcceptable:
    fact = f"XML cannot express this answer: it holds {reason}"
    return NotAcceptable(Problem(fact, "ask for another format, for example JSON or Turtle"))


def _labelled(triple: Triple) -> Triple:
    """Return a triple whose blank nodes have labels that every format takes; equal ones stay equal."""
    subject, value = triple.subject, triple.object
    if isinstance(subject, BlankNode):
        subject = BlankNode(_label(subject.value))
    elif not isinstance(value, BlankNode | Triple):
        return triple
    if isinstance(value, BlankNode):
        value = BlankNode(_label(value.value))
    elif isinstance(value, Triple):
        value = _labelled(value)
    return Triple(subject, triple.predicate, value)


def _label(label: str) -> str:
    """Return a label of letters, digits and a hyphen; no two labels become one."""
    return label if _PLAIN.fullmatch(label) else _RENAMED + label.encode().hex()


class _Mending(Output, Protocol):
    """Lets what is written through to an output, and mends it on the way; nothing is held back once it is closed."""

    def close(self) -> None:
        """Pass on what is held back."""


class _OneColumn:
    """Lets CSV of one column through to an output, without empty lines: most readers pass over those, rows or not."""

    def __init__(self, output: Output) -> None:
        self._output, self._line, self._quoted = output, b"", False

    def write(self, data: bytes, /) -> int:
        *lines, self._line = (self._line + data).split(b"\n")
        self._output.write(b"".join(map(self._mended, lines)))
        return len(data)

    def flush(self) -> None:
        self._output.flush()

    def close(self) -> None:
        self._output.write(self._line)

    def _mended(self, line: bytes) -> bytes:
        empty = line == b"\r" and not self._quoted
        self._quoted ^= line.count(b'"') % 2 == 1
        return b'""\r\n' if empty else line + b"\n"


class _Labelled:
    """Lets TSV through to an output, with labels of blank nodes that Turtle takes."""

    def __init__(self, output: Output) -> None:
        self._output, self._line = output, b""

    def write(self, data: bytes, /) -> int:
        lines = self._line + data
        end = lines.rfind(b"\n") + 1
        self._line = lines[end:]
        self._output.write(_CELL.sub(_cell, lines[:end]))
        return len(data)

    def flush(self) -> None:
        self._output.flush()

    def close(self) -> None:
        self._output.write(_CELL.sub(_cell, self._line))


def _cell(found: re.Match[bytes]) -> bytes:
    return b"_:" + _label(found[1].decode()).encode()


class _WellFormed:
    """Lets XML through to an output, with carriage returns that a reader keeps (XML 1.0, 2.11).

    Raises NotAcceptable where it is broken: XML forbids some characters, and the engine writes them all the same.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._parser = expat.ParserCreate(namespace_separator=" ")

    def write(self, data: bytes, /) -> int:
        self._parse(data)
        self._output.write(data.replace(b"\r", b"&#13;"))
        return len(data)

    def flush(self) -> None:
        self._output.flush()

    def close(self) -> None:
        self._parse(b"", last=True)

    def _parse(self, data: bytes, last: bool = False) -> None:
        try:
            self._parser.Parse(data, last)
        except expat.ExpatError as error:
            raise _not_in_xml(f"a character that it forbids ({error})") from error
