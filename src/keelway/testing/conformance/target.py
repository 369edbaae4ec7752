"""Hold every target to the same promises."""
# ruff: noqa: D102, S101  these are tests, shipped for the authors of adapters

from __future__ import annotations

from typing import Protocol

import pytest

from keelway.core.errors import KeelwayError, StaleEpoch, TheirFault, YourFault
from keelway.core.release.version import release_name
from keelway.ports.target import RunningRelease, Target


class Yard(Protocol):
    """Give a target, commits of an application to it, and the view of a user."""

    @property
    def target(self) -> Target:
        """Return the target, each time as a new control plane would make it."""
        ...

    environment: str
    other: str
    """A second environment, as empty as the first."""

    def commit(self, *traits: str, schema: int = 0) -> str:
        """Commit the application and return the commit.

        ``sick``: it never becomes healthy. ``broken``: its set-up fails. ``oneway``: its way down fails.
        ``schema`` is the newest version that it can migrate to and the oldest that it is healthy on.
        """
        ...

    def answering(self, environment: str) -> str:
        """Return the release that answers a user now, empty when nobody answers well."""
        ...


class YardTests:
    """Build and look in a yard, as every kind of target is held to its promises there."""

    def built(self, yard: Yard, *traits: str, schema: int = 0) -> str:
        sha = yard.commit(*traits, schema=schema)
        return yard.target.build(yard.environment, sha, release_name(sha)).release

    def one(self, yard: Yard, release: str) -> RunningRelease:
        found = yard.target.state(yard.environment).releases
        return next(entry for entry in found if entry.release == release)

    def refused(self, code: str, kind: type[KeelwayError], act: object) -> None:
        assert callable(act)
        with pytest.raises(kind) as caught:
            act()
        assert caught.value.code == code


