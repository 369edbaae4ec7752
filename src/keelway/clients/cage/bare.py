"""No fence at all: the program runs as we do; it says so, and holds what bounds it can."""

from __future__ import annotations

from keelway.clients.cage.cage import CageFacts, Inside, Outside, Settings
from keelway.clients.cage.start import launch, limits

_MISSING = (
    "there is no sandbox: the agent can read every file that Keelway can read, and write it too",
    "the agent reaches the network and every service of this machine",
    "the agent sees and can end the other processes of the same user",
    "memory and processes of the agent are not bounded",
)


class Bare:
    """Start programs without a fence, for agents and requesters that are trusted like oneself."""

    name = "none"
    isolates_network = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def facts(self) -> CageFacts:
        """Say loudly what is not held."""
        return CageFacts(self.name, True, self.isolates_network, True, _MISSING, "prlimit")

    def wrap(self, inside: Inside) -> Outside:
        """Bound the size of files; everything else is as it was."""
        return launch(inside, {"limits": limits(inside.bounds)})

    def over(self, inside: Inside) -> str:
        """Return nothing: what is not fenced is not watched."""
        del inside
        return ""

    def release(self, inside: Inside) -> str:
        """Undo nothing."""
        del inside
        return ""
