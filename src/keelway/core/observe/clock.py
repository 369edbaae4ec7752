"""Count how long a release was really watched, whatever the clock did meanwhile.

Between two looks the control plane may have been dead, the machine asleep or the clock set. Time that nobody
watched and nobody counted is missing, never good; time that runs backwards is no time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from keelway.core.measure.sample import Tick

GAP_TICKS = 3.0
"""Lengths of a tick between two looks from which the rest is a gap."""


@dataclass(frozen=True)
class Passed:
    """Say what became of the time since the first look."""

    watched_seconds: float
    gap_seconds: float = 0.0
    jumps: int = 0
    """How often the clock went backwards."""

    @property
    def sentence(self) -> str:
        """Say what is missing; empty when nothing is."""
        said = []
        if self.gap_seconds:
            said.append(f"{self.gap_seconds:.0f} s passed in which nobody looked")
        if self.jumps:
            said.append(f"the clock went backwards {self.jumps} time(s)")
        return f"Not counted as watched: {'; '.join(said)}." if said else ""


def passed_between(looks: Sequence[datetime], tick_seconds: float, slack_seconds: float = 0.0) -> Passed:
    """Add up the time between looks: long pauses count for as much as a tick, backward steps for nothing.

    Args:
        looks: instants of the looks, the begin first.
        tick_seconds: how far apart they should be.
        slack_seconds: how long a look itself may take.
    """
    limit_seconds = GAP_TICKS * tick_seconds + slack_seconds
    watched = gap = 0.0
    jumps = 0
    for earlier, later in pairwise(looks):
        seconds = (later - earlier).total_seconds()
        if seconds < 0:
            jumps += 1
        elif seconds > limit_seconds:
            watched += tick_seconds
            gap += seconds - tick_seconds
        else:
            watched += seconds
    return Passed(watched, gap, jumps)


def one_after_another(ticks: Sequence[Tick]) -> list[Tick]:
    """Leave out intervals that begin before the one before them ended: a clock that was set counts twice."""
    kept: list[Tick] = []
    for tick in ticks:
        if kept and (tick.at - kept[-1].at).total_seconds() < kept[-1].seconds / 2:
            continue
        kept.append(tick)
    return kept


def missing_share(ticks: Sequence[Tick], since: datetime, watched_seconds: float) -> float:
    """Return the share of the watched time after an instant that no interval covers."""
    if watched_seconds <= 0:
        return 0.0
    covered = math.fsum(tick.seconds for tick in ticks if tick.at >= since)
    return max(0.0, 1.0 - covered / watched_seconds)
