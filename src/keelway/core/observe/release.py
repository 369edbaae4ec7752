"""Judge a release by everything that was seen of it: the numbers, its parts, what vanished, what fills up, time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from keelway.core.measure.health import ProbeTick
from keelway.core.measure.judge import judge_window
from keelway.core.measure.sample import Counts, Tick
from keelway.core.measure.verdict import Code, Decision, Judgement, Reason, VerdictSettings
from keelway.core.observe.clock import Passed, missing_share, one_after_another, passed_between
from keelway.core.observe.saturation import Fullness, SaturationLimits, fullness
from keelway.core.observe.series import Series, weigh_series
from keelway.core.observe.sight import Past, RouteCount, Sight
from keelway.core.observe.turned_away import DOUBT_SHARE_MIN, turned_away, turned_away_sentence
from keelway.core.observe.vanished import log_fell_silent, vanished_routes, vanished_sentence

LOOK_SECONDS_MAX = 30.0
"""How long one look may take before the rest of its time counts as nobody's."""

LOG_DROPS_MAX = 2
"""Looks in a row at which the log could not be read whole from which the release counts as flooding it."""


@dataclass(frozen=True)
class Looked:
    """Hold a look with its instant and what the counting questions said by their names."""

    at: datetime
    sight: Sight
    totals: dict[str, Counts] = field(default_factory=dict)
    """Work that came to an end since ever, and what of it failed."""


@dataclass(frozen=True)
class Story:
    """Hold everything that is known of a release while it is watched."""

    began_at: datetime
    stabilise_seconds: float
    history: tuple[Tick, ...]
    past: Past
    looks: tuple[Looked, ...]
    probes: tuple[ProbeTick, ...]
    limits: SaturationLimits = field(default_factory=SaturationLimits)
    tick_seconds: float = 10.0
    """How far apart the looks should be."""
    turned_away_share_max: float = 0.5
    """By how much the share of users who are turned away may grow."""

    @cached_property
    def passed(self) -> Passed:
        """Return what became of the time."""
        looks = [self.began_at, *(look.at for look in self.looks)]
        return passed_between(looks, self.tick_seconds, LOOK_SECONDS_MAX)

    @property
    def routes(self) -> list[RouteCount]:
        """Return what was counted by route, look by look."""
        return [route for look in self.looks for route in look.sight.routes]

    @cached_property
    def fullness(self) -> Fullness:
        """Return what fills up."""
        vitals = [look.sight.vitals for look in self.looks if look.sight.vitals is not None]
        return fullness(vitals, self.past.vitals, self.limits)

    @cached_property
    def turned_away(self) -> tuple[float, str]:
        """Return by how much more users are turned away than before, and say so."""
        before = self.past.answers
        newest = next((look.sight.answers for look in reversed(self.looks) if look.sight.answers), None)
        if newest is None or not before.requests:
            return 0.0, ""
        after = newest.since(self.past.own_answers)
        return turned_away(before, after), turned_away_sentence(before, after)


def judge_release(story: Story, settings: VerdictSettings) -> Judgement:
    """Judge one look at a release with everything before it.

    What harms users rolls back at once. What only a person can judge, and time that nobody watched, keeps a
    release from passing. Slowness while it settles is not held against it; errors are.
    """
    ticks = _settled(story)
    counted_seconds = max(0.0, story.passed.watched_seconds - story.stabilise_seconds)
    parts = weigh_series(_series(story), settings.window_seconds, settings.tolerance_ratio)
    judgement = _counted(
        judge_window(story.history, ticks, story.probes, settings, counted_seconds, parts), story
    )
    harm, doubt = _harm(story), _doubt(story, ticks, settings, counted_seconds)
    if harm or judgement.decision is Decision.ROLLBACK:
        own = judgement.reasons if judgement.decision is Decision.ROLLBACK else ()
        return replace(judgement, decision=Decision.ROLLBACK, reasons=(*own, *harm))
    if not doubt:
        return judgement
    decision = judgement.decision
    if decision is Decision.PASS:
        over = counted_seconds >= settings.window_seconds
        decision = Decision.INCONCLUSIVE if over else Decision.WATCH
    return replace(judgement, decision=decision, reasons=(*doubt, *judgement.reasons))


