"""Hold every sandbox to the same promises."""
# ruff: noqa: S101  these are tests, shipped for the authors of adapters

from __future__ import annotations

from typing import Protocol

import pytest

from keelway.core.errors import PolicyRefused
from keelway.ports.forge import Forge
from keelway.ports.sandbox import Sandbox, Workspace


class Shop(Protocol):
    """Give a sandbox, the forge that it serves, and the hands of an agent."""

    sandbox: Sandbox
    forge: Forge
    """``develop`` holds ``app.py`` and ``README.md`` at least."""

    def write(self, workspace: Workspace, path: str, text: str | None) -> None:
        """Write a file in a workspace as the agent; None removes it."""
        ...

    def read(self, workspace: Workspace, path: str) -> str | None:
        """Return what a workspace holds at a path."""
        ...


class SandboxTests:
    """Subclass it with one fixture: ``shop``."""

    def open(self, shop: Shop, task: str = "T-1") -> Workspace:
        """Open a workspace on the head of develop."""
        return shop.sandbox.open(task, shop.forge.head("develop"), f"feature/{task}")

    def test_open_holds_the_base_and_is_the_same_again(self, shop: Shop) -> None:
        """Open once and return what is there after that."""
        workspace = self.open(shop)
        base = workspace.base_sha
        assert base == shop.forge.head("develop")
        assert shop.read(workspace, "app.py") == shop.forge.read(base, "app.py")
        shop.write(workspace, "new.py", "1\n")
        assert self.open(shop) == workspace
        assert shop.read(workspace, "new.py") == "1\n"

    def test_collect_makes_one_commit_and_the_same_again(self, shop: Shop) -> None:
        """Turn edits into one deterministic commit."""
        workspace = self.open(shop)
        shop.write(workspace, "new/file.py", "1\n")
        shop.write(workspace, "app.py", None)
        done = shop.sandbox.collect(workspace, workspace.base_sha, "feat: x", "feature/T-1")
        assert done.changed
        assert shop.forge.head("feature/T-1") == done.head_sha
        assert shop.forge.diff(done.base_sha, done.head_sha).paths == {"new/file.py", "app.py"}
        assert shop.sandbox.collect(workspace, workspace.base_sha, "feat: x", "feature/T-1") == done

    def test_nothing_changed_is_said_and_moves_nothing(self, shop: Shop) -> None:
        """Say that nothing changed."""
        workspace = self.open(shop)
        done = shop.sandbox.collect(workspace, workspace.base_sha, "feat: x", "feature/T-1")
        assert not done.changed
        assert done.head_sha == workspace.base_sha

    def test_reset_starts_again_from_a_commit(self, shop: Shop) -> None:
        """Drop what was not collected."""
        workspace = self.open(shop)
        shop.write(workspace, "kept.py", "1\n")
        kept = shop.sandbox.collect(workspace, workspace.base_sha, "one", "feature/T-1")
        shop.write(workspace, "lost.py", "1\n")
        for _ in range(2):
            fresh = shop.sandbox.reset("T-1", kept.head_sha, workspace.base_sha)
        assert fresh == workspace
        assert shop.read(fresh, "kept.py") == "1\n"
        assert shop.read(fresh, "lost.py") is None
        shop.write(fresh, "more.py", "1\n")
        more = shop.sandbox.collect(fresh, fresh.base_sha, "two", "feature/T-1")
        assert shop.forge.diff(fresh.base_sha, more.head_sha).paths == {"kept.py", "more.py"}

    def test_tasks_do_not_share_files(self, shop: Shop) -> None:
        """Keep tasks apart."""
        one, two = self.open(shop, "T-1"), self.open(shop, "T-2")
        shop.write(one, "one.py", "1\n")
        assert shop.read(two, "one.py") is None
        assert not shop.sandbox.collect(two, two.base_sha, "m", "feature/T-2").changed

    def test_close_forgets_and_may_be_repeated(self, shop: Shop) -> None:
        """Remove a workspace for good."""
        workspace = self.open(shop)
        shop.write(workspace, "new.py", "1\n")
        for _ in range(2):
            shop.sandbox.close("T-1")
        assert shop.read(self.open(shop), "new.py") is None

    def test_protected_branches_are_refused(self, shop: Shop) -> None:
        """Never collect onto a protected branch."""
        workspace = self.open(shop)
        shop.write(workspace, "new.py", "1\n")
        with pytest.raises(PolicyRefused) as caught:
            shop.sandbox.collect(workspace, workspace.base_sha, "m", "develop")
        assert caught.value.code == "protected_branch"
        assert shop.forge.head("develop") == workspace.base_sha
