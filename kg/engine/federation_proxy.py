"""HTTP proxy for the SERVICE calls of a worker's engine, which has no limits of its own for them (federated query).

The engine gets a URL of this process in place of each allowed endpoint. Requests are forwarded within limits of time,
size and number, and the answer is returned once it is complete and valid. So SERVICE SILENT continues without an
endpoint that is slow or truncates its answer, and the error of a failed query names the endpoint. Redirects are not
followed: they could lead to endpoints that are not allowed.

SPARQL 1.1 Protocol has three forms of a query request, and few endpoints accept all of them: some answer the others
with an error, some not at all (Virtuoso 7 with a direct POST). The most widely accepted form is tried first; the next
one if it is refused, or concurrently if there is no answer. The form that an endpoint answered is remembered.
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
from kg.core.paths import guess_encoding
from kg.engine.data_source import Limits, format_size
from kg.engine.result_reader import to_strict_json
from kg.engine.wire import Refusal

BY_FORM, BY_GET, DIRECT = FORMS = ("by form", "by GET", "direct")
_TYPES = {BY_FORM: "application/x-www-form-urlencoded", DIRECT: "application/sparql-query"}
_SENT = {"User-Agent": f"ShisakuGraph/{__version__}"}
_ACCEPTED = "application/sparql-results+json, application/sparql-results+xml;q=0.8, application/json;q=0.5"
# Statuses that may mean that the form is refused, not the query. For a form that has worked, 400 is about the query.
_REFUSED = {400, 404, 405, 406, 411, 413, 414, 415, 501}
_REFUSED_KNOWN_FORM = {405, 406, 411, 413, 414, 415, 501}
# Headers of Virtuoso for an answer with status 200 that was truncated by its time limit or its row limit.
_TRUNCATION_HEADERS = ("X-SQL-State", "X-SPARQL-MaxRows")
# Share of the remaining time to wait for an answer to one form before another form is tried concurrently.
_WAIT_SHARE = 1 / 3
_REMEDY = "ask it for less or try again later; with SERVICE SILENT the query continues without it"
_BNODE = b"bnode"
_URL_SAFE = "%/?:@!$&'()*+,;=~-._"  # characters that are not percent-encoded in a URL


@dataclass(frozen=True)
class EndpointReply:
    """Answer of an endpoint: results in a format that the engine parses."""

    media_type: str
    body: bytes


class RequestForms:
    """Request form that each endpoint answers, by its index; shared with processes that are forked later."""

    def __init__(self) -> None:
        self._codes = mmap.mmap(-1, mmap.PAGESIZE)

    def of(self, place: int) -> str | None:
        """Return the form that an endpoint answered; None if it is not known."""
        number = self._codes[place] if place < mmap.PAGESIZE else 0
        return FORMS[number - 1] if number else None

    def remember(self, place: int, form: str) -> None:
        """Remember the form that an endpoint answered."""
        if place < mmap.PAGESIZE:
            self._codes[place] = FORMS.index(form) + 1


@dataclass(frozen=True)
class _Refused:
    """Response of an endpoint that probably does not accept a form."""

    status: int
    reason: Refusal


Outcome = EndpointReply | Refusal | _Refused


@dataclass(frozen=True)
class EndpointCall:
    """Query to an endpoint, with a deadline (monotonic clock) and a limit of the answer in bytes."""

    endpoint: str
    query: bytes
    until: float
    limit: int

    def run(self, forms: RequestForms, place: int) -> EndpointReply | Refusal | None:
        """Return the answer, or the failure of the endpoint; None if there was no answer in time.

        Each form is sent in a thread of its own, which is abandoned if it does not end in time.
        """
        known = forms.of(place)
        remaining = list(FORMS) if known is None else [known, *(form for form in FORMS if form != known)]
        outcomes: queue.SimpleQueue[tuple[str, Outcome]] = queue.SimpleQueue()
        first: Refusal | None = None
        pending = 0
        while remaining or pending:
            if remaining and (pending == 0 or known is None):
                self._begin(remaining.pop(0), outcomes)
                pending += 1
            try:
                form, outcome = outcomes.get(timeout=self._wait_seconds(remaining if known is None else ()))
            except queue.Empty:
                if self._remaining() <= 0:
                    return None
                continue
            pending -= 1
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
        """Return the seconds to wait for an answer before another form is tried concurrently."""
        return max(self._remaining(), 0) * (_WAIT_SHARE if others else 1)

    def _outcome(self, form: str) -> Outcome:
        """Send the query in one form and return the answer or the failure."""
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
            reason = f"it cannot be reached, or disconnected ({error or type(error).__name__})"
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
            return endpoint_failure(self.endpoint, "it has truncated its answer at one of its own limits")
        media_type = response.headers.get_content_type()
        format = QueryResultsFormat.from_media_type(media_type)
        if format not in (QueryResultsFormat.JSON, QueryResultsFormat.XML):
            reason = endpoint_failure(
                self.endpoint, f"it has answered {media_type}, which is not a format of query results"
            )
            return _Refused(HTTPStatus.NOT_ACCEPTABLE, reason)  # such as a page with a form, or a service description
        body = response.read(self.limit + 1)
        if len(body) > self.limit:
            return endpoint_failure(self.endpoint, f"its answer is larger than {format_size(self.limit)}")
        if response.length:
            return endpoint_failure(self.endpoint, "its answer is truncated")
        return self._parse_results(body, format)

    def _parse_results(self, body: bytes, format: QueryResultsFormat) -> EndpointReply | Refusal:
        """Return an answer as strict JSON that the engine parses, or the failure."""
        plain = format == QueryResultsFormat.JSON and _BNODE not in body and _is_readable(body)
        try:
            read = body if plain else b"".join(to_strict_json([body], format))
            results = parse_query_results(read, QueryResultsFormat.JSON)
            if not isinstance(results, QuerySolutions):
                return endpoint_failure(self.endpoint, "its answer has no rows")
            for _ in results:
                pass
        except (SyntaxError, ValueError, OSError, RecursionError) as error:
            return endpoint_failure(self.endpoint, f"its answer cannot be read ({_encoding_of(body) or error})")
        return EndpointReply(QueryResultsFormat.JSON.media_type, read)


def _encoding_of(body: bytes) -> str:
    """Return a description of the wrong encoding of an answer; empty if it is UTF-8."""
    try:
        body.decode()
    except UnicodeDecodeError:
        found = guess_encoding(body)
        return f"it is not UTF-8: this looks like {found}" if found else "it is not UTF-8"
    return ""


def _is_readable(body: bytes) -> bool:
    """True if the engine can parse the JSON results unchanged, which takes a tenth of the time."""
    try:
        results = parse_query_results(body, QueryResultsFormat.JSON)
        if isinstance(results, QuerySolutions):
            for _ in results:
                pass
    except (SyntaxError, ValueError, OSError):
        return False
    return True


def endpoint_failure(endpoint: str, reason: str) -> Refusal:
    """Return the refusal (502) for an endpoint whose answer is unusable."""
    return Refusal(
        502, f"the endpoint <{endpoint}>, which this query calls by SERVICE, has failed: {reason}; {_REMEDY}"
    )


def endpoint_timeout(endpoint: str, seconds: float) -> Refusal:
    """Return the refusal (504) for an endpoint that did not answer in time."""
    fact = f"has not answered within {seconds:.3g} seconds"
    return Refusal(504, f"the endpoint <{endpoint}>, which this query calls by SERVICE, {fact}; {_REMEDY}")


# Share of a query's time limit for all of its calls; the remaining time is for processing the answers.
SHARE = 2 / 3
# No endpoint may be flooded through this one.
MOST_CALLS = 20
_STACK = 1 << 19  # bytes: everything that a thread maps counts as memory of the query
# Shared by all workers, which are forked from the process that imported this module.
_FORMS = RequestForms()


class FederationProxy:
    """Proxy between the engine and the allowed endpoints, for one query at a time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._replies: dict[tuple[str, bytes], EndpointReply | Refusal] = {}
        self._call_count, self._until = 0, 0.0
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self._endpoints: dict[str, str] = {}
        self.failure: Refusal | None = None

    def begin(self, query: str) -> str:
        """Start a query and return its text with the URLs of this proxy in place of the endpoints."""
        self.failure, self._call_count, self._replies = None, 0, {}
        self._until = time.monotonic() + SHARE * self._limits.seconds
        if not sparql_scanner.calls_service(query):
            return query
        return sparql_scanner.with_services(query, self._addresses())

    def call(self, address: str, query: bytes) -> EndpointReply:
        """Forward a call to an endpoint, given by its path here, and return the answer; raise Refusal if it fails.

        Repeated calls of one query are answered from memory: an engine calls for each row in FILTER EXISTS.
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
        """Start the proxy server if necessary, and return its URL for each allowed endpoint."""
        if self._server is None:
            threading.stack_size(_STACK)
            self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_class(self))
            threading.Thread(target=self._server.serve_forever, daemon=True).start()
            # The random path keeps other users of this machine out.
            self._endpoints = {f"/{secrets.token_urlsafe()}": iri for iri in self._limits.services}
        here = f"http://127.0.0.1:{self._server.server_port}"
        return {iri: here + address for address, iri in self._endpoints.items()}

    def _ask(self, endpoint: str, query: bytes) -> EndpointReply | Refusal:
        """Call an endpoint within the remaining time."""
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
            """Forward a call of the engine and return the answer."""
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
            """Log nothing."""

    return Handler
