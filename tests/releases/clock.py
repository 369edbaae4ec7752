"""Real time for the memory engine: to jump to an instant is to wait for it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class WallClock:
    """Stand for ``engine.journal.Clock``."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def jump(self, instant: datetime) -> None:
        time.sleep(max(0.0, (instant - self.now()).total_seconds()))
