"""Hold every target that replaces what serves to the same promises."""
# ruff: noqa: D102, S101  these are tests, shipped for the authors of adapters

from __future__ import annotations

import pytest

from keelway.core.errors import StaleEpoch, TheirFault, YourFault
from keelway.core.release.version import release_name
from keelway.testing.conformance.target import Yard, YardTests


class InPlaceTargetTests(YardTests):
    """Subclass it with one fixture: ``yard``, as for ``TargetTests``; ``broken`` is a commit that cannot be brought.

    What a target cannot do side by side it has to say plainly, so that nothing relies on it.
    """

    def live(self, yard: Yard, *traits: str, epoch: int = 1) -> str:
        release = self.built(yard, *traits)
        for _ in range(2):
            yard.target.start(yard.environment, release, epoch=epoch)
            yard.target.switch(yard.environment, {release: 100}, epoch=epoch)
            yard.target.swap_workers(yard.environment, release, epoch=epoch)
        return release

    def test_it_says_what_it_cannot_do(self, yard: Yard) -> None:
        said = yard.target.capabilities(yard.environment)
        assert (said.side_by_side, said.weights, said.snapshots) == (False, False, False)
        self.refused("no_environment", YourFault, lambda: yard.target.state("nowhere"))

    def test_build_makes_a_release_once_and_touches_nothing_that_serves(self, yard: Yard) -> None:
        old = self.live(yard)
        sha = yard.commit()
        first = yard.target.build(yard.environment, sha, release_name(sha))
        again = yard.target.build(yard.environment, sha, release_name(sha))
        assert (first.release, first.sha, first.tree_sha) == (again.release, again.sha, again.tree_sha)
        assert self.one(yard, first.release).state == "built"
        assert yard.answering(yard.environment) == old
        assert first.release not in {entry.release for entry in yard.target.state(yard.other).releases}

    def test_a_failed_build_leaves_nothing(self, yard: Yard) -> None:
        sha = yard.commit("broken")
        name = release_name(sha)
        for _ in range(2):
            self.refused("build_failed", TheirFault, lambda: yard.target.build(yard.environment, sha, name))
        start = yard.target.start
        self.refused("no_release", YourFault, lambda: start(yard.environment, name, epoch=1))

    def test_a_live_release_answers_and_says_so(self, yard: Yard) -> None:
        release = self.live(yard)
        assert yard.answering(yard.environment) == release
        assert yard.answering(yard.other) == ""
        state = yard.target.state(yard.environment)
        assert (state.active, state.epoch, state.healthy, state.detail) == (release, 1, True, "")
        assert (self.one(yard, release).state, self.one(yard, release).weight) == ("running", 100)

    def test_starting_changes_nothing_for_users(self, yard: Yard) -> None:
        old = self.live(yard)
        new = self.built(yard)
        yard.target.start(yard.environment, new, epoch=1)
        assert yard.answering(yard.environment) == old
        assert yard.target.state(yard.environment).active == old

    def test_it_goes_forth_and_back(self, yard: Yard) -> None:
        old = self.live(yard)
        new = self.live(yard)
        assert yard.answering(yard.environment) == new
        assert self.one(yard, old).state == "stopped"
        for _ in range(2):
            yard.target.switch(yard.environment, {old: 100, new: 0}, epoch=2)
        assert yard.answering(yard.environment) == old
        assert yard.target.state(yard.environment).active == old

    def test_an_unhealthy_release_is_told_and_can_be_left(self, yard: Yard) -> None:
        old = self.live(yard)
        sick = self.built(yard, "sick")
        switch = yard.target.switch
        self.refused("unhealthy", TheirFault, lambda: switch(yard.environment, {sick: 100}, epoch=1))
        assert not yard.target.state(yard.environment).healthy
        switch(yard.environment, {old: 100}, epoch=1)
        assert yard.answering(yard.environment) == old
        assert yard.target.state(yard.environment).healthy

    def test_traffic_is_never_split(self, yard: Yard) -> None:
        old, new = self.live(yard), self.built(yard)
        switch = yard.target.switch
        for weights in ({old: 50, new: 50}, {}, {old: 0}):
            table = dict(weights)
            self.refused("no_weights", YourFault, lambda t=table: switch(yard.environment, t, epoch=1))
        assert yard.answering(yard.environment) == old

    def test_nobody_claims_that_a_release_boots_beside_another(self, yard: Yard) -> None:
        old = self.live(yard)
        assert yard.target.boots(yard.environment, old) != ""
        assert yard.answering(yard.environment) == old

    def test_what_serves_is_not_retired(self, yard: Yard) -> None:
        old = self.live(yard)
        retire = yard.target.retire
        self.refused("still_routed", TheirFault, lambda: retire(yard.environment, old, epoch=1))
        new = self.live(yard)
        retire(yard.environment, old, epoch=1)
        assert yard.answering(yard.environment) == new

    def test_an_older_holder_is_fenced_off(self, yard: Yard) -> None:
        old = self.live(yard, epoch=5)
        new = self.built(yard)
        target, environment = yard.target, yard.environment
        acts = (
            lambda: target.start(environment, new, epoch=4),
            lambda: target.switch(environment, {new: 100}, epoch=4),
            lambda: target.swap_workers(environment, "", epoch=4),
            lambda: target.retire(environment, new, epoch=4),
        )
        before = target.state(environment)
        for act in acts:
            self.refused("stale_epoch", StaleEpoch, act)
        assert target.state(environment) == before
        assert yard.answering(environment) == old

    def test_prune_keeps_what_is_named_and_what_serves(self, yard: Yard) -> None:
        one, two, three = self.built(yard), self.built(yard), self.live(yard)
        assert two in yard.target.prune(yard.environment, (one,))
        assert yard.target.prune(yard.environment, (one,)) == ()
        left = {entry.release for entry in yard.target.state(yard.environment).releases}
        assert left == {one, three}
        assert yard.answering(yard.environment) == three


class InPlaceSchemaTests(InPlaceTargetTests):
    """Subclass it when the target moves schemas too."""

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
        stale = lambda: target.migrate(environment, release, 0, epoch=0)  # noqa: E731
        self.refused("stale_epoch", StaleEpoch, stale)

    def test_a_failed_way_down_says_where_it_stands(self, yard: Yard) -> None:
        release = self.built(yard, "oneway", schema=2)
        yard.target.migrate(yard.environment, release, None, epoch=1)
        with pytest.raises(TheirFault, match="version 2") as caught:
            yard.target.migrate(yard.environment, release, 0, epoch=1)
        assert caught.value.code == "migration_failed"
        assert yard.target.schema(yard.environment, release) == 2  # noqa: PLR2004
