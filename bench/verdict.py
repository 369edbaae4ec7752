"""Measure how often the verdict rule and the usual fixed rules are wrong, on seeded simulated traffic.

Run `python bench/verdict.py [--traces N] [--judge-traces N] [--json]`. Cells with a reference figure are compared
with it; the exit code is 1 when one is outside. Bounds of a share: the 99.9 % binomial interval (normal form,
both samples) plus SLACK points. Bounds of a delay (median of the cells' medians): DELAY_SLACK of it, at least two
looks, checked where half of the traces are detected and no cell's median rests on fewer than 20 of them.
"""

import argparse
import json
import math
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import fmean, median

from keelway.core.measure.eprocess import Bet, log_e_value, overdispersion, plan_cuts
from keelway.core.measure.health import ProbeTick
from keelway.core.measure.judge import judge_window
from keelway.core.measure.sample import Counts, Tick, Track, total
from keelway.core.measure.verdict import Decision, VerdictSettings

SEED = 20
RATES, OLD = (0.1, 1.0, 10.0, 100.0, 1000.0), (0.001, 0.01, 0.05)
NOISES = ("iid", "overdispersed", "diurnal", "bursty", "bursty-minute")
Rules, Factors = tuple[str, ...], list[tuple[float, float]]
RULES = ("A1", "A2", "A3", "B3", "E3")
LOOKS, TICK, HISTORY = 90, 10.0, 360
SLACK = {"A1": 3.0, "A2": 3.0, "A3": 3.0, "B3": 5.0, "E3": 2.0}
DELAY_SLACK, Z, PUBLISHED_TRACES = 0.35, 3.29, 2000
FIGURES = ("rate", "share", "worst", "delay", "expected", "expected_delay", "ms")
CHANGES = {"none": (1.0, 0.0, 0), "better": (0.3, 0.0, 0), "x1.5": (1.5, 0.0, 0), "x2": (2.0, 0.0, 0)}
CHANGES |= {"x5": (5.0, 0.0, 0), "+12pp": (1.0, 0.12, 0), "+12pp@8min": (1.0, 0.12, 48)}

COLUMNS = ("iid", "overdispersed", "diurnal", "bursty", "better release")
FALSE = {
    "A1": (32.9, 29.0, 26.7, 35.8, 2.1),
    "A2": (32.0, 43.1, 31.1, 33.1, 8.5),
    "A3": (60.0, 60.2, 59.5, 62.1, 56.6),
    "B3": (0.6, 6.5, 4.2, 0.5, 0.0),
    "E3": (0.0, 0.4, 0.0, 3.1, 0.0),
}
SEEN = {
    ("A2", "x2"): ((62, 240), (91, 40), (99, 10), (100, 10), (100, 10)),
    ("B3", "x2"): ((2, 360), (46, 360), (70, 300), (100, 300), (100, 300)),
    ("B3", "+12pp"): ((31, 360), (100, 300), (100, 300), (100, 300), (100, 300)),
    ("B3", "+12pp@8min"): ((0, 0), (18, 360), (19, 300), (18, 300), (18, 300)),
    ("A1", "+12pp@8min"): ((60, 190), (82, 250), (100, 240), (100, 250), (100, 240)),
    ("E3", "x1.5"): ((0, 0), (1, 635), (17, 550), (64, 370), (96, 40)),
    ("E3", "x2"): ((0, 0), (21, 580), (62, 430), (95, 50), (100, 10)),
    ("E3", "x5"): ((34, 440), (72, 250), (99, 30), (100, 10), (100, 10)),
    ("E3", "+12pp"): ((74, 370), (100, 50), (100, 10), (100, 10), (100, 10)),
    ("E3", "+12pp@8min"): ((42, 290), (100, 70), (100, 10), (100, 10), (100, 10)),
}


@dataclass(frozen=True)
class Cell:
    """One point of the grid: traffic per second, old error share, noise and change."""

    rate: float
    old: float
    noise: str
    change: str


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


