"""Let a process that works be seen: its log, its spans, and the figures of the installation."""

from __future__ import annotations

import contextlib
from importlib.metadata import version
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from keelway.app.config import Config
from keelway.app.home import Home
from keelway.app.registry import load
from keelway.ports.vault import Vault
from keelway.telemetry.logs import LogTo, close_log, open_log
from keelway.telemetry.spans import close_spans, open_spans

if TYPE_CHECKING:
    from keelway.app.bootstrap import App
    from keelway.telemetry.figures import Figures


def begin(config: Config, home: Home, *known: str, worker: str = "") -> None:
    """Open the log in the home and send spans if they are asked for.

    Args:
        config: the project.
        home: where the log lies; a home has one process that writes to it.
        known: values that must never be written, such as the token of the API.
        worker: name of the worker in its spans.

    Raises:
        YourFault: the log cannot be written, or spans are asked for and cannot be sent.
    """
    with contextlib.suppress(OSError):  # the log says what is wrong with the home
        home.prepare()
    section = config.file.log
    vault: Vault = load("vault", "file")(str(home.root))
    open_log(
        section.level,
        section.format,
        LogTo(file=home.log),
        vault=vault.redact,
        known=(*known, *_password(home.store_url)),
    )
    open_spans(section.otlp, worker=worker)


def end() -> None:
    """Send the last spans and close the log."""
    close_spans()
    close_log()


def figures_of(app: App) -> Figures:
    """Return the figures of an installation, on connections of their own."""
    from keelway.store.database import open_database
    from keelway.telemetry.figures import Figures

    database = open_database(app.home.database_url)
    return Figures(database, version("keelway"), app.roster, app.config.file.worker.lease_seconds)


def _password(store_url: str) -> tuple[str, ...]:
    try:
        password = make_url(store_url).password if store_url else None
    except ArgumentError:
        return ()
    return (password,) if password else ()
