"""The fake and the private clone keep the same promises."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conformance.git_rig import make_rig

from keelway.ports.sandbox import Workspace
from keelway.testing.conformance.sandbox import SandboxTests, Shop
from keelway.testing.fakes.forge import FakeForge
from keelway.testing.fakes.sandbox import FakeSandbox


class _FakeShop:
    def __init__(self) -> None:
        self.forge = FakeForge()
        self.sandbox = FakeSandbox(self.forge)

    def write(self, workspace: Workspace, path: str, text: str | None) -> None:
        files = self.sandbox.files(workspace.task)
        files.pop(path, None)
        if text is not None:
            files[path] = text

    def read(self, workspace: Workspace, path: str) -> str | None:
        return self.sandbox.files(workspace.task).get(path)


class TestFakeSandbox(SandboxTests):
    @pytest.fixture
    def shop(self) -> Shop:
        return _FakeShop()


class TestPrivateClone(SandboxTests):
    @pytest.fixture
    def shop(self, tmp_path: Path) -> Shop:
        return make_rig(tmp_path)
