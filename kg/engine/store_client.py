"""HTTP client for an external SPARQL store, with the dialects of its engines.

Credentials come from the environment only, so that no process list shows them: `KG_STORE_USER` and
`KG_STORE_PASSWORD`, or `KG_STORE_TOKEN` (RFC 6750). Messages to users contain neither these nor the address.
The dialect classes implement the following differences between the engines.

Generic: any engine that implements SPARQL 1.1 Query, Protocol, and Graph Store HTTP Protocol:

- Queries are not rewritten. No time limit is sent, since no specification has a parameter for one: closing the
  connection early is the only way to cancel a query.
- It is unknown whether an update is atomic for readers, so a release is switched in steps that `kg serve` can detect.

Oxigraph as a server (`oxigraph serve`):

- The default graph is plain, as in the embedded engine; the dataset of the protocol is honoured, named graphs included.
- An update request is one transaction: readers see a release switch in one step.
- The only time limit is that of `--timeout-s`; a query that reaches it answers 200 and is truncated: every answer is
  read to its end before any of it is passed on.
- Literals are stored in canonical form, as in the embedded engine.

Virtuoso 7 (Open Source):

- It has no default graph: without a dataset a query sees all graphs, its internal ones included. So every query names
  the graph of its release. `FROM` in a query is added to the dataset of the protocol instead of being replaced by it,
  so it is removed from the text and sent as the dataset. `GRAPH <name>` reaches any graph, in the dataset or not:
  non-public graphs have to be closed to the user `SPARQL` in Virtuoso itself.
- A property path with `*` or `+` needs an end that is bound by an equation; one bound by `VALUES` gives an error or,
  worse, wrong rows. So `FILTER(?x = <iri>)` is added after `VALUES ?x { <iri> }`, which has the same meaning; several
  values are refused.
- A computed boolean comes as a number (`1 = 1` is `1`, an integer), and `"true"^^xsd:boolean` in VALUES as
  `"1"^^xsd:boolean`. The latter is canonicalized here; the former cannot be distinguished from a number, so stored
  queries write `xsd:boolean(…)`. ASK is answered by a row of `__ASK_RETVAL` or by none, and `SELECT * {}` has a
  variable `_star_fake`: the kind of an answer comes from the query. Labels of blank nodes begin with `nodeID://`.
- A query by direct POST is never answered, so it is sent as a form.
- A query that reaches the time limit answers 200 with the rows so far, and no answer has more than `ResultSetMaxRows`
  rows: headers report the former (`X-SQL-State`), and the latter for SELECT (`X-SPARQL-MaxRows`). Both are errors. If
  the limit is reached while rows are written, it answers 500, with these rows before the text of the error.
- A million rows are its maximum, whatever its settings; a larger CONSTRUCT is an error (FRVEC).
- Readers see an update while it happens.
- Writing needs HTTP Digest authentication.
"""

import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from kg import __version__
from kg.core.errors import Problem, StoreError
from kg.core.sparql_scanner import Dataset, has_path_from_several_values, with_equations
from kg.engine.remote_release import PASSWORD, TOKEN, USER, StoreAddress
from kg.engine.result_reader import to_strict_json


class StoreDialect:
    """Dialect of a store that implements the specifications; base class of the others."""

    name = "generic"

    def matches_server(self, server: str) -> bool:
        """True if a `Server` header names this engine."""
        return True

    def adapt_query(self, query: str) -> str:
        """Return a valid query adapted to this engine, with the same meaning."""
        return query

    def timeout_parameters(self, seconds: float) -> Mapping[str, str]:
        """Return the request parameters for a time limit; empty if the engine has none."""
        return {}

    def truncation_error(self, headers: Mapping[str, str]) -> StoreError | None:
        """Return the error of a truncated answer with status 200; None if it is complete as far as headers show."""
        return None

    def normalize_results(self, pieces: Iterable[bytes]) -> Iterable[bytes]:
        """Return results in JSON in the strict form of the specification."""
        return to_strict_json(pieces)

    def is_query_error(self, status: int, text: str) -> bool:
        """True if an error is caused by the query and not by the store."""
        return status == httpx.codes.BAD_REQUEST

    def is_timeout(self, status: int, text: str) -> bool:
        """True if an error response means a timeout, in addition to the HTTP statuses for it."""
        return False

    def update_url(self, query_url: str) -> str:
        """Return the URL for atomic updates; empty if there is none."""
        return ""

    def graph_store_url(self, query_url: str) -> str:
        """Return the URL of the Graph Store Protocol; empty if it is not known."""
        return ""

    def authentication(self, user: str, password: str) -> httpx.Auth:
        """Return the authentication of a user."""
        return httpx.BasicAuth(user, password)


