"""Environments in memory: releases that run, take traffic, migrate and fail as a test tells them to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from keelway.core.errors import OurFault, StaleEpoch, TheirFault, YourFault
from keelway.core.model.project import (
    PRODUCTION,
    STAGING,
    EnvironmentSpec,
    ProbeSpec,
    ProcessCommand,
    Project,
)
from keelway.ports.target import (
    Built,
    Capabilities,
    EnvironmentState,
    Migrated,
    RunningRelease,
    SchemaSteps,
    Target,
)

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_ALL = 100

PROJECT = Project(
    "fake",
    processes=(ProcessCommand("web", ("web",)),),
    environments=(EnvironmentSpec(STAGING, 8001), EnvironmentSpec(PRODUCTION, 8002)),
)


@dataclass(frozen=True)
class Behaviour:
    """Script one release."""

    healthy: bool = True
    """Whether it becomes healthy when started, and answers probes well."""
    boots: bool = True
    """Whether it still starts when it is asked to boot on the present schema."""
    builds: bool = True
    schema: int | None = None
    """Newest schema version that its migrations know, and the oldest that it is healthy on; None for none."""
    down: bool = True
    """Whether its down migrations work."""
    error_rate: float = 0.0
    """Share of its requests that fail."""


@dataclass
class FakePlace:
    """Hold one environment, open to tests."""

    built: dict[str, str] = field(default_factory=dict)
    """Commit by release."""
    running: set[str] = field(default_factory=set)
    ran: set[str] = field(default_factory=set)
    weights: dict[str, int] = field(default_factory=dict)
    workers: str = ""
    schema: int = 0
    epoch: int = 0
    switches: list[tuple[datetime, str]] = field(default_factory=list)

    @property
    def active(self) -> str:
        """Return the release with the highest weight."""
        return max(self.weights, key=lambda name: self.weights[name], default="")


class FakeSteps:
    """Move the schema of a copy that nobody else sees, from version 0."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour, self._version = behaviour, 0

    def version(self) -> int | None:
        """Read the schema version."""
        return None if self._behaviour.schema is None else self._version

    def up(self) -> None:
        """Move up to what the release knows."""
        self._version = self._behaviour.schema or 0

    def down(self, version: int) -> bool:
        """Move down."""
        if not self._behaviour.down:
            raise TheirFault("migration_failed", "The way down failed.")
        self._version = version
        return True


