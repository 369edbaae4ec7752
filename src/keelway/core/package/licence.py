"""Licences as indexes state them, brought to SPDX where that is safe, and held against what is allowed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

_CLASSIFIERS = {
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "BSD License": "BSD",
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "zlib/libpng License": "Zlib",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL",
}
_SAID = {
    "mit license": "MIT",
    "the mit license": "MIT",
    "expat": "MIT",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "bsd license": "BSD",
    "new bsd": "BSD-3-Clause",
    "new bsd license": "BSD-3-Clause",
    "modified bsd license": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd-3": "BSD-3-Clause",
    "3-clause bsd": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd 2-clause": "BSD-2-Clause",
    "simplified bsd": "BSD-2-Clause",
    "isc license": "ISC",
    "mpl 2.0": "MPL-2.0",
    "psf": "PSF-2.0",
    "psfl": "PSF-2.0",
    "unlicense": "Unlicense",
    "public domain": "Unlicense",
}
_WORD = re.compile(r"\(|\)|[^\s()]+")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{1,60}")
_CHARS_MAX = 100
_JOINERS = frozenset({"AND", "OR", "WITH"})


def licence_of(expression: str, said: str, classifiers: Iterable[str] = ()) -> str:
    """Return the licence of a package, empty when nothing that is stated can be read as one.

    Args:
        expression: an SPDX expression, when the index has one.
        said: a free text, which may be a whole licence.
        classifiers: trove classifiers such as ``License :: OSI Approved :: MIT License``.
    """
    if expression.strip():
        return " ".join(expression.split())[:_CHARS_MAX]
    found = [_CLASSIFIERS.get(each.rpartition(" :: ")[2], "") for each in classifiers if _is_licence(each)]
    if found and all(found):
        return " OR ".join(dict.fromkeys(found)) if len(found) == 1 else " AND ".join(dict.fromkeys(found))
    short = " ".join(said.split())
    if len(short) > _CHARS_MAX:
        return ""
    return _SAID.get(short.lower(), short if _reads(short) else "")


def is_allowed(licence: str, allowed: Collection[str]) -> bool:
    """Tell whether a licence expression can be kept with allowed licences alone.

    Of alternatives one is enough, of licences that hold together all are needed; an exception
    (``WITH``) only ever allows more. What cannot be read is not allowed.
    """
    words = _WORD.findall(licence)
    known = {name.casefold() for name in allowed}
    reader = _Reader(words, known)
    return reader.either() and reader.at == len(words) and not reader.broken


class _Reader:
    """Read an expression from left to right, to its first fault."""

    def __init__(self, words: list[str], allowed: Collection[str]) -> None:
        self.words, self.allowed, self.at = words, allowed, 0
        self.broken = False

    def either(self) -> bool:
        """Read alternatives."""
        good = self.all()
        while self._take("OR"):
            good = self.all() or good
        return good

    def all(self) -> bool:
        """Read licences that hold together."""
        good = self.one()
        while self._take("AND"):
            good = self.one() and good
        return good

    def one(self) -> bool:
        """Read one licence, or an expression in brackets."""
        if self._take("("):
            good = self.either()
            self.broken |= not self._take(")")
            return good
        word = self.words[self.at] if self.at < len(self.words) else ""
        if not _ID.fullmatch(word) or word.upper() in _JOINERS:
            self.broken = True
            return False
        self.at += 1
        if self._take("WITH"):
            self.at += 1
        return word.casefold() in self.allowed

    def _take(self, word: str) -> bool:
        if self.at < len(self.words) and self.words[self.at].upper() == word:
            self.at += 1
            return True
        return False


def _is_licence(classifier: str) -> bool:
    return classifier.startswith("License :: ") and classifier != "License :: OSI Approved"


def _reads(text: str) -> bool:
    words = [word for word in _WORD.findall(text) if word not in "()"]
    return bool(len(words) % 2) and all(
        (word.upper() in _JOINERS) == bool(number % 2) and _ID.fullmatch(word)
        for number, word in enumerate(words)
    )
