"""Switches to a new release while it serves: nobody is refused meanwhile, and no answer is mixed of two releases.

`kg build` switches `out/current` in one rename. This is watched; the application for the new release is made beside the
old one, takes every request from one moment on, and the old one ends when it has answered those it has. A store
elsewhere is watched in the same way; what it can no longer answer for the old release is asked anew for the new one.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress

from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from kg.core.errors import KgError
from kg.engine.wire import Refusal, ReleaseReplaced
from kg.http.sparql_endpoint import problem

# How often it is looked whether there is a new release, in seconds.
_INTERVAL = 1.0
_SHORT = 0.1
# How long a request waits for the application of the release that its store holds by now, and how often.
_PATIENCE = 15.0
_ATTEMPTS = 3
_log = logging.getLogger(__name__)


class _Stage:
    """An application with the requests that it is answering."""

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
        """Answer as the application does; raise Superseded, before anything is sent, where it can no longer."""
        self.requests += 1
        self.idle.clear()
        try:
            await self.application(scope, receive, send)
        finally:
            self.requests -= 1
            if not self.requests:
                self.idle.set()


class Repeated:
    """What a client sends (ASGI, receive), kept so that it can be received again from the beginning."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._kept: list[Message] = []
        self._next = 0

    async def __call__(self) -> Message:
        """Return the next message, one that was kept first."""
        if self._next == len(self._kept):
            self._kept.append(await self._receive())
        self._next += 1
        return self._kept[self._next - 1]

    def again(self) -> None:
        """Begin again with the first message."""
        self._next = 0


class Switching:
    """An application (ASGI) that is replaced by what `newer` returns.

    `newer` is asked again and again, in a thread. It returns None as long as nothing has changed; where it raises
    an error, or what it returns cannot begin, what is there goes on being served.
    """

    def __init__(self, application: FastAPI, newer: Callable[[], FastAPI | None]) -> None:
        self._first = application
        self._newer = newer
        self._stage: _Stage
        self._retiring = set[asyncio.Task[None]]()
        self._due, self._switched = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the application of the moment."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._answer(scope, Repeated(receive), send)

    async def _answer(self, scope: Scope, receive: "Repeated", send: Send) -> None:
        """Answer a request, or answer it again by the next application where the store has been switched meanwhile."""
        asked = {**scope}
        for _ in range(_ATTEMPTS):
            stage, switched = self._stage, self._switched
            try:
                return await stage.answer({**asked}, receive, send)
            except ReleaseReplaced:
                receive.again()
                self._due.set()
                with suppress(TimeoutError):
                    await asyncio.wait_for(switched.wait(), _PATIENCE)
        refusal = Refusal(503, "the store is being switched to another release", {"Retry-After": "5"})
        await problem(refusal)(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Begin and end with the server (ASGI, lifespan)."""
        await receive()
        self._stage = _Stage(self._first)
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
                await asyncio.sleep(_SHORT)  # a store that is being switched is not asked without a pause
            self._due.clear()
            try:
                if application := await asyncio.to_thread(self._newer):
                    await self._switch(_Stage(application))
            except Exception as error:  # whatever is wrong with that release, the next one is to be seen
                trace = None if isinstance(error, KgError) else error
                _log.error("the new release cannot be served, the old one is: %s", error, exc_info=trace)

    async def _switch(self, stage: _Stage) -> None:
        await stage.open()
        old, self._stage = self._stage, stage
        self._switched.set()
        self._switched = asyncio.Event()
        task = asyncio.create_task(self._retire(old))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _retire(self, stage: _Stage) -> None:
        if stage.requests:
            await stage.idle.wait()
        await stage.close()
