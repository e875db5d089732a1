"""Calls other endpoints for the engine of a worker, which follows SERVICE without any limit of its own.

The engine is given an address of this process in place of each endpoint of the list. What it sends there is passed on,
within limits of time, size and number, and the endpoint's answer is passed back once it is complete and can be read. So
SERVICE SILENT goes on without an endpoint that is slow or answers half, and a query that fails says which one has.
Redirects are not followed: they would lead to endpoints that nobody has allowed.
"""

import secrets
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kg.core import sparql_scanner
from kg.engine.federation_client import Call, Forms, Reply, late
from kg.engine.limits import Limits
from kg.engine.wire import Refusal

# The part of a question's time that its calls may take together; the rest is for what is done with the answers.
SHARE = 2 / 3
# Nobody's endpoint is to be flooded through this one.
MOST_CALLS = 20
_STACK = 1 << 19  # bytes: all that a thread maps counts as memory of the question
# Of all workers, since each is forked from the process that has read this.
_FORMS = Forms()


class Gateway:
    """Stands between an engine and the endpoints that it may call, for one question at a time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: dict[tuple[str, bytes], Reply | Refusal] = {}
        self._calls, self._until = 0, 0.0
        self._turn = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self._endpoints: dict[str, str] = {}
        self.failure: Refusal | None = None

    def admit(self, query: str) -> str:
        """Begin a question and return it with the addresses that the engine is to call in place of the endpoints."""
        self.failure, self._calls, self._known = None, 0, {}
        self._until = time.monotonic() + SHARE * self._limits.seconds
        if not sparql_scanner.calls_service(query):
            return query
        return sparql_scanner.with_services(query, self._addresses())

    def call(self, address: str, query: bytes) -> Reply:
        """Return what an endpoint answers, by its address here; raise Refusal where it does not answer.

        What was asked before in this question is not asked again: an engine calls for each row in FILTER EXISTS.
        """
        with self._turn:  # the engine waits for each of its calls, so there is one at a time
            endpoint = self._endpoints.get(address, "")
            key = endpoint, query
            if key not in self._known:
                self._known[key] = self._ask(endpoint, query) if endpoint else Refusal(404, "there is nothing here")
            outcome = self._known[key]
            if isinstance(outcome, Refusal):
                self.failure = outcome
                raise outcome
            return outcome

    def _addresses(self) -> Mapping[str, str]:
        """Return an address of this process for each endpoint of the list, which is listened at from now on."""
        if self._server is None:
            threading.stack_size(_STACK)
            self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
            threading.Thread(target=self._server.serve_forever, daemon=True).start()
            # The part that cannot be guessed keeps other users of this machine out.
            self._endpoints = {f"/{secrets.token_urlsafe()}": iri for iri in self._limits.services}
        here = f"http://127.0.0.1:{self._server.server_port}"
        return {iri: here + address for address, iri in self._endpoints.items()}

    def _ask(self, endpoint: str, query: bytes) -> Reply | Refusal:
        """Ask an endpoint in the time that is left."""
        self._calls += 1
        if self._calls > MOST_CALLS:
            fact = f"this query calls other endpoints more than {MOST_CALLS} times"
            return Refusal(400, f"{fact}; ask for more in one call, for example with VALUES")
        call = Call(endpoint, query, self._until, self._limits.answer)
        return call.made(_FORMS, self._limits.services.index(endpoint)) or late(endpoint, SHARE * self._limits.seconds)


def _handler(gateway: Gateway) -> type[BaseHTTPRequestHandler]:
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
