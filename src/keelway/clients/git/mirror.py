"""Our bare repository beside the user's own: made from it, and kept up with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from keelway.clients.files import write_atomic
from keelway.clients.git.client import Git
from keelway.clients.git.mainline import Mainline
from keelway.core.errors import TheirFault, YourFault

_UPDATE_HOOK = """#!/bin/sh
# Branches that Keelway delivers from move by its merges and reverts only; workers bring their work by refs of their own.
case "$1" in
refs/keelway/tasks/*|refs/keelway/rooms/*|refs/keelway/parts/*)
    exit 0 ;;
{patterns})
    echo "Keelway: $1 is protected and was not moved. Push to a branch of your own and ask for a merge." >&2
    exit 1 ;;
esac
"""


@dataclass(frozen=True)
class Mirror:
    """Take over what people push to the production branch of their repository."""

    mainline: Mainline
    origin: str
    """Absolute path of the user's repository, or empty when ours is the only one."""
    production: str
    integration: str

    @property
    def git(self) -> Git:
        """Return the client of our repository."""
        return self.mainline.git

    def prepare(self) -> None:
        """Make our repository and its protected branches, or complete what a crash left half made.

        Raises:
            YourFault: there is nothing to make it from.
        """
        if not (Path(self.git.git_dir) / "HEAD").exists() and not self.origin:
            raise YourFault(
                "no_repository",
                f"There is no repository at {self.git.git_dir} and no origin to make it from.",
                "run keelway init inside your repository",
            )
        if not self.git.complete:
            self.git.init_bare(self.production)
        self._write_hook()
        known = self.git.refs("refs/")
        if f"refs/heads/{self.production}" not in known:
            self.git.update_ref(f"refs/heads/{self.production}", self._fetch(), "")
        if f"refs/heads/{self.integration}" not in known:
            self.git.update_ref(f"refs/heads/{self.integration}", self.mainline.head(self.production), "")
        for branch in (self.production, self.integration):
            if f"refs/keelway/protected/{branch}" not in known:
                self.mainline.keep(branch)

    def refresh(self) -> str:
        """Fast-forward production to the origin's, carry it into integration, return its commit.

        Raises:
            YourFault: the origin has no such branch, its branch and ours went different ways
                (``base_diverged``), or it conflicts with work in integration.
        """
        ours = self.mainline.head(self.production)
        if not self.origin:
            return ours
        theirs = self._fetch()
        if self.git.is_ancestor(theirs, ours):
            return ours
        if not self.git.is_ancestor(ours, theirs):
            raise YourFault(
                "base_diverged",
                f"{self.production} in {self.origin} and in {self.git.git_dir} went different ways.",
                f"in {self.origin} run `git pull --no-rebase {self.git.git_dir} {self.production}`, then repeat",
            )
        # Integration goes first: repeated after a crash between the two, production is still behind and it all runs again.
        self._carry(theirs)
        self._advance(self.production, ours, theirs)
        return theirs

    def origin_dirty(self) -> tuple[str, ...]:
        """Return tracked paths that the user changed but did not commit on the production branch."""
        git_dir = _git_dir_of(self.origin)
        if not git_dir:
            return ()
        theirs = Git(git_dir)
        branch = theirs.text("symbolic-ref", "--quiet", "HEAD", accept=(0, 1))
        if branch != f"refs/heads/{self.production}":
            return ()
        args = ("--porcelain=v1", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=all")
        said = theirs.call("status", *args, env={"GIT_WORK_TREE": self.origin}).stdout
        return tuple(record[3:].decode("utf-8", "replace") for record in said.split(b"\0") if record)

    def _carry(self, theirs: str) -> None:
        if self.integration == self.production:
            return
        head = self.mainline.head(self.integration)
        if self.git.is_ancestor(theirs, head):
            return
        if self.git.is_ancestor(head, theirs):
            self._advance(self.integration, head, theirs)
            return
        message = f"Merge {self.production} from the origin into {self.integration}"
        try:
            self.mainline.merge(
                self.integration,
                head,
                theirs,
                message,
                squash=False,
                key=f"refresh {self.integration} {theirs} {head}",
            )
        except TheirFault as fault:
            if fault.code != "merge_conflict":
                raise
            raise YourFault(
                "integration_conflict",
                f"What was pushed to {self.production} conflicts with {self.integration}. {fault.message}",
                f"merge {self.integration} of {self.git.git_dir} into {self.production} in {self.origin}, then repeat",
            ) from fault

    def _advance(self, branch: str, old: str, new: str) -> None:
        if not self.mainline.advance(branch, old, new, key=f"refresh {branch} {new}"):
            raise TheirFault(
                "base_moved", f"{branch} moved while it was taken over from the origin.", "try again"
            )

    def _fetch(self) -> str:
        source = str(Path(self.origin).resolve())
        kept = f"refs/keelway/origin/{self.production}"
        try:
            self.git.fetch(source, f"+refs/heads/{self.production}:{kept}")
        except TheirFault as fault:
            raise YourFault(
                "origin_unreadable",
                f"The branch {self.production} of {self.origin} could not be fetched: {fault.message}",
                f"check that the path is a git repository and has a commit on {self.production}",
            ) from fault
        return self.git.ref(kept)

    def _write_hook(self) -> None:
        names = [f"refs/heads/{branch}" for branch in sorted(self.mainline.protected)]
        patterns = "|".join([*(f"'{name}'" for name in names), "refs/keelway/*", "refs/tags/*"])
        text = _UPDATE_HOOK.format(patterns=patterns).encode()
        path = Path(self.git.git_dir) / "hooks" / "update"
        if not path.exists() or path.read_bytes() != text:
            write_atomic(path, text, 0o755)


def _git_dir_of(folder: str) -> str:
    """Return the git directory of a work tree, or an empty string when there is no work tree."""
    if not folder:
        return ""
    spot = Path(folder) / ".git"
    if spot.is_dir():
        return str(spot)
    if spot.is_file():
        named = spot.read_text("utf-8", "replace").removeprefix("gitdir:").strip()
        return str((spot.parent / named).resolve())
    return ""
