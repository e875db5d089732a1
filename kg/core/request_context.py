"""What is remarked about a request on its way, for the metrics and the log: whoever knows something notes it.

The notes lie in the state of the request (ASGI), which all that handle it share.
"""

from dataclasses import dataclass

from starlette.types import Scope

# How an answer was had: sent again as it was sent before; kept; shared with another request that asked the same;
# asked of a worker; asked anew because it depends on the moment.
REPLAYED = "replayed"
CACHED = "kept"
SHARED = "shared"
COMPUTED = "asked"
UNCACHEABLE = "momentary"

_KEY = "remarks"


@dataclass(slots=True)
class RequestContext:
    """How the answer was had, and the text of the query; empty where nobody has noted it."""

    source: str = ""
    query: str = ""


def request_context(scope: Scope) -> RequestContext:
    """Return the notes of a request, to read or to write."""
    state = scope.setdefault("state", {})
    remarks: RequestContext | None = state.get(_KEY)
    if remarks is None:
        remarks = state[_KEY] = RequestContext()
    return remarks
