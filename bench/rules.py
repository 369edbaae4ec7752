"""The rules that are compared, each as a question at a look: would it roll back now?

A1 to A3 are fixed thresholds as they are written into deployment scripts (A1m and A2m with a minimum count); B1 is
in the manner of Flagger, B2 of Argo Rollouts, B3 of Kayenta, each with one metric; C0 to C2 are the tests of a
textbook; E0 to E4 are bets as Keelway places them, E3 being the shipped one. All see the same numbers.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from statistics import NormalDist, fmean

from traces import HISTORY, LOOKS, TICK, Cell, Drawn

from keelway.core.measure.canary import canary_log_e_value
from keelway.core.measure.eprocess import (
    RATIOS,
    Bet,
    log_e_value,
    log_lr,
    log_sum_exp,
    overdispersion,
    plan_cuts,
)
from keelway.core.measure.health import ProbeTick
from keelway.core.measure.judge import judge_window
from keelway.core.measure.sample import Counts, Tick, Track, total
from keelway.core.measure.verdict import Decision, VerdictSettings

FIXED = (
    "A1",
    "A1m",
    "A2",
    "A2m",
    "A3",
    "B1",
    "B2",
    "B3",
    "C0",
    "C1",
    "C2",
    "E0",
    "E1",
    "E2",
    "E3",
    "E3b",
    "E4",
)
ALPHA, TOLERANCE = 0.01, 1.25
LOG_LINE = math.log(1 / ALPHA)
MINUTE, FIRST_LOOK = 6, 30
Z_ONE_SIDED = NormalDist().inv_cdf(1 - ALPHA)
_CUTS = plan_cuts([TICK * i for i in range(LOOKS)], TICK * LOOKS)


class Bench:
    """Hold one trace as the rules want to see it."""

    def __init__(self, cell: Cell, drawn: Drawn) -> None:
        self.cell, self.drawn = cell, drawn
        self.track, self.old = Track.of(drawn.after), total(drawn.history)
        self.size, self.bad = self.track.requests, self.track.events

    @cached_property
    def phi(self) -> float:
        """Return how much noisier than chance the history is."""
        return overdispersion(self.drawn.history)

    @cached_property
    def history_minutes(self) -> list[float]:
        """Return the error shares of the history, as fine as it was counted."""
        per_minute = MINUTE if self.cell.step <= TICK else 1
        return shares(Track.of(self.drawn.history), HISTORY, per_minute)

    @cached_property
    def old_bound(self) -> float:
        """Return the Clopper-Pearson upper bound of the old error rate at half of alpha."""
        return clopper_pearson(self.old.events, self.old.requests, ALPHA / 2)

    def minute(self, look: int) -> Counts:
        """Return what the minute that ends with a look counted."""
        return Counts(self.size[look] - self.size[look - MINUTE], self.bad[look] - self.bad[look - MINUTE])


def shares(track: Track, ticks: int, per_minute: int) -> list[float]:
    """Give the error share of every whole interval of so many ticks that had requests."""
    found = []
    for end in range(per_minute, ticks + 1, per_minute):
        size = track.requests[end] - track.requests[end - per_minute]
        if size:
            found.append((track.events[end] - track.events[end - per_minute]) / size)
    return found


def minutes_below(limit: float, failures: int) -> Callable[[Bench, int], bool]:
    """Count minutes whose share of good answers lies below a limit, over the whole watch."""

    def fired(bench: Bench, look: int) -> bool:
        bad = 0
        for end in range(MINUTE, look + 1, MINUTE):
            minute = bench.minute(end)
            bad += minute.requests > 0 and minute.events > (1 - limit) * minute.requests
        return bad >= failures

    return fired


def rank_test(new: list[float], old: list[float]) -> bool:
    """Fire when the 98 % Mann-Whitney interval of the shift lies above a quarter of its estimate."""
    if not new or not old or fmean(new) <= fmean(old):
        return False
    shifts = sorted(late - early for late in new for early in old)
    size = len(shifts)
    rank = max(0, math.floor(size / 2 - 2.326 * math.sqrt(size * (len(new) + len(old) + 1) / 12)))
    return shifts[rank] > 0.25 * abs(shifts[size // 2])


def kayenta(bench: Bench, look: int) -> bool:
    """Compare minutes with the history's by ranks, from minute five on, each minute."""
    if look < FIRST_LOOK or look % MINUTE:
        return False
    return rank_test(shares(bench.track, look, MINUTE), bench.history_minutes)


