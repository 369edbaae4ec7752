"""Read a CODEOWNERS file as GitHub and GitLab do: whose yes a path needs.

Within a section the last line that matches wins; every section is asked for its owners, optional
ones are not. Where the two forges read a line differently, or a path is another line's in a spelling
that a reader takes for it, the owners by every reading are named: one person too many is asked rather
than one too few. What neither understands grants nothing and takes nothing away: ``!`` exclusions and lines whose owners are none leave the owners before them.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product

from keelway.core.errors import YourFault
from keelway.core.rule.glob import fold

CODEOWNERS_PATHS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Where forges look for the file; the first that exists counts."""

CHARS_MAX = 1_000_000
LINES_MAX = 20_000

_SECTION = re.compile(r"(\^?)\[([^\[\]]+)\](?:\[\d+\])?(?=\s|$)")
_OWNER = re.compile(r"@{1,2}[\w.-]+(?:/[\w.-]+)*|[\w.+'-]+@[\w-]+(?:\.[\w-]+)+")


@dataclass(frozen=True)
class _Rule:
    pattern: str
    owners: tuple[str, ...]


@dataclass
class _Section:
    defaults: tuple[str, ...] = ()
    optional: bool = False
    rules: list[_Rule] = field(default_factory=list)


def codeowners_path(files: Collection[str]) -> str:
    """Return which of the files of a commit is its CODEOWNERS, empty when there is none."""
    return next((path for path in CODEOWNERS_PATHS if path in files), "")


def owners_of(paths: Iterable[str], text: str) -> dict[str, tuple[str, ...]]:
    """Return the owners of each path that has some, by the text of a CODEOWNERS file.

    Args:
        paths: every path of the final diff, removed and added ones alike.
        text: the file as the protected base commit has it, never as the change has it.

    Raises:
        YourFault: the text is larger than any forge reads, so nobody's ownership can be relied on.
    """
    sections = [section for section in _sections(text) if not section.optional]
    found = {path: _owners(path, sections) for path in sorted(set(paths))}
    return {path: owners for path, owners in found.items() if owners}


def _owners(path: str, sections: list[_Section]) -> tuple[str, ...]:
    """Collect the owners of a path by every section and by both readings of a pattern."""
    owners: dict[str, None] = {}
    for section in sections:
        for floating, folded in product((False, True), repeat=2):
            parts = (fold(path) if folded else path).split("/")
            last = next(
                (
                    rule
                    for rule in reversed(section.rules)
                    if _matches(_segments(rule.pattern, floating, folded), parts)
                ),
                None,
            )
            owners.update(dict.fromkeys(last.owners if last else ()))
    return tuple(owners)


def _sections(text: str) -> list[_Section]:
    lines = text.split("\n")
    if len(text) > CHARS_MAX or len(lines) > LINES_MAX:
        raise YourFault(
            "codeowners_too_large",
            f"CODEOWNERS has {len(text):,} characters in {len(lines):,} lines; {CHARS_MAX:,} and {LINES_MAX:,} are read.",
            "shorten CODEOWNERS on the base branch",
        )
    current = _Section()
    by_name = {"": current}
    for raw in lines:
        line = raw.strip()
        if not line or line.startswith(("#", "!")):
            continue
        if head := _SECTION.match(line):
            current = by_name.setdefault(head[2].strip().casefold(), _Section(optional=bool(head[1])))
            current.optional = current.optional and bool(head[1])
            current.defaults = _named(line[head.end() :].split()) or current.defaults
        elif rule := _rule(line, current):
            current.rules.append(rule)
    return list(by_name.values())


def _rule(line: str, section: _Section) -> _Rule | None:
    """Read one line; ``None`` when it names something, and nothing of it is an owner."""
    pattern, *words = re.split(r"(?<!\\)\s+", line)
    words = words[: next((at for at, word in enumerate(words) if word.startswith("#")), len(words))]
    owners = _named(words)
    if words and not owners:
        return None
    return _Rule(re.sub(r"\\(.)", r"\1", pattern), owners if words else section.defaults)


def _named(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in words if _OWNER.fullmatch(word)))


@lru_cache(maxsize=4096)
def _segments(pattern: str, floating: bool, folded: bool) -> tuple[str, ...]:
    """Return the segments of a pattern; one without a leading slash may begin anywhere when it is ``floating``."""
    inner = (fold(pattern) if folded else pattern).strip("/")
    anywhere = not pattern.startswith("/") and (floating or "/" not in inner)
    segments = tuple(part for part in inner.split("/") if part)
    if not segments:
        segments = ("**",)
    elif pattern.endswith("/"):
        segments = (*segments, "**")
    return ("**", *segments) if anywhere else segments


def _matches(pattern: tuple[str, ...], path: list[str]) -> bool:
    """Match segment by segment; what is below a match is covered too, but not below a last ``*``."""
    deep = pattern[-1] not in {"*", "**"}
    reached = {0}
    for part in path:
        ahead: set[int] = set()
        for at in _skipping(reached, pattern):
            if at == len(pattern):
                ahead |= {at} if deep else set()
            elif pattern[at] == "**":
                ahead.add(at)
            elif _fits(part, pattern[at]):
                ahead.add(at + 1)
        reached = ahead
    ends = _skipping(reached, pattern) if pattern[-1] == "**" else reached
    return len(pattern) in ends


def _skipping(reached: set[int], pattern: tuple[str, ...]) -> set[int]:
    """Add the places after each ``**``, which may stand for nothing."""
    found = set(reached)
    for at, part in enumerate(pattern):
        if at in found and part == "**":
            found.add(at + 1)
    return found


def _fits(part: str, pattern: str) -> bool:
    return _segment(pattern).fullmatch(part) is not None


@lru_cache(maxsize=4096)
def _segment(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))
