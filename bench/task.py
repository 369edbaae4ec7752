"""What the control plane itself costs: a whole task in which agent, checks and windows take no time."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.workflows.world import World  # noqa: E402

from keelway.app.commands import Commands  # noqa: E402
from keelway.core.model.lifecycle import CLOSED  # noqa: E402
from keelway.core.model.project import PRODUCTION, STAGING  # noqa: E402
from keelway.core.model.task import OWNER, Request  # noqa: E402
from keelway.core.policy import ObservationPolicy, Policy, ReviewPolicy  # noqa: E402
from keelway.engine.durable import DbosEngine  # noqa: E402

TICK_SECONDS = 0.05
BOUNDS = ObservationPolicy(
    window_seconds=3 * TICK_SECONDS,
    tick_seconds=TICK_SECONDS,
    stabilise_seconds=0.0,
    history_seconds=10.0,
    on_inconclusive="pass",
)
QUICK = Policy(
    review=ReviewPolicy(auto_merge_risk="medium"),
    staging=BOUNDS,
    production=BOUNDS,
)
WAIT_SECONDS_MAX = 60.0


class RealClock:
    """Tell the time of day where the world expects a virtual clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def jump(self, instant: datetime) -> None:
        del instant


def one_task(world: World, commands: Commands, number: int) -> tuple[float, int]:
    """Return the seconds and the recorded steps of one task."""
    world.plays[("plan", 1)] = world.plays[("plan", 1)]
    began = time.perf_counter()
    row = commands.submit(Request(f"Add the number two, round {number}", OWNER, datetime.now(UTC)))
    while world.ledger.find(row.task.id).status not in CLOSED:
        if time.perf_counter() - began > WAIT_SECONDS_MAX:
            raise SystemExit(f"{row.task.name} hangs in {world.ledger.find(row.task.id).status}")
        time.sleep(0.01)
    seconds = time.perf_counter() - began
    end = world.ledger.find(row.task.id)
    if end.status.value != "deployed":
        raise SystemExit(f"{row.task.name}: {end.code}: {end.error}")
    return seconds, len(world.ledger.events(task=row.task.id, limit=100_000))


def main() -> None:
    """Run a few tasks one after the other and print what they cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        world = World(home, policy=QUICK, clock=RealClock())  # type: ignore[arg-type]
        world.engine.close()
        engine = DbosEngine(f"sqlite:///{home / 'engine.sqlite'}", home)
        commands = Commands(world.app, engine)
        world.app.launch(engine)
        for environment in (STAGING, PRODUCTION):
            ordered = commands.deploy(environment, "", OWNER)
            while engine.status(ordered.run) not in {"done", "failed"}:
                time.sleep(0.02)
        figures = []
        for number in range(options.rounds):
            figures.append(one_task(world, commands, number))
            main_files = world.tree("main")
            world.plays[("plan", 1)] = _next_plan(number)
            world.plays[("dev", 1)] = _next_edits(number)
            assert main_files
        engine.close()
        world.database.dispose()
    seconds = [took for took, _ in figures]
    waited = 2 * BOUNDS.window_seconds
    report = {
        "task_seconds_median": round(statistics.median(seconds), 3),
        "task_seconds": [round(took, 3) for took in seconds],
        "of_it_observation_seconds": waited,
        "events_per_task": figures[-1][1],
    }
    if options.json:
        print(json.dumps(report))
        return
    print("control plane, whole task (durable engine on SQLite, agent and checks take no time)")
    for name, value in report.items():
        print(f"  {name:32} {value}")


def _next_plan(number: int):
    from tests.workflows.world import plan_of

    return plan_of(create=[f"n{number}.py", f"tests/test_n{number}.py"], title=f"Answer with {number}")


def _next_edits(number: int) -> dict[str, str]:
    from tests.workflows.world import GOOD_EDITS

    name = f"n{number}"
    return {
        f"{name}.py": f"{name} = {number}\n",
        f"tests/test_{name}.py": GOOD_EDITS["tests/test_two.py"].replace("two", name),
    }


if __name__ == "__main__":
    main()
