"""Parts of a delivery are killed while it goes forth and back: everything ends as if nothing had happened."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.postgres import Cluster
from tests.releases.kills.points import VICTIMS
from tests.releases.kills.strike import STORE

ROOT = Path(__file__).parents[3]


def run(out: Path, *words: str) -> list[dict[str, object]]:
    """Live the chosen lives in a program of their own, because it forks."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.releases.kills.run", "--out", str(out), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=3_000,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    return [json.loads(line) for line in out.read_text().splitlines()]


def on(cluster: Cluster) -> tuple[str, str]:
    """Return the words that put the book on a cluster."""
    cluster.sql("CREATE DATABASE kills")
    return "--cluster", f"{cluster.folder},{cluster.programs},{cluster.url('kills')}"


@pytest.mark.deploys
@pytest.mark.timeout(300)
@pytest.mark.parametrize("victim", ["control plane", "front", "supervisor"])
def test_a_kill_while_the_traffic_moves(tmp_path: Path, victim: str) -> None:
    found = run(tmp_path / "kills.jsonl", "--victim", victim, "--step", "target.switch(production):1:before")
    assert [one["good"] for one in found] == [True, False]


@pytest.mark.soak
@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("victim", [victim for victim in VICTIMS if victim != STORE])
def test_a_kill_at_every_step(tmp_path: Path, victim: str) -> None:
    assert run(tmp_path / "kills.jsonl", "--victim", victim)


@pytest.mark.soak
@pytest.mark.timeout(3_000)
def test_the_database_of_the_book_is_killed_at_every_step(
    tmp_path: Path, make_cluster: Callable[[], Cluster]
) -> None:
    assert run(tmp_path / "kills.jsonl", "--victim", STORE, *on(make_cluster()))
