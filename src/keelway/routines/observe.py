"""Watch a release: read its numbers tick by tick and judge them until the verdict is in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from keelway.core.errors import KeelwayError, OurFault
from keelway.core.measure.health import ProbeTick
from keelway.core.measure.judge import judge_window
from keelway.core.measure.sample import Tick
from keelway.core.measure.verdict import Code, Decision, Judgement, Reason, VerdictSettings
from keelway.core.model.event import EventKind
from keelway.core.observe.sight import Vitals
from keelway.core.policy import ObservationPolicy
from keelway.ports.ledger import Deployment
from keelway.ports.probe import ProbeResult
from keelway.routines.context import Context
from keelway.routines.watch.looking import Looking
from keelway.routines.watch.yardstick import good_ticks

GAP_LOOKS = 2
"""How many times more looks than the window needs, where time passed that nobody watched."""


@dataclass(frozen=True)
class Observation:
    """Hold the end of a watch: the judgement, the last answers and the instants that matter."""

    judgement: Judgement
    probes: tuple[ProbeResult, ...]
    began_at: datetime
    ended_at: datetime
    new_exceptions: tuple[str, ...] = ()
    asked_by: str = ""
    """Who asked to roll back while the release was watched."""
    synthetic: int = 0
    """Requests of ours, sent where users sent few."""
    vitals: Vitals | None = None
    """What the release used at the last look."""


def settings_of(bounds: ObservationPolicy) -> VerdictSettings:
    """Take the statistical settings from the policy."""
    return VerdictSettings(
        window_seconds=bounds.window_seconds,
        tick_seconds=min(bounds.tick_seconds, bounds.window_seconds),
        alpha=bounds.alpha,
        error_rate_max=bounds.error_rate_max,
        error_rate_relative_max=bounds.error_rate_relative_max,
        burst_errors_max=bounds.burst_errors_max,
        burst_window_seconds=bounds.burst_window_seconds,
        probe_failures_max=bounds.probe_failures_max,
    )


def baseline(ctx: Context, environment: str, bounds: ObservationPolicy) -> tuple[Tick, ...]:
    """Read the numbers of the time before a deploy; what a bad release did to them is no yardstick for the next."""
    now = ctx.now()
    span = (now - timedelta(seconds=bounds.history_seconds), now)
    return ctx.read(
        "baseline",
        good_ticks,
        ctx.signal,
        ctx.ledger,
        environment,
        span=span,
        tick_seconds=bounds.tick_seconds,
    )


class _Watch:
    """Keep what was read of one release so far; everything in it comes from recorded steps."""

    def __init__(self, ctx: Context, deployment: Deployment, bounds: ObservationPolicy) -> None:
        self.ctx, self.deployment, self.bounds = ctx, deployment, bounds
        self.began_at = self.read_until = ctx.now()
        self.ticks: list[Tick] = []
        self.answers: list[ProbeTick] = []
        self.results: tuple[ProbeResult, ...] = ()
        self.misread = 0

    def look(self, number: int) -> datetime:
        """Ask the probes and read the intervals that were counted since the last look."""
        ctx, environment = self.ctx, self.deployment.environment
        now = ctx.now()
        spec = ctx.project.environment(environment)
        url = spec.address
        self.results = ctx.read(f"probe:{number}", ctx.probe.ask, url, ctx.project.probes)
        self.answers += [ProbeTick(now, result.ok, result.name) for result in self.results]
        try:
            fresh = ctx.read(
                f"ticks:{number}",
                ctx.signal.ticks,
                environment,
                self.deployment.release,
                self.read_until,
                now,
                self.bounds.tick_seconds,
            )
        except KeelwayError:
            self.misread += 1
        else:
            self.misread = 0
            self.ticks += fresh
            if fresh:
                self.read_until = fresh[-1].at + timedelta(seconds=fresh[-1].seconds)
        return now

    def judge(self, history: tuple[Tick, ...], settings: VerdictSettings, now: datetime) -> Judgement:
        """Judge what was read; numbers that cannot be read again and again are harm, not silence."""
        elapsed = (now - self.began_at).total_seconds()
        counted = max(0.0, elapsed - self.bounds.stabilise_seconds)
        judgement = judge_window(history, self.ticks, self.answers, settings, counted)
        if self.misread >= self.bounds.measure_errors_max:
            blind = Reason(
                Code.MISSING_DATA, "The release's numbers could not be read several times in a row."
            )
            return replace(judgement, decision=Decision.ROLLBACK, reasons=(blind, *judgement.reasons))
        return judgement


def observe(
    ctx: Context,
    deployment: Deployment,
    history: tuple[Tick, ...],
    bounds: ObservationPolicy,
) -> Observation:
    """Look every tick until the judgement is a rollback, a pass or the end of the window.

    A person's wish to roll back or to abort is heeded at every look.

    Raises:
        Aborted: a person asked to end the task.
    """
    if ctx.engine.patch("sight"):
        return _observe_all(ctx, deployment, history, bounds)
    return _observe_numbers(ctx, deployment, history, bounds)


def _observe_all(
    ctx: Context, deployment: Deployment, history: tuple[Tick, ...], bounds: ObservationPolicy
) -> Observation:
    """Watch with everything that can be seen; a gap or a set clock makes it longer, but not for ever."""
    watch = Looking(ctx, deployment, bounds, history)
    settings = settings_of(bounds)
    looks = GAP_LOOKS * (int((bounds.stabilise_seconds + bounds.window_seconds) / bounds.tick_seconds) + 2)
    for number in range(1, looks + 1):
        ctx.sleep(bounds.tick_seconds)
        now = watch.look(number)
        asked = ctx.heed(f"heed:{number}")
        judgement = watch.judge(settings)
        if asked or judgement.decision is not Decision.WATCH or number == looks:
            return _ended(watch, judgement, now, asked)
    raise OurFault("watch_unbounded", "A watch went beyond its last look.")


def _observe_numbers(
    ctx: Context, deployment: Deployment, history: tuple[Tick, ...], bounds: ObservationPolicy
) -> Observation:
    """Watch as it was done before routes, queues and processes could be seen: for runs that began so."""
    watch = _Watch(ctx, deployment, bounds)
    settings = settings_of(bounds)
    looks = int((bounds.stabilise_seconds + bounds.window_seconds) / bounds.tick_seconds) + 2
    for number in range(1, looks + 1):
        ctx.sleep(bounds.tick_seconds)
        now = watch.look(number)
        asked = ctx.heed(f"heed:{number}")
        judgement = watch.judge(history, settings, now)
        if asked or judgement.decision is not Decision.WATCH or number == looks:
            return _ended(watch, judgement, now, asked)
    raise OurFault("watch_unbounded", "A watch went beyond its last look.")


def _ended(watch: _Watch | Looking, judgement: Judgement, now: datetime, asked: str) -> Observation:
    ctx, deployment = watch.ctx, watch.deployment
    figures = [
        (tick.at, {"requests": tick.requests, "errors": tick.errors, "slow": tick.slow})
        for tick in watch.ticks
    ]
    ctx.book(f"samples:{deployment.environment}", ctx.ledger.save_samples, deployment.id, "front", figures)
    ctx.record(
        EventKind.OBSERVED,
        f"observed:{deployment.environment}",
        environment=deployment.environment,
        decision=judgement.decision.value,
        reasons=[reason.sentence for reason in judgement.reasons],
        requests=judgement.requests,
        errors=judgement.errors,
    )
    if isinstance(watch, _Watch):
        return Observation(judgement, watch.results, watch.began_at, now, (), asked)
    vitals = next(
        (look.sight.vitals for look in reversed(watch.story.looks) if look.sight.vitals is not None), None
    )
    return Observation(judgement, watch.results, watch.began_at, now, (), asked, watch.synthetic, vitals)


def new_exceptions(
    ctx: Context, observation: Observation, deployment: Deployment, history_seconds: float
) -> tuple[str, ...]:
    """Name the errors that this release logged and that the time before it never showed."""
    since = observation.began_at - timedelta(seconds=history_seconds)
    seen = ctx.read("exceptions", ctx.signal.exceptions, deployment.environment, since)
    fresh = [entry for entry in seen if entry.first_at >= deployment.started_at]
    return tuple(f"{entry.title} ({entry.count} times, {entry.route})" for entry in fresh)


def figures_of(watched: Observation) -> dict[str, Any]:
    """Return what a deployment is remembered by once it was watched."""
    judged, vitals = watched.judgement, watched.vitals
    figures: dict[str, Any] = {
        "judgement": sentence_of(judged),
        "decision": judged.decision.value,
        "requests": judged.requests,
        "errors": judged.errors,
        "rate_before": judged.rate_before,
        "rate_after": judged.rate_after,
        "detectable_ratio": judged.detectable_ratio,
        "observed_seconds": (watched.ended_at - watched.began_at).total_seconds(),
        "verdict_at": watched.ended_at.isoformat(),
    }
    if watched.synthetic:
        figures["synthetic_requests"] = watched.synthetic
    if vitals is not None:
        figures |= {"memory_mb": round(vitals.memory_mb, 1), "descriptors": vitals.descriptors}
    return figures


def sentence_of(judgement: Judgement) -> str:
    """Say the decision and its main figures in one line."""
    before = "no history" if judgement.rate_before is None else f"{judgement.rate_before:.2%} before"
    after = "no traffic" if judgement.rate_after is None else f"{judgement.rate_after:.2%} after"
    reasons = " ".join(reason.sentence for reason in judgement.reasons[:3])
    seen = f"{judgement.requests} requests, {judgement.errors} failed"
    return f"{judgement.decision.value}: {seen} ({before}, {after}). {reasons}"
