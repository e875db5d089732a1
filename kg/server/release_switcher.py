"""Switch to a new release without downtime: no request is refused, no response mixes two releases.

`kg build` switches `out/current` in one rename, which is watched. The application of the new release is created next to
the old one, receives every request from one moment on, and the old one is closed after its last response. A remote
store is watched in the same way; queries that it can no longer answer for the old release are repeated for the new one.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress

from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from kg.core.errors import KgError
from kg.engine.wire import Refusal, ReleaseReplaced
from kg.http.sparql_endpoint import problem_response

# Polling interval for new releases, in seconds.
_INTERVAL = 1.0
_SHORT = 0.1
# Seconds that a request waits for the application of the new release of its store, and number of attempts.
_PATIENCE = 15.0
_ATTEMPTS = 3
_log = logging.getLogger(__name__)


class _RunningApplication:
    """A running application with the number of its open requests."""

    def __init__(self, application: FastAPI) -> None:
        self.application = application
        self.requests = 0
        self.idle = asyncio.Event()
        self._life = AsyncExitStack()

    async def open(self) -> None:
        await self._life.enter_async_context(self.application.router.lifespan_context(self.application))

    async def close(self) -> None:
        await self._life.aclose()

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request (ASGI); raise Superseded, before anything is sent, if its release is gone."""
        self.requests += 1
        self.idle.clear()
        try:
            await self.application(scope, receive, send)
        finally:
            self.requests -= 1
            if not self.requests:
                self.idle.set()


class ReplayableReceive:
    """Replayable `receive` (ASGI): messages are recorded, so that they can be received again."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._recorded: list[Message] = []
        self._next = 0

    async def __call__(self) -> Message:
        """Return the next message, a recorded one first."""
        if self._next == len(self._recorded):
            self._recorded.append(await self._receive())
        self._next += 1
        return self._recorded[self._next - 1]

    def rewind(self) -> None:
        """Rewind to the first message."""
        self._next = 0


class SwitchingApplication:
    """An ASGI application that is replaced by the result of `newer`.

    `newer` is polled in a thread. It returns None while nothing has changed; if it raises an error, or its application
    cannot start, the current one stays.
    """

    def __init__(self, application: FastAPI, newer: Callable[[], FastAPI | None]) -> None:
        self._first = application
        self._newer = newer
        self._stage: _RunningApplication
        self._retiring = set[asyncio.Task[None]]()
        self._due, self._switched = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request or the lifespan by the current application (ASGI)."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
        else:
            await self._answer(scope, ReplayableReceive(receive), send)

    async def _answer(self, scope: Scope, receive: "ReplayableReceive", send: Send) -> None:
        """Handle a request; retry with the next application if the store has been switched meanwhile."""
        original_scope = {**scope}
        for _ in range(_ATTEMPTS):
            stage, switched = self._stage, self._switched
            try:
                return await stage.answer({**original_scope}, receive, send)
            except ReleaseReplaced:
                receive.rewind()
                self._due.set()
                with suppress(TimeoutError):
                    await asyncio.wait_for(switched.wait(), _PATIENCE)
        refusal = Refusal(503, "the store is being switched to another release", {"Retry-After": "5"})
        await problem_response(refusal)(scope, receive, send)

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        """Handle the lifespan of the server (ASGI)."""
        await receive()
        self._stage = _RunningApplication(self._first)
        await self._stage.open()
        watch = asyncio.create_task(self._watch())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        watch.cancel()
        await asyncio.gather(watch, *self._retiring, return_exceptions=True)
        await self._stage.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _watch(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), _INTERVAL)
                await asyncio.sleep(_SHORT)  # do not poll a store being switched without a pause
            self._due.clear()
            try:
                if application := await asyncio.to_thread(self._newer):
                    await self._switch(_RunningApplication(application))
            except Exception as error:  # whatever the error of this release, keep polling for the next one
                trace = None if isinstance(error, KgError) else error
                _log.error("the new release cannot be served, the old one is: %s", error, exc_info=trace)

    async def _switch(self, stage: _RunningApplication) -> None:
        await stage.open()
        old, self._stage = self._stage, stage
        self._switched.set()
        self._switched = asyncio.Event()
        task = asyncio.create_task(self._retire(old))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _retire(self, stage: _RunningApplication) -> None:
        if stage.requests:
            await stage.idle.wait()
        await stage.close()
