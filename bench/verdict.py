"""Measure how often the verdict rule and the usual fixed rules are wrong, on seeded simulated traffic.

Run `python bench/verdict.py [--traces N] [--judge-traces N] [--workers N] [--json | --markdown]`. Cells with a
published figure are compared with it; the exit code is 1 when one is outside. Bounds of a share: the 99.9 % binomial
interval (normal form, both samples) plus SLACK points. Bounds of a delay (median of the cells' medians): DELAY_SLACK
of it, at least two looks, checked where half of the traces are detected and no cell's median rests on fewer than 20
of them. Bounds of a mean count of errors: SERVED_SLACK of it, at least SERVED_MIN, and 3.29 standard errors.
"""

import argparse
import json
import math
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from random import Random
from statistics import fmean, median, pstdev

from published import CANARY, CANARY_NOISES, COLUMNS, FALSE, SEEN, SERVED, SERVED_RULES
from published import TRACES as PUBLISHED_TRACES
from rules import FIXED, Bench, concurrent_looks, first_look, served, ticked
from traces import HISTORY, NOISES, OLD, RATES, SEED, TICK, Cell, draw

from keelway.core.measure.health import ProbeTick
from keelway.core.measure.judge import judge_window
from keelway.core.measure.sample import Counts
from keelway.core.measure.verdict import VerdictSettings

SLACK = {"A1": 3.0, "A1m": 3.0, "A2": 3.0, "A2m": 3.0, "A3": 3.0, "B1": 5.0, "B2": 5.0, "B3": 5.0}
SLACK |= {"C0": 5.0, "C1": 5.0, "C2": 5.0, "E4": 3.0}
DELAY_SLACK, Z, SERVED_SLACK, SERVED_MIN = 0.35, 3.29, 0.2, 5.0
BETTER_OLD = (0.01,)
CHANGED = ("x1.5", "x2", "x5", "+12pp", "+12pp@8min")
FIGURES = ("rate", "share", "worst", "delay", "expected", "expected_delay", "ms")

Looks = dict[str, list[int]]


def run(job: tuple[Cell, int, tuple[str, ...], str]) -> Looks:
    """Collect something of every rule over the seeded traces of one cell: ``looks``, ``served`` or ``canary``."""
    cell, traces, rules, wanted = job
    rng = Random(f"{SEED} {cell}")
    found: Looks = {}
    for _ in range(traces):
        bench = Bench(cell, draw(rng, cell, canary=wanted == "canary"))
        if wanted == "canary":
            looks = concurrent_looks(bench)
        else:
            looks = {rule: first_look(bench, rule) for rule in rules}
        for rule, look in looks.items():
            found.setdefault(rule, []).append(served(bench, look) if wanted == "served" else look)
    return found


def hits(looks: list[int], cell: Cell) -> list[int]:
    """Give the looks after the change; an alarm before it is no detection."""
    return [look - cell.begin for look in looks if look > cell.begin]


def within(rule: str, share: float, expected: float, samples: int, published: int) -> bool:
    """Tell whether a share in percent lies within the 99.9 % interval and the slack."""
    p = min(max(expected / 100, 0.0005), 0.9995)
    half = Z * math.sqrt(p * (1 - p) * (1 / samples + 1 / published))
    return abs(share - expected) <= 100 * half + SLACK.get(rule, 2.0)


