"""Leave the logging and the tracing of the test process as they were found."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from keelway.telemetry.logs import close_log
from keelway.telemetry.spans import close_spans

KEPT = ("alembic", "dbos", "httpx2", "httpcore2", "urllib3")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    loggers = [logging.getLogger(name) for name in KEPT]
    kept = [(each, each.level, list(each.handlers), each.propagate) for each in loggers]
    yield
    close_spans()
    close_log()
    structlog.reset_defaults()
    root.setLevel(level)
    root.handlers = handlers
    for each, its_level, its_handlers, propagate in kept:
        each.setLevel(its_level)
        each.handlers, each.propagate = its_handlers, propagate
