"""The verbs of the git_pull target, each safe to repeat and fenced by the epoch of its holder."""

from __future__ import annotations

import time
from pathlib import Path

from keelway.adapters.target.git_pull import schema, scripts, sending
from keelway.adapters.target.git_pull.place import Place, Seen
from keelway.adapters.target.git_pull.walk import Walk
from keelway.clients.git import Git
from keelway.clients.host import Host
from keelway.clients.release.in_place import the_one
from keelway.clients.release.records import no_release
from keelway.clients.release.well import unwell
from keelway.core.errors import KeelwayError, TheirFault
from keelway.core.model.project import EnvironmentSpec, Project
from keelway.core.release.version import release_name
from keelway.ports.target import (
    Built,
    Capabilities,
    EnvironmentState,
    Migrated,
    RunningRelease,
    Target,
)
from keelway.ports.vault import Vault

HEALTHY_SECONDS = 60.0
"""How long a release may take to answer well after its last step."""
_ALL = 100
_SHOWN_FILES = 3


class GitPullTarget:
    """Deploy in place: the clone is moved to a commit, ordered steps make it serve that."""

    def __init__(
        self,
        project: Project,
        repository: str,
        home: str,
        vault: Vault,
        python: str,
        *,
        healthy_seconds: float = HEALTHY_SECONDS,
    ) -> None:
        del python
        self._project, self._git, self._vault = project, Git(repository), vault
        self._home = Path(home).resolve() / "build-home"
        self._healthy_seconds = healthy_seconds

    def capabilities(self, environment: str) -> Capabilities:
        """Say what this target can do: one release at a time."""
        self._project.named(environment)
        migrations = bool(self._project.migrate.up)
        return Capabilities(side_by_side=False, weights=False, migrations=migrations, snapshots=False)

    def state(self, environment: str) -> EnvironmentState:
        """Read what lies in the clone and whether users get good answers; a silent host is told in ``detail``."""
        spec, place = self._project.named(environment), self._place(environment)
        try:
            seen = place.look()
        except KeelwayError as error:
            return EnvironmentState(environment, spec.address, "", (), None, 0, False, error.message)
        active = _active(seen)
        wrong = _wrong(seen, overwrite=place.spec.overwrite)
        if active:
            said = unwell(self._project.readiness(spec.name), spec.address)
            wrong += [self._vault.redact(said)] if said else []
        version, said = self._version(spec, place, seen) if active else (None, "")
        wrong += [said] if said else []
        releases = tuple(_release(seen, spec, name, sha) for name, sha in sorted(_known(seen).items()))
        healthy = bool(active) and not wrong
        return EnvironmentState(
            environment, spec.address, active, releases, version, seen.epoch, healthy, "; ".join(wrong)
        )

    def build(self, environment: str, sha: str, release: str) -> Built:
        """Bring the commit to the clone without touching what serves.

        Raises:
            TheirFault: it cannot be brought there (``build_failed``), somebody altered tracked files
                (``tree_altered``), or the name is taken (``release_taken``).
        """
        began, place = time.monotonic(), self._place(environment)
        seen = place.look()
        if seen.releases.get(release, sha) != sha:
            taken = f"{release} in {environment} is {seen.releases[release]}, not {sha}."
            raise TheirFault("release_taken", taken)
        if seen.altered and seen.settled and not place.spec.overwrite:
            raise TheirFault(
                "tree_altered",
                f"Tracked files of {place.spec.folder} were altered by hand: {', '.join(seen.altered[:_SHOWN_FILES])}.",
                f"commit them to the repository or git -C {place.spec.folder} checkout -- . there; or set overwrite",
            )
        sending.bring(place, self._git, seen, sha)
        now = (release_name(seen.head), seen.head) if seen.head and seen.settled else ("", "")
        tree = place.record(release, sha, now)
        return Built(release, sha, tree, time.monotonic() - began)

    def start(self, environment: str, release: str, *, epoch: int) -> RunningRelease:
        """Fence older holders off; in place, nothing can run before it takes the traffic."""
        place = self._place(environment)
        seen = place.look()
        sha = _insist(seen, environment, release)
        place.claim(epoch)
        return _release(seen, self._project.named(environment), release, sha)

    def switch(self, environment: str, weights: dict[str, int], *, epoch: int) -> None:
        """Let the clone serve a release: its files, the steps, and good answers to users.

        Raises:
            YourFault: the traffic is to be split (``no_weights``).
            TheirFault: a step failed (``step_failed``), or users get no good answers (``unhealthy``).
        """
        release = the_one(environment, weights)
        place = self._place(environment)
        seen = place.look()
        sha = _insist(seen, environment, release)
        if seen.phase == scripts.SERVES and seen.moving == seen.head == sha and not seen.altered:
            place.claim(epoch)
            return
        walk = self._walk(environment, release, sha, epoch)
        walk.prepare()
        walk.finish(self._healthy_seconds)

    def swap_workers(self, environment: str, release: str, *, epoch: int) -> None:
        """Fence older holders off; workers are restarted by the steps."""
        place = self._place(environment)
        if release:
            _insist(place.look(), environment, release)
        place.claim(epoch)

    def retire(self, environment: str, release: str, *, epoch: int) -> None:
        """Leave a release that does not serve as it is.

        Raises:
            TheirFault: it serves (``still_routed``).
        """
        place = self._place(environment)
        seen = place.look()
        _insist(seen, environment, release)
        place.claim(epoch)
        if _active(seen) == release:
            raise TheirFault("still_routed", f"{release} serves in {environment}, so it was left alone.")

    def boots(self, environment: str, release: str) -> str:
        """Say that nobody can know: in place, a release cannot be tried beside the one that serves."""
        _insist(self._place(environment).look(), environment, release)
        return f"{release} cannot be tried beside the release that serves in {environment}"

    def schema(self, environment: str, release: str) -> int | None:
        """Read the schema version by the release whose files are there."""
        place = self._place(environment)
        sha = _insist(place.look(), environment, release)
        return schema.version(self._walk(environment, release, sha, 0))

    def migrate(self, environment: str, release: str, version: int | None, *, epoch: int) -> Migrated:
        """Bring the files of a release, then move the schema by its commands."""
        place = self._place(environment)
        sha = _insist(place.look(), environment, release)
        place.claim(epoch)
        return schema.migrate(self._walk(environment, release, sha, epoch), version)

    def prune(self, environment: str, keep: tuple[str, ...]) -> tuple[str, ...]:
        """Forget releases that are neither kept nor serve; git removes their commits in its own time."""
        place = self._place(environment)
        seen = place.look()
        gone = tuple(sorted(set(seen.releases) - {*keep, _active(seen)}))
        if gone:
            place.forget(*gone)
        return gone

    def _version(self, spec: EnvironmentSpec, place: Place, seen: Seen) -> tuple[int | None, str]:
        walk = Walk(self._project, spec, place, _active(seen), seen.head, 0)
        try:
            return schema.version(walk), ""
        except KeelwayError as error:
            return None, error.message

    def _walk(self, environment: str, release: str, sha: str, epoch: int) -> Walk:
        return Walk(
            self._project, self._project.named(environment), self._place(environment), release, sha, epoch
        )

    def _place(self, environment: str) -> Place:
        spec = self._project.named(environment).target.git_pull
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        host = Host(spec.host, spec.port, spec.key, spec.known_hosts, str(self._home))
        return Place(environment, spec, host, self._vault)


