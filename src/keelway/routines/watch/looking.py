"""Look at a release again and again with everything that can be seen of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from keelway.core.errors import KeelwayError
from keelway.core.measure.health import ProbeTick
from keelway.core.measure.sample import Counts, Tick
from keelway.core.measure.verdict import Code, Decision, Judgement, Reason, VerdictSettings
from keelway.core.observe.release import Looked, Story, judge_release
from keelway.core.observe.saturation import SaturationLimits
from keelway.core.observe.sight import Past, Sight, Stand
from keelway.core.observe.synthetic import is_synthetic, synthetic, tick_of
from keelway.core.policy import ObservationPolicy
from keelway.ports.ledger import Deployment
from keelway.ports.probe import About, ProbeResult
from keelway.routines.context import Context
from keelway.routines.watch.yardstick import good_past


class Looking:
    """Keep what was seen of one release so far; everything in it comes from recorded steps."""

    def __init__(
        self, ctx: Context, deployment: Deployment, bounds: ObservationPolicy, history: tuple[Tick, ...]
    ) -> None:
        self.ctx, self.deployment, self.bounds = ctx, deployment, bounds
        self.began_at = self.seen_until = self.read_until = ctx.now()
        self.past = _past(ctx, deployment, bounds)
        self.story = Story(
            self.began_at,
            bounds.stabilise_seconds,
            history,
            self.past,
            (),
            (),
            limits_of(bounds, ctx.policy.watch.watch_seconds),
            bounds.tick_seconds,
            bounds.turned_away_share_max,
        )
        self.results: tuple[ProbeResult, ...] = ()
        self.misread = 0
        self.synthetic = self.own_before = 0

    @property
    def ticks(self) -> list[Tick]:
        """Return every counted interval."""
        return [tick for look in self.story.looks for tick in look.sight.ticks]

    def look(self, number: int) -> datetime:
        """Ask the probes, with requests of our own where users send few, and see what happened since the last look."""
        ctx, environment, release = self.ctx, self.deployment.environment, self.deployment.release
        now = ctx.now()
        specs = ctx.project.probes_in(environment)
        ours = synthetic(specs, self._wanting())
        about = About(environment, release)
        url = ctx.project.environment(environment).address
        answers = ctx.read(f"probe:{number}", ctx.probe.ask, url, (*specs, *ours), about)
        self.results = tuple(each for each in answers if not is_synthetic(each.name))
        own = [each for each in answers if is_synthetic(each.name)]
        self.synthetic += len(own)
        self.own_before = len(own)
        sight = self._sight(number, now)
        if sight is not None and not sight.counted and own:
            failures = sum(not each.ok for each in own)
            sight = replace(sight, ticks=tick_of(self.seen_until, now, len(own), failures))
        self._keep(now, sight or Sight())
        if sight is not None:  # what could not be read is read at the next look
            self.seen_until = now
        return now

    def _wanting(self) -> int:
        """Return how many requests users left out at the last look; ours are none of theirs."""
        looks = self.story.looks
        had = sum(tick.requests for tick in looks[-1].sight.ticks) if looks else 0
        return max(0, self.bounds.synthetic_requests - max(0, had - self.own_before))

    def _sight(self, number: int, now: datetime) -> Sight | None:
        stand = Stand(
            self.read_until,
            self.seen_until,
            now,
            self.bounds.tick_seconds,
            self.past.fingerprints,
            self.story.looks[-1].sight.log_size if self.story.looks else self.past.log_size,
        )
        ctx, deployment = self.ctx, self.deployment
        try:
            sight = ctx.read(
                f"look:{number}", ctx.signal.look, deployment.environment, deployment.release, stand
            )
        except KeelwayError:
            self.misread += 1
            return None
        self.misread = 0
        if sight.ticks:
            last = sight.ticks[-1]
            self.read_until = last.at + timedelta(seconds=last.seconds)
            fresh = replace(last, new_errors=sight.new_errors)
            sight = replace(sight, ticks=(*sight.ticks[:-1], fresh))
        return sight

    def _keep(self, now: datetime, sight: Sight) -> None:
        totals = {
            each.name: Counts(each.done + each.failed, each.failed)
            for each in self.results
            if each.done >= 0 and each.failed >= 0
        }
        answers = tuple(ProbeTick(now, each.ok, each.name) for each in self.results)
        self.story = replace(
            self.story,
            looks=(*self.story.looks, Looked(now, sight, totals)),
            probes=(*self.story.probes, *answers),
        )

    def judge(self, settings: VerdictSettings) -> Judgement:
        """Judge what was seen; numbers that cannot be read again and again are harm, not silence."""
        judgement = judge_release(self.story, settings)
        if self.misread >= self.bounds.measure_errors_max:
            blind = Reason(
                Code.MISSING_DATA, "The release's numbers could not be read several times in a row."
            )
            return replace(judgement, decision=Decision.ROLLBACK, reasons=(blind, *judgement.reasons))
        return judgement


def _past(ctx: Context, deployment: Deployment, bounds: ObservationPolicy) -> Past:
    """Read what is known of the time before the deploy; what cannot be read is absent."""
    until = deployment.started_at
    since = until - timedelta(seconds=bounds.history_seconds)
    try:
        return ctx.read("past", good_past, ctx.signal, ctx.ledger, deployment, span=(since, until))
    except KeelwayError:
        return Past()


def limits_of(bounds: ObservationPolicy, day_seconds: float) -> SaturationLimits:
    """Take what a release may use from the policy."""
    return SaturationLimits(
        restarts_max=max(1, bounds.restarts_max),
        memory_mb_max=bounds.memory_mb_max,
        exhaust_seconds_min=bounds.exhaust_seconds_min,
        day_seconds=day_seconds,
    )
