"""See what fills up: memory, descriptors, processors, the disk; and a process that ends and comes back.

A limit that is reached rolls back. Growth rolls back when it would reach its limit soon, and asks a person when it
would do so within the day that follows; what grows in the first part of the watch is left out, because a process
that warms up grows as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from keelway.core.observe.sight import Vitals
from keelway.core.observe.trend import Point, trend_of

DESCRIPTOR_SHARE_MAX = 0.8
MEMORY_FREE_MB_MIN = 64.0
DISK_FREE_MB_MIN = 64.0
CPU_SHARE_MAX = 0.95
CPU_SECONDS_MIN = 300.0
"""How long all processors have to be busy."""

GREW_MEMORY_MB = 64.0
GREW_DESCRIPTORS = 64.0
GREW_WRITTEN_MB = 64.0
"""Growth since the first look below which no slope is spoken of."""

MEMORY_TIMES_MAX = 3.0
MEMORY_MORE_MB = 256.0
"""A release that needs so many times and so much more than the one before asks a person."""

WARM_SHARE = 1 / 3
"""First part of the looks that no slope is drawn through."""


@dataclass(frozen=True)
class SaturationLimits:
    """Bound what a release may use."""

    restarts_max: int = 2
    """Restarts of its processes from which it counts as crashing."""
    memory_mb_max: float = 0.0
    """Memory of all its processes; 0 for what the machine has."""
    exhaust_seconds_min: float = 3_600.0
    """Growth that reaches its limit earlier rolls back."""
    day_seconds: float = 86_400.0
    """Growth that reaches its limit earlier asks a person."""


@dataclass
class Fullness:
    """Collect what condemns a release and what only a person can judge."""

    harm: list[str] = field(default_factory=list)
    doubt: list[str] = field(default_factory=list)


def fullness(seen: Sequence[Vitals], before: Vitals | None, limits: SaturationLimits) -> Fullness:
    """Judge what was seen of the processes of a release, in order of time."""
    found = Fullness()
    if not seen:
        return found
    last = seen[-1]
    if last.restarts >= limits.restarts_max:
        found.harm.append(f"Its processes restarted {last.restarts} times; {limits.restarts_max} are enough.")
    _reached(last, limits, found)
    busy = _busy_seconds(seen)
    if busy >= CPU_SECONDS_MIN:
        found.harm.append(f"All {last.cores} processors were busy with it for {busy:.0f} s.")
    _growing(seen, limits, found)
    if before is not None and _much_larger(last, before):
        found.doubt.append(
            f"It needs {last.memory_mb:.0f} MB of memory, the release before {before.memory_mb:.0f} MB."
        )
    return found


def _reached(last: Vitals, limits: SaturationLimits, found: Fullness) -> None:
    if limits.memory_mb_max and last.memory_mb >= limits.memory_mb_max:
        found.harm.append(
            f"It uses {last.memory_mb:.0f} MB of memory; {limits.memory_mb_max:.0f} are allowed."
        )
    if last.descriptors_max and last.descriptors >= DESCRIPTOR_SHARE_MAX * last.descriptors_max:
        found.harm.append(f"It holds {last.descriptors} of {last.descriptors_max} descriptors.")
    if last.disk_free_mb < DISK_FREE_MB_MIN:
        found.doubt.append(f"The disk has {last.disk_free_mb:.0f} MB left.")
    if last.memory_free_mb < MEMORY_FREE_MB_MIN:
        found.doubt.append(f"The machine has {last.memory_free_mb:.0f} MB of memory left.")


def _busy_seconds(seen: Sequence[Vitals]) -> float:
    """Return for how long until now the release kept all processors busy."""
    busy = 0.0
    for earlier, later in reversed(list(pairwise(seen))):
        seconds = (later.at - earlier.at).total_seconds()
        used = later.cpu_seconds - earlier.cpu_seconds
        if seconds <= 0 or used < CPU_SHARE_MAX * seconds * later.cores:
            break
        busy += seconds
    return busy


def _growing(seen: Sequence[Vitals], limits: SaturationLimits, found: Fullness) -> None:
    last = seen[-1]
    memory_max = limits.memory_mb_max or last.memory_mb + last.memory_free_mb
    descriptors_max = DESCRIPTOR_SHARE_MAX * last.descriptors_max
    for what, grew, limit, value in (
        ("Its memory (MB)", GREW_MEMORY_MB, memory_max, _memory),
        ("The number of its open descriptors", GREW_DESCRIPTORS, descriptors_max, _descriptors),
        ("What it writes (MB)", GREW_WRITTEN_MB, last.written_mb + last.disk_free_mb, _written),
    ):
        if not limit or value(last) - value(seen[0]) < grew:
            continue
        trend = trend_of(_points(seen, value))
        seconds = trend.seconds_to(limit) if trend else limits.day_seconds
        if seconds >= limits.day_seconds:
            continue
        pace = trend.per_second * 3_600 if trend else 0.0
        said = f"{what} grows by {pace:.0f} an hour and reaches {limit:.0f} in {seconds / 3_600:.1f} hours."
        (found.harm if seconds < limits.exhaust_seconds_min else found.doubt).append(said)


def _points(seen: Sequence[Vitals], value: Callable[[Vitals], float]) -> list[Point]:
    begin = seen[0].at
    return [((one.at - begin).total_seconds(), value(one)) for one in seen[int(len(seen) * WARM_SHARE) :]]


def _memory(vitals: Vitals) -> float:
    return vitals.memory_mb


def _descriptors(vitals: Vitals) -> float:
    return float(vitals.descriptors)


def _written(vitals: Vitals) -> float:
    return vitals.written_mb


def _much_larger(last: Vitals, before: Vitals) -> bool:
    return last.memory_mb > max(MEMORY_TIMES_MAX * before.memory_mb, before.memory_mb + MEMORY_MORE_MB)
