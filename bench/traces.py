"""Draw seeded traffic: an hour or a day of history, then fifteen minutes with a release that may be worse."""

import math
from dataclasses import dataclass
from random import Random

from keelway.core.measure.sample import Counts

SEED = 20
RATES, OLD = (0.1, 1.0, 10.0, 100.0, 1000.0), (0.001, 0.01, 0.05)
NOISES = ("iid", "overdispersed", "diurnal", "bursty", "bursty-minute")
LOOKS, TICK, HISTORY = 90, 10.0, 360
CHANGES = {"none": (1.0, 0.0, 0), "better": (0.3, 0.0, 0), "x1.5": (1.5, 0.0, 0), "x2": (2.0, 0.0, 0)}
CHANGES |= {"x5": (5.0, 0.0, 0), "+12pp": (1.0, 0.12, 0), "+12pp@8min": (1.0, 0.12, 48)}
CANARY_SHARE = 0.1
Factors = list[tuple[float, float]]


@dataclass(frozen=True)
class Cell:
    """One point of the grid: traffic per second, old error share, noise and change."""

    rate: float
    old: float
    noise: str
    change: str

    @property
    def step(self) -> float:
        """Return the length of a tick of the history."""
        return 10.0 if self.rate >= 10 else 240.0

    @property
    def begin(self) -> int:
        """Return the look after which the change begins."""
        return CHANGES[self.change][2]


@dataclass(frozen=True)
class Drawn:
    """Hold one trace: the history, what the new release served, and what the old one served beside it."""

    history: list[Counts]
    after: list[Counts]
    beside: list[Counts]


def poisson(rng: Random, mean: float) -> int:
    """Draw exactly: multiplication for small means, Hormann's PTRS (1993) for large ones."""
    if mean < 12:
        limit, product, count = math.exp(-mean), rng.random(), 0
        while product > limit:
            product *= rng.random()
            count += 1
        return count
    b = 0.931 + 2.53 * math.sqrt(mean)
    a, inverse, accept = -0.059 + 0.02483 * b, 1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2)
    while True:
        u, v = rng.random() - 0.5, 1.0 - rng.random()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + mean + 0.43) if us > 0 else -1
        if us >= 0.07 and v <= accept:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        if math.log(v * inverse / (a / (us * us) + b)) <= k * math.log(mean) - mean - math.lgamma(k + 1):
            return k


def noise_factors(rng: Random, noise: str, starts: list[float], seconds: list[float]) -> Factors:
    """Draw (traffic factor, error factor) of each tick."""
    if noise == "overdispersed":
        return [(1.0, factor) for factor in lognormal(rng, starts)]
    if noise == "diurnal":
        phase = 2 * math.pi * rng.random()
        waves = [math.sin(2 * math.pi * start / 86400 + phase) for start in starts]
        return [(1 + 0.5 * wave, 1 + 0.25 * wave) for wave in waves]
    if noise.startswith("bursty"):
        draw = tick_bursts if noise == "bursty" else minute_bursts
        return [(1.0, factor) for factor in draw(rng, starts, seconds)]
    return [(1.0, 1.0)] * len(starts)


def lognormal(rng: Random, starts: list[float]) -> list[float]:
    """Draw an AR(1) lognormal factor of mean 1, cv 0.5 and two minutes correlation."""
    sigma = math.sqrt(math.log(1.25))
    state, last, factors = rng.gauss(0, 1), starts[0], []
    for start in starts:
        keep = math.exp(-(start - last) / 120)
        state, last = keep * state + math.sqrt(1 - keep * keep) * rng.gauss(0, 1), start
        factors.append(math.exp(sigma * state - sigma * sigma / 2))
    return factors


def tick_bursts(rng: Random, starts: list[float], seconds: list[float]) -> list[float]:
    """Draw x8 bursts, one per 20 minutes, of a minute in whole ticks (at least one)."""
    left, factors = 0, []
    for length in seconds:
        left = max(1, round(60 / length)) if rng.random() < length / 1200 else left - 1
        factors.append(8.0 if left > 0 else 1.0)
    return factors


def minute_bursts(rng: Random, starts: list[float], seconds: list[float]) -> list[float]:
    """Draw x8 bursts, one per 20 minutes, of exactly a minute, spread over the ticks they touch."""
    events, at = [], starts[0] - 60
    while at < starts[-1] + seconds[-1]:
        at += rng.expovariate(1 / 1200)
        events.append(at)
    ticks = list(zip(starts, seconds, strict=True))
    return [1 + 7 / s * sum(max(0.0, min(at + s, e + 60) - max(at, e)) for e in events) for at, s in ticks]


def counted(rng: Random, requests: float, share: float) -> Counts:
    """Draw what one tick counts."""
    share = min(1.0, share)
    bad = poisson(rng, requests * share)
    return Counts(bad + poisson(rng, requests * (1 - share)), bad)


def draw(rng: Random, cell: Cell, *, canary: bool = False) -> Drawn:
    """Draw a history (1 h from 10 rps up, else 24 h) and 900 s after the deploy.

    For a canary the new release gets a tenth of the traffic and the old one keeps the rest; noise is shared.
    """
    starts = [cell.step * i for i in range(HISTORY)]
    starts += [cell.step * HISTORY + TICK * i for i in range(LOOKS)]
    seconds = [cell.step] * HISTORY + [TICK] * LOOKS
    ratio, added, begin = CHANGES[cell.change]
    found, beside = [], []
    for index, (load, factor) in enumerate(noise_factors(rng, cell.noise, starts, seconds)):
        share = before = cell.old * factor
        if index >= HISTORY + begin:
            share = share * ratio + added
        requests = cell.rate * load * seconds[index]
        if canary and index >= HISTORY:
            beside.append(counted(rng, requests * (1 - CANARY_SHARE), before))
            requests *= CANARY_SHARE
        found.append(counted(rng, requests, share))
    return Drawn(found[:HISTORY], found[HISTORY:], beside)