class Tables:
    """Fill the tables, cell by cell, in one or several processes."""

    def __init__(self, traces: int, workers: int) -> None:
        self.traces, self.workers = traces, workers

    def _all(self, jobs: list[tuple[Cell, int, tuple[str, ...], str]]) -> list[Looks]:
        if self.workers < 2:
            return [run(job) for job in jobs]
        with ProcessPoolExecutor(self.workers) as pool:
            return list(pool.map(run, jobs, chunksize=1))

    def false(self, rules: tuple[str, ...] = FIXED, traces: int = 0) -> list[dict]:
        """Measure false rollbacks, the mean over the cells and the worst cell; a better release has an old rate of 1 %."""
        rows, traces = [], traces or self.traces
        for noise, change in [*((noise, "none") for noise in NOISES), ("iid", "better")]:
            olds = OLD if change == "none" else BETTER_OLD
            cells = [Cell(rate, old, noise, change) for rate in RATES for old in olds]
            found = self._all([(cell, traces, rules, "looks") for cell in cells])
            name = noise if change == "none" else "better release"
            for rule in rules:
                shares = [100 * sum(map(bool, cell[rule])) / traces for cell in found]
                row = {"table": f"false {name}", "rule": rule, "share": fmean(shares), "worst": max(shares)}
                if rule in FALSE and name in COLUMNS:
                    row["expected"] = FALSE[rule][COLUMNS.index(name)]
                    row["ok"] = within(
                        rule,
                        row["share"],
                        row["expected"],
                        len(cells) * traces,
                        len(cells) * PUBLISHED_TRACES,
                    )
                rows.append({"ok": True} | row)
        return rows

    def seen(self) -> list[dict]:
        """Measure the share of real regressions seen and the median delay."""
        rows = []
        for change in CHANGED:
            rules = tuple(rule for rule, kind in SEEN if kind == change)
            olds = (0.01,) if change.endswith("min") else OLD
            cells = [Cell(rate, old, "iid", change) for rate in RATES for old in olds]
            found = dict(
                zip(cells, self._all([(c, self.traces, rules, "looks") for c in cells]), strict=True)
            )
            for index, rate in enumerate(RATES):
                mine = [(cell, found[cell]) for cell in cells if cell.rate == rate]
                for rule in rules:
                    looks = [hits(each[rule], cell) for cell, each in mine]
                    rows.append(self._seen_row(rule, change, index, looks))
        return rows

    def _seen_row(self, rule: str, change: str, index: int, looks: list[list[int]]) -> dict:
        samples = self.traces * len(looks)
        share, delay = 100 * sum(map(len, looks)) / samples, delay_of(looks)
        expected, late = SEEN[rule, change][index]
        inside = within(rule, share, expected, samples, PUBLISHED_TRACES * len(looks))
        if expected >= 50 and min(map(len, filter(None, looks)), default=0) >= 20:
            inside = inside and abs(delay - late) <= max(2 * TICK, DELAY_SLACK * late)
        row = {"table": f"seen {change}", "rule": rule, "rate": RATES[index], "share": share, "delay": delay}
        return row | {"expected": expected, "expected_delay": late, "ok": inside}

    def served(self) -> list[dict]:
        """Count the errors that users were served until each rule's verdict."""
        rows = []
        cells = [Cell(rate, 0.01, "iid", change) for change, rate in SERVED]
        found = self._all([(cell, self.traces, SERVED_RULES, "served") for cell in cells])
        for cell, counted in zip(cells, found, strict=True):
            for rule, expected in zip(SERVED_RULES, SERVED[cell.change, cell.rate], strict=True):
                errors = fmean(counted[rule])
                chance = Z * pstdev(counted[rule]) / math.sqrt(self.traces)
                inside = abs(errors - expected) <= chance + max(SERVED_MIN, SERVED_SLACK * expected)
                row = {"table": f"served {cell.change} {cell.rate:g} rps", "rule": rule, "share": errors}
                rows.append(row | {"expected": expected, "ok": inside})
        return rows

    def canary(self) -> list[dict]:
        """Compare a canary of a tenth of 100 requests a second with the old release beside it, and with the past."""
        rows = []
        for change in ("none", "x2"):
            cells = [Cell(100.0, 0.01, noise, change) for noise in CANARY_NOISES]
            found = self._all([(cell, self.traces, (), "canary") for cell in cells])
            for index, (cell, counted) in enumerate(zip(cells, found, strict=True)):
                for rule, looks in counted.items():
                    share = 100 * sum(map(bool, looks)) / self.traces
                    row = {"table": f"canary {change} {cell.noise}", "rule": rule, "share": share, "ok": True}
                    row["delay"] = delay_of([[look for look in looks if look]])
                    if change == "x2" and rule in CANARY:
                        row["expected"] = CANARY[rule][index]
                        row["ok"] = within("B3", share, row["expected"], self.traces, PUBLISHED_TRACES)
                    rows.append(row)
        return rows


