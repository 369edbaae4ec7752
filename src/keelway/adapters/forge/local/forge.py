"""A bare repository of ours beside the user's own; pull requests live in the store."""

from __future__ import annotations

import re
import threading
from dataclasses import replace

from keelway.clients.git import Git
from keelway.clients.git.hub import PARTS, make_hub
from keelway.clients.git.mainline import Mainline
from keelway.clients.git.mirror import Mirror
from keelway.core.errors import TheirFault, YourFault
from keelway.core.model.diff import Diff, parse_diff
from keelway.core.model.project import Branches
from keelway.ports.forge import CheckRun, Forge, Merge, Pull, PullDraft, Rebased
from keelway.ports.pulls import Issue, PullBook

_COMMIT_ID = re.compile(r"[0-9a-f]{7,64}")
_READ_BYTES_MAX = 5 * 1024 * 1024
_TEXT_BYTES_MAX = 256 * 1024
_TEXTS_BYTES_MAX = 16 * 1024 * 1024
_PATCH_BYTES_MAX = 512 * 1024


class LocalForge:
    """Keep the repository on this machine; works offline and alone."""

    def __init__(
        self,
        repository: str,
        origin: str,
        branches: Branches,
        pulls: PullBook,
        *,
        url: str = "",
        serve: bool = False,
    ) -> None:
        """Keep what is needed later.

        Args:
            repository: our own bare repository.
            origin: the repository of people, empty when ours is the only one.
            branches: which are protected.
            pulls: where pull requests live.
            url: where people look at pull requests.
            serve: let workers of other hosts fetch any commit from it.
        """
        self._serve = serve
        self._branches = branches
        self._book = pulls
        self._url = url.rstrip("/")
        self._mirror = Mirror(
            Mainline(Git(repository), branches.protected), origin, branches.production, branches.integration
        )
        self._prepared = False
        self._preparing = threading.Lock()

    def refresh(self) -> str:
        """Take over what people pushed to the production branch of the origin."""
        self._mainline()
        return self._mirror.refresh()

    def origin_dirty(self) -> tuple[str, ...]:
        """Return tracked paths with uncommitted edits in the user's work tree on the production branch."""
        return self._mirror.origin_dirty()

    def drift(self) -> tuple[str, ...]:
        """Return the protected branches that somebody moved by hand."""
        return self._mainline().drift()

    def head(self, branch: str) -> str:
        """Return the commit of a branch."""
        return self._mainline().head(branch)

    def resolve(self, name: str) -> str:
        """Return the commit that a branch, a tag, or the beginning of a commit id names."""
        git = self._git()
        found = git.ref(f"refs/heads/{name}") or git.rev_parse(f"refs/tags/{name}")
        if not found and _COMMIT_ID.fullmatch(name):
            found = git.rev_parse(name)
        if not found:
            raise YourFault(
                "no_commit", f"No branch, tag or commit is called {name!r}.", "keelway releases, or git log"
            )
        return found

    def files(self, sha: str) -> tuple[str, ...]:
        """Return every path in a commit."""
        return tuple(entry.path for entry in self._git().ls_tree(sha))

    def read(self, sha: str, path: str) -> str:
        """Return the text of a file in a commit, a link's target for a link, empty when it is not there."""
        return (self._git().read(sha, path, _READ_BYTES_MAX) or b"").decode("utf-8", "replace")

    def texts(self, sha: str, paths: tuple[str, ...]) -> dict[str, str]:
        """Return the texts of many files of a commit at once; a large one is left out."""
        return self._git().texts(sha, paths, _TEXT_BYTES_MAX, _TEXTS_BYTES_MAX)

    def diff(self, base_sha: str, head_sha: str) -> Diff:
        """Return the facts of the difference between two commits."""
        git = self._git()
        raw, numstat = git.diff_raw(base_sha, head_sha), git.diff_numstat(base_sha, head_sha)
        facts = parse_diff(base_sha, head_sha, raw, numstat)
        added, removed = git.changed_lines(base_sha, head_sha)
        return replace(facts, added_text=added, removed_text=removed)

    def patch(self, base_sha: str, head_sha: str) -> str:
        """Return the difference as text for people; of a long one the middle is left out."""
        return replace(self._git(), output_bytes_max=_PATCH_BYTES_MAX).diff_text(base_sha, head_sha)

    def compose(self, onto_sha: str, from_sha: str, paths: tuple[str, ...]) -> str:
        """Return a commit with the tree of ``onto_sha`` in which ``paths`` are as in ``from_sha``."""
        git = self._git()
        tree = git.compose(onto_sha, from_sha, paths)
        message = f"Compose {onto_sha[:12]} with files of {from_sha[:12]}"
        return git.commit_tree(tree, (onto_sha,), message, git.commit(from_sha).at)

    def contains(self, ancestor_sha: str, sha: str) -> bool:
        """Tell whether ``ancestor_sha`` is part of the history of ``sha``."""
        return self._git().is_ancestor(ancestor_sha, sha)

    def conflicts(self, base: str, head_sha: str) -> tuple[str, ...]:
        """Return the paths that would conflict when a commit were merged into a branch now."""
        return self._git().merge_tree(self.head(base), head_sha).conflicts

    def rebase(self, head_sha: str, onto_sha: str, message: str, branch: str) -> Rebased:
        """Put a one-commit patch onto a newer base and move its branch there."""
        mainline = self._mainline()
        mainline.refuse_protected(branch, "rebased")
        git, patch = mainline.git, mainline.git.commit(head_sha)
        if not patch.parents:
            raise YourFault("not_a_patch", f"{head_sha[:12]} has no parent, so it is not a patch.")
        old_base, onto_tree = git.tree_of(patch.parents[0]), git.tree_of(onto_sha)
        merged = git.merge_trees(old_base, onto_tree, patch.tree_sha)
        if merged.conflicts:
            return Rebased(head_sha, patch.tree_sha, merged.conflicts)
        made = git.commit_tree(merged.tree_sha, (onto_sha,), message, patch.at)
        name = f"refs/heads/{branch}"
        now = git.ref(name)
        if now != made and (now not in {head_sha, ""} or not git.update_ref(name, made, now)):
            raise TheirFault(
                "head_moved", f"{branch} is no longer at {head_sha[:12]}.", "collect and judge again"
            )
        return Rebased(made, merged.tree_sha)

    def open_pull(self, draft: PullDraft, *, key: str) -> Pull:
        """Open a pull request, or update the open one of the same head branch."""
        base_sha = self.head(draft.base)
        if self.head(draft.head) != draft.head_sha:
            raise TheirFault(
                "head_moved", f"{draft.head} is no longer at {draft.head_sha[:12]}.", "collect again"
            )
        known = self._book.open_pull_of(draft.head, draft.base)
        if known is None:
            pull = Pull(0, "open", draft.base, draft.head, draft.head_sha, base_sha, draft.title, draft.body)
            return self._with_url(self._book.add_pull(pull, draft.task, key))
        changed = replace(
            known, head_sha=draft.head_sha, base_sha=base_sha, title=draft.title, body=draft.body
        )
        self._book.save_pull(changed)
        return self._with_url(changed)

    def pull(self, number: int) -> Pull:
        """Return a pull request."""
        found = self._book.pull(number)
        if found is None:
            raise YourFault("no_pull", f"There is no pull request #{number}.")
        return self._with_url(found)

    def comment(self, number: int, body: str, *, key: str) -> None:
        """Add a comment to a pull request."""
        self.pull(number)
        self._book.add_comment(number, body, key)

    def set_check(self, run: CheckRun, *, key: str) -> None:
        """Record a check result for a commit."""
        self._book.set_check(run, key)

    def checks(self, sha: str) -> tuple[CheckRun, ...]:
        """Return the latest result of each check of a commit."""
        return self._book.checks(sha)

    def merge(
        self, number: int, *, head_sha: str, base_sha: str, message: str, squash: bool, key: str
    ) -> Merge:
        """Merge a pull request by compare-and-swap on both commits."""
        pull, mainline = self.pull(number), self._mainline()
        made = mainline.done(pull.base, key)
        if made is None:
            if pull.state != "open":
                raise TheirFault(
                    "pull_not_open", f"Pull request #{number} is {pull.state}.", "open a new one"
                )
            head_now = mainline.git.ref(f"refs/heads/{pull.head}")
            if head_sha not in {head_now} & {pull.head_sha}:
                raise TheirFault(
                    "head_moved",
                    f"{pull.head} is at {head_now[:12] or 'nothing'}, not {head_sha[:12]}.",
                    "judge again",
                )
            made = mainline.merge(pull.base, base_sha, head_sha, message, squash=squash, key=key)
        if pull.state != "merged":
            self._book.save_pull(replace(pull, state="merged", merge_sha=made.sha, base_sha=made.parents[0]))
        return Merge(made.sha, made.tree_sha, made.parents[0])

    def revert(self, branch: str, bad_sha: str, message: str, *, key: str) -> Merge:
        """Undo one commit on a protected branch by a new commit."""
        made = self._mainline().revert(branch, bad_sha, message, key=key)
        return Merge(made.sha, made.tree_sha, made.parents[0])

    def tag(self, name: str, sha: str, message: str, *, key: str) -> None:  # noqa: ARG002
        """Name a commit for ever; a name is its own key."""
        git = self._git()
        if not git.valid_ref(f"refs/tags/{name}"):
            raise YourFault(
                "bad_tag", f"{name!r} is not a name that git allows for a tag.", "use a form like v1.2.3"
            )
        commit = git.commit(sha)
        if (
            not git.tag(name, commit.sha, message, commit.at)
            and git.rev_parse(f"refs/tags/{name}") != commit.sha
        ):
            raise TheirFault(
                "tag_taken", f"The tag {name} already names another commit.", "choose the next version"
            )

    def tags(self) -> tuple[tuple[str, str], ...]:
        """Return (name, commit) of every tag."""
        return tuple(
            (name.removeprefix("refs/tags/"), sha) for name, sha in self._git().refs("refs/tags/").items()
        )

    def open_issue(self, title: str, body: str, labels: tuple[str, ...], *, key: str) -> int:
        """Open an issue and return its number."""
        return self._book.add_issue(Issue(0, title, body, labels, "open"), key).number

    def close_issue(self, number: int, body: str, *, key: str) -> None:
        """Close an issue with a last comment."""
        issue = self._book.issue(number)
        if issue is None:
            raise YourFault("no_issue", f"There is no issue #{number}.")
        self._book.add_comment(number, body, key)
        self._book.save_issue(replace(issue, state="closed"))

    def delete_branch(self, branch: str, *, key: str) -> None:  # noqa: ARG002
        """Remove a task branch; its commits stay, and so does a protected branch."""
        mainline = self._mainline()
        mainline.refuse_protected(branch, "removed")
        at = mainline.git.ref(f"refs/heads/{branch}")
        if at:
            mainline.git.delete_ref(f"refs/heads/{branch}", at)

    def work_branches(self) -> tuple[str, ...]:
        """Return the branches that are not protected."""
        names = (name.removeprefix("refs/heads/") for name in self._git().refs("refs/heads/"))
        return tuple(name for name in names if name not in self._branches.protected)

    def forget_parts(self, count_max: int) -> int:
        """Remove the names of commits that workers of other hosts composed; whoever knows one still gets it."""
        git = self._git()
        parts = list(git.refs(f"{PARTS}/").items())[:count_max]
        return sum(git.delete_ref(name, sha) for name, sha in parts)

    def _mainline(self) -> Mainline:
        """Return the repository, made on first use."""
        with self._preparing:
            if not self._prepared:
                self._make()
                self._prepared = True
        return self._mirror.mainline

    def _make(self) -> None:
        self._mirror.prepare()
        if self._serve:
            make_hub(self._mirror.git.git_dir).prepare(self._branches.production)

    def _git(self) -> Git:
        return self._mainline().git

    def _with_url(self, pull: Pull) -> Pull:
        return replace(pull, url=f"{self._url}/pulls/{pull.number}") if self._url else pull


_check: type[Forge] = LocalForge
