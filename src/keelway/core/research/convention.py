"""What people wrote down about how work is done here, how tests lie, and what the code has in common."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from keelway.core.research.facts import Convention, Outline
from keelway.core.research.language import language_of
from keelway.core.rule.sensitive import is_test_path

CONVENTION_FILES = (
    "AGENTS.md",
    "CONTRIBUTING.md",
    ".github/CONTRIBUTING.md",
    "docs/CONTRIBUTING.md",
    "CLAUDE.md",
    "GEMINI.md",
    ".editorconfig",
)
EXCERPT_CHARS_MAX = 2_500
_ALL_CHARS_MAX = 5_000
_TEST = re.compile(r"^test|[._-]test|Test\.")
_FOLDERS_MAX = 6
_FUNCTIONS_MIN = 3


def conventions_of(texts: Mapping[str, str]) -> tuple[Convention, ...]:
    """Quote the beginning of each page of conventions, within one bound for all."""
    found, left = [], _ALL_CHARS_MAX
    for path in CONVENTION_FILES:
        text = texts.get(path, "").strip()[: min(EXCERPT_CHARS_MAX, left)]
        if text:
            found.append(Convention(path, text))
            left -= len(text)
    return tuple(found)


def layout_of_tests(paths: Sequence[str]) -> tuple[str, ...]:
    """Say where tests lie and how their files are called."""
    tests = [path for path in paths if is_test_path(path) and language_of(path)]
    if not tests:
        return ("There are no tests that their paths give away.",)
    folders = Counter(path.rpartition("/")[0] or "." for path in tests)
    lines = [f"{len(tests)} test files, in {len(folders)} folders"]
    lines += [
        f"{folder}: {count}, such as {_example(folder, tests)}"
        for folder, count in sorted(folders.items(), key=lambda item: (-item[1], item[0]))[:_FOLDERS_MAX]
    ]
    return tuple(lines)


def style_of(outlines: Sequence[Outline]) -> tuple[str, ...]:
    """Say what the code that was read has in common, where there is enough of it to say so."""
    lines = []
    for language in sorted({outline.language for outline in outlines}):
        own = [
            outline for outline in outlines if outline.language == language and not is_test_path(outline.path)
        ]
        functions = sum(outline.functions for outline in own)
        lengths = sorted(outline.longest for outline in own if outline.longest)
        said = []
        if functions >= _FUNCTIONS_MIN:
            said.append(
                f"{_share(sum(o.documented for o in own), functions)} of the public functions have a docstring"
            )
            said.append(f"{_share(sum(o.annotated for o in own), functions)} are typed throughout")
        if lengths:
            said.append(f"in half of the files no line is longer than {lengths[len(lengths) // 2]}")
        if said:
            lines.append(f"{language}: {', '.join(said)}")
    return tuple(lines)


def _example(folder: str, tests: Sequence[str]) -> str:
    names = [path.rpartition("/")[2] for path in tests if (path.rpartition("/")[0] or ".") == folder]
    return min(names, key=lambda name: (not _TEST.search(name), name))


def _share(part: int, whole: int) -> str:
    return f"{part * 100 // whole} %"
