"""Differences as plumbing output: names, counts, text and added lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from keelway.clients.git.call import GitCall
from keelway.core.errors import TheirFault

_PLAIN = ("-r", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--no-commit-id")
_HUNK = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")

Lines = tuple[tuple[int, str], ...]
"""Lines of one file as (number, text)."""


class Diffs(GitCall):
    """Compare two commits or trees."""

    def diff_raw(self, base: str, head: str) -> bytes:
        """Return modes, objects and statuses of all changed paths, NUL-separated."""
        return self.call("diff-tree", *_PLAIN, "-z", "--raw", "--no-abbrev", base, head).stdout

    def diff_numstat(self, base: str, head: str) -> bytes:
        """Return added and removed lines of all changed paths, NUL-separated."""
        return self.call("diff-tree", *_PLAIN, "-z", "--numstat", base, head).stdout

    def diff_text(self, base: str, head: str) -> str:
        """Return the difference for people; the middle is left out when it is too long."""
        said = self.call("diff-tree", *_PLAIN, "-p", "--stat", base, head, may_truncate=True)
        return said.stdout.decode("utf-8", "replace")

    def changed_lines(self, base: str, head: str) -> tuple[dict[str, Lines], dict[str, Lines]]:
        """Return the added and the removed lines by path, numbered as in the new and in the old file.

        Binary files have no lines.

        Raises:
            TheirFault: the patch is larger than the output bound, or does not fit the raw output.
        """
        raw = self.diff_raw(base, head)
        patch = self.call("diff-tree", *_PLAIN, "-p", "-U0", "--full-index", base, head).stdout
        return read_lines(raw, patch)


def read_lines(raw: bytes, patch: bytes) -> tuple[dict[str, Lines], dict[str, Lines]]:
    """Read the added and the removed lines out of a patch.

    Its sections come in the order of the raw output, so that no path is ever read from patch text.

    Raises:
        TheirFault: the two do not fit each other.
    """
    paths = list(_sections(raw))
    added: dict[str, list[tuple[int, str]]] = {}
    removed: dict[str, list[tuple[int, str]]] = {}
    section = -1
    lines = iter(patch.split(b"\n"))
    for line in lines:
        if line.startswith(b"diff --git "):
            section += 1
        elif hunk := _HUNK.match(line):
            if not 0 <= section < len(paths):
                raise TheirFault("diff_unreadable", "A hunk of the patch belongs to no changed path.")
            path = paths[section]
            _take_hunk(lines, hunk, added.setdefault(path, []), removed.setdefault(path, []))
    if section + 1 != len(paths):
        raise TheirFault("diff_unreadable", "The patch does not have one section for each changed path.")
    return _frozen(added), _frozen(removed)


def _frozen(found: dict[str, list[tuple[int, str]]]) -> dict[str, Lines]:
    return {path: tuple(lines) for path, lines in found.items() if lines}


def _sections(raw: bytes) -> Iterator[str]:
    """Yield the path of each section: a switch of the entry's type shows as removal and addition."""
    parts = raw.split(b"\0")[:-1]
    if len(parts) % 2:
        raise TheirFault("diff_unreadable", "The raw output has an entry without a path.")
    for head, path in zip(parts[::2], parts[1::2], strict=True):
        name = path.decode("utf-8", "surrogateescape")
        yield name
        if head.endswith(b" T"):
            yield name


def _take_hunk(
    lines: Iterator[bytes],
    hunk: re.Match[bytes],
    added: list[tuple[int, str]],
    removed: list[tuple[int, str]],
) -> None:
    """Read exactly the counted lines, so that file content can never pass for a header."""
    old, gone, new, come = (int(part) if part is not None else 1 for part in hunk.groups())
    while gone or come:
        line = next(lines, b"")
        text = line[1:].decode("utf-8", "replace")
        if line.startswith(b"+") and come:
            added.append((new, text))
            new, come = new + 1, come - 1
        elif line.startswith(b"-") and gone:
            removed.append((old, text))
            old, gone = old + 1, gone - 1
        elif not line.startswith(b"\\"):
            raise TheirFault("diff_unreadable", "A hunk of the patch is shorter than it says.")