class Oxigraph(StoreDialect):
    """Dialect of Oxigraph, whose endpoints are the siblings `/query`, `/update` and `/store`."""

    name = "oxigraph"

    def matches_server(self, server: str) -> bool:
        """True if a `Server` header names this engine."""
        return server.lower().startswith("oxigraph")

    def normalize_results(self, pieces: Iterable[bytes]) -> Iterable[bytes]:
        """Return results unchanged: they are written by the same engine that parses them here."""
        return pieces

    def update_url(self, query_url: str) -> str:
        """Return the URL for updates; each is one transaction."""
        return _sibling_url(query_url, "update")

    def graph_store_url(self, query_url: str) -> str:
        """Return the URL of the Graph Store Protocol."""
        return _sibling_url(query_url, "store")


def _sibling_url(address: str, name: str) -> str:
    return f"{address.rpartition('/')[0]}/{name}"


_TIMED_OUT = "S1TAT"
_REFUSED = re.compile(r"Virtuoso (?:37000|22\w{3}|42S\w\w) Error|Virtuoso 42000 Error FRVEC:")
# Results in JSON, and N-Triples.
_ANSWERS = ("{", "<http", "_:")
_LESS = "ask for less, for example with LIMIT"
_MIN_TIMEOUT_MS = 1000  # milliseconds: it takes no shorter limit

_BOOLEAN = b'"datatype": "http://www.w3.org/2001/XMLSchema#boolean", "value": "'
# Quotation marks in strings are escaped, so these patterns cannot match inside a string.
_CANONICAL = {_BOOLEAN + b'1"': _BOOLEAN + b'true"', _BOOLEAN + b'0"': _BOOLEAN + b'false"'}
_BNODE = b'{ "type": "bnode", "value": "'
_CANONICAL |= {_BNODE + b"nodeID://": _BNODE}
_LONGEST = max(map(len, _CANONICAL))


