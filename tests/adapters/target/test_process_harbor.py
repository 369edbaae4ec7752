"""Harbor, built by uv, delivered by the process target."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adapters.target.load import load
from tests.adapters.target.process_rig import PYTHON, ProcessRig
from tests.conformance.git_rig import git

from keelway.adapters.backup.sqlite import SqliteBackup
from keelway.adapters.signal.front import FrontSignal
from keelway.clients.control import free_port
from keelway.clients.http import HttpClient
from keelway.core.model.project import (
    EnvironmentSpec,
    MigrationCommands,
    ProbeSpec,
    ProcessCommand,
    Project,
)
from keelway.testing.fakes.vault import FakeVault

pytestmark = [pytest.mark.slow, pytest.mark.long]
HARBOR = Path(__file__).parents[3] / "examples/harbor"
MODULE = ("python", "-m")


def project() -> Project:
    env = {
        "HARBOR_DB": "{data}/harbor.sqlite",
        "HARBOR_LOG": "{log}",
        "HARBOR_ENV": "{environment}",
        "HARBOR_RELEASE": "{release}",
    }
    return Project(
        "harbor",
        setup=("uv", "sync", "--frozen", "--no-dev", "--quiet"),
        path=(".venv/bin",),
        processes=(
            ProcessCommand("web", (*MODULE, "harbor.web")),
            ProcessCommand("worker", (*MODULE, "harbor.worker")),
        ),
        probes=(ProbeSpec("healthz", body_contains='"ok"'),),
        migrate=MigrationCommands(
            (*MODULE, "harbor.migrate", "up"),
            (*MODULE, "harbor.migrate", "down", "--steps", "{steps}"),
            (*MODULE, "harbor.migrate", "status", "--json"),
        ),
        sqlite="{data}/harbor.sqlite",
        log="{data}/harbor.jsonl",
        environments=(
            EnvironmentSpec("staging", free_port(), env),
            EnvironmentSpec("production", free_port(), env),
        ),
    )


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessRig]:
    own = str(Path(sys.executable).parent)
    if shutil.which("uv") is None and shutil.which("uv", path=own) is None:
        pytest.skip("uv cannot be run: install it to deliver the sample application")
    folder = tmp_path / "bin"
    folder.mkdir()
    found = shutil.which("uv") or shutil.which("uv", path=own)
    (folder / "uv").symlink_to(str(found))
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setenv("UV_PYTHON", PYTHON)
    made = ProcessRig(tmp_path, project(), FakeVault(), patience=30.0)
    made.home.mkdir()
    shutil.copytree(
        HARBOR,
        made.origin,
        ignore=shutil.ignore_patterns(".venv", "__pycache__", ".*_cache", "*.db*", "*.jsonl"),
    )
    git(made.origin, "init", "-q", "-b", "main")
    try:
        yield made
    finally:
        made.target.stop_all(3.0)


def test_harbor_is_delivered_five_times_without_a_lost_request(rig: ProcessRig) -> None:
    figures: dict[str, list[float]] = {}

    def timed(name: str, began: float) -> None:
        figures.setdefault(name, []).append(round(time.monotonic() - began, 3))

    old, seen = "", []
    target = rig.target
    for number in range(6):
        began = time.monotonic()
        new = rig.built()
        timed("build", began)
        target.migrate("production", new, None, epoch=1)
        began = time.monotonic()
        target.start("production", new, epoch=1)
        timed("start", began)
        with load(rig.project.environment("production").port, "/healthz") as users:
            began = time.monotonic()
            target.switch("production", {new: 100}, epoch=1)
            timed("switch", began)
            target.swap_workers("production", new, epoch=1)
            if old:
                began = time.monotonic()
                target.retire("production", old, epoch=1)
                timed("retire", began)
            time.sleep(0.3)
        assert number == 0 or users.wrong == [], users.wrong[:3]
        assert users.good[new] > 0
        old = new
        seen.append(new)
    sys.stdout.write(f"{figures}\n")
    state = target.state("production")
    assert (state.active, state.schema, state.healthy) == (old, 2, True)
    assert {one.release: one.state for one in state.releases} == {
        name: "running" if name == old else "stopped" for name in seen
    }
    assert target.migrate("production", old, 1, epoch=1).steps == -1
    assert not target.state("production").healthy
    assert target.migrate("production", old, None, epoch=1).steps == 1
    backup = SqliteBackup(rig.project, str(rig.home)).take("production", key="one")
    assert backup is not None
    assert backup.rows["schema_version"] == 2
    with HttpClient(state.url) as user:
        assert user.request("GET", "/healthz").ok
    signal = FrontSignal(rig.project, str(rig.home))
    requests, _ = signal.totals("production")
    assert requests > 6
