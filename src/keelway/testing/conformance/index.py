"""Hold every package index to the same promises."""
# ruff: noqa: D102, S101  these are tests, shipped for the authors of adapters

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from keelway.core.package.package import Ecosystem, Package, State
from keelway.ports.index import PackageIndex
from keelway.testing.fakes.index import Release

OLD, NEW = datetime(2019, 3, 1, 12, tzinfo=UTC), datetime(2025, 6, 1, 12, tzinfo=UTC)


class Shelf(Protocol):
    """Give an index and a way to fill what it asks."""

    index: PackageIndex
    world: Ecosystem
    name: str
    """A name that is possible in this package world."""

    def publish(self, ecosystem: Ecosystem, name: str, *releases: Release) -> None:
        """Let there be a package, its oldest release first."""
        ...

    def fall_silent(self) -> None:
        """Let the index not answer any more."""
        ...


class IndexTests:
    """Subclass it with one fixture: ``shelf``."""

    def test_nothing_asked_is_nothing_answered(self, shelf: Shelf) -> None:
        assert shelf.index.look(()) == ()

    def test_what_is_there_is_described(self, shelf: Shelf) -> None:
        supports = {"pypi": "Python >=3.9", "npm": "Node >=18", "packagist": "PHP >=8.1"}[shelf.world]
        releases = Release("1.0.0", OLD), Release("1.2.0", NEW, "ISC", supports)
        shelf.publish(shelf.world, shelf.name, *releases)
        (fact,) = shelf.index.look((Package(shelf.world, shelf.name),))
        assert fact.state is State.FOUND
        assert (fact.latest, fact.latest_at, fact.first_at) == ("1.2.0", NEW, OLD)
        assert (fact.licence, fact.supports, fact.withdrawn, fact.releases) == ("ISC", supports, "", 2)
        assert fact.looked_at.tzinfo is not None

    def test_one_version_can_be_asked_for(self, shelf: Shelf) -> None:
        shelf.publish(shelf.world, shelf.name, Release("1.0.0", OLD), Release("1.2.0", NEW, "ISC"))
        wanted = tuple(Package(shelf.world, shelf.name, version) for version in ("1.0.0", "3.0.0"))
        old, none = shelf.index.look(wanted)
        assert (old.version_known, old.licence, old.latest) == (True, "MIT", "1.2.0")
        assert not none.version_known
        assert none.state is State.FOUND

    def test_what_was_withdrawn_says_so(self, shelf: Shelf) -> None:
        shelf.publish(shelf.world, shelf.name, Release("1.0.0", OLD, withdrawn="broken"))
        (fact,) = shelf.index.look((Package(shelf.world, shelf.name, "1.0.0"),))
        assert fact.withdrawn

    def test_absent_and_unknown_are_told_apart_and_answers_keep_their_order(self, shelf: Shelf) -> None:
        shelf.publish(shelf.world, shelf.name, Release("1.0.0", OLD))
        absent, found = shelf.index.look(
            (Package(shelf.world, f"{shelf.name}-gone"), Package(shelf.world, shelf.name))
        )
        assert (absent.state, found.state) == (State.ABSENT, State.FOUND)
        shelf.fall_silent()
        facts = shelf.index.look((Package(shelf.world, shelf.name), Package(shelf.world, "x")))
        assert {fact.state for fact in facts} == {State.UNKNOWN}
        assert all(fact.why for fact in facts)
