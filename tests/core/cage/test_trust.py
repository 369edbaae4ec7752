"""Who may have an agent at work behind which fence."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from keelway.core.cage.trust import describe, is_owner, is_trusted, judge_fence
from keelway.core.model.fence import UNKNOWN_FENCE, Fence
from keelway.core.model.task import OWNER, SYSTEM, Actor, Request, Source
from keelway.core.model.verdict import Ruling

STRONG = Fence("bubblewrap", isolates_network=True, trusted_only=False, limits="cgroup v2")
WEAK = Fence("landlock", missing=("no process name space", "no disk quota"))
BARE = Fence("none", missing=("nothing is held",))
BROKEN = Fence("bubblewrap", works=False, trusted_only=False, missing=("bwrap is not installed",))
STRANGER = Actor("mallory", "telegram")


def request(by: Actor, source: Source = Source.CLI) -> Request:
    return Request("Add a page", by, datetime(2026, 1, 1, tzinfo=UTC), source)


@pytest.mark.parametrize("source", [Source.DETECTOR, Source.CRON, Source.CI, Source.SELF])
def test_what_keelway_measured_itself_is_trusted(source: Source) -> None:
    assert is_trusted(request(SYSTEM, source), "owner")


@pytest.mark.parametrize("source", [Source.CLI, Source.API, Source.CHAT, Source.WEBHOOK])
def test_the_name_of_the_system_alone_earns_no_trust(source: Source) -> None:
    assert not is_trusted(request(SYSTEM, source), "owner")


def test_a_stranger_cannot_borrow_the_source_of_the_system() -> None:
    assert not is_trusted(request(STRANGER, Source.DETECTOR), "owner")


def test_the_owner_may_be_bound_to_a_channel() -> None:
    assert is_owner(OWNER, "owner")
    assert is_owner(OWNER, "owner@cli")
    assert not is_owner(Actor("owner", "telegram"), "owner@cli")
    assert not is_owner(Actor("", "cli"), "")


@pytest.mark.parametrize("fence", [WEAK, BARE, UNKNOWN_FENCE])
def test_behind_a_weak_fence_only_the_trusted_are_served(fence: Fence) -> None:
    refused = judge_fence(request(STRANGER), "owner", fence)
    assert (refused.ruling, refused.code) == (Ruling.FAIL, "fence_too_weak")
    assert "mallory@telegram" in refused.message
    assert "keelway doctor sandbox" in refused.message
    served = judge_fence(request(OWNER), "owner", fence)
    assert (served.ruling, served.code) == (Ruling.PASS, "fence_weak")
    assert all(lack in served.message for lack in fence.missing)


def test_a_strong_fence_serves_everybody() -> None:
    for actor in (OWNER, STRANGER):
        found = judge_fence(request(actor), "owner", STRONG)
        assert (found.ruling, found.code) == (Ruling.PASS, "fence_holds")
    assert found.evidence == {"fence": "bubblewrap", "trusted_only": "false"}


def test_a_fence_that_does_not_work_serves_nobody() -> None:
    found = judge_fence(request(OWNER), "owner", BROKEN)
    assert (found.ruling, found.code) == (Ruling.FAIL, "fence_broken")
    assert "bwrap is not installed" in found.message


def test_a_fence_is_described_by_what_it_lacks() -> None:
    assert describe(STRONG) == "Agents run in bubblewrap, limits by cgroup v2."
    assert describe(WEAK) == (
        "Agents run behind landlock, a WEAK sandbox: no process name space; no disk quota."
    )
    assert describe(BARE) == "Agents run WITHOUT A SANDBOX: nothing is held."
    assert describe(BROKEN) == "The sandbox bubblewrap does not work here: bwrap is not installed."
    assert describe(Fence("x", trusted_only=False, missing=("one",))) == "Agents run in x. Not held: one."
    assert describe(Fence("none")) == "Agents run WITHOUT A SANDBOX."
