"""Feed readers with inputs that nobody meant, and say what came of it.

``python -m tests.redteam.fuzz.run --inputs 1000000 --seed 1``
"""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from tests.redteam.fuzz.mutate import mutated
from tests.redteam.fuzz.targets import TARGETS, Target

from keelway.core.errors import KeelwayError

SECONDS_MAX = 1.0
"""Of processor time: the machine may be busy with other things."""
_SHOWN_EVERY = 20_000


class Hung(BaseException):
    """Tell that a reader took too long; no reader catches it."""


@dataclass
class Seen:
    """Count what came of the inputs of one reader."""

    inputs: int = 0
    read: int = 0
    refused: int = 0
    slowest_seconds: float = 0.0
    seconds: float = 0.0
    broken: list[tuple[bytes, str]] = field(default_factory=list)
    """Inputs that crashed or hung a reader, with what happened."""


@contextmanager
def bounded() -> Iterator[None]:
    """Break off what uses more than a second of processor time.

    The collector rests meanwhile: a pass over everything the whole process holds can take as long,
    and is nobody's fault here.
    """

    def late(_number: int, _frame: object) -> None:
        raise Hung(f"more than {SECONDS_MAX:g} s")

    before = signal.signal(signal.SIGVTALRM, late)
    collected = gc.isenabled()
    gc.disable()
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_MAX)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        if collected:
            gc.enable()
        signal.signal(signal.SIGVTALRM, before)


def feed(target: Target, data: bytes, seen: Seen) -> None:
    """Give a reader one input."""
    began = time.process_time()
    try:
        with bounded():
            target.read(data)
        seen.read += 1
    except KeelwayError:
        seen.refused += 1
    except (Exception, Hung) as error:  # noqa: BLE001 - whatever comes out is what is looked for
        seen.broken.append((data, "".join(traceback.format_exception(error)[-3:])))
    took = time.process_time() - began
    seen.inputs += 1
    seen.seconds += took
    seen.slowest_seconds = max(seen.slowest_seconds, took)


def fuzz(name: str, count: int, seed: int) -> Seen:
    """Give one reader so many inputs; the same seed gives the same inputs."""
    target, random, seen = TARGETS[name], Random(f"{seed}/{name}"), Seen()
    for data in target.seeds:
        feed(target, data, seen)
    while seen.inputs < count and len(seen.broken) < 5:
        feed(target, mutated(random, target.seeds, target.words), seen)
        if seen.inputs % _SHOWN_EVERY == 0:
            print(f"  {name}: {seen.inputs}", file=sys.stderr, flush=True)
    return seen


def main() -> int:
    """Feed every reader its share; 1 when one crashed or hung."""
    asked = argparse.ArgumentParser(description="Fuzz whoever reads what others wrote.")
    asked.add_argument("--inputs", type=int, default=100_000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--only", default="", help="one reader")
    told = asked.parse_args()
    names = [told.only] if told.only else list(TARGETS)
    shares = sum(TARGETS[name].share for name in names)
    print(
        f"seed {told.seed}\n| reader | inputs | read | refused | crashes and hangs | slowest, ms | inputs a second |\n|---|---|---|---|---|---|---|"
    )
    total, broken = 0, 0
    try:
        for name in names:
            seen = fuzz(name, -(-told.inputs * TARGETS[name].share // shares), told.seed)
            total, broken = total + seen.inputs, broken + len(seen.broken)
            rate = seen.inputs / max(seen.seconds, 1e-9)
            print(
                f"| {name} | {seen.inputs:,} | {seen.read:,} | {seen.refused:,} | {len(seen.broken)} | {seen.slowest_seconds * 1000:.0f} | {rate:,.0f} |",
                flush=True,
            )
            for data, said in seen.broken:
                print(f"\n{name}: {data[:2_000]!r}\n{said}", file=sys.stderr)
    except KeyboardInterrupt:
        print("(ended early)")
    print(f"| all | {total:,} | | | {broken} | | |")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
