"""Tell growth from noise: a slope by the medians of pairs, and how sure it is (Theil, Sen; Mann, Kendall)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

POINTS_MIN = 12
"""Points needed before a slope is spoken of."""

Z_MIN = 3.29
"""Standard deviations of Mann and Kendall's count from which growth is sure: one false in two thousand."""

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
    spread = math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    if rises <= Z_MIN * spread:
        return None
    third = max(1, count // 3)
    return Trend(median(slopes), median(value for _, value in points[-third:]))
