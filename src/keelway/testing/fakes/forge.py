"""A forge in memory that merges, conflicts, reverts and protects like a real one."""

from __future__ import annotations

from dataclasses import replace

from keelway.core.errors import PolicyRefused, TheirFault, YourFault
from keelway.core.model.diff import Diff
from keelway.core.model.project import Branches
from keelway.ports.forge import CheckRun, Forge, Merge, Pull, PullDraft, Rebased
from keelway.ports.pulls import Issue
from keelway.testing.fakes.history import FakeCommit, FakeHistory, Files, merge_files
from keelway.testing.fakes.pulls import FakePullBook

_ID_DIGITS_MIN = 7
START: Files = {"README.md": "hello\n", "app.py": "one = 1\n"}


class FakeForge:
    """Keep branches in ``branches_at``, commits in ``history`` and records in ``book``, open to tests."""

    def __init__(self, files: Files = START, branches: Branches | None = None) -> None:
        self.branches = branches or Branches()
        self.history = FakeHistory()
        self.book = FakePullBook()
        first = self.history.add((), files, "first").sha
        self.branches_at = dict.fromkeys(self.branches.protected, first)
        self.origin_at = first
        """What the production branch of the people's own repository holds."""
        self.origin_edits: tuple[str, ...] = ()
        """Paths with uncommitted work in the people's own repository."""
        self._tags: dict[str, str] = {}
        self._done: dict[str, FakeCommit] = {}

    def commit(self, branch: str, base_sha: str, files: Files, message: str) -> FakeCommit:
        """Put a commit on a base and move a branch there, as a collected patch does."""
        made = self.history.add((base_sha,), files, message)
        self.branches_at[branch] = made.sha
        return made

    def refresh(self) -> str:
        """Take over what people pushed."""
        main, ours = self.branches.production, self.head(self.branches.production)
        if self.contains(self.origin_at, ours):
            return ours
        if not self.contains(ours, self.origin_at):
            raise YourFault(
                "base_diverged", f"{main} and the origin went different ways.", "merge ours into yours"
            )
        develop = self.head(self.branches.integration)
        files, conflicts = self.history.merge(develop, self.origin_at)
        if conflicts:
            raise YourFault("integration_conflict", f"Conflict in {conflicts}.", "merge by hand")
        if not self.contains(self.origin_at, develop):
            merged = self.history.add((develop, self.origin_at), files, "Merge the origin")
            straight = self.contains(develop, self.origin_at)
            self.branches_at[self.branches.integration] = self.origin_at if straight else merged.sha
        self.branches_at[main] = self.origin_at
        return self.origin_at

    def origin_dirty(self) -> tuple[str, ...]:
        """Return the paths with uncommitted work."""
        return self.origin_edits

    def head(self, branch: str) -> str:
        """Return the commit of a branch."""
        if branch not in self.branches_at:
            raise YourFault("no_branch", f"There is no branch {branch!r}.")
        return self.branches_at[branch]

    def resolve(self, name: str) -> str:
        """Return the commit that a branch, a tag, or the beginning of a commit id names."""
        named = self.branches_at.get(name) or self._tags.get(name)
        starting = [
            sha for sha in self.history.shas() if len(name) >= _ID_DIGITS_MIN and sha.startswith(name)
        ]
        if not named and len(starting) != 1:
            raise YourFault("no_commit", f"No branch, tag or commit is called {name!r}.")
        return named or starting[0]

    def files(self, sha: str) -> tuple[str, ...]:
        """Return every path in a commit."""
        return tuple(sorted(self.history[sha].files))

    def read(self, sha: str, path: str) -> str:
        """Return the text of a file."""
        return self.history[sha].files.get(path, "")

    def texts(self, sha: str, paths: tuple[str, ...]) -> dict[str, str]:
        """Return the texts of many files at once."""
        files = self.history[sha].files
        return {path: files[path] for path in paths if path in files}

    def diff(self, base_sha: str, head_sha: str) -> Diff:
        """Return the facts of a difference."""
        return self.history.diff(base_sha, head_sha)

    def patch(self, base_sha: str, head_sha: str) -> str:
        """Return a difference as text."""
        return self.history.patch(base_sha, head_sha)

    def compose(self, onto_sha: str, from_sha: str, paths: tuple[str, ...]) -> str:
        """Return a commit like ``onto_sha`` with some paths of ``from_sha``."""
        source = self.history[from_sha].files
        files = {path: text for path, text in self.history[onto_sha].files.items() if path not in paths}
        files |= {path: source[path] for path in paths if path in source}
        return self.history.add((onto_sha,), files, f"compose {from_sha}").sha

    def contains(self, ancestor_sha: str, sha: str) -> bool:
        """Tell whether a commit is in the history of another."""
        return ancestor_sha in self.history.ancestors(sha)

    def conflicts(self, base: str, head_sha: str) -> tuple[str, ...]:
        """Return the paths that would conflict."""
        return self.history.merge(self.head(base), head_sha)[1]

    def rebase(self, head_sha: str, onto_sha: str, message: str, branch: str) -> Rebased:
        """Put a one-commit patch onto a newer base."""
        self._refuse_protected(branch)
        patch = self.history[head_sha]
        base = self.history[patch.parents[0]].files
        files, conflicts = merge_files(base, self.history[onto_sha].files, patch.files)
        if conflicts:
            return Rebased(head_sha, patch.tree_sha, conflicts)
        made = self.history.add((onto_sha,), files, message)
        if self.branches_at.get(branch, head_sha) not in {head_sha, made.sha}:
            raise TheirFault("head_moved", f"{branch} moved.")
        self.branches_at[branch] = made.sha
        return Rebased(made.sha, made.tree_sha)

    def open_pull(self, draft: PullDraft, *, key: str) -> Pull:
        """Open or update a pull request."""
        if self.head(draft.head) != draft.head_sha:
            raise TheirFault("head_moved", f"{draft.head} moved.")
        pull = Pull(
            0, "open", draft.base, draft.head, draft.head_sha, self.head(draft.base), draft.title, draft.body
        )
        if known := self.book.open_pull_of(draft.head, draft.base):
            changed = replace(pull, number=known.number)
            self.book.save_pull(changed)
            return changed
        return self.book.add_pull(pull, draft.task, key)

    def pull(self, number: int) -> Pull:
        """Return a pull request."""
        found = self.book.pull(number)
        if found is None:
            raise YourFault("no_pull", f"There is no pull request #{number}.")
        return found

    def comment(self, number: int, body: str, *, key: str) -> None:
        """Add a comment."""
        self.pull(number)
        self.book.add_comment(number, body, key)

    def set_check(self, run: CheckRun, *, key: str) -> None:
        """Record a check result."""
        self.book.set_check(run, key)

    def checks(self, sha: str) -> tuple[CheckRun, ...]:
        """Return the check results of a commit."""
        return self.book.checks(sha)

    def merge(
        self, number: int, *, head_sha: str, base_sha: str, message: str, squash: bool, key: str
    ) -> Merge:
        """Merge a pull request by compare-and-swap."""
        pull = self.pull(number)
        if key not in self._done:
            if pull.state != "open":
                raise TheirFault("pull_not_open", f"Pull request #{number} is {pull.state}.")
            if self.branches_at.get(pull.head) != head_sha or pull.head_sha != head_sha:
                raise TheirFault("head_moved", f"{pull.head} moved.")
            if self.head(pull.base) != base_sha:
                raise TheirFault("base_moved", f"{pull.base} moved.")
            files, conflicts = self.history.merge(base_sha, head_sha)
            if conflicts:
                raise TheirFault("merge_conflict", f"Conflict in {', '.join(conflicts)}.")
            if self.contains(head_sha, base_sha) or (squash and files == self.history[base_sha].files):
                raise TheirFault("nothing_to_merge", f"{pull.base} already holds it.")
            parents = (base_sha,) if squash else (base_sha, head_sha)
            self._done[key] = self._advance(pull.base, self.history.add(parents, files, message))
        made = self._done[key]
        self.book.save_pull(replace(pull, state="merged", merge_sha=made.sha, base_sha=made.parents[0]))
        return Merge(made.sha, made.tree_sha, made.parents[0])

    def revert(self, branch: str, bad_sha: str, message: str, *, key: str) -> Merge:
        """Undo one commit."""
        tip, bad = self.history[self.head(branch)], self.history[bad_sha]
        if key not in self._done:
            if not bad.parents or not self.contains(bad_sha, tip.sha):
                raise YourFault("not_on_branch", f"{bad_sha} is not a commit on {branch} that can be undone.")
            files, conflicts = merge_files(bad.files, tip.files, self.history[bad.parents[0]].files)
            if conflicts:
                raise TheirFault("revert_conflict", f"Conflict in {', '.join(conflicts)}.")
            undone = tip if files == tip.files else self.history.add((tip.sha,), files, message)
            self._done[key] = self._advance(branch, undone)
        made = self._done[key]
        return Merge(made.sha, made.tree_sha, made.parents[0])

    def tag(self, name: str, sha: str, message: str, *, key: str) -> None:  # noqa: ARG002
        """Name a commit for ever."""
        if self._tags.setdefault(name, sha) != sha:
            raise TheirFault("tag_taken", f"The tag {name} names another commit.")

    def tags(self) -> tuple[tuple[str, str], ...]:
        """Return every tag."""
        return tuple(sorted(self._tags.items()))

    def open_issue(self, title: str, body: str, labels: tuple[str, ...], *, key: str) -> int:
        """Open an issue."""
        return self.book.add_issue(Issue(0, title, body, labels, "open"), key).number

    def close_issue(self, number: int, body: str, *, key: str) -> None:
        """Close an issue with a last comment."""
        issue = self.book.issue(number)
        if issue is None:
            raise YourFault("no_issue", f"There is no issue #{number}.")
        self.book.add_comment(number, body, key)
        self.book.save_issue(replace(issue, state="closed"))

    def delete_branch(self, branch: str, *, key: str) -> None:  # noqa: ARG002
        """Remove a task branch."""
        self._refuse_protected(branch)
        self.branches_at.pop(branch, None)

    def _advance(self, branch: str, made: FakeCommit) -> FakeCommit:
        self.branches_at[branch] = made.sha
        return made

    def _refuse_protected(self, branch: str) -> None:
        if branch in self.branches.protected:
            raise PolicyRefused("protected_branch", f"{branch} is protected.")


_check: type[Forge] = FakeForge
