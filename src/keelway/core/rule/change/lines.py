"""Give the changed lines of code in an order that rules can read, and tell moved lines from new ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from keelway.core.model.diff import Diff
from keelway.core.model.verdict import Finding, held, passed
from keelway.core.rule.sensitive import is_doc_path, is_test_path

CHARS_MAX = 300_000
"""So much changed code is read, some thousand lines; of more than that a person is told that nobody read it."""
SHOWN_MAX = 5

_COMMENT = re.compile(r"\s*(?:#|//|/?\*|--|<!--)")


@dataclass(frozen=True)
class Line:
    """Name one changed line."""

    path: str
    number: int
    text: str
    """What it says, spacing apart, so that a moved line is known again and no pattern meets a run of spaces."""

    @property
    def place(self) -> str:
        """Return where it stands."""
        return f"{self.path}:{self.number}"


@dataclass(frozen=True)
class Changed:
    """Hold the changed lines of code: no tests, no prose, no comments, no blank lines."""

    added: tuple[Line, ...]
    removed: tuple[Line, ...]
    gone: frozenset[str] = frozenset()
    """Paths that the patch removes altogether."""
    unread: int = 0
    """Lines that were too many to be read."""

    @property
    def count(self) -> int:
        """Return how many lines there are to be examined."""
        return len(self.added) + len(self.removed)

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the paths with changed lines of code, sorted."""
        return tuple(sorted({line.path for line in (*self.added, *self.removed)}))


def changed_code(diff: Diff) -> Changed:
    """Return the changed lines of code of a patch."""
    gone = frozenset(delta.path for delta in diff.files if delta.status == "D")
    added, removed = _code(diff.added_text), _code(diff.removed_text)
    if sum(len(line.text) for line in (*added, *removed)) > CHARS_MAX:
        return Changed((), (), gone, unread=len(added) + len(removed))
    return Changed(added, removed, gone)


def _code(text: dict[str, tuple[tuple[int, str], ...]]) -> tuple[Line, ...]:
    return tuple(
        Line(path, number, " ".join(line.split()))
        for path, lines in sorted(text.items())
        if not is_test_path(path) and not is_doc_path(path)
        for number, line in lines
        if line.strip() and not _COMMENT.match(line)
    )


def judge_read(changed: Changed) -> Finding:
    """Ask a person about more code than the rules read."""
    if changed.unread:
        return held(
            "change_unread",
            f"{changed.unread} changed line(s) of code are more than these rules read; nothing is known of them.",
        )
    return passed("change_read", f"{changed.count} changed line(s) of code read.")


def unmoved(lines: Iterable[Line], others: Iterable[Line]) -> tuple[Line, ...]:
    """Return the lines that the others do not hold as well, each as often as there is one too many."""
    there = Counter(line.text for line in others)
    left = []
    for line in lines:
        if there[line.text] > 0:
            there[line.text] -= 1
        else:
            left.append(line)
    return tuple(left)


def following(lines: tuple[Line, ...], at: int) -> Line | None:
    """Return the line that comes directly after another one, comments and blank lines left out."""
    after = lines[at + 1] if at + 1 < len(lines) else None
    return after if after and after.path == lines[at].path else None


def asked(code: str, what: str, lines: Iterable[Line], changed: Changed) -> Finding:
    """Return the finding of one rule: a person is asked when there are lines that it is about."""
    examined, found = max(1, changed.count), list(lines)
    if not found:
        return passed(f"no_{code}", f"{changed.count} changed line(s) of code read.", examined=examined)
    more = f" and {len(found) - SHOWN_MAX} more" if found[SHOWN_MAX:] else ""
    places = ", ".join(line.place for line in found[:SHOWN_MAX])
    return held(code, f"{what}: {places}{more}.", examined=examined, count=str(len(found)))
