"""The fake and the registries keep the same promises, in every package world."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.adapters.index.shelf import NAMES, Indexes, indexes

from keelway.core.package.package import Ecosystem
from keelway.testing.conformance.index import IndexTests, Shelf
from keelway.testing.fakes.index import FakeIndex, Release


class _FakeShelf:
    def __init__(self, world: Ecosystem) -> None:
        self.index, self.world, self.name = FakeIndex(), world, NAMES[world]

    def publish(self, ecosystem: Ecosystem, name: str, *releases: Release) -> None:
        self.index.publish(ecosystem, name, *releases)

    def fall_silent(self) -> None:
        self.index.silent = True


@pytest.fixture(params=list(Ecosystem))
def world(request: pytest.FixtureRequest) -> Ecosystem:
    return request.param


class TestFakeIndex(IndexTests):
    @pytest.fixture
    def shelf(self, world: Ecosystem) -> Shelf:
        return _FakeShelf(world)


class TestRegistryIndex(IndexTests):
    @pytest.fixture
    def shelf(self, world: Ecosystem) -> Iterator[Indexes]:
        with indexes(world) as made:
            yield made
