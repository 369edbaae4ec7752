"""Read the process table of Linux, so that a process is known by more than a number that is used again.

Fields of ``/proc/<pid>/stat`` as in proc_pid_stat(5): 3 state, 4 ppid, 5 pgrp, 6 session, 20 num_threads, 22 starttime in clock ticks.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
ENDED_STATES = frozenset("ZXx")
ENVIRON_BYTES_MAX = 4 * 1024 * 1024


@dataclass(frozen=True)
class Identity:
    """Name one process for good: its number and the moment of its birth in this boot."""

    pid: int
    born: str


@dataclass(frozen=True)
class Entry:
    """Hold what the table says about one process."""

    identity: Identity
    parent_pid: int
    group: int
    session: int
    ended: bool


@functools.cache
def boot_id() -> str:
    """Give the id of this boot; birth ticks start again at zero with the next one."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def parse_stat(text: str, boot: str) -> Entry:
    """Read one stat line; the name in brackets may hold spaces and brackets of its own.

    Raises:
        ValueError: the line is not a stat line.
    """
    head, separator, tail = text.rpartition(")")
    fields = tail.split()
    if not separator or len(fields) < 20:  # noqa: PLR2004
        raise ValueError("not a stat line")
    pid = int(head.partition(" (")[0])
    state, parent_pid, group, session = fields[0], int(fields[1]), int(fields[2]), int(fields[3])
    # A zombie leader whose other threads go on has not ended: its process still serves and cannot be reaped.
    ended = state in ENDED_STATES and int(fields[17]) <= 1
    return Entry(Identity(pid, f"{boot}:{int(fields[19])}"), parent_pid, group, session, ended)


def look_up(pid: int) -> Entry | None:
    """Find one process, ended or not, or None when the number is free.

    Raises:
        OSError: the table cannot be read (no free descriptor); that is never taken for "gone".
    """
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return parse_stat(text, boot_id()) if text else None


def present(identity: Identity) -> bool:
    """Say whether the process still holds its number, alive or not yet reaped."""
    entry = look_up(identity.pid)
    return entry is not None and entry.identity == identity


def alive(identity: Identity) -> bool:
    """Say whether the very same process still runs; a zombie does not run."""
    entry = look_up(identity.pid)
    return entry is not None and entry.identity == identity and not entry.ended


def scan() -> dict[int, Entry]:
    """Read the whole table; processes that end meanwhile are left out."""
    numbers = (int(one.name) for one in PROC.iterdir() if one.name.isdigit())
    entries = (look_up(pid) for pid in numbers)
    return {entry.identity.pid: entry for entry in entries if entry is not None}


def mark_of(pid: int, name: str) -> str | None:
    """Give the value the variable had when the process was started; None when unset or hidden from us.

    A program may overwrite its environment (some set their title there); it is then found by session
    and descent only.
    """
    prefix = f"{name}=".encode()
    try:
        with (PROC / str(pid) / "environ").open("rb") as source:
            entries = source.read(ENVIRON_BYTES_MAX).split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return next(
        (one[len(prefix) :].decode(errors="replace") for one in entries if one.startswith(prefix)), None
    )


def marks(table: dict[int, Entry], name: str) -> dict[str, list[Entry]]:
    """Sort the running processes that carry the variable by its value, oldest first."""
    found: dict[str, list[Entry]] = {}
    for entry in sorted(table.values(), key=_age):
        mark = None if entry.ended else mark_of(entry.identity.pid, name)
        if mark is not None:
            found.setdefault(mark, []).append(entry)
    return found


def _age(entry: Entry) -> tuple[int, int]:
    return int(entry.identity.born.rpartition(":")[2]), entry.identity.pid


def family(table: dict[int, Entry], leader: Identity | None, seeds: frozenset[Identity]) -> set[Identity]:
    """Find the leader, its session and group, the seeds, and all their descendants that run.

    Session and group numbers count only while the leader still holds its number: after that the number
    may belong to someone else.
    """
    held = leader is not None and leader.pid in table and table[leader.pid].identity == leader
    inside: set[int] = {seed.pid for seed in seeds if seed.pid in table and table[seed.pid].identity == seed}
    if held and leader is not None:
        inside.add(leader.pid)
        inside |= {pid for pid, entry in table.items() if leader.pid in (entry.group, entry.session)}
    children: dict[int, list[int]] = {}
    for pid, entry in table.items():
        children.setdefault(entry.parent_pid, []).append(pid)
    waiting = list(inside)
    while waiting:
        fresh = [pid for pid in children.get(waiting.pop(), []) if pid not in inside]
        inside.update(fresh)
        waiting.extend(fresh)
    return {table[pid].identity for pid in inside if not table[pid].ended}
