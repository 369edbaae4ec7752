"""Lengths of time that thresholds are given in."""

from __future__ import annotations

MINUTE_SECONDS = 60.0
DAY_SECONDS = 86_400.0
