"""Turn totals that a balancer counts into the front's own counters, across restarts of either."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keelway.programs.balancer.engine import Picture, Reading
from keelway.programs.front.record.counters import Counters, Tally
from keelway.programs.front.record.disk import DamagedFile, read_json, write_atomic

_MISSES = ("s5xx", "upstream_errors", "timeouts")


@dataclass(slots=True)
class Meter:
    """Remember what was counted already, on disk as well, so that nothing counts twice."""

    path: Path
    boot: str = ""
    seen: dict[str, dict[str, int]] = field(default_factory=dict)
    buckets: dict[str, list[int]] = field(default_factory=dict)
    no_backend: int = 0

    def load(self) -> None:
        """Take over what an earlier keeper had counted; damage costs what happened meanwhile."""
        try:
            read_json(self.path, self._take)
        except DamagedFile:
            self.boot = ""

    def _take(self, value: Any) -> None:
        self.boot, self.no_backend = str(value["boot"]), int(value["no_backend"])
        self.seen = {str(name): dict(numbers) for name, numbers in value["seen"].items()}
        self.buckets = {str(name): list(counts) for name, counts in value["buckets"].items()}

    def save(self) -> None:
        """Write down what is counted."""
        content = {
            "boot": self.boot,
            "seen": self.seen,
            "buckets": self.buckets,
            "no_backend": self.no_backend,
        }
        write_atomic(self.path, json.dumps(content).encode(), durable=False)

    def count(self, picture: Picture, counters: Counters, *, fresh: bool) -> None:
        """Add what is new in a picture to the totals, and to the running tick where it is of this tick.

        Args:
            picture: the newest look at the balancer.
            counters: what it is added to.
            fresh: the look before was about a tick ago; else the growth belongs to no tick.
        """
        if picture.boot != self.boot:
            # A balancer that we did not see begin has counted for others before.
            known = self.boot != "" or not self.seen
            self.boot, self.no_backend, self.seen, self.buckets = picture.boot, 0, {}, {}
            if not known:
                self._skip(picture)
        for name, reading in picture.readings.items():
            self._add(name, reading, counters, fresh=fresh)
        counters.no_backend += max(0, picture.no_backend - self.no_backend)
        self.no_backend = max(self.no_backend, picture.no_backend)

    def _skip(self, picture: Picture) -> None:
        for name, reading in picture.readings.items():
            self.seen[name], self.buckets[name] = dict(reading.numbers), list(reading.latency)
        self.no_backend = picture.no_backend

    def _add(self, name: str, reading: Reading, counters: Counters, *, fresh: bool) -> None:
        before, old = self.seen.get(name, {}), self.buckets.get(name, [])
        if reading.numbers.get("requests", 0) < before.get(
            "requests", 0
        ):  # it was forgotten, and begins anew
            before, old = {}, []
        grown = {kind: max(0, now - before.get(kind, 0)) for kind, now in reading.numbers.items()}
        slower = _grown(old, reading.latency)
        self.seen[name], self.buckets[name] = dict(reading.numbers), list(reading.latency)
        if not any(grown.values()) and not any(slower.values()):
            return
        totals = counters.totals(reading.release)
        for kind, by in grown.items():
            totals.numbers[kind] += by
        for bucket, by in slower.items():
            totals.latency[bucket] += by
        if fresh:
            tally = counters.running.setdefault(reading.release, Tally())
            tally.requests += grown.get("requests", 0)
            tally.errors += sum(grown.get(kind, 0) for kind in _MISSES)
            for bucket, by in slower.items():
                tally.latency[bucket] = tally.latency.get(bucket, 0) + by


def _grown(before: Sequence[int], now: Sequence[int]) -> dict[int, int]:
    """Return the growth by bucket; where nothing was measured before, or nothing is now, that counts as nothing."""
    if len(before) != len(now):
        before = [0] * len(now)
    pairs = enumerate(zip(before, now, strict=True))
    return {bucket: after - earlier for bucket, (earlier, after) in pairs if after > earlier}
