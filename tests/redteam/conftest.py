"""Worlds to attack, and a house with a door."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.redteam.rig import OPEN
from tests.web.conftest import house, make_house, quiet_house
from tests.workflows.world import World


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Make worlds whose operator lets through alone whatever a policy can let through."""
    worlds: list[World] = []

    def make(**settings: Any) -> World:
        home = tmp_path / f"home{len(worlds)}"
        home.mkdir()
        worlds.append(World(home, **{"policy": OPEN, **settings}))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


__all__ = ["house", "make_house", "make_world", "quiet_house"]
