"""Answers that are in files: sent in pieces, so that none is held as a whole, and only so much of them at one time.

A client may take its answer slowly, and the file lasts until it has it. So what is on its way is bounded: else a few
hundred clients that ask for large answers and take none of them would fill the disk.
"""

from collections.abc import Mapping

from fastapi import Response
from starlette.types import Receive, Scope, Send

from kg.engine.limits import megabytes
from kg.engine.refusals import busy
from kg.engine.wire import Answer

_PIECE = 1 << 18


class Sending:
    """All that is being sent; `room` is how many bytes it may be."""

    def __init__(self, room: int) -> None:
        self.room, self.used = room, 0

    def response(self, answer: Answer, headers: Mapping[str, str]) -> Response:
        """Return what sends an answer that is in a file; raise Refusal (503) where too much is on its way already."""
        if self.used + answer.size > self.room:
            raise busy(f"large answers of {megabytes(self.room)} are being sent already")
        return _Filed(self, answer, headers)


class _Filed(Response):
    def __init__(self, sending: Sending, answer: Answer, headers: Mapping[str, str]) -> None:
        super().__init__(headers={**headers, "Content-Length": str(answer.size)})
        self._sending, self._answer = sending, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send status, headers and the content of the file (ASGI)."""
        self._sending.used += self._answer.size
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._content(scope, send)
        finally:
            self._sending.used -= self._answer.size

    async def _content(self, scope: Scope, send: Send) -> None:
        file, sent = self._answer.file, 0
        assert file is not None
        while sent < self._answer.size and scope["method"] != "HEAD":
            piece = file.read(min(_PIECE, self._answer.size - sent), sent)
            sent += len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
