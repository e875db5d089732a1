"""The headers that every answer has, whoever makes it."""

from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What a browser may do with an answer that names no policy of its own: show it. An RDF/XML answer can carry markup in
# its literals, a problem document what was asked.
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_POLICY = "Content-Security-Policy"

EVERYWHERE = {
    # Pages of every site may read everything; no credentials are involved anywhere.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "Accept-Ranges, Content-Disposition, Content-Encoding, Content-Location, Content-Range, ETag, Link, Retry-After"
    ),
    "X-Content-Type-Options": "nosniff",
    # A query stands in the address of its answer; the sites that an answer links to need not know it.
    "Referrer-Policy": "same-origin",
    _POLICY: _NOTHING,
}


def encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers as the server sends them (ASGI)."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


class HeadersEverywhere:
    """Adds these headers to every answer. A page that has a policy of its own keeps it."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application
        self._policy = _POLICY.lower().encode()
        self._all = encoded(EVERYWHERE)
        self._others = [(name, value) for name, value in self._all if name != self._policy]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, with these headers (ASGI)."""

        def send_with_headers(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                there = list(message.get("headers", ()))
                own = any(name.lower() == self._policy for name, _ in there)
                message["headers"] = [*there, *(self._others if own else self._all)]
            return send(message)

        await self._application(scope, receive, send_with_headers)
