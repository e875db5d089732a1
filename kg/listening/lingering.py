"""Closes a connection whose client is still sending: were it torn away, the client would not see why.

RFC 9112, 9.6.
"""

import asyncio
from collections.abc import Callable
from typing import Any


class Lingering(asyncio.Transport):
    """A transport that is closed for writing only, at first, where its client is `sending`; `linger` is called then."""

    def __init__(self, transport: asyncio.Transport, sending: Callable[[], bool], linger: Callable[[], None]) -> None:
        super().__init__()
        self._transport, self._sending, self._linger = transport, sending, linger
        # What is asked for each request goes to the transport without a detour.
        self.write = transport.write  # type: ignore[method-assign]
        self.is_closing = transport.is_closing  # type: ignore[method-assign]
        self.pause_reading = transport.pause_reading  # type: ignore[method-assign]
        self.resume_reading = transport.resume_reading  # type: ignore[method-assign]

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport tells of itself (asyncio)."""
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes the client has not taken yet (asyncio)."""
        return self._transport.get_write_buffer_size()

    def close(self) -> None:
        """Close when all is written; where the client is still sending, only this half (asyncio)."""
        if self.is_closing():
            return
        if self._sending():
            self.is_closing = lambda: True  # type: ignore[method-assign]
            self._transport.write_eof()
            self._linger()
        else:
            self._transport.close()

    def abort(self) -> None:
        """Close now, whatever is still to be written or read (asyncio)."""
        self._transport.abort()
