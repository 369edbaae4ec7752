"""Read the added lines of a patch: secrets, hidden characters, switched-off checks."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

from keelway.core.model.diff import Diff, FileDelta
from keelway.core.model.verdict import Finding, failed, held, passed
from keelway.core.rule.glob import mixes_scripts
from keelway.core.rule.secrets import find_secrets
from keelway.core.rule.sensitive import is_doc_path

LINE_CHARS_MAX = 5_000
"""A longer added line is generated or hides something; nobody can review it."""
_SHOWN_MAX = 5
_ALLOWED_CONTROLS = frozenset("\t\n\r\f")
_JOINERS = frozenset("\u200c\u200d")
_HIDDEN_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")

_SUPPRESSION = re.compile(
    r"""(?ix)
    \#\s*(?:noqa|ruff:\s*noqa|flake8:\s*noqa|type:\s*ignore|pyright:|mypy:|pylint:\s*disable|nosec|nosemgrep|fmt:\s*(?:off|skip))
    | pragma:\s*no\s*(?:cover|branch)
    | \bpytest\.(?:mark\.)?(?:skip|skipif|xfail|importorskip)\b | \bmark\.(?:skip|skipif|xfail)\b
    | \bunittest\.(?:skip|expectedFailure)\w* | @(?:skip|skipif|skipUnless|expectedFailure)\b | \bself\.skipTest\(
    | \beslint-disable | @ts-(?:ignore|nocheck|expect-error) | \b(?:istanbul|c8|v8)\s+ignore | \bnode:coverage\s+(?:ignore|disable)
    | \b(?:it|test|describe|context)\.(?:skip|todo|only)\b | \bx(?:it|describe|test)\(
    | //\s*nolint | \bt\.Skip(?:f|Now)?\( | \bmarkTest(?:Skipped|Incomplete)\( | @phpstan-ignore | phpcs:(?:ignore|disable) | @psalm-suppress
    | @codeCoverageIgnore | \bfdescribe\( | \b(?:biome|deno-lint|oxlint|stylelint|tslint|prettier|svelte)-(?:ignore|disable) | \btslint:disable
    | @SuppressWarnings | @Suppress\( | \bNOSONAR\b | \#!?\[(?:allow|ignore|expect)\b | \#pragma\s+(?:warning|GCC\s+diagnostic\s+ignored)
    | \brubocop:(?:disable|todo) | :nocov: | \bshellcheck\s+disable | \bhadolint\s+ignore | \bswiftlint:disable | \bktlint-disable
    | \bcoverage:ignore | \#\s*pragma:\s*allowlist | \bgitleaks:allow | \b(?:zizmor|trivy|checkov|tfsec|bandit)\s*:\s*(?:ignore|skip)
    | //go:build\s+ignore | \bsqlfluff:\s*(?:noqa|disable)
    """
)


def judge_added(diff: Diff) -> tuple[Finding, ...]:
    """Judge every added line of ``diff``; lines that the reader did not deliver are a failure."""
    return (
        _all_read(diff),
        _scan(diff, "secret", "Credentials in added lines", find_secrets),
        _scan(
            diff, "hidden_character", "Invisible or reordering characters in added lines", hidden_characters
        ),
        _scan(
            _unmoved(_code_only(diff)),
            "suppression_added",
            "Added lines switch a check off",
            _suppressions,
            lines=_count(diff),
        ),
        _scan(diff, "line_too_long", f"Added lines longer than {LINE_CHARS_MAX} characters", _too_long),
        _mixed_scripts(diff),
    )


def hidden_characters(text: str) -> tuple[str, ...]:
    """Return the names of characters in ``text`` that a reader does not see or sees elsewhere.

    Bidirectional controls, zero-width and tag characters (Unicode TS 36 and TR 39), variation
    selectors beyond the emoji one, control characters, private use and lone surrogates.
    """
    return tuple(dict.fromkeys(_name(char) for at, char in enumerate(text) if is_hidden(text, at, char)))


def is_hidden(text: str, at: int, char: str) -> bool:
    """Tell whether nobody sees the character at a place of a text, or sees it elsewhere."""
    if char.isascii():
        return char not in _ALLOWED_CONTROLS and not char.isprintable()
    if char in _JOINERS:  # needed inside emoji and some scripts, a trick beside ASCII
        before, after = text[at - 1 : at], text[at + 1 : at + 2]
        return before.isascii() or after.isascii()
    selector = "\ufe00" <= char <= "\ufe0e" or "\U000e0100" <= char <= "\U000e01ef"
    return (
        selector
        or char in _HIDDEN_LETTERS
        or unicodedata.category(char) in {"Cf", "Cc", "Cs", "Co", "Zl", "Zp"}
    )


def _name(char: str) -> str:
    return f"U+{ord(char):04X} {unicodedata.name(char, 'unnamed')}"


def _scan(
    diff: Diff, code: str, what: str, find: Callable[[str], Iterable[str]], *, lines: int | None = None
) -> Finding:
    hits = [
        f"{path}:{number} ({', '.join(names)})"
        for path, added in sorted(diff.added_text.items())
        for number, text in added
        if (names := tuple(find(text)))
    ]
    examined = max(1, _count(diff) if lines is None else lines)
    if not hits:
        return passed(f"no_{code}", f"{examined} added line(s) read.", examined=examined)
    more = f" and {len(hits) - _SHOWN_MAX} more" if hits[_SHOWN_MAX:] else ""
    shown = "; ".join(hits[:_SHOWN_MAX])
    return failed(code, f"{what}: {shown}{more}.", examined=examined, count=str(len(hits)))


def _count(diff: Diff) -> int:
    return sum(len(added) for added in diff.added_text.values())


def _code_only(diff: Diff) -> Diff:
    code = {path: added for path, added in diff.added_text.items() if not is_doc_path(path)}
    return replace(diff, added_text=code)


def _unmoved(diff: Diff) -> Diff:
    """Leave out the added lines that the patch only takes from elsewhere, each as often as it was there."""
    there = Counter(text.strip() for lines in diff.removed_text.values() for _, text in lines)
    fresh: dict[str, tuple[tuple[int, str], ...]] = {}
    for path, lines in diff.added_text.items():
        kept = []
        for number, text in lines:
            if there[text.strip()] > 0:
                there[text.strip()] -= 1
            else:
                kept.append((number, text))
        fresh[path] = tuple(kept)
    return replace(diff, added_text=fresh)


def _suppressions(text: str) -> list[str]:
    return [" ".join(found.split()) for found in _SUPPRESSION.findall(text)]


def _too_long(text: str) -> list[str]:
    return [f"{len(text)} characters"] if len(text) > LINE_CHARS_MAX else []


def _all_read(diff: Diff) -> Finding:
    unread = [delta.path for delta in diff.files if _is_unread(delta, diff)]
    if unread:
        return failed(
            "text_unread",
            f"The added lines of {len(unread)} file(s) were not read: {', '.join(unread[:_SHOWN_MAX])}.",
        )
    return passed("text_read", f"{_count(diff)} added line(s) were read.")


def _is_unread(delta: FileDelta, diff: Diff) -> bool:
    return len(diff.added_text.get(delta.path, ())) < delta.added


def _mixed_scripts(diff: Diff) -> Finding:
    for path, added in sorted(diff.added_text.items()):
        for number, text in added:
            word = next(
                (word for word in re.findall(r"\w+", text) if not word.isascii() and mixes_scripts(word)), ""
            )
            if word:
                return held(
                    "mixed_scripts",
                    f"A word at {path}:{number} mixes look-alike scripts: {word!a}.",
                    path=path,
                )
    return passed("one_script", "No added word mixes look-alike scripts.", examined=max(1, _count(diff)))
