"""Asks a store elsewhere over HTTP: by connections that are kept, within a time, and with what failed told in words.

Who we are to the store comes from the environment alone, so that it stands in no list of processes: `KG_STORE_USER` and
`KG_STORE_PASSWORD`, or `KG_STORE_TOKEN` (RFC 6750). What is told to people names neither these nor the address.

Any engine that keeps to the specifications: SPARQL 1.1 Query, Protocol, and Graph Store HTTP Protocol.

Nothing is rewritten. It is given no time limit, since no specification has a parameter for one: a connection that is
closed early is all that tells it that nobody waits any more. Whether an update is one step to readers is not known, so
a release is switched in steps that `kg serve` can see.

Oxigraph as a server: `oxigraph serve`.

- The default graph is plain, as in the embedded engine; the dataset of the protocol is honoured, named graphs included.
- An update request is one transaction: readers see a release switch in one step.
- A query has no time limit but that of `--timeout-s`, and one that reaches it answers 200 and breaks off in the middle:
  every answer is read to its end before anything of it is passed on.
- Literals are kept in canonical form, as in the embedded engine.

Virtuoso 7 (Open Source).

- It has no default graph: without a dataset a query sees all graphs, its own ones included. So every question names the
  graph of its release. `FROM` in a query is added to the dataset of the protocol instead of giving way to it, so it is
  taken out of the text and sent as the dataset. `GRAPH <name>` reaches any graph, named in the dataset or not: what is
  not public has to be kept from the user `SPARQL` in Virtuoso itself.
- A property path with `*` or `+` needs an end that is known from an equation; one that stands in `VALUES` gives an
  error or, worse, rows that are no answers. So `FILTER(?x = <iri>)` is put behind `VALUES ?x { <iri> }`, which means
  the same; several values are refused.
- A truth value that is computed comes as a number (`1 = 1` is `1`, an integer), and `"true"^^xsd:boolean` in VALUES as
  `"1"^^xsd:boolean`. The latter is written canonically here; the former cannot be told from a number, so stored queries
  write `xsd:boolean(…)`. ASK is answered by a row of `__ASK_RETVAL` or by none, and `SELECT * {}` has a variable
  `_star_fake`: the kind of an answer comes from the query. Labels of blank nodes begin with `nodeID://`.
- A query that is POSTed directly is never answered, so it goes in a form.
- A query that reaches the time limit answers 200 with the rows it has, and no more than `ResultSetMaxRows` rows are
  ever given: a header says the first (`X-SQL-State`), and the second for SELECT (`X-SPARQL-MaxRows`). Both are errors.
  Where the limit comes while rows are written, it answers 500, with these rows before the words of the error.
- A million rows are the most it can give, whatever its settings; a CONSTRUCT of more is an error (FRVEC).
- Readers see an update while it happens.
- Whoever writes has to be told by HTTP Digest.
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
from kg.core.sparql_scanner import Dataset, begins_paths_with_several, with_equations
from kg.engine.remote_release import PASSWORD, TOKEN, USER, Address
from kg.engine.result_reader import strict


class Engine:
    """What is done in the same way for every engine that has no reason for another."""

    name = "generic"

    def knows(self, server: str) -> bool:
        """Whether a `Server` header names this engine."""
        return True

    def text(self, query: str) -> str:
        """Return a valid query as this engine is to be asked it, with the same meaning."""
        return query

    def parameters(self, seconds: float) -> Mapping[str, str]:
        """Return what tells this engine how long a query may take."""
        return {}

    def shortened(self, headers: Mapping[str, str]) -> StoreError | None:
        """Return why an answer that looks complete is not; None where nothing says so."""
        return None

    def mended(self, pieces: Iterable[bytes]) -> Iterable[bytes]:
        """Return results in JSON as the specification has them, with nothing beside."""
        return strict(pieces)

    def blames_query(self, status: int, text: str) -> bool:
        """Whether an error means that the query cannot be answered, and not that the store has failed."""
        return status == httpx.codes.BAD_REQUEST

    def ran_out_of_time(self, status: int, text: str) -> bool:
        """Whether an error means the limit of time, beside the statuses that say so of themselves."""
        return False

    def updates(self, query_address: str) -> str:
        """Return where an update request is sent that readers see in one step; empty where there is no such place."""
        return ""

    def graphs(self, query_address: str) -> str:
        """Return where this engine serves the Graph Store Protocol; empty where that is not known."""
        return ""

    def authentication(self, user: str, password: str) -> httpx.Auth:
        """Return how a user is told to this engine."""
        return httpx.BasicAuth(user, password)


class Oxigraph(Engine):
    """Oxigraph, whose addresses are `/query`, `/update` and `/store` beside each other."""

    name = "oxigraph"

    def knows(self, server: str) -> bool:
        """Whether a `Server` header names this engine."""
        return server.lower().startswith("oxigraph")

    def mended(self, pieces: Iterable[bytes]) -> Iterable[bytes]:
        """Return results as they come: the engine that is embedded here reads what it writes there."""
        return pieces

    def updates(self, query_address: str) -> str:
        """Return where an update request is sent; it is one transaction."""
        return _beside(query_address, "update")

    def graphs(self, query_address: str) -> str:
        """Return where this engine serves the Graph Store Protocol."""
        return _beside(query_address, "store")


def _beside(address: str, name: str) -> str:
    return f"{address.rpartition('/')[0]}/{name}"


_TIMED_OUT = "S1TAT"
_REFUSED = re.compile(r"Virtuoso (?:37000|22\w{3}|42S\w\w) Error|Virtuoso 42000 Error FRVEC:")
# Results in JSON, and N-Triples.
_ANSWERS = ("{", "<http", "_:")
_LESS = "ask for less, for example with LIMIT"
_LEAST = 1000  # milliseconds: it takes no shorter limit

_BOOLEAN = b'"datatype": "http://www.w3.org/2001/XMLSchema#boolean", "value": "'
# A quotation mark within a text is escaped, so none of these can stand in one.
_CANONICAL = {_BOOLEAN + b'1"': _BOOLEAN + b'true"', _BOOLEAN + b'0"': _BOOLEAN + b'false"'}
_BNODE = b'{ "type": "bnode", "value": "'
_CANONICAL |= {_BNODE + b"nodeID://": _BNODE}
_LONGEST = max(map(len, _CANONICAL))


class Virtuoso(Engine):
    """Virtuoso, whose addresses are `/sparql` and, for those who write, `/sparql-graph-crud-auth`."""

    name = "virtuoso"

    def knows(self, server: str) -> bool:
        """Whether a `Server` header names this engine."""
        return server.startswith("Virtuoso/")

    def text(self, query: str) -> str:
        """Return a query with an equation for each variable that begins a long path and has one value."""
        if begins_paths_with_several(query):
            fact = "this store gives wrong rows for a path (* or +) that begins with several VALUES"
            raise StoreError(Problem(fact, "ask for one value at a time, or join them by UNION"), status=400)
        return with_equations(query)

    def parameters(self, seconds: float) -> Mapping[str, str]:
        """Return the time limit in milliseconds."""
        return {"timeout": str(max(int(seconds * 1000), _LEAST))}

    def shortened(self, headers: Mapping[str, str]) -> StoreError | None:
        """Return why an answer that looks complete is not."""
        if headers.get("X-SQL-State") == _TIMED_OUT:
            return StoreError(Problem("the store has not answered within its limit of time", _LESS), status=504)
        if most := headers.get("X-SPARQL-MaxRows"):
            fact = f"the store gives no more than {most} rows (ResultSetMaxRows in its virtuoso.ini)"
            return StoreError(Problem(fact, _LESS), status=400)
        return None

    def mended(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Return results in JSON with truth values in canonical form, and labels of blank nodes that the format has."""
        kept = b""
        for piece in pieces:
            kept = _canonical(kept + piece)
            yield kept[: -_LONGEST or None]
            kept = kept[-_LONGEST:]
        yield kept

    def blames_query(self, status: int, text: str) -> bool:
        """Whether an error is one of its compiler, or says that an answer would be too long for it."""
        return status == httpx.codes.BAD_REQUEST or _REFUSED.match(text) is not None

    def ran_out_of_time(self, status: int, text: str) -> bool:
        """Whether an error is its limit of time, or rows and the error behind them."""
        return status == httpx.codes.INTERNAL_SERVER_ERROR and text.startswith((f"Virtuoso {_TIMED_OUT}", *_ANSWERS))

    def graphs(self, query_address: str) -> str:
        """Return where this engine serves the Graph Store Protocol."""
        return f"{query_address}-graph-crud-auth"

    def authentication(self, user: str, password: str) -> httpx.Auth:
        """Return how a user is told to this engine."""
        return httpx.DigestAuth(user, password)


def _canonical(content: bytes) -> bytes:
    for printed, canonical in _CANONICAL.items():
        content = content.replace(printed, canonical)
    return content


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
            return StoreError(Problem(f"the store cannot answer this query: {said}", _ASK_LESS), status=400)
        return StoreError(Problem(f"the store has failed: it has answered {status}", _AGAIN))


class _Bearer(httpx.Auth):
    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
        """Send the token (httpx.Auth)."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


_AGAIN = "try again later; whoever operates this server finds the store's own log"
_ASK_LESS = "ask for less, or write the query in another way"


def late(seconds: float) -> StoreError:
    """Return the error of a store that has not answered in time."""
    fact = f"the store has not answered within {seconds:g} seconds"
    return StoreError(Problem(fact, "ask for less, for example with LIMIT or fewer joins"), status=504)


def unreadable(reason: str) -> StoreError:
    """Return the error of a store whose answer is not what it was asked for."""
    return StoreError(Problem(f"the answer of the store cannot be read: {reason}", _AGAIN))
