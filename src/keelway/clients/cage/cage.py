"""The shape of a cage: what a run needs inside in, what to start on the host out.

The life of a run: ``wrap`` prepares and says what to start; while it runs, whoever watches it asks ``over``
every second or so and kills the process that was started when the answer is not empty, which ends everything
inside; ``release`` is called in the end, whatever happened, and may be called again. Paths are the same inside
and outside. ``Inside.home`` belongs to one run alone and tells runs apart.

The process has to be started by a thread that outlives it: where the kernel can, it is ended with its parent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

MIB = 1024 * 1024
GIB = 1024 * MIB


@dataclass(frozen=True)
class Bounds:
    """Say how much a run may use; 0 is no bound."""

    memory_bytes: int = 4 * GIB
    processes_max: int = 512
    file_bytes_max: int = GIB
    """Size of a single file."""
    temporary_bytes_max: int = GIB
    """Size of each temporary file system, which lives in memory."""
    disk_bytes_max: int = 4 * GIB
    """What workspace and home together may grow by; watched, so it may be overshot for a moment."""


@dataclass(frozen=True)
class Inside:
    """Describe a run as it is seen inside."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    """The exact environment; nothing is inherited."""
    cwd: str
    home: str
    """Private folder of this run alone, writable."""
    workspace: str = ""
    writes: bool = True
    """Whether the workspace may be written."""
    reads: tuple[str, ...] = ()
    """Further host paths that may be read, at the same path: toolchains, git objects, configuration."""
    relays: Mapping[int, str] = field(default_factory=dict)
    """Loopback port inside to Unix socket on the host; for cages with a network of their own."""
    doors: Mapping[str, int] = field(default_factory=dict)
    """Unix socket to make in a writable folder, to the loopback port inside that it leads to; like ``relays``."""
    ports: tuple[int, ...] = ()
    """TCP ports of the host that may be connected to; for cages without a network of their own."""
    bounds: Bounds = field(default_factory=Bounds)


@dataclass(frozen=True)
class Outside:
    """Say what to start on the host; the environment is exact as well."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str


@dataclass(frozen=True)
class CageFacts:
    """State what a cage holds and what it does not."""

    name: str
    works: bool
    isolates_network: bool
    trusted_only: bool
    """Requests of people who are not trusted have to be refused."""
    missing: tuple[str, ...] = ()
    """Protections that are not there, in words for people; when it does not work, why."""
    limits: str = ""
    """What holds memory and processes: ``cgroup v2``, ``cgroup v1`` or ``prlimit``."""


@dataclass(frozen=True)
class Settings:
    """Say what all cages of a machine have in common."""

    uid: int = 0
    """Numeric user and group that a cage drops to where we are root; 0 takes the usual one."""
    image: str = ""
    """Container image, for cages that need one."""
    read: tuple[str, ...] = ()
    """Host paths that every run may read."""
    engine: str = ""
    """Address of the container engine; empty for the usual places."""


class Cage(Protocol):
    """Fence programs of one kind of run."""

    @property
    def name(self) -> str:
        """Return the name in the configuration."""
        ...

    @property
    def isolates_network(self) -> bool:
        """Tell whether programs inside have a loopback of their own, reach nothing else, and need relays."""
        ...

    def facts(self) -> CageFacts:
        """Find out by trying whether the cage works here, and what it does not hold."""
        ...

    def wrap(self, inside: Inside) -> Outside:
        """Prepare a run and say what to start; what an earlier run of the same home left is undone first.

        Raises:
            YourFault: the cage cannot hold this run, with what is missing.
        """
        ...

    def over(self, inside: Inside) -> str:
        """Return the bound that a live run has passed: ``disk``, ``memory`` or an empty text."""
        ...

    def release(self, inside: Inside) -> str:
        """Undo what ``wrap`` did and return the bound that was hit: ``memory``, ``disk`` or an empty text."""
        ...
