"""Virtuoso 7 (Open Source).

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

import re
from collections.abc import Iterable, Iterator, Mapping

import httpx

from kg.core.errors import Problem, StoreError
from kg.core.sparql_rewriter import begins_paths_with_several, with_equations
from kg.engine.store_dialects import Engine

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
