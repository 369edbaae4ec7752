"""Serve one project on loopback until told to end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import uvicorn

from keelway.app import server_file
from keelway.app.control import observe
from keelway.app.control.plane import ControlPlane, Say
from keelway.app.desk import Place
from keelway.app.home import Home
from keelway.app.server_file import Server
from keelway.core.model.task import Actor
from keelway.telemetry.figures import Figures
from keelway.telemetry.token import scrape_token
from keelway.web.api import create_app
from keelway.web.desk import Desk
from keelway.web.metrics import with_metrics

HOST = "127.0.0.1"
GRACE_SECONDS = 3


class _Listening(uvicorn.Server):
    """Say on which port the server listens once it does."""

    def __init__(self, config: uvicorn.Config, bound: Callable[[int], None]) -> None:
        super().__init__(config)
        self._bound = bound

    async def startup(self, sockets: Any = None) -> None:
        """Bind, then tell."""
        await super().startup(sockets)
        for server in self.servers:
            for socket in server.sockets:
                self._bound(int(socket.getsockname()[1]))
                return


def serve(place: Place, say: Say, *, port: int | None = None) -> None:
    """Wire, bring the first releases up, and answer until SIGINT, SIGTERM or a call to end.

    The caller has made sure that nothing stands in the way (``refuse_second``, ``preflight``).

    Raises:
        YourFault: another process works on the same home.
        TheirFault: the book or a daemon cannot be used.
    """
    signal.signal(signal.SIGTERM, _leave)
    config, home = place.config, place.home
    token = server_file.new_token()
    observe.begin(config, home, token)
    plane = ControlPlane.open(config, home, say)
    figures = observe.figures_of(plane.app)
    try:
        plane.bring_baseline()
        _answer(plane, figures, home, say, token, config.file.server.port if port is None else port)
    except KeyboardInterrupt:
        pass  # asked to end: the way out is the same
    finally:
        server_file.remove(home.server, os.getpid())
        figures.close()
        plane.close()
        observe.end()
        say("The control plane has ended. Fronts and releases keep running; keelway down ends them too.")


def _answer(plane: ControlPlane, figures: Figures, home: Home, say: Say, token: str, port: int) -> None:
    began, owner = datetime.now(UTC), plane.app.config.project.owner
    closing = threading.Event()
    holder: list[_Listening] = []

    def stop() -> None:
        closing.set()
        holder[0].should_exit = True

    desk = Desk(
        plane.commands,
        plane.queries,
        Actor(owner, "cli"),
        token,
        version("keelway"),
        os.getpid(),
        began,
        stop,
        closing=closing,
    )

    def bound(listening: int) -> None:
        url = f"http://{HOST}:{listening}"
        server_file.write(home.server, Server(url, token, os.getpid(), desk.version, began))
        plane.detector.start()
        plane.recipes.start()
        plane.drills.start()
        plane.drift.start()
        plane.lookout.start()
        say(f"Ready. Status page (opens once): {url}/?key={desk.keys.link()}")
        say('Next: keelway ask "..."; keelway status; Ctrl-C or keelway down to end.')

    settings = uvicorn.Config(
        with_metrics(create_app(desk), figures, token, scrape_token(home.root)),
        host=HOST,
        port=port,
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Listening(settings, bound)
    holder.append(server)
    server.run()


def _leave(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
