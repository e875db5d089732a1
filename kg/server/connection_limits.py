"""HTTP/1.1 connections with limits of time, size and number (RFC 9110, 9112).

The parser has no limits, and uvicorn does not close connections that are merely slow. So each connection has a
deadline by which its client must send the next head, the rest of a body or, between two requests, anything at all. A
guard over all connections of a server closes slow ones, and makes room when there are too many.

Head and body of a response are written together: if the head were sent alone, a server that dies right after it would
leave half a response, which no proxy can retry at another server. Closing lingers: if a connection were reset while its
client is still sending, the client would not see the reason (RFC 9112, 9.6).
"""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from heapq import nsmallest
from http import HTTPStatus
from math import inf
from operator import attrgetter
from typing import Any, Protocol

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kg.http.conditional_requests import COMMON_HEADERS, encode_headers

KB = 1 << 10
_TICK = 0.5
_CLOSED_AT_ONCE = 8


@dataclass(frozen=True)
class ConnectionLimits:
    """Limits of connections; sizes in bytes, times in seconds."""

    connections: int = 1000
    address: int = 64 * KB
    headers: int = 32 * KB
    fields: int = 100
    pipelined: int = 16
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    # Longer than the keep-alive of proxies, so that the proxy closes first and does not reuse a closed connection.
    idle_seconds: float = 75.0
    # A client that reads nothing for so long is considered gone.
    stalled_seconds: float = 60.0
    # After an early refusal a client may still be sending; if it were cut off at once, it would not see the refusal.
    lingering_seconds: float = 2.0


class GuardedConnection(Protocol):
    """A connection under the control of the guard.

    `waiting_since` is the time since which it has waited for its client, infinite while the client waits for it;
    `stalled_since` is the time since which the client has not read, infinite while it reads.
    """

    loop: asyncio.AbstractEventLoop
    waiting_since: float
    stalled_since: float

    def check_deadline(self, now: float) -> None:
        """Close the connection if its deadline has passed."""

    def make_room(self) -> None:
        """Close the connection at once."""


class ConnectionGuard:
    """Registry of the connections of one server. `ended` is called with the reason of each early close."""

    def __init__(self, limits: ConnectionLimits, ended: Callable[[str], None] = lambda reason: None) -> None:
        self.limits, self.ended = limits, ended
        self._all: set[GuardedConnection] = set()
        self._clock: asyncio.TimerHandle | None = None

    def enter(self, connection: GuardedConnection) -> bool:
        """Register a connection; return False if there is no room and none can be made."""
        if len(self._all) >= self.limits.connections and not self._make_room():
            return False
        self._all.add(connection)
        if self._clock is None:
            self._clock = connection.loop.call_later(_TICK, self._check_deadlines, connection.loop)
        return True

    def leave(self, connection: GuardedConnection) -> None:
        """Unregister a closed connection."""
        self._all.discard(connection)

    def _make_room(self) -> bool:
        """Close connections that have waited longest for their clients to send, else to read; return whether any."""
        # Several at once, since searching all connections takes a while.
        for since in (attrgetter("waiting_since"), attrgetter("stalled_since")):
            longest = [each for each in nsmallest(_CLOSED_AT_ONCE, self._all, key=since) if since(each) < inf]
            for connection in longest:
                self.ended("crowded")
                self.leave(connection)
                connection.make_room()
            if longest:
                return True
        return False

    def _check_deadlines(self, loop: asyncio.AbstractEventLoop) -> None:
        """Check all connections; repeat as long as there are any."""
        now = loop.time()
        for connection in [*self._all]:
            connection.check_deadline(now)
        self._clock = loop.call_later(_TICK, self._check_deadlines, loop) if self._all else None


_SMALL_WRITE = 8192  # bytes of writes that are joined; no head is longer


