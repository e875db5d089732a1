"""The address that is listened on, and the server of an application."""

import resource
import socket
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import ceil
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from kg.core.errors import KgError, Problem
from kg.server.connection import Connection
from kg.server.connection_limits import ConnectionLimits, Guard

# Descriptors that are left for files and workers, whatever the number of connections.
_RESERVED = 200
_LEAST = 16


class Server(uvicorn.Server):
    """A server that says its greeting once it answers."""

    greeting = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer (uvicorn)."""
        await super().startup(sockets)
        if self.started and self.greeting:
            print(self.greeting, flush=True)


def server_of(
    application: ASGIApp,
    limits: ConnectionLimits | None = None,
    ended: Callable[[str], None] = lambda reason: None,
    patience: int | None = None,
) -> Server:
    """Return a server of an application.

    `ended` hears the reason each time that a connection is ended early. At the end of all the server waits `patience`
    seconds for what is being answered.
    """
    limits = _possible(limits or ConnectionLimits())
    connection: Any = partial(Connection, guard=Guard(limits, ended))
    return Server(
        uvicorn.Config(
            application,
            http=connection,
            ws="none",
            lifespan="on",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # it would believe whoever is on this machine; see kg/http/client_address.py
            timeout_keep_alive=ceil(limits.idle_seconds) + 1,  # the guard is sooner
            timeout_graceful_shutdown=patience,
        )
    )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raise KgError where that cannot be done."""
    try:
        # With its protocol named: on a socket without, asyncio leaves Nagle's algorithm on, 40 ms for each answer.
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise KgError(Problem(f"{host} is no address of this machine: {error}", "choose another --host")) from error
    try:
        # A port that was just given up can be used again at once.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        remedy = f"stop the program that uses it, or choose another port: kg serve --port {port + 1}"
        raise KgError(Problem(f"port {port} of {host} cannot be used: {error}", remedy)) from error
    return listener


def address(listener: socket.socket) -> str:
    """Return the address of a socket that listens, as a browser takes it."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _possible(limits: ConnectionLimits) -> ConnectionLimits:
    """Return limits with no more connections than this process may have descriptors for."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return replace(limits, connections=max(_LEAST, min(limits.connections, most - _RESERVED)))
