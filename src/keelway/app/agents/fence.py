"""Make what every run of an agent is put behind, from the configuration."""

from __future__ import annotations

import os

from keelway.app.sections import SandboxSection
from keelway.clients.cage import MIB, Bounds, Settings, choose_cage
from keelway.clients.cage.bubblewrap import UID
from keelway.clients.egress import Egress
from keelway.clients.run import Fence, Gate


def fence_of(section: SandboxSection, gate: Gate | None = None, egress: Egress | None = None) -> Fence:
    """Return the fence that a configuration asks for, with the way to the model in it.

    Raises:
        YourFault: there is no such sandbox, or none works here.
    """
    cage = choose_cage(section.use, Settings(section.uid, section.image, section.read, section.engine))
    bounds = Bounds(
        memory_bytes=section.memory_mb * MIB,
        processes_max=section.processes_max,
        temporary_bytes_max=section.temporary_mb * MIB,
        disk_bytes_max=section.disk_mb * MIB,
    )
    return Fence(cage, bounds, gate, egress, section.egress)


def user_of(section: SandboxSection) -> int:
    """Return the user as whom agents run when we are root, -1 when they run as whoever we are."""
    return (section.uid or UID) if os.geteuid() == 0 else -1
