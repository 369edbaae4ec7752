"""The stage of the demo: its control plane, its users, its screen, and the one loop that waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from keelway.app.demo.ground import Ground
from keelway.app.demo.plane import Plane
from keelway.app.demo.screen import Screen
from keelway.app.demo.traffic import Traffic
from keelway.app.demo.words import told
from keelway.app.view.task import Happened, TaskView
from keelway.core.errors import KeelwayError, TheirFault

POLL_SECONDS = 0.25
PAGE = 500
TRACK_SECONDS = 0.5
_STYLES = (
    ("rollback", "yellow"),
    ("branch.reverted", "yellow"),
    ("commit.quarantined", "yellow"),
    ("effect.failed", "yellow"),
    ("task.closed", "bold"),
)


@dataclass
class Scene:
    """Hold everything that an act needs."""

    ground: Ground
    screen: Screen
    plane: Plane
    traffic: Traffic
    whole: bool = True
    """All acts are played, so that one may begin while another is still watched."""
    events: dict[str, list[Happened]] = field(default_factory=dict)
    """What happened, by the name of the task."""
    acts: dict[str, str] = field(default_factory=dict)
    """Letter of the act by the name of its task."""
    _said: dict[str, str] = field(default_factory=dict)
    """The last line of each task, so that a verdict given twice is said once."""
    _after: int = 0
    _track_at: float = 0.0

    def ask(self, act: str, text: str) -> str:
        """Ask for a task as the owner would, once; return its name."""
        known = next((name for name, letter in self.acts.items() if letter == act), "")
        if known:
            return known
        task = self.plane.remote.submit(text).name
        self.acts[task] = act
        self.pump()
        return task

    def task(self, name: str) -> TaskView:
        """Return everything about a task."""
        return self.plane.remote.task(name)

    def seen(self, name: str, kind: str, **facts: object) -> tuple[Happened, ...]:
        """Return the events of a task of one kind, with certain data."""
        return tuple(
            event
            for event in self.events.get(name, [])
            if event.kind == kind and all(event.data.get(key) == value for key, value in facts.items())
        )

    def closed(self, name: str) -> bool:
        """Tell whether a task has come to its end."""
        return bool(self.seen(name, "task.closed"))

    def until(self, what: str, seconds_max: float, check: Callable[[], bool]) -> None:
        """Let things happen until a check holds.

        Raises:
            TheirFault: it does not hold in time.
        """
        end = time.monotonic() + seconds_max
        while not check():
            if time.monotonic() > end:
                raise TheirFault(
                    "demo_stuck",
                    f"The demo waited {seconds_max:.0f} s for this, in vain: {what}.",
                    f"read {self.ground.home / 'keelway.log'}",
                )
            if not self.pump():
                time.sleep(POLL_SECONDS)

    def rest(self, seconds: float) -> None:
        """Let things happen for a while."""
        end = time.monotonic() + seconds
        self.until("a short rest", seconds + 60, lambda: time.monotonic() >= end)

    def pump(self) -> bool:
        """Show what is new; tell whether there was something."""
        page = self.plane.remote.timeline(after=self._after, limit=PAGE)
        for event in page:
            self._after = event.sequence
            self._take(event)
        self.traffic.read()
        self._draw()
        return bool(page)

    def _take(self, event: Happened) -> None:
        if not event.task:
            return
        seen = self.events.setdefault(event.task, [])
        seen.append(event)
        if event.kind == "task.created" and event.task not in self.acts:
            detected = event.data.get("request", {}).get("source") == "detector"
            self.acts[event.task] = "d" if detected else "?"
        runs = sum(each.kind == "agent.finished" for each in seen)
        text = told(event, runs)
        if text and text != self._said.get(event.task):
            self._said[event.task] = text
            style = next((style for start, style in _STYLES if event.kind.startswith(start)), "")
            self.screen.event(self.acts.get(event.task, "?"), f"{event.task} {text}", style)

    def _draw(self) -> None:
        now = time.monotonic()
        if now - self._track_at < TRACK_SECONDS:
            return
        self._track_at = now
        failed = sum(one.failed for one in self.traffic.sent)
        traffic = f"{len(self.traffic.sent)} requests, {failed} failed"
        open_tasks = [name for name in self.events if not self.closed(name)]
        if not open_tasks:
            self.screen.track("", (), traffic)
            return
        try:
            self.screen.track(open_tasks[0], self.task(open_tasks[0]).stages, traffic)
        except KeelwayError:
            return
