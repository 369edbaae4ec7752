"""Thresholds of what is kept, and of the figures that call for a person."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.policy.unit import MINUTE_SECONDS


@dataclass(frozen=True)
class ArtefactPolicy:
    """Bound what is kept."""

    inline_bytes_max: int = 5_000_000
    """Larger artefacts are kept as files by hash."""
    retention_days: int = 7
    """How long artefacts are kept; audit records are never removed."""
    log_days: int = 30
    """How long log lines and the samples of watched deployments are kept."""
    run_days: int = 30
    """How long the engine's records of ended stories are kept."""
    backup_days: int = 30
    """How long backups of the application's data are kept; what a way back needs stays."""
    backups_min: int = 5
    """So many of the newest backups of each environment are kept in any case."""
    lessons_max: int = 5_000
    """How many lessons are kept; those that nobody was told for the longest time go first."""


@dataclass(frozen=True)
class AlertPolicy:
    """State when the figures of the last 30 days call for a person."""

    success_rate_min: float = 0.90
    """Alert below this share of successful deployments."""
    rollback_rate_max: float = 0.10
    """Alert above this share of rolled-back deployments."""
    deploy_seconds_max: float = 5 * MINUTE_SECONDS
    """Alert when a deployment takes longer."""
    error_rate_rise_max: float = 0.5
    """Alert when the error rate rose by more than this share with the last deployment."""
    success_rate_target: float = 0.95
    """The share of successful deployments that is aimed at."""
    rollback_rate_target: float = 0.05
    """The share of rolled-back deployments that is aimed at, at most."""
    deploy_seconds_target: float = 3 * MINUTE_SECONDS
    """The mean time of a deployment that is aimed at, from its build to its traffic."""
    verify_seconds_target: float = 16 * MINUTE_SECONDS
    """The mean time until a deployment is believed that is aimed at: the window and a minute."""
