"""Give the new release a growing share of the traffic and look after each step."""

from __future__ import annotations

from dataclasses import dataclass

from keelway.core.errors import YourFault
from keelway.core.strategy.step import Bake, Capability, Drain, Probe, Retire, Shift, Start, Step

CAPABILITIES = frozenset({Capability.SIDE_BY_SIDE, Capability.SPLIT})
_ALL = 100


@dataclass(frozen=True)
class CanarySettings:
    """Bound the growing share."""

    percents: tuple[int, ...] = (5, 25, 50)
    """Shares before the whole traffic, growing."""
    bake_seconds: float = 60.0
    """How long each share is watched."""
    keep_old: bool = True
    """Leave the old release running for a way back in one step."""


def steps(settings: CanarySettings) -> tuple[Step, ...]:
    """Return the steps of a canary; what has all the traffic is watched as every deployment is.

    Raises:
        YourFault: the shares do not grow from above 0 to below 100, or a share is not watched.
    """
    shares = (0, *settings.percents, _ALL)
    if not settings.percents or sorted(set(shares)) != list(shares):
        raise YourFault(
            "canary_shares",
            f"The shares {list(settings.percents)} do not grow between 0 and 100.",
            "correct percents under [strategy] in keelway.toml",
        )
    if settings.bake_seconds <= 0:
        raise YourFault(
            "canary_bake",
            f"A share that is watched for {settings.bake_seconds:g} s shows nothing.",
            "correct bake_seconds under [strategy] in keelway.toml",
        )
    grown = [
        step
        for percent in settings.percents
        for step in (Shift(percent), Bake(settings.bake_seconds), Probe())
    ]
    return (Start(), Probe(), *grown, Shift(_ALL), *(() if settings.keep_old else (Drain(), Retire())))
