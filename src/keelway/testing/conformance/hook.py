"""Hold everybody who runs hooks to the same promises."""
# ruff: noqa: D102, S101  these are tests, shipped for the authors of adapters

from __future__ import annotations

from typing import Protocol

from keelway.ports.hook import HookCall, Hooks

SECONDS = 20.0


class HookYard(Protocol):
    """Give hooks that end as they are told."""

    @property
    def hooks(self) -> Hooks:
        """Return who runs them."""
        ...

    def put(self, name: str, *, good: bool) -> str:
        """Let there be a hook that ends well or not; return the commit that has it."""
        ...


class HookTests:
    """Subclass it with one fixture: ``yard``."""

    def test_a_hook_that_is_not_there_runs_nothing(self, yard: HookYard) -> None:
        commit = yard.put("pre-deploy", good=True)
        done = yard.hooks.run(HookCall("post-deploy", commit, SECONDS))
        assert (done.found, done.wrong) == (False, "")

    def test_a_good_hook_ends_well(self, yard: HookYard) -> None:
        commit = yard.put("pre-deploy", good=True)
        done = yard.hooks.run(HookCall("pre-deploy", commit, SECONDS, {"KEELWAY_RELEASE": "r-1"}))
        assert (done.found, done.wrong) == (True, "")

    def test_a_failing_hook_says_why(self, yard: HookYard) -> None:
        commit = yard.put("post-deploy", good=False)
        for _ in range(2):
            done = yard.hooks.run(HookCall("post-deploy", commit, SECONDS))
            assert done.found
            assert done.wrong
