"""Worker process: answers one query at a time, within its limits and its sandbox.

It is forked by the zygote and ends when its socket closes, after its last answer, or when it is killed. The sandbox
denies sockets, so that SERVICE reaches nothing even if the scanner missed it in the text of a query.
"""

import contextlib
import ctypes
import errno
import os
import resource
import signal
import socket
import struct
import time
from collections.abc import Callable
from functools import partial
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyoxigraph import Store

from kg.core.negotiation import Format, Output
from kg.engine.data_source import MB, Limits, Source, format_size
from kg.engine.query_evaluator import BoundedOutput, evaluate
from kg.engine.wire import QueryRequest, Refusal, ReleaseReplaced, pack, receive

if TYPE_CHECKING:
    from kg.engine.federation_proxy import FederationProxy
    from kg.engine.remote_backend import RemoteStore


_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2

# Audit architecture of each processor type, and the number of socket(2) there (linux/audit.h, asm/unistd.h).
_SOCKET = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}

# Instructions of the filter (linux/bpf_common.h, linux/seccomp.h) and the offsets of call and architecture.
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_CALL, _PROCESSOR = 0, 4
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000 | errno.EACCES


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def deny_sockets() -> None:
    """Make socket(2) fail from now on, in this process and its threads (seccomp(2)).

    Does nothing if the kernel or the processor does not support it.
    """
    if os.uname().machine not in _SOCKET:
        return
    processor, call = _SOCKET[os.uname().machine]
    instructions = (
        (_LOAD, 0, 0, _PROCESSOR),
        (_JUMP_IF_EQUAL, 0, 3, processor),  # another kind of processor: allow
        (_LOAD, 0, 0, _CALL),
        (_JUMP_IF_EQUAL, 0, 1, call),  # another call: allow
        (_RETURN, 0, 0, _FAIL),
        (_RETURN, 0, 0, _ALLOW),
    )
    content = b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
    program = _Program(len(instructions), content)
    with contextlib.suppress(OSError):
        prctl(_PR_SET_NO_NEW_PRIVS, 1)
        prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program))


def prctl(option: int, *values: int) -> None:
    """Set an attribute of this process (prctl(2)); raise OSError if that fails."""
    arguments = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    if ctypes.CDLL(None, use_errno=True).prctl(option, *arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


# Writes the answer to a query and returns its format.
QueryHandler = Callable[[QueryRequest, Output], Format]

# Memory growth after which a worker is replaced by a fresh one that shares the zygote's memory again.
_LEAK_LIMIT = 64 * MB
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4


def serve_queries(
    open_store: "Callable[[], Store | RemoteStore]", link: socket.socket, file: int, limits: Limits, source: Source
) -> None:
    """Answer the queries that arrive on the socket. `file` is the descriptor of a file for one large answer."""
    store, meter = open_store(), _MemoryMeter()
    baseline = meter.data()
    # The memory mapped so far counts too: the zygote's store, which this process shares.
    resource.setrlimit(resource.RLIMIT_DATA, (baseline + limits.memory, baseline + limits.memory))
    uses_network = bool(limits.services or source.remote)
    if not uses_network:
        deny_sockets()
    if not (uses_network or source.on_disk):
        # No descriptor can be opened any more, so no socket: this holds also where a kernel cannot deny those alone.
        # A store on disk opens files at any time.
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    handler = (
        partial(evaluate, store, limits=limits, proxy=_federation_proxy(limits))
        if isinstance(store, Store)
        else store.answer
    )
    while message := receive(link):
        _limit_cpu(limits.seconds)
        header, body = _reply(handler, QueryRequest.of(message), BoundedOutput(file, limits), limits)
        last = header["last"] or meter.data() > baseline + _LEAK_LIMIT
        link.sendall(pack({**header, "last": last, "cpu": time.process_time()}, body))
        if last:
            return


def _federation_proxy(limits: Limits) -> "FederationProxy | None":
    """Return the proxy for SERVICE calls, if any endpoint is allowed."""
    if not limits.services:
        return None
    from kg.engine.federation_proxy import FederationProxy  # with HTTP and TLS, which take a while to load

    return FederationProxy(limits)


class _MemoryMeter:
    """Reader of the private memory of this process that opens no file when it is read."""

    def __init__(self) -> None:
        self._file = os.open("/proc/self/statm", os.O_RDONLY)
        self._page = resource.getpagesize()

    def data(self) -> int:
        """Return the size of data and stack in bytes (proc(5), statm, sixth field)."""
        return int(os.pread(self._file, 200, 0).split()[5]) * self._page


def confine(parent: int) -> None:
    """Set the permanent restrictions of a worker; exit if its parent has already ended."""
    die_with_parent(parent)
    # The kernel's out-of-memory killer takes a worker before anything else.
    Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    # No core file, and none for a program that the kernel pipes it to, which would not care for the limit.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prctl(_PR_SET_DUMPABLE, 0)
    # A crashing engine prints a trace for each hostile query; the exit status is enough to report it.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG)."""
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _reply(
    handler: QueryHandler, request: QueryRequest, output: BoundedOutput, limits: Limits
) -> tuple[dict[str, Any], bytes]:
    """Return header and body of the reply; `last` is set if the worker may be damaged or its file is used up."""
    try:
        format = handler(request, output)
        body = output.body()
        return {"content_type": format.content_type, "size": output.size, "last": output.in_file}, body
    except Refusal as refusal:
        headers = dict(refusal.headers or {})
        return {"status": refusal.status, "detail": refusal.detail, "headers": headers, "last": output.in_file}, b""
    except ReleaseReplaced:
        return {"superseded": True, "last": output.in_file}, b""
    except MemoryError:
        return {"status": 503, "detail": out_of_memory(limits), "headers": {"Retry-After": "60"}, "last": True}, b""
    except BaseException as error:  # a panic of the engine is not an Exception
        return {"broken": repr(error), "last": True}, b""


def out_of_memory(limits: Limits) -> str:
    """Return the message for a query that needs too much memory."""
    return f"this query needs more than {format_size(limits.memory)} of memory; ask for less at once"


def _limit_cpu(seconds: float) -> None:
    """Limit the processor time from now on: a last resort, in case no other process ends this one."""
    soft = ceil(time.process_time() + seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
