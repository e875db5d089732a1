"""Query runner of the command line: runs a query on a local store or on any SPARQL 1.1 endpoint."""

import ast
import json
import urllib.error
from http.client import HTTPException, HTTPResponse
from typing import Any
from unicodedata import combining

from pyoxigraph import QueryBoolean, QuerySolutions, QueryTriples, Store
from SPARQLWrapper import GET, POST, SPARQLWrapper
from SPARQLWrapper.SPARQLExceptions import (
    EndPointInternalError,
    EndPointNotFound,
    QueryBadFormed,
    SPARQLWrapperException,
    Unauthorized,
    URITooLong,
)

from kg.core import negotiation, sparql_scanner
from kg.core.errors import Problem, QueryError
from kg.core.iris import BASE
from kg.core.negotiation import GRAPH_FORMATS, ROW_FORMATS, Format, Results
from kg.core.result_serializers import write
from kg.core.spans import is_wide
from kg.engine.query_diagnostics import explain_syntax_error

TABLE = "table"
FORMATS = (TABLE, "csv", "tsv", "json", "xml", "ttl", "nt", "jsonld", "rdfxml")

# Some servers and proxies refuse longer URLs, so a longer query is sent by POST.
_LONGEST_GET = 2000

_STATUSES = (
    (QueryBadFormed, 400),
    (Unauthorized, 401),
    (EndPointNotFound, 404),
    (URITooLong, 414),
    (EndPointInternalError, 500),
)
_BUSY = (408, 425, 429, 502, 503, 504)
_FORBIDDEN = (401, 403, 407, 511)
_WRONG_ADDRESS = (301, 302, 303, 307, 308, 404, 405, 410)
_FAILED = 500


def query_store(store: Store, query: str, format: str | None = None) -> bytes:
    """Return the answer of a store; the default format is a table for rows and Turtle for a graph."""
    _reject_update(query)
    if sparql_scanner.calls_service(query):
        fact = "this query calls SERVICE, which a local store does not support"
        raise QueryError(Problem(fact, "send it to an endpoint that allows it, with --endpoint"))
    try:
        results = store.query(query, base_iri=BASE)
    except SyntaxError as error:
        raise QueryError(
            Problem(f"invalid SPARQL query: {explain_syntax_error(query, str(error))}", "correct the query")
        ) from error
    except RuntimeError as error:  # such as an undefined function
        raise QueryError(Problem(f"the engine cannot answer this query: {error}", "correct the query")) from error
    if _as_table(isinstance(results, QueryTriples), format):
        return table(results)
    return write(results, negotiation.choose(negotiation.formats_of(results), named=format))


def query_endpoint(address: str, query: str, format: str | None = None, timeout: int = 60) -> bytes:
    """Return the answer of a SPARQL endpoint; the default format is a table for rows and Turtle for a graph."""
    if not address.startswith(("http://", "https://")):
        raise QueryError(
            Problem(
                f"{address} is not the address of an endpoint", "give an address that begins with http:// or https://"
            )
        )
    _reject_update(query)
    graph = sparql_scanner.operation(query) in ("CONSTRUCT", "DESCRIBE")
    as_table = _as_table(graph, format)
    offered = GRAPH_FORMATS if graph else ROW_FORMATS
    requested = negotiation.JSON if as_table else negotiation.choose(offered, named=format)
    body = _send(address, query, requested, timeout)
    if as_table:
        return _table_of(body, address)
    if not body.strip() and requested not in GRAPH_FORMATS:
        raise _unreadable_answer(address, "the answer is empty")
    return body


def table(results: Results) -> bytes:
    """Return rows as a text table aligned for a terminal, where East Asian characters are two columns wide."""
    if isinstance(results, QueryBoolean):
        return b"true\n" if results else b"false\n"
    assert isinstance(results, QuerySolutions)
    head = [variable.value for variable in results.variables]
    return _format_table(
        head, [["" if term is None else _printable(term) for term in solution] for solution in results]
    )


