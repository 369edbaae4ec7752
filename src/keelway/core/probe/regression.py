"""Keep asking what earlier tasks promised: their acceptance probes are the regression probes of later ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from keelway.core.model.plan import AcceptanceProbe, Plan
from keelway.core.model.project import ProbeSpec

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that may be asked in production again and again."""


@dataclass(frozen=True)
class Promise:
    """Hold what the plan of a live task said about a running release."""

    task: str
    """Short name, such as ``T-142``."""
    probes: tuple[AcceptanceProbe, ...]


def regression_probes(
    promises: Iterable[Promise], plan: Plan, probes_max: int, *, safe_only: bool
) -> tuple[ProbeSpec, ...]:
    """Return what earlier tasks promised and this plan does not promise anew, the newest first.

    Args:
        promises: of live tasks, the newest first; the newest one about a question holds.
        plan: of the task at hand; its own probes are asked apart, and replace older ones about the same question.
        probes_max: how many are asked at most.
        safe_only: leave out what could alter data, as in production.
    """
    taken = {_question(probe) for probe in plan.probes}
    found: list[ProbeSpec] = []
    for promise in promises:
        fresh = [probe for probe in promise.probes if _question(probe) not in taken]
        taken |= {_question(probe) for probe in fresh}
        for number, probe in enumerate(fresh, 1):
            if safe_only and probe.method not in SAFE:
                continue
            if len(found) < probes_max:
                found.append(spec_of(probe, f"{promise.task} promised {number}"))
    return tuple(found)


def spec_of(probe: AcceptanceProbe, name: str) -> ProbeSpec:
    """Return an acceptance probe as a question."""
    return ProbeSpec(name, probe.path, probe.method, probe.status, probe.body_contains, probe.send_json)


def _question(probe: AcceptanceProbe) -> tuple[str, str, str]:
    """Return what is asked, whatever is expected."""
    return probe.method, probe.path, probe.send_json
