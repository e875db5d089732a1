"""What passes between the front and a worker: a question, and an answer or a refusal.

A message is a JSON object and a body of bytes, each preceded by its size. It is no pickle: what comes from a worker
came out of hostile hands, and JSON can do nothing but be read.
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
    """Why a request is not answered: an HTTP status and a sentence that says what to do."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


class Superseded(BaseException):
    """A store elsewhere holds another release by now than the one that was asked about.

    No error: like a cancellation it passes by whatever takes errors for answers, up to where the request is asked anew.
    """


@dataclass(frozen=True)
class Question:
    """What a request asks: the query, the dataset that it names, and the format by name or by its Accept header."""

    query: str
    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()
    format: str | None = None
    accept: str | None = None

    def pack(self) -> bytes:
        """Return the message that carries the question."""
        return pack(vars(self))

    @classmethod
    def of(cls, message: dict[str, Any]) -> "Question":
        """Return the question that a message carries."""
        graphs = {name: tuple(message[name]) for name in ("default_graphs", "named_graphs")}
        return cls(**{**message, **graphs})


class AnswerFile:
    """A file that holds an answer. Several can read it at once; it is closed when nobody holds it any more."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.close = weakref.finalize(self, os.close, descriptor)

    def read(self, size: int, start: int) -> bytes:
        """Return up to `size` bytes from a place on."""
        return os.pread(self._descriptor, size, start)


@dataclass(frozen=True)
class Answer:
    """A complete answer: its bytes, or where there are many, a file from whose start `size` bytes are to be read."""

    content_type: str
    size: int
    body: bytes = b""
    file: AnswerFile | None = None


def pack(header: Mapping[str, object], body: bytes = b"") -> bytes:
    """Return a message as bytes."""
    head = json.dumps(header).encode()
    return _SIZES.pack(len(head), len(body)) + head + body


class Unpacker:
    """Puts messages together from the pieces in which they arrive."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Yield each message that is complete with this piece."""
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
