"""Notice that users are turned away: sent elsewhere or refused, where the release before served them.

An answer of 3xx or 4xx is no failure by itself: it is often right. A release that gives it to users whom the
release before served is broken all the same. What was not served before, whatever the reason, is the yardstick, so
that a fix which refuses what used to fail with 500 is no harm.
"""

from __future__ import annotations

from keelway.core.measure.interval import rate_interval
from keelway.core.measure.sample import Counts
from keelway.core.observe.sight import Answers

ALPHA = 0.001
"""Accepted chance that one of the two shares lies outside its bounds, over all looks."""

DOUBT_SHARE_MIN = 0.1
"""Growth of the share that asks a person."""


def turned_away(before: Answers, after: Answers) -> float:
    """Give the least by which the share of users who are turned away has surely grown; 0 for not at all."""
    unserved = Counts(before.requests, before.requests - before.served)
    away = Counts(after.requests, after.redirected + after.refused)
    _, before_high = rate_interval(unserved, ALPHA)
    after_low, _ = rate_interval(away, ALPHA)
    return max(0.0, after_low - before_high)


def turned_away_sentence(before: Answers, after: Answers) -> str:
    """Say how many are turned away, and how many were."""
    return (
        f"Users are turned away: of {after.requests} requests {after.redirected} were sent elsewhere (3xx) and "
        f"{after.refused} refused (4xx), before it were {before.redirected} and {before.refused} "
        f"of {before.requests}."
    )
