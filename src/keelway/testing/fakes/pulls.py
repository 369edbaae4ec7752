"""Records of the local forge in memory."""

from __future__ import annotations

from dataclasses import replace

from keelway.ports.forge import CheckRun, Pull
from keelway.ports.pulls import Issue, PullBook


class FakePullBook:
    """Keep pull requests, comments, checks and issues until the test ends."""

    def __init__(self) -> None:
        self._pulls: dict[int, Pull] = {}
        self._issues: dict[int, Issue] = {}
        self._numbers: dict[str, int] = {}
        self._comments: dict[str, tuple[int, str]] = {}
        self._checks: dict[tuple[str, str], CheckRun] = {}

    def add_pull(self, pull: Pull, task: str, key: str) -> Pull:  # noqa: ARG002
        """Record a new pull request once per key."""
        if key not in self._numbers:
            number = self._numbers[key] = len(self._numbers) + 1
            self._pulls[number] = replace(pull, number=number)
        return self._pulls[self._numbers[key]]

    def save_pull(self, pull: Pull) -> None:
        """Replace a pull request."""
        self._pulls[pull.number] = pull

    def pull(self, number: int) -> Pull | None:
        """Return a pull request."""
        return self._pulls.get(number)

    def open_pull_of(self, head: str, base: str) -> Pull | None:
        """Return the open pull request from one branch to another."""
        ways = (pull for pull in self._pulls.values() if (pull.head, pull.base) == (head, base))
        return next((pull for pull in ways if pull.state == "open"), None)

    def add_comment(self, number: int, body: str, key: str) -> None:
        """Add a comment once per key."""
        self._comments.setdefault(key, (number, body))

    def comments(self, number: int) -> tuple[str, ...]:
        """Return the comments, oldest first."""
        return tuple(body for of, body in self._comments.values() if of == number)

    def set_check(self, run: CheckRun, key: str) -> None:  # noqa: ARG002
        """Record a check result; the latest of a name rules."""
        self._checks[run.sha, run.name] = run

    def checks(self, sha: str) -> tuple[CheckRun, ...]:
        """Return the latest result of each check of a commit."""
        return tuple(run for (of, _name), run in self._checks.items() if of == sha)

    def add_issue(self, issue: Issue, key: str) -> Issue:
        """Record an issue once per key."""
        if key not in self._numbers:
            number = self._numbers[key] = len(self._numbers) + 1
            self._issues[number] = replace(issue, number=number)
        return self._issues[self._numbers[key]]

    def save_issue(self, issue: Issue) -> None:
        """Replace an issue."""
        self._issues[issue.number] = issue

    def issue(self, number: int) -> Issue | None:
        """Return an issue."""
        return self._issues.get(number)


_check: type[PullBook] = FakePullBook
