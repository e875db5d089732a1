"""Keeps a process from opening sockets, so that SERVICE reaches nothing even where it was missed in a query's text."""

import contextlib
import ctypes
import errno
import os
import struct

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2

# The kernel's name of each kind of processor, and the number of socket(2) there (linux/audit.h, asm/unistd.h).
_SOCKET = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}

# Instructions of the filter (linux/bpf_common.h, linux/seccomp.h) and where it finds what is called.
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_CALL, _PROCESSOR = 0, 4
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000 | errno.EACCES


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def deny_sockets() -> None:
    """Let socket(2) fail from now on, in this process and its threads (seccomp(2)).

    Where the kernel or the processor does not have this, nothing is changed.
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
    """Set an attribute of this process (prctl(2)); raise OSError where that fails."""
    arguments = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    if ctypes.CDLL(None, use_errno=True).prctl(option, *arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
