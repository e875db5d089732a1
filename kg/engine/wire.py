"""Wire format between the server process and a worker: a query request, and an answer or a refusal.

A message is a JSON object and a body of bytes, each preceded by its size. It is not a pickle: a worker runs hostile
queries, and JSON cannot execute anything when it is read.
"""

import json
import os
import socket
import struct
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_SIZES = struct.Struct("!II")


class Refusal(Exception):
    """Refused request: an HTTP status and a message that says what to do."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


class ReleaseReplaced(BaseException):
    """The external store now holds another release than the one that was queried.

    Not an Exception: like a cancellation it passes all error handlers, up to where the request is repeated.
    """


@dataclass(frozen=True)
class QueryRequest:
    """Parsed SPARQL request: query, dataset, and format by name or by Accept header."""

    query: str
    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()
    format: str | None = None
    accept: str | None = None

    def pack(self) -> bytes:
        """Return the request as a packed message."""
        return pack(vars(self))

    @classmethod
    def of(cls, message: dict[str, Any]) -> "QueryRequest":
        """Return the request from the header of a message."""
        graphs = {name: tuple(message[name]) for name in ("default_graphs", "named_graphs")}
        return cls(**{**message, **graphs})


class AnswerFile:
    """File with an answer. Several can read it at once; it is closed with its last reference."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.close = weakref.finalize(self, os.close, descriptor)

    def read(self, size: int, start: int) -> bytes:
        """Return up to `size` bytes from an offset."""
        return os.pread(self._descriptor, size, start)


@dataclass(frozen=True)
class Answer:
    """Complete answer: its bytes, or for a large one the file whose first `size` bytes it is."""

    content_type: str
    size: int
    body: bytes = b""
    file: AnswerFile | None = None


def pack(header: Mapping[str, object], body: bytes = b"") -> bytes:
    """Encode a message."""
    head = json.dumps(header).encode()
    return _SIZES.pack(len(head), len(body)) + head + body


class Unpacker:
    """Incremental decoder of messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Add received data and yield each message that is complete now."""
        self._buffer += data
        while len(self._buffer) >= _SIZES.size:
            head, body = _SIZES.unpack_from(self._buffer)
            start, end = _SIZES.size + head, _SIZES.size + head + body
            if len(self._buffer) < end:
                return
            message = json.loads(self._buffer[_SIZES.size : start]), bytes(self._buffer[start:end])
            del self._buffer[:end]
            yield message


def receive(link: socket.socket) -> dict[str, Any] | None:
    """Wait for the next message on a blocking socket and return its header, or None at the end of the stream."""
    sizes = _exactly(link, _SIZES.size)
    if sizes is None:
        return None
    head, body = _SIZES.unpack(sizes)
    content = _exactly(link, head + body)
    return None if content is None else json.loads(content[:head])


def _exactly(link: socket.socket, size: int) -> bytes | None:
    content = bytearray()
    while len(content) < size:
        piece = link.recv(size - len(content))
        if not piece:
            return None
        content += piece
    return bytes(content)
