"""No fence at all: the program runs as we do; it says so, and holds what bounds it can."""

from __future__ import annotations

from collections.abc import Iterator

from keelway.clients.cage.cage import CageFacts, Inside, Outside, Settings
from keelway.clients.cage.hold import cgroup
from keelway.clients.cage.hold.holding import Holding
from keelway.clients.cage.start import launch, limits

_MISSING = (
    "there is no sandbox: the agent can read every file that Keelway can read, and write it too",
    "the agent reaches the network and every service of this machine",
    "the agent sees and can end the other processes of the same user",
)
_UNBOUNDED = (
    "processes of the agent are not bounded, and its memory by watching only: no control group is ours"
)


class Bare:
    """Start programs without a fence, for agents and requesters that are trusted like oneself."""

    name = "none"
    isolates_network = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._holding = Holding()

    def facts(self) -> CageFacts:
        """Say loudly what is not held."""
        kind = self._holding.place.kind
        return CageFacts(self.name, True, self.isolates_network, True, tuple(self._missing()), kind)

    def wrap(self, inside: Inside) -> Outside:
        """Bound what can be bounded; everything else is as it was.

        Raises:
            OSError: the kernel refuses a group.
        """
        return launch(inside, {"limits": limits(inside.bounds), "groups": self._holding.begin(inside)})

    def over(self, inside: Inside) -> str:
        """Return the bound that a live run has passed."""
        return self._holding.over(inside)

    def release(self, inside: Inside) -> str:
        """Return the bound that was hit; there is nothing to undo but the group."""
        return self._holding.end(inside)

    def _missing(self) -> Iterator[str]:
        yield from _MISSING
        if self._holding.place.kind == cgroup.NONE:
            yield _UNBOUNDED