def delay_of(cells: list[list[int]]) -> float:
    """Give the median over the cells of their median delays in seconds, 0 when nothing was seen."""
    return median([TICK * median(cell) for cell in cells if cell] or [0.0])


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
    return f"{'ok  ' if row['ok'] else 'OUT '} {row['table']:22} {row['rule']:10} " + ", ".join(shown)


def markdown(rows: list[dict]) -> str:
    """Write the tables of docs/explain/verdict.md: measured, then what was published."""
    by = {(row["table"], row["rule"], row.get("rate")): row for row in rows}
    names = (*COLUMNS[:4], "bursty-minute", COLUMNS[4])
    text = ["| rule | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for rule in FIXED:
        cells = []
        for name in names:
            row = by[f"false {name}", rule, None]
            past = f"{row['expected']:g}" if "expected" in row else "none"
            cells.append(f"{row['share']:.1f} ({row['worst']:.1f}) / {past}")
        text.append(f"| {rule} | " + " | ".join(cells) + " |")
    text += ["", "| change | rule | " + " | ".join(f"{rate:g}" for rate in RATES) + " |", "|---" * 7 + "|"]
    for change in CHANGED:
        for rule in [rule for rule, kind in SEEN if kind == change]:
            shown = [by[f"seen {change}", rule, rate] for rate in RATES]
            cells = [
                f"{r['share']:.0f}/{r['delay']:.0f} ({r['expected']:g}/{r['expected_delay']:g})"
                for r in shown
            ]
            text.append(f"| {change} | {rule} | " + " | ".join(cells) + " |")
    text += ["", "| | " + " | ".join(SERVED_RULES) + " |", "|---" * (len(SERVED_RULES) + 1) + "|"]
    for change, rate in SERVED:
        shown = [by[f"served {change} {rate:g} rps", rule, None] for rule in SERVED_RULES]
        text.append(
            f"| {change}, {rate:g} rps | "
            + " | ".join(f"{r['share']:.0f} ({r['expected']})" for r in shown)
            + " |"
        )
    kinds = ("E5", "E3 history", "B3 beside")
    text += ["", "| noise | " + " | ".join(f"{k} false | {k} x2" for k in kinds) + " |", "|---" * 7 + "|"]
    for noise in CANARY_NOISES:
        cells = []
        for kind in kinds:
            quiet, seen = (by[f"canary {change} {noise}", kind, None] for change in ("none", "x2"))
            past = f" ({seen['expected']:g})" if "expected" in seen else ""
            cells += [f"{quiet['share']:.1f}", f"{seen['share']:.0f}{past} / {seen['delay']:.0f} s"]
        text.append(f"| {noise} | " + " | ".join(cells) + " |")
    return "\n".join(text)


def main() -> int:
    """Run everything and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=int, default=200)
    parser.add_argument("--judge-traces", type=int, default=0, help="of the whole judgement, 0.2 s each")
    parser.add_argument("--workers", type=int, default=1, help="processes that share the work")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", action="store_true", help="the tables of docs/explain/verdict.md")
    options = parser.parse_args()
    tables = Tables(options.traces, options.workers)
    rows = tables.false() + tables.seen() + tables.served() + tables.canary() + cost_rows()
    rows += tables.false(("judge",), options.judge_traces) if options.judge_traces else []
    text = (
        partial(json.dumps, {"seed": SEED, "rows": rows})
        if options.json
        else lambda: "\n".join(map(line, rows))
    )
    print(markdown(rows) if options.markdown else text())
    for row in rows if options.markdown else []:
        if not row["ok"]:
            print(line(row), file=sys.stderr)
    return int(not all(row["ok"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
