"""Make what every run of an agent is put behind, from the configuration."""

from __future__ import annotations

import os

from keelway.adapters.ci.local import CheckFence
from keelway.app.sections import SandboxSection
from keelway.clients.cage import MIB, Bounds, Cage, Settings, choose_cage
from keelway.clients.cage.bubblewrap import UID, Bubblewrap
from keelway.clients.cage.choose import AUTO
from keelway.clients.egress import Egress
from keelway.clients.run import Fence, Gate
from keelway.clients.run.fence import NONE
from keelway.core.errors import YourFault
from keelway.core.model.project import Project


def fence_of(section: SandboxSection, gate: Gate | None = None, egress: Egress | None = None) -> Fence:
    """Return the fence that a configuration asks for, with the way to the model in it.

    Raises:
        YourFault: there is no such sandbox, or none works here.
    """
    return Fence(_cage(section), _bounds(section), gate, egress, section.egress)


def check_fence(section: SandboxSection, egress: Egress | None = None) -> CheckFence | None:
    """Return what the checks of a patch run behind; None where they run as we do.

    Only bubblewrap takes them: a container holds none of the machine's tools, and Landlock no network of its own.
    """
    if not section.checks or section.use not in {AUTO, Bubblewrap.name}:
        return None
    try:
        cage = _cage(section)
    except YourFault:
        return None
    fitting = cage.name == Bubblewrap.name and (section.use != AUTO or cage.facts().works)
    return CheckFence(Fence(cage, _bounds(section), None, egress, section.egress)) if fitting else None


def open_places(section: SandboxSection, project: Project) -> tuple[str, ...]:
    """Say what of an agent's work runs without a sandbox: its tests, and what sets a checkout of it up."""
    if section.use == NONE:
        return ()  # the agent has none either, which is said
    fence = check_fence(section)
    if fence is None:
        return ("the checks of a patch run without a sandbox",)
    names = ", ".join(check.name for check in project.checks if not check.fenced)
    found = [f"these checks of a patch run without a sandbox: {names}"] if names else []
    if project.setup and not section.egress:
        found.append(
            "what sets a checkout up runs without a sandbox, since egress names no host that it may load from"
        )
    return tuple(found)


def _cage(section: SandboxSection) -> Cage:
    return choose_cage(section.use, Settings(section.uid, section.image, section.read, section.engine))


def _bounds(section: SandboxSection) -> Bounds:
    return Bounds(
        memory_bytes=section.memory_mb * MIB,
        processes_max=section.processes_max,
        temporary_bytes_max=section.temporary_mb * MIB,
        disk_bytes_max=section.disk_mb * MIB,
    )


def user_of(section: SandboxSection) -> int:
    """Return the user as whom agents run when we are root, -1 when they run as whoever we are."""
    return (section.uid or UID) if os.geteuid() == 0 else -1
