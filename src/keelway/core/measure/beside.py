"""Judge a release by what it does beside the old one at the same time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from keelway.core.measure.canary import canary_log_e_value
from keelway.core.measure.eprocess import Bet, log_e_value, overdispersion, plan_cuts
from keelway.core.measure.health import Health, ProbeTick, health
from keelway.core.measure.limits import probe_limit, rate_limit, ratio_limit
from keelway.core.measure.sample import (
    Counts,
    Tick,
    Track,
    errors_of,
    in_order,
    slow_beyond_stalls,
    slow_of,
    total,
)
from keelway.core.measure.verdict import Code, Decision, Reason, VerdictSettings

_LOG_E_MAX = 690.0
_APART_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Beside:
    """Answer for one look at two releases that serve at the same time."""

    decision: Decision
    reasons: tuple[Reason, ...]
    requests: int
    errors: int
    control_requests: int
    control_errors: int
    e_value: float
    """Evidence that the new release fails more often than the old one beside it."""


def judge_beside(
    history: Sequence[Tick],
    control: Sequence[Tick],
    canary: Sequence[Tick],
    probes: Sequence[ProbeTick],
    settings: VerdictSettings,
    watched_seconds: tuple[float, float],
) -> Beside:
    """Judge a release with a share of the traffic; ``PASS`` means that nothing speaks against a greater share.

    Errors are compared with the old release in the same intervals, slowness with the time before, because what is
    slow is measured there. Whether the release may stay is judged later, on the whole traffic.

    Args:
        history: the environment before the deploy.
        control: the old release since the new one has a share.
        canary: the new release since then.
        probes: all answers since then.
        settings: limits; ``window_seconds`` is the time over which all shares together are watched.
        watched_seconds: since the first share, and of this share; the latter 0 while it is not over.
    """
    new, old = in_order(canary), in_order(control)
    ours, theirs = total(errors_of(new)), total(errors_of(old))
    ticks_in_window = max(1, math.ceil(settings.window_seconds / settings.tick_seconds))
    log_e = canary_log_e_value(_pairs(new, old), ticks_in_window, settings.tolerance_ratio)
    e_value = math.exp(min(log_e, _LOG_E_MAX))
    broken = (
        probe_limit(probes, settings),
        _worse(ours, theirs, log_e, settings),
        _slower(in_order(history), new, settings),
        rate_limit(theirs, ours, settings),
        ratio_limit(theirs, ours, e_value, settings),
    )
    reasons = tuple(reason for reason in broken if reason is not None)
    since_first, share_over = watched_seconds
    decision = Decision.ROLLBACK if reasons else Decision.WATCH
    if not reasons and share_over:
        reasons = _doubts(new, probes, settings, since_first)
        decision = Decision.INCONCLUSIVE if reasons else Decision.PASS
    return Beside(decision, reasons, ours.requests, ours.events, theirs.requests, theirs.events, e_value)


def _pairs(new: Sequence[Tick], old: Sequence[Tick]) -> list[tuple[Counts, Counts]]:
    """Bring intervals of the same time together; one that only one side has tells nothing."""
    found: list[tuple[Counts, Counts]] = []
    left = list(old)
    for tick in new:
        apart = tick.seconds * _APART_SHARE
        other = next((one for one in left if abs((one.at - tick.at).total_seconds()) < apart), None)
        if other is not None:
            left.remove(other)
            found.append((Counts(tick.requests, tick.errors), Counts(other.requests, other.errors)))
    return found


def _worse(ours: Counts, theirs: Counts, log_e: float, settings: VerdictSettings) -> Reason | None:
    if log_e < math.log(2.0 / settings.alpha):
        return None
    return Reason(
        Code.ERRORS_WORSE,
        f"{ours.events} of {ours.requests} requests failed, beside it the old release failed {theirs.events} of "
        f"{theirs.requests}; the evidence is {math.exp(min(log_e, _LOG_E_MAX)):.3g} to 1, "
        f"{2 / settings.alpha:.0f} to 1 rolls back.",
    )


def _slower(history: Sequence[Tick], new: Sequence[Tick], settings: VerdictSettings) -> Reason | None:
    """Weigh slow requests against the time before, as every deployment is weighed."""
    before, series = total(slow_of(history)), slow_beyond_stalls(new, settings.stall_seconds)
    if not before.requests or not new:
        return None
    offsets = [(tick.at - new[0].at).total_seconds() for tick in new]
    cuts = plan_cuts(offsets, settings.window_seconds)
    bet = Bet(settings.tolerance_ratio, overdispersion(slow_of(history)))
    log_e = log_e_value(before, Track.of(series), cuts, bet)
    if log_e < math.log(2.0 / settings.alpha):
        return None
    after = total(series)
    return Reason(
        Code.LATENCY_WORSE,
        f"{after.events} of {after.requests} requests were slower than the old release's bound, before it were "
        f"{before.events} of {before.requests}; the evidence is {math.exp(min(log_e, _LOG_E_MAX)):.3g} to 1.",
    )


def _doubts(
    new: Sequence[Tick], probes: Sequence[ProbeTick], settings: VerdictSettings, since_first: float
) -> tuple[Reason, ...]:
    """Collect what is unknown and therefore forbids a greater share."""
    found: list[Reason] = []
    if not total(errors_of(new)).requests:
        said = "The new release served no request, so nothing was examined; give it a greater share or more time."
        found.append(Reason(Code.NO_TRAFFIC, said))
    covered = math.fsum(tick.seconds for tick in new)
    missing = max(0.0, 1.0 - covered / since_first) if since_first else 1.0
    if missing > settings.missing_share_max:
        said = f"{missing:.0%} of the watched time has no data (at most {settings.missing_share_max:.0%} may be missing)."
        found.append(Reason(Code.MISSING_DATA, said))
    state = health(probes, settings.probe_failures_max)
    if state is not Health.HEALTHY:
        said = f"The probes say {state.value}; a greater share needs every probe healthy twice in a row."
        found.append(Reason(Code.NOT_HEALTHY, said))
    return tuple(found)
