"""In-process HTTP response cache in front of the application (RFC 9111).

A release is immutable, and so is a response marked `public` in `Cache-Control`. It is stored as sent, compressed or
not, and replayed before the framework sees the request. Eviction is least recently used.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kg.engine.result_cache import REPLAYED, request_context

MB = 1 << 20

# Request headers in the cache key. Conditional and range requests are left to the application.
_NEGOTIATED = (b"accept", b"accept-encoding", b"accept-language", b"content-type")
_SPECIAL = (b"authorization", b"range", b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since")
_WITH_BODY = ("POST", "QUERY")
_LARGEST_BODY = 64 << 10
_OVERHEAD = 1024  # approximate memory of an entry besides its bytes
_HIT_HEADER = (b"server-timing", b"cache;desc=hit")

_Key = tuple[bytes, ...]


@dataclass(frozen=True)
class _CachedResponse:
    start: Message
    body: Message
    weight: int
    query: str


class ResponseCacheMiddleware:
    """Middleware that replays cached responses, and caches those of the application that allow it."""

    def __init__(self, application: ASGIApp, room: int = 64 * MB, largest: int = MB) -> None:
        """Cache responses of up to `largest` bytes each, `room` bytes together."""
        self._application = application
        self._capacity, self._largest = room, largest
        self._cached: OrderedDict[_Key, _CachedResponse] = OrderedDict()
        self._used = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request (ASGI)."""
        key, receive = await _cache_key(scope, receive)
        if key is None:
            await self._application(scope, receive, send)
        elif cached := self._cached.get(key):
            self._cached.move_to_end(key)
            remarks = request_context(scope)
            remarks.source, remarks.query = REPLAYED, cached.query
            await send(cached.start)
            await send(cached.body)
        else:
            remarks = request_context(scope)
            recorder = _Recorder(send, self._largest, lambda *sent: self._store(key, remarks.query, *sent))
            await self._application(scope, receive, recorder)

    def _store(self, key: _Key, query: str, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        replayed_headers = [_HIT_HEADER if name == _HIT_HEADER[0] else (name, value) for name, value in headers]
        start = {"type": "http.response.start", "status": status, "headers": replayed_headers}
        weight = len(body) + sum(map(len, key)) + len(query) + _OVERHEAD
        before = self._cached.pop(key, None)
        self._cached[key] = _CachedResponse(start, {"type": "http.response.body", "body": body}, weight, query)
        self._used += weight - (before.weight if before else 0)
        while self._used > self._capacity:
            _, evicted = self._cached.popitem(last=False)
            self._used -= evicted.weight


async def _cache_key(scope: Scope, receive: Receive) -> tuple[_Key | None, Receive]:
    """Return the cache key of a request, or None if it is not cacheable; and a way to receive its body again."""
    if scope["type"] != "http" or scope["method"] not in ("GET", *_WITH_BODY):
        return None, receive
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _SPECIAL:
            return None, receive
        if name in _NEGOTIATED or name == b"content-length":
            headers[name] = headers[name] + b"," + value if name in headers else value
    body = b""
    if scope["method"] in _WITH_BODY:
        size = headers.get(b"content-length", b"")
        if not size.isdigit() or int(size) > _LARGEST_BODY:
            return None, receive
        body, receive = await _read_body(receive)
    negotiated = (headers.get(name, b"") for name in _NEGOTIATED)
    return (
        scope["method"].encode(),
        scope.get("raw_path") or scope["path"].encode(),
        scope["query_string"],
        body,
        *negotiated,
    ), receive


async def _read_body(receive: Receive) -> tuple[bytes, Receive]:
    """Return the body of a request, and a way to receive it a second time."""
    ahead: list[Message] = []
    body = b""
    while True:
        message = await receive()
        ahead.append(message)
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body"):
            break
    ahead.reverse()

    async def again() -> Message:
        return ahead.pop() if ahead else await receive()

    return body, again


class _Recorder:
    """Forwards a response and stores it if it is cacheable and complete."""

    def __init__(self, send: Send, largest: int, keep: Callable[[int, list[tuple[bytes, bytes]], bytes], None]) -> None:
        self._send, self._largest, self._store = send, largest, keep
        self._start: Message | None = None
        self._body = b""

    def __call__(self, message: Message) -> Awaitable[None]:
        """Forward one message of the response (ASGI)."""
        if message["type"] == "http.response.start":
            self._start = message if _is_cacheable(message) else None
        elif self._start and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if len(self._body) > self._largest:
                self._start, self._body = None, b""
            elif not message.get("more_body"):
                self._store(self._start["status"], list(self._start["headers"]), self._body)
        elif message["type"] != "http.response.body":
            self._start = None  # a file sent by a server extension; its bytes are not available here
        return self._send(message)


def _is_cacheable(start: Message) -> bool:
    """Return whether a response is cacheable for all clients: status 200, `public`, no cookie."""
    headers = {name.lower(): value.lower() for name, value in start["headers"]}
    control = headers.get(b"cache-control", b"")
    return start["status"] == 200 and b"public" in control and b"set-cookie" not in headers
