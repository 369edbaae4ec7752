"""Hold the plain limits people set by hand, each with a guard against deciding on chance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from keelway.core.measure.health import ProbeTick, by_probe, worst_run
from keelway.core.measure.sample import Counts, Tick
from keelway.core.measure.verdict import Code, Reason, VerdictSettings

RATIO_LIMIT_E_MIN = 10.0
"""Evidence that the ratio limit needs beside its count."""

BURST_SIGMAS = 5.0
"""Standard deviations above the expected errors that count as a burst."""

HISTORY_SHARE_MAX = 0.5
"""The rate limit decides only where the history itself stays below this share of the limit."""


@dataclass(frozen=True, slots=True)
class Burst:
    """Hold the worst stretch of a burst window: its errors and how many the history let expect."""

    errors: int
    allowed: float


def divergence(rate: float, limit: float) -> float:
    """Give the Kullback-Leibler divergence of two coins in nats (0 log 0 is 0)."""
    hit = rate * math.log(rate / limit) if rate else 0.0
    miss = (1 - rate) * math.log((1 - rate) / (1 - limit)) if rate < 1 else 0.0
    return hit + miss


def rate_limit(history: Counts, after: Counts, settings: VerdictSettings) -> Reason | None:
    """Roll back when the error rate is above the limit beyond doubt (Chernoff bound), unless it was near it before."""
    limit = settings.error_rate_max
    rate = after.rate
    if rate is None or after.events < settings.errors_min or rate <= limit:
        return None
    if (history.rate or 0.0) >= limit * HISTORY_SHARE_MAX:
        return None
    if after.requests * divergence(rate, limit) <= -math.log(settings.limit_alpha):
        return None
    return Reason(
        Code.RATE_LIMIT,
        f"{after.events} of {after.requests} requests failed ({rate:.2%}), above the limit of {limit:.2%}.",
    )


def ratio_limit(history: Counts, after: Counts, e_value: float, settings: VerdictSettings) -> Reason | None:
    """Roll back when the error rate rose by more than the allowed share and the evidence agrees."""
    before, now = history.rate, after.rate
    if before is None or now is None or after.events < settings.errors_min:
        return None
    if now <= before * (1 + settings.error_rate_relative_max) or e_value < RATIO_LIMIT_E_MIN:
        return None
    return Reason(
        Code.RATIO_LIMIT,
        f"The error rate rose from {before:.2%} to {now:.2%}, more than the allowed "
        f"+{settings.error_rate_relative_max:.0%} (evidence {min(e_value, 1e6):.3g} to 1).",
    )


def burst_limit(
    history: Counts, after: Sequence[Tick], phi: float, settings: VerdictSettings
) -> Reason | None:
    """Roll back when one burst window held more errors than max(limit, expected + 5 standard deviations).

    The deviation is sqrt(phi x expected), so a noisy history widens it. Without a history nothing can be
    expected and only new fingerprints count.
    """
    rate = history.rate
    if rate is None:
        return None
    worst: Burst | None = None
    for requests, errors in _stretches(after, settings.burst_window_seconds):
        expected = rate * requests
        allowed = max(settings.burst_errors_max, expected + BURST_SIGMAS * math.sqrt(phi * expected))
        if errors > allowed and (worst is None or errors - allowed > worst.errors - worst.allowed):
            worst = Burst(errors, allowed)
    if worst is None:
        return None
    return Reason(
        Code.BURST_LIMIT,
        f"{worst.errors} errors within {settings.burst_window_seconds:.0f} s, where at most {worst.allowed:.0f} were to be expected.",
    )


def new_error_limit(after: Sequence[Tick], settings: VerdictSettings) -> Reason | None:
    """Roll back when errors never seen before the deploy exceed the plain burst limit."""
    starts = [tick.at for tick in after]
    worst, oldest, inside = 0, 0, 0
    span = timedelta(seconds=settings.burst_window_seconds)
    for index, tick in enumerate(after):
        inside += tick.new_errors
        while starts[index] - starts[oldest] >= span:
            inside -= after[oldest].new_errors
            oldest += 1
        worst = max(worst, inside)
    if worst <= settings.burst_errors_max:
        return None
    return Reason(
        Code.NEW_ERROR_BURST,
        f"{worst} errors of a kind not seen before the deploy within {settings.burst_window_seconds:.0f} s; "
        f"the limit is {settings.burst_errors_max}.",
    )


def probe_limit(probes: Sequence[ProbeTick], settings: VerdictSettings) -> Reason | None:
    """Roll back when any probe failed too often in a row; this needs no statistics."""
    runs = {name: worst_run(row) for name, row in by_probe(probes).items()}
    name = max(runs, key=lambda name: runs[name], default=None)
    if name is None or runs[name] < settings.probe_failures_max:
        return None
    return Reason(
        Code.PROBE_FAILED,
        f"Probe {name} failed {runs[name]} times in a row; {settings.probe_failures_max} are enough to roll back.",
    )


def _stretches(after: Sequence[Tick], window_seconds: float) -> list[tuple[int, int]]:
    """Sum (requests, errors) over the burst window that ends with each tick."""
    span = timedelta(seconds=window_seconds)
    found: list[tuple[int, int]] = []
    oldest = requests = errors = 0
    for tick in after:
        requests += tick.requests
        errors += tick.errors
        while tick.at - after[oldest].at >= span:
            requests -= after[oldest].requests
            errors -= after[oldest].errors
            oldest += 1
        found.append((requests, errors))
    return found