class FakeTarget:
    """Keep ``places`` by environment and a log of ``calls``; script releases with ``behave``."""

    def __init__(self, project: Project = PROJECT, now: Callable[[], datetime] = lambda: _EPOCH) -> None:
        self.places = {spec.name: FakePlace() for spec in project.environments}
        self.calls: list[tuple[str, ...]] = []
        self._project = project
        self._now = now
        self._behaviours: dict[str, Behaviour] = {}

    def behave(self, release_or_sha: str, **script: object) -> None:
        """Change how a release (or the release of a commit) behaves from now on; see ``Behaviour``."""
        known = self._behaviours.get(release_or_sha, Behaviour())
        self._behaviours[release_or_sha] = replace(known, **script)  # type: ignore[arg-type]

    def behaviour(self, environment: str, release: str) -> Behaviour:
        """Return the script of a release: its own, that of its commit, or the default."""
        sha = self.places[environment].built.get(release, "")
        return self._behaviours.get(release) or self._behaviours.get(sha) or Behaviour()

    def traffic(self, environment: str, release: str, at: datetime) -> tuple[int, int] | None:
        """Return what a front would have counted of a release in an interval; for ``FakeSignal``."""
        place = self.places[environment]
        active = next((name for since, name in reversed(place.switches) if since <= at), "")
        if not active or release not in {"", active}:
            return None
        return _ALL, round(_ALL * self.behaviour(environment, active).error_rate)

    def health(self, url: str, spec: ProbeSpec) -> str:
        """Return "" when the release that answers at an address is healthy, else why not; for ``FakeProbe``."""
        del spec
        for environment in self._project.environments:
            if url == environment.address:
                active = self.places[environment.name].active
                healthy = active and self._well(environment.name, active)
                return "" if healthy else f"{active or 'nobody'} does not answer"
        return "nobody listens there"

    def capabilities(self, environment: str) -> Capabilities:
        """Say what this target can do."""
        self._place(environment)
        return Capabilities(side_by_side=True, weights=True, migrations=True, snapshots=True)

    def state(self, environment: str) -> EnvironmentState:
        """Read what runs."""
        place = self._place(environment)
        spec = self._project.environment(environment)
        active = place.active
        return EnvironmentState(
            environment,
            spec.address,
            active,
            tuple(self._running(environment, release) for release in sorted(place.built)),
            self.schema(environment, active) if active else None,
            place.epoch,
            bool(active) and active in place.running and self._well(environment, active),
        )

    def build(self, environment: str, sha: str, release: str) -> Built:
        """Make a release."""
        self._note("build", environment, release)
        place = self._place(environment)
        if place.built.get(release, sha) != sha:
            raise OurFault("release_taken", f"{release} is built from another commit.")
        if not (self._behaviours.get(release) or self._behaviours.get(sha) or Behaviour()).builds:
            raise TheirFault("build_failed", f"The set-up of {release} failed.")
        place.built[release] = sha
        return Built(release, sha, sha, 0.0)

    def start(self, environment: str, release: str, *, epoch: int) -> RunningRelease:
        """Start a release beside what runs."""
        place = self._acting("start", environment, release, epoch=epoch)
        place.ran.add(release)
        if not self._well(environment, release):
            place.running.discard(release)
            raise TheirFault("unhealthy", f"{release} did not become healthy.")
        place.running.add(release)
        return self._running(environment, release)

    def switch(self, environment: str, weights: dict[str, int], *, epoch: int) -> None:
        """Move the traffic."""
        place = self._acting("switch", environment, *weights, epoch=epoch)
        if idle := sorted({release for release, weight in weights.items() if weight} - place.running):
            raise TheirFault("not_running", f"{idle[0]} does not run, so it cannot take traffic.")
        place.weights = {release: weight for release, weight in weights.items() if weight}
        place.switches.append((self._now(), place.active))

    def swap_workers(self, environment: str, release: str, *, epoch: int) -> None:
        """Give the background work to one release."""
        self._acting(
            "swap_workers", environment, *([release] if release else []), epoch=epoch
        ).workers = release

    def retire(self, environment: str, release: str, *, epoch: int) -> None:
        """Stop a release without traffic."""
        place = self._acting("retire", environment, release, epoch=epoch)
        if place.weights.get(release):
            raise TheirFault("still_routed", f"{release} takes traffic, so it was not stopped.")
        place.running.discard(release)
        if place.workers == release:
            place.workers = ""

    def boots(self, environment: str, release: str) -> str:
        """Say whether a release would start now."""
        self._note("boots", environment, release)
        self._built(environment, release)
        well = self._well(environment, release) and self.behaviour(environment, release).boots
        return "" if well else f"{release} did not become healthy"

    def schema(self, environment: str, release: str) -> int | None:
        """Read the schema version."""
        self._built(environment, release)
        known = self.behaviour(environment, release).schema
        return None if known is None else self._place(environment).schema

    def migrate(self, environment: str, release: str, version: int | None, *, epoch: int) -> Migrated:
        """Move the schema up to what the release knows, or down."""
        place = self._acting("migrate", environment, release, epoch=epoch)
        script, before = self.behaviour(environment, release), place.schema
        if script.schema is None:
            raise YourFault("no_migrations", f"{release} has no migration commands.")
        if version is not None and version < before and not script.down:
            raise TheirFault("migration_failed", f"The way down failed; the schema is at version {before}.")
        after = max(before, script.schema) if version is None else min(before, version)
        place.schema = after
        return Migrated(before, after)

    def on_copy(self, environment: str, release: str, instead: dict[str, str]) -> SchemaSteps:
        """Return the migration steps of a release on a copy."""
        del instead
        self._built(environment, release)
        return FakeSteps(self.behaviour(environment, release))

    def prune(self, environment: str, keep: tuple[str, ...]) -> tuple[str, ...]:
        """Remove what is stopped and not to be kept."""
        place = self._place(environment)
        self._note("prune", environment, *keep)
        gone = sorted(set(place.built) - set(keep) - place.running - {place.active})
        for release in gone:
            del place.built[release]
            place.ran.discard(release)
        return tuple(gone)

    def _running(self, environment: str, release: str) -> RunningRelease:
        place, spec = self._place(environment), self._project.environment(environment)
        state = "stopped" if release in place.ran else "built"
        if release in place.running:
            state = "running" if self._well(environment, release) else "degraded"
        workers = sum(1 for process in self._project.processes if process.name != "web")
        return RunningRelease(
            release,
            place.built[release],
            state,
            place.weights.get(release, 0),
            spec.address if release in place.running else "",
            workers=workers if release == place.workers else 0,
        )

    def _well(self, environment: str, release: str) -> bool:
        script = self.behaviour(environment, release)
        return script.healthy and (script.schema is None or self.places[environment].schema >= script.schema)

    def _acting(self, verb: str, environment: str, *releases: str, epoch: int) -> FakePlace:
        self._note(verb, environment, *releases)
        place = self._place(environment)
        if epoch < place.epoch:
            raise StaleEpoch("stale_epoch", f"Epoch {epoch} is older than {place.epoch}.")
        place.epoch = epoch
        for release in releases:
            self._built(environment, release)
        return place

    def _built(self, environment: str, release: str) -> None:
        if release not in self._place(environment).built:
            raise YourFault("no_release", f"There is no release {release} in {environment}.")

    def _place(self, environment: str) -> FakePlace:
        if environment not in self.places:
            raise YourFault("no_environment", f"There is no environment {environment!r}.")
        return self.places[environment]

    def _note(self, *words: str) -> None:
        self.calls.append(words)


_check: type[Target] = FakeTarget
