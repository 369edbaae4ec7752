"""Hand every verb to the target of its environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from keelway.core.errors import YourFault
from keelway.core.migration.dry_run import NO_COPY
from keelway.core.model.project import no_environment
from keelway.ports.target import (
    Built,
    Capabilities,
    EnvironmentState,
    Migrated,
    RunningRelease,
    SchemaSteps,
    Target,
    TriesOnCopy,
)


@runtime_checkable
class Keeping(Protocol):
    """Keep daemons of its own, as the process target does."""

    def ensure(self) -> tuple[str, ...]:
        """Start the daemons that do not answer, and name them."""
        ...

    def revive(self, environment: str) -> tuple[str, ...]:
        """Start again what had traffic when everything was stopped."""
        ...


@runtime_checkable
class Stoppable(Protocol):
    """End everything that it keeps running."""

    def stop_all(self, deadline_seconds: float) -> None:
        """End releases, fronts and daemons."""
        ...


@runtime_checkable
class Confirmed(Protocol):
    """Be deployed by an operator, who says when it is done."""

    def confirm(self, environment: str, release: str, refused: str = "") -> str:
        """Take an operator's word that a release is live, or why it is not; return its commit."""
        ...


class ByEnvironment:
    """Be one target for a project whose environments have several."""

    def __init__(self, parts: Mapping[str, Target]) -> None:
        self._parts = dict(parts)

    def ensure(self) -> tuple[str, ...]:
        """Start every daemon that does not answer, and name what was started."""
        return tuple(name for part in self._all() if isinstance(part, Keeping) for name in part.ensure())

    def revive(self, environment: str) -> tuple[str, ...]:
        """Start again what had traffic, where the target of the environment keeps it."""
        part = self._of(environment)
        return part.revive(environment) if isinstance(part, Keeping) else ()

    def stop_all(self, deadline_seconds: float) -> None:
        """End the releases and daemons that run on this machine."""
        for part in self._all():
            if isinstance(part, Stoppable):
                part.stop_all(deadline_seconds)

    def confirm(self, environment: str, release: str, refused: str = "") -> str:
        """Take an operator's word, where the target of the environment needs one."""
        return confirmed(self._of(environment), environment).confirm(environment, release, refused)

    def capabilities(self, environment: str) -> Capabilities:
        """Say what the target of an environment can do."""
        return self._of(environment).capabilities(environment)

    def state(self, environment: str) -> EnvironmentState:
        """Read what really runs."""
        return self._of(environment).state(environment)

    def build(self, environment: str, sha: str, release: str) -> Built:
        """Make the immutable release of a commit."""
        return self._of(environment).build(environment, sha, release)

    def start(self, environment: str, release: str, *, epoch: int) -> RunningRelease:
        """Start a release and wait until it is healthy."""
        return self._of(environment).start(environment, release, epoch=epoch)

    def switch(self, environment: str, weights: dict[str, int], *, epoch: int) -> None:
        """Move all traffic in one step."""
        self._of(environment).switch(environment, weights, epoch=epoch)

    def swap_workers(self, environment: str, release: str, *, epoch: int) -> None:
        """Give the background work to one release."""
        self._of(environment).swap_workers(environment, release, epoch=epoch)

    def retire(self, environment: str, release: str, *, epoch: int) -> None:
        """Stop a release that receives no traffic."""
        self._of(environment).retire(environment, release, epoch=epoch)

    def boots(self, environment: str, release: str) -> str:
        """Say whether a release starts on the present schema."""
        return self._of(environment).boots(environment, release)

    def schema(self, environment: str, release: str) -> int | None:
        """Read the schema version."""
        return self._of(environment).schema(environment, release)

    def migrate(self, environment: str, release: str, version: int | None, *, epoch: int) -> Migrated:
        """Move the schema."""
        return self._of(environment).migrate(environment, release, version, epoch=epoch)

    def on_copy(self, environment: str, release: str, instead: dict[str, str]) -> SchemaSteps:
        """Return the migration steps of a release on a copy of the data.

        Raises:
            YourFault: the target of the environment cannot run them there (``no_copy``).
        """
        part = self._of(environment)
        if not isinstance(part, TriesOnCopy):
            raise YourFault(
                NO_COPY,
                f"The target of {environment} cannot run migrations on a copy of the data.",
                "nothing; its own data met them on staging",
            )
        return part.on_copy(environment, release, instead)

    def prune(self, environment: str, keep: tuple[str, ...]) -> tuple[str, ...]:
        """Remove releases that are not to be kept."""
        return self._of(environment).prune(environment, keep)

    def _all(self) -> tuple[Target, ...]:
        """Return every target once, however many environments it has."""
        return tuple({id(part): part for part in self._parts.values()}.values())

    def _of(self, environment: str) -> Target:
        try:
            return self._parts[environment]
        except KeyError:
            raise no_environment(environment, self._parts) from None


def confirmed(target: Target, environment: str) -> Confirmed:
    """Return a target that takes an operator's word.

    Raises:
        YourFault: it takes none (``nothing_to_confirm``).
    """
    if not isinstance(target, Confirmed):
        raise YourFault(
            "nothing_to_confirm",
            f"{environment} is not deployed by hand, so nobody's word is needed.",
            f"keelway health {environment}",
        )
    return target


_check: type[Target] = ByEnvironment
