"""The records of the local forge: pull requests, comments, checks and issues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from keelway.ports.forge import CheckRun, Pull


@dataclass(frozen=True)
class Issue:
    """Describe an issue of the local forge."""

    number: int
    title: str
    body: str
    labels: tuple[str, ...]
    state: str
    """``open`` or ``closed``."""


class PullBook(Protocol):
    """Keep the records; pull requests and issues share one sequence of numbers."""

    def add_pull(self, pull: Pull, task: str, key: str) -> Pull:
        """Record a new pull request and return it with its number; a known key returns the recorded one."""
        ...

    def save_pull(self, pull: Pull) -> None:
        """Replace a pull request."""
        ...

    def pull(self, number: int) -> Pull | None:
        """Return a pull request."""
        ...

    def open_pull_of(self, head: str, base: str) -> Pull | None:
        """Return the open pull request from one branch to another."""
        ...

    def add_comment(self, number: int, body: str, key: str) -> None:
        """Add a comment to a pull request or an issue once per key."""
        ...

    def comments(self, number: int) -> tuple[str, ...]:
        """Return the comments, oldest first."""
        ...

    def set_check(self, run: CheckRun, key: str) -> None:
        """Record a check result; the latest of a name rules."""
        ...

    def checks(self, sha: str) -> tuple[CheckRun, ...]:
        """Return the latest result of each check of a commit."""
        ...

    def add_issue(self, issue: Issue, key: str) -> Issue:
        """Record an issue and return it with its number; a known key returns the recorded one."""
        ...

    def save_issue(self, issue: Issue) -> None:
        """Replace an issue."""
        ...

    def issue(self, number: int) -> Issue | None:
        """Return an issue."""
        ...
