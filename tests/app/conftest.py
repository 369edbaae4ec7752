"""One application per test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.rig import House


@pytest.fixture
def make_house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    houses: list[House] = []

    def make(**settings: Any) -> House:
        home = tmp_path / f"home{len(houses)}"
        home.mkdir()
        houses.append(House.build(home, **settings))
        return houses[-1]

    yield make
    for house in houses:
        house.world.close()


@pytest.fixture(scope="module")
def quiet_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house that a whole file shares because nothing in it is altered."""
    house = House.build(tmp_path_factory.mktemp("quiet"))
    yield house
    house.world.close()


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    return make_house()
