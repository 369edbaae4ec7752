"""Names and what they point at: read, compare-and-swap, history."""

from __future__ import annotations

import re

from keelway.clients.git.call import IDENTITY_EMAIL, IDENTITY_NAME, GitCall
from keelway.clients.git.values import ZERO, Commit
from keelway.core.errors import TheirFault

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Refs(GitCall):
    """Read and move refs, read and make commits and tags."""

    def rev_parse(self, name: str) -> str:
        """Return the commit that a name stands for, or an empty string."""
        found = self.text(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", accept=(0, 1, 128)
        )
        return found if _SHA.fullmatch(found) else ""

    def ref(self, name: str) -> str:
        """Return the object that a full ref name holds, or an empty string."""
        found = self.text("show-ref", "--verify", "--hash", "--", name, accept=(0, 1, 128))
        return found if _SHA.fullmatch(found) else ""

    def refs(self, prefix: str) -> dict[str, str]:
        """Return the commits of all refs below a prefix; a tag counts as the commit it names."""
        said = self.text("for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", prefix)
        rows = [line.split(" ") for line in said.splitlines()]
        return {row[0]: row[2] or row[1] for row in rows}

    def valid_ref(self, name: str) -> bool:
        """Tell whether git accepts a full ref name such as ``refs/heads/feature/x``."""
        return name.startswith("refs/") and self.call("check-ref-format", name, accept=(0, 1)).exit_code == 0

    def update_ref(self, name: str, new: str, old: str | None) -> bool:
        """Move a ref if it still is at ``old``; tell whether it was moved.

        An empty ``old`` means that it must not exist yet, None means that it does not matter.
        """
        expected = () if old is None else (old or ZERO,)
        return self._swap(name, old, "update-ref", "--no-deref", name, new, *expected)

    def update_refs(self, moves: list[tuple[str, str, str | None]]) -> bool:
        """Move several refs, all or none; tell whether they were moved.

        Each move is a full name, the new commit (empty to remove it) and the old one, as in ``update_ref``
        but with forty zeros for a ref that must not exist yet.
        """
        lines = [
            f"update {name} {new}{'' if old is None else f' {old}'}"
            if new
            else f"delete {name}{'' if old is None else f' {old}'}"
            for name, new, old in moves
        ]
        text = "\n".join(["start", *lines, "prepare", "commit", ""])
        done = self.call("update-ref", "--no-deref", "--stdin", stdin=text.encode(), accept=(0, 1, 128))
        return done.exit_code == 0

    def has(self, sha: str) -> bool:
        """Tell whether an object is here."""
        return self.call("cat-file", "-e", sha, accept=(0, 1, 128)).exit_code == 0

    def delete_ref(self, name: str, old: str) -> bool:
        """Remove a ref if it still is at ``old``; tell whether it was removed."""
        return self._swap(name, old, "update-ref", "--no-deref", "-d", name, old)

    def _swap(self, name: str, old: str | None, *args: str) -> bool:
        done = self.call(*args, accept=(0, 1, 128))
        if done.exit_code == 0:
            return True
        if old is not None and self.ref(name) != old:
            return False
        raise TheirFault(
            "git_failed", f"{name} was not moved: {done.stderr.decode('utf-8', 'replace').strip()[-500:]}"
        )

    def is_ancestor(self, ancestor: str, sha: str) -> bool:
        """Tell whether one commit is part of the history of another."""
        return self.call("merge-base", "--is-ancestor", ancestor, sha, accept=(0, 1)).exit_code == 0

    def merge_base(self, one: str, other: str) -> str:
        """Return a best common ancestor, or an empty string when the histories are strangers."""
        return self.text("merge-base", one, other, accept=(0, 1)).split("\n")[0]

    def commit(self, sha: str) -> Commit:
        """Return one commit."""
        return self.log(sha, limit=1)[0]

    def log(
        self, sha: str, *, limit: int, exclude: str = "", first_parent: bool = False
    ) -> tuple[Commit, ...]:
        """Return up to ``limit`` commits of a history, newest first, without that of ``exclude``."""
        args = [f"--max-count={limit}", "-z", "--format=%H%n%T%n%P%n%ct%n%B", "--no-show-signature"]
        if first_parent:
            args.append("--first-parent")
        span = [sha, f"^{exclude}"] if exclude else [sha]
        said = self.call("log", *args, "--end-of-options", *span, "--").stdout.decode("utf-8", "replace")
        return tuple(_commit(record) for record in said.split("\0") if record)

    def commit_tree(self, tree_sha: str, parents: tuple[str, ...], message: str, at: int) -> str:
        """Make a commit; the same arguments always give the same commit."""
        parent_args = [word for parent in parents for word in ("-p", parent)]
        when = f"{at} +0000"
        env = {"GIT_AUTHOR_DATE": f"@{when}", "GIT_COMMITTER_DATE": f"@{when}"}
        text = message.replace("\0", "").rstrip("\n") + "\n"
        return self.text("commit-tree", tree_sha, *parent_args, stdin=text.encode(), env=env)

    def tag(self, name: str, sha: str, message: str, at: int) -> bool:
        """Create an annotated tag; tell whether the name was still free."""
        text = message.replace("\0", "").rstrip("\n")
        head = f"object {sha}\ntype commit\ntag {name}\n"
        tagger = f"tagger {IDENTITY_NAME} <{IDENTITY_EMAIL}> {at} +0000\n"
        made = self.text("mktag", stdin=f"{head}{tagger}\n{text}\n".encode())
        return self.update_ref(f"refs/tags/{name}", made, "")


def _commit(record: str) -> Commit:
    sha, tree, parents, at, message = record.split("\n", 4)
    return Commit(sha, tree, tuple(parents.split()), int(at), message)
