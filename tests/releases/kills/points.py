"""At which steps of a deploy and of a way back parts are killed."""

from __future__ import annotations

from dataclasses import dataclass

from tests.releases.kills.strike import FRONT, PLANE, STORE, SUPERVISOR

_P = "(production)"
DEPLOY = (
    f"deploy/target.build{_P}:1",
    f"deploy/target.schema{_P}:1",
    f"deploy/backup.take{_P}:1",
    "deploy/ledger.save_deployment:1",
    f"deploy/target.migrate{_P}:1",
    f"deploy/target.boots{_P}:1",
    f"deploy/target.start{_P}:1",
    f"deploy/target.switch{_P}:1",
    f"deploy/target.swap_workers{_P}:1",
    f"deploy/signal.look{_P}:1",
)
"""Steps that a good and a bad release share."""
KEEP = (f"deploy/signal.exceptions{_P}:1", f"deploy/target.retire{_P}:1")
"""Steps after a good verdict."""
BACK = (
    f"back/target.switch{_P}:1",
    f"back/target.state{_P}:1",
    "back/backup.verify:1",
    f"back/target.switch{_P}:2",
    f"back/target.swap_workers{_P}:1",
    f"back/target.swap_workers{_P}:2",
    "back/probe.ask:1",
    "back/ledger.save_deployment:1",
    "back/forge.revert(develop):1",
)
"""Steps of a way back, from the verdict to the closed task."""
WHENS = ("before", "during")
VICTIMS = (PLANE, FRONT, SUPERVISOR, STORE)


@dataclass(frozen=True)
class Life:
    """Name one kill: who dies where in the life of which release."""

    victim: str
    step: str
    when: str
    good: bool

    @property
    def point(self) -> str:
        return f"{self.step}:{self.when}"


def lives(*, thin: int = 1) -> list[Life]:
    """Return every kill, or every ``thin``-th."""
    found = [
        Life(victim, step, when, good)
        for victim in VICTIMS
        for good, steps in ((True, (*DEPLOY, *KEEP)), (False, BACK))
        for step in steps
        for when in WHENS
    ]
    return found[::thin]
