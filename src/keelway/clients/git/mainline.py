"""Protected branches: they move by merge, revert and take-over only, each exactly once.

Every move is an intent first: ``refs/keelway/keys/<digest of the key>`` names the commit that is
about to become the head. A repeated call finds it there and looks whether it has arrived.
``refs/keelway/protected/<branch>`` remembers where we left each branch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from keelway.clients.git.client import Git
from keelway.clients.git.values import Commit, Merged
from keelway.core.errors import OurFault, PolicyRefused, TheirFault, YourFault

KEY_TRAILER = "Keelway-key"
_KNOWN_MAX = 1_000
"""Commits that are looked through for the files of a branch."""

_REVERT_TRIES_MAX = 5


@dataclass(frozen=True)
class Mainline:
    """Move the protected branches of one bare repository of ours."""

    git: Git
    protected: frozenset[str]

    def head(self, branch: str) -> str:
        """Return the commit of a branch.

        Raises:
            YourFault: no such branch.
        """
        found = self.git.ref(f"refs/heads/{branch}")
        if not found:
            raise YourFault("no_branch", f"There is no branch {branch!r} in {self.git.git_dir}.")
        return found

    def refuse_protected(self, branch: str, verb: str) -> None:
        """Refuse to treat a protected branch like one of a task.

        Raises:
            PolicyRefused: the branch is protected.
        """
        if branch in self.protected:
            raise PolicyRefused(
                "protected_branch", f"{branch} is protected: it is not {verb}.", "use a merge or a revert"
            )

    def drift(self) -> tuple[str, ...]:
        """Return the protected branches that somebody moved by hand."""
        heads, kept = self.git.refs("refs/heads/"), self.git.refs("refs/keelway/protected/")
        return tuple(
            branch
            for branch in sorted(self.protected)
            if kept.get(f"refs/keelway/protected/{branch}", "") != heads.get(f"refs/heads/{branch}", "")
        )

    def keep(self, branch: str) -> None:
        """Remember where a protected branch is when nothing has been remembered yet."""
        self.git.update_ref(f"refs/keelway/protected/{branch}", self.head(branch), "")

    def done(self, branch: str, key: str) -> Commit | None:
        """Return the commit that an earlier call with this key put onto the branch."""
        intent = self.git.ref(_key_ref(key))
        if not intent or not self.git.is_ancestor(intent, self.head(branch)):
            return None
        self._settle(branch)
        return self.git.commit(intent)

    def merge(
        self, branch: str, base_sha: str, head_sha: str, message: str, *, squash: bool, key: str
    ) -> Commit:
        """Merge a commit into a branch that still is at ``base_sha``.

        The commit carries the date of what is merged, so that the same call makes the same commit.

        Raises:
            TheirFault: ``base_moved``, ``merge_conflict`` or ``nothing_to_merge``.
        """
        if found := self.done(branch, key):
            return found
        if self.head(branch) != base_sha:
            # The very same call may have run beside us and have arrived since we looked.
            if found := self.done(branch, key):
                return found
            raise _moved(branch, base_sha)
        merged = self._merged(base_sha, head_sha, squash=squash)
        if merged.conflicts:
            raise conflict(
                "merge_conflict", f"{head_sha[:12]} does not merge into {branch}", merged.conflicts
            )
        nothing_new = squash and merged.tree_sha == self.git.tree_of(base_sha)
        if nothing_new or self.git.is_ancestor(head_sha, base_sha):
            raise TheirFault(
                "nothing_to_merge", f"{branch} already holds everything that is in {head_sha[:12]}."
            )
        parents = (base_sha,) if squash else (base_sha, head_sha)
        at = self.git.commit(head_sha).at
        made = self.git.commit_tree(merged.tree_sha, parents, with_key(message, key), at)
        if not self.advance(branch, base_sha, made, key=key):
            raise _moved(branch, base_sha)
        return self.git.commit(made)

    def _merged(self, base_sha: str, head_sha: str, *, squash: bool) -> Merged:
        """Merge in memory; a branch whose files, all of them, are in the other's history has nothing of its own.

        So it is after a way back: a change and its revert on both branches would be at odds with every
        later change of the same lines.
        """
        tree = self.git.tree_of(base_sha)
        if not squash and tree in self.git.trees_between(base_sha, head_sha, _KNOWN_MAX):
            return Merged(self.git.tree_of(head_sha))
        return self.git.merge_tree(base_sha, head_sha)

    def revert(self, branch: str, bad_sha: str, message: str, *, key: str) -> Commit:
        """Undo one commit of a branch, of a merge everything that it brought; an undone one stays undone.

        Raises:
            YourFault: the commit is not on the branch, or is its first.
            TheirFault: ``revert_conflict``, or the branch does not hold still (``base_moved``).
        """
        for _ in range(_REVERT_TRIES_MAX):
            if found := self.done(branch, key):
                return found
            tip = self.git.commit(self.head(branch))
            bad = self.git.commit(bad_sha)
            if not bad.parents or not self.git.is_ancestor(bad.sha, tip.sha):
                raise YourFault(
                    "not_on_branch", f"{bad_sha[:12]} is not a commit on {branch} that can be undone."
                )
            before = self.git.tree_of(bad.parents[0])
            merged = self.git.merge_trees(bad.tree_sha, tip.tree_sha, before)
            if merged.conflicts:
                raise conflict(
                    "revert_conflict", f"later work on {branch} needs {bad_sha[:12]}", merged.conflicts
                )
            if merged.tree_sha == tip.tree_sha:
                return tip
            made = self.git.commit_tree(merged.tree_sha, (tip.sha,), with_key(message, key), tip.at)
            if self.advance(branch, tip.sha, made, key=key):
                return self.git.commit(made)
        raise _moved(branch, bad_sha)

    def advance(self, branch: str, old: str, new: str, *, key: str) -> bool:
        """Move a branch by compare-and-swap; tell whether it is there now.

        Raises:
            TheirFault: somebody moved the branch by hand (``moved_by_hand``).
        """
        if branch in self.protected:
            self._refuse_drift(branch, {old, new})
        self.git.update_ref(_key_ref(key), new, None)
        if not self.git.update_ref(f"refs/heads/{branch}", new, old) and self.head(branch) != new:
            return False
        self._settle(branch)
        return True

    def _settle(self, branch: str) -> None:
        if branch in self.protected:
            self._remember(branch)

    def _remember(self, branch: str) -> None:
        """Carry the memory forward after a move of ours; another of ours may already have done so."""
        name, head = f"refs/keelway/protected/{branch}", self.head(branch)
        kept = self.git.ref(name)
        if kept != head and (not kept or self._ours(kept, head)):
            self.git.update_ref(name, head, kept)

    def _ours(self, kept: str, head: str) -> bool:
        """Tell whether every step from the remembered commit to the head was a move of ours."""
        if not self.git.is_ancestor(kept, head):
            return False
        moves = set(self.git.refs("refs/keelway/keys/").values())
        return head in moves

    def _refuse_drift(self, branch: str, fine: set[str]) -> None:
        name = f"refs/keelway/protected/{branch}"
        kept, head = self.git.ref(name), self.git.ref(f"refs/heads/{branch}")
        if kept in fine or head == kept or self._ours(kept, head):
            return
        where = f"git --git-dir={self.git.git_dir} update-ref"
        raise TheirFault(
            "moved_by_hand",
            f"{branch} is at {head[:12]} but was left at {kept[:12]}: somebody moved it by hand.",
            f"put it back by `{where} refs/heads/{branch} {kept}` or accept it by `{where} {name} {head}`",
        )


def with_key(message: str, key: str) -> str:
    """Return a commit message that ends with the trailer of its key.

    Raises:
        OurFault: the key does not fit on one line.
    """
    if not key or key.splitlines() != [key]:
        raise OurFault("bad_key", f"The key {key!r} must be one line of text.")
    text = message.replace("\0", "").strip()
    last = text.rpartition("\n\n")[2].splitlines()
    in_trailers = "\n\n" in text and all(": " in line and " " not in line.partition(":")[0] for line in last)
    return f"{text}{chr(10) if in_trailers else chr(10) * 2}{KEY_TRAILER}: {key}\n"


def conflict(code: str, what: str, paths: Sequence[str]) -> TheirFault:
    """Return the error that names the paths of a conflict."""
    shown = ", ".join(paths[:20]) + (f" and {len(paths) - 20} more" if len(paths) > 20 else "")  # noqa: PLR2004
    return TheirFault(
        code, f"{what}: conflict in {shown}.", "rebase the patch or have it done again on the new base"
    )


def _moved(branch: str, base_sha: str) -> TheirFault:
    return TheirFault(
        "base_moved", f"{branch} is no longer at {base_sha[:12]}.", "judge again on the new base"
    )


def _key_ref(key: str) -> str:
    return f"refs/keelway/keys/{hashlib.sha256(key.encode()).hexdigest()}"
