"""One health question to a running application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from keelway.core.model.project import ProbeSpec


@dataclass(frozen=True)
class ProbeResult:
    """Hold one answer; no answer is a failure, never unknown."""

    name: str
    ok: bool
    latency_ms: float
    status: int = 0
    detail: str = ""


class Probe(Protocol):
    """Ask health questions."""

    def ask(self, url: str, specs: tuple[ProbeSpec, ...]) -> tuple[ProbeResult, ...]:
        """Ask questions at a base URL and compare each answer with what is expected."""
        ...
