"""Bound a ratio or a rate from both sides, so that the bounds hold at every look at once.

A value is kept while a Beta mixture of alternatives has not out-bet it 1/alpha to one; see Howard, Ramdas,
McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences" (2021).
"""

import math
from collections.abc import Callable

from keelway.core.measure.sample import Counts

MIXTURE = 0.5
"""Both parameters of the mixing Beta distribution (Jeffreys' choice)."""

STEPS = 44
LOG_RATIO_MAX = 60.0


def ratio_of(after: Counts, history: Counts) -> float | None:
    """Estimate how many times worse the new rate is, None when the old rate is zero or unknown."""
    if after.rate is None or not history.rate:
        return None
    return after.rate / history.rate


def ratio_interval(after: Counts, history: Counts, alpha: float) -> tuple[float, float | None]:
    """Bound the ratio new rate / old rate; an upper end of None means that the data sets none."""
    if not (after.requests and history.requests):
        return 0.0, None
    hits, old_hits = after.events, history.events
    log_mixture = _log_mixture(hits, old_hits)
    log_size, log_old_size = math.log(after.requests), math.log(history.requests)

    def excess(log_ratio: float) -> float:
        fresh = log_ratio + log_size
        log_whole = max(fresh, log_old_size) + math.log1p(math.exp(-abs(fresh - log_old_size)))
        fit = hits * (fresh - log_whole) + old_hits * (log_old_size - log_whole)
        return log_mixture - fit + math.log(alpha)

    shift = log_old_size - log_size
    centre = shift + (math.log(hits / old_hits) if hits and old_hits else 0.0)
    low, high = 0.0, None
    if hits:
        low = math.exp(_cross(excess, centre if old_hits else shift + LOG_RATIO_MAX, shift - LOG_RATIO_MAX))
    if old_hits:
        high = math.exp(_cross(excess, centre if hits else shift - LOG_RATIO_MAX, shift + LOG_RATIO_MAX))
    return low, high


def rate_interval(counts: Counts, alpha: float) -> tuple[float, float]:
    """Bound a rate: (0, 1) when nothing was counted."""
    hits, misses = counts.events, counts.requests - counts.events
    if not counts.requests:
        return 0.0, 1.0
    log_mixture = _log_mixture(hits, misses)

    def excess(rate: float) -> float:
        fit = (hits * math.log(rate) if hits else 0.0) + (misses * math.log1p(-rate) if misses else 0.0)
        return log_mixture - fit + math.log(alpha)

    centre = hits / counts.requests
    low = _cross(excess, centre, 0.0) if hits else 0.0
    high = _cross(excess, centre, 1.0) if misses else 1.0
    return low, high


def _log_mixture(hits: int, misses: int) -> float:
    """Give log B(a + hits, b + misses) / B(a, b)."""
    return _log_beta(MIXTURE + hits, MIXTURE + misses) - _log_beta(MIXTURE, MIXTURE)


def _log_beta(left: float, right: float) -> float:
    return math.lgamma(left) + math.lgamma(right) - math.lgamma(left + right)


def _cross(excess: Callable[[float], float], inside: float, outside: float) -> float:
    """Bisect from a kept value to a refused one; answers on the refused side, so the bound stays safe."""
    for _ in range(STEPS):
        middle = (inside + outside) / 2
        if excess(middle) < 0:
            inside = middle
        else:
            outside = middle
    return outside
