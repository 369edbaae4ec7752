"""Measure the docker target: deploys under load, and the way back from the order until users are served well.

    python bench/container.py [--deploys 20] [--backs 10] [--users 6] [--json]

A real Podman with an image made from this machine, the front, and users in this process, half of them over kept
connections. Where no container can run, it says why and measures nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.adapters.target.docker_rig import DockerRig, docker_rig
from tests.adapters.target.load import load
from tests.clients.cage.engine import NoEngine, engine

from keelway.core.release.version import release_name

DEPLOYS_MAX, BACKS_MAX, USERS_MAX = 200, 100, 64
ENVIRONMENT = "production"


def timed(act: Callable[[], Any]) -> float:
    """Return the seconds that something takes."""
    began = time.monotonic()
    act()
    return time.monotonic() - began


def deploy(rig: DockerRig, sha: str, old: str, spans: dict[str, list[float]]) -> str:
    """Bring one commit up beside the old release, switch, and retire the old one; note how long each step took."""
    release, target = release_name(sha), rig.target
    steps: dict[str, Callable[[], Any]] = {
        "build": lambda: target.build(ENVIRONMENT, sha, release),
        "start": lambda: target.start(ENVIRONMENT, release, epoch=1),
        "switch": lambda: target.switch(ENVIRONMENT, {release: 100}, epoch=1),
        "workers": lambda: target.swap_workers(ENVIRONMENT, release, epoch=1),
    }
    if old:
        steps["retire"] = lambda: target.retire(ENVIRONMENT, old, epoch=1)
    if not old and not spans:
        target.build(ENVIRONMENT, sha, release)
        target.migrate(ENVIRONMENT, release, None, epoch=1)
    for name, act in steps.items():
        spans.setdefault(name, []).append(timed(act))
    return release


def way_back(rig: DockerRig, good: str) -> float:
    """Go back as the story does: look what is warm, switch, ask the probes twice; return the seconds until healthy."""
    began, target = time.monotonic(), rig.target
    state = target.state(ENVIRONMENT)
    warm = any(one.release == good and one.state == "running" for one in state.releases)
    if not warm:
        target.start(ENVIRONMENT, good, epoch=1)
    target.switch(ENVIRONMENT, {good: 100}, epoch=1)
    for _ in range(2):
        if rig.answering(ENVIRONMENT) != good:
            raise SystemExit("the way back did not lead to the good release")
    return time.monotonic() - began


def measure(rig: DockerRig, deploys: int, backs: int, users: int) -> dict[str, Any]:
    """Deploy and go back under load, and count what users saw."""
    port = rig.project.environment(ENVIRONMENT).port
    spans: dict[str, list[float]] = {}
    old = deploy(rig, rig.commit(), "", {})
    with load(port, users=users) as seen:
        for _ in range(deploys):
            old = deploy(rig, rig.commit(), old, spans)
    report: dict[str, Any] = {
        "deploys": deploys,
        "requests": sum(seen.good.values()),
        "failed": len(seen.wrong),
        "failures": seen.wrong[:3],
        "seconds": {name: statistics.median(took) for name, took in spans.items()},
    }
    warm, cold = [], []
    with load(port, users=users) as seen:
        for _ in range(backs):
            new = deploy(rig, rig.commit(), "", spans)
            warm.append(way_back(rig, old))
            rig.target.retire(ENVIRONMENT, new, epoch=1)
        new = deploy(rig, rig.commit(), "", {})
        for _ in range(backs):
            rig.target.retire(ENVIRONMENT, old, epoch=1)
            cold.append(way_back(rig, old))
            rig.target.start(ENVIRONMENT, new, epoch=1)
            rig.target.switch(ENVIRONMENT, {new: 100}, epoch=1)
    report["backs"] = {
        name: {"median": statistics.median(took), "worst": max(took)}
        for name, took in (("warm", warm), ("stopped", cold))
    }
    report["failed while going back"] = len(seen.wrong)
    return report


def main() -> int:
    """Print what was measured; return 1 when a request failed or a way back took longer than 3 seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deploys", type=int, default=20)
    parser.add_argument("--backs", type=int, default=10)
    parser.add_argument("--users", type=int, default=6)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    counts = (min(options.deploys, DEPLOYS_MAX), min(options.backs, BACKS_MAX), min(options.users, USERS_MAX))
    try:
        with (
            engine() as podman,
            tempfile.TemporaryDirectory(prefix="kw-bench-") as folder,
            docker_rig(Path(folder), podman) as rig,
        ):
            report = measure(rig, *counts)
    except NoEngine as reason:
        print(f"docker target: not measured, {reason}")
        return 0
    if options.json:
        print(json.dumps(report))
    else:
        show(report)
    slow = report["backs"]["warm"]["worst"] > 3
    return int(bool(report["failed"] or report["failed while going back"] or slow))


def show(report: dict[str, Any]) -> None:
    """Print the figures as a person reads them."""
    print("docker target")
    print(f"  deploys under load               {report['deploys']}")
    print(
        f"  requests / failed                {report['requests']} / {report['failed']} {report['failures'] or ''}"
    )
    for name, seconds in report["seconds"].items():
        print(f"  {name:32} {seconds:.2f} s (median)")
    for name, took in report["backs"].items():
        print(
            f"  way back, old release {name:10} {took['median']:.2f} s (median), {took['worst']:.2f} s (worst)"
        )
    print(f"  failed while going back          {report['failed while going back']}")


if __name__ == "__main__":
    sys.exit(main())
