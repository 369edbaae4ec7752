"""Turn what the users saw and what the book says into a row, and hold the claims against it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from keelway.app.demo.row import Row
from keelway.app.demo.scene import Scene
from keelway.app.demo.traffic import Sent
from keelway.app.view.task import DeploymentView
from keelway.core.model.project import PRODUCTION

STAGES = ("intake", "planning", "development", "review", "staging", "production", "unwind", "report")


@dataclass
class Proof:
    """Collect the claims of one act; what does not hold is kept, never smoothed over."""

    scene: Scene
    act: str
    since: float
    """Epoch seconds from which requests belong to this act."""
    until: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def holds(self, fact: object, otherwise: str) -> None:
        """Keep a sentence when a claim does not hold."""
        if not fact:
            self.wrong.append(otherwise)

    def end(self) -> None:
        """Let the requests from now on belong to the next act."""
        self.until = time.time()
        self.scene.traffic.read()

    def sent(self) -> list[Sent]:
        """Return the requests of this act."""
        return self.scene.traffic.between(self.since, self.until)

    def row(self, happened: str, task: str = "", *, traffic: bool = True) -> Row:
        """Make the row of the act."""
        if not self.until:
            self.end()
        sent = self.sent() if traffic else []
        lost = self.scene.traffic.rows_lost() if traffic else None
        if lost:
            self.holds(
                fact=False, otherwise=f"{lost} arrivals that Harbor had accepted are not in its database"
            )
        return Row(
            act=self.act,
            happened=happened,
            served=sum(not one.failed for one in sent) if traffic else None,
            failed=sum(one.failed for one in sent) if traffic else None,
            rows_lost=lost,
            seconds=self.until - self.since,
            until=self.until,
            phases=phases(self.scene, task),
            wrong=tuple(self.wrong),
        )

    def no_failure(self) -> None:
        """Claim that not one request of the act failed."""
        self.end()
        failed = [one for one in self.sent() if one.failed]
        silent = sum(not one.answered for one in failed)
        self.holds(
            not failed, f"{len(failed)} of {len(self.sent())} requests failed ({silent} without an answer)"
        )
        self.holds(self.sent(), "no request was sent")


@dataclass(frozen=True)
class Back:
    """State what a bad release cost its users."""

    before: int
    """Errors served before the verdict."""
    after: int
    healthy_seconds: float | None
    """From the verdict to the first good answer of the old release after the last bad one."""


def back_of(sent: list[Sent], verdict_at: datetime, old: str) -> Back:
    """Measure a rollback by the answers alone: from the verdict until only the old release answers, and well."""
    at = verdict_at.timestamp()
    later = [one for one in sent if one.done_at > at]
    bad = [one.done_at for one in later if one.failed or one.release != old]
    last = max(bad, default=at)
    good = next((one.done_at for one in later if one.done_at > last), None)
    return Back(
        sum(one.failed and one.done_at <= at for one in sent),
        sum(one.failed for one in later),
        None if good is None else max(0.0, (good if bad else at) - at),
    )


def production_of(scene: Scene, task: str) -> DeploymentView | None:
    """Return the deployment of a task to production."""
    mine = [one for one in scene.task(task).deployments if one.environment == PRODUCTION]
    return mine[0] if mine else None


def phases(scene: Scene, task: str) -> dict[str, float]:
    """Return how long each stage of a task took, all its runs together."""
    took: dict[str, float] = {}
    marks = [
        event for event in scene.events.get(task, []) if event.kind in {"stage.started", "stage.finished"}
    ]
    marks = [event for event in marks if "output" not in event.data]
    for begun, ended in pairwise(marks):
        if begun.kind == "stage.started" and ended.kind == "stage.finished" and begun.stage == ended.stage:
            seconds = (ended.at - begun.at).total_seconds()
            took[begun.stage] = round(took.get(begun.stage, 0.0) + seconds, 2)
    return {stage: took[stage] for stage in STAGES if stage in took}
