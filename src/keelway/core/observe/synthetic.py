"""Send requests of our own where users send too few to judge by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import cycle, islice

from keelway.core.measure.sample import Tick
from keelway.core.model.project import ProbeSpec

AT_ONCE_MAX = 100
"""Requests of ours at one look at most."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that alter nothing, so that they may be asked as often as one likes."""

_MARK = "\N{MIDDLE DOT} our own "


def synthetic(specs: Sequence[ProbeSpec], wanted: int) -> tuple[ProbeSpec, ...]:
    """Return so many questions, taken in turn from the harmless ones over HTTP."""
    safe = [spec for spec in specs if spec.kind == "http" and spec.method in SAFE]
    if not safe or wanted < 1:
        return ()
    taken = islice(cycle(safe), min(wanted, AT_ONCE_MAX))
    return tuple(replace(spec, name=f"{_MARK}{number}") for number, spec in enumerate(taken, 1))


def is_synthetic(name: str) -> bool:
    """Tell whether an answer is to a request of ours that only counts."""
    return name.startswith(_MARK)


def tick_of(since: datetime, until: datetime, requests: int, failures: int) -> tuple[Tick, ...]:
    """Count our own requests as an interval, where nobody counts those of users."""
    seconds = (until - since).total_seconds()
    return (Tick(since, requests, failures, seconds=seconds),) if seconds > 0 else ()
