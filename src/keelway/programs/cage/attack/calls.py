"""System calls that Python has no name for."""

from __future__ import annotations

import ctypes
import os
import platform

from keelway.programs.cage.attack.plan import NotHere

_MACHINES = ("x86_64", "aarch64")
_TABLE = """
add_key 248 217
keyctl 250 219
bpf 321 280
userfaultfd 323 282
perf_event_open 298 241
io_uring_setup 425 425
open_by_handle_at 304 265
name_to_handle_at 303 264
init_module 175 105
shmget 29 194
shmat 30 196
shmctl 31 195
setns 308 268
process_vm_readv 310 270
ptrace 101 117
"""
"""Name, number on x86_64 and on aarch64."""

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def call(name: str, *arguments: object) -> int:
    """Make a system call.

    Raises:
        OSError: the kernel refused it.
        NotHere: its number is not known for this machine.
    """
    machine = platform.machine()
    if machine not in _MACHINES:
        raise NotHere(f"the number of {name} on {machine} is not known")
    place = 1 + _MACHINES.index(machine)
    number = next(int(row.split()[place]) for row in _TABLE.split("\n") if row.startswith(f"{name} "))
    wide = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return checked(int(libc.syscall(ctypes.c_long(number), *wide)), name)


def checked(result: int, name: str) -> int:
    """Return the result of a C function, or raise what it set ``errno`` to."""
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return result
