"""The compact identity of how something is done, so that what failed is recognised when it comes again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from keelway.core.codec import digest
from keelway.core.lesson.terms import terms
from keelway.core.model.diff import Diff, FileDelta
from keelway.core.model.plan import Plan

FILES_MAX = 50
WORDS_MAX = 60
ALIKE_MIN = 0.8
"""The share of words and files that two plans have in common when they are one way of doing it."""


@dataclass(frozen=True)
class Strategy:
    """Identify a way of doing something by its files, its kind and its words; of a patch also by what it adds."""

    kind: str
    files: tuple[str, ...]
    words: tuple[str, ...]
    content: str = ""
    """Digest of the lines that a patch adds and of its deletions; empty for a plan, and when they are not all known."""


def strategy_of(plan: Plan, diff: Diff | None = None) -> Strategy:
    """Return the identity of a plan, or of one patch that carries it out."""
    words = [word for word in terms(f"{plan.title}\n{plan.approach}") if not word.isdigit()]
    paths = plan.files if diff is None else diff.paths
    return Strategy(
        plan.kind.value,
        tuple(sorted(paths)[:FILES_MAX]),
        tuple(sorted(words[:WORDS_MAX])),
        "" if diff is None else _content(diff),
    )


def is_repeat(strategy: Strategy, failed: Iterable[Strategy]) -> bool:
    """Tell whether this is one of the ways that failed.

    A patch is another's repetition only when it adds exactly the same lines to the same files; a plan is when its
    kind is the same and its files and words nearly are. A plan and a patch are never the same.
    """
    return any(_same(strategy, other) for other in failed)


def _same(one: Strategy, other: Strategy) -> bool:
    if one.kind != other.kind or bool(one.content) != bool(other.content):
        return False
    if one.content:
        return (one.files, one.content) == (other.files, other.content)
    return _alike(one.files, other.files) and _alike(one.words, other.words)


def _alike(one: Collection[str], other: Collection[str]) -> bool:
    every = set(one) | set(other)
    return not every or len(set(one) & set(other)) / len(every) >= ALIKE_MIN


def _content(diff: Diff) -> str:
    if not diff.files or not all(_is_known(delta, diff) for delta in diff.files):
        return ""
    return digest([_of_file(delta, diff) for delta in sorted(diff.files, key=lambda delta: delta.path)])


def _is_known(delta: FileDelta, diff: Diff) -> bool:
    """Tell whether the added lines say what the change is: a cut, a binary file or lines only taken out do not."""
    if delta.status == "D":
        return True
    added = len(diff.added_text.get(delta.path, ()))
    return not delta.binary and added == delta.added and (added > 0 or delta.removed == 0)


def _of_file(delta: FileDelta, diff: Diff) -> tuple[str, str, str, int, list[str]]:
    lines = [text.rstrip() for _, text in diff.added_text.get(delta.path, ())]
    return delta.path, delta.status, delta.new_mode, delta.removed, [text for text in lines if text]