def _format_table(head: list[str], rows: list[list[str]]) -> bytes:
    widths = [max(map(_width, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * width for width in widths], *rows]
    text = "\n".join(_line(cells, widths) for cells in lines)
    return f"{text}\n({len(rows)} {'row' if len(rows) == 1 else 'rows'})\n".encode()


def _table_of(body: bytes, address: str) -> bytes:
    """Return JSON results as a table, ignoring unknown members. Raises QueryError if they are malformed."""
    try:
        answer = json.loads(body)
        if isinstance(answer.get("boolean"), bool):
            return b"true\n" if answer["boolean"] else b"false\n"
        head = [_text(name) for name in answer["head"]["vars"]]
        bindings = answer["results"]["bindings"]
        rows = [[_printable(_value(row[name])) if name in row else "" for name in head] for row in bindings]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        fact = "it is not complete JSON" if isinstance(error, ValueError) else "it has no results"
        raise _unreadable_answer(address, fact if body.strip() else "the answer is empty") from error
    return _format_table(head, rows)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _value(term: Any) -> str:
    """Return the text of a term of JSON results, also of a triple term."""
    if isinstance(term["value"], dict):
        parts = (term["value"][name] for name in ("subject", "predicate", "object"))
        return f"<<( {' '.join(map(_value, parts))} )>>"
    return _text(term["value"])


def _unreadable_answer(address: str, why: str) -> QueryError:
    remedy = "check that the address is a SPARQL endpoint, and try again: the answer may have been cut off"
    return QueryError(Problem(f"the answer of {address} cannot be read: {why}", remedy))


def _reject_update(query: str) -> None:
    if sparql_scanner.is_update(query):
        raise QueryError(Problem("this is an update", "write a query: SELECT, ASK, CONSTRUCT or DESCRIBE"))


def _as_table(graph: bool, format: str | None) -> bool:
    if graph and format == TABLE:
        remedy = f"choose one of {', '.join(FORMATS[-4:])}"
        raise QueryError(Problem("a graph cannot be shown as a table", remedy))
    return not graph and format in (None, TABLE)


def _send(address: str, query: str, requested: Format, timeout: int) -> bytes:
    """Send a query by the protocol and return the body of the answer, which must be in the requested format."""
    wrapper = SPARQLWrapper(address)
    # Not by setQuery(): it guesses the kind of a query from words, even in comments.
    wrapper.queryString, wrapper.queryType = query, sparql_scanner.operation(query)
    wrapper.setOnlyConneg(True)
    wrapper.addCustomHttpHeader("Accept", ", ".join((requested.media_type, *(f"{a};q=0.5" for a in requested.aliases))))
    wrapper.setMethod(POST if len(query.encode()) > _LONGEST_GET else GET)
    wrapper.setTimeout(timeout)
    try:
        response: HTTPResponse = wrapper.query().response
        with response:
            media_type, body = response.headers.get_content_type(), response.read()
    except (SPARQLWrapperException, urllib.error.HTTPError) as error:
        raise QueryError(_refusal(address, error)) from error
    except (OSError, HTTPException, ValueError) as error:
        raise QueryError(Problem(f"{address} does not answer: {error}", "check the address and the network")) from error
    if media_type not in (requested.media_type, *requested.aliases):
        fact = f"{address} answered {media_type} where {requested.media_type} was requested"
        raise QueryError(Problem(fact, "check that the address is a SPARQL endpoint, or choose another --format"))
    return body


def _refusal(address: str, error: Exception) -> Problem:
    """Return the problem of an error response; the remedy depends on its status."""
    status, text, retry = _error_details(error)
    try:
        detail = str(json.loads(text)["detail"])
    except (ValueError, LookupError, TypeError):
        detail = text[:500]
    message = f"{status} {detail}".strip()
    message = "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in message)
    if status in _BUSY:
        when = f" in {retry} seconds" if retry.isdecimal() else " later"
        return Problem(f"{address} cannot answer now: {message}", f"the query is not at fault: try again{when}")
    if status in _FORBIDDEN:
        return Problem(f"{address} refused: {message}", "ask its operator for access")
    if status in _WRONG_ADDRESS:
        return Problem(f"{address} refused: {message}", "check the address: it may not be a SPARQL endpoint")
    if status >= _FAILED:
        remedy = "the endpoint is at fault: try again later, or ask for less"
        return Problem(f"{address} has failed: {message}", remedy)
    return Problem(f"{address} refused: {message}", "correct the query")


def _error_details(error: Exception) -> tuple[int, str, str]:
    """Return status, body and Retry-After of an error response; the status is 0 if there is none."""
    if isinstance(error, urllib.error.HTTPError):
        with error:
            try:
                text = error.read().decode(errors="replace")
            except (OSError, HTTPException):  # the answer was cut off
                text = str(error.reason)
            return error.code, text, error.headers.get("Retry-After", "") if error.headers else ""
    # The wrapper's own exceptions end in the body of the answer, printed as Python bytes.
    start, _, body = str(error).partition("Response:\n")
    try:
        text = ast.literal_eval(body).decode(errors="replace") if body else start.strip()
    except (ValueError, SyntaxError, AttributeError):
        text = body
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 0), text, ""


def _printable(term: object) -> str:
    """Return the text of a term on one line, with control characters replaced by U+FFFD."""
    text = " ".join(str(getattr(term, "value", term)).split())
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _line(cells: list[str], widths: list[int]) -> str:
    padded = (cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    """Return the number of terminal columns of a text."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if combining(character):
        return 0
    return 2 if is_wide(character) else 1
