"""Where the repository lives: branches, pull requests, checks, merges, tags and issues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from keelway.core.model.diff import Diff


@dataclass(frozen=True)
class PullDraft:
    """Describe a pull request to be opened."""

    task: str
    title: str
    body: str
    base: str
    """Branch that receives the change."""
    head: str
    """Branch that holds it."""
    head_sha: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pull:
    """Describe a pull request as it stands."""

    number: int
    state: str
    """``open``, ``merged`` or ``closed``."""
    base: str
    head: str
    head_sha: str
    base_sha: str
    title: str
    body: str
    merge_sha: str = ""
    url: str = ""


@dataclass(frozen=True)
class CheckRun:
    """State the result of one check on one commit."""

    name: str
    sha: str
    passed: bool
    examined: int = 0
    detail: str = ""


@dataclass(frozen=True)
class Merge:
    """Name the commit that a merge made."""

    sha: str
    tree_sha: str
    previous_sha: str


@dataclass(frozen=True)
class Rebased:
    """Say whether a patch fits on a newer base."""

    head_sha: str
    tree_sha: str
    conflicts: tuple[str, ...] = ()


class Forge(Protocol):
    """Keep the repository; protected branches move by ``merge`` and ``revert`` only.

    Every verb that acts takes a ``key`` (task, stage, attempt, name): repeated with the same
    key it finds what it did before and returns that, so that a crash never doubles it.
    """

    def refresh(self) -> str:
        """Take over what people pushed to the production branch; return its commit.

        Raises:
            YourFault: the branch has diverged from ours, or it is not there.
        """
        ...

    def origin_dirty(self) -> tuple[str, ...]:
        """Return the paths with uncommitted work on the production branch that people work on."""
        ...

    def head(self, branch: str) -> str:
        """Return the commit of a branch.

        Raises:
            YourFault: no such branch.
        """
        ...

    def resolve(self, name: str) -> str:
        """Return the commit that a branch, a tag, or the beginning of a commit id names, looked up in this order.

        Raises:
            YourFault: nothing has this name, or several commits begin so.
        """
        ...

    def files(self, sha: str) -> tuple[str, ...]:
        """Return every path in a commit."""
        ...

    def read(self, sha: str, path: str) -> str:
        """Return the text of a file in a commit, empty when it is not there."""
        ...

    def texts(self, sha: str, paths: tuple[str, ...]) -> dict[str, str]:
        """Return the texts of many files of a commit at once; one that is not there, too large or no text is left out."""
        ...

    def diff(self, base_sha: str, head_sha: str) -> Diff:
        """Return the facts of the difference between two commits."""
        ...

    def patch(self, base_sha: str, head_sha: str) -> str:
        """Return the difference as text for people, bounded."""
        ...

    def compose(self, onto_sha: str, from_sha: str, paths: tuple[str, ...]) -> str:
        """Return a commit with the tree of ``onto_sha`` in which ``paths`` are as in ``from_sha``."""
        ...

    def contains(self, ancestor_sha: str, sha: str) -> bool:
        """Tell whether ``ancestor_sha`` is part of the history of ``sha``."""
        ...

    def conflicts(self, base: str, head_sha: str) -> tuple[str, ...]:
        """Return the paths that would conflict when a commit were merged into a branch now."""
        ...

    def rebase(self, head_sha: str, onto_sha: str, message: str, branch: str) -> Rebased:
        """Put a one-commit patch onto a newer base without a workspace."""
        ...

    def open_pull(self, draft: PullDraft, *, key: str) -> Pull:
        """Open a pull request, or update the open one of the same head branch."""
        ...

    def pull(self, number: int) -> Pull:
        """Return a pull request."""
        ...

    def comment(self, number: int, body: str, *, key: str) -> None:
        """Add a comment to a pull request."""
        ...

    def set_check(self, run: CheckRun, *, key: str) -> None:
        """Record a check result for a commit."""
        ...

    def checks(self, sha: str) -> tuple[CheckRun, ...]:
        """Return the latest result of each check of a commit."""
        ...

    def merge(
        self, number: int, *, head_sha: str, base_sha: str, message: str, squash: bool, key: str
    ) -> Merge:
        """Merge a pull request by compare-and-swap on both commits.

        Raises:
            TheirFault: base or head moved (``base_moved``, ``head_moved``), or a conflict.
        """
        ...

    def revert(self, branch: str, bad_sha: str, message: str, *, key: str) -> Merge:
        """Undo one commit on a protected branch by a new commit.

        Raises:
            TheirFault: the undo conflicts with later work (``revert_conflict``).
        """
        ...

    def tag(self, name: str, sha: str, message: str, *, key: str) -> None:
        """Name a commit for ever; the same name on another commit is an error."""
        ...

    def tags(self) -> tuple[tuple[str, str], ...]:
        """Return (name, commit) of every tag."""
        ...

    def open_issue(self, title: str, body: str, labels: tuple[str, ...], *, key: str) -> int:
        """Open an issue and return its number."""
        ...

    def close_issue(self, number: int, body: str, *, key: str) -> None:
        """Close an issue with a last comment."""
        ...

    def delete_branch(self, branch: str, *, key: str) -> None:
        """Remove a task branch; protected branches are refused."""
        ...
