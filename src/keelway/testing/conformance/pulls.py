"""Hold every book of pull requests and issues to the same promises."""
# ruff: noqa: S101  these are tests, shipped for the authors of adapters

from __future__ import annotations

from dataclasses import replace

from keelway.ports.forge import CheckRun, Pull
from keelway.ports.pulls import Issue, PullBook

PULL = Pull(0, "open", "develop", "feature/x", "a" * 40, "b" * 40, "title", "body\nwith lines")
ISSUE = Issue(0, "title", "body", ("one", "two"), "open")


class PullBookTests:
    """Subclass it with one fixture: ``book``, empty."""

    def test_pull_is_recorded_once_per_key(self, book: PullBook) -> None:
        """Record a pull request once."""
        first = book.add_pull(PULL, "T-1", "k1")
        assert first == replace(PULL, number=first.number)
        assert first.number > 0
        assert book.add_pull(replace(PULL, title="other"), "T-1", "k1") == first
        assert book.add_pull(PULL, "T-2", "k2").number != first.number
        assert book.pull(first.number) == first
        assert book.pull(first.number + 100) is None

    def test_only_the_open_pull_of_both_branches_is_found(self, book: PullBook) -> None:
        """Find open pull requests only."""
        first = book.add_pull(PULL, "T-1", "k1")
        assert book.open_pull_of("feature/x", "develop") == first
        assert book.open_pull_of("feature/x", "main") is None
        assert book.open_pull_of("feature/y", "develop") is None
        merged = replace(first, state="merged", merge_sha="c" * 40)
        book.save_pull(merged)
        assert book.open_pull_of("feature/x", "develop") is None
        assert book.pull(first.number) == merged
        assert book.add_pull(PULL, "T-1", "k1") == merged, "a known key returns what was recorded"

    def test_numbers_are_shared_with_issues(self, book: PullBook) -> None:
        """Give every number once."""
        pull, issue = book.add_pull(PULL, "T-1", "k1"), book.add_issue(ISSUE, "k2")
        assert pull.number != issue.number
        assert book.pull(issue.number) is None
        assert book.issue(pull.number) is None

    def test_comments_keep_order_and_come_once_per_key(self, book: PullBook) -> None:
        """Keep comments in order, each once."""
        pull, issue = book.add_pull(PULL, "T-1", "k1"), book.add_issue(ISSUE, "k2")
        for body, key in (("one", "c1"), ("two", "c2"), ("one", "c1")):
            book.add_comment(pull.number, body, key)
        book.add_comment(issue.number, "three", "c3")
        assert book.comments(pull.number) == ("one", "two")
        assert book.comments(issue.number) == ("three",)

    def test_latest_check_of_a_name_rules(self, book: PullBook) -> None:
        """Let the latest result of a check rule."""
        sha = "d" * 40
        book.set_check(CheckRun("tests", sha, passed=False, examined=1, detail="red"), "a")
        book.set_check(CheckRun("lint", sha, passed=True, examined=9), "b")
        book.set_check(CheckRun("tests", sha, passed=True, examined=2), "c")
        found = {run.name: run for run in book.checks(sha)}
        assert found == {
            "tests": CheckRun("tests", sha, passed=True, examined=2),
            "lint": CheckRun("lint", sha, passed=True, examined=9),
        }
        assert book.checks("e" * 40) == ()

    def test_issue_is_recorded_once_and_saved(self, book: PullBook) -> None:
        """Record an issue once."""
        issue = book.add_issue(ISSUE, "k")
        assert issue == replace(ISSUE, number=issue.number)
        assert book.add_issue(replace(ISSUE, title="x"), "k") == issue
        book.save_issue(replace(issue, state="closed"))
        assert book.issue(issue.number) == replace(issue, state="closed")
        assert book.issue(issue.number + 100) is None
