"""A fence of the kernel's own, for machines without bubblewrap: better than nothing, for trusted requesters only."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from keelway.clients.cage.cage import CageFacts, Inside, Outside, Settings
from keelway.clients.cage.start import launch, limits, program, python
from keelway.clients.shell import Command, run
from keelway.core.errors import YourFault

_READS = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/proc"),
    *(
        "/etc/ld.so.cache",
        "/etc/ssl",
        "/etc/ca-certificates",
        "/etc/passwd",
        "/etc/group",
        "/etc/alternatives",
    ),
    *("/etc/hosts", "/etc/nsswitch.conf", "/etc/resolv.conf", "/etc/localtime", "/etc/mime.types"),
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_HOLDS_TCP, _HOLDS_SIGNALS = 4, 6
_ASK_SECONDS = 20.0
_TEMPORARY = "tmp"

_LACKS = (
    "the agent sees the processes of the machine with their command lines",
    "it can change permissions and times of files of the same user, though not their content",
    "a process that hides can outlive the run",
    "the disk has no quota but the watched one, and there is no private /tmp",
)
_LACKS_TCP = "the agent reaches every TCP service of the machine and of the network"
_LACKS_SIGNALS = "the agent can signal other processes of the same user"
_LACKS_FILTER = (
    "datagrams, name look-ups and sockets of the machine are open",
    "keyrings and rarely needed calls of the kernel are open",
)
_LACKS_USER = "it stays root, stripped of its rights: files of root are held by the fence alone"


class Landlock:
    """Hold files, TCP and signals by Landlock, and further sockets and calls by a filter."""

    name = "landlock"
    isolates_network = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def facts(self) -> CageFacts:
        """Find out what this kernel can hold, and say what nothing holds."""
        told = _asked()
        abi = int(told.get("landlock", 0))
        if not abi:
            why = str(told.get("why") or "this kernel has no Landlock, or it is switched off")
            return CageFacts(self.name, False, self.isolates_network, True, (why,))
        missing = [*_LACKS]
        missing += [_LACKS_TCP] if abi < _HOLDS_TCP else []
        missing += [_LACKS_SIGNALS] if abi < _HOLDS_SIGNALS else []
        missing += [] if told.get("seccomp") else _LACKS_FILTER
        missing += [_LACKS_USER] if os.geteuid() == 0 else []
        return CageFacts(self.name, True, self.isolates_network, True, tuple(missing), "prlimit")

    def wrap(self, inside: Inside) -> Outside:
        """Make a place for temporary files and say what puts the fence up.

        Raises:
            YourFault: this kernel has no Landlock.
        """
        if not _asked().get("landlock"):
            raise YourFault(
                "no_landlock",
                "This kernel has no Landlock.",
                'apt-get install bubblewrap, then use = "bubblewrap" under [sandbox]',
            )
        temporary = Path(inside.home, _TEMPORARY)
        temporary.mkdir(mode=0o700, exist_ok=True)
        writes = (inside.home, *((inside.workspace,) if inside.workspace and inside.writes else ()))
        spec = {
            "env": {"TMPDIR": str(temporary), **inside.env},
            "limits": limits(inside.bounds),
            "reads": [*_READS, *self._settings.read, *inside.reads, inside.workspace or inside.home],
            "writes": writes,
            "devices": _DEVICES,
            "ports": inside.ports,
        }
        return launch(inside, spec, start="fence")

    def over(self, inside: Inside) -> str:
        """Return nothing yet."""
        del inside
        return ""

    def release(self, inside: Inside) -> str:
        """Undo nothing."""
        del inside
        return ""


@cache
def _asked() -> dict[str, Any]:
    """Return what the kernel of this machine can do."""
    done = run(Command((*python(), program("fence"), "--ask"), "/", {}, _ASK_SECONDS))
    try:
        told: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        why = done.could_not_start or done.stderr.decode("utf-8", "replace")[-300:]
        return {"landlock": 0, "why": f"it could not be asked: {why}"}
    return told
