"""Attacks on the processes of the host, their memory and what is handed from one to another."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import struct
import sys
from pathlib import Path

from keelway.programs.cage.attack.calls import call
from keelway.programs.cage.attack.plan import REACHED, TAKEN_CHARS_MAX, Attack, NotHere, Plan

CORE_BYTES = 123_904
"""Limit that the attack sets on the victim; a value that nobody else sets."""
KEY_NAME = b"keelway-battery"
_PTRACE_PEEK, _PTRACE_ATTACH, _PTRACE_DETACH = 2, 16, 17
_KEY_SEARCH, _KEY_READ, _SESSION_RING = 10, 11, -3
_PAGES_MAX = 65_536
_LIVES_SECONDS = 45
_OWN_FDS = 3
_FDS_MAX = 256
_READ_ONLY_SEGMENT = 0o10000


def signal_host(plan: Plan) -> str:
    """Signal a process of the host."""
    os.kill(plan.victim_pid, signal.SIGUSR1)
    return ""


def trace(plan: Plan) -> str:
    """Attach to a process of the host and read its memory word by word."""
    pid, words = plan.victim_pid, -(-plan.secret_bytes // 8)
    call("ptrace", _PTRACE_ATTACH, pid, 0, 0)
    try:
        os.waitpid(pid, 0)
        word = ctypes.c_long()
        taken = b""
        for number in range(words):
            call("ptrace", _PTRACE_PEEK, pid, plan.address + 8 * number, ctypes.byref(word))
            taken += struct.pack("<q", word.value)
    finally:
        with contextlib.suppress(OSError):
            call("ptrace", _PTRACE_DETACH, pid, 0, 0)
    return taken.decode("latin-1")


def read_memory(plan: Plan) -> str:
    """Copy memory of a process of the host."""
    into = ctypes.create_string_buffer(plan.secret_bytes)
    here = struct.pack("<QQ", ctypes.addressof(into), plan.secret_bytes)
    there = struct.pack("<QQ", plan.address, plan.secret_bytes)
    call("process_vm_readv", plan.victim_pid, here, 1, there, 1, 0)
    return into.raw.decode("latin-1")


def proc_memory(plan: Plan) -> str:
    """Read memory of a process of the host through its file."""
    with Path(f"/proc/{plan.victim_pid}/mem").open("rb", buffering=0) as stream:
        stream.seek(plan.address)
        return stream.read(plan.secret_bytes).decode("latin-1")


def proc_environment(plan: Plan) -> str:
    """Read the environment of a process of the host."""
    return _read(f"/proc/{plan.victim_pid}/environ")


def proc_root(plan: Plan) -> str:
    """Walk into the file system of a process of the host."""
    return _read(f"/proc/{plan.victim_pid}/root{plan.open_file}")


def proc_file(plan: Plan) -> str:
    """Open a file that a process of the host holds open."""
    return _read(f"/proc/{plan.victim_pid}/fd/{plan.held_fd}")


def proc_list(plan: Plan) -> str:
    """Read the command lines of the host."""
    return _read(f"/proc/{plan.victim_pid}/cmdline")


def alter_limits(plan: Plan) -> str:
    """Lower a limit of a process of the host."""
    hard = resource.prlimit(plan.victim_pid, resource.RLIMIT_CORE)[1]
    resource.prlimit(plan.victim_pid, resource.RLIMIT_CORE, (CORE_BYTES, hard))
    return ""


def enter_spaces(plan: Plan) -> str:
    """Enter the mount name space of a process of the host."""
    place = os.open(f"/proc/{plan.victim_pid}/ns/mnt", os.O_RDONLY)
    call("setns", place, 0)
    return _read(plan.open_file)


def outlive(plan: Plan) -> str:
    """Leave a process behind that hides from whoever ends the run."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            nothing = os.open("/dev/null", os.O_RDWR)
            for number in range(_OWN_FDS):
                os.dup2(nothing, number)
            code = f"import time; time.sleep({_LIVES_SECONDS})"
            os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", code, plan.mark("outlive")], {})  # noqa: S606 - no shell is wanted
        os._exit(0)
    os.wait()
    return ""


def shared_memory(plan: Plan) -> str:
    """Attach a shared memory segment of the host."""
    if plan.segment < 0:
        raise NotHere("the host made no shared memory segment")
    place = call("shmat", plan.segment, 0, _READ_ONLY_SEGMENT)
    return ctypes.string_at(place, plan.secret_bytes).decode("latin-1")


def shared_file(plan: Plan) -> str:
    """Read a shared memory file of the host."""
    return _read(plan.shared_file)


def keyring(plan: Plan) -> str:
    """Read a key from the keyring that whoever started the run has."""
    del plan
    number = call("keyctl", _KEY_SEARCH, _SESSION_RING, b"user", KEY_NAME, 0)
    into = ctypes.create_string_buffer(TAKEN_CHARS_MAX)
    length = call("keyctl", _KEY_READ, number, into, TAKEN_CHARS_MAX)
    return into.raw[:length].decode("latin-1")


def left_open(plan: Plan) -> str:
    """Read a file that whoever started the run has left open."""
    del plan
    for number in range(_OWN_FDS, _FDS_MAX):
        with contextlib.suppress(OSError):
            taken = os.pread(number, TAKEN_CHARS_MAX, 0)
            if taken:
                return taken.decode("latin-1")
    raise FileNotFoundError("no file was left open")


def environment(plan: Plan) -> str:
    """Read the environment that whoever started the run has."""
    del plan
    return "\n".join(f"{name}={value}" for name, value in os.environ.items())


def set_user(plan: Plan) -> str:
    """Run a program that makes its caller root, and see who it is then."""
    if os.getuid() == 0:
        if not plan.uid or not _can_change_user():
            raise NotHere("the run has the user of the host already and nothing to gain")
        os.setgroups([])
        os.setresgid(plan.uid, plan.uid, plan.uid)
        os.setresuid(plan.uid, plan.uid, plan.uid)
    helper = Path(plan.tools, "id")
    if not helper.is_file():
        raise NotHere("only root can make a program that makes its caller root")
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.dup2(writer, 1)
        with contextlib.suppress(OSError):
            os.execv(helper, ["id", "-u"])  # noqa: S606 - no shell is wanted
        os._exit(1)
    os.close(writer)
    said = os.read(reader, TAKEN_CHARS_MAX).decode("latin-1").strip()
    os.wait()
    if said != "0":
        raise PermissionError(f"the program ran as user {said or '(not at all)'}")
    return REACHED


def _can_change_user() -> bool:
    try:
        os.setgroups(os.getgroups())
    except OSError:
        return False
    return True


def _read(path: str) -> str:
    with Path(path).open("rb") as stream:
        return stream.read(TAKEN_CHARS_MAX).decode("latin-1")


ATTACKS: dict[str, Attack] = {
    "signal_host": signal_host,
    "trace": trace,
    "read_memory": read_memory,
    "proc_memory": proc_memory,
    "proc_environment": proc_environment,
    "proc_root": proc_root,
    "proc_file": proc_file,
    "proc_list": proc_list,
    "alter_limits": alter_limits,
    "enter_spaces": enter_spaces,
    "outlive": outlive,
    "shared_memory": shared_memory,
    "shared_file": shared_file,
    "keyring": keyring,
    "left_open": left_open,
    "environment": environment,
    "set_user": set_user,
}
