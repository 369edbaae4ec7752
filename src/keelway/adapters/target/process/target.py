"""The verbs of the process target, each safe to repeat and fenced by the epoch of its holder."""

from __future__ import annotations

from pathlib import Path

from keelway.adapters.target.process import daemons, look, releases, running, scale, schema
from keelway.adapters.target.process.on_copy import CopySteps
from keelway.adapters.target.process.running import ALIVE, WEB, is_web
from keelway.adapters.target.process.scale import DRAIN_SECONDS
from keelway.adapters.target.process.site import Site
from keelway.clients.places import Places
from keelway.core.errors import TheirFault
from keelway.core.model.project import Project
from keelway.ports.target import (
    Built,
    Capabilities,
    EnvironmentState,
    Migrated,
    RunningRelease,
    SchemaSteps,
    Target,
)
from keelway.ports.traffic import Traffic, TrafficState
from keelway.ports.vault import Vault

HEALTHY_SECONDS = 60.0
"""How long a release may take to become healthy; one that is asked whether it boots has half of it."""

_LOCK_SECONDS = 30.0


class ProcessTarget:
    """Run releases as processes of this machine: a supervisor keeps them, a balancer moves the traffic."""

    carries_traffic = True

    def __init__(  # noqa: PLR0913 - the composition root hands over what it stands on
        self,
        project: Project,
        repository: str,
        home: str,
        vault: Vault,
        python: str,
        traffic: Traffic,
        *,
        healthy_seconds: float = HEALTHY_SECONDS,
    ) -> None:
        places = Places(Path(home).resolve())
        self._site = Site(project, repository, places, vault, python, traffic, healthy_seconds)

    def ensure(self) -> tuple[str, ...]:
        """Start the supervisor and every balancer that does not answer, and name what was started.

        Raises:
            TheirFault: one does not come up.
        """
        names = [spec.name for spec in self._site.project.environments]
        started = ["supervisor"] if daemons.ensure_supervisor(self._site) else []
        started += [f"front of {name}" for name in names if self._site.traffic.ensure(name)]
        return tuple(started)

    def stop_all(self, deadline_seconds: float) -> None:
        """End the releases, what carries the traffic, and the supervisor; users get no answer any more.

        Raises:
            TheirFault: something could not be ended.
        """
        daemons.stop_everything(self._site, deadline_seconds)

    def revive(self, environment: str) -> tuple[str, ...]:
        """Start again what had traffic when everything was stopped; return the releases that had ended.

        Raises:
            TheirFault: one does not become healthy any more.
        """
        daemons.ensure_supervisor(self._site)
        self._site.traffic.ensure(environment)
        state = self._site.traffic.state(environment)
        table, epoch = state.table, state.epoch
        alive = {one.release for one in running.kept(self._site, environment) if one.state in ALIVE}
        ended = tuple(sorted(set(table) - alive))
        for release in ended:
            self.start(environment, release, epoch=epoch)
        if ended:
            self.switch(environment, {release: route.weight for release, route in table.items()}, epoch=epoch)
            self.swap_workers(environment, max(table, key=lambda name: table[name].weight), epoch=epoch)
        return ended

    def capabilities(self, environment: str) -> Capabilities:
        """Say what this target can do."""
        self._site.spec(environment)
        return Capabilities(side_by_side=True, weights=True, migrations=True, snapshots=True, instances=True)

    def state(self, environment: str) -> EnvironmentState:
        """Read what really runs."""
        return look.look(self._site, environment)

    def build(self, environment: str, sha: str, release: str) -> Built:
        """Make the immutable release of a commit."""
        return releases.build(self._site, environment, sha, release)

    def start(self, environment: str, release: str, *, epoch: int) -> RunningRelease:
        """Start the web process of a release beside what runs, and wait until it is healthy."""
        self._site.record(environment, release)
        self._fence(environment, epoch)
        running.start_web(self._site, environment, release, epoch)
        return look.one(self._site, environment, release)

    def switch(self, environment: str, weights: dict[str, int], *, epoch: int) -> None:
        """Move all traffic in one step.

        Raises:
            TheirFault: a release does not run (``not_running``), or the balancer did not take the weights.
        """
        shares = {release: share for release, share in weights.items() if share}
        serving = set(self._fence(environment, epoch).table)
        if not scale.several(self._site, environment):
            self._route(environment, shares, epoch)
            return
        if set(shares) <= serving:  # with what is there already: a way back waits for nothing
            self._route(environment, shares, epoch)
        if scale.grow(self._site, environment, shares, epoch) or not set(shares) <= serving:
            self._route(environment, shares, epoch)
        scale.shrink(self._site, environment, shares)

    def _route(self, environment: str, shares: dict[str, int], epoch: int) -> None:
        with self._site.locked(f"routes-{environment}", _LOCK_SECONDS):
            table = scale.routes(self._site, environment, shares)
            self._site.traffic.route(environment, table, epoch=epoch)

    def swap_workers(self, environment: str, release: str, *, epoch: int) -> None:
        """Stop the workers of every other release, then start those of this one."""
        site = self._site
        if release:
            site.record(environment, release)
        self._fence(environment, epoch)
        for process in running.kept(site, environment):
            if not is_web(process.process) and process.release != release:
                site.supervisor.remove(process.id)
        if release:
            for worker in site.project.processes:
                if worker.name != WEB:
                    running.put(site, environment, release, worker, epoch)

    def retire(self, environment: str, release: str, *, epoch: int) -> None:
        """Drain and stop a release that receives no traffic; its files stay.

        Raises:
            TheirFault: it receives traffic (``still_routed``).
        """
        site = self._site
        site.record(environment, release)
        if release in self._fence(environment, epoch).table:
            raise TheirFault(
                "still_routed",
                f"{release} takes traffic in {environment}, so it was not stopped.",
                "switch the traffic first",
            )
        site.traffic.drain(environment, release, DRAIN_SECONDS)
        for process in running.kept(site, environment):
            if process.release == release:
                site.supervisor.remove(process.id)

    def boots(self, environment: str, release: str) -> str:
        """Start a release on the present schema without traffic, probe and stop it."""
        self._site.record(environment, release)
        daemons.ensure_supervisor(self._site)
        return running.boots(self._site, environment, release)

    def schema(self, environment: str, release: str) -> int | None:
        """Read the schema version by the status command of a release."""
        return schema.version(self._site, environment, release)

    def migrate(self, environment: str, release: str, version: int | None, *, epoch: int) -> Migrated:
        """Move the schema up to the newest or down to a version by the commands of a release."""
        self._fence(environment, epoch)
        return schema.migrate(self._site, environment, release, version)

    def on_copy(self, environment: str, release: str, instead: dict[str, str]) -> SchemaSteps:
        """Return the migration steps of a release, with other addresses in place of those of the live data."""
        self._site.record(environment, release)
        return CopySteps(self._site, environment, release, instead)

    def prune(self, environment: str, keep: tuple[str, ...]) -> tuple[str, ...]:
        """Remove stopped releases that are not to be kept."""
        site = self._site
        site.spec(environment)
        daemons.ensure_supervisor(site)
        site.traffic.ensure(environment)
        processes = running.kept(site, environment)
        busy = {process.release for process in processes if process.state in ALIVE | {"stopping"}}
        busy |= set(site.traffic.state(environment).table)
        gone = releases.prune(site, environment, frozenset(keep) | busy)
        for process in processes:
            if process.release in gone:
                site.supervisor.remove(process.id)
        return gone

    def _fence(self, environment: str, epoch: int) -> TrafficState:
        """Make the balancer refuse every older holder from now on, and return what it does.

        Raises:
            StaleEpoch: we are the older holder.
        """
        self._site.spec(environment)
        traffic = self._site.traffic
        with self._site.locked(f"routes-{environment}", _LOCK_SECONDS):
            daemons.ensure_supervisor(self._site)
            traffic.ensure(environment)
            return traffic.route(environment, traffic.state(environment).table, epoch=epoch)


_check: type[Target] = ProcessTarget
ADAPTER = ProcessTarget
