"""Asks a store elsewhere over HTTP: by connections that are kept, within a time, and with what failed told in words.

Who we are to the store comes from the environment alone, so that it stands in no list of processes: `KG_STORE_USER` and
`KG_STORE_PASSWORD`, or `KG_STORE_TOKEN` (RFC 6750). What is told to people names neither these nor the address.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from kg import __version__
from kg.core.errors import Problem, StoreError
from kg.core.sparql_rewriter import Dataset
from kg.engine.oxigraph import Oxigraph
from kg.engine.remote_release import PASSWORD, TOKEN, USER, Address
from kg.engine.store_dialects import Engine
from kg.engine.virtuoso import Virtuoso

# The first that knows its own `Server` header.
ENGINES: Mapping[str, Engine] = {engine.name: engine for engine in (Oxigraph(), Virtuoso(), Engine())}

_CONNECT = 5.0  # seconds until a connection stands
_ATTEMPTS = 2
_SMALL = 1 << 20  # bytes of what is asked about the store itself
_BEGINNING = 4096  # bytes of what it says about an error
_SHOWN = 300  # characters of what a store says about a query
_SENT = {"User-Agent": f"ShisakuGraph/{__version__}", "Accept-Encoding": "identity"}
_RESULTS = "application/sparql-results+json"
_FEWEST_BYTES = "text/csv"


_ANY = Dataset()
_ENOUGH = 999_999  # rows; whoever gives these is not asked for more only to see whether they come


@dataclass
class Connection:
    """A client of one store; a context manager that closes what it has opened."""

    address: Address
    seconds: float = 30.0
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self._client = httpx.Client(
            timeout=httpx.Timeout(self.seconds, connect=_CONNECT), headers=_SENT, trust_env=False
        )
        self.engine = ENGINES[self.address.engine or "generic"]
        # Once, since Digest goes on from what the store has answered before; to nobody whose engine is not known yet.
        self._authentication = self._known() if self.address.engine else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def recognised(self) -> Address:
        """Return the address with the name of the engine, which the store is asked for where it is not given."""
        if not self.address.engine:
            with self.sent("POST", self.address.url, _ATTEMPTS, data={"query": "ASK { }"}) as response:
                server = response.headers.get("Server", "")
            self.engine = next(engine for engine in ENGINES.values() if engine.knows(server))
            self.address, self._authentication = Address(self.address.url, self.engine.name), self._known()
        return self.address

    @contextmanager
    def asked(self, query: str, dataset: Dataset, accept: str) -> Iterator[httpx.Response]:
        """Ask a query and give the response, whose body is still to be read; raise StoreError where there is none.

        A connection that fails before anything is answered is tried once more: a query changes nothing.
        """
        form: dict[str, Any] = {"query": query, **self.engine.parameters(self.seconds)}
        form["default-graph-uri"], form["named-graph-uri"] = list(dataset.default), list(dataset.named)
        with self.sent("POST", self.address.url, _ATTEMPTS, data=form, headers={"Accept": accept}) as response:
            if response.status_code != httpx.codes.OK:
                raise self._refused(response)
            if shortened := self.engine.shortened(response.headers):
                raise shortened
            yield response

    @contextmanager
    def sent(self, method: str, url: str, attempts: int = 1, **content: Any) -> Iterator[httpx.Response]:
        """Send a request and give the response; raise StoreError where the store cannot be reached or breaks off."""
        try:
            response = self._response(method, url, attempts, content)
            try:
                yield response
            finally:
                response.close()
        except httpx.TimeoutException as error:
            raise late(self.seconds) from error
        except httpx.HTTPError as error:
            raise StoreError(Problem(f"the store cannot be reached, or breaks off ({error})", _AGAIN)) from error

    def rows(self, query: str, dataset: Dataset = _ANY) -> Sequence[Mapping[str, str]]:
        """Return the rows of a small answer, as texts."""
        with self.asked(query, dataset, _RESULTS) as response:
            try:
                found = json.loads(self._content(response))["results"]["bindings"]
                return [{name: term["value"] for name, term in row.items()} for row in found]
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise unreadable("no results in JSON") from error

    def gives_whole(self, dataset: Dataset, size: int) -> None:
        """Raise StoreError where this store says that it cuts the answer to all that a dataset has: so many triples."""
        with self.asked(f"SELECT (1 AS ?one) {{ ?s ?p ?o }} LIMIT {min(size, _ENOUGH)}", dataset, _FEWEST_BYTES):
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
        """Return a body that is to be small; raise StoreError where it is not, or comes too slowly."""
        content, until = bytearray(), time.monotonic() + self.seconds
        for piece in response.iter_bytes():
            content += piece
            if len(content) > _SMALL:
                raise unreadable("it is far too large")
            if time.monotonic() > until:
                raise late(self.seconds)
        return bytes(content)

    def _beginning(self, response: httpx.Response) -> str:
        """Return the first line of what a store says about an error, which may stand before or behind much else."""
        content = next(response.iter_bytes(_BEGINNING), b"")
        return next(iter(content.decode(errors="replace").strip().splitlines()), "")[:_SHOWN]

    def _known(self) -> httpx.Auth | None:
        """Return how we are told to the store."""
        if token := os.environ.get(TOKEN):
            return _Bearer(token)
        user = os.environ.get(USER)
        return self.engine.authentication(user, os.environ.get(PASSWORD, "")) if user else None

    def _refused(self, response: httpx.Response) -> StoreError:
        """Return what a status that is no success means."""
        status = response.status_code
        if status in (401, 403):
            return StoreError(Problem("the store does not let us in", f"set {USER} and {PASSWORD}, or {TOKEN}"))
        said = self._beginning(response)
        if status in (408, 504) or self.engine.ran_out_of_time(status, said):
            return late(self.seconds)
        if status in (429, 503):
            return StoreError(Problem("the store is busy", "try again a little later"), status=503)
        if self.engine.blames_query(status, said):
            return StoreError(Problem(f"the store cannot answer this query: {said}", _LESS), status=400)
        return StoreError(Problem(f"the store has failed: it has answered {status}", _AGAIN))


class _Bearer(httpx.Auth):
    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
        """Send the token (httpx.Auth)."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


_AGAIN = "try again later; whoever operates this server finds the store's own log"
_LESS = "ask for less, or write the query in another way"


def late(seconds: float) -> StoreError:
    """Return the error of a store that has not answered in time."""
    fact = f"the store has not answered within {seconds:g} seconds"
    return StoreError(Problem(fact, "ask for less, for example with LIMIT or fewer joins"), status=504)


def unreadable(reason: str) -> StoreError:
    """Return the error of a store whose answer is not what it was asked for."""
    return StoreError(Problem(f"the answer of the store cannot be read: {reason}", _AGAIN))
