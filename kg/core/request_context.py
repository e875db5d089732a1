"""Request context for metrics and access log: source of the answer and text of the query.

It is stored in the state of the request (ASGI), which all of its handlers share.
"""

from dataclasses import dataclass

from starlette.types import Scope

# Source of an answer, as a label of the metrics: response cache; result cache; shared with a concurrent identical
# request; computed by a worker; computed by a worker because it must not be cached.
REPLAYED = "replayed"
CACHED = "kept"
SHARED = "shared"
COMPUTED = "asked"
UNCACHEABLE = "momentary"

_KEY = "remarks"


@dataclass(slots=True)
class RequestContext:
    """Source of the answer and text of the query; empty until a handler sets them."""

    source: str = ""
    query: str = ""


def request_context(scope: Scope) -> RequestContext:
    """Return the context of a request, to read or to write."""
    state = scope.setdefault("state", {})
    remarks: RequestContext | None = state.get(_KEY)
    if remarks is None:
        remarks = state[_KEY] = RequestContext()
    return remarks
