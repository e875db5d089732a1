"""Middleware that compresses responses with gzip where the client accepts it (RFC 9110, 8.4 and 12.5.3).

The framework's own middleware is not used: it sends gzip to clients that refuse it by `gzip;q=0`, keeps the entity tag
of the uncompressed form on the compressed one, and answers HEAD for a file differently from GET.
"""

import re
import zlib
from collections.abc import Iterable

from anyio.to_thread import run_sync
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

GZIP = "gzip"
# Smaller responses fit into one packet uncompressed.
_SMALLEST = 1024
# From this size on, other requests are served while one is compressed.
_LARGE = 32 * 1024
_LEVEL = 6
_GZIP_HEADER = 16 + zlib.MAX_WBITS  # gzip format with the largest window; without file name and time stamp
_TEXTS = re.compile(
    r"text/.+|application/(?:.+\+)?(?:json|xml)|application/(?:n-triples|n-quads|trig|javascript)|image/svg\+xml"
)
# Statuses of responses that are never compressed: without content, and ranges.
_NEVER_COMPRESSED = {204, 206, 304}
_SUFFIX = "-gzip"
_TAG = re.compile(r'"([^"]*)"')


def prefers_gzip(accept_encoding: str) -> bool:
    """Return whether an `Accept-Encoding` header ranks gzip at least as high as no compression."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        try:
            weights[coding] = float(next((p[2:] for p in parameters if p.startswith("q=")), 1))
        except ValueError:
            continue
    other = weights.get("*", 0)
    weight = weights.get(GZIP, weights.get("x-gzip", other))
    return weight > 0 and weight >= weights.get("identity", other)


def gzip_bytes(content: bytes) -> bytes:
    """Return the content as gzip; deterministic: no file name, no time stamp."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_HEADER)
    return compressor.compress(content) + compressor.flush()


def is_compressible(content_type: str) -> bool:
    """Return whether content of this type becomes smaller: true for text, false for images and office files."""
    return bool(_TEXTS.fullmatch(content_type.partition(";")[0].strip().lower()))


class CompressionMiddleware:
    """Middleware that compresses responses. Compressed forms have their own entity tags (RFC 9110, 8.8.3.3)."""

    def __init__(self, application: ASGIApp) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request (ASGI); the response is compressed where the client prefers that and it pays off."""
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        request = Headers(scope=scope)
        client_tags = _tags(request.getlist("if-none-match"))
        answer = _CompressingResponse(
            send, scope["method"], prefers_gzip(",".join(request.getlist("accept-encoding"))), client_tags
        )
        # The application knows only its own tags.
        plain = [(name, _without_suffix(name, value)) for name, value in scope["headers"]]
        await self.application({**scope, "headers": plain}, receive, answer.send)


class _CompressingResponse:
    """One response being sent. Its headers wait for the first piece of the body, which shows whether more follows."""

    def __init__(self, send: Send, method: str, gzip: bool, client_tags: set[str]) -> None:
        self._send = send
        self._method = method
        self._gzip = gzip
        self._client_tags = client_tags
        self._start: Message | None = None
        self._compressor: zlib._Compress | None = None

    async def send(self, message: Message) -> None:
        """Forward a message of the application, compressed if necessary."""
        if message["type"] == "http.response.start":
            if self._prepare(message):
                self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_HEADER)
            self._start = message
        elif message["type"] == "http.response.body" and self._compressor:
            await self._send_compressed(message)
        else:
            await self._begin()
            await self._send(message)

    def _prepare(self, start: Message) -> bool:
        """Adapt the headers to the form that will be sent; return whether that is the compressed one."""
        headers = MutableHeaders(scope=start)
        if start["status"] == 304:
            add_vary(headers, "Accept-Encoding")
            if self._gzip and _suffixed(headers.get("etag", "")) in self._client_tags:
                headers["ETag"] = _suffixed(headers["etag"])
        if start["status"] in _NEVER_COMPRESSED or "content-encoding" in headers:
            return False
        length = int(headers.get("content-length", _SMALLEST))
        if length < _SMALLEST or not is_compressible(headers.get("content-type", "")):
            return False
        add_vary(headers, "Accept-Encoding")
        if not self._gzip:
            return False
        headers["Content-Encoding"] = GZIP
        if "etag" in headers:
            headers["ETag"] = _suffixed(headers["etag"])
        # A response compressed while being sent has no known length and no ranges.
        for name in ("Content-Length", "Accept-Ranges"):
            if name in headers:
                del headers[name]
        return True

    async def _send_compressed(self, message: Message) -> None:
        body, more = message.get("body", b""), message.get("more_body", False)
        squeezed = await run_sync(self._compress, body, more) if len(body) >= _LARGE else self._compress(body, more)
        # The response to HEAD for a file has no body to take the length from.
        if self._start is not None and not more and (body or self._method != "HEAD"):
            MutableHeaders(scope=self._start)["Content-Length"] = str(len(squeezed))
        await self._begin()
        await self._send({**message, "body": squeezed if body or self._method != "HEAD" else b""})

    def _compress(self, body: bytes, more: bool) -> bytes:
        assert self._compressor is not None
        return self._compressor.compress(body) + (b"" if more else self._compressor.flush())

    async def _begin(self) -> None:
        if self._start is not None:
            start, self._start = self._start, None
            await self._send(start)


def add_vary(headers: MutableHeaders, name: str) -> None:
    """Add a request header to `Vary`."""
    names = ", ".join(headers.getlist("vary"))
    if name.lower() not in re.split(r"\s*,\s*", names.lower()):
        headers["Vary"] = f"{names}, {name}" if names else name


def _suffixed(etag: str) -> str:
    return f'{etag[:-1]}{_SUFFIX}"' if etag.endswith('"') else etag


def _tags(values: Iterable[str]) -> set[str]:
    return {f'"{tag}"' for value in values for tag in _TAG.findall(value)}


def _without_suffix(name: bytes, value: bytes) -> bytes:
    # Not in If-Range: a response compressed while being sent cannot be resumed.
    return value.replace(_SUFFIX.encode() + b'"', b'"') if name in (b"if-none-match", b"if-match") else value
