"""Shared by the whole suite: slow files begin first, and in CI a skipped test is a failed one."""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.postgres", "tests.mysql", "tests.agents.model_server.fixture"]

settings.register_profile("keelway", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("keelway")  # a busy machine is no failure


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that hold slow tests, so that no worker is left alone with one in the end."""
    slow = {
        item.path
        for item in items
        if item.get_closest_marker("slow")
        or item.path.parent.name == "workflows"  # long files, if not long tests
    }
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Spare the collector the thousands of tests that stay until the end: a pass over them takes a second."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Turn a skip into a failure where every part is installed."""
    outcome = yield
    report = outcome.get_result()
    allowed = os.environ.get("KEELWAY_MAY_SKIP", "")
    if allowed and allowed in str(report.longrepr):
        return
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("KEELWAY_NO_SKIPS"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {report.longrepr}"
