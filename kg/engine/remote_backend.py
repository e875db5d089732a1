"""The answer to one question, from a store elsewhere: the text is looked at here, asked there, the results read here.

What the store sends is never passed on as it comes: it is read while it arrives and written in the form that was asked
for, so that all stores answer in the same forms, and an answer that breaks off is an error instead of a short one.
"""

from collections.abc import Callable, Iterable
from typing import IO, cast

import httpx
from pyoxigraph import QueryBoolean, QueryResultsFormat, QuerySolutions, RdfFormat, Store, parse, parse_query_results

from kg.core.errors import StoreError
from kg.core.iris import BASE
from kg.core.negotiation import JSON, N_TRIPLES, Format, NotAcceptable, Output, Results
from kg.core.result_serializers import write_to
from kg.core.sparql_scanner import Dataset, without_dataset
from kg.engine.data_source import Limits
from kg.engine.query_evaluator import Kind, kind_of, not_acceptable
from kg.engine.release_watcher import holding_of
from kg.engine.remote_release import Held
from kg.engine.result_reader import only, yes_or_no
from kg.engine.store_client import Connection, unreadable
from kg.engine.wire import Question, Refusal, Superseded

_START = 300.0  # seconds that the store may take for what is asked once, at the start
_SIZE = "SELECT (COUNT(*) AS ?size) { ?s ?p ?o }"


def opening(held: Held, limits: Limits) -> tuple[Callable[[], "RemoteStore"], int]:
    """Return what opens a store in a worker, and how many triples a plain query counts there.

    Raise StoreError where the store does not say, or cuts answers before all of the release is told.
    """
    with Connection(held.address, max(limits.seconds, _START)) as connection:
        dataset = held.holding.dataset(Dataset())
        size = int(connection.rows(_SIZE, dataset)[0]["size"])
        connection.gives_whole(dataset, size)
    return lambda: RemoteStore(held, limits), size


class RemoteStore:
    """What a store elsewhere holds, for one process that asks one question at a time."""

    def __init__(self, held: Held, limits: Limits) -> None:
        self._holding, self._limits = held.holding, limits
        self._connection = Connection(held.address, limits.seconds)

    def answer(self, question: Question, output: Output) -> Format:
        """Write the answer to a question, complete, and return its format.

        Raise Refusal where it cannot be answered, Superseded where the store holds another release by now.
        """
        kind = kind_of(question, self._limits)
        format = kind.format
        text, dataset = without_dataset(question.query, BASE)
        if question.default_graphs or question.named_graphs:
            dataset = Dataset(question.default_graphs, question.named_graphs)
        accept = N_TRIPLES if isinstance(format.writer, RdfFormat) else JSON
        try:
            query = f"BASE <{BASE}> {self._fitting(text)}"
            with self._connection.asked(query, self._holding.dataset(dataset), accept.media_type) as response:
                write_to(self._results(response, kind), format, output)
            if holding_of(self._connection) != self._holding:
                raise Superseded
        except NotAcceptable as error:
            raise not_acceptable(error) from error
        except StoreError as error:
            raise _refusal(error) from error
        except (SyntaxError, ValueError) as error:  # of the parsers
            raise _refusal(unreadable("it breaks off, or is no answer")) from error
        return format

    def _fitting(self, text: str) -> str:
        """Return a query as the engine of the store is to be asked it; as it is where that would be no query."""
        fitting = self._connection.engine.text(text)
        try:
            Store().query(fitting, base_iri=BASE)
        except SyntaxError:
            return text
        return fitting

    def _results(self, response: httpx.Response, kind: Kind) -> Results:
        """Return the results that a response holds, which are read while they are written.

        Of which kind they are is for the query to say: engines answer ASK by a row, and add variables of their own.
        """
        if isinstance(kind.format.writer, RdfFormat):
            return (quad.triple for quad in parse(_file(response.iter_bytes()), format=RdfFormat.N_TRIPLES))
        results = _read(self._connection.engine.mended(response.iter_bytes()))
        if kind.variables is None:
            return results if isinstance(results, QueryBoolean) else _read([yes_or_no(results)])
        if isinstance(results, QueryBoolean):
            raise ValueError("a truth value where rows should be")
        variables = tuple(variable.value for variable in results.variables)
        return results if variables == kind.variables else _read(only(results, kind.variables))


class _Body:
    """The pieces of a body as a file that the parsers read."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces, self._left = iter(pieces), b""

    def read(self, size: int = -1) -> bytes:
        """Return some of the next bytes; none at the end."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._left = piece
        end = len(self._left) if size < 0 else size
        taken, self._left = self._left[:end], self._left[end:]
        return taken


def _file(pieces: Iterable[bytes]) -> IO[bytes]:
    return cast(IO[bytes], _Body(pieces))  # the parsers call read() only


def _read(pieces: Iterable[bytes]) -> QuerySolutions | QueryBoolean:
    return parse_query_results(_file(pieces), QueryResultsFormat.JSON)


def _refusal(error: StoreError) -> Refusal:
    text = "; ".join(f"{problem.fact}; {problem.remedy}" for problem in error.problems)
    return Refusal(error.status, text, {"Retry-After": "5"} if error.status in (502, 503) else None)
