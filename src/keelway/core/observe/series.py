"""Weigh each route and each queue by itself, and spend on all of them together one half of the stake on errors.

A fault of one route drowns in the traffic of the others. Each series gets the bet of the whole; the mean of their
e-values is an e-value again, so that the chance of a false alarm stays what it was, however many there are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from keelway.core.measure.eprocess import Bet, log_e_value, log_sum_exp, plan_cuts
from keelway.core.measure.sample import Counts, Track, total
from keelway.core.measure.verdict import Parts


@dataclass(frozen=True)
class Series:
    """Hold what one route or one queue did before and after a deploy, one entry a look."""

    name: str
    before: Counts
    after: tuple[Counts, ...]
    offsets_seconds: tuple[float, ...]
    """When each entry began, from the first one on."""
    phi: float = 1.0


def weigh_series(series: Sequence[Series], window_seconds: float, tolerance_ratio: float) -> Parts | None:
    """Bet on every series that has a past and was asked since; None when there is none."""
    known = [one for one in series if one.before.requests and total(one.after).requests]
    if not known:
        return None
    found = [(_log_e(one, window_seconds, tolerance_ratio), one) for one in known]
    _, worst = max(found, key=lambda pair: pair[0])
    log_mean = log_sum_exp([log_e for log_e, _ in found]) - math.log(len(found))
    return Parts(log_mean, _figures(worst))


def _log_e(one: Series, window_seconds: float, tolerance_ratio: float) -> float:
    cuts = plan_cuts(one.offsets_seconds, window_seconds)
    return log_e_value(one.before, Track.of(one.after), cuts, Bet(tolerance_ratio, one.phi))


def _figures(worst: Series) -> str:
    """Say how a series did before and after."""
    after, before = total(worst.after), worst.before
    return (
        f"{worst.name}: {after.events} of {after.requests} failed, "
        f"before it were {before.events} of {before.requests}"
    )
