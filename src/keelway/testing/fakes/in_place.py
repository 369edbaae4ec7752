"""Environments in memory where a new release takes the place of the old one, by a platform or by an operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from keelway.core.errors import TheirFault, YourFault
from keelway.core.model.project import Project
from keelway.core.target.spec import MANUAL
from keelway.ports.target import Capabilities, EnvironmentState, RunningRelease, Target
from keelway.testing.fakes.target import FakeTarget

_ALL = 100
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class FakeInPlaceTarget(FakeTarget):
    """Be a ``FakeTarget`` where an environment runs side by side, and replace what serves where it does not."""

    def __init__(self, project: Project, now: Callable[[], datetime] = lambda: _EPOCH) -> None:
        super().__init__(project, now)
        self.silent = ""
        """Why nobody can say what is live; empty when it can be asked."""
        self._lost: set[str] = set()
        self._refusals: dict[str, str] = {}

    def lose(self, release_or_sha: str = "") -> None:
        """Let a release, or the release of a commit, never get live: the old one stays; empty for every one."""
        self._lost.add(release_or_sha)

    def confirm(self, environment: str, release: str, refused: str = "") -> str:
        """Be the operator: the release is live, or why it is not."""
        self._built(environment, release)
        if refused:
            self._refusals[release] = refused
        else:
            self._replace(environment, release)
        return self.places[environment].built[release]

    def capabilities(self, environment: str) -> Capabilities:
        """Say what this target can do."""
        told = super().capabilities(environment)
        if not self._in_place(environment):
            return told
        return replace(told, side_by_side=False, weights=False, snapshots=False)

    def state(self, environment: str) -> EnvironmentState:
        """Read what is live."""
        told = super().state(environment)
        if not self._in_place(environment):
            return told
        if self.silent:
            return replace(told, active="", releases=(), healthy=False, detail=self.silent)
        refused = self._refusals
        releases = tuple(
            replace(entry, state="degraded") if entry.release in refused else entry for entry in told.releases
        )
        why = "; ".join(f"{name}: {why}" for name, why in refused.items())
        return replace(told, releases=releases, detail=why)

    def start(self, environment: str, release: str, *, epoch: int) -> RunningRelease:
        """Start a release beside what runs, or only fence older holders off."""
        if not self._in_place(environment):
            return super().start(environment, release, epoch=epoch)
        self._acting("start", environment, release, epoch=epoch)
        return self._running(environment, release)

    def switch(self, environment: str, weights: dict[str, int], *, epoch: int) -> None:
        """Move the traffic, or replace what serves."""
        if not self._in_place(environment):
            super().switch(environment, weights, epoch=epoch)
            return
        wanted = [release for release, share in weights.items() if share]
        if len(wanted) != 1:
            raise YourFault("no_weights", f"{environment} serves one release at a time.")
        place = self._acting("switch", environment, *wanted, epoch=epoch)
        manual = self._project.environment(environment).target.use == MANUAL
        if place.active == wanted[0] and self._well(environment, wanted[0]):
            return
        if manual:
            raise TheirFault("operator_awaited", f"An operator has to bring {wanted[0]} to {environment}.")
        if {"", wanted[0], place.built[wanted[0]]} & self._lost:
            raise TheirFault("platform_failed", f"The platform could not build {wanted[0]}.")
        self._replace(environment, wanted[0])
        if not self._well(environment, wanted[0]):
            raise TheirFault("unhealthy", f"{wanted[0]} did not become healthy.")

    def boots(self, environment: str, release: str) -> str:
        """Say whether a release would start now, as far as anybody can know."""
        said = super().boots(environment, release)
        return f"{release} cannot be tried here" if self._in_place(environment) else said

    def _replace(self, environment: str, release: str) -> None:
        place = self.places[environment]
        place.running = {release}
        place.ran.add(release)
        place.weights = {release: _ALL}
        place.switches.append((self._now(), release))

    def _in_place(self, environment: str) -> bool:
        self._place(environment)
        return self._project.environment(environment).target.in_place


_check: type[Target] = FakeInPlaceTarget
