"""Choose a berth for a ship: the shortest one that fits, and never one that is far too long."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

WASTE_MAX = 4.0


@dataclass(frozen=True)
class Berth:
    """Describe a place at the quay."""

    id: int
    name: str
    length_m: float


def suitable(berths: Sequence[Berth], length_m: float) -> list[Berth]:
    """List the berths that fit a ship, the least wasteful first; waste is quay length over ship length."""
    waste = {berth: berth.length_m / length_m for berth in berths}
    return sorted(
        (berth for berth in berths if 1 <= waste[berth] <= WASTE_MAX), key=lambda berth: waste[berth]
    )


def allocate(berths: Sequence[Berth], taken: Collection[int], length_m: float) -> Berth | None:
    """Return the best free berth, or None when the ship has to wait at anchor."""
    return next((berth for berth in suitable(berths, length_m) if berth.id not in taken), None)
