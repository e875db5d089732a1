"""Calls other endpoints for the engine of a worker, which follows SERVICE without any limit of its own.

The engine is given an address of this process in place of each endpoint of the list. What it sends there is passed on,
within limits of time, size and number, and the endpoint's answer is passed back once it is complete and can be read. So
SERVICE SILENT goes on without an endpoint that is slow or answers half, and a query that fails says which one has.
Redirects are not followed: they would lead to endpoints that nobody has allowed.

One call of an endpoint elsewhere, in the form that it takes, and whether its answer is of any use.

SPARQL 1.1 Protocol has three forms of a query, and few endpoints take all of them: some answer the others with an
error, some with nothing at all (Virtuoso 7 a direct POST). The form that most take comes first; the next is tried where
one is refused, or beside it where it stays without an answer. In which form an endpoint has answered is kept.
"""

import mmap
import queue
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, urlencode, urlsplit

from pyoxigraph import QueryResultsFormat, QuerySolutions, parse_query_results

from kg import __version__
from kg.core import sparql_scanner
from kg.core.paths import looks_like
from kg.engine.data_source import Limits, format_size
from kg.engine.result_reader import to_strict_json
from kg.engine.wire import Refusal

BY_FORM, BY_GET, DIRECT = FORMS = ("by form", "by GET", "direct")
_TYPES = {BY_FORM: "application/x-www-form-urlencoded", DIRECT: "application/sparql-query"}
_SENT = {"User-Agent": f"ShisakuGraph/{__version__}"}
_ACCEPTED = "application/sparql-results+json, application/sparql-results+xml;q=0.8, application/json;q=0.5"
# What may mean that the query is well and its form is not. A known form is not doubted for 400: it is for the query.
_REFUSED = {400, 404, 405, 406, 411, 413, 414, 415, 501}
_REFUSED_KNOWN_FORM = {405, 406, 411, 413, 414, 415, 501}
_TRUNCATION_HEADERS = (
    "X-SQL-State",
    "X-SPARQL-MaxRows",
)  # of Virtuoso, with 200: the rows that it had by then, or no more than so many
_WAIT_SHARE = (
    1 / 3
)  # of the time that is left, for a form that stays without an answer before another is tried beside it
_REMEDY = "ask it for less or try again later; with SERVICE SILENT the query goes on without it"
_BNODE = b"bnode"
_URL_SAFE = "%/?:@!$&'()*+,;=~-._"  # stands in an address as it is


@dataclass(frozen=True)
class EndpointReply:
    """What an endpoint has answered: results in a format that the engine reads."""

    media_type: str
    body: bytes


class RequestForms:
    """In which form each endpoint of a list answers, by its place; processes that are forked later share it."""

    def __init__(self) -> None:
        self._codes = mmap.mmap(-1, mmap.PAGESIZE)

    def of(self, place: int) -> str | None:
        """Return the form that an endpoint has answered in; None where that is not known."""
        number = self._codes[place] if place < mmap.PAGESIZE else 0
        return FORMS[number - 1] if number else None

    def remember(self, place: int, form: str) -> None:
        """Keep the form that an endpoint has answered in."""
        if place < mmap.PAGESIZE:
            self._codes[place] = FORMS.index(form) + 1


@dataclass(frozen=True)
class _Refused:
    """An endpoint that does not take a form, as it seems."""

    status: int
    reason: Refusal


Outcome = EndpointReply | Refusal | _Refused


