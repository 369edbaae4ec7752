"""The fake and the folder of executables keep the same promises."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.adapters.hook.hook_rig import HookRig

from keelway.testing.conformance.hook import HookTests, HookYard
from keelway.testing.fakes.hook import FakeHooks


class _FakeYard:
    def __init__(self) -> None:
        self.hooks = FakeHooks()

    def put(self, name: str, *, good: bool) -> str:
        self.hooks.wrong[name] = "" if good else f"{name} ended with 7"
        return "a" * 40


class TestFakeHooks(HookTests):
    @pytest.fixture
    def yard(self) -> HookYard:
        return _FakeYard()


class TestFolderHooks(HookTests):
    @pytest.fixture
    def yard(self, tmp_path: Path) -> HookYard:
        return HookRig.make(tmp_path)
