"""Find files whose real content is elsewhere: pointers of large-file stores, which nobody can review."""

from __future__ import annotations

import re

from keelway.core.model.diff import Diff
from keelway.core.model.verdict import Finding, failed, passed

_HEAD = re.compile(r"version https?://(?:git-lfs\.github\.com|hawser\.github\.com|git-media\.io)/")
_NAMED = re.compile(r"oid sha256:[0-9a-f]{64}")
_ANNEX = re.compile(r"/annex/objects/\S+|\.git/annex/objects/\S+")
_LINES_MAX = 20
"""A pointer is short, and what names the content stands at its top."""


def judge_pointers(diff: Diff) -> Finding:
    """Refuse pointers to content that is not in the commit, as binary files are refused."""
    pointers = sorted(path for path, lines in diff.added_text.items() if _points(lines))
    if pointers:
        return failed(
            "lfs_pointer",
            f"{len(pointers)} file(s) are pointers to content that nobody sees: {', '.join(pointers[:5])}.",
            examined=len(diff.files),
            paths=", ".join(pointers[:10]),
        )
    return passed("no_lfs_pointer", "No pointer to content elsewhere.", examined=len(diff.files))


def _points(lines: tuple[tuple[int, str], ...]) -> bool:
    top = [(number, text.strip()) for number, text in lines if number <= _LINES_MAX]
    return any(
        (number == 1 and (_HEAD.match(text) or _ANNEX.fullmatch(text))) or _NAMED.fullmatch(text)
        for number, text in top
    )