def _active(seen: Seen) -> str:
    """Return the release whose files are there; a commit that somebody else brought has the name it would have."""
    named = (release for release, sha in seen.releases.items() if sha == seen.head)
    return next(named, release_name(seen.head)) if seen.head else ""


def _known(seen: Seen) -> dict[str, str]:
    here = {_active(seen): seen.head} if seen.head else {}
    return {**here, **seen.releases}


def _wrong(seen: Seen, *, overwrite: bool) -> list[str]:
    wrong = []
    if seen.phase and not seen.settled:
        wrong.append(
            f"a deployment of {release_name(seen.moving)} was cut off"
            if seen.phase != scripts.SERVES
            else f"somebody moved the clone from {seen.moving[:12]} to {seen.head[:12]} by hand"
        )
    if seen.altered and not overwrite:
        wrong.append(f"tracked files were altered by hand: {', '.join(seen.altered[:_SHOWN_FILES])}")
    return wrong


def _release(seen: Seen, spec: EnvironmentSpec, name: str, sha: str) -> RunningRelease:
    if name == _active(seen):
        state = "running" if seen.settled else "degraded"
        return RunningRelease(name, sha, state, _ALL, spec.address)
    return RunningRelease(name, sha, "stopped" if name in seen.served else "built")


def _insist(seen: Seen, environment: str, release: str) -> str:
    sha = _known(seen).get(release)
    if sha is None:
        raise no_release(environment, release)
    return sha


_check: type[Target] = GitPullTarget
ADAPTER = GitPullTarget