@dataclass(frozen=True)
class EndpointCall:
    """A query to an endpoint, which has until a moment of the monotonic clock, and an answer of so many bytes."""

    endpoint: str
    query: bytes
    until: float
    limit: int

    def run(self, forms: RequestForms, place: int) -> EndpointReply | Refusal | None:
        """Return the answer, or why there is none of use; None where none has come in time.

        Each form is asked in a thread of its own, which is left behind where it does not end in time.
        """
        known = forms.of(place)
        remaining = list(FORMS) if known is None else [known, *(form for form in FORMS if form != known)]
        outcomes: queue.SimpleQueue[tuple[str, Outcome]] = queue.SimpleQueue()
        first: Refusal | None = None
        asked = 0
        while remaining or asked:
            if remaining and (asked == 0 or known is None):
                self._begin(remaining.pop(0), outcomes)
                asked += 1
            try:
                form, outcome = outcomes.get(timeout=self._wait_seconds(remaining if known is None else ()))
            except queue.Empty:
                if self._remaining() <= 0:
                    return None
                continue
            asked -= 1
            if isinstance(outcome, EndpointReply):
                forms.remember(place, form)
            if not isinstance(outcome, _Refused):
                return outcome
            first = first or outcome.reason
            if known is not None and outcome.status not in _REFUSED_KNOWN_FORM:
                return first
            known = known if form != known else None
        return first

    def _begin(self, form: str, outcomes: "queue.SimpleQueue[tuple[str, Outcome]]") -> None:
        threading.Thread(target=lambda: outcomes.put((form, self._outcome(form))), daemon=True).start()

    def _remaining(self) -> float:
        return self.until - time.monotonic()

    def _wait_seconds(self, others: Sequence[str]) -> float:
        """Return how long to wait, in view of the forms that can be tried beside the one that was."""
        return max(self._remaining(), 0) * (_WAIT_SHARE if others else 1)

    def _outcome(self, form: str) -> Outcome:
        """Return what an endpoint answers in one form, or why that is of no use."""
        seconds = self._remaining()
        address = urlsplit(self.endpoint)
        kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
        connection = kind(address.hostname or "", address.port, timeout=max(seconds, 0.001))
        try:
            self._send(connection, form, address.path or "/", address.query)
            return self._read(connection.getresponse())
        except TimeoutError:
            return endpoint_timeout(self.endpoint, seconds)
        except (OSError, HTTPException, ValueError) as error:
            reason = f"it cannot be reached, or breaks off ({error or type(error).__name__})"
            return endpoint_failure(self.endpoint, reason)
        except MemoryError:
            return endpoint_failure(self.endpoint, "its answer needs too much memory")
        finally:
            connection.close()

    def _send(self, connection: HTTPConnection, form: str, path: str, parameters: str) -> None:
        encoded = urlencode({"query": self.query})
        if form == BY_GET:
            parameters = f"{parameters}&{encoded}" if parameters else encoded
        body = {BY_FORM: encoded.encode(), DIRECT: self.query}.get(form)
        headers = {**_SENT, "Accept": _ACCEPTED} | ({"Content-Type": _TYPES[form]} if form in _TYPES else {})
        path = quote(f"{path}?{parameters}" if parameters else path, safe=_URL_SAFE)
        connection.request("GET" if form == BY_GET else "POST", path, body, headers)

    def _read(self, response: HTTPResponse) -> Outcome:
        if 300 <= response.status < 400:
            return endpoint_failure(self.endpoint, "it redirects to another address, which is not followed")
        if response.status != HTTPStatus.OK:
            reason = endpoint_failure(self.endpoint, f"it has answered {response.status} {response.reason}")
            return _Refused(response.status, reason) if response.status in _REFUSED else reason
        if any(name in response.headers for name in _TRUNCATION_HEADERS):
            return endpoint_failure(self.endpoint, "it has cut its answer at a limit of its own")
        media_type = response.headers.get_content_type()
        format = QueryResultsFormat.from_media_type(media_type)
        if format not in (QueryResultsFormat.JSON, QueryResultsFormat.XML):
            reason = endpoint_failure(self.endpoint, f"it has answered {media_type}, which holds no results of a query")
            return _Refused(HTTPStatus.NOT_ACCEPTABLE, reason)  # such as a page with a form, or a description
        body = response.read(self.limit + 1)
        if len(body) > self.limit:
            return endpoint_failure(self.endpoint, f"its answer is larger than {format_size(self.limit)}")
        if response.length:
            return endpoint_failure(self.endpoint, "its answer breaks off")
        return self._parse_results(body, format)

    def _parse_results(self, body: bytes, format: QueryResultsFormat) -> EndpointReply | Refusal:
        """Return an answer as the engine reads it, whatever else is in it."""
        plain = format == QueryResultsFormat.JSON and _BNODE not in body and _is_readable(body)
        try:
            read = body if plain else b"".join(to_strict_json([body], format))
            results = parse_query_results(read, QueryResultsFormat.JSON)
            if not isinstance(results, QuerySolutions):
                return endpoint_failure(self.endpoint, "its answer holds no rows")
            for _ in results:
                pass
        except (SyntaxError, ValueError, OSError, RecursionError) as error:
            return endpoint_failure(self.endpoint, f"its answer cannot be read ({_encoding_of(body) or error})")
        return EndpointReply(QueryResultsFormat.JSON.media_type, read)