def trace(rng: Random, cell: Cell) -> tuple[list[Counts], list[Counts]]:
    """Draw a history (1 h from 10 rps up, else 24 h) and 900 s after the deploy."""
    step = 10.0 if cell.rate >= 10 else 240.0
    starts = [step * i for i in range(HISTORY)] + [step * HISTORY + TICK * i for i in range(LOOKS)]
    seconds = [step] * HISTORY + [TICK] * LOOKS
    ratio, added, begin = CHANGES[cell.change]
    found = []
    for index, (load, factor) in enumerate(noise_factors(rng, cell.noise, starts, seconds)):
        share = cell.old * factor
        if index >= HISTORY + begin:
            share = share * ratio + added
        mean, share = cell.rate * load * seconds[index], min(1.0, share)
        bad = poisson(rng, mean * share)
        found.append(Counts(bad + poisson(rng, mean * (1 - share)), bad))
    return found[:HISTORY], found[HISTORY:]


def b3(history: list[float], track: Track, look: int) -> bool:
    """Fire when the 98 % Mann-Whitney interval of the shift lies above a quarter of its estimate."""
    if look < 30 or look % 6 or not (new := minutes(track, look, 6)):
        return False
    shifts = sorted(late - early for late in new for early in history)
    size = len(shifts)
    rank = max(0, math.floor(size / 2 - 2.326 * math.sqrt(size * (len(new) + len(history) + 1) / 12)))
    return shifts[rank] > 0.25 * abs(shifts[size // 2]) and fmean(new) > fmean(history)


def minutes(track: Track, ticks: int, per_minute: int) -> list[float]:
    """Give the error share of every whole interval of so many ticks that had requests."""
    shares = []
    for end in range(per_minute, ticks + 1, per_minute):
        size = track.requests[end] - track.requests[end - per_minute]
        if size:
            shares.append((track.events[end] - track.events[end - per_minute]) / size)
    return shares


def first_looks(cell: Cell, history: list[Counts], after: list[Counts], rules: Rules) -> dict[str, int]:
    """Find the looks after the change at which each rule first rolls back; an earlier alarm is no detection."""
    track, old = Track.of(after), total(history)
    cuts = plan_cuts([TICK * i for i in range(LOOKS)], TICK * LOOKS)
    bet = Bet(1.25, overdispersion(history))
    before = minutes(Track.of(history), HISTORY, 6 if cell.rate >= 10 else 1) if "B3" in rules else []
    size, bad = track.requests, track.events
    tests = {
        "A1": lambda look: bad[look] > 0.05 * size[look],
        "A2": lambda look: bad[look] * old.requests > 1.5 * old.events * size[look],
        "A3": lambda look: bad[look] - bad[max(0, look - 30)] > 10,
        "B3": lambda look: b3(before, track, look),
        "E3": lambda look: log_e_value(old, track, cuts, bet, look) >= math.log(100),
        "judge": lambda look: judged(cell, history, after[:look]),
    }
    begin = CHANGES[cell.change][2]
    hits = {rule: next((look for look in range(1, LOOKS + 1) if tests[rule](look)), 0) for rule in rules}
    return {rule: hit - begin for rule, hit in hits.items() if hit > begin}


def judged(cell: Cell, history: list[Counts], after: list[Counts]) -> bool:
    """Fire when the shipped judgement, limits included, says roll back."""
    step = 10.0 if cell.rate >= 10 else 240.0
    old = [ticked(counts, step * (i - HISTORY), step) for i, counts in enumerate(history)]
    new = [ticked(counts, TICK * i, TICK) for i, counts in enumerate(after)]
    probes = [ProbeTick(tick.at, healthy=True) for tick in new]
    return judge_window(old, new, probes, VerdictSettings(), TICK * len(after)).decision is Decision.ROLLBACK


def ticked(counts: Counts, at_seconds: float, seconds: float) -> Tick:
    """Place counts in time."""
    at = datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=at_seconds)
    return Tick(at, counts.requests, counts.events, seconds=seconds)


def run(cell: Cell, traces: int, rules: Rules) -> dict[str, list[int]]:
    """Collect the detection looks of every rule over seeded traces of one cell."""
    rng = Random(f"{SEED} {cell}")
    found: dict[str, list[int]] = {rule: [] for rule in rules}
    for _ in range(traces):
        for rule, look in first_looks(cell, *trace(rng, cell), rules).items():
            found[rule].append(look)
    return found


def within(rule: str, share: float, expected: float, samples: int, published: int) -> bool:
    """Tell whether a share in percent lies within the 99.9 % interval and the slack."""
    p = min(max(expected / 100, 0.0005), 0.9995)
    half = Z * math.sqrt(p * (1 - p) * (1 / samples + 1 / published))
    return abs(share - expected) <= 100 * half + SLACK[rule]


def false_rows(traces: int, rules: Rules = RULES) -> list[dict]:
    """Measure false rollbacks, the mean over 15 cells and the worst cell."""
    rows = []
    for noise, change in [*((noise, "none") for noise in NOISES), ("iid", "better")]:
        cells = [run(Cell(rate, old, noise, change), traces, rules) for rate in RATES for old in OLD]
        name = noise if change == "none" else "better release"
        for rule in rules:
            shares = [100 * len(cell[rule]) / traces for cell in cells]
            row = {"table": f"false {name}", "rule": rule, "share": fmean(shares), "worst": max(shares)}
            if rule in FALSE and name in COLUMNS:
                row["expected"] = FALSE[rule][COLUMNS.index(name)]
                row["ok"] = within(rule, row["share"], row["expected"], 15 * traces, 15 * PUBLISHED_TRACES)
            rows.append({"ok": True} | row)
    return rows


def delay_of(cells: list[list[int]]) -> float:
    """Give the median over the cells of their median delays in seconds, 0 when nothing was seen."""
    return median([TICK * median(cell) for cell in cells if cell] or [0.0])


def seen_rows(traces: int) -> list[dict]:
    """Measure the share of real regressions seen and the median delay."""
    rows = []
    for change in ("x1.5", "x2", "x5", "+12pp", "+12pp@8min"):
        rules = tuple(rule for rule, kind in SEEN if kind == change)
        olds = (0.01,) if change.endswith("min") else OLD
        for index, rate in enumerate(RATES):
            cells = [run(Cell(rate, old, "iid", change), traces, rules) for old in olds]
            for rule in rules:
                samples, looks = traces * len(olds), [cell[rule] for cell in cells]
                share, delay = 100 * sum(map(len, looks)) / samples, delay_of(looks)
                expected, late = SEEN[rule, change][index]
                inside = within(rule, share, expected, samples, PUBLISHED_TRACES * len(olds))
                if expected >= 50 and min(map(len, filter(None, looks)), default=0) >= 20:
                    inside = inside and abs(delay - late) <= max(2 * TICK, DELAY_SLACK * late)
                row = {"table": f"seen {change}", "rule": rule, "rate": rate, "share": share, "delay": delay}
                rows.append(row | {"expected": expected, "expected_delay": late, "ok": inside})
    return rows


def cost_rows() -> list[dict]:
    """Measure milliseconds of one whole judgement, 360 history ticks."""
    rows = []
    for ticks in (90, 1800):
        history = [ticked(Counts(1000, 10), TICK * (i - HISTORY), TICK) for i in range(HISTORY)]
        after = [ticked(Counts(1000, 10), TICK * i, TICK) for i in range(ticks)]
        probes = [ProbeTick(tick.at, healthy=True) for tick in after]
        settings, start = VerdictSettings(window_seconds=TICK * ticks), time.perf_counter()
        for _ in range(20):
            judge_window(history, after, probes, settings, TICK * ticks)
        spent_ms = (time.perf_counter() - start) * 50
        rows.append({"table": f"cost {ticks} ticks", "rule": "judge", "ms": spent_ms, "ok": True})
    return rows


def line(row: dict) -> str:
    """Print a row for people."""
    shown = [f"{key} {row[key]:.4g}" for key in FIGURES if key in row]
    return f"{'ok  ' if row['ok'] else 'OUT '} {row['table']:22} {row['rule']:6} " + ", ".join(shown)


def main() -> int:
    """Run everything and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=int, default=200)
    parser.add_argument("--judge-traces", type=int, default=0, help="of the whole judgement, 0.2 s each")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = false_rows(options.traces) + seen_rows(options.traces) + cost_rows()
    rows += false_rows(options.judge_traces, ("judge",)) if options.judge_traces else []
    print(json.dumps({"seed": SEED, "rows": rows}) if options.json else "\n".join(map(line, rows)))
    return int(not all(row["ok"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