class TargetTests(YardTests):
    """Subclass it with one fixture: ``yard``; the project has one worker besides its web process."""

    def live(self, yard: Yard, epoch: int = 1, schema: int = 0) -> str:
        release = self.built(yard, schema=schema)
        for _ in range(2):
            yard.target.migrate(yard.environment, release, None, epoch=epoch)
            yard.target.start(yard.environment, release, epoch=epoch)
            yard.target.switch(yard.environment, {release: 100}, epoch=epoch)
            yard.target.swap_workers(yard.environment, release, epoch=epoch)
        return release

    def test_an_empty_environment_is_said_to_be_empty(self, yard: Yard) -> None:
        state = yard.target.state(yard.environment)
        assert (state.active, state.releases, state.schema, state.healthy) == ("", (), None, False)
        assert state.environment == yard.environment
        self.refused("no_environment", YourFault, lambda: yard.target.state("nowhere"))

    def test_build_makes_a_release_once(self, yard: Yard) -> None:
        sha = yard.commit()
        first = yard.target.build(yard.environment, sha, release_name(sha))
        again = yard.target.build(yard.environment, sha, release_name(sha))
        assert (first.release, first.sha, first.tree_sha) == (again.release, again.sha, again.tree_sha)
        assert self.one(yard, first.release) == RunningRelease(first.release, sha, "built")
        assert yard.target.state(yard.other).releases == ()

    def test_a_failed_build_leaves_nothing(self, yard: Yard) -> None:
        sha = yard.commit("broken")
        name = release_name(sha)
        for _ in range(2):
            self.refused("build_failed", TheirFault, lambda: yard.target.build(yard.environment, sha, name))
        assert yard.target.state(yard.environment).releases == ()
        start = yard.target.start
        self.refused("no_release", YourFault, lambda: start(yard.environment, name, epoch=1))

    def test_a_live_release_answers_and_says_so(self, yard: Yard) -> None:
        release = self.live(yard, schema=1)
        assert yard.answering(yard.environment) == release
        assert yard.answering(yard.other) == ""
        state = yard.target.state(yard.environment)
        assert (state.active, state.schema, state.epoch, state.detail) == (release, 1, 1, "")
        assert state.healthy
        running = self.one(yard, release)
        assert (running.state, running.weight, running.workers, running.restarts) == ("running", 100, 1, 0)

    def test_a_release_without_traffic_answers_nobody(self, yard: Yard) -> None:
        old = self.live(yard)
        new = self.built(yard)
        assert yard.target.start(yard.environment, new, epoch=1).state == "running"
        assert yard.answering(yard.environment) == old
        assert self.one(yard, new).weight == 0

    def test_an_unhealthy_release_is_stopped_again(self, yard: Yard) -> None:
        old = self.live(yard)
        sick = self.built(yard, "sick")
        act = lambda: yard.target.start(yard.environment, sick, epoch=1)  # noqa: E731
        self.refused("unhealthy", TheirFault, act)
        assert self.one(yard, sick).state == "stopped"
        switch = yard.target.switch
        self.refused("not_running", TheirFault, lambda: switch(yard.environment, {sick: 100}, epoch=1))
        assert yard.answering(yard.environment) == old

    def test_workers_belong_to_one_release(self, yard: Yard) -> None:
        old = self.live(yard)
        new = self.live(yard)
        assert (self.one(yard, old).workers, self.one(yard, new).workers) == (0, 1)
        for _ in range(2):
            yard.target.swap_workers(yard.environment, "", epoch=1)
        assert (self.one(yard, old).workers, self.one(yard, new).workers) == (0, 0)
        yard.target.swap_workers(yard.environment, old, epoch=1)
        assert (self.one(yard, old).workers, self.one(yard, new).workers) == (1, 0)

    def test_only_an_idle_release_is_retired(self, yard: Yard) -> None:
        old = self.live(yard)
        retire = yard.target.retire
        self.refused("still_routed", TheirFault, lambda: retire(yard.environment, old, epoch=1))
        new = self.live(yard)
        for _ in range(2):
            retire(yard.environment, old, epoch=1)
        assert self.one(yard, old).state == "stopped"
        yard.target.start(yard.environment, old, epoch=1)
        yard.target.switch(yard.environment, {old: 100}, epoch=1)
        assert yard.answering(yard.environment) == old
        assert self.one(yard, new).state == "running"

    def test_an_older_holder_is_fenced_off(self, yard: Yard) -> None:
        old = self.live(yard, epoch=5, schema=1)
        new = self.built(yard, schema=1)
        target, environment = yard.target, yard.environment
        acts = (
            lambda: target.start(environment, new, epoch=4),
            lambda: target.switch(environment, {new: 100}, epoch=4),
            lambda: target.swap_workers(environment, "", epoch=4),
            lambda: target.retire(environment, new, epoch=4),
            lambda: target.migrate(environment, old, 0, epoch=4),
        )
        before = target.state(environment)
        for act in acts:
            self.refused("stale_epoch", StaleEpoch, act)
        assert target.state(environment) == before
        assert yard.answering(environment) == old
        assert self.one(yard, new).state == "built"

    def test_schema_moves_up_and_down_by_the_release(self, yard: Yard) -> None:
        release = self.built(yard, schema=3)
        target, environment = yard.target, yard.environment
        up = target.migrate(environment, release, None, epoch=1)
        assert (up.before, up.after, up.steps) == (0, 3, 3)
        assert target.migrate(environment, release, None, epoch=1).steps == 0
        down = target.migrate(environment, release, 1, epoch=1)
        assert (down.before, down.after, down.steps) == (3, 1, -2)
        assert target.migrate(environment, release, 1, epoch=1).steps == 0
        assert target.schema(environment, release) == 1
        assert target.state(yard.other).schema is None

    def test_a_failed_way_down_says_where_it_stands(self, yard: Yard) -> None:
        release = self.built(yard, "oneway", schema=2)
        yard.target.migrate(yard.environment, release, None, epoch=1)
        with pytest.raises(TheirFault, match="version 2") as caught:
            yard.target.migrate(yard.environment, release, 0, epoch=1)
        assert caught.value.code == "migration_failed"
        assert yard.target.schema(yard.environment, release) == 2  # noqa: PLR2004

    def test_boots_asks_without_touching_what_runs(self, yard: Yard) -> None:
        old = self.live(yard)
        sick = self.built(yard, "sick")
        before = yard.target.state(yard.environment)
        assert yard.target.boots(yard.environment, old) == ""
        assert yard.target.boots(yard.environment, sick) != ""
        assert yard.target.state(yard.environment) == before

    def test_prune_keeps_what_is_named_and_what_runs(self, yard: Yard) -> None:
        one, two, three = self.built(yard), self.built(yard), self.live(yard)
        assert yard.target.prune(yard.environment, (one,)) == (two,)
        assert yard.target.prune(yard.environment, (one,)) == ()
        left = {entry.release for entry in yard.target.state(yard.environment).releases}
        assert left == {one, three}
        assert yard.answering(yard.environment) == three
