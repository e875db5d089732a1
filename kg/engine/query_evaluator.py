"""The answer to one question, from a store: the text is looked at, the engine asked, the results written."""

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
from kg.engine.data_source import Limits, megabytes
from kg.engine.wire import Question, Refusal

if TYPE_CHECKING:
    from kg.engine.federation_proxy import Gateway

READ_ONLY = "this endpoint answers queries and changes nothing"
NO_SERVICE = "this endpoint calls no other endpoint: SERVICE is allowed for none"
SOME_SERVICES = "SERVICE is allowed for these endpoints only, each written in full: {}"
NESTED = "this query nests its groups or expressions too deeply{}; write it flatter"


class BoundedOutput:
    """Takes an answer: in memory while it is small, in a file (by its descriptor) above that, up to a limit."""

    def __init__(self, file: int, limits: Limits) -> None:
        self.size = 0
        self._file, self._limits = file, limits
        self._held = bytearray()
        self.filed = False

    def write(self, data: bytes, /) -> int:
        """Take the next bytes; raise Refusal where the answer becomes too large."""
        self.size += len(data)
        if self.size > self._limits.answer:
            detail = f"the answer is larger than {megabytes(self._limits.answer)}"
            raise Refusal(400, f"{detail}; add LIMIT, ask for less, or download the release as a file")
        self._held += data
        if len(self._held) > self._limits.held:
            self._spill()
        return len(data)

    def flush(self) -> None:
        """Do nothing: the bytes are passed on when they are complete."""

    def body(self) -> bytes:
        """Return the answer where it is held; empty where it is in the file, which is complete then."""
        if self.filed:
            self._spill()
        return bytes(self._held)

    def _spill(self) -> None:
        self.filed = True
        content, self._held = bytes(self._held), bytearray()
        try:
            while content:
                content = content[os.write(self._file, content) :]
        except OSError as error:
            detail = f"there is no room to write a large answer to ({error.strerror}); ask for less, or try again later"
            raise Refusal(503, detail, {"Retry-After": "60"}) from error


def answer(
    store: Store, question: Question, output: Output, limits: Limits, gateway: "Gateway | None" = None
) -> Format:
    """Write the answer to a question, complete, and return its format; raise Refusal where it cannot be answered.

    Endpoints of others are called through the gateway, where there is one.
    """
    _look_at(question.query, limits)
    default, named = _dataset(question)
    with _told(question.query, limits, gateway):
        results = store.query(
            gateway.admit(question.query) if gateway else question.query,
            base_iri=BASE,  # so that <id/organization/mic> is the ministry, as in a query that begins with this BASE
            default_graph=default,  # type: ignore[arg-type]
            named_graphs=named,  # type: ignore[arg-type]
        )
        format = negotiation.choose(negotiation.formats_of(results), question.accept, question.format)
        write_to(results, format, output)
    return format


@dataclass(frozen=True)
class Kind:
    """What a query has to be answered with: a format, and the variables of its rows; None where there are no rows."""

    format: Format
    variables: tuple[str, ...] | None


def kind_of(question: Question, limits: Limits) -> Kind:
    """Return of which kind the answer to a question is that another store is to give.

    Raise Refusal for what would be refused here, too: no valid query, or one that is not to be asked.
    """
    _look_at(question.query, limits)
    _dataset(question)
    with _told(question.query, limits):
        results = Store().query(question.query, base_iri=BASE)
        format = negotiation.choose(negotiation.formats_of(results), question.accept, question.format)
        if isinstance(results, QuerySolutions):
            return Kind(format, tuple(variable.value for variable in results.variables))
        return Kind(format, None)


@contextmanager
def _told(query: str, limits: Limits, gateway: "Gateway | None" = None) -> Iterator[None]:
    """Raise the errors of the engine as refusals."""
    try:
        yield
    except SyntaxError as error:
        if sparql_scanner.is_update(query):
            raise Refusal(400, f"this is an update and no query; {READ_ONLY}") from error
        raise Refusal(400, f"no valid SPARQL query: {error}") from error
    except NotAcceptable as error:
        raise not_acceptable(error) from error
    except RuntimeError as error:  # such as a function that nobody has defined
        raise Refusal(400, f"the engine cannot answer this query: {error}") from error
    except OSError as error:
        if not sparql_scanner.calls_service(query):
            raise
        raise (gateway and gateway.failure) or Refusal(403, no_service(limits)) from error


def not_acceptable(error: NotAcceptable) -> Refusal:
    """Return the refusal of a request whose formats cannot be had."""
    return Refusal(
        406, "; ".join(f"{problem.fact}; {problem.remedy}" for problem in error.problems), {"Vary": "Accept"}
    )


def _look_at(query: str, limits: Limits) -> None:
    """Refuse what an engine must not see."""
    if sparql_scanner.nests_deeper(query, limits.nesting):
        raise Refusal(400, NESTED.format(f": more than {limits.nesting} levels"))
    if sparql_scanner.has_more_unions(query, limits.unions):
        raise Refusal(400, f"this query has more than {limits.unions} UNIONs; write it with VALUES")
    if sparql_scanner.services(query) - {f"<{iri}>" for iri in limits.services}:
        raise Refusal(403, no_service(limits))


def no_service(limits: Limits) -> str:
    """Return the sentence for a question that calls what it may not."""
    return SOME_SERVICES.format(" ".join(f"<{iri}>" for iri in limits.services)) if limits.services else NO_SERVICE


def _dataset(question: Question) -> tuple[list[NamedNode] | None, list[NamedNode] | None]:
    """Return the default and the named graphs that a request names; they take the place of FROM and FROM NAMED."""
    if not question.default_graphs and not question.named_graphs:
        return None, None
    try:
        return [NamedNode(iri) for iri in question.default_graphs], [NamedNode(iri) for iri in question.named_graphs]
    except ValueError as error:
        raise Refusal(400, f"a graph is named by an absolute IRI: {error}") from error
