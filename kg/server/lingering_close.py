"""How an answer leaves: head and body together, and so that the client can take it before the connection ends.

Were the head sent alone, a server that dies right after it would leave half an answer, which no proxy can ask another
server for. Were a connection torn away whose client is still sending, the client would not see why (RFC 9112, 9.6).
"""

import asyncio
from collections.abc import Callable
from typing import Any

_SHORT = 8192  # bytes; no head is longer


class Lingering(asyncio.Transport):
    """A transport that joins what is written at once, and is closed for writing only, at first, where that is needed.

    That is where its client is `sending`; `linger` is called then.
    """

    def __init__(self, transport: asyncio.Transport, sending: Callable[[], bool], linger: Callable[[], None]) -> None:
        super().__init__()
        self._transport, self._sending, self._linger = transport, sending, linger
        self._held = b""
        self._soon = asyncio.get_running_loop().call_soon
        # What is asked for each request goes to the transport without a detour.
        self.is_closing = transport.is_closing  # type: ignore[method-assign]
        self.pause_reading = transport.pause_reading  # type: ignore[method-assign]
        self.resume_reading = transport.resume_reading  # type: ignore[method-assign]

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes: the first few with those that are written in the same turn of the event loop (asyncio)."""
        if self._held:
            data, self._held = b"".join((self._held, data)), b""
        elif len(data) < _SHORT:
            self._held = bytes(data)
            self._soon(self._send)
            return
        self._transport.write(data)

    def _send(self) -> None:
        held, self._held = self._held, b""
        if held:
            self._transport.write(held)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport tells of itself (asyncio)."""
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes the client has not taken yet (asyncio)."""
        return len(self._held) + self._transport.get_write_buffer_size()

    def close(self) -> None:
        """Close when all is written; where the client is still sending, only this half (asyncio)."""
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
        """Close now, whatever is still to be written or read (asyncio)."""
        self._held = b""
        self._transport.abort()
