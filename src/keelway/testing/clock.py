"""Tell virtual time, so that a test waits for nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class VirtualClock:
    """Stand still until somebody moves it; share one between the memory engine and the fakes."""

    def __init__(self, now_at: datetime = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)) -> None:
        self._now_at = now_at.astimezone(UTC)

    def now(self) -> datetime:
        """Return the present instant."""
        return self._now_at

    def jump(self, instant: datetime) -> None:
        """Make a later instant the present one; time never runs backwards."""
        self._now_at = max(self._now_at, instant.astimezone(UTC))

    def advance(self, seconds: float) -> None:
        """Let some seconds pass."""
        self.jump(self._now_at + timedelta(seconds=seconds))
