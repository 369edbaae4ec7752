"""The repository where the workers of all hosts meet: what is missing is fetched, what was made is pushed."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

from keelway.clients.git.client import Git
from keelway.clients.git.values import ZERO
from keelway.core.errors import TheirFault, YourFault

ROOMS, PARTS, TASKS = "refs/keelway/rooms", "refs/keelway/parts", "refs/keelway/tasks"
"""Where the states of workspaces, composed commits and collected patches are kept for other hosts."""

SERVE_ANY = "[uploadpack]\n\tallowAnySHA1InWant = true\n"
"""What lets a worker fetch a commit by its name alone, without a ref for every one."""

TRIES_MAX, PAUSE_SECONDS = 3, 0.5
_PATH = re.compile(r"/[^\0\n]*")
_SSH = re.compile(r"(ssh://[^\s\0-][^\s\0]*|[A-Za-z0-9_][A-Za-z0-9._@-]*:(?!//)[^\s\0:-][^\s\0]*)")
_STALE = ("stale info", "cannot lock ref", "failed to update ref", "incorrect old value")
_REFUSED = "[remote rejected]"
_ENV = {"GIT_ALLOW_PROTOCOL": "file:ssh", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=15"}


@dataclass(frozen=True)
class Move:
    """Ask that a ref points at a commit; an empty one removes it."""

    ref: str
    new: str
    old: str | None = None
    """Where it has to be before, empty for nowhere; None when that does not matter."""


@dataclass(frozen=True)
class Hub:
    """Exchange commits with the hub; ``git`` is the hub's repository itself or a mirror of it."""

    git: Git
    address: str = ""
    """Absolute path or ssh address of the hub's repository; empty when ``git`` is that repository."""

    def prepare(self, branch: str) -> None:
        """Make the mirror and take over the branches of the hub, or let the hub serve mirrors.

        Raises:
            YourFault: the address is none that may be used.
            TheirFault: the hub cannot be reached.
        """
        if not self.address:
            self.git.settle(SERVE_ANY)
            return
        if not (_PATH.fullmatch(self.address) or _SSH.fullmatch(self.address)):
            raise YourFault(
                "bad_hub",
                f"{self.address!r} is no address that a worker fetches from.",
                'set [worker] hub = "ssh://host/path/repository.git" or an absolute path',
            )
        if not self.git.complete:
            self.git.init_bare(branch)
        self._far("fetch", *_quiet(), "--prune", self.address, "+refs/heads/*:refs/heads/*")

    def ref(self, name: str) -> str:
        """Return what a full ref name holds at the hub now, or an empty string."""
        if not self.address:
            return self.git.ref(name)
        return self.refs(name).get(name, "")

    def refs(self, pattern: str) -> dict[str, str]:
        """Return the refs of the hub that fit a full name, or a pattern that ends with ``/*``."""
        if not self.address:
            return self.git.refs(pattern.removesuffix("*"))
        said = self._far("ls-remote", "--quiet", self.address, pattern)
        rows = [line.split("\t") for line in said.splitlines() if "\t" in line]
        peeled = {name.removesuffix("^{}"): sha for sha, name in rows if name.endswith("^{}")}
        return {name: peeled.get(name, sha) for sha, name in rows if not name.endswith("^{}")}

    def need(self, *shas: str) -> None:
        """Fetch the commits that are not here yet, with all that belongs to them.

        Raises:
            TheirFault: the hub does not have one of them either, or cannot be reached.
        """
        if not self.address:
            return
        missing = [sha for sha in dict.fromkeys(shas) if sha and not self.git.has(sha)]
        if missing:
            self._far("fetch", *_quiet(), self.address, *missing)

    def publish(self, *moves: Move) -> bool:
        """Move refs of the hub, all of them or none; tell whether they are there now.

        Raises:
            TheirFault: the hub cannot be reached, or refuses what is pushed.
        """
        done = self._push(moves) if self.address else self.git.update_refs([_plain(move) for move in moves])
        return done or all(self.ref(move.ref) == move.new for move in moves)

    def _push(self, moves: tuple[Move, ...]) -> bool:
        leases = [f"--force-with-lease={move.ref}:{move.old}" for move in moves if move.old is not None]
        specs = [f"{'+' if move.old is None and move.new else ''}{move.new}:{move.ref}" for move in moves]
        try:
            self._far("push", "--quiet", "--atomic", "--no-verify", *leases, self.address, *specs)
        except TheirFault as fault:
            if any(word in fault.message for word in _STALE):
                return False
            raise
        return True

    def _far(self, *args: str) -> str:
        """Run a command that asks the hub, again after a pause when the way there is broken."""
        for turn in range(1, TRIES_MAX + 1):
            try:
                return self.git.text(*args, env=_ENV)
            except TheirFault as fault:
                if fault.code == "git_missing" or any(word in fault.message for word in _STALE):
                    raise
                if _REFUSED in fault.message:
                    raise TheirFault("hub_refused", f"The hub refused a push: {fault.message}") from fault
                if turn == TRIES_MAX:
                    raise TheirFault(
                        "hub_unreachable",
                        f"The hub {self.address} did not answer `git {args[0]}`: {fault.message}",
                        f"git ls-remote {self.address}",
                    ) from fault
                time.sleep(PAUSE_SECONDS * turn)
        raise AssertionError  # the loop returns or raises


def make_hub(repository: str, address: str = "") -> Hub:
    """Return the hub as a git directory of ours sees it."""
    here = Path(repository)
    same = bool(address) and Path(address).is_absolute() and Path(address).resolve() == here.resolve()
    return Hub(Git(repository), "" if same else address)


def _plain(move: Move) -> tuple[str, str, str | None]:
    return move.ref, move.new, (move.old or ZERO) if move.old is not None else None


def _quiet() -> tuple[str, ...]:
    return (
        *("--quiet", "--no-tags", "--no-write-fetch-head"),
        *("--no-recurse-submodules", "--no-auto-maintenance"),
    )
