"""Fence a program: what it may see, reach and use up, and that nothing of it stays behind."""

from keelway.clients.cage.cage import GIB, MIB, Bounds, Cage, CageFacts, Inside, Outside, Settings
from keelway.clients.cage.choose import NAMES, choose_cage

__all__ = [
    "GIB",
    "MIB",
    "NAMES",
    "Bounds",
    "Cage",
    "CageFacts",
    "Inside",
    "Outside",
    "Settings",
    "choose_cage",
]
