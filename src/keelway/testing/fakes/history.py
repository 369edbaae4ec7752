"""Commits in memory: a commit is a mapping of path to text with parents."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from keelway.core.errors import OurFault
from keelway.core.model.diff import MODE_FILE, NO_MODE, Diff, FileDelta

Files = Mapping[str, str]


@dataclass(frozen=True)
class FakeCommit:
    """Hold the files of one commit."""

    sha: str
    tree_sha: str
    parents: tuple[str, ...]
    files: Files
    message: str


class FakeHistory:
    """Keep commits; the same content, parents and message are the same commit."""

    def __init__(self) -> None:
        self._commits: dict[str, FakeCommit] = {}

    def add(self, parents: tuple[str, ...], files: Files, message: str) -> FakeCommit:
        """Record a commit and return it."""
        tree = _digest(dict(sorted(files.items())))
        sha = _digest([tree, parents, message])
        return self._commits.setdefault(sha, FakeCommit(sha, tree, parents, dict(files), message))

    def __getitem__(self, sha: str) -> FakeCommit:
        if sha not in self._commits:
            raise OurFault("no_commit", f"There is no commit {sha}.")
        return self._commits[sha]

    def shas(self) -> tuple[str, ...]:
        """Return the id of every commit."""
        return tuple(self._commits)

    def ancestors(self, sha: str) -> tuple[str, ...]:
        """Return a commit and its whole history, nearest first."""
        found: dict[str, None] = {}
        waiting = [sha]
        while waiting:
            current = waiting.pop(0)
            if current not in found:
                found[current] = None
                waiting.extend(self[current].parents)
        return tuple(found)

    def merge(self, ours: str, theirs: str) -> tuple[dict[str, str], tuple[str, ...]]:
        """Merge two commits over their nearest common ancestor."""
        known = set(self.ancestors(ours))
        base = next((sha for sha in self.ancestors(theirs) if sha in known), "")
        return merge_files(self[base].files if base else {}, self[ours].files, self[theirs].files)

    def diff(self, base_sha: str, head_sha: str) -> Diff:
        """Return the facts of the difference between two commits."""
        old, new = self[base_sha].files, self[head_sha].files
        changed = [path for path in sorted({*old, *new}) if old.get(path) != new.get(path)]
        lines = {path: _changed(old.get(path, ""), new.get(path, "")) for path in changed}
        return Diff(
            base_sha,
            head_sha,
            tuple(_delta(path, old.get(path), new.get(path)) for path in changed),
            {path: added for path, (added, _) in lines.items() if added},
            {path: removed for path, (_, removed) in lines.items() if removed},
        )

    def patch(self, base_sha: str, head_sha: str) -> str:
        """Return the difference as text."""
        old, new = self[base_sha].files, self[head_sha].files
        return "".join(
            "".join(
                difflib.unified_diff(
                    old.get(delta.path, "").splitlines(keepends=True),
                    new.get(delta.path, "").splitlines(keepends=True),
                    f"a/{delta.path}",
                    f"b/{delta.path}",
                )
            )
            for delta in self.diff(base_sha, head_sha).files
        )


def merge_files(base: Files, ours: Files, theirs: Files) -> tuple[dict[str, str], tuple[str, ...]]:
    """Merge by whole files: a path that both sides altered differently is a conflict."""
    merged, conflicts = dict(ours), []
    for path in sorted({*base, *ours, *theirs}):
        was, mine, yours = base.get(path), ours.get(path), theirs.get(path)
        if yours in {was, mine}:
            continue
        if mine != was:
            conflicts.append(path)
        elif yours is None:
            merged.pop(path)
        else:
            merged[path] = yours
    return merged, tuple(conflicts)


def _delta(path: str, old: str | None, new: str | None) -> FileDelta:
    opcodes = difflib.SequenceMatcher(
        None, (old or "").splitlines(), (new or "").splitlines(), autojunk=False
    ).get_opcodes()
    changes = [code for code in opcodes if code[0] != "equal"]
    return FileDelta(
        path,
        "A" if old is None else "D" if new is None else "M",
        NO_MODE if old is None else MODE_FILE,
        NO_MODE if new is None else MODE_FILE,
        added=sum(code[4] - code[3] for code in changes),
        removed=sum(code[2] - code[1] for code in changes),
    )


_Lines = tuple[tuple[int, str], ...]


def _changed(old: str, new: str) -> tuple[_Lines, _Lines]:
    before, after = old.splitlines(), new.splitlines()
    codes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    spans = [code[1:] for code in codes if code[0] != "equal"]
    return (
        tuple((index + 1, after[index]) for _, _, start, end in spans for index in range(start, end)),
        tuple((index + 1, before[index]) for start, end, _, _ in spans for index in range(start, end)),
    )


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:40]
