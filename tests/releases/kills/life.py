"""A control plane in a process of its own, on the durable engine, that may be killed and begun again."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.crash.doors import Door
from tests.releases.kills.strike import Striker
from tests.releases.kinds.kind import Kind
from tests.releases.pier import Pier

from keelway.app.bootstrap import App
from keelway.app.control.lookout import Lookout
from keelway.core.model.event import EventKind, verify_chain
from keelway.core.model.project import PRODUCTION
from keelway.workflows.closing import closing_run

LIFE_SECONDS_MAX = 150.0
WATCHED = ("target", "backup", "probe", "signal", "forge", "ledger")


def watched(striker: Striker) -> Any:
    """Put a door that can strike before every port that a deploy uses."""

    def around(app: App) -> App:
        doors = {name: Door(name, getattr(app.doors, name), striker) for name in WATCHED}
        return replace(app, doors=replace(app.doors, **doors))

    return around


def open_plane(folder: Path, striker: Striker) -> tuple[Pier, Lookout]:
    """Wire everything on the durable engine, and look after the daemons as a control plane does."""
    pier = Pier(folder, make_engine=lambda app: app.runtime(), around=watched(striker))
    pier.target.ensure()
    pier.target.revive(PRODUCTION)
    lookout = Lookout(pier.app)
    lookout.start()
    return pier, lookout


def begin(folder: Path) -> None:
    """Bring the first release up."""
    pier, lookout = open_plane(folder, Striker(folder, "", ""))
    done = pier.deploy(PRODUCTION)
    lookout.stop()
    pier.engine.close()
    assert done["ok"], done


def live(folder: Path, kind: Kind, number: int, victim: str, point: str) -> None:
    """Send a release, or go on with one that was sent; write down how it ended."""
    striker = Striker(folder, victim, point)
    pier, lookout = open_plane(folder, striker)
    named = folder / "run"
    if not named.exists():
        merged = pier.land(kind, number=number)
        striker.armed = True
        named.write_text(merged.task.id)
        pier.send(merged, staging=False)
    task = named.read_text()
    end = time.monotonic() + LIFE_SECONDS_MAX
    striker.armed = True
    status = pier.wait(task, LIFE_SECONDS_MAX)
    told = pier.engine.result(task) or {
        "ok": False,
        "code": status,
        "message": pier.engine.failure(task),
        "findings": [],
    }
    if not told["ok"]:
        pier.wait(closing_run(task), max(1.0, end - time.monotonic()))
    lookout.look()
    (folder / "end.json").write_text(json.dumps({"told": told, **describe(pier, task)}, indent=1))
    lookout.stop()
    pier.engine.close()


def describe(pier: Pier, task: str) -> dict[str, Any]:
    """Return everything that has to be right in the end."""
    ledger = pier.app.ledger
    state = pier.target.state(PRODUCTION)
    links = ledger.events(limit=100_000)
    mine = [link.event for link in links if link.event.task == task]
    done = Counter(
        (event.stage, event.attempt, event.data["effect"])
        for event in mine
        if event.kind is EventKind.EFFECT_DONE
    )
    deployments = [entry for entry in ledger.deployments(PRODUCTION) if entry.task == task]
    return {
        "status": ledger.find(task).status.value,
        "active": state.active,
        "healthy": state.healthy,
        "detail": state.detail,
        "weights": {one.release: one.weight for one in state.releases if one.weight},
        "workers": {one.release: one.workers for one in state.releases if one.workers},
        "twice": [f"{place}" for place, count in done.items() if count > 1],
        "chain broken at": verify_chain(links),
        "deployments": [(entry.release, entry.status, entry.previous_release) for entry in deployments],
        "live": [entry.release for entry in ledger.deployments(PRODUCTION) if entry.status == "live"],
        "leases": [lease.environment for lease in ledger.leases()],
        "frozen": ledger.freeze().active,
        "schema": state.schema,
    }
