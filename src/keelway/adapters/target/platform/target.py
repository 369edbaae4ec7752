"""The verbs of the platform target, each safe to repeat and fenced by the epoch of its holder."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from keelway.adapters.target.platform.asking import Asking, ByCommand, ByGitHub
from keelway.adapters.target.platform.commands import Commands
from keelway.adapters.target.platform.pushing import push
from keelway.clients.git import Git
from keelway.clients.release.book import Known, ReleaseBook
from keelway.clients.release.in_place import no_trial, out_of_reach, the_one
from keelway.clients.release.well import unwell, wait_healthy
from keelway.core.errors import KeelwayError, TheirFault
from keelway.core.model.project import STAGING, EnvironmentSpec, Project
from keelway.core.release.version import release_name
from keelway.core.target.platform import Stand, ends
from keelway.core.target.spec import PlatformSpec
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
"""How long a release may take to answer well after the platform called it ready."""
_ALL = 100


class PlatformTarget:
    """Deploy by handing a commit over; what is live is asked, never assumed."""

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
        self._home = Path(home).resolve()
        self._healthy_seconds = healthy_seconds

    def capabilities(self, environment: str) -> Capabilities:
        """Say what this target can do: one release at a time, migrations are the platform's own."""
        self._project.named(environment)
        return Capabilities(side_by_side=False, weights=False, migrations=False, snapshots=False)

    def state(self, environment: str) -> EnvironmentState:
        """Ask what is live and whether users get good answers; a silent platform is told in ``detail``."""
        spec, known = self._project.named(environment), self._book(environment).read()
        try:
            sha = self._asking(spec).live()
        except KeelwayError as error:
            return EnvironmentState(
                environment, spec.address, "", (), None, known.epoch, False, error.message
            )
        active = known.name_of(sha)
        wrong = self._vault.redact(unwell(self._project.readiness(spec.name), spec.address)) if active else ""
        releases = {**({active: sha} if active else {}), **known.releases}
        return EnvironmentState(
            environment,
            spec.address,
            active,
            tuple(_release(known, spec, name, releases[name], active) for name in sorted(releases)),
            None,
            known.epoch,
            bool(active) and not wrong,
            wrong,
        )

    def build(self, environment: str, sha: str, release: str) -> Built:
        """Note a release, and what is live now; the platform builds it when it is handed over.

        Raises:
            TheirFault: there is no such commit here (``build_failed``), the name is taken (``release_taken``), or
                nobody can say what is live (``live_unknown``).
        """
        began = time.monotonic()
        live = self._asking(self._project.named(environment)).live()
        if not self._git.has(f"{sha}^{{commit}}"):
            raise TheirFault("build_failed", f"There is no commit {sha[:12]} that could be handed over.")

        def noted(known: Known) -> Known:
            known.insist_free(environment, release, sha)
            if not live or live in known.releases.values():
                return replace(known, releases={**known.releases, release: sha})
            found = release_name(live)  # somebody else made it live: it is the way back
            releases = {found: live, **known.releases, release: sha}
            return replace(known, releases=releases, served=(*known.served, found))

        self._book(environment).alter(noted)
        return Built(release, sha, self._git.tree_of(sha), time.monotonic() - began)

    def start(self, environment: str, release: str, *, epoch: int) -> RunningRelease:
        """Fence older holders off; on a platform nothing can run before it takes the traffic."""
        spec, book = self._project.named(environment), self._book(environment)
        sha = book.read().sha_of(environment, release)
        return _release(book.claim(epoch), spec, release, sha, "")

    def switch(self, environment: str, weights: dict[str, int], *, epoch: int) -> None:
        """Hand a release over and wait until it is live and answers well; what is live already is left alone.

        Raises:
            YourFault: the traffic is to be split (``no_weights``).
            TheirFault: the platform could not build it (``platform_failed``) or took too long (``platform_slow``),
                or users get no good answers (``unhealthy``).
        """
        release = the_one(environment, weights)
        spec, book = self._project.named(environment), self._book(environment)
        asking = self._asking(spec)
        sha = self._sha(book.read(), asking, environment, release)
        book.claim(epoch)
        if asking.live() != sha:
            if asking.stand(sha) is not Stand.BUILDING:
                self._hand_over(spec, sha, back=release in book.read().served)
            self._wait(spec, book, asking, release, sha, epoch)
        wrong = wait_healthy(self._project.readiness(spec.name), spec.address, self._healthy_seconds)
        if wrong:
            raise TheirFault(
                "unhealthy", f"{release} is live in {environment}, but {self._vault.redact(wrong)}"
            )
        book.alter(lambda known: known.with_live(release), epoch=epoch)

    def swap_workers(self, environment: str, release: str, *, epoch: int) -> None:
        """Fence older holders off; workers are the platform's own."""
        book = self._book(environment)
        self._project.named(environment)
        if release:
            self._sha(book.read(), self._asking(self._project.named(environment)), environment, release)
        book.claim(epoch)

    def retire(self, environment: str, release: str, *, epoch: int) -> None:
        """Leave a release that is not live as it is.

        Raises:
            TheirFault: it is live (``still_routed``).
        """
        spec, book = self._project.named(environment), self._book(environment)
        asking = self._asking(spec)
        sha = self._sha(book.read(), asking, environment, release)
        book.claim(epoch)
        if asking.live() == sha:
            raise TheirFault("still_routed", f"{release} is live in {environment}, so it was left alone.")

    def boots(self, environment: str, release: str) -> str:
        """Say that nobody can know."""
        self._project.named(environment)
        return no_trial(environment, release)

    def schema(self, environment: str, release: str) -> int | None:
        """Return nothing: the schema is out of reach."""
        del release
        self._project.named(environment)
        return None

    def migrate(self, environment: str, release: str, version: int | None, *, epoch: int) -> Migrated:
        """Refuse: the schema is out of reach.

        Raises:
            YourFault: always (``no_migrations``).
        """
        del release, version, epoch
        raise out_of_reach(environment, "the platform")

    def prune(self, environment: str, keep: tuple[str, ...]) -> tuple[str, ...]:
        """Forget releases that are neither kept nor live."""
        spec, book = self._project.named(environment), self._book(environment)
        known = book.read()
        stay = {*keep, known.name_of(self._asking(spec).live())}
        gone = tuple(sorted(set(known.releases) - stay))
        book.alter(lambda now: now.without(gone))
        return gone

    def _sha(self, known: Known, asking: Asking, environment: str, release: str) -> str:
        """Return the commit of a release that is noted, or is live though nobody noted it."""
        if release in known.releases:
            return known.releases[release]
        live = asking.live()
        return live if live and release_name(live) == release else known.sha_of(environment, release)

    def _hand_over(self, spec: EnvironmentSpec, sha: str, *, back: bool) -> None:
        platform = spec.target.platform
        argv = platform.rollback if back and platform.rollback else platform.deploy
        if argv:
            if why := self._commands(spec).deploy(argv, sha):
                raise TheirFault("platform_failed", f"{' '.join(argv)}: {why}", "see the platform's own log")
        elif platform.push:
            push(self._git, platform.push, self._branch(spec, platform), sha)

    def _branch(self, spec: EnvironmentSpec, platform: PlatformSpec) -> str:
        branches = self._project.branches
        return platform.branch or (branches.integration if spec.name == STAGING else branches.production)

    def _wait(
        self, spec: EnvironmentSpec, book: ReleaseBook, asking: Asking, release: str, sha: str, epoch: int
    ) -> None:
        platform = spec.target.platform
        stands: tuple[Stand, ...] = ()
        deadline = time.monotonic() + platform.seconds_max
        while True:
            stands = (*stands, asking.stand(sha))
            end = ends(stands, live=stands[-1] is Stand.READY and asking.live() == sha)
            if end is Stand.READY:
                return
            if end is Stand.ERROR:
                raise TheirFault(
                    "platform_failed",
                    f"The platform could not build {release} for {spec.name}.",
                    "see the platform's own log",
                )
            if time.monotonic() > deadline:
                raise TheirFault(
                    "platform_slow",
                    f"{release} was not ready in {spec.name} within {platform.seconds_max:g} s; "
                    f"the platform said {stands[-1].value}.",
                    "see the platform's own log",
                )
            time.sleep(platform.poll_seconds)
            book.claim(epoch)

    def _asking(self, spec: EnvironmentSpec) -> Asking:
        platform = spec.target.platform
        if platform.github:
            return ByGitHub(platform, spec.name, self._vault)
        return ByCommand(self._commands(spec), platform)

    def _commands(self, spec: EnvironmentSpec) -> Commands:
        home = self._home / "build-home"
        return Commands(spec.name, spec.target.platform, self._vault, self._git, home)

    def _book(self, environment: str) -> ReleaseBook:
        return ReleaseBook(self._home / "platform", self._project.named(environment).name)


def _release(known: Known, spec: EnvironmentSpec, name: str, sha: str, active: str) -> RunningRelease:
    if name == active:
        return RunningRelease(name, sha, "running", _ALL, spec.address)
    return RunningRelease(name, sha, "stopped" if name in known.served else "built")


_check: type[Target] = PlatformTarget
ADAPTER = PlatformTarget
