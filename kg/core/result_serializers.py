"""Serializers of query results: any parser reads back exactly what was written, or there is an error.

The embedded engine serializes; output that parsers would misread is corrected here. Labels of blank nodes are replaced
by ones that are valid in every format: a query may choose them (`BNODE("1")`), and Turtle, RDF/XML and JSON-LD differ
in what they allow.

RDF/XML (RDF 1.1) has a serializer of its own. A property becomes the name of an element, so its IRI must end in a name:
the longest suffix that the fourth edition of XML 1.0 allows is used, since many parsers support no other. Some graphs
cannot be expressed in this syntax.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from io import BytesIO
from typing import IO, Protocol, cast
from xml.parsers import expat

from pyoxigraph import (
    BlankNode,
    Literal,
    NamedNode,
    QueryBoolean,
    QueryResultsFormat,
    QuerySolutions,
    RdfFormat,
    Triple,
    serialize,
)

from kg.core.errors import Problem
from kg.core.iris import PREFIXES
from kg.core.negotiation import CSV, JSON_LD, RDF_XML, TSV, XML, Format, NotAcceptable, Output, Results

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_TYPE, _STRING = _RDF + "type", "http://www.w3.org/2001/XMLSchema#string"
# Words of the syntax (RDF 1.1 XML Syntax, 5.1 and 7.2.2); `li` as a property means the next of `_1`, `_2` …
_SYNTAX = ("RDF", "ID", "about", "parseType", "resource", "nodeID", "datatype", "Description", "li")
_RESERVED = {_RDF + word for word in (*_SYNTAX, "aboutEach", "aboutEachPrefix", "bagID")}
_UNDECLARED = {"http://www.w3.org/2000/xmlns/", "http://www.w3.org/XML/1998/namespace"}

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SPECIAL = re.compile("[&<>\"'\r]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;", "\r": "&#13;"}
_END = re.compile(r"""[^/:?#\[\]@!$&'()*+,;=%~<>"{}|\\^`\s]*\Z""")
_LONGEST_NAME = 200  # characters of a local name; longer ones are not tried


class InexpressibleStatement(ValueError):
    """Statement that cannot be expressed in RDF 1.1 XML; its text is the reason."""


def rdf_xml_pieces(triples: Iterable[Triple], prefixes: Mapping[str, str]) -> Iterator[str]:
    """Yield a document in pieces: head, statements, end.

    Adjacent statements with the same subject share one element. Raises InexpressibleStatement.
    """
    namespaces = {iri: prefix for prefix, iri in prefixes.items() if iri not in _UNDECLARED} | {_RDF: "rdf"}
    names = _ElementNames(namespaces)
    declared = " ".join(f'xmlns:{prefix}="{_escaped(iri)}"' for iri, prefix in sorted(namespaces.items()))
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<rdf:RDF {declared}>'
    subject, end = None, ""
    for triple in triples:
        if triple.subject != subject:
            subject = triple.subject
            kind = names.of_class(triple)
            opening, closing = kind or ("rdf:Description", "rdf:Description")
            yield f"{end}\n\t<{opening} {_reference('about', triple.subject)}>"
            end = f"\n\t</{closing}>"
            if kind:
                continue
        yield f"\n\t\t{names.element(triple)}"
    yield f"{end}\n</rdf:RDF>"


class _ElementNames(dict[str, tuple[str, str]]):
    """Cache of the element names of IRIs: start tag with namespace, and end tag; both are empty if there is none."""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        super().__init__()
        self._namespaces = namespaces

    def __missing__(self, iri: str) -> tuple[str, str]:
        self[iri] = self._tags(iri)
        return self[iri]

    def _tags(self, iri: str) -> tuple[str, str]:
        for place in _ends(iri):
            namespace, name = iri[:place], iri[place:]
            if namespace and namespace not in _UNDECLARED and _is_name(name):
                prefix = self._namespaces.get(namespace)
                tag = f"{prefix}:{name}" if prefix else name
                return (tag, tag) if prefix else (f'{tag} xmlns="{_escaped(namespace)}"', tag)
        return "", ""

    def of_class(self, triple: Triple) -> tuple[str, str] | None:
        """Return the tags of a typed node element in place of this rdf:type statement, or None."""
        if triple.predicate.value != _TYPE or not isinstance(triple.object, NamedNode):
            return None
        tags = self[triple.object.value] if triple.object.value not in _RESERVED else ("", "")
        return tags if tags[0] else None

    def element(self, triple: Triple) -> str:
        """Return the element of a statement."""
        iri, value = triple.predicate.value, triple.object
        if iri in _RESERVED:
            name = iri.removeprefix(_RDF)
            raise InexpressibleStatement(f"the property rdf:{name}, which is a word of its syntax")
        opening, closing = self[iri]
        if not opening:
            raise InexpressibleStatement(f"the property <{iri}>, which does not end in a name")
        if isinstance(value, NamedNode | BlankNode):
            return f"<{opening} {_reference('resource', value)}/>"
        if isinstance(value, Triple):
            raise InexpressibleStatement("a statement about a statement, which came with RDF 1.2")
        return f"<{opening}{_kind(value)}>{_escaped(value.value)}</{closing}>"


def _kind(value: Literal) -> str:
    if value.direction:
        raise InexpressibleStatement("a text with a direction, which came with RDF 1.2")
    if value.language:
        return f' xml:lang="{value.language}"'
    datatype = value.datatype.value
    return "" if datatype == _STRING else f' rdf:datatype="{_escaped(datatype)}"'


def _reference(attribute: str, term: object) -> str:
    if isinstance(term, BlankNode):
        return f'rdf:nodeID="{term.value}"'
    assert isinstance(term, NamedNode)
    return f'rdf:{attribute}="{_escaped(term.value)}"'


def _escaped(text: str) -> str:
    if found := _FORBIDDEN.search(text):
        raise InexpressibleStatement(f"the character U+{ord(found[0]):04X}, which it forbids")
    return _SPECIAL.sub(lambda special: _ESCAPES[special[0]], text) if _SPECIAL.search(text) else text


def _ends(iri: str) -> Iterator[int]:
    """Yield the offsets at which a name could begin in an IRI, in order."""
    end = _END.search(iri)
    assert end is not None
    return iter(range(max(end.start(), len(iri) - _LONGEST_NAME), len(iri)))


@lru_cache(4096)
def _is_name(text: str) -> bool:
    """True if a text is an NCName by the fourth edition of XML 1.0, which the expat parser implements."""
    try:
        expat.ParserCreate(namespace_separator=" ").Parse(f"<{text}/>", True)
    except expat.ExpatError:
        return False
    return True


_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_LABEL_PREFIX = "x-"  # prefix of replaced labels
# A cell of TSV that is a blank node: texts have neither a tab nor a line end, but escapes of them.
_CELL = re.compile(rb"(?<![^\t\n])_:([^\t\n]+)")
_BUFFER_SIZE = 1 << 16


def write(results: Results, format: Format) -> bytes:
    """Serialize query results in one of their formats."""
    body = BytesIO()
    write_to(results, format, body)
    return body.getvalue()


def write_to(results: Results, format: Format, output: Output) -> None:
    """Write query results in one of their formats, piece by piece; an error of `output` ends the query.

    Raises NotAcceptable if the format cannot express them.
    """
    writer = format.writer
    if isinstance(writer, RdfFormat):
        assert not isinstance(results, QuerySolutions | QueryBoolean)
        _write_graph(results, format, output)
        return
    assert isinstance(writer, QueryResultsFormat) and isinstance(results, QuerySolutions | QueryBoolean)
    filtered = _output_filter(results, format, output)
    results.serialize(cast(IO[bytes], filtered or output), format=writer)  # it calls write() and flush() only
    if filtered:
        filtered.close()


def _output_filter(results: QuerySolutions | QueryBoolean, format: Format, output: Output) -> "_OutputFilter | None":
    """Return the filter that corrects the engine's output of a format; None if it needs no correction."""
    if format is CSV and isinstance(results, QuerySolutions) and len(results.variables) == 1:
        return _SingleColumnCsv(output)
    return _XmlValidator(output) if format is XML else _TsvRelabeler(output) if format is TSV else None


def write_triples(triples: Iterable[Triple], format: Format) -> bytes:
    """Serialize triples in an RDF format; raise NotAcceptable if XML cannot express them."""
    body = BytesIO()
    _write_graph(triples, format, body)
    return body.getvalue()


def _write_graph(triples: Iterable[Triple], format: Format, output: Output) -> None:
    named = map(_relabelled, triples)
    if format is RDF_XML:
        _write_xml(named, output)
        return
    assert isinstance(format.writer, RdfFormat)
    if format is JSON_LD:
        named = map(_json_ld_triple, named)
    prefixes = PREFIXES if format.writer in (RdfFormat.TURTLE, RdfFormat.TRIG) else None
    serialize(named, cast(IO[bytes], output), format=format.writer, prefixes=prefixes)


def _write_xml(triples: Iterable[Triple], output: Output) -> None:
    buffered, size = list[str](), 0
    try:
        for piece in rdf_xml_pieces(triples, PREFIXES):
            buffered.append(piece)
            size += len(piece)
            if size > _BUFFER_SIZE:
                output.write("".join(buffered).encode())
                buffered, size = [], 0
    except InexpressibleStatement as error:
        raise _xml_refusal(str(error)) from error
    output.write("".join(buffered).encode())


def _json_ld_triple(triple: Triple) -> Triple:
    """Return a triple that JSON-LD 1.1 can express; raise NotAcceptable for any other."""
    if isinstance(triple.object, Triple):
        fact = "JSON-LD cannot express this answer: it holds a statement about a statement, which came with RDF 1.2"
        raise NotAcceptable(Problem(fact, "ask for another format, for example Turtle"))
    return triple


def _xml_refusal(reason: str) -> NotAcceptable:
    fact = f"XML cannot express this answer: it holds {reason}"
    return NotAcceptable(Problem(fact, "ask for another format, for example JSON or Turtle"))


def _relabelled(triple: Triple) -> Triple:
    """Return a triple whose blank nodes have labels that are valid in every format; equal ones stay equal."""
    subject, value = triple.subject, triple.object
    if isinstance(subject, BlankNode):
        subject = BlankNode(_label(subject.value))
    elif not isinstance(value, BlankNode | Triple):
        return triple
    if isinstance(value, BlankNode):
        value = BlankNode(_label(value.value))
    elif isinstance(value, Triple):
        value = _relabelled(value)
    return Triple(subject, triple.predicate, value)


def _label(label: str) -> str:
    """Return a label of letters, digits and a hyphen; the mapping is injective."""
    return label if _PLAIN.fullmatch(label) else _LABEL_PREFIX + label.encode().hex()


class _OutputFilter(Output, Protocol):
    """Output that corrects what is written and passes it on; it must be closed at the end."""

    def close(self) -> None:
        """Pass on the remaining bytes."""


class _SingleColumnCsv:
    """Filter for CSV with one column: writes empty cells as `""`, since most parsers skip empty lines."""

    def __init__(self, output: Output) -> None:
        self._output, self._line, self._quoted = output, b"", False

    def write(self, data: bytes, /) -> int:
        *lines, self._line = (self._line + data).split(b"\n")
        self._output.write(b"".join(map(self._filtered, lines)))
        return len(data)

    def flush(self) -> None:
        self._output.flush()

    def close(self) -> None:
        self._output.write(self._line)

    def _filtered(self, line: bytes) -> bytes:
        empty = line == b"\r" and not self._quoted
        self._quoted ^= line.count(b'"') % 2 == 1
        return b'""\r\n' if empty else line + b"\n"


class _TsvRelabeler:
    """Filter for TSV: replaces labels of blank nodes that are invalid in Turtle."""

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


class _XmlValidator:
    """Filter for XML: escapes carriage returns, which parsers would normalize (XML 1.0, 2.11), and validates.

    Raises NotAcceptable if the XML is not well-formed: the engine writes characters that XML forbids.
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
            raise _xml_refusal(f"a character that it forbids ({error})") from error
