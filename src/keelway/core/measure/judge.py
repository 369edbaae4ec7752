"""Decide about a release from what was counted before and after it: roll back, watch, pass or inconclusive."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from keelway.core.measure.eprocess import Bet, detectable_ratio, log_e_value, overdispersion, plan_cuts
from keelway.core.measure.health import Health, ProbeTick, health
from keelway.core.measure.interval import rate_interval, ratio_interval, ratio_of
from keelway.core.measure.limits import burst_limit, new_error_limit, probe_limit, rate_limit, ratio_limit
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
from keelway.core.measure.verdict import Code, Decision, Judgement, Parts, Reason, VerdictSettings

LOG_E_MAX = 690.0
"""Evidence is reported up to e^690, so that it stays a finite number in JSON."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Hold one series of a release against its history: totals, noise and log E (None without history)."""

    before: Counts
    after: Counts
    phi: float
    log_e: float | None


def judge_window(
    history: Sequence[Tick],
    after: Sequence[Tick],
    probes: Sequence[ProbeTick],
    settings: VerdictSettings,
    elapsed_seconds: float,
    parts: Parts | None = None,
) -> Judgement:
    """Judge one look at a release, `elapsed_seconds` after its deploy.

    A rollback needs one broken limit or enough evidence; `parts`, where they are known, get half of the stake that
    bets on errors. Everything that is unknown (no traffic, no probe
    answer, missing ticks) keeps a release from passing. Raises ValueError on overlapping ticks or an elapsed
    time that is no time.
    """
    if not (math.isfinite(elapsed_seconds) and elapsed_seconds >= 0):
        raise ValueError(
            f"{elapsed_seconds} s have passed since the deploy? Give the elapsed seconds, 0 or more."
        )
    ticks = in_order(after)
    old = in_order(history)
    errors = _weigh(errors_of(old), errors_of(ticks), ticks, settings)
    latency = _weigh(slow_of(old), slow_beyond_stalls(ticks, settings.stall_seconds), ticks, settings)
    broken = (*_errors_worse(errors, parts, settings), *_broken(errors, latency, ticks, probes, settings))
    errors = replace(errors, log_e=_mixed(errors, parts))
    if broken:
        ordered = tuple(sorted(broken, key=lambda reason: reason.code is not Code.PROBE_FAILED))
        return _answer(Decision.ROLLBACK, ordered, errors, latency, settings, elapsed_seconds)
    over = elapsed_seconds >= settings.window_seconds
    doubts = _doubts(errors.after, ticks, probes, settings, elapsed_seconds)
    bounds, missed = _bounds(errors, settings)
    early = len(bounds) > 1 and elapsed_seconds >= settings.early_pass_share * settings.window_seconds
    if bounds and not doubts and (over or early):
        return _answer(Decision.PASS, _context(errors) + bounds, errors, latency, settings, elapsed_seconds)
    reasons = _context(errors) + doubts + (missed if not bounds else ())
    if over:
        return _answer(Decision.INCONCLUSIVE, reasons, errors, latency, settings, elapsed_seconds)
    waiting = Reason(
        Code.TOO_EARLY,
        f"{elapsed_seconds:.0f} of {settings.window_seconds:.0f} s observed, nothing says roll back.",
    )
    return _answer(Decision.WATCH, (waiting, *reasons), errors, latency, settings, elapsed_seconds)


def _weigh(
    old: Sequence[Counts], new: Sequence[Counts], ticks: Sequence[Tick], settings: VerdictSettings
) -> Evidence:
    before, after, phi = total(old), total(new), overdispersion(old)
    if not before.requests:
        return Evidence(before, after, phi, None)
    offsets = [(tick.at - ticks[0].at).total_seconds() for tick in ticks]
    cuts = plan_cuts(offsets, settings.window_seconds)
    bet = Bet(settings.tolerance_ratio, phi)
    return Evidence(before, after, phi, log_e_value(before, Track.of(new), cuts, bet))