class LingeringTransport(asyncio.Transport):
    """A transport that joins small writes, and closes only its writing half first while its client is `sending`.

    `linger` is called in that case.
    """

    def __init__(self, transport: asyncio.Transport, sending: Callable[[], bool], linger: Callable[[], None]) -> None:
        super().__init__()
        self._transport, self._sending, self._linger = transport, sending, linger
        self._buffered = b""
        self._soon = asyncio.get_running_loop().call_soon
        # Methods called for each request are delegated without a wrapper.
        self.is_closing = transport.is_closing  # type: ignore[method-assign]
        self.pause_reading = transport.pause_reading  # type: ignore[method-assign]
        self.resume_reading = transport.resume_reading  # type: ignore[method-assign]

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write bytes; small ones are joined with those written in the same turn of the event loop (asyncio)."""
        if self._buffered:
            data, self._buffered = b"".join((self._buffered, data)), b""
        elif len(data) < _SMALL_WRITE:
            self._buffered = bytes(data)
            self._soon(self._send)
            return
        self._transport.write(data)

    def _send(self) -> None:
        buffered, self._buffered = self._buffered, b""
        if buffered:
            self._transport.write(buffered)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return information about the transport (asyncio)."""
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that the client has not read yet (asyncio)."""
        return len(self._buffered) + self._transport.get_write_buffer_size()

    def close(self) -> None:
        """Close after all is written; only the writing half while the client is still sending (asyncio)."""
        if self.is_closing():
            return
        self._send()
        if self._sending():
            self.is_closing = lambda: True  # type: ignore[method-assign]
            self._transport.write_eof()
            self._linger()
        else:
            self._transport.close()

    def abort(self) -> None:
        """Close at once, discarding buffered data (asyncio)."""
        self._buffered = b""
        self._transport.abort()


_VERSIONS = ("1.1", "1.0")
_FRAMING = (b"content-length", b"transfer-encoding")
# `Host` (RFC 9110, 7.2): a name, or an address in brackets, and a port.
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?")
# Allowance for the parts of a head besides URL and fields.
_REQUEST_LINE_ALLOWANCE = 4 * KB
_MALFORMED = 400, "this is not a request of HTTP/1.1"
_INVALID_URL = 400, "the URL of this request is invalid; percent-encode spaces and non-ASCII characters, as UTF-8"
_UNKNOWN_METHOD = 501, "the method is not supported; use GET, HEAD, POST, QUERY or OPTIONS"


class Connection(HttpToolsProtocol):
    """An HTTP/1.1 connection that is closed if its client is too slow or sends too much."""

    def __init__(self, *arguments: Any, guard: ConnectionGuard, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._guard, self._limits = guard, guard.limits
        self._send_deadline = self.waiting_since = inf
        self._read_deadline = self.stalled_since = inf
        # Whether a request is in progress, and whether its head is being received.
        self._receiving = self._in_head = False
        self._discarding = self._muted = False
        self._size = self._fields = self._pieces = self._unread = 0
        self._refusal: tuple[int, str] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Register a new connection (asyncio.Protocol)."""
        super().connection_made(LingeringTransport(transport, lambda: self._receiving, self._linger))
        if self._guard.enter(self):
            self._wait(self._limits.head_seconds)
        else:
            self._refuse(503, "the server has too many connections; try again later", "crowded")

    def connection_lost(self, exc: Exception | None) -> None:
        """Unregister a closed connection (asyncio.Protocol)."""
        self._guard.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed received bytes to the parser (asyncio.Protocol)."""
        if self._discarding:
            return
        self._unset_keepalive_if_required()
        goes_on = self._in_head
        try:
            try:
                self.parser.feed_data(data if self._receiving else _with_escapes(data))
            except httptools.HttpParserUpgrade as offer:
                self._ignore_upgrade(data, offer)
        except httptools.HttpParserInvalidMethodError:
            self._refuse(*_UNKNOWN_METHOD, "malformed")
        except httptools.HttpParserInvalidURLError:
            self._refuse(*(self._refusal or _INVALID_URL), "malformed")
        except httptools.HttpParserError:
            status, detail = self._refusal or _MALFORMED
            self._refuse(status, detail, "too large" if status in (413, 414, 431) else "malformed")
        else:
            # The parser reports complete fields only, so incomplete ones are counted here.
            self._pieces += len(data) if goes_on and self._in_head else 0
            if self._pieces > self._limits.address + self._limits.headers + _REQUEST_LINE_ALLOWANCE:
                self._refuse(*self._too_large(), "too large")

    def on_message_begin(self) -> None:
        """Handle the start of a request (httptools)."""
        if not self._muted:
            super().on_message_begin()
            self._receiving = self._in_head = True
            self._size = self._fields = self._pieces = 0
            self._send_deadline = self.loop.time() + self._limits.head_seconds

    def on_url(self, url: bytes) -> None:
        """Handle a part of the URL; refuse one that is too long (httptools)."""
        if not self._muted:
            super().on_url(url)
            if len(self.url) > self._limits.address:
                limit = f"{self._limits.address // KB} KB"
                self._abort_parsing(414, f"the URL of this request is longer than {limit}; send a long query by POST")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Handle a header field; trailer fields after the body are ignored (httptools)."""
        if self._in_head and not self._muted:
            self._size += len(name) + len(value)
            self._fields += 1
            if self._size > self._limits.headers or self._fields > self._limits.fields:
                self._abort_parsing(*self._too_large())
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Handle the end of the head (httptools)."""
        if not self._muted:
            if self.parser.get_http_version() not in _VERSIONS:
                self._abort_parsing(505, "the HTTP version is not supported; use 1.1 or 1.0")
            self._check_head()
            super().on_headers_complete()
            self._in_head = False
            self._send_deadline = self.loop.time() + self._limits.body_seconds
            if len(self.pipeline) > self._limits.pipelined:
                self._abort_parsing(400, "too many pipelined requests; wait for responses")

    def on_message_complete(self) -> None:
        """Handle the end of a request (httptools)."""
        if self.parser.should_upgrade():
            return  # its body is still to come: see `_ignore_upgrade`
        super().on_message_complete()
        self._receiving = False
        self._send_deadline = self.waiting_since = inf
        if self.cycle.response_complete:
            self._wait(self._limits.idle_seconds)

    def on_response_complete(self) -> None:
        """Set the deadline of the next step after a response (uvicorn)."""
        super().on_response_complete()
        limits = self._limits
        if self.transport.is_closing():
            return
        if self._in_head:
            self._wait(limits.head_seconds)
        elif self._receiving:
            # The body of the next request, or of one refused early, whose client may go on sending for a moment.
            self._wait(limits.lingering_seconds if self.cycle.response_complete else limits.body_seconds)
        elif self.cycle.response_complete:
            self._wait(limits.idle_seconds)

    def pause_writing(self) -> None:
        """Start the deadline of a client that does not read (asyncio.Protocol)."""
        super().pause_writing()
        self.stalled_since = self.loop.time()
        self._read_deadline = self.stalled_since + self._limits.stalled_seconds
        self._unread = self.transport.get_write_buffer_size()

    def resume_writing(self) -> None:
        """Clear the deadline of a client that reads again (asyncio.Protocol)."""
        self._read_deadline = self.stalled_since = inf
        super().resume_writing()

    def check_deadline(self, now: float) -> None:
        """Close or refuse a request whose deadline has passed."""
        if self._read_deadline < now:
            before, self._unread = self._unread, self.transport.get_write_buffer_size()
            if self._unread < before:  # slow, but not gone
                self._read_deadline = now + self._limits.stalled_seconds
                return
            self._guard.ended("stalled")
            self.transport.abort()
        elif (
            self._send_deadline < now and not self.pipeline
        ):  # pipelined requests wait for the server, not for the client
            if self._discarding or (
                self._receiving and self.cycle and self.cycle.response_complete and not self._in_head
            ):
                self.transport.abort()  # the refusal was sent, and there was time to read it
            elif self._receiving:
                seconds = self._limits.head_seconds if self._in_head else self._limits.body_seconds
                self._refuse(408, f"this request was not complete after {seconds:g} seconds", "slow")
            else:
                self.transport.close()

    def make_room(self) -> None:
        """Close the connection in favour of another one."""
        self.transport.abort()

    def _ignore_upgrade(self, data: bytes, offer: httptools.HttpParserUpgrade) -> None:
        """Continue in HTTP/1.1 if a head offers another protocol, which may be ignored (RFC 9110, 7.8).

        Java's client offers HTTP/2 with its first request. The parser takes what follows for that protocol, so another
        parser continues with the body, from a synthetic head with its framing only.
        """
        remaining = data[offer.args[0] :]
        framing = b"".join(b"%b: %b\r\n" % header for header in self.headers if header[0] in _FRAMING)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self._muted = True
        self.parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n")
        self._muted = False
        if remaining:
            self.data_received(remaining)

    def _check_head(self) -> None:
        """Fail if a head has no valid Host (RFC 9112, 3.2), or an unknown transfer coding.

        The only supported transfer coding is `chunked` (RFC 9112, 6.1).
        """
        hosts = [value for name, value in self.headers if name == b"host"]
        if not hosts and self.parser.get_http_version() == "1.1":
            self._abort_parsing(400, "this request has no Host header; send one")
        if len(hosts) > 1:
            self._abort_parsing(400, "this request has more than one Host header; send one")
        if hosts and not _HOST.fullmatch(hosts[0]):
            self._abort_parsing(400, "the Host header is invalid; it takes a name or an address, and optionally a port")
        codings = b",".join(value for name, value in self.headers if name == b"transfer-encoding")
        if codings and codings.strip().lower() != b"chunked":
            self._abort_parsing(501, "the transfer coding is not supported; send the body without one, or chunked")

    def _wait(self, seconds: float) -> None:
        """Set the deadline of the client, in seconds from now."""
        self.waiting_since = self.loop.time()
        self._send_deadline = self.waiting_since + seconds

    def _linger(self) -> None:
        """Discard what the client still sends, for a while."""
        self._discarding = True
        self.flow.resume_reading()
        self._wait(self._limits.lingering_seconds)

    def _abort_parsing(self, status: int, detail: str) -> None:
        """Stop the parser, which then raises an error of its own."""
        self._refusal = status, detail
        raise ValueError(detail)

    def _too_large(self) -> tuple[int, str]:
        limits = self._limits
        return 431, f"a request may have {limits.fields} header fields, of {limits.headers // KB} KB together"

    def _refuse(self, status: int, detail: str, reason: str) -> None:
        """Send a problem document (RFC 9457) and close; a response in progress is completed first."""
        self._guard.ended(reason)
        self._discarding = True
        cycle = self.cycle
        if self.pipeline:
            self.transport.abort()
            return
        if cycle and not cycle.response_complete:
            if self._in_head or not self._receiving or cycle.response_started:
                cycle.keep_alive = False
                return
            # Disconnect the application: the response is sent from here.
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.write(_problem(status, detail))
        self.transport.close()


def _with_escapes(data: bytes) -> bytes:
    """Percent-encode non-ASCII characters in the first line of a request.

    curl sends a typed URL unescaped. Bytes that are not UTF-8 are left unchanged, and refused.
    """
    line, end, remaining = data.partition(b"\n")
    if line.isascii():
        return data
    try:
        line.decode()
    except UnicodeDecodeError:
        return data
    return re.sub(rb"[\x80-\xff]", lambda byte: b"%%%02X" % byte[0][0], line) + end + remaining


def _problem(status: int, detail: str) -> bytes:
    """Return a complete response that ends the connection."""
    phrase = HTTPStatus(status).phrase
    body = json.dumps({"type": "about:blank", "title": phrase, "status": status, "detail": detail}).encode()
    fields = {"Content-Type": "application/problem+json", "Content-Length": str(len(body)), "Connection": "close"}
    if status == 503:
        fields["Retry-After"] = "5"
    lines = b"".join(b"%b: %b\r\n" % field for field in encode_headers({**fields, **COMMON_HEADERS}))
    return f"HTTP/1.1 {status} {phrase}\r\n".encode() + lines + b"\r\n" + body
