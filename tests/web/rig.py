"""A running application in memory behind its real HTTP door."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.workflows.world import World

from keelway.app.queries import Queries
from keelway.core.model.task import OWNER
from keelway.web.api import create_app
from keelway.web.desk import Desk

TOKEN = "a-token-of-the-tests"


@dataclass
class House:
    """Hold a world, its queries and its door; ``stopped`` counts calls of the way out."""

    world: World
    desk: Desk
    app: FastAPI
    stopped: list[str]

    @classmethod
    def build(cls, home: Path, **settings: Any) -> House:
        """Make one."""
        world, stopped = World(home, **settings), []
        desk = Desk(
            world.commands,
            Queries.of(world.app, world.engine),
            OWNER,
            TOKEN,
            "0.0.test",
            4711,
            datetime(2026, 1, 5, tzinfo=UTC),
            lambda: stopped.append("stop"),
        )
        return cls(world, desk, create_app(desk), stopped)

    @property
    def queries(self) -> Queries:
        """Return who answers questions."""
        return self.desk.queries

    def settle(self) -> None:
        """Let an hour pass, which is shorter than any question waits."""
        self.world.engine.run_until_idle(self.world.clock.now() + timedelta(hours=1))

    def client(self, token: str = TOKEN, host: str = "127.0.0.1:4000") -> TestClient:
        """Return a client that shows a token."""
        headers = {"host": host} | ({"authorization": f"Bearer {token}"} if token else {})
        return TestClient(
            self.app, base_url="http://127.0.0.1:4000", headers=headers, raise_server_exceptions=False
        )
