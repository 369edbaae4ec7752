"""Name what a verdict on a release is asked with and answered with."""

import math
from dataclasses import dataclass
from enum import StrEnum


class Decision(StrEnum):
    """Say what to do with the release now."""

    ROLLBACK = "rollback"
    WATCH = "watch"
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    INCONCLUSIVE = "inconclusive"


class Code(StrEnum):
    """Name each reason a verdict can have, for machines."""

    PROBE_FAILED = "probe_failed"
    ERRORS_WORSE = "errors_worse"
    LATENCY_WORSE = "latency_worse"
    RATE_LIMIT = "rate_limit"
    RATIO_LIMIT = "ratio_limit"
    BURST_LIMIT = "burst_limit"
    NEW_ERROR_BURST = "new_error_burst"
    NO_TRAFFIC = "no_traffic"
    NO_HISTORY = "no_history"
    MISSING_DATA = "missing_data"
    NOT_HEALTHY = "not_healthy"
    NOT_EXCLUDED = "not_excluded"
    TOO_EARLY = "too_early"
    RATIO_BOUNDED = "ratio_bounded"
    ADDED_RATE_BOUNDED = "added_rate_bounded"
    RATE_BOUNDED = "rate_bounded"
    PART_WORSE = "part_worse"
    SATURATED = "saturated"
    FILLING_UP = "filling_up"
    VANISHED = "vanished"
    LOG_SILENT = "log_silent"
    LOG_DROPPED = "log_dropped"
    TIME_MISSING = "time_missing"
    TURNED_AWAY = "turned_away"


@dataclass(frozen=True, slots=True)
class Reason:
    """Give one reason: a code for machines, a sentence with numbers for people."""

    code: Code
    sentence: str


@dataclass(frozen=True, slots=True)
class Parts:
    """Sum up the evidence against the parts of a release, its routes and queues."""

    log_mean: float
    """Logarithm of the mean of their e-values, which is an e-value again."""
    worst: str
    """The worst of them with its figures."""

    def mixed(self, log_whole: float) -> float:
        """Give half of the stake to the whole and half to the parts."""
        top = max(log_whole, self.log_mean)
        return top + math.log((math.exp(log_whole - top) + math.exp(self.log_mean - top)) / 2)


@dataclass(frozen=True, slots=True)
class VerdictSettings:
    """Hold every threshold of the verdict with its default (production); raises ValueError on nonsense."""

    window_seconds: float = 900.0
    """How long a release is observed."""
    tick_seconds: float = 10.0
    """How long one counted interval lasts."""
    tolerance_ratio: float = 1.25
    """Error-rate ratio new/old that is still called the same."""
    alpha: float = 0.01
    """Accepted share of healthy releases rolled back by statistics; errors and latency take half each."""
    accept_ratio: float = 2.0
    """Pass when the ratio's upper end is below this."""
    accept_added_rate: float = 0.01
    """Pass when the upper end of the added error rate is below this share of requests."""
    error_rate_max: float = 0.05
    """Roll back above this share of failed requests."""
    error_rate_relative_max: float = 0.5
    """Roll back when the error rate rose by more than this share of the old rate (0.5 is +50 %)."""
    burst_errors_max: int = 10
    """Roll back above this many errors within the burst window, beyond what the history lets expect."""
    burst_window_seconds: float = 300.0
    """Length of the burst window."""
    errors_min: int = 10
    """Errors needed before a rate or ratio limit may decide."""
    probe_failures_max: int = 3
    """Failures of one probe in a row that roll back."""
    missing_share_max: float = 0.2
    """Share of the time without data above which nothing passes."""
    limit_alpha: float = 0.001
    """One-sided doubt left when the rate limit decides."""
    stall_seconds: float = 20.0
    """Slowness that lasts no longer than this in all is a stall of the machine, not of the release."""
    early_pass_share: float = 1 / 3
    """Share of the window that must be over before an early pass; 1 turns early passes off."""

    def __post_init__(self) -> None:
        values = [getattr(self, name) for name in self.__dataclass_fields__]
        if not all(math.isfinite(value) and value > 0 for value in values):
            raise ValueError(
                "Every verdict setting must be a positive, finite number; check [verdict] in the policy."
            )
        shares = (
            self.alpha,
            self.limit_alpha,
            self.error_rate_max,
            self.missing_share_max,
            self.accept_added_rate,
        )
        if max(shares) >= 1:
            raise ValueError(
                "alpha, rates and shares are parts of one and must stay below 1; write 0.05 for 5 %."
            )
        if self.tolerance_ratio < 1 or self.accept_ratio <= self.tolerance_ratio:
            raise ValueError(
                "tolerance_ratio must be at least 1 and accept_ratio above it, or nothing could pass."
            )
        if self.early_pass_share > 1 or self.tick_seconds > self.window_seconds:
            raise ValueError("early_pass_share is at most 1 and a tick at most as long as the window.")


STAGING = VerdictSettings(window_seconds=300.0, error_rate_max=0.01)
"""The defaults for a staging environment: a shorter window and a stricter rate limit."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Answer for one look at a release: plain finite values only, so that it can be stored as JSON.

    Rates are shares of requests. None means that the figure cannot be known from this data: an upper end of
    None has no bound, a detectable ratio of None means that no worsening would have been seen.
    """

    decision: Decision
    reasons: tuple[Reason, ...]
    e_value_errors: float | None
    e_value_latency: float | None
    phi: float
    rate_before: float | None
    rate_after: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    detectable_ratio: float | None
    requests: int
    errors: int
