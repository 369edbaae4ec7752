"""The verbs of the manual target: what a person has to do is asked and checked, never assumed."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

from keelway.adapters.target.manual import artefacts
from keelway.clients.files import remove_tree
from keelway.clients.git import Git
from keelway.clients.release.book import Known, ReleaseBook
from keelway.clients.release.in_place import no_trial, out_of_reach, the_one
from keelway.clients.release.well import unwell
from keelway.clients.shell import Command, base_env, run
from keelway.core.errors import KeelwayError, TheirFault, YourFault
from keelway.core.model.project import EnvironmentSpec, Project
from keelway.core.release.version import release_name
from keelway.core.target.platform import commit_of
from keelway.ports.target import (
    Built,
    Capabilities,
    EnvironmentState,
    Migrated,
    RunningRelease,
    Target,
)
from keelway.ports.vault import Vault

_ALL = 100
_OUTPUT_BYTES_MAX = 100_000


class ManualTarget:
    """Keep the artefacts of releases, and what an operator said is live."""

    def __init__(self, project: Project, repository: str, home: str, vault: Vault, python: str) -> None:
        del python
        self._project, self._git, self._vault = project, Git(repository), vault
        self._home = Path(home).resolve()

    def capabilities(self, environment: str) -> Capabilities:
        """Say what this target can do: one release at a time, by a person's hands."""
        self._project.named(environment)
        return Capabilities(side_by_side=False, weights=False, migrations=False, snapshots=False)

    def confirm(self, environment: str, release: str, refused: str = "") -> str:
        """Take an operator's word that a release is live, or why it is not; return its commit.

        Raises:
            YourFault: there is no such release (``no_release``), or another commit is live (``not_live``).
            TheirFault: what is live cannot be asked (``live_unknown``).
        """
        spec, book = self._project.named(environment), self._book(environment)
        sha = book.read().sha_of(environment, release)
        if refused:
            book.alter(lambda known: replace(known, refused={**known.refused, release: refused}))
            return sha
        live = self._asked(spec)
        if live and live != sha:
            raise YourFault(
                "not_live",
                f"{environment} serves {live[:12]}, not {release}.",
                "deploy it first, or correct live in keelway.toml",
            )
        book.alter(lambda known: known.with_live(release))
        return sha

    def state(self, environment: str) -> EnvironmentState:
        """Say what is live by the ``live`` command, else by the last word of an operator."""
        spec, known = self._project.named(environment), self._book(environment).read()
        try:
            sha = self._asked(spec)
        except KeelwayError as error:
            return EnvironmentState(
                environment, spec.address, "", (), None, known.epoch, False, error.message
            )
        believed = "" if spec.target.manual.live else known.live
        active = known.name_of(sha) or believed
        wrong = self._vault.redact(unwell(self._project.readiness(spec.name), spec.address)) if active else ""
        refused = [f"an operator refused {name}: {why}" for name, why in sorted(known.refused.items())]
        releases = {**({active: sha} if sha else {}), **known.releases}
        return EnvironmentState(
            environment,
            spec.address,
            active,
            tuple(self._release(known, spec, name, releases[name], active) for name in sorted(releases)),
            None,
            known.epoch,
            bool(active) and not wrong,
            "; ".join([*([wrong] if wrong else []), *refused]),
        )

    def build(self, environment: str, sha: str, release: str) -> Built:
        """Make the artefacts of a release with their checksums."""
        began = time.monotonic()
        spec, book = self._project.named(environment), self._book(environment)
        known = book.read()
        known.insist_free(environment, release, sha)
        if not self._git.has(f"{sha}^{{commit}}"):
            raise TheirFault("build_failed", f"There is no commit {sha[:12]} to build.")
        made = {**self._found(spec, known), release: sha}
        for name, commit in made.items():
            folder = self.folder(environment, name)
            if name not in known.releases or artefacts.altered(folder):
                artefacts.make(self._git, spec.target.manual, commit, name, folder)
        book.alter(
            lambda now: replace(
                now,
                releases={**now.releases, **made},
                served=tuple(dict.fromkeys((*now.served, *(name for name in made if name != release)))),
                refused={name: why for name, why in now.refused.items() if name != release},
            )
        )
        return Built(release, sha, self._git.tree_of(sha), time.monotonic() - began)

    def _found(self, spec: EnvironmentSpec, known: Known) -> dict[str, str]:
        """Return what is live though it was never built here: it is the way back of the first deployment."""
        live = self._asked(spec)
        new = live and live not in known.releases.values() and self._git.has(f"{live}^{{commit}}")
        return {release_name(live): live} if new else {}

    def folder(self, environment: str, release: str) -> Path:
        """Return the folder of a release's artefacts."""
        return self._home / "manual" / environment / release

    def start(self, environment: str, release: str, *, epoch: int) -> RunningRelease:
        """Fence older holders off, and look whether the artefacts are still what was made.

        Raises:
            TheirFault: they are not (``artefact_changed``).
        """
        spec, book = self._project.named(environment), self._book(environment)
        sha = book.read().sha_of(environment, release)
        known = book.claim(epoch)
        wrong = artefacts.altered(self.folder(environment, release))
        if wrong:
            raise TheirFault(
                "artefact_changed", f"The artefacts of {release}: {wrong}.", "build the commit again"
            )
        return self._release(known, spec, release, sha, self.state(environment).active)

    def switch(self, environment: str, weights: dict[str, int], *, epoch: int) -> None:
        """Insist that an operator has made a release live.

        Raises:
            YourFault: the traffic is to be split (``no_weights``).
            TheirFault: nobody has (``operator_awaited``).
        """
        release = the_one(environment, weights)
        self._insist_here(environment, release)
        self._book(environment).claim(epoch)
        state = self.state(environment)
        if state.active != release:
            raise TheirFault(
                "operator_awaited",
                f"An operator has to bring {release} to {environment}; {state.active or 'nothing'} is live.",
                f"keelway confirm {environment} {release}",
            )

    def swap_workers(self, environment: str, release: str, *, epoch: int) -> None:
        """Fence older holders off; workers are the operator's."""
        if release:
            self._insist_here(environment, release)
        self._book(environment).claim(epoch)

    def retire(self, environment: str, release: str, *, epoch: int) -> None:
        """Leave a release that is not live as it is.

        Raises:
            TheirFault: it is live (``still_routed``).
        """
        self._insist_here(environment, release)
        self._book(environment).claim(epoch)
        if self.state(environment).active == release:
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
        raise out_of_reach(environment, "the operator")

    def prune(self, environment: str, keep: tuple[str, ...]) -> tuple[str, ...]:
        """Remove the artefacts of releases that are neither kept nor live."""
        book, active = self._book(environment), self.state(environment).active
        gone = tuple(sorted(set(book.read().releases) - {*keep, active}))
        book.alter(lambda now: now.without(gone))
        for name in gone:
            folder = self.folder(environment, name)
            remove_tree(folder, folder.parent)
        return gone

    def _insist_here(self, environment: str, release: str) -> None:
        if release not in {entry.release for entry in self.state(environment).releases}:
            self._book(environment).read().sha_of(environment, release)

    def _release(
        self, known: Known, spec: EnvironmentSpec, name: str, sha: str, active: str
    ) -> RunningRelease:
        if name == active:
            return RunningRelease(name, sha, "running", _ALL, spec.address)
        state = "stopped" if name in known.served else "built"
        folder = f"file://{self.folder(spec.name, name)}"
        return RunningRelease(name, sha, "degraded" if name in known.refused else state, 0, folder)

    def _asked(self, spec: EnvironmentSpec) -> str:
        """Return the commit that ``live`` prints, empty when there is no such command or nothing is live."""
        manual = spec.target.manual
        if not manual.live:
            return ""
        with tempfile.TemporaryDirectory(prefix="keelway-live-") as folder:
            env = {**base_env(folder), "KEELWAY_ENVIRONMENT": spec.name}
            done = run(Command(manual.live, folder, env, manual.live_seconds_max, _OUTPUT_BYTES_MAX))
        said = done.stdout.decode("utf-8", "replace").strip()
        if not done.passed or (said and not commit_of(said)):
            raise TheirFault(
                "live_unknown",
                f"Nobody knows what is live: {' '.join(manual.live)} ended with {done.exit_code} and "
                f"said {self._vault.redact(said[:200])!r}.",
                "let it print the commit that users get",
            )
        return commit_of(said)

    def _book(self, environment: str) -> ReleaseBook:
        return ReleaseBook(self._home / "manual", self._project.named(environment).name)


_check: type[Target] = ManualTarget
ADAPTER = ManualTarget
