"""What stands between an agent and the machine that it works on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fence:
    """State what the sandbox of agents holds on one machine, and what it does not."""

    name: str
    """Name in the configuration, such as ``bubblewrap``; ``none`` for no sandbox."""
    works: bool = True
    isolates_network: bool = False
    trusted_only: bool = True
    """It is too weak for requests of people who are not trusted like the owner."""
    missing: tuple[str, ...] = ()
    """Protections that are not there, in words; when it does not work, why."""
    limits: str = ""
    """What holds memory and processes, such as ``cgroup v2``."""


UNKNOWN_FENCE = Fence("unknown", missing=("nothing is known about what fences the agent",))
"""What is said where nobody could tell; the weakest of all."""
