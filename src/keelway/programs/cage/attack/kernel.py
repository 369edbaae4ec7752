"""Attacks on the kernel: its settings, and the calls through which kernels are broken most often."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from pathlib import Path

from keelway.programs.cage.attack.calls import call, checked, libc
from keelway.programs.cage.attack.plan import REACHED, Attack, Plan

SETTING = Path("/proc/sys/kernel/printk_ratelimit_burst")
"""A setting of the whole machine that harms nobody when it is higher for a moment."""
GROUPS = Path("/sys/fs/cgroup")
_PROC_MAGIC = 0x9FA0
_NEW_USER = 0x10000000
_MAP_CREATE, _ARRAY_MAP = 0, 2
_ATTRIBUTE_BYTES = 128


def core_pattern(plan: Plan) -> str:
    """Write the same program that the kernel starts at a crash as root once more."""
    del plan
    path = Path("/proc/sys/kernel/core_pattern")
    value = path.read_bytes()
    with path.open("wb", buffering=0) as stream:
        _insist_on_proc(stream.fileno())
        stream.write(value)
    return REACHED


def kernel_setting(plan: Plan) -> str:
    """Change a setting of the kernel."""
    SETTING.write_text(str(plan.number))
    return ""


def system_request(plan: Plan) -> str:
    """Open what restarts or halts the machine when it is written to."""
    del plan
    place = os.open("/proc/sysrq-trigger", os.O_WRONLY)
    _insist_on_proc(place)
    os.close(place)
    return REACHED


def control_group(plan: Plan) -> str:
    """Make a control group of the host, from which limits are lifted and programs are started as root."""
    folders = [GROUPS, *(path for path in sorted(GROUPS.iterdir()) if path.is_dir())]
    first: OSError | None = None
    for folder in folders[:20]:
        try:
            (folder / plan.nonce).mkdir()
        except OSError as error:
            first = first or error
        else:
            return ""
    raise first or FileNotFoundError(str(GROUPS))


def user_space(plan: Plan) -> str:
    """Become root of an own user name space, which opens much of the kernel to attack."""
    del plan
    checked(libc.unshare(_NEW_USER), "unshare")
    status = Path("/proc/self/status").read_text()
    held = next(row.split()[1] for row in status.splitlines() if row.startswith("CapEff:"))
    if not int(held, 16):
        raise PermissionError("the name space gives no rights")
    return REACHED


def load_module(plan: Plan) -> str:
    """Load a module into the kernel; the one that is offered is empty."""
    del plan
    try:
        call("init_module", b"\0" * 64, 64, b"")
    except OSError as error:
        if error.errno not in {errno.ENOEXEC, errno.EINVAL, errno.EBADMSG, errno.EKEYREJECTED}:
            raise
    return REACHED


def async_calls(plan: Plan) -> str:
    """Set io_uring up."""
    del plan
    os.close(call("io_uring_setup", 4, ctypes.create_string_buffer(120)))
    return REACHED


def kernel_program(plan: Plan) -> str:
    """Load a map of the kernel's own virtual machine."""
    del plan
    wanted = struct.pack("<IIIII", _ARRAY_MAP, 4, 4, 1, 0).ljust(_ATTRIBUTE_BYTES, b"\0")
    os.close(call("bpf", _MAP_CREATE, ctypes.create_string_buffer(wanted), _ATTRIBUTE_BYTES))
    return REACHED


def page_faults(plan: Plan) -> str:
    """Handle page faults of the kernel, which stops it in the middle of its work."""
    del plan
    os.close(call("userfaultfd", 0))
    return REACHED


def performance(plan: Plan) -> str:
    """Open the performance counters."""
    del plan
    wanted = struct.pack("<IIQ", 1, _ATTRIBUTE_BYTES, 0).ljust(_ATTRIBUTE_BYTES, b"\0")
    os.close(call("perf_event_open", ctypes.create_string_buffer(wanted), 0, -1, -1, 0))
    return REACHED


def _insist_on_proc(place: int) -> None:
    """Refuse a file of the same name that is not the kernel's.

    Raises:
        PermissionError: it is not.
    """
    info = ctypes.create_string_buffer(256)
    checked(libc.fstatfs(place, info), "fstatfs")
    if struct.unpack_from("<q", info.raw)[0] != _PROC_MAGIC:
        raise PermissionError("it is a private copy")


ATTACKS: dict[str, Attack] = {
    "core_pattern": core_pattern,
    "kernel_setting": kernel_setting,
    "system_request": system_request,
    "control_group": control_group,
    "user_space": user_space,
    "load_module": load_module,
    "async_calls": async_calls,
    "kernel_program": kernel_program,
    "page_faults": page_faults,
    "performance": performance,
}