class Virtuoso(StoreDialect):
    """Dialect of Virtuoso, whose endpoints are `/sparql` and, for writing, `/sparql-graph-crud-auth`."""

    name = "virtuoso"

    def matches_server(self, server: str) -> bool:
        """True if a `Server` header names this engine."""
        return server.startswith("Virtuoso/")

    def adapt_query(self, query: str) -> str:
        """Return a query with an equation for each variable that starts a long path and has one value."""
        if has_path_from_several_values(query):
            fact = "this store returns wrong rows for a path (* or +) that begins with several VALUES"
            raise StoreError(Problem(fact, "ask for one value at a time, or join them by UNION"), status=400)
        return with_equations(query)

    def timeout_parameters(self, seconds: float) -> Mapping[str, str]:
        """Return the time limit in milliseconds."""
        return {"timeout": str(max(int(seconds * 1000), _MIN_TIMEOUT_MS))}

    def truncation_error(self, headers: Mapping[str, str]) -> StoreError | None:
        """Return the error of an answer that was cut by the time limit or the row limit."""
        if headers.get("X-SQL-State") == _TIMED_OUT:
            return StoreError(Problem("the store has not answered within its own time limit", _LESS), status=504)
        if most := headers.get("X-SPARQL-MaxRows"):
            fact = f"the store returns at most {most} rows (ResultSetMaxRows in its virtuoso.ini)"
            return StoreError(Problem(fact, _LESS), status=400)
        return None

    def normalize_results(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Return results in JSON with canonical booleans and valid labels of blank nodes."""
        remaining = b""
        for piece in pieces:
            remaining = _canonicalize(remaining + piece)
            yield remaining[: -_LONGEST or None]
            remaining = remaining[-_LONGEST:]
        yield remaining

    def is_query_error(self, status: int, text: str) -> bool:
        """True if an error comes from its compiler, or says that an answer would be too long."""
        return status == httpx.codes.BAD_REQUEST or _REFUSED.match(text) is not None

    def is_timeout(self, status: int, text: str) -> bool:
        """True if an error is its timeout, or rows followed by an error."""
        return status == httpx.codes.INTERNAL_SERVER_ERROR and text.startswith((f"Virtuoso {_TIMED_OUT}", *_ANSWERS))

    def graph_store_url(self, query_url: str) -> str:
        """Return the URL of the Graph Store Protocol."""
        return f"{query_url}-graph-crud-auth"

    def authentication(self, user: str, password: str) -> httpx.Auth:
        """Return the authentication of a user."""
        return httpx.DigestAuth(user, password)


def _canonicalize(content: bytes) -> bytes:
    for printed, canonical in _CANONICAL.items():
        content = content.replace(printed, canonical)
    return content


# In order: the first whose `matches_server` accepts the `Server` header is used.
DIALECTS: Mapping[str, StoreDialect] = {engine.name: engine for engine in (Oxigraph(), Virtuoso(), StoreDialect())}

_CONNECT = 5.0  # seconds to connect
_ATTEMPTS = 2
_SMALL = 1 << 20  # size limit of small answers, in bytes
_BEGINNING = 4096  # bytes that are read of an error response
_SHOWN = 300  # characters that are shown of an error response
_SENT = {"User-Agent": f"ShisakuGraph/{__version__}", "Accept-Encoding": "identity"}
_RESULTS = "application/sparql-results+json"
_FEWEST_BYTES = "text/csv"


_ANY = Dataset()
_ENOUGH = 999_999  # rows to request in the check of the row limit, at most


@dataclass
class StoreClient:
    """HTTP client of one store; a context manager that closes its connections."""

    address: StoreAddress
    seconds: float = 30.0
    engine: StoreDialect = field(init=False)

    def __post_init__(self) -> None:
        self._client = httpx.Client(
            timeout=httpx.Timeout(self.seconds, connect=_CONNECT), headers=_SENT, trust_env=False
        )
        self.dialect = DIALECTS[self.address.engine or "generic"]
        # Created once, since Digest keeps state between requests; not sent before the engine is known.
        self._authentication = self._credentials() if self.address.engine else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def detect_engine(self) -> StoreAddress:
        """Return the address with the name of the engine, which is detected if it is not given."""
        if not self.address.engine:
            with self.request("POST", self.address.url, _ATTEMPTS, data={"query": "ASK { }"}) as response:
                server = response.headers.get("Server", "")
            self.dialect = next(engine for engine in DIALECTS.values() if engine.matches_server(server))
            self.address, self._authentication = StoreAddress(self.address.url, self.dialect.name), self._credentials()
        return self.address

    @contextmanager
    def query(self, query: str, dataset: Dataset, accept: str) -> Iterator[httpx.Response]:
        """Send a query and yield the response with an unread body; raise StoreError if the query fails.

        A connection that fails before the response is retried once: a query changes nothing.
        """
        form: dict[str, Any] = {"query": query, **self.dialect.timeout_parameters(self.seconds)}
        form["default-graph-uri"], form["named-graph-uri"] = list(dataset.default), list(dataset.named)
        with self.request("POST", self.address.url, _ATTEMPTS, data=form, headers={"Accept": accept}) as response:
            if response.status_code != httpx.codes.OK:
                raise self._error_of(response)
            if truncation_error := self.dialect.truncation_error(response.headers):
                raise truncation_error
            yield response

    @contextmanager
    def request(self, method: str, url: str, attempts: int = 1, **content: Any) -> Iterator[httpx.Response]:
        """Send a request and yield the response; raise StoreError if the store cannot be reached or disconnects."""
        try:
            response = self._response(method, url, attempts, content)
            try:
                yield response
            finally:
                response.close()
        except httpx.TimeoutException as error:
            raise timeout_error(self.seconds) from error
        except httpx.HTTPError as error:
            raise StoreError(Problem(f"the store cannot be reached, or disconnected ({error})", _AGAIN)) from error

    def rows(self, query: str, dataset: Dataset = _ANY) -> Sequence[Mapping[str, str]]:
        """Return the rows of a small answer, as strings."""
        with self.query(query, dataset, _RESULTS) as response:
            try:
                found = json.loads(self._content(response))["results"]["bindings"]
                return [{name: term["value"] for name, term in row.items()} for row in found]
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise unreadable_error("no results in JSON") from error

    def check_row_limit(self, dataset: Dataset, size: int) -> None:
        """Raise StoreError if the row limit of the store is smaller than the number of triples of a dataset."""
        with self.query(f"SELECT (1 AS ?one) {{ ?s ?p ?o }} LIMIT {min(size, _ENOUGH)}", dataset, _FEWEST_BYTES):
            pass

    def _response(self, method: str, url: str, attempts: int, content: Mapping[str, Any]) -> httpx.Response:
        request = self._client.build_request(method, url, **content)
        while True:
            attempts -= 1
            try:
                return self._client.send(request, stream=True, auth=self._authentication)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                if not attempts:
                    raise

    def _content(self, response: httpx.Response) -> bytes:
        """Return a small body; raise StoreError if it is too large or arrives too slowly."""
        content, until = bytearray(), time.monotonic() + self.seconds
        for piece in response.iter_bytes():
            content += piece
            if len(content) > _SMALL:
                raise unreadable_error("it is far too large")
            if time.monotonic() > until:
                raise timeout_error(self.seconds)
        return bytes(content)

    def _first_line(self, response: httpx.Response) -> str:
        """Return the first line of an error response."""
        content = next(response.iter_bytes(_BEGINNING), b"")
        return next(iter(content.decode(errors="replace").strip().splitlines()), "")[:_SHOWN]

    def _credentials(self) -> httpx.Auth | None:
        """Return the authentication from the environment, or None."""
        if token := os.environ.get(TOKEN):
            return _Bearer(token)
        user = os.environ.get(USER)
        return self.dialect.authentication(user, os.environ.get(PASSWORD, "")) if user else None

    def _error_of(self, response: httpx.Response) -> StoreError:
        """Return the error for a response whose status is not 200."""
        status = response.status_code
        if status in (401, 403):
            return StoreError(Problem("the store denied access", f"set {USER} and {PASSWORD}, or {TOKEN}"))
        message = self._first_line(response)
        if status in (408, 504) or self.dialect.is_timeout(status, message):
            return timeout_error(self.seconds)
        if status in (429, 503):
            return StoreError(Problem("the store is busy", "try again a little later"), status=503)
        if self.dialect.is_query_error(status, message):
            return StoreError(Problem(f"the store cannot answer this query: {message}", _ASK_LESS), status=400)
        return StoreError(Problem(f"the store has failed: it has answered {status}", _AGAIN))


class _Bearer(httpx.Auth):
    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
        """Send the token (httpx.Auth)."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


_AGAIN = "try again later; the operator of this server can find details in the store's log"
_ASK_LESS = "ask for less, or write the query in another way"


def timeout_error(seconds: float) -> StoreError:
    """Return the error of a store that did not answer in time."""
    fact = f"the store has not answered within {seconds:g} seconds"
    return StoreError(Problem(fact, "ask for less, for example with LIMIT or fewer joins"), status=504)


def unreadable_error(reason: str) -> StoreError:
    """Return the error of a store whose answer cannot be parsed."""
    return StoreError(Problem(f"the answer of the store cannot be read: {reason}", _AGAIN))
