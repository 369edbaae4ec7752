"""Kill one part of a delivery at an appointed point, once."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.doors import append
from tests.postgres import Cluster

from keelway.clients.control import Front, Supervisor
from keelway.clients.places import Places
from keelway.core.model.project import PRODUCTION

PLANE, FRONT, SUPERVISOR, STORE = "control plane", "front", "supervisor", "database"
MID_SECONDS = 0.1
STORE_AWAY_SECONDS = 2.0
SWITCH = f"target.switch({PRODUCTION})"


@dataclass
class Striker:
    """Strike at ``PHASE/PLACE:NUMBER:WHEN``; ``WHEN`` is ``before``, ``during`` or ``after``."""

    folder: Path
    victim: str
    point: str
    armed: bool = False
    _reached: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reach(self, place: str, closer: str, when: str) -> None:
        """Note that a verb is about to be called, or was, and strike if this is the point."""
        if not self.armed:
            return
        closer = closer.partition("(http")[0]  # an address has another port in every world
        with self._lock:
            if when == "before":
                self._reached[f"all {closer}"] += 1
                phase = self._phase()
                self._reached[f"{phase}/{closer}"] += 1
            phase = self._phase()
            name = f"{phase}/{closer}:{self._reached[f'{phase}/{closer}']}"
            append(self.folder / "reached", f"{name}:{when}")
            if (self.folder / "struck").exists():
                return
            if f"{name}:{when}" == self.point:
                self.strike()
            elif when == "before" and f"{name}:during" == self.point:
                threading.Timer(MID_SECONDS, self.strike).start()

    def _phase(self) -> str:
        return "back" if self._reached[f"all {SWITCH}"] > 1 else "deploy"

    def strike(self) -> None:
        """Kill the victim."""
        append(self.folder / "struck", f"{time.time()} {self.victim} {self.point}")
        places = Places((self.folder / "home").resolve())
        if self.victim == PLANE:
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.victim == FRONT:
            os.kill(int(Front(places.front_socket(PRODUCTION)).state()["pid"]), signal.SIGKILL)
        elif self.victim == SUPERVISOR:
            health = Supervisor(places.supervisor() / "supervisor.sock").health()
            os.kill(int(health["pid"]) if health else sys.exit("no supervisor"), signal.SIGKILL)
        else:
            folder, programs = json.loads((self.folder / "cluster").read_text())
            cluster = Cluster(Path(folder), Path(programs))
            cluster.stop()
            threading.Timer(STORE_AWAY_SECONDS, cluster.start).start()