def _mixed(errors: Evidence, parts: Parts | None) -> float | None:
    """Give log E of the errors, those of the parts included where there is a history of the whole."""
    return errors.log_e if parts is None or errors.log_e is None else parts.mixed(errors.log_e)


def _errors_worse(errors: Evidence, parts: Parts | None, settings: VerdictSettings) -> tuple[Reason, ...]:
    """Say whether more fails than before, in the whole or in one of the parts."""
    if parts is None:
        reason = _worse(errors, Code.ERRORS_WORSE, "failed", settings)
        return () if reason is None else (reason,)
    whole = errors.log_e or 0.0
    mixed = parts.mixed(whole)
    if mixed < _threshold(settings):
        return ()
    if errors.log_e is not None and whole >= parts.log_mean:
        reason = _worse(replace(errors, log_e=mixed), Code.ERRORS_WORSE, "failed", settings)
        return () if reason is None else (reason,)
    return (
        Reason(
            Code.PART_WORSE,
            f"{parts.worst}; the evidence that a part is worse is {math.exp(min(mixed, LOG_E_MAX)):.3g} to 1, "
            f"{2 / settings.alpha:.0f} to 1 rolls back.",
        ),
    )


def _threshold(settings: VerdictSettings) -> float:
    """Give the log evidence that rolls back: errors and latency take half of alpha each."""
    return math.log(2.0 / settings.alpha)


def _e_value(evidence: Evidence) -> float | None:
    return None if evidence.log_e is None else math.exp(min(evidence.log_e, LOG_E_MAX))


def _broken(
    errors: Evidence,
    latency: Evidence,
    ticks: Sequence[Tick],
    probes: Sequence[ProbeTick],
    settings: VerdictSettings,
) -> tuple[Reason, ...]:
    """Collect everything that says roll back, the plainest reason first."""
    found = (
        probe_limit(probes, settings),
        _worse(latency, Code.LATENCY_WORSE, "were slower than the old release's bound", settings),
        rate_limit(errors.before, errors.after, settings),
        ratio_limit(errors.before, errors.after, _e_value(errors) or 0.0, settings),
        burst_limit(errors.before, ticks, errors.phi, settings),
        new_error_limit(ticks, settings),
    )
    return tuple(reason for reason in found if reason is not None)


def _worse(evidence: Evidence, code: Code, what: str, settings: VerdictSettings) -> Reason | None:
    if evidence.log_e is None or evidence.log_e < _threshold(settings):
        return None
    before, after = evidence.before, evidence.after
    return Reason(
        code,
        f"{after.events} of {after.requests} requests {what}, before it were {before.events} of {before.requests}; "
        f"the evidence for more than {settings.tolerance_ratio:g} times the old rate is "
        f"{math.exp(min(evidence.log_e, LOG_E_MAX)):.3g} to 1, {2 / settings.alpha:.0f} to 1 rolls back.",
    )


def _context(errors: Evidence) -> tuple[Reason, ...]:
    if errors.log_e is not None:
        return ()
    return (
        Reason(
            Code.NO_HISTORY,
            "No request was counted before this deploy, so nothing can be compared: only limits and probes decide.",
        ),
    )


def _doubts(
    after: Counts,
    ticks: Sequence[Tick],
    probes: Sequence[ProbeTick],
    settings: VerdictSettings,
    elapsed_seconds: float,
) -> tuple[Reason, ...]:
    """Collect what is unknown and therefore forbids a pass."""
    found: list[Reason] = []
    if not after.requests:
        found.append(
            Reason(Code.NO_TRAFFIC, "The new release served no request; send probe traffic or wait longer.")
        )
    missing = _missing_share(ticks, elapsed_seconds)
    if missing > settings.missing_share_max:
        found.append(
            Reason(
                Code.MISSING_DATA,
                f"{missing:.0%} of the observed time has no data (at most {settings.missing_share_max:.0%} may be missing); "
                "check the source of the counters.",
            )
        )
    state = health(probes, settings.probe_failures_max)
    if state is not Health.HEALTHY:
        found.append(
            Reason(
                Code.NOT_HEALTHY,
                f"The probes say {state.value}; a pass needs every probe healthy twice in a row.",
            )
        )
    return tuple(found)


