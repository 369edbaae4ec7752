"""One health question to a running application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from keelway.core.model.project import ProbeSpec


@dataclass(frozen=True)
class About:
    """Say who is asked, besides the address; a question may have to know."""

    environment: str = ""
    release: str = ""
    """The release that has to answer; empty for whichever does."""


NOBODY = About()


@dataclass(frozen=True)
class ProbeResult:
    """Hold one answer; no answer is a failure, never unknown."""

    name: str
    ok: bool
    latency_ms: float
    status: int = 0
    detail: str = ""
    done: int = -1
    """Work done since ever, when the question counts; it only grows."""
    failed: int = -1
    """Work failed since ever, when the question counts."""


class Probe(Protocol):
    """Ask health questions."""

    def ask(self, url: str, specs: tuple[ProbeSpec, ...], about: About = NOBODY) -> tuple[ProbeResult, ...]:
        """Ask questions at a base URL and compare each answer with what is expected."""
        ...
