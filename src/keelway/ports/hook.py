"""Executables of the project that are run around a deployment and its way back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class HookCall:
    """Say which hook is run, from which commit and about what."""

    name: str
    """``pre-deploy``, ``pre-switch``, ``post-deploy``, ``pre-rollback`` or ``post-rollback``."""
    commit: str
    """Commit of a protected branch in which the executables lie."""
    seconds_max: float
    facts: dict[str, str] = field(default_factory=dict)
    """What it is told, by the names of variables."""


@dataclass(frozen=True)
class HookDone:
    """State how a hook ended."""

    found: bool
    """Whether there is such a hook; without one nothing was run."""
    wrong: str = ""
    """Why it failed; empty when it ended well."""
    seconds: float = 0.0


class Hooks(Protocol):
    """Run hooks; one that fails, hangs or cannot start is an answer, not an exception."""

    def run(self, call: HookCall) -> HookDone:
        """Run one to its end or its limit; everything it started ends with it."""
        ...
