"""Ask the kernel's Landlock to hold this process and all that it starts: files, TCP ports, signals, abstract sockets.

Rights only shrink: what is not named may not be touched, and no later program can take the fence down. Landlock
knows nothing of UDP, of path-named Unix sockets, of modes and times of files, of memory or of processes as such.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_RULE_PATH, _RULE_PORT = 1, 2
_SET_NO_NEW_PRIVS = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_FIRST = (1 << 13) - 1
"""Everything that the first version can hold: the four above, removing, and making entries of every kind."""
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
BIND_TCP, CONNECT_TCP = 1 << 0, 1 << 1
SCOPE_ABSTRACT, SCOPE_SIGNAL = 1 << 0, 1 << 1

_READ = EXECUTE | READ_FILE | READ_DIR
_OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
_WITH_TRUNCATE, _WITH_NETWORK, _WITH_IOCTL, _WITH_SCOPES = 3, 4, 5, 6

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Rules:
    """Name everything that stays possible."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    """Device files that may be read and written, but not made."""
    ports: tuple[int, ...] = ()
    """TCP ports that may be connected to, at whatever address."""


def version() -> int:
    """Return the version of the kernel's interface, 0 when there is none."""
    found = int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION))
    return max(0, found)


def handled_files(abi: int) -> int:
    """Return the rights on files that a version can withhold."""
    rights = _FIRST
    rights |= REFER if abi > 1 else 0
    rights |= TRUNCATE if abi >= _WITH_TRUNCATE else 0
    return rights | (IOCTL_DEV if abi >= _WITH_IOCTL else 0)


def restrict(rules: Rules, abi: int) -> None:
    """Put the fence up around this process.

    Raises:
        OSError: the kernel refuses; nothing is fenced then.
    """
    files = handled_files(abi)
    network = BIND_TCP | CONNECT_TCP if abi >= _WITH_NETWORK else 0
    scopes = SCOPE_ABSTRACT | SCOPE_SIGNAL if abi >= _WITH_SCOPES else 0
    attributes = struct.pack("<QQQ", files, network, scopes)
    size = 24 if abi >= _WITH_SCOPES else 16 if abi >= _WITH_NETWORK else 8
    ruleset = _call(_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    try:
        _allow_paths(ruleset, rules.reads, _READ)
        _allow_paths(ruleset, rules.writes, files & ~(_MAKE_CHAR | _MAKE_BLOCK))
        _allow_paths(ruleset, rules.devices, files & (READ_FILE | WRITE_FILE | IOCTL_DEV))
        for port in rules.ports if network else ():
            _call(_ADD_RULE, ruleset, _RULE_PORT, struct.pack("<QQ", CONNECT_TCP, port), 0)
        _call_prctl(_SET_NO_NEW_PRIVS, 1)
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow_paths(ruleset: int, paths: Iterable[str], rights: int) -> None:
    """Add a rule for each path that exists; what is not there cannot be touched either."""
    for path in paths:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            is_folder = stat.S_ISDIR(os.fstat(place).st_mode)
            wanted = rights if is_folder else rights & _OF_A_FILE
            _call(_ADD_RULE, ruleset, _RULE_PATH, struct.pack("<Qi", wanted, place), 0)
        finally:
            os.close(place)


def _call(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"landlock: {os.strerror(code)}")
    return result


def _call_prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl {option}: {os.strerror(code)}")
