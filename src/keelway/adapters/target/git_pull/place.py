"""Ask and alter one clone by scripts, and turn what they end with into faults."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from keelway.adapters.target.git_pull import scripts
from keelway.clients.host import UNREACHED, Host
from keelway.clients.shell import Done
from keelway.core.errors import KeelwayError, StaleEpoch, TheirFault
from keelway.core.target.spec import GitPullSpec
from keelway.ports.vault import Vault

LOOK_SECONDS, MOVE_SECONDS, FETCH_SECONDS, WAIT_SECONDS = 30.0, 180.0, 600.0, 70.0
_SHOWN_CHARS = 2_000


@dataclass(frozen=True)
class Seen:
    """Hold what lies in a clone."""

    head: str
    """Commit whose files are there; empty in a clone without any."""
    epoch: int
    phase: str
    """``moving``, ``prepared`` or ``live``; empty when nothing was ever deployed by us."""
    moving: str
    """Commit that the phase is about."""
    releases: Mapping[str, str]
    """Commit by release."""
    served: frozenset[str]
    """Releases that were live once."""
    altered: tuple[str, ...]
    """Tracked files that somebody changed; the first ones."""

    @property
    def settled(self) -> bool:
        """Tell whether no deployment was cut off, and nobody else moved the clone since."""
        return not self.phase or (self.phase == scripts.SERVES and self.moving == self.head)


@dataclass(frozen=True)
class Place:
    """Name one clone and how it is reached."""

    environment: str
    spec: GitPullSpec
    host: Host
    vault: Vault

    def look(self) -> Seen:
        """Read what is there.

        Raises:
            TheirFault: the host does not answer, or the folder is no clone.
        """
        said = self._call(scripts.LOOK, seconds_max=LOOK_SECONDS)
        lines = [line.partition(" ")[::2] for line in said.splitlines()]
        phase, _, moving = next((rest for word, rest in lines if word == "phase"), "").partition(" ")
        refs = [rest.partition(" ")[::2] for word, rest in lines if word == "ref"]
        return Seen(
            head=next((rest for word, rest in lines if word == "head"), ""),
            epoch=int(next((rest for word, rest in lines if word == "epoch"), "0") or 0),
            phase=phase,
            moving=moving,
            releases={_last(name): sha for sha, name in refs if name.startswith(scripts.RELEASES)},
            served=frozenset(_last(name) for _, name in refs if name.startswith(scripts.LIVE)),
            altered=tuple(rest for word, rest in lines if word == "altered"),
        )

    def has(self, sha: str) -> bool:
        """Tell whether a commit is there."""
        done = self._run(scripts.HAS, sha, seconds_max=LOOK_SECONDS)
        if done.exit_code in {0, 1, 128}:
            return done.exit_code == 0
        raise self._fault(done, "looking for a commit")

    def fetch(self, sha: str) -> None:
        """Fetch a commit from the remote of the clone."""
        self._call(scripts.FETCH, self.spec.remote, sha, seconds_max=FETCH_SECONDS)

    def receive(self, sha: str, bundle: bytes) -> None:
        """Take over a commit that is sent from here."""
        self._call(scripts.RECEIVE, sha, stdin=bundle, seconds_max=FETCH_SECONDS)

    def record(self, release: str, sha: str, now: tuple[str, str]) -> str:
        """Keep a release and the one that is live now; return the tree of the first."""
        return self._call(scripts.RECORD, release, sha, *now, seconds_max=LOOK_SECONDS).strip()

    def claim(self, epoch: int) -> None:
        """Fence older holders off.

        Raises:
            StaleEpoch: we are the older holder.
        """
        self._call(scripts.CLAIM, str(epoch), seconds_max=WAIT_SECONDS)

    def check_out(self, sha: str, epoch: int) -> None:
        """Replace the files by those of a commit."""
        self._call(scripts.CHECK_OUT, str(epoch), sha, seconds_max=MOVE_SECONDS)

    def mark(self, phase: str, sha: str, release: str, epoch: int) -> None:
        """Note how far a deployment is."""
        live = release if phase == scripts.SERVES else ""
        self._call(scripts.MARK, str(epoch), phase, sha, live, seconds_max=WAIT_SECONDS)

    def forget(self, *releases: str) -> None:
        """Forget releases."""
        self._call(scripts.FORGET, *releases, seconds_max=LOOK_SECONDS)

    def step(
        self, argv: tuple[str, ...], seconds_max: float, env: Mapping[str, str], epoch: int
    ) -> tuple[Done, str]:
        """Run a command of the project; return how it ended and, unless that was well, why.

        Raises:
            StaleEpoch: a newer holder has acted since.
            TheirFault: the host does not answer, or an older step still runs there.
        """
        name = uuid.uuid4().hex
        limit = str(max(1, round(seconds_max)))
        done = self._run(
            *(scripts.STEP, str(epoch), limit, name, *argv),
            env=env,
            seconds_max=seconds_max + WAIT_SECONDS,
        )
        return done, self._why(done, seconds_max)

    def ask(self, argv: tuple[str, ...], seconds_max: float, env: Mapping[str, str]) -> tuple[Done, str]:
        """Run a command of the project that alters nothing; return how it ended and, unless that was well, why."""
        limit = str(max(1, round(seconds_max)))
        done = self._run(scripts.ASK, limit, *argv, env=env, seconds_max=seconds_max + WAIT_SECONDS)
        return done, self._why(done, seconds_max)

    def _run(
        self,
        script: str,
        *args: str,
        seconds_max: float,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> Done:
        return self.host.run(script, (self.spec.folder, *args), seconds_max=seconds_max, stdin=stdin, env=env)

    def _call(self, script: str, *args: str, seconds_max: float, stdin: bytes = b"") -> str:
        done = self._run(script, *args, seconds_max=seconds_max, stdin=stdin)
        if not done.passed:
            raise self._fault(done, "git")
        return done.stdout.decode("utf-8", "replace")

    def _why(self, done: Done, seconds_max: float) -> str:
        if done.passed:
            return ""
        if done.exit_code in _OURS or done.exit_code is None or self._unreached(done):
            raise self._fault(done, "a step")
        why = f"ended with {done.exit_code}"
        if done.exit_code == scripts.TIMED_OUT:
            why = f"took longer than {seconds_max:g} s and was ended"
        return f"{why}. Last lines: {self._said(done)}"

    def _unreached(self, done: Done) -> bool:
        return bool(self.host.address) and done.exit_code == UNREACHED

    def _said(self, done: Done) -> str:
        said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()[-_SHOWN_CHARS:]
        return self.vault.redact(said) or "none"

    def _fault(self, done: Done, what: str) -> KeelwayError:
        where, folder = self.host.shown, self.spec.folder
        said = self._said(done)
        if done.exit_code == scripts.STALE:
            return StaleEpoch(
                "stale_epoch", f"A newer holder (epoch {said}) has acted on {self.environment} since."
            )
        known = {
            scripts.NO_FOLDER: (
                "no_folder",
                f"There is no folder {folder} on {where}.",
                "correct the folder",
            ),
            scripts.NO_CLONE: (
                "no_clone",
                f"{folder} on {where} is not the top of a git clone.",
                f"git clone ADDRESS {folder} there, or correct the folder",
            ),
            scripts.NO_TOOL: (
                "tool_missing",
                f"There is no program {said} on {where}.",
                "apt-get install util-linux coreutils there",
            ),
            scripts.BUSY: ("locked", f"Something still acts on {folder} on {where}.", "try again later"),
        }
        if done.exit_code in known:
            return TheirFault(*known[done.exit_code])
        if done.could_not_start:
            return TheirFault("tool_missing", f"{done.could_not_start}.", "apt-get install openssh-client")
        if self._unreached(done):
            cure = f"ssh -p {self.host.port} {where} true"
            return TheirFault("host_unreachable", f"{where} cannot be reached: {said}", cure)
        if done.timed_out:
            return TheirFault("host_silent", f"{where} did not answer within {done.seconds:.0f} s.")
        return TheirFault("git_failed", f"{what} on {where} ended with {done.exit_code}: {said}")


_OURS = frozenset({scripts.NO_FOLDER, scripts.NO_CLONE, scripts.NO_TOOL, scripts.BUSY, scripts.STALE})


def _last(ref: str) -> str:
    return ref.rpartition("/")[2]
