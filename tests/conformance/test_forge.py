"""The fake and the local forge keep the same promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance.git_rig import make_rig

from keelway.testing.conformance.forge import START, Bench, Edits, ForgeTests
from keelway.testing.conformance.pulls import PullBookTests
from keelway.testing.fakes.forge import FakeForge
from keelway.testing.fakes.pulls import FakePullBook


class _FakeBench:
    def __init__(self) -> None:
        self.forge = FakeForge(START)

    def patch(self, branch: str, base_sha: str, edits: Edits) -> str:
        return self.forge.commit(branch, base_sha, self._edited(base_sha, edits), f"patch of {branch}").sha

    def people_push(self, edits: Edits, *, rewrite: bool = False) -> str:
        history, at = self.forge.history, self.forge.origin_at
        files = self._edited(at, edits)
        parents = history[at].parents if rewrite else (at,)
        self.forge.origin_at = history.add(parents, files, "people").sha
        return self.forge.origin_at

    def _edited(self, sha: str, edits: Edits) -> dict[str, str]:
        files = {**self.forge.history[sha].files, **edits}
        return {path: text for path, text in files.items() if text is not None}


class TestFakeForge(ForgeTests):
    @pytest.fixture
    def bench(self) -> Bench:
        return _FakeBench()


class TestLocalForge(ForgeTests):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        return make_rig(tmp_path)


class TestFakePullBook(PullBookTests):
    @pytest.fixture
    def book(self) -> FakePullBook:
        return FakePullBook()
