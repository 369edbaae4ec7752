"""Give up what a process may do beyond its user: capabilities, supplementary groups, the way back to root."""

from __future__ import annotations

import ctypes
import os
import signal
import struct
from pathlib import Path

_CAPSET = {"x86_64": 126, "aarch64": 91}
_VERSION_3 = 0x20080522
_DROP_BOUNDING, _SET_SECUREBITS, _AMBIENT, _AMBIENT_CLEAR_ALL = 24, 28, 47, 4
_NO_ROOT_LOCKED = 0b11
"""Becoming user 0 gives no capability, and no later program can change that."""
_SETPCAP, _END_WITH_PARENT = 8, 1

_libc = ctypes.CDLL(None, use_errno=True)


def become(uid: int) -> None:
    """Become another user for good; only root can.

    Raises:
        OSError: the kernel refuses.
    """
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def shut_the_way_back() -> None:
    """Let no later program gain a capability, be it by user 0 or by a file; to be called while still root.

    Raises:
        OSError: the kernel refuses.
    """
    if _effective() & (1 << _SETPCAP):
        last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
        for number in range(last + 1):
            _insist(_libc.prctl(_DROP_BOUNDING, number, 0, 0, 0))
        _insist(_libc.prctl(_SET_SECUREBITS, _NO_ROOT_LOCKED, 0, 0, 0))
    _insist(_libc.prctl(_AMBIENT, _AMBIENT_CLEAR_ALL, 0, 0, 0))


def end_with_parent(parent: int) -> None:
    """Be killed when whoever started us ends; to be called once the user is final.

    Raises:
        OSError: it is gone already.
    """
    _insist(_libc.prctl(_END_WITH_PARENT, signal.SIGKILL, 0, 0, 0))
    if os.getppid() != parent:
        raise OSError(0, "whoever started it is gone")


def drop_capabilities() -> None:
    """Give up every capability that is left; the process stays the same user.

    Raises:
        OSError: a capability is left.
    """
    number = _CAPSET.get(os.uname().machine)
    if number:
        _insist(_libc.syscall(number, struct.pack("<Ii", _VERSION_3, 0), bytes(24)))
    if _effective():
        raise OSError(0, "capabilities are left")


def _effective() -> int:
    for row in Path("/proc/self/status").read_text().splitlines():
        if row.startswith("CapEff:"):
            return int(row.split()[1], 16)
    return 0


def _insist(result: int) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"capabilities: {os.strerror(code)}")