def _counted(judgement: Judgement, story: Story) -> Judgement:
    """Tell what the routes counted where no interval of the whole has ended yet."""
    routes = story.routes
    requests = sum(route.requests for route in routes)
    if judgement.requests or not requests:
        return judgement
    errors = min(requests, sum(route.errors for route in routes))
    return replace(judgement, requests=requests, errors=errors, rate_after=errors / requests)


def _settled(story: Story) -> list[Tick]:
    """Return the counted intervals, without the slowness of the time in which a release settles."""
    ticks = [tick for look in story.looks for tick in look.sight.ticks]
    kept = one_after_another(ticks)
    return [replace(tick, slow=0) if _settling(story, tick) else tick for tick in kept]


def _series(story: Story) -> tuple[Series, ...]:
    looks = story.looks
    offsets = tuple((look.at - looks[0].at).total_seconds() for look in looks) if looks else ()
    routes = [
        Series(
            f"the route {route.route}",
            route.counts,
            tuple(_counts(look.sight.routes, route.route) for look in looks),
            offsets,
            max(1.0, route.phi),
        )
        for route in story.past.routes
    ]
    return (*routes, *_queues(looks, offsets))


def _counts(routes: Sequence[RouteCount], name: str) -> Counts:
    requests = sum(one.requests for one in routes if one.route == name)
    errors = sum(one.errors for one in routes if one.route == name)
    return Counts(requests, min(errors, requests))


def _queues(looks: Sequence[Looked], offsets: tuple[float, ...]) -> list[Series]:
    """Return what each counting question saw: its past is everything before the first look."""
    names = dict.fromkeys(name for look in looks for name in look.totals)
    found = []
    for name in names:
        before: Counts | None = None
        newest = Counts()
        after = []
        for look in looks:
            now = look.totals.get(name)
            if now is None or before is None:
                before = before if now is None else now
                newest = newest if now is None else now
                after.append(Counts())
                continue
            ended, failed = now.requests - newest.requests, now.events - newest.events
            fits = 0 <= failed <= ended  # totals that fell were begun anew: what lies between is not known
            after.append(Counts(ended, failed) if fits else Counts())
            newest = now
        found.append(Series(f"the work of {name}", before or Counts(), tuple(after), offsets))
    return found


def _harm(story: Story) -> tuple[Reason, ...]:
    """Collect what condemns a release besides its numbers."""
    found = [Reason(Code.SATURATED, sentence) for sentence in story.fullness.harm]
    recent = story.looks[-LOG_DROPS_MAX:]
    if len(recent) == LOG_DROPS_MAX and all(look.sight.log_dropped for look in recent):
        said = "It logs more than can be read, so its errors would be missed."
        found.append(Reason(Code.LOG_DROPPED, said))
    grown, said = story.turned_away
    if grown > story.turned_away_share_max:
        found.append(Reason(Code.TURNED_AWAY, said))
    return tuple(found)


def _doubt(
    story: Story, ticks: Sequence[Tick], settings: VerdictSettings, counted_seconds: float
) -> tuple[Reason, ...]:
    """Collect what keeps a release from passing without condemning it."""
    found = [Reason(Code.FILLING_UP, sentence) for sentence in story.fullness.doubt]
    routes = story.routes
    requests = sum(tick.requests for tick in ticks)
    if routes and (gone := vanished_routes(story.past, routes, requests)):
        found.append(Reason(Code.VANISHED, vanished_sentence(gone)))
    logged = sum(look.sight.log_bytes for look in story.looks)
    if silent := log_fell_silent(story.past, logged, story.passed.watched_seconds):
        found.append(Reason(Code.LOG_SILENT, silent))
    since = min((tick.at for tick in ticks if not _settling(story, tick)), default=story.began_at)
    missing = missing_share(ticks, since, counted_seconds)
    if missing > settings.missing_share_max:
        said = f"{missing:.0%} of the watched time has no data. {story.passed.sentence}"
        found.append(Reason(Code.TIME_MISSING, said.strip()))
    grown, said = story.turned_away
    if grown > DOUBT_SHARE_MIN:
        found.append(Reason(Code.TURNED_AWAY, said))
    return tuple(found)


def _settling(story: Story, tick: Tick) -> bool:
    return (tick.at - story.began_at).total_seconds() < story.stabilise_seconds
