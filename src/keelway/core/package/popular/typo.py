"""Whether a package name can be taken for another one that everybody knows.

Distance: optimal string alignment (Damerau 1964, Levenshtein 1966), in which two letters that changed
places count once. Shapes: digits and pairs of letters that read like a letter.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from keelway.core.package.package import Ecosystem

_ONE_CHARS_MIN, _TWO_CHARS_MIN = 5, 10
"""Shorter names are near to each other by chance."""
_SEPARATORS = re.compile(r"[-_./@]+")
_SHAPES = str.maketrans("013457", "oleast")
_PAIRS = (("rn", "m"), ("vv", "w"))


def taken_for(name: str, world: Ecosystem) -> str:
    """Return the well-known package that a name can be taken for, empty when it is one itself or like none."""
    plain, known = plain_name(name, world), popular(world)
    if plain in known:
        return ""
    bare, shape = squeezed(plain), _shape(plain)
    for each in known:
        if squeezed(each) == bare or _shape(each) == shape:
            return each
    limit = _limit(plain)
    return next((each for each in known if distance(plain, each, min(limit, _limit(each))) is not None), "")


def plain_name(name: str, world: Ecosystem) -> str:
    """Return a name as its index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower() if world is Ecosystem.PYPI else name.lower()


@cache
def popular(world: Ecosystem) -> tuple[str, ...]:
    """Return the well-known names of a package world, the best known first."""
    text = files(__package__).joinpath(f"{world.value}.txt").read_text("utf-8")
    return tuple(plain_name(line, world) for line in text.splitlines() if not line.startswith("#"))


def squeezed(name: str) -> str:
    """Return a name without what parts its words, its scope included."""
    return _SEPARATORS.sub("", name)


def distance(left: str, right: str, limit: int) -> int | None:
    """Return how many letters were added, lost, altered or swapped with their neighbour; ``None`` beyond ``limit``."""
    if limit < 1 or abs(len(left) - len(right)) > limit:
        return None
    before: list[int] = []
    row = list(range(len(right) + 1))
    for at, char in enumerate(left, 1):
        fresh = [at]
        for to, other in enumerate(right, 1):
            cost = min(row[to] + 1, fresh[to - 1] + 1, row[to - 1] + (char != other))
            if at > 1 and to > 1 and char == right[to - 2] and left[at - 2] == other:
                cost = min(cost, before[to - 2] + 1)
            fresh.append(cost)
        if min(fresh) > limit:
            return None
        before, row = row, fresh
    return row[-1] if row[-1] <= limit else None


def _limit(name: str) -> int:
    return 2 if len(name) >= _TWO_CHARS_MIN else 1 if len(name) >= _ONE_CHARS_MIN else 0


def _shape(name: str) -> str:
    shape = name.translate(_SHAPES)
    for pair, letter in _PAIRS:
        shape = shape.replace(pair, letter)
    return shape
