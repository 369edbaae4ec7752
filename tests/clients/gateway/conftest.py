"""A scripted provider for the whole module, a gateway for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clients.gateway.provider import ScriptedProvider, usual
from tests.clients.gateway.rig import Rig, make_rig


@pytest.fixture(scope="module")
def played() -> Iterator[ScriptedProvider]:
    provider = ScriptedProvider()
    yield provider
    provider.stop()


@pytest.fixture
def provider(played: ScriptedProvider) -> ScriptedProvider:
    played.reply = usual
    played.came.clear()
    played.gone.clear()
    played.inflight_max = 0
    return played


@pytest.fixture
def rig(provider: ScriptedProvider, tmp_path: Path) -> Iterator[Rig]:
    rig = make_rig(tmp_path, provider)
    yield rig
    rig.gateway.stop()
