"""A fence of the kernel's own, for machines without bubblewrap: better than nothing, for trusted requesters only."""

from __future__ import annotations

import json
import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any

from keelway.clients.cage.bubblewrap import UID
from keelway.clients.cage.cage import CageFacts, Inside, Outside, Settings
from keelway.clients.cage.hold import cgroup
from keelway.clients.cage.hold.holding import Holding, folders
from keelway.clients.cage.hold.owner import lend, take_back
from keelway.clients.cage.reach import reaches
from keelway.clients.cage.start import launch, limits, program, python
from keelway.clients.cage.view import insist
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
_NICE = 5

_LACKS = (
    "the agent sees the processes of the machine with their command lines",
    "it can change permissions and times of files of the same user, though not their content",
    "the port numbers of the model gateway and the egress proxy can be reached at every address of the network",
    "there is no private /tmp; temporary files go to the home of the run",
)
_LACKS_GROUP = (
    "a process that hides can outlive the run, and processes are not counted: no control group is ours"
)
_LACKS_TCP = "the agent reaches every TCP service of the machine and of the network"
_LACKS_SIGNALS = "the agent can signal other processes of the same user"
_LACKS_FILTER = (
    "datagrams, name look-ups and sockets of the machine are open",
    "keyrings and rarely needed calls of the kernel are open",
)
_LACKS_USER = (
    "what lies where only root may go, such as a toolchain or a workspace below /root, is worked on as root "
    "stripped of its rights"
)


class Landlock:
    """Hold files, TCP and signals by Landlock, and further sockets and calls by a filter."""

    name = "landlock"
    isolates_network = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._uid = (settings.uid or UID) if os.geteuid() == 0 else 0
        self._holding = Holding()

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
        kind = self._holding.place.kind
        missing += [_LACKS_GROUP] if kind == cgroup.NONE else []
        missing += [_LACKS_USER] if self._uid else []
        return CageFacts(self.name, True, self.isolates_network, True, tuple(missing), kind)

    def wrap(self, inside: Inside) -> Outside:
        """Lend the folders, make the group and say what puts the fence up.

        Raises:
            YourFault: this kernel has no Landlock, or a path cannot be shown.
            OSError: a folder cannot be lent, or the kernel refuses a group.
        """
        if not _asked().get("landlock"):
            raise YourFault(
                "no_landlock",
                "This kernel has no Landlock.",
                'apt-get install bubblewrap, then use = "bubblewrap" under [sandbox]',
            )
        reads = tuple(dict.fromkeys((*self._settings.read, *inside.reads)))
        insist((*reads, *folders(inside)))
        self._holding.end(inside)
        temporary = Path(inside.home, _TEMPORARY)
        temporary.mkdir(mode=0o700, exist_ok=True)
        uid = self._user(inside, reads)
        for folder in folders(inside):
            lend(Path(folder), uid)
        writes = (inside.home, *((inside.workspace,) if inside.workspace and inside.writes else ()))
        spec = {
            "env": {"TMPDIR": str(temporary), **inside.env},
            "limits": limits(inside.bounds),
            "groups": self._holding.begin(inside),
            "nice": _NICE,
            "uid": uid,
            "reads": [*_READS, *reads, inside.workspace or inside.home],
            "writes": writes,
            "devices": _DEVICES,
            "ports": inside.ports,
        }
        return launch(inside, spec, start="fence")

    def over(self, inside: Inside) -> str:
        """Return the bound that a live run has passed."""
        return self._holding.over(inside)

    def release(self, inside: Inside) -> str:
        """End what is left, take the folders back and return the bound that was hit."""
        hit = self._holding.end(inside)
        for folder in folders(inside):
            if Path(folder).is_dir():
                take_back(Path(folder))
        return hit

    def _user(self, inside: Inside, reads: tuple[str, ...]) -> int:
        """Return the user to become, 0 to stay: where that user could not get to what the run needs."""
        above = {str(Path(folder).parent) for folder in folders(inside)}
        found = shutil.which(inside.argv[0], path=inside.env.get("PATH")) or inside.argv[0]
        return self._uid if self._uid and reaches(self._uid, (*reads, found), above) else 0


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
