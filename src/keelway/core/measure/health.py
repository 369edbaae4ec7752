"""Read a row of probe answers as the health of a release."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby, pairwise

HEALTHY_IN_A_ROW = 2
"""One good answer may be luck, two in a row count."""

FLAP_WINDOW = 10
"""Answers per probe that are looked at for flapping."""

FLAPS_MIN = 4
"""Changes between good and bad within the flap window from which a release flaps."""


class Health(StrEnum):
    """Say how a release is."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    UNSURE = "unsure"
    FLAPPING = "flapping"
    FAILING = "failing"


_WORST_FIRST = (Health.FAILING, Health.FLAPPING, Health.UNKNOWN, Health.UNSURE, Health.HEALTHY)


@dataclass(frozen=True, slots=True)
class ProbeTick:
    """Record one answer of one probe; unreachable, timed out and refused are all not healthy."""

    at: datetime
    healthy: bool
    name: str = "health"

    def __post_init__(self) -> None:
        if self.at.utcoffset() is None:
            raise ValueError(
                "A probe answer needs an aware time: without a zone two machines disagree; pass UTC."
            )


def by_probe(probes: Sequence[ProbeTick]) -> dict[str, tuple[bool, ...]]:
    """Sort answers by time, one row per probe, so that a good probe never hides a bad one."""
    rows: dict[str, list[bool]] = {}
    for probe in sorted(probes, key=lambda probe: probe.at):
        rows.setdefault(probe.name, []).append(probe.healthy)
    return {name: tuple(row) for name, row in rows.items()}


def worst_run(answers: Sequence[bool]) -> int:
    """Count the longest row of failures: what was seen once stays seen, even between two looks."""
    return max((len(list(run)) for healthy, run in groupby(answers) if not healthy), default=0)


def health_of(answers: Sequence[bool], failures_max: int) -> Health:
    """Judge the answers of one probe in their order."""
    if not answers:
        return Health.UNKNOWN
    recent = answers[-failures_max:]
    if len(recent) == failures_max and not any(recent):
        return Health.FAILING
    flaps = sum(earlier != later for earlier, later in pairwise(answers[-FLAP_WINDOW:]))
    if flaps >= FLAPS_MIN:
        return Health.FLAPPING
    steady = len(answers) >= HEALTHY_IN_A_ROW and all(answers[-HEALTHY_IN_A_ROW:])
    return Health.HEALTHY if steady else Health.UNSURE


def health(probes: Sequence[ProbeTick], failures_max: int) -> Health:
    """Judge a release by its worst probe; no answer at all is unknown, never healthy."""
    states = {health_of(row, failures_max) for row in by_probe(probes).values()}
    return next((state for state in _WORST_FIRST if state in states), Health.UNKNOWN)
