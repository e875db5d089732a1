"""Formats of answers, and content negotiation.

A client chooses by `Accept`, with weights (RFC 9110), or by `format=`, which takes precedence because people type it
into a URL.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pyoxigraph import QueryBoolean, QueryResultsFormat, QuerySolutions, QueryTriples, RdfFormat, Triple

from kg.core.errors import Problem, QueryError

# Results of the embedded engine, or parsed from the answer of another store.
Results = QuerySolutions | QueryBoolean | QueryTriples | Iterator[Triple]


class Output(Protocol):
    """Binary output stream of an answer."""

    def write(self, data: bytes, /) -> int:
        """Write the next bytes and return their number."""

    def flush(self) -> None:
        """Pass on the buffered bytes."""


@dataclass(frozen=True)
class Format:
    """Format of an answer. `names` are values of `format=`, preferred first; `aliases` are further media types."""

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
_QUOTED_OR_CHARACTER = re.compile(r'"(?:[^"\\]|\\.)*"?|.', re.DOTALL)


class NotAcceptable(QueryError):
    """None of the requested formats is available; the remedy lists the available ones."""


def formats_of(results: Results) -> tuple[Format, ...]:
    """Return the possible formats of results."""
    return GRAPH_FORMATS if isinstance(results, QueryTriples) else ROW_FORMATS


def choose(offered: Sequence[Format], accept: str | None = None, named: str | None = None) -> Format:
    """Return the format that a client prefers: by name if given, else by its Accept header."""
    if named:
        name = named.strip().lower().replace(" ", "+")  # the + of `application/ld+json` in a URL is decoded as a space
        for format in offered:
            if name in (*format.names, format.media_type, *format.aliases):
                return format
        raise _not_acceptable(f"format={named} is not available", offered)
    # without Accept, anything is acceptable (RFC 9110, 12.5.1)
    ranges = list(_ranges(accept if accept and accept.strip() else "*/*"))
    preferences = [_preference(format, ranges) for format in offered]
    best = max(preferences)
    if best[0] == 0:
        raise _not_acceptable(f"no format of “Accept: {accept}” is available", offered)
    return offered[preferences.index(best)]


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    """Yield each media range of an Accept header with its weight; invalid weights are ignored."""
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
    for piece in _QUOTED_OR_CHARACTER.findall(text):
        if piece == mark:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def _preference(format: Format, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """Return the preference for a format: its weight, then its specificity."""
    exact = [weight for media_range, weight in ranges if media_range in format.aliases]
    wider = [format.media_type, format.media_type.split("/")[0] + "/*"]
    # A page only for clients that accept HTML explicitly: programs send `*/*`.
    ranges_to_try = wider if format is HTML else [*wider, "*/*"]
    for exactness, step in zip((3, 2, 1), ranges_to_try, strict=False):
        weights = [weight for media_range, weight in ranges if media_range == step]
        if weights:
            return max((max(weights), exactness), (max(exact, default=0), 3))
    return (max(exact), 3) if exact else (0, 0)


def _not_acceptable(fact: str, offered: Sequence[Format]) -> NotAcceptable:
    available = ", ".join(f"{format.media_type} (format={format.names[0]})" for format in offered)
    return NotAcceptable(Problem(fact, f"available are: {available}"))
