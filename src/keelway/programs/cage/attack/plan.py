"""What the battery is told about the host that it attacks, and what it hands back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

TAKEN_CHARS_MAX = 4_000
"""How much of a loot is handed back; a planted secret comes early in whatever holds it."""


@dataclass(frozen=True)
class Plan:
    """Name what can be attacked; secrets are not in here, they have to be taken."""

    nonce: str
    """Marks what the battery does, so that its traces are told from others."""
    uid: int
    """Another user that the battery may become where nothing fences it and it is root."""
    workspace: str
    open_folder: str
    """Folder outside that the user of the run may write."""
    open_file: str
    """File outside that the user of the run may read."""
    private_file: str
    """File outside that only the user of Keelway may read."""
    tools: str
    """Folder that the cage lets in for reading."""
    victim_pid: int
    address: int
    """Where in the victim's memory the secret lies."""
    secret_bytes: int
    held_fd: int
    """Number of a file that the victim holds open."""
    tcp4: int
    tcp6: int
    udp4: int
    away: str
    """An address of this machine that is not loopback; empty where there is none."""
    away_tcp: int
    away_udp: int
    allowed_port: int
    """Port that the run may connect to, for the sake of the model gateway; at its other address it is a stranger's."""
    abstract: str
    socket_file: str
    segment: int
    """Number of a shared memory segment, -1 for none."""
    shared_file: str
    handle: str
    """File handle of the open file in hex, with its type before a colon; empty for none."""

    @property
    def number(self) -> int:
        """Return a number that tells this battery from others."""
        return 10_000 + int(self.nonce[-4:], 16)

    def mark(self, attack: str) -> str:
        """Return the trace that one attack leaves."""
        return f"{self.nonce}:{attack}"


Attack = Callable[[Plan], str]
"""Try it and return what was taken; an OSError says how it was refused."""

REACHED = "reached"
"""Taken where there is nothing to take: the kernel let a call through that opens it to attack."""


class NotHere(Exception):
    """Say that this machine lacks what the attack needs, which proves nothing about a cage."""


def read_plan(path: str) -> Plan:
    """Read what the other side wrote down."""
    told = json.loads(Path(path).read_text())
    return Plan(**{field.name: told[field.name] for field in fields(Plan)})