def z_test(bench: Bench, look: int) -> bool:
    """Compare two shares by the pooled normal test, one-sided."""
    size, bad, old = bench.size[look], bench.bad[look], bench.old
    if not size or not old.requests:
        return False
    pooled = (bad + old.events) / (size + old.requests)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / size + 1 / old.requests))
    return spread > 0 and bad / size - old.events / old.requests > Z_ONE_SIDED * spread


def sprt(bench: Bench, look: int) -> bool:
    """Run Wald's test for twice the old rate, which is taken for known."""
    rate = min(0.499, (bench.old.events or 0.5) / max(1, bench.old.requests))
    size, bad = bench.size[look], bench.bad[look]
    return bad * math.log(2) + (size - bad) * math.log((1 - 2 * rate) / (1 - rate)) >= LOG_LINE


def bet(*, tolerance: float, tempered: bool, cuts: bool) -> Callable[[Bench, int], bool]:
    """Place Keelway's bet with or without tolerance, tempering and change points."""

    def fired(bench: Bench, look: int) -> bool:
        placed = Bet(tolerance, bench.phi if tempered else 1.0)
        if cuts:
            return bool(
                promising(bench, look, placed)
                and log_e_value(bench.old, bench.track, _CUTS, placed, look) >= LOG_LINE
            )
        split = (bench.bad[look], bench.size[look], bench.old.events, bench.old.requests)
        return bool(_best(split, placed) >= LOG_LINE and log_lr(split, placed) >= LOG_LINE)

    return fired


def _best(split: tuple[float, float, float, float], placed: Bet) -> float:
    """Bound log E of one cut from above by its best ratio: cheap, so that hopeless looks cost nothing."""
    events, requests, before, requests_before = split
    scaled = placed.tolerance_ratio * requests
    if not (scaled and requests_before):
        return 0.0
    share = scaled / (requests_before + scaled)
    best = min(RATIOS[-1], events * requests_before / (before * scaled) if before else RATIOS[-1])
    if best <= 1.0:
        return 0.0
    return max(
        0.0, (events * math.log(best) - (events + before) * math.log1p(share * (best - 1.0))) / placed.phi
    )


def promising(bench: Bench, look: int, placed: Bet) -> bool:
    """Tell whether the exact evidence could reach the line at all."""
    size, bad, old = bench.size, bench.bad, bench.old
    top = _best((bad[look], size[look], old.events, old.requests), placed)
    for start in _CUTS.starts:
        if start >= look:
            break
        split = (
            bad[look] - bad[start],
            size[look] - size[start],
            old.events + bad[start],
            old.requests + size[start],
        )
        top = max(top, _best(split, placed))
    return top >= LOG_LINE


def bounded_bet(bench: Bench, look: int) -> bool:
    """Bet against the upper bound of the old rate instead of against how the errors divide."""
    null = min(0.99, TOLERANCE * bench.old_bound)
    starts = [0, *(start for start in _CUTS.starts if start < look)]
    weights = [0.5, *[_CUTS.weight] * (len(starts) - 1)]
    terms = [math.log(max(1e-300, _CUTS.unspent(len(starts) - 1)))]
    for start, weight in zip(starts, weights, strict=True):
        hits = bench.bad[look] - bench.bad[start]
        misses = bench.size[look] - bench.size[start] - hits
        odds = [min(0.999, null * ratio) for ratio in RATIOS]
        logs = [
            (hits * math.log(rate / null) + misses * math.log((1 - rate) / (1 - null))) / bench.phi
            for rate in odds
        ]
        terms.append(math.log(weight) + log_sum_exp(logs) - math.log(len(RATIOS)))
    return log_sum_exp(terms) >= math.log(2 / ALPHA)


def clopper_pearson(hits: int, size: int, alpha: float) -> float:
    """Give the upper bound of a share by bisection on the binomial tail."""
    if not size or hits >= size:
        return 1.0
    low, high = hits / size, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if _tail(hits, size, middle) > alpha:
            low = middle
        else:
            high = middle
    return high


def _tail(hits: int, size: int, share: float) -> float:
    """Give P(X <= hits) as the incomplete beta function, by Lentz's continued fraction."""
    a, b, x = size - hits, hits + 1, 1 - share
    if x <= 0:
        return 0.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(b, a, 1 - x)
    return _beta(a, b, x)


