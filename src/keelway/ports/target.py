"""Where releases run and how traffic reaches them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from keelway.core.strategy.step import Capability


@dataclass(frozen=True)
class Capabilities:
    """State what a target can do; a strategy that needs more is refused before the first deploy."""

    side_by_side: bool
    weights: bool
    migrations: bool
    snapshots: bool
    instances: bool = False

    @property
    def moves(self) -> frozenset[Capability]:
        """Return what a strategy may ask for; a target where releases run in place moves traffic in its own way only."""
        able = {
            Capability.RESTART: self.side_by_side,
            Capability.SIDE_BY_SIDE: self.side_by_side,
            Capability.SWITCH: self.side_by_side,
            Capability.SPLIT: self.weights,
            Capability.INSTANCES: self.instances,
        }
        return frozenset(word for word, can in able.items() if can)


@dataclass(frozen=True)
class Built:
    """Name an immutable release that is ready to be started."""

    release: str
    sha: str
    tree_sha: str
    seconds: float


@dataclass(frozen=True)
class RunningRelease:
    """Describe a release as its environment has it."""

    release: str
    sha: str
    state: str
    """``built``, ``running``, ``degraded`` or ``stopped``."""
    weight: int = 0
    url: str = ""
    inflight: int = 0
    restarts: int = 0
    workers: int = 0


@dataclass(frozen=True)
class EnvironmentState:
    """Describe an environment as it is, not as it is recorded."""

    environment: str
    url: str
    active: str
    """The release that receives traffic; empty before the first deploy."""
    releases: tuple[RunningRelease, ...]
    schema: int | None
    epoch: int
    healthy: bool
    detail: str = ""


@dataclass(frozen=True)
class Migrated:
    """State how the schema moved."""

    before: int
    after: int
    detail: str = ""

    @property
    def steps(self) -> int:
        """Return by how many versions the schema moved, negative for down."""
        return self.after - self.before


class SchemaSteps(Protocol):
    """Move the schema of a copy by the commands of a release."""

    def version(self) -> int | None:
        """Read the schema version; ``None`` when the release has no such command."""
        ...

    def up(self) -> None:
        """Move up to the newest.

        Raises:
            TheirFault: the command failed.
        """
        ...

    def down(self, version: int) -> bool:
        """Move down to a version; ``False`` when the release has no way down.

        Raises:
            TheirFault: the command failed.
        """
        ...


OnCopy = Callable[[str, str, dict[str, str]], SchemaSteps]
"""The steps of a release in an environment, with other addresses in place of those of the live data."""


@runtime_checkable
class TriesOnCopy(Protocol):
    """Be a target that can run the migrations of a release against a copy of the data."""

    def on_copy(self, environment: str, release: str, instead: dict[str, str]) -> SchemaSteps:
        """Return the steps of a release; its commands get ``instead`` in place of what they name."""
        ...


class Target(Protocol):
    """Run releases of one application in its environments.

    Every verb is safe to repeat. Verbs that act take the ``epoch`` of the holder of the
    environment and raise ``StaleEpoch`` when a newer holder has acted since.
    """

    def capabilities(self, environment: str) -> Capabilities:
        """Say what this target can do in an environment."""
        ...

    def state(self, environment: str) -> EnvironmentState:
        """Read what really runs."""
        ...

    def build(self, environment: str, sha: str, release: str) -> Built:
        """Make the immutable release of a commit, with its own environment of packages.

        Raises:
            TheirFault: the set-up command failed; nothing of the release is left.
        """
        ...

    def start(self, environment: str, release: str, *, epoch: int) -> RunningRelease:
        """Start the web processes of a release beside what runs, and wait until they are healthy.

        Raises:
            TheirFault: it did not become healthy within its time; it has been stopped again.
        """
        ...

    def switch(self, environment: str, weights: dict[str, int], *, epoch: int) -> None:
        """Move all traffic in one step; in-flight requests end where they began."""
        ...

    def swap_workers(self, environment: str, release: str, *, epoch: int) -> None:
        """Stop the workers of every other release, then start those of this one; an empty name only stops."""
        ...

    def retire(self, environment: str, release: str, *, epoch: int) -> None:
        """Drain and stop a release that receives no traffic; its files stay."""
        ...

    def boots(self, environment: str, release: str) -> str:
        """Start a release on the present schema without traffic, probe and stop it; return "" or what failed."""
        ...

    def schema(self, environment: str, release: str) -> int | None:
        """Read the schema version by the status command of a release; ``None`` when it has none."""
        ...

    def migrate(self, environment: str, release: str, version: int | None, *, epoch: int) -> Migrated:
        """Move the schema up to the newest (``None``) or down to ``version`` by the commands of a release."""
        ...

    def prune(self, environment: str, keep: tuple[str, ...]) -> tuple[str, ...]:
        """Remove stopped releases that are not to be kept; return their names."""
        ...
