"""Keep the last day of ticks, and say for which spans nothing is known."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from keelway.programs.front.record.counters import LATENCY_BOUNDS_MS, Tally

BYTES_MAX = 64 * 1024 * 1024
"""Most bytes of ticks that are kept in memory and, twice that at most, on disk."""

_STALL_TICKS = 1.5


@dataclass(frozen=True, slots=True)
class Entry:
    """Keep one tick as the line that is also on disk, between the moment it began and the moment it ended."""

    since: float
    at: float
    line: bytes


@dataclass(slots=True)
class History:
    """Hold ticks in order of time, at most `history_seconds` of them and at most `bytes_max` bytes."""

    tick_seconds: float
    history_seconds: float
    bytes_max: int = BYTES_MAX
    entries: deque[Entry] = field(default_factory=deque)
    bytes_held: int = 0

    @property
    def last_at(self) -> float:
        """Give the end of the newest tick, or 0 when there is none."""
        return self.entries[-1].at if self.entries else 0.0

    def add(self, since: float, at: float, tallies: Mapping[str, Tally]) -> bytes:
        """Append the tick that ended at `at` and give its line.

        A tick claims at most one tick length: after a stall of the machine the time before it stays unknown.
        Raises ValueError when the tick does not follow the newest one.
        """
        if at <= self.last_at or since >= at:
            raise ValueError(f"a tick that ends at {at} cannot follow one that ended at {self.last_at}")
        begun = max(since, self.last_at)
        if at - begun > _STALL_TICKS * self.tick_seconds:
            begun = at - self.tick_seconds
        releases = {name: [t.requests, t.errors, t.latency, t.routes] for name, t in sorted(tallies.items())}
        line = json.dumps(
            {"f": round(begun, 3), "at": round(at, 3), "r": releases}, separators=(",", ":")
        ).encode()
        self._append(Entry(round(begun, 3), round(at, 3), line))
        return line

    def load(self, lines: Iterable[bytes]) -> int:
        """Take over lines from an earlier run and give how many were damaged (the last may be, after a crash).

        Only the shape is looked at: a day of ticks must not keep the port closed after a restart.
        """
        damaged = 0
        for line in lines:
            try:
                value = json.loads(line)
                entry = Entry(float(value["f"]), float(value["at"]), line)
                for _requests, _errors, _latency, _routes in value["r"].values():
                    pass
            except (ValueError, KeyError, TypeError, AttributeError):
                damaged += 1
                continue
            if entry.since < entry.at and entry.at > self.last_at:
                self._append(entry)
        return damaged

    def after(self, since: float) -> list[Entry]:
        """Give the ticks that ended after `since`, oldest first."""
        found: list[Entry] = []
        for entry in reversed(self.entries):
            if entry.at <= since:
                break
            found.append(entry)
        found.reverse()
        return found

    def missing(self, since: float, until: float) -> list[list[float]]:
        """Give the spans between `since` and `until` that no tick covers; the tick still running is not missing."""
        spans: list[list[float]] = []
        known = since
        for entry in self.after(since):
            if entry.since > known:
                spans.append([known, entry.since])
            known = max(known, entry.at)
        if until - known > 2 * self.tick_seconds:
            spans.append([known, until])
        return spans

    def _append(self, entry: Entry) -> None:
        """Add a tick and let the oldest go until both limits hold."""
        self.entries.append(entry)
        self.bytes_held += len(entry.line)
        oldest = entry.at - self.history_seconds
        while self.entries and (self.entries[0].at <= oldest or self.bytes_held > self.bytes_max):
            self.bytes_held -= len(self.entries.popleft().line)


def expand(entry: Entry, release: str | None = None) -> Iterator[dict[str, Any]]:
    """Give the ticks of one entry as `GET /history` shows them: one for each release, all buckets written out."""
    for name, (requests, errors, latency, routes) in json.loads(entry.line)["r"].items():
        if release is not None and name != release:
            continue
        counts = [0] * (len(LATENCY_BOUNDS_MS) + 1)
        for bucket, count in latency.items():
            counts[int(bucket)] += count
        yield {
            "at": entry.at,
            "seconds": round(entry.at - entry.since, 3),
            "release": name,
            "requests": int(requests),
            "errors": int(errors),
            "latency_counts": counts,
            "routes": routes,
        }
