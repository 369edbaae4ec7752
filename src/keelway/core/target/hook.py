"""Executables of the project that are run around a deployment and its way back."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

ROOM = ".keelway/"
"""Hooks lie below it, where no patch may alter them."""


class Moment(StrEnum):
    """Say when a hook is run; its file has this name."""

    PRE_DEPLOY = "pre-deploy"
    """Before anything is built; a failure refuses the deployment."""
    PRE_SWITCH = "pre-switch"
    """Built and migrated, before users get it; a failure takes the deployment back."""
    POST_DEPLOY = "post-deploy"
    """Users get it, before it is watched; a failure takes the deployment back."""
    PRE_ROLLBACK = "pre-rollback"
    """Before the steps of a way back, once traffic went back as far as it could at once; a failure is noted."""
    POST_ROLLBACK = "post-rollback"
    """After the last step of a way back; a failure is noted."""

    @property
    def on_the_way_back(self) -> bool:
        """Tell whether it belongs to a way back, which nothing may hold up."""
        return self in {Moment.PRE_ROLLBACK, Moment.POST_ROLLBACK}


@dataclass(frozen=True)
class HookSpec:
    """Run executables of the project around a deployment."""

    folder: str = ""
    """Folder of the base branch with the executables, such as ``.keelway/hooks``; empty runs none."""
    seconds_max: float = 60.0
    """How long one may take; then its whole tree is ended and it has failed."""
    rollback_seconds_max: float = 10.0
    """How long one may take on a way back."""
    env: dict[str, str] = field(default_factory=dict)
    """Environment of the hooks, besides what they are told of the deployment."""
    secrets: dict[str, str] = field(default_factory=dict)
    """Name in their environment to name in the secrets file."""

    def limit_of(self, moment: Moment) -> float:
        """Return how long a hook may take."""
        return self.rollback_seconds_max if moment.on_the_way_back else self.seconds_max


def hook_problems(spec: HookSpec) -> list[str]:
    """Return what is wrong with the settings of hooks."""
    wrong = []
    parts = spec.folder.split("/")
    if spec.folder and (
        not spec.folder.startswith(ROOM) or {"", ".", ".."} & set(parts[:-1]) or ".." in parts
    ):
        wrong.append(f"hooks.folder {spec.folder!r} is not below {ROOM}, where no patch may alter it")
    if min(spec.seconds_max, spec.rollback_seconds_max) <= 0:
        wrong.append("hooks: seconds_max and rollback_seconds_max must be above 0")
    return wrong
