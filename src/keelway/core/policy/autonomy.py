"""How a new set-up of agent, model and prompts earns what the policy lets go on alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AutonomyPolicy:
    """Let a new set-up begin with a person beside it; with both counts at 0 every set-up is trusted at once."""

    asked_first: int = 0
    """Releases that have to hold while a person is asked about every plan and every merge, whatever the risk."""
    low_first: int = 0
    """Releases that have to hold after those, while nothing above low risk goes on alone."""
