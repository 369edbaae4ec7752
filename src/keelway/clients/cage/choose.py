"""Choose a cage by its name in the configuration."""

from __future__ import annotations

from collections.abc import Callable

from keelway.clients.cage.bare import Bare
from keelway.clients.cage.bubblewrap import Bubblewrap
from keelway.clients.cage.cage import Cage, Settings
from keelway.clients.cage.container import Container
from keelway.clients.cage.landlock import Landlock
from keelway.core.errors import YourFault

AUTO = "auto"
_CAGES: dict[str, Callable[[Settings], Cage]] = {
    "bubblewrap": Bubblewrap,
    "container": Container,
    "landlock": Landlock,
    "none": Bare,
}
"""Every cage by its name."""
_TRIED: tuple[str, ...] = ("bubblewrap", "landlock")
"""What ``auto`` tries, the strongest first."""
NAMES = (AUTO, *_CAGES)
_HINT = 'apt-get install bubblewrap, or set use = "none" under [sandbox] to run agents without a sandbox'


def choose_cage(name: str, settings: Settings) -> Cage:
    """Return the cage of a name; ``auto`` is the strongest one that works here.

    Raises:
        YourFault: there is no such cage, or none works here.
    """
    if name == AUTO:
        return _strongest(settings)
    if name not in _CAGES:
        raise YourFault(
            "unknown_cage", f"There is no sandbox called {name!r}.", f"use one of: {', '.join(NAMES)}"
        )
    return _CAGES[name](settings)


def _strongest(settings: Settings) -> Cage:
    reasons = []
    for name in _TRIED:
        cage = _CAGES[name](settings)
        facts = cage.facts()
        if facts.works:
            return cage
        reasons.append(f"{name}: {', '.join(facts.missing)}")
    raise YourFault(
        "no_cage", f"No sandbox works on this machine ({'; '.join(reasons) or 'none is known'}).", _HINT
    )
