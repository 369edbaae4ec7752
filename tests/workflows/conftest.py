"""One world per test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.workflows.world import World


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    worlds: list[World] = []

    def make(**settings: Any) -> World:
        home = tmp_path / f"home{len(worlds)}"
        home.mkdir()
        worlds.append(World(home, **settings))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()