def _encoding_of(body: bytes) -> str:
    """Return in words what is wrong with the encoding of an answer; nothing where it is UTF-8."""
    try:
        body.decode()
    except UnicodeDecodeError:
        found = looks_like(body)
        return f"it is no UTF-8: this looks like {found}" if found else "it is no UTF-8"
    return ""


def _is_readable(body: bytes) -> bool:
    """Whether the engine reads results in JSON as they are, which takes it a tenth of the time."""
    try:
        results = parse_query_results(body, QueryResultsFormat.JSON)
        if isinstance(results, QuerySolutions):
            for _ in results:
                pass
    except (SyntaxError, ValueError, OSError):
        return False
    return True


def endpoint_failure(endpoint: str, reason: str) -> Refusal:
    """Return what is said of an endpoint whose answer is of no use."""
    return Refusal(
        502, f"the endpoint <{endpoint}>, which this query calls by SERVICE, has failed: {reason}; {_REMEDY}"
    )


def endpoint_timeout(endpoint: str, seconds: float) -> Refusal:
    """Return what is said of an endpoint that does not answer in time."""
    fact = f"has not answered within {seconds:.3g} seconds"
    return Refusal(504, f"the endpoint <{endpoint}>, which this query calls by SERVICE, {fact}; {_REMEDY}")


# The part of a question's time that its calls may take together; the rest is for what is done with the answers.
SHARE = 2 / 3
# Nobody's endpoint is to be flooded through this one.
MOST_CALLS = 20
_STACK = 1 << 19  # bytes: all that a thread maps counts as memory of the question
# Of all workers, since each is forked from the process that has read this.
_FORMS = RequestForms()


class FederationProxy:
    """Stands between an engine and the endpoints that it may call, for one question at a time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._replies: dict[tuple[str, bytes], EndpointReply | Refusal] = {}
        self._call_count, self._until = 0, 0.0
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self._endpoints: dict[str, str] = {}
        self.failure: Refusal | None = None

    def begin(self, query: str) -> str:
        """Begin a question and return it with the addresses that the engine is to call in place of the endpoints."""
        self.failure, self._call_count, self._replies = None, 0, {}
        self._until = time.monotonic() + SHARE * self._limits.seconds
        if not sparql_scanner.calls_service(query):
            return query
        return sparql_scanner.with_services(query, self._addresses())

    def call(self, address: str, query: bytes) -> EndpointReply:
        """Return what an endpoint answers, by its address here; raise Refusal where it does not answer.

        What was asked before in this question is not asked again: an engine calls for each row in FILTER EXISTS.
        """
        with self._lock:  # the engine waits for each of its calls, so there is one at a time
            endpoint = self._endpoints.get(address, "")
            key = endpoint, query
            if key not in self._replies:
                self._replies[key] = self._ask(endpoint, query) if endpoint else Refusal(404, "there is nothing here")
            outcome = self._replies[key]
            if isinstance(outcome, Refusal):
                self.failure = outcome
                raise outcome
            return outcome

    def _addresses(self) -> Mapping[str, str]:
        """Return an address of this process for each endpoint of the list, which is listened at from now on."""
        if self._server is None:
            threading.stack_size(_STACK)
            self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_class(self))
            threading.Thread(target=self._server.serve_forever, daemon=True).start()
            # The part that cannot be guessed keeps other users of this machine out.
            self._endpoints = {f"/{secrets.token_urlsafe()}": iri for iri in self._limits.services}
        here = f"http://127.0.0.1:{self._server.server_port}"
        return {iri: here + address for address, iri in self._endpoints.items()}

    def _ask(self, endpoint: str, query: bytes) -> EndpointReply | Refusal:
        """Ask an endpoint in the time that is left."""
        self._call_count += 1
        if self._call_count > MOST_CALLS:
            fact = f"this query calls other endpoints more than {MOST_CALLS} times"
            return Refusal(400, f"{fact}; ask for more in one call, for example with VALUES")
        call = EndpointCall(endpoint, query, self._until, self._limits.answer)
        return call.run(_FORMS, self._limits.services.index(endpoint)) or endpoint_timeout(
            endpoint, SHARE * self._limits.seconds
        )


def _handler_class(gateway: FederationProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Pass on what the engine asks, and pass back the answer."""
            query = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            try:
                reply = gateway.call(self.path, query)
                self._send(200, reply.media_type, reply.body)
            except Refusal as refusal:
                self._send(refusal.status, "text/plain", refusal.detail.encode())

        def _send(self, status: int, media_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
