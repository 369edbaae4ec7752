"""The fixture that gives tests a model server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from tests.agents.model_server.script import Script
from tests.agents.model_server.server import KEY, ModelServer

Serve = Callable[..., ModelServer]


@pytest.fixture
def model_server() -> Iterator[Serve]:
    """Return what starts a server for scripts: ``model_server(calc_play())``; it ends with the test."""
    with ExitStack() as stack:

        def serve(*scripts: Script, key: str = KEY) -> ModelServer:
            return stack.enter_context(ModelServer(scripts, key))

        yield serve
