"""Answers that are sent again: an HTTP cache in front of the application, inside the process (RFC 9111).

A release never changes, so neither does an answer that says by its `Cache-Control` that anybody may keep it. It is kept
as it was sent, compressed or not, and sent again before the framework sees the request. The least recently asked goes
first where room is needed.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kg.engine.result_cache import REPLAYED, request_context

MB = 1 << 20

# What an answer may depend on besides its address. Conditional and partial requests are left to the application.
_NEGOTIATED = (b"accept", b"accept-encoding", b"accept-language", b"content-type")
_SPECIAL = (b"authorization", b"range", b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since")
_WITH_BODY = ("POST", "QUERY")
_LARGEST_BODY = 64 << 10
_OVERHEAD = 1024  # what an entry takes besides its bytes, roughly
_TOLD = (b"server-timing", b"cache;desc=hit")

_Key = tuple[bytes, ...]


@dataclass(frozen=True)
class _Kept:
    start: Message
    body: Message
    weight: int
    query: str


class Replayed:
    """Sends an answer again that was kept, else lets the application answer and keeps what may be kept."""

    def __init__(self, application: ASGIApp, room: int = 64 * MB, largest: int = MB) -> None:
        """Keep answers of up to `largest` bytes each, `room` bytes together."""
        self._application = application
        self._room, self._largest = room, largest
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._used = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        key, receive = await _asked(scope, receive)
        if key is None:
            await self._application(scope, receive, send)
        elif kept := self._kept.get(key):
            self._kept.move_to_end(key)
            remarks = request_context(scope)
            remarks.source, remarks.query = REPLAYED, kept.query
            await send(kept.start)
            await send(kept.body)
        else:
            remarks = request_context(scope)
            recorder = _Recorder(send, self._largest, lambda *sent: self._keep(key, remarks.query, *sent))
            await self._application(scope, receive, recorder)

    def _keep(self, key: _Key, query: str, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        told = [_TOLD if name == _TOLD[0] else (name, value) for name, value in headers]
        start = {"type": "http.response.start", "status": status, "headers": told}
        weight = len(body) + sum(map(len, key)) + len(query) + _OVERHEAD
        before = self._kept.pop(key, None)
        self._kept[key] = _Kept(start, {"type": "http.response.body", "body": body}, weight, query)
        self._used += weight - (before.weight if before else 0)
        while self._used > self._room:
            _, gone = self._kept.popitem(last=False)
            self._used -= gone.weight


async def _asked(scope: Scope, receive: Receive) -> tuple[_Key | None, Receive]:
    """Return what a request asks, or None where its answer is not to be kept; and the way to receive it again."""
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
        body, receive = await _read(receive)
    negotiated = (headers.get(name, b"") for name in _NEGOTIATED)
    return (
        scope["method"].encode(),
        scope.get("raw_path") or scope["path"].encode(),
        scope["query_string"],
        body,
        *negotiated,
    ), receive


async def _read(receive: Receive) -> tuple[bytes, Receive]:
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
    """Passes an answer on and, where it may be kept and is whole, hands it over."""

    def __init__(self, send: Send, largest: int, keep: Callable[[int, list[tuple[bytes, bytes]], bytes], None]) -> None:
        self._send, self._largest, self._keep = send, largest, keep
        self._start: Message | None = None
        self._body = b""

    def __call__(self, message: Message) -> Awaitable[None]:
        """Take one message of the answer (ASGI)."""
        if message["type"] == "http.response.start":
            self._start = message if _may_be_kept(message) else None
        elif self._start and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if len(self._body) > self._largest:
                self._start, self._body = None, b""
            elif not message.get("more_body"):
                self._keep(self._start["status"], list(self._start["headers"]), self._body)
        elif message["type"] != "http.response.body":
            self._start = None  # an extension of the server sends a file: its bytes are not seen here
        return self._send(message)


def _may_be_kept(start: Message) -> bool:
    """Whether an answer says that anybody may keep it, for every client that asks just this."""
    headers = {name.lower(): value.lower() for name, value in start["headers"]}
    control = headers.get(b"cache-control", b"")
    return start["status"] == 200 and b"public" in control and b"set-cookie" not in headers
