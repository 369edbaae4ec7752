"""Weigh the evidence that a release is worse than what ran before it, at any time one looks.

The evidence is an e-value: a bet against "the new error rate is at most `tolerance` times the old one", given
the traffic. It multiplies the stake by 1/alpha with a chance of at most about alpha when the release is
healthy (Ville's inequality), however often one looks. Conditional on the totals, the new release's share of
all errors is binomial; see Lindon and Malek, "Anytime-valid inference for multinomial count data" (2022), and
Shin, Ramdas and Rinaldo, "E-detectors", for the change points.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from keelway.core.measure.sample import Counts, Track

RATIOS = (1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 150.0)
"""How many times worse than tolerated the bet considers, equal stakes on each."""

CUT_SECONDS = 60.0
"""A late regression is looked for from every minute on."""

CUTS_MAX = 60
"""Cuts at most, however long the window: longer windows space them wider."""

BLOCK_LENGTHS = (1, 6, 30)
"""History ticks per block when noise is measured at several time scales."""

BLOCKS_MIN = 10
BLOCK_EVENTS_MIN = 1.0
NOISE_EVENTS_MIN = 5

DEPLOY_WEIGHT = 0.5
DETECTABLE_MAX = 1000.0
DETECTABLE_STEPS = 24

_LOG_RATIOS = tuple((ratio - 1.0, math.log(ratio)) for ratio in RATIOS)
_LOG_COUNT = math.log(len(RATIOS))


@dataclass(frozen=True, slots=True)
class Bet:
    """Say against what the evidence bets: the tolerated ratio, and how much noise (phi >= 1) tempers it."""

    tolerance_ratio: float = 1.25
    phi: float = 1.0


@dataclass(frozen=True, slots=True)
class Cuts:
    """Say from which tick each change point counts, and what stake each of them gets."""

    starts: tuple[int, ...]
    weight: float

    def unspent(self, passed: int) -> float:
        """Give the stake that no change point has taken yet."""
        return max(0.0, 1.0 - DEPLOY_WEIGHT - self.weight * passed)


def log_sum_exp(values: Sequence[float]) -> float:
    """Add numbers given as logarithms without overflow."""
    top = max(values)
    if top == -math.inf:
        return top
    return top + math.log(math.fsum(math.exp(value - top) for value in values))


def log_lr(split: tuple[float, float, float, float], bet: Bet) -> float:
    """Give log E of one cut: the mean over all ratios of the tempered likelihood ratio.

    `split` is (events after, requests after, events before, requests before). With p(r) = r n / (n0 + r n) the
    log ratio k log(p(tau r) / p(tau)) + k0 log((1 - p(tau r)) / (1 - p(tau))) shortens to
    k log r - (k + k0) log((n0 + tau r n) / (n0 + tau n)), which needs no special case for zero counts.
    """
    events, requests, events_before, requests_before = split
    scaled = bet.tolerance_ratio * requests
    whole = requests_before + scaled
    if not whole:
        return 0.0
    share = scaled / whole
    both = events + events_before
    terms = [(events * log - both * math.log1p(share * step)) / bet.phi for step, log in _LOG_RATIOS]
    return log_sum_exp(terms) - _LOG_COUNT


def plan_cuts(offsets_seconds: Sequence[float], window_seconds: float) -> Cuts:
    """Place change points, one a minute and at most CUTS_MAX, on ticks that begin at these offsets.

    Stakes are 1 / (2 N) each for the N cuts of the whole window, so that with the deploy's half they never
    exceed one. A cut without a tick after it is not placed, its stake stays unspent.
    """
    count = cut_count(window_seconds)
    spacing = max(CUT_SECONDS, window_seconds / count)
    starts: list[int] = []
    for index, offset in enumerate(offsets_seconds):
        while len(starts) < count and offset >= spacing * (len(starts) + 1):
            starts.append(index)
    return Cuts(tuple(starts), (1.0 - DEPLOY_WEIGHT) / count)


def cut_count(window_seconds: float) -> int:
    """Count the change points of a window."""
    return min(CUTS_MAX, max(1, math.ceil(window_seconds / CUT_SECONDS)))


def log_e_value(history: Counts, track: Track, cuts: Cuts, bet: Bet, ticks: int | None = None) -> float:
    """Give log E after the first `ticks` ticks of a release (all by default), compared with its history.

    Half of the stake bets on "worse since the deploy", the rest on "worse since minute c" for every passed c;
    the requests before c then count as history.
    """
    end = len(track.requests) - 1 if ticks is None else ticks
    requests, events = track.requests[end], track.events[end]
    terms = [math.log(DEPLOY_WEIGHT) + log_lr((events, requests, history.events, history.requests), bet)]
    log_weight = math.log(cuts.weight)
    passed = 0
    for start in cuts.starts:
        if start >= end:
            break
        passed += 1
        earlier, earlier_events = track.requests[start], track.events[start]
        split = (
            events - earlier_events,
            requests - earlier,
            history.events + earlier_events,
            history.requests + earlier,
        )
        terms.append(log_weight + log_lr(split, bet))
    unspent = cuts.unspent(passed)
    if unspent:
        terms.append(math.log(unspent))
    return log_sum_exp(terms)


def detectable_ratio(
    history: Counts, requests: float, window_seconds: float, bet: Bet, log_threshold: float
) -> float | None:
    """Find the smallest ratio that would be rolled back at the window's end with `requests` served evenly.

    Errors are set to their expectation. None when even a thousandfold (or total) failure would stay unseen,
    or when the history has no event to multiply.
    """
    rate = history.rate
    if not rate:
        return None
    low, high = 0.0, math.log(max(1.0, min(DETECTABLE_MAX, 1 / rate)))
    if _expected_log_e(history, requests, window_seconds, bet, math.exp(high)) < log_threshold:
        return None
    for _ in range(DETECTABLE_STEPS):
        middle = (low + high) / 2
        if _expected_log_e(history, requests, window_seconds, bet, math.exp(middle)) < log_threshold:
            low = middle
        else:
            high = middle
    return math.exp(high)


def _expected_log_e(history: Counts, requests: float, window_seconds: float, bet: Bet, ratio: float) -> float:
    events = requests * ratio * (history.rate or 0.0)
    count = cut_count(window_seconds)
    terms = [math.log(DEPLOY_WEIGHT) + log_lr((events, requests, history.events, history.requests), bet)]
    log_weight = math.log((1.0 - DEPLOY_WEIGHT) / count)
    for cut in range(1, count + 1):
        gone = cut / count
        split = (
            events * (1 - gone),
            requests * (1 - gone),
            history.events + events * gone,
            history.requests + requests * gone,
        )
        terms.append(log_weight + log_lr(split, bet))
    return log_sum_exp(terms)


def overdispersion(history: Sequence[Counts]) -> float:
    """Measure how much noisier than chance the history is: 1 is pure chance, larger tempers the evidence.

    This is Pearson's chi-square per degree of freedom (McCullagh's quasi-likelihood), the largest over block
    lengths of 1, 6 and 30 ticks that leave at least 10 blocks with an expected event each. Histories with
    fewer than 5 events give 1.
    """
    if total_events(history) < NOISE_EVENTS_MIN:
        return 1.0
    return max([1.0, *(_dispersion(_blocks(history, length)) for length in BLOCK_LENGTHS)])


def total_events(series: Sequence[Counts]) -> int:
    """Sum the events of a series."""
    return sum(counts.events for counts in series)


def _blocks(series: Sequence[Counts], length: int) -> list[tuple[int, int]]:
    """Sum whole blocks; blocks without a request say nothing about noise and are left out."""
    whole = range(0, len(series) - length + 1, length)
    sums = [
        (sum(c.requests for c in series[at : at + length]), sum(c.events for c in series[at : at + length]))
        for at in whole
    ]
    return [block for block in sums if block[0]]


def _dispersion(blocks: Sequence[tuple[int, int]]) -> float:
    events = sum(block[1] for block in blocks)
    if len(blocks) < BLOCKS_MIN or events / len(blocks) < BLOCK_EVENTS_MIN:
        return 1.0
    share = events / sum(block[0] for block in blocks)
    spread = share * (1 - share)
    if not spread:
        return 1.0
    squares = math.fsum((hit - size * share) ** 2 / (size * spread) for size, hit in blocks)
    return squares / (len(blocks) - 1)