def _beta(a: float, b: float, x: float) -> float:
    front = (
        math.exp(a * math.log(x) + b * math.log1p(-x) - math.lgamma(a) - math.lgamma(b) + math.lgamma(a + b))
        / a
    )
    tiny, c, d = 1e-300, 1.0, 0.0
    d = 1 / max(tiny, 1 - (a + b) * x / (a + 1))
    result = d
    for m in range(1, 10_000):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d, c = 1 + step * d, 1 + step / c
            d, c = 1 / (d or tiny), c or tiny
            result *= d * c
        if abs(d * c - 1) < 1e-10:
            break
    return front * result


def judged(bench: Bench, look: int) -> bool:
    """Fire when the shipped judgement, limits included, says roll back."""
    old = [
        ticked(counts, bench.cell.step * (i - HISTORY), bench.cell.step)
        for i, counts in enumerate(bench.drawn.history)
    ]
    new = [ticked(counts, TICK * i, TICK) for i, counts in enumerate(bench.drawn.after[:look])]
    probes = [ProbeTick(tick.at, healthy=True) for tick in new]
    return judge_window(old, new, probes, VerdictSettings(), TICK * look).decision is Decision.ROLLBACK


def ticked(counts: Counts, at_seconds: float, seconds: float) -> Tick:
    """Place counts in time."""
    at = datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=at_seconds)
    return Tick(at, counts.requests, counts.events, seconds=seconds)


RULES: dict[str, Callable[[Bench, int], bool]] = {
    "A1": lambda b, look: b.bad[look] > 0.05 * b.size[look],
    "A1m": lambda b, look: b.size[look] >= 100 and b.bad[look] > 0.05 * b.size[look],
    "A2": lambda b, look: b.bad[look] * b.old.requests > 1.5 * b.old.events * b.size[look],
    "A2m": lambda b, look: (
        b.bad[look] >= 10 and b.bad[look] * b.old.requests > 1.5 * b.old.events * b.size[look]
    ),
    "A3": lambda b, look: b.bad[look] - b.bad[max(0, look - 30)] > 10,
    "B1": minutes_below(0.99, 5),
    "B2": minutes_below(0.95, 4),
    "B3": kayenta,
    "C0": z_test,
    "C1": lambda b, look: look == LOOKS and z_test(b, look),
    "C2": sprt,
    "E0": bet(tolerance=1.0, tempered=False, cuts=False),
    "E1": bet(tolerance=TOLERANCE, tempered=False, cuts=False),
    "E2": bet(tolerance=TOLERANCE, tempered=True, cuts=False),
    "E3": bet(tolerance=TOLERANCE, tempered=True, cuts=True),
    "E3b": bet(tolerance=1.5, tempered=True, cuts=True),
    "E4": bounded_bet,
    "judge": judged,
}
BY_MINUTE = frozenset({"B1", "B2", "B3"})
"""Rules that look once a minute."""


def first_look(bench: Bench, rule: str) -> int:
    """Give the first look at which a rule rolls back, 0 when it never does."""
    test, looks = RULES[rule], range(1, LOOKS + 1)
    if rule in BY_MINUTE:
        looks = range(MINUTE, LOOKS + 1, MINUTE)
    return next((look for look in looks if test(bench, look)), 0)


def concurrent_looks(bench: Bench) -> dict[str, int]:
    """Give the first looks of the rules that may compare with the old release beside the canary."""
    pairs = list(zip(bench.drawn.after, bench.drawn.beside, strict=True))
    beside = Track.of(bench.drawn.beside)
    found = {"E5": 0, "B3 beside": 0, "E3 history": first_look(bench, "E3")}
    for look in range(1, LOOKS + 1):
        if not found["E5"] and canary_log_e_value(pairs[:look], LOOKS, TOLERANCE) >= LOG_LINE:
            found["E5"] = look
        due = look >= FIRST_LOOK and look % MINUTE == 0 and not found["B3 beside"]
        if due and rank_test(shares(bench.track, look, MINUTE), shares(beside, look, MINUTE)):
            found["B3 beside"] = look
    return found


def served(bench: Bench, look: int) -> int:
    """Count the errors that were served until a verdict at a look, all of them when there was none."""
    return bench.bad[look or LOOKS]
