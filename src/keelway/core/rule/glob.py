"""Match paths against patterns without being fooled by case, Unicode or look-alike letters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_LOOK_ALIKES = str.maketrans(
    # Cyrillic, Greek and Latin letters beyond ASCII
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0455\u0456\u0458\u04bb\u0501\u051b"
    "\u03b1\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u0131\u0261\u04cf\u0475\u051d"
    # Armenian
    "\u0585\u0578\u057d\u0570\u0581\u0575"
    # Cherokee, which folds to its capitals
    "\u13aa\u13f4\u13df\u13a0\u13ac\u13c0\u13bb\u13ab\u13e6\u13de\u13b7\u13e2\u13a1\u13da\u13a2\u13d9\u13b3\u13c3"
    # Lisu
    "\ua4ee\ua4d0\ua4da\ua4d3\ua4f0\ua4dd\ua4d6\ua4e7\ua4f2\ua4d9\ua4d7\ua4e1\ua4df\ua4e0\ua4f3\ua4d1\ua4e3\ua4e2"
    "\ua4d4\ua4f4\ua4e6\ua4ea\ua4eb\ua4ec\ua4dc",
    "abekmhopctyxsijhdqaeikvoptuxiglvwonuhgjabcdeghjklmprstvwzabcdefghijklmnoprstuvwxyz",
)
"""Small letters of other scripts that read as Latin ones (a part of Unicode TS 39's list)."""

_SCRIPTS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})
"""Scripts whose letters can be taken for one another; others mix freely (UTS 39, 5.2)."""


def fold(path: str) -> str:
    """Return the form in which two paths that a reader or a file system may confuse are equal.

    NFKC and case folding (Unicode chapter 3.13), without invisible format characters, with
    look-alike letters replaced by the Latin ones.
    """
    visible = "".join(char for char in path if unicodedata.category(char) != "Cf")
    plain = unicodedata.normalize("NFKC", visible).casefold()
    return unicodedata.normalize("NFKC", plain).translate(_LOOK_ALIKES)


def mixes_scripts(word: str) -> bool:
    """Tell whether letters of two scripts that can be confused stand in one word."""
    scripts = {unicodedata.name(char, "").split(" ")[0] for char in word if char.isalpha()}
    return len(scripts & _SCRIPTS) > 1


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Tell whether ``path`` fits one of the patterns, both folded.

    ``*`` and ``?`` stay inside a segment, ``**`` crosses segments, a pattern that ends in ``/``
    covers everything below, and a pattern without a slash fits at any depth. A leading ``/`` ties
    a pattern to the root.
    """
    folded = fold(path)
    return any(_compiled(pattern).fullmatch(folded) for pattern in patterns)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    text = fold(pattern)
    anywhere = "/" not in text.rstrip("/")
    body = text.removeprefix("/") + ("**" if text.endswith("/") else "")
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", body)
    words = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    regex = "".join(words.get(part, re.escape(part)) for part in parts)
    return re.compile(("(?:.*/)?" if anywhere else "") + regex, re.DOTALL)
