"""Ordinary values that the tests of the core alter one field at a time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from keelway.core.model.diff import MODE_FILE, NO_MODE, Diff, FileDelta
from keelway.core.model.plan import AcceptanceProbe, Kind, Plan
from keelway.core.model.task import Actor, Request, Task
from keelway.core.policy import Policy

NOW = datetime(2026, 2, 16, 14, 30, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def policy() -> Policy:
    return Policy()


@pytest.fixture
def request_made() -> Request:
    return Request("Please add XMPP support", Actor("anna", "telegram"), NOW)


@pytest.fixture
def task(request_made: Request) -> Task:
    return Task("01JZZZZZZZZZZZZZZZZZZZZZZZ", 142, "shop", request_made)


@pytest.fixture
def plan() -> Plan:
    return Plan(
        title="Add XMPP channel support",
        approach="Implement the driver contract.\nRegister it.",
        kind=Kind.FEATURE,
        create=("app/xmpp.py", "tests/test_xmpp.py"),
        modify=("app/channels.py",),
        probes=(AcceptanceProbe("/channels", body_contains="xmpp"),),
        risks=("The server may be unreachable in CI.",),
        test_plan=("A message is sent and received.",),
        usage="Set XMPP_HOST, then:\n  app start xmpp",
        lines_estimate=90,
    )


@pytest.fixture
def diff() -> Diff:
    return Diff(
        "b" * 40,
        "a" * 40,
        (
            FileDelta("app/xmpp.py", "A", NO_MODE, MODE_FILE, added=2),
            FileDelta("app/channels.py", "M", added=1, removed=1),
            FileDelta("tests/test_xmpp.py", "A", NO_MODE, MODE_FILE, added=1),
        ),
        {
            "app/xmpp.py": ((1, "class Xmpp:"), (2, "    name = 'xmpp'")),
            "app/channels.py": ((7, "CHANNELS = [Xmpp]"),),
            "tests/test_xmpp.py": ((1, "from app.xmpp import Xmpp"),),
        },
    )
