"""Tell growth from noise: a slope by the medians of pairs, and how sure it is (Theil, Sen; Mann, Kendall)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import fmean, median

POINTS_MIN = 12
"""Points needed before a slope is spoken of."""

Z_MIN = 4.5
"""Standard deviations of Mann and Kendall's count from which growth is sure.

One look in 300,000 takes noise for growth; a release is looked at again and again, which adds up.
"""

ECHO_MAX = 0.5
"""Most that a value is taken to resemble the one before it: more cannot be told from growth itself."""

_DIGITS = 6
"""Decimals that are kept: what is left of a straight line is nothing but rounding."""

_CHANCE = 1.645
"""Standard deviations of the resemblance of neighbours below which it counts as none: one false in twenty."""

Point = tuple[float, float]
"""Seconds and value."""


@dataclass(frozen=True)
class Trend:
    """State how fast something grows."""

    per_second: float
    last: float
    """Value at the end, smoothed."""

    def seconds_to(self, limit: float) -> float:
        """Return when the limit is reached at this pace; infinite when it is not."""
        if self.last >= limit:
            return 0.0
        return (limit - self.last) / self.per_second if self.per_second > 0 else math.inf


def trend_of(points: Sequence[Point]) -> Trend | None:
    """Return how something grows, None when it does not, or when it cannot be told from noise."""
    if len(points) < POINTS_MIN:
        return None
    slopes = [(b - a) / (t - s) for (s, a), (t, b) in combinations(points, 2) if t > s]
    rises = sum((slope > 0) - (slope < 0) for slope in slopes)
    count = len(points)
    sure = Z_MIN * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    if rises <= sure:
        return None
    slope = median(slopes)
    echo = _echo([value - slope * at for at, value in points])
    if rises <= sure * math.sqrt((1 + echo) / (1 - echo)):
        return None
    third = max(1, count // 3)
    return Trend(slope, median(value for _, value in points[-third:]))


def _echo(rest: Sequence[float]) -> float:
    """Return how much of a value the next one repeats, 0 when that may be chance.

    What wanders by itself looks like growth for a while: its looks count for fewer (Yue and Wang, 2004).
    """
    middle = fmean(rest)
    swings = [round(value - middle, _DIGITS) for value in rest]
    total = sum(swing * swing for swing in swings)
    if not total:
        return 0.0
    echo = sum(one * following for one, following in pairwise(swings)) / total
    return min(ECHO_MAX, echo) if echo > _CHANCE / math.sqrt(len(rest)) else 0.0
