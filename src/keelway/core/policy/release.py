"""Thresholds of a release: how it is watched, and how far back a failed one is taken."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.policy.unit import DAY_SECONDS, MINUTE_SECONDS


@dataclass(frozen=True)
class ObservationPolicy:
    """Bound what a watched release may do to its users."""

    window_seconds: float = 15 * MINUTE_SECONDS
    """How long the release is watched before it is believed."""
    tick_seconds: float = 10.0
    """How often its numbers are read."""
    stabilise_seconds: float = 30.0
    """How long to wait after a deploy before the first verdict on numbers."""
    error_rate_max: float = 0.05
    """The share of failing requests that rolls back (made safe against small numbers)."""
    error_rate_relative_max: float = 0.5
    """The relative growth of the error rate that rolls back (made safe likewise)."""
    burst_errors_max: int = 10
    """New errors within the burst window that roll back (made safe likewise)."""
    burst_window_seconds: float = 5 * MINUTE_SECONDS
    """The length of the burst window."""
    probe_failures_max: int = 3
    """Failed health probes in a row that roll back at once."""
    alpha: float = 0.01
    """The accepted probability of rolling back a healthy release."""
    history_seconds: float = 3_600.0
    """How much of the past is the baseline."""
    on_inconclusive: str = "hold"
    """What too little evidence means: ``hold`` asks a person, ``pass`` goes on and says so."""
    measure_errors_max: int = 3
    """How many failed readings in a row are a failure."""
    restarts_max: int = 2
    """Restarts of a release's processes that roll back."""
    memory_mb_max: float = 0.0
    """Memory of a release's processes, in megabytes, that rolls back; 0 for what the machine has."""
    exhaust_seconds_min: float = 3_600.0
    """Growth of memory, descriptors or files that would reach its limit earlier rolls back."""
    turned_away_share_max: float = 0.5
    """By how much the share of users who are redirected or refused may grow; more rolls back."""
    synthetic_requests: int = 0
    """Requests at each look; what users leave out is sent by Keelway, from the probes that alter nothing."""


@dataclass(frozen=True)
class RollbackPolicy:
    """Decide how far back a failed release is taken."""

    automatic: bool = True
    """Roll back without asking when the verdict says so."""
    rollback_migrations: bool = True
    """Run down-migrations when the old release does not fit the new schema."""
    restore_data: str = "ask"
    """Restoring a backup loses later writes: ``ask``, ``never`` or ``always``."""
    health_seconds_max: float = 60.0
    """How long the restored release may take to be healthy."""
    drill_hours_max: float = 0.0
    """How old the last good drill on staging may be before a person is asked about a promotion; 0 demands none."""


@dataclass(frozen=True)
class MigrationPolicy:
    """Bound what a migration may do to a restored copy of the data before it meets the data itself."""

    dry_run: str = "production"
    """Whose data the copy is of: ``production`` (staging's, while production has none), ``staging``, or ``off``."""
    seconds_max: float = 5 * MINUTE_SECONDS
    """How long it may take there."""
    lock_seconds_max: float = 10.0
    """How long it may lock a table against its users, where that can be seen."""


@dataclass(frozen=True)
class WatchPolicy:
    """Bound the watch after a release went live."""

    watch_seconds: float = DAY_SECONDS
    """How long a live release stays tied to its task."""
    interval_seconds: float = 15 * MINUTE_SECONDS
    """The time between two checks."""
    rollback_armed: bool = False
    """Roll back on an anomaly instead of alerting only."""
    regression_probes_max: int = 50
    """How many acceptance probes of earlier live tasks later releases are asked as well, the newest first; 0 for none."""


@dataclass(frozen=True)
class HotfixPolicy:
    """Shorten the way of an urgent production fix; no gate is left out."""

    staging_window_seconds: float = MINUTE_SECONDS
    """How long staging is watched."""
    production_window_seconds: float = 5 * MINUTE_SECONDS
    """How long production is watched."""
