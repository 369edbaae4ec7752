"""Languages by the ends of file names, and files that nobody of the project wrote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

LANGUAGES = {
    ".py": "Python",
    ".js": "JavaScript",
    ".mjs": "JavaScript",
    ".cjs": "JavaScript",
    ".jsx": "JavaScript",
    ".ts": "TypeScript",
    ".tsx": "TypeScript",
    ".mts": "TypeScript",
    ".go": "Go",
    ".php": "PHP",
    ".rb": "Ruby",
    ".rs": "Rust",
    ".java": "Java",
    ".kt": "Kotlin",
    ".cs": "C#",
    ".c": "C",
    ".cpp": "C++",
    ".sh": "Shell",
    ".sql": "SQL",
    ".html": "HTML",
    ".css": "CSS",
    ".vue": "Vue",
    ".svelte": "Svelte",
}
_FOREIGN = re.compile(
    r"(?:^|/)(?:node_modules|vendor|third_party|dist|build|\.venv|venv|\.git|__pycache__|site-packages|coverage)/"
    r"|\.min\.(?:js|css)$|\.(?:lock|map|snap)$"
)
_FOLDERS_MAX = 24
_PART_MIN = 12
"""A top folder with more files than this is shown one level deeper."""


def language_of(path: str) -> str:
    """Return the language of a file, empty for one that is no code."""
    name = path.rpartition("/")[2]
    return LANGUAGES.get("." + name.rpartition(".")[2].lower(), "") if "." in name else ""


def is_own(path: str) -> bool:
    """Tell whether people of the project write a file, as far as its path says."""
    return not _FOREIGN.search(path)


def languages_of(paths: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Count the files of each language, most first."""
    counted = Counter(language for path in paths if (language := language_of(path)))
    return tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def folders_of(paths: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Count the files below each top folder, and below its parts where there are many."""
    listed = list(paths)
    top = Counter(path.split("/")[0] for path in listed if "/" in path)
    parts = Counter(
        "/".join(path.split("/")[:2])
        for path in listed
        if path.count("/") > 1 and top[path.split("/")[0]] > _PART_MIN
    )
    found = sorted({**parts, **top}.items(), key=lambda item: (-item[1], item[0]))[:_FOLDERS_MAX]
    return tuple(sorted(found))
