"""The verbs of the docker target, each safe to repeat and fenced by the epoch of its holder."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from keelway.adapters.target.docker import images, look, running, schema
from keelway.adapters.target.docker.site import PROCESS, RELEASE, WEB, Site
from keelway.clients.places import Places
from keelway.core.errors import TheirFault
from keelway.core.model.project import Project
from keelway.ports.target import (
    Built,
    Capabilities,
    EnvironmentState,
    Migrated,
    RunningRelease,
    Target,
)
from keelway.ports.traffic import Route, Traffic
from keelway.ports.vault import Vault

DRAIN_SECONDS = 30.0
HEALTHY_SECONDS = 60.0
"""How long a release may take to become healthy; one that is asked whether it boots has half of it."""

_LOCK_SECONDS = 60.0


class DockerTarget:
    """Run releases as containers: an engine of this machine keeps them, a balancer moves the traffic."""

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
        del python  # the engine starts our containers, and the balancer itself
        places = Places(Path(home).resolve())
        self._site = Site(project, repository, places, vault, traffic, healthy_seconds)

    def ensure(self) -> tuple[str, ...]:
        """Start every balancer that does not answer, and name what was started.

        Raises:
            TheirFault: one does not come up.
        """
        names = [spec.name for spec in self._site.project.environments]
        return tuple(f"front of {name}" for name in names if self._site.traffic.ensure(name))

    def stop_all(self, deadline_seconds: float) -> None:
        """End what carries the traffic, then the containers; users get no answer any more.

        Raises:
            TheirFault: something could not be ended.
        """
        site, names = self._site, [spec.name for spec in self._site.project.environments]
        with ThreadPoolExecutor(len(names) or 1) as pool:
            list(pool.map(lambda name: site.traffic.stop(name, deadline_seconds), names))
            list(pool.map(self._stop_containers, names))

    def revive(self, environment: str) -> tuple[str, ...]:
        """Start again what had traffic when everything was stopped; return the releases that had ended.

        Raises:
            TheirFault: one does not become healthy any more.
        """
        self._site.traffic.ensure(environment)
        state = self._site.traffic.state(environment)
        if not state.table:
            return ()
        alive = {one.labels[RELEASE] for one in self._site.kept(environment) if one.alive}
        ended = tuple(sorted(set(state.table) - alive))
        for release in ended:
            self.start(environment, release, epoch=state.epoch)
        if ended:
            weights = {release: route.weight for release, route in state.table.items()}
            self.switch(environment, weights, epoch=state.epoch)
            self.swap_workers(environment, state.active, epoch=state.epoch)
        return ended

    def capabilities(self, environment: str) -> Capabilities:
        """Say what this target can do."""
        self._site.spec(environment)
        return Capabilities(side_by_side=True, weights=True, migrations=True, snapshots=True)

    def state(self, environment: str) -> EnvironmentState:
        """Read what really runs."""
        return look.look(self._site, environment)

    def build(self, environment: str, sha: str, release: str) -> Built:
        """Make the immutable release of a commit."""
        return images.build(self._site, environment, sha, release)

    def start(self, environment: str, release: str, *, epoch: int) -> RunningRelease:
        """Start the web container of a release beside what runs, and wait until it is healthy."""
        site = self._site
        record = site.record(environment, release)
        with self._acting(environment, epoch):
            serves = release in site.traffic.state(environment).table
            web = running.put(site, environment, release, site.command(WEB))
        running.start_web(site, environment, release, web, serves=serves)
        return look.describe(record, site.kept(environment), site.traffic.state(environment))

    def switch(self, environment: str, weights: dict[str, int], *, epoch: int) -> None:
        """Move all traffic in one step.

        Raises:
            TheirFault: a release does not run (``not_running``), or the balancer did not take the weights.
        """
        with self._acting(environment, epoch):
            table = {
                release: Route(share, (self._url(environment, release),))
                for release, share in weights.items()
                if share
            }
            self._site.traffic.route(environment, table, epoch=epoch)

    def swap_workers(self, environment: str, release: str, *, epoch: int) -> None:
        """Stop the workers of every other release, then start those of this one."""
        site = self._site
        if release:
            site.record(environment, release)
        with self._acting(environment, epoch):
            for one in site.kept(environment):
                if one.alive and one.labels[PROCESS] != WEB and one.labels[RELEASE] != release:
                    running.stop(site, environment, one)
            for worker in site.project.processes if release else ():
                if worker.name != WEB:
                    running.put(site, environment, release, worker)

    def retire(self, environment: str, release: str, *, epoch: int) -> None:
        """Drain and stop a release that receives no traffic; its image and its logs stay.

        Raises:
            TheirFault: it receives traffic (``still_routed``).
        """
        site = self._site
        site.record(environment, release)
        with self._acting(environment, epoch):
            if release in site.traffic.state(environment).table:
                raise TheirFault(
                    "still_routed",
                    f"{release} takes traffic in {environment}, so it was not stopped.",
                    "switch the traffic first",
                )
        site.traffic.drain(environment, release, DRAIN_SECONDS)
        with self._acting(environment, epoch):
            for one in running.of(site.kept(environment), release):
                if one.alive:
                    running.stop(site, environment, one)

    def boots(self, environment: str, release: str) -> str:
        """Start a release on the present schema without traffic, probe and remove it."""
        self._site.record(environment, release)
        return running.boots(self._site, environment, release)

    def schema(self, environment: str, release: str) -> int | None:
        """Read the schema version by the status command of a release."""
        return schema.version(self._site, environment, release)

    def migrate(self, environment: str, release: str, version: int | None, *, epoch: int) -> Migrated:
        """Move the schema up to the newest or down to a version by the commands of a release."""
        with self._acting(environment, epoch):
            pass
        return schema.migrate(self._site, environment, release, version)

    def prune(self, environment: str, keep: tuple[str, ...]) -> tuple[str, ...]:
        """Remove stopped releases that are not to be kept."""
        site = self._site
        site.spec(environment)
        site.traffic.ensure(environment)
        busy = {one.labels[RELEASE] for one in site.kept(environment) if one.alive}
        busy |= set(site.traffic.state(environment).table)
        return images.prune(site, environment, frozenset(keep) | busy)

    @contextmanager
    def _acting(self, environment: str, epoch: int) -> Iterator[None]:
        """Act alone on an environment, and make the balancer refuse every older holder from now on.

        Raises:
            StaleEpoch: we are the older holder.
        """
        site = self._site
        site.spec(environment)
        with site.locked(f"routes-{environment}", _LOCK_SECONDS):
            site.traffic.ensure(environment)
            site.traffic.route(environment, site.traffic.state(environment).table, epoch=epoch)
            yield

    def _url(self, environment: str, release: str) -> str:
        web = running.find(self._site, environment, release, WEB)
        if web is None or web.state != "running":
            raise TheirFault(
                "not_running",
                f"{release} does not run in {environment}, so it cannot take traffic.",
                "start it first",
            )
        return running.url_of(web)

    def _stop_containers(self, environment: str) -> None:
        site = self._site
        if not site.records.built(environment):
            return  # nothing was ever started, and perhaps there is no engine
        alive = [one for one in site.all(environment) if one.alive]
        with ThreadPoolExecutor(len(alive) or 1) as pool:
            list(pool.map(lambda one: running.stop(site, environment, one), alive))


_check: type[Target] = DockerTarget
ADAPTER = DockerTarget
