"""Remember routes, totals and ticks across restarts of the front, and say loudly when memory was lost."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keelway.programs.front.record.counters import Counters
from keelway.programs.front.record.disk import DamagedFile, Journal, StateLock, read_json, write_atomic
from keelway.programs.front.record.history import History
from keelway.programs.front.table import Routes, parse_routes

log = logging.getLogger("keelway.front")

VERSION = 1
_UNSAVED_MAX = 10_000


def _beside(path: Path, suffix: str) -> Path:
    """Name a file that lives beside the state file."""
    return path.with_name(f"{path.name}.{suffix}")


def _routes(value: Any) -> Routes:
    """Read the state file; raises ValueError when it is of another version."""
    if value["version"] != VERSION:
        raise ValueError(f"version {value['version']!r} is not {VERSION}")
    return parse_routes(value["routes"])


@dataclass(slots=True)
class _Saved:
    """Hold what the counters file holds."""

    counters: Counters
    starts: int
    epoch: int


def _saved(value: Any) -> _Saved:
    """Read the counters file; raises ValueError when it is of another version."""
    if value["version"] != VERSION:
        raise ValueError(f"version {value['version']!r} is not {VERSION}")
    return _Saved(Counters.from_json(value["counters"]), int(value["starts"]), int(value["epoch"]))


@dataclass(slots=True)
class Memory:
    """Own the state file and the two files beside it."""

    path: Path
    tick_seconds: float
    history_seconds: float
    counters: Counters = field(default_factory=Counters)
    starts: int = 0
    error: str | None = None
    history: History = field(init=False)
    lock: StateLock = field(init=False)
    _epoch: int = 0
    _journal: Journal = field(init=False)
    _unsaved: list[bytes] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.history = History(self.tick_seconds, self.history_seconds)
        self.lock = StateLock(_beside(self.path, "lock"))
        self._journal = Journal(_beside(self.path, "history"), self.tick_seconds)

    @property
    def restarts(self) -> int:
        """Count how often a front has started again on this state."""
        return max(0, self.starts - 1)

    def load(self) -> Routes:
        """Take over what an earlier run left. Damaged routes mean no release, under the newest epoch known."""
        self._load_counters()
        lines = self._journal.read()
        damaged = self.history.load(lines)
        if damaged:
            log.warning("%d of %d lines of the history were damaged and are left out", damaged, len(lines))
            self._journal.rewrite([entry.line for entry in self.history.entries])
        routes = self._load_routes()
        self._epoch = routes.epoch
        self.starts += 1
        return routes

    def _load_counters(self) -> None:
        """Read the totals; damage costs the totals and nothing else."""
        try:
            saved = read_json(_beside(self.path, "counters"), _saved)
        except DamagedFile as error:
            self._complain(f"{error}; the counters begin at zero")
            return
        if saved is not None:
            self.counters, self.starts, self._epoch = saved.counters, saved.starts, saved.epoch

    def _load_routes(self) -> Routes:
        """Read the routes; the epoch never falls, so that fencing holds even over a damaged file."""
        try:
            routes = read_json(self.path, _routes)
        except DamagedFile as error:
            self._complain(f"{error}; no release takes traffic until PUT /routes names one")
            routes = None
        if routes is None or routes.epoch < self._epoch:
            return Routes(self._epoch, routes.backends if routes else ())
        return routes

    def _complain(self, sentence: str) -> None:
        """Keep a loss of memory for everybody to see."""
        log.error("%s", sentence)
        self.error = f"{self.error}; {sentence}" if self.error else sentence

    def save_routes(self, routes: Routes) -> None:
        """Write the routes down; they count only once this has returned. Raises OSError."""
        content = {"version": VERSION, "routes": routes.to_json()}
        write_atomic(self.path, json.dumps(content, indent=1).encode())
        self._epoch = routes.epoch

    def end_tick(self, since: float, at: float, active: Iterable[str]) -> None:
        """Close the running tick; the next save writes it."""
        self._unsaved.append(self.history.add(since, at, self.counters.take_tick(active)))

    def prepare_save(self, *, durable: bool) -> Callable[[], None]:
        """Take a picture of totals and new ticks and give the call that writes it, fit for another thread.

        `durable` waits for the disk. The call raises OSError, and the ticks are then kept for the next one.
        """
        content = {
            "version": VERSION,
            "starts": self.starts,
            "epoch": self._epoch,
            "counters": self.counters.to_json(),
        }
        totals = json.dumps(content).encode()
        afresh = self._journal.is_long(self.history.bytes_held)
        lines, self._unsaved = self._unsaved, []
        kept = [entry.line for entry in self.history.entries] if afresh else lines

        def write() -> None:
            try:
                write_atomic(_beside(self.path, "counters"), totals, durable=durable)
                (self._journal.rewrite if afresh else self._journal.append)(kept)
            except OSError:
                self._unsaved = (lines + self._unsaved)[-_UNSAVED_MAX:]
                raise

        return write
