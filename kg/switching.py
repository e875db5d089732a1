"""Switches to a new release while it serves: nobody is refused meanwhile, and no answer is mixed of two releases.

`kg build` switches `out/current` in one rename. This is watched; the application for the new release is made beside the
old one, takes every request from one moment on, and the old one ends when it has answered those it has.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from kg.errors import KgError

# How often it is looked whether there is a new release, in seconds.
_INTERVAL = 1.0
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
        self.requests += 1
        self.idle.clear()
        try:
            await self.application(scope, receive, send)
        finally:
            self.requests -= 1
            if not self.requests:
                self.idle.set()


class Switching:
    """An application (ASGI) that is replaced by what `newer` returns.

    `newer` is asked again and again, in a thread. It returns None as long as nothing has changed; where it raises
    KgError, what is there goes on being served.
    """

    def __init__(self, application: FastAPI, newer: Callable[[], FastAPI | None]) -> None:
        self._first = application
        self._newer = newer
        self._stage: _Stage
        self._retiring = set[asyncio.Task[None]]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the application of the moment."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._stage.answer(scope, receive, send)

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
            await asyncio.sleep(_INTERVAL)
            try:
                application = await asyncio.to_thread(self._newer)
            except KgError as error:
                _log.error("the new release cannot be served, the old one is: %s", error)
                continue
            if application:
                await self._switch(_Stage(application))

    async def _switch(self, stage: _Stage) -> None:
        await stage.open()
        old, self._stage = self._stage, stage
        task = asyncio.create_task(self._retire(old))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _retire(self, stage: _Stage) -> None:
        if stage.requests:
            await stage.idle.wait()
        await stage.close()
