"""Evaluator of one query on an embedded store: check the text, run the engine, serialize the results."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode, QuerySolutions, Store

from kg.core import negotiation, sparql_scanner
from kg.core.iris import BASE
from kg.core.negotiation import Format, NotAcceptable, Output
from kg.core.result_serializers import write_to
from kg.engine.data_source import Limits, format_size
from kg.engine.wire import QueryRequest, Refusal

if TYPE_CHECKING:
    from kg.engine.federation_proxy import FederationProxy

READ_ONLY = "this endpoint answers queries and changes nothing"
NO_SERVICE = "this endpoint calls no other endpoint: SERVICE is allowed for none"
SOME_SERVICES = "SERVICE is allowed for these endpoints only, each written in full: {}"
NESTED = "this query nests its groups or expressions too deeply{}; write it flatter"


class BoundedOutput:
    """Output that buffers a small answer in memory and spills a larger one to a file, up to a size limit."""

    def __init__(self, file: int, limits: Limits) -> None:
        self.size = 0
        self._file, self._limits = file, limits
        self._buffer = bytearray()
        self.in_file = False

    def write(self, data: bytes, /) -> int:
        """Take the next bytes; raise Refusal if the answer becomes too large."""
        self.size += len(data)
        if self.size > self._limits.answer:
            detail = f"the answer is larger than {format_size(self._limits.answer)}"
            raise Refusal(400, f"{detail}; add LIMIT, ask for less, or download the release as a file")
        self._buffer += data
        if len(self._buffer) > self._limits.in_memory:
            self._spill()
        return len(data)

    def flush(self) -> None:
        """Do nothing: the bytes are passed on when the answer is complete."""

    def body(self) -> bytes:
        """Return the answer if it is in memory; else complete the file and return nothing."""
        if self.in_file:
            self._spill()
        return bytes(self._buffer)

    def _spill(self) -> None:
        self.in_file = True
        content, self._buffer = bytes(self._buffer), bytearray()
        try:
            while content:
                content = content[os.write(self._file, content) :]
        except OSError as error:
            detail = f"there is no room to write a large answer to ({error.strerror}); ask for less, or try again later"
            raise Refusal(503, detail, {"Retry-After": "60"}) from error


def evaluate(
    store: Store, request: QueryRequest, output: Output, limits: Limits, proxy: "FederationProxy | None" = None
) -> Format:
    """Write the complete answer to a query and return its format; raise Refusal if it cannot be answered.

    SERVICE calls go through the federation proxy, if there is one.
    """
    _check_query(request.query, limits)
    default, named = _named_dataset(request)
    with _engine_errors(request.query, limits, proxy):
        results = store.query(
            proxy.begin(request.query) if proxy else request.query,
            base_iri=BASE,  # so that <id/organization/mic> is the ministry, as in a query that begins with this BASE
            default_graph=default,  # type: ignore[arg-type]
            named_graphs=named,  # type: ignore[arg-type]
        )
        format = negotiation.choose(negotiation.formats_of(results), request.accept, request.format)
        write_to(results, format, output)
    return format


@dataclass(frozen=True)
class ResultKind:
    """Format of the answer to a query, with the variables of its rows; None if it is not a SELECT."""

    format: Format
    variables: tuple[str, ...] | None


def result_kind(request: QueryRequest, limits: Limits) -> ResultKind:
    """Return the kind of the answer to a query that an external store is to evaluate.

    Raises Refusal, as `evaluate` does, for a query that is invalid or not allowed.
    """
    _check_query(request.query, limits)
    _named_dataset(request)
    with _engine_errors(request.query, limits):
        results = Store().query(request.query, base_iri=BASE)
        format = negotiation.choose(negotiation.formats_of(results), request.accept, request.format)
        if isinstance(results, QuerySolutions):
            return ResultKind(format, tuple(variable.value for variable in results.variables))
        return ResultKind(format, None)


@contextmanager
def _engine_errors(query: str, limits: Limits, proxy: "FederationProxy | None" = None) -> Iterator[None]:
    """Context manager that turns errors of the engine into refusals."""
    try:
        yield
    except SyntaxError as error:
        if sparql_scanner.is_update(query):
            raise Refusal(400, f"this is an update, not a query; {READ_ONLY}") from error
        raise Refusal(400, f"invalid SPARQL query: {error}") from error
    except NotAcceptable as error:
        raise not_acceptable(error) from error
    except RuntimeError as error:  # such as an undefined function
        raise Refusal(400, f"the engine cannot answer this query: {error}") from error
    except OSError as error:
        if not sparql_scanner.calls_service(query):
            raise
        raise (proxy and proxy.failure) or Refusal(403, no_service(limits)) from error


def not_acceptable(error: NotAcceptable) -> Refusal:
    """Return the refusal (406) of a request whose formats are not available."""
    return Refusal(
        406, "; ".join(f"{problem.fact}; {problem.remedy}" for problem in error.problems), {"Vary": "Accept"}
    )


def _check_query(query: str, limits: Limits) -> None:
    """Raise Refusal for a query that could crash the engine or that calls a forbidden endpoint."""
    if sparql_scanner.nests_deeper(query, limits.nesting):
        raise Refusal(400, NESTED.format(f": more than {limits.nesting} levels"))
    if sparql_scanner.has_more_unions(query, limits.unions):
        raise Refusal(400, f"this query has more than {limits.unions} UNIONs; write it with VALUES")
    if sparql_scanner.services(query) - {f"<{iri}>" for iri in limits.services}:
        raise Refusal(403, no_service(limits))


def no_service(limits: Limits) -> str:
    """Return the message for a query that calls a forbidden endpoint."""
    return SOME_SERVICES.format(" ".join(f"<{iri}>" for iri in limits.services)) if limits.services else NO_SERVICE


def _named_dataset(request: QueryRequest) -> tuple[list[NamedNode] | None, list[NamedNode] | None]:
    """Return the default and the named graphs of a request, which replace FROM and FROM NAMED."""
    if not request.default_graphs and not request.named_graphs:
        return None, None
    try:
        return [NamedNode(iri) for iri in request.default_graphs], [NamedNode(iri) for iri in request.named_graphs]
    except ValueError as error:
        raise Refusal(400, f"the IRI of a graph must be absolute: {error}") from error
