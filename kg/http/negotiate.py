"""The forms an answer can take: which there are, which one a client wants, and how it is written.

A client asks by `Accept`, with weights (RFC 9110), or by `format=`, which wins because people type it into an address.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Protocol, cast
from xml.parsers import expat

from pyoxigraph import QueryBoolean, QueryResultsFormat, QuerySolutions, QueryTriples, RdfFormat, Triple, serialize

from kg.errors import Problem, QueryError
from kg.names import PREFIXES

# Of a query to the engine, or read from what another store has answered.
Results = QuerySolutions | QueryBoolean | QueryTriples | Iterator[Triple]


class Output(Protocol):
    """What an answer can be written to."""

    def write(self, data: bytes, /) -> int:
        """Take the next bytes and return how many they are."""

    def flush(self) -> None:
        """Pass on what has been taken."""


@dataclass(frozen=True)
class Format:
    """A form of an answer. `names` are values of `format=`, ours first; `aliases` are media types that also mean it."""

    label: str
    media_type: str
    names: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    writer: QueryResultsFormat | RdfFormat | None = None

    @property
    def content_type(self) -> str:
        """The value of `Content-Type`."""
        return f"{self.media_type}; charset=utf-8" if self.media_type.startswith("text/") else self.media_type


JSON = Format(
    "JSON", "application/sparql-results+json", ("json", "srj"), ("application/json",), QueryResultsFormat.JSON
)
XML = Format(
    "XML", "application/sparql-results+xml", ("xml", "srx"), ("application/xml", "text/xml"), QueryResultsFormat.XML
)
CSV = Format("CSV", "text/csv", ("csv",), (), QueryResultsFormat.CSV)
TSV = Format("TSV", "text/tab-separated-values", ("tsv",), (), QueryResultsFormat.TSV)
TURTLE = Format("Turtle", "text/turtle", ("ttl", "turtle", "n3"), ("application/x-turtle", "text/n3"), RdfFormat.TURTLE)
N_TRIPLES = Format("N-Triples", "application/n-triples", ("nt", "ntriples"), ("text/plain",), RdfFormat.N_TRIPLES)
JSON_LD = Format(
    "JSON-LD", "application/ld+json", ("jsonld", "json-ld", "json"), ("application/json",), RdfFormat.JSON_LD
)
RDF_XML = Format(
    "RDF/XML",
    "application/rdf+xml",
    ("rdfxml", "rdf+xml", "rdf", "xml"),
    ("application/xml", "text/xml"),
    RdfFormat.RDF_XML,
)
TRIG = Format("TriG", "application/trig", ("trig",), (), RdfFormat.TRIG)
N_QUADS = Format("N-Quads", "application/n-quads", ("nq", "nquads"), (), RdfFormat.N_QUADS)
HTML = Format("HTML", "text/html", ("html",), ("application/xhtml+xml",))
PLAIN_JSON = Format("JSON", "application/json", ("json",))

# In the order of preference; the first is the default.
ROW_FORMATS = (JSON, XML, CSV, TSV)
GRAPH_FORMATS = (TURTLE, N_TRIPLES, JSON_LD, RDF_XML, TRIG, N_QUADS)


# A quoted string, closed or not, or a character.
_PIECES = re.compile(r'"(?:[^"\\]|\\.)*"?|.', re.DOTALL)


class NotAcceptable(QueryError):
    """None of the formats asked for can be had; the remedy names those that can."""


def formats_of(results: Results) -> tuple[Format, ...]:
    """Return the formats that results can be written in."""
    return GRAPH_FORMATS if isinstance(results, QueryTriples) else ROW_FORMATS


def choose(offered: Sequence[Format], accept: str | None = None, named: str | None = None) -> Format:
    """Return the format that a client prefers: by name where it gives one, else by its Accept header."""
    if named:
        name = named.strip().lower().replace(" ", "+")  # of `application/ld+json` in an address the + is a space
        for format in offered:
            if name in (*format.names, format.media_type, *format.aliases):
                return format
        raise _not_acceptable(f"format={named} cannot be had here", offered)
    # who names nothing takes anything (RFC 9110, 12.5.1)
    ranges = list(_ranges(accept if accept and accept.strip() else "*/*"))
    wanted = [_wanted(format, ranges) for format in offered]
    best = max(wanted)
    if best[0] == 0:
        raise _not_acceptable(f"nothing that “Accept: {accept}” names can be had here", offered)
    return offered[wanted.index(best)]


def write(results: Results, format: Format) -> bytes:
    """Return query results written in one of their formats."""
    body = BytesIO()
    write_to(results, format, body)
    return body.getvalue()


def write_to(results: Results, format: Format, output: Output) -> None:
    """Write query results in one of their formats, piece by piece; what `output` raises ends the query."""
    checked = _WellFormed(output) if format in (XML, RDF_XML) else None
    file = cast(IO[bytes], checked or output)  # the engine calls write() and flush() only
    writer = format.writer
    if isinstance(writer, RdfFormat):
        assert not isinstance(results, QuerySolutions | QueryBoolean)
        serialize(results, file, format=writer, prefixes=_prefixes(writer))
    else:
        assert isinstance(writer, QueryResultsFormat) and isinstance(results, QuerySolutions | QueryBoolean)
        results.serialize(file, format=writer)
    if checked:
        checked.close()


def write_triples(triples: Iterable[Triple], format: Format) -> bytes:
    """Return triples written in an RDF format; raise NotAcceptable where XML cannot express them."""
    assert isinstance(format.writer, RdfFormat)
    body = serialize(triples, format=format.writer, prefixes=_prefixes(format.writer))
    assert body is not None
    if format is RDF_XML:
        checked = _WellFormed(BytesIO())
        checked.write(body)
        checked.close()
    return body


def _prefixes(writer: RdfFormat) -> dict[str, str] | None:
    return PREFIXES if writer in (RdfFormat.TURTLE, RdfFormat.TRIG, RdfFormat.RDF_XML) else None


class _WellFormed:
    """Lets XML through to an output, and raises NotAcceptable where it is broken.

    XML cannot hold every RDF graph: there are predicates that no XML name can be made of, and characters it forbids.
    The engine writes such a document all the same.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._parser = expat.ParserCreate(namespace_separator=" ")

    def write(self, data: bytes, /) -> int:
        self._parse(data)
        return self._output.write(data)

    def flush(self) -> None:
        self._output.flush()

    def close(self) -> None:
        self._parse(b"", last=True)

    def _parse(self, data: bytes, last: bool = False) -> None:
        try:
            self._parser.Parse(data, last)
        except expat.ExpatError as error:
            fact = f"this answer holds a predicate or a character that XML cannot express ({error})"
            raise NotAcceptable(Problem(fact, "ask for another format, for example JSON or Turtle")) from error


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    """Yield each media range of an Accept header with its weight; one whose weight is no number is left out."""
    for part in _split(accept, ","):
        media_range, *parameters = (piece.strip().lower() for piece in _split(part, ";"))
        weights = [parameter[2:] for parameter in parameters if parameter.startswith("q=")]
        try:
            weight = float(weights[0]) if weights else 1.0
        except ValueError:
            continue
        if 0 <= weight <= 1:
            yield media_range, weight


def _split(text: str, mark: str) -> list[str]:
    """Return the parts between marks; in a quoted string a mark is a character (RFC 9110, 5.6.4)."""
    if '"' not in text:
        return text.split(mark)
    parts = [""]
    for piece in _PIECES.findall(text):
        if piece == mark:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def _wanted(format: Format, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """Return how much a format is wanted: its weight, then how exactly it was named (of equals the exact one wins)."""
    exact = [weight for media_range, weight in ranges if media_range in format.aliases]
    wider = [format.media_type, format.media_type.split("/")[0] + "/*"]
    # A page is for those who ask for one: `*/*` is what programs send.
    ladder = wider if format is HTML else [*wider, "*/*"]
    for exactness, step in zip((3, 2, 1), ladder, strict=False):
        weights = [weight for media_range, weight in ranges if media_range == step]
        if weights:
            return max((max(weights), exactness), (max(exact, default=0), 3))
    return (max(exact), 3) if exact else (0, 0)


def _not_acceptable(fact: str, offered: Sequence[Format]) -> NotAcceptable:
    there = ", ".join(f"{format.media_type} (format={format.names[0]})" for format in offered)
    return NotAcceptable(Problem(fact, f"what can be had: {there}"))