def _missing_share(ticks: Sequence[Tick], elapsed_seconds: float) -> float:
    """Give the share of the elapsed time that no tick covers: silence is not health."""
    covered = math.fsum(tick.seconds for tick in ticks)
    return max(0.0, 1.0 - covered / elapsed_seconds) if elapsed_seconds else 1.0


def _bounds(errors: Evidence, settings: VerdictSettings) -> tuple[tuple[Reason, ...], tuple[Reason, ...]]:
    """Say which upper bounds speak for a pass, and what is missing where none does."""
    high_rate = rate_interval(errors.after, settings.alpha)[1]
    if errors.log_e is None:
        return _rate_bound(high_rate, settings)
    ratio_high = ratio_interval(errors.after, errors.before, settings.alpha)[1]
    added = high_rate - rate_interval(errors.before, settings.alpha)[0]
    held: list[Reason] = []
    if ratio_high is not None and ratio_high < settings.accept_ratio:
        sentence = f"The error rate is at most {ratio_high:.2f} times the old one; {settings.accept_ratio:g} is accepted."
        held.append(Reason(Code.RATIO_BOUNDED, sentence))
    if added < settings.accept_added_rate:
        sentence = f"At most {max(0.0, added):.2%} of requests fail more than before; {settings.accept_added_rate:.2%} is accepted."
        held.append(Reason(Code.ADDED_RATE_BOUNDED, sentence))
    shown = "without bound" if ratio_high is None else f"{ratio_high:.2f} times"
    missed = Reason(
        Code.NOT_EXCLUDED,
        f"A worse release is not excluded: the error rate may be {shown} the old one or {added:.2%} of requests above it "
        f"(accepted: {settings.accept_ratio:g} times or {settings.accept_added_rate:.2%}); more traffic or time decides.",
    )
    return tuple(held), (missed,)


def _rate_bound(high_rate: float, settings: VerdictSettings) -> tuple[tuple[Reason, ...], tuple[Reason, ...]]:
    """Bound the rate itself where there is no history to compare with."""
    sentence = f"At most {high_rate:.2%} of requests fail; the limit is {settings.error_rate_max:.2%}."
    if high_rate < settings.error_rate_max:
        return (Reason(Code.RATE_BOUNDED, sentence),), ()
    return (), (Reason(Code.NOT_EXCLUDED, sentence + " More traffic or time decides."),)


def _answer(
    decision: Decision,
    reasons: tuple[Reason, ...],
    errors: Evidence,
    latency: Evidence,
    settings: VerdictSettings,
    elapsed_seconds: float,
) -> Judgement:
    low, high = ratio_interval(errors.after, errors.before, settings.alpha)
    known = errors.log_e is not None and errors.after.requests > 0
    share = min(1.0, elapsed_seconds / settings.window_seconds)
    at_end = errors.after.requests / share if share else 0.0
    bet = Bet(settings.tolerance_ratio, errors.phi)
    return Judgement(
        decision=decision,
        reasons=reasons,
        e_value_errors=_e_value(errors),
        e_value_latency=_e_value(latency),
        phi=errors.phi,
        rate_before=errors.before.rate,
        rate_after=errors.after.rate,
        ratio=ratio_of(errors.after, errors.before),
        ratio_low=low if known else None,
        ratio_high=high if known else None,
        detectable_ratio=detectable_ratio(
            errors.before, at_end, settings.window_seconds, bet, _threshold(settings)
        ),
        requests=errors.after.requests,
        errors=errors.after.events,
    )
