"""Watch a release that has a share of the traffic beside the one that has the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keelway.core.errors import KeelwayError
from keelway.core.measure.beside import Beside, judge_beside
from keelway.core.measure.health import ProbeTick
from keelway.core.measure.sample import Tick
from keelway.core.measure.verdict import Decision
from keelway.core.model.event import EventKind
from keelway.ports.ledger import Deployment
from keelway.routines.context import Context
from keelway.routines.observe import baseline, settings_of
from keelway.routines.outcome import StageFailed

_LAG_SECONDS = 2.0
"""Counts of the newest moments that no whole interval holds yet."""


class Watch:
    """Gather what all shares of one deployment show; everything in it comes from recorded steps."""

    def __init__(self, ctx: Context, deployment: Deployment, seconds: float) -> None:
        self.ctx, self.deployment = ctx, deployment
        self.bounds = ctx.policy.observation(deployment.environment, hotfix=False)
        tick_seconds = min(self.bounds.tick_seconds, seconds)
        self.settings = replace(settings_of(self.bounds), window_seconds=seconds, tick_seconds=tick_seconds)
        self.history = baseline(ctx, deployment.environment, self.bounds)
        self.began_at: datetime | None = None
        self.answers: list[ProbeTick] = []
        self.misread = 0

    def bake(self, percent: int, seconds: float) -> None:
        """Look every tick for so long.

        Raises:
            StageFailed: the share shows harm, or nothing, or somebody asked to go back.
            Aborted: a person asked to end the task.
        """
        ctx, tick = self.ctx, self.settings.tick_seconds
        began = ctx.now()
        self.began_at = self.began_at or began
        looks = max(1, round(seconds / tick)) + 1
        for number in range(1, looks + 1):
            ctx.sleep(tick)
            seen = self._look(f"{percent}:{number}", last=number == looks)
            asked = ctx.heed(f"heed:share:{percent}:{number}")
            if asked:
                raise StageFailed("rollback_asked", f"{asked} asked to take the release back.")
            if seen is not None and (number == looks or seen.decision is Decision.ROLLBACK):
                self._end(percent, seen)

    def _look(self, name: str, *, last: bool) -> Beside | None:
        ctx, deployment = self.ctx, self.deployment
        now, began = ctx.now(), self.began_at or ctx.now()
        spec = ctx.project.environment(deployment.environment)
        specs = ctx.project.readiness(deployment.environment)  # workers are swapped after the last share
        results = ctx.read(f"share probe:{name}", ctx.probe.ask, spec.address, specs)
        self.answers += [ProbeTick(now, result.ok, result.name) for result in results]
        try:
            new = self._ticks(f"share:{name}", deployment.release, began, now)
            old = self._ticks(f"share old:{name}", deployment.previous_release, began, now)
        except KeelwayError as error:
            self.misread += 1
            if last or self.misread >= self.bounds.measure_errors_max:
                said = f"The numbers of a share could not be read: {error.message}"
                raise StageFailed("share_unread", said) from error
            return None
        self.misread = 0
        tick = self.settings.tick_seconds
        since = max(tick, (now - began).total_seconds() - tick - _LAG_SECONDS)
        over = since if last else 0.0
        return judge_beside(self.history, old, new, self.answers, self.settings, (since, over))

    def _ticks(self, name: str, release: str, since: datetime, until: datetime) -> tuple[Tick, ...]:
        ctx, where = self.ctx, self.deployment.environment
        tick = self.settings.tick_seconds
        return ctx.read(name, ctx.signal.ticks, where, release, since, until, tick)

    def _end(self, percent: int, seen: Beside) -> None:
        """Record what a share showed; only what speaks against nothing goes on."""
        self.ctx.record(
            EventKind.OBSERVED,
            f"share:{percent}",
            environment=self.deployment.environment,
            share=percent,
            decision=seen.decision.value,
            reasons=[reason.sentence for reason in seen.reasons],
            requests=seen.requests,
            errors=seen.errors,
            requests_beside=seen.control_requests,
            errors_beside=seen.control_errors,
        )
        if seen.decision is Decision.PASS:
            return
        code = "share_worse" if seen.decision is Decision.ROLLBACK else "share_unclear"
        why = " ".join(reason.sentence for reason in seen.reasons)
        raise StageFailed(code, f"With {percent} % of the traffic: {why}")
