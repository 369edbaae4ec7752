"""Work as one or several workers of a crew, each in a process of its own: ``crew_child.py HOME URL JSON``.

The JSON names ``workers`` (a list of {"roles", "machine"}), ``stories`` ({run: [name, payload]}) and the
seconds of beat and lease. HOME/pids holds the numbers of the processes; they end once HOME/stop exists.
Effects ask the fence and leave a line in HOME/effects: run, step, worker, instant.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path

from keelway.engine.crew import Crew, this_worker
from keelway.engine.durable import DbosEngine
from keelway.ports.engine import Queue
from keelway.store.roster import open_roster

QUEUES = (Queue("dev", 2), Queue("rollback"), Queue("ops", 2), Queue("ops@nowhere"))
HOME = Path()


def effect(engine, step, seconds):
    """Act outside: ask the fence, leave a line, take a while."""

    def leave():
        engine.fence()
        worker = engine._board._permit.worker.id
        line = f"{engine._run} {step} {worker} {time.time()}\n"
        handle = os.open(HOME / "effects", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(handle, line.encode())
        os.close(handle)
        time.sleep(seconds)
        return step

    return leave


def work(engine, payload):
    """Take some steps."""
    return [
        engine.step(f"s{number}", effect(engine, f"s{number}", payload["seconds"]))
        for number in range(payload["steps"])
    ]


def doze(engine, payload):
    """Sleep between two steps."""
    engine.step("before", effect(engine, "before", 0))
    engine.sleep(payload["seconds"])
    engine.step("after", effect(engine, "after", 0))


async def deliver(conductor, payload):
    return await conductor.call(payload.get("queue", "dev"), payload.get("stage", "work"), "1", payload)


async def parked(conductor, payload):
    return await conductor.receive("answer", 3600)


STORIES = {"deliver": deliver, "parked": parked, "rollback": deliver}
STAGES = {"work": work, "doze": doze}


def live(url, plan, number):
    told = plan["workers"][number]
    worker = this_worker(tuple(told.get("roles", ["all"])))
    if "machine" in told:
        worker = replace(worker, machine=told["machine"])
    home = HOME / f"home-{os.getpid()}"
    home.mkdir()
    roster = open_roster(url)
    engine = DbosEngine(url, home, Crew(worker, roster, plan["beat"], plan["lease"]), poll_seconds=0.05)
    engine.launch(STORIES, STAGES, QUEUES)
    for run, (name, payload) in plan.get("stories", {}).items() if number == 0 else ():
        engine.start(name, run, payload)
    (HOME / f"ready-{os.getpid()}").touch()
    while not (HOME / "stop").exists():
        time.sleep(0.05)
    engine.close()
    roster.close()


def main(url, plan):
    children = []
    for number in range(len(plan["workers"])):
        child = os.fork()
        if child == 0:
            os.dup2(os.open(HOME / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
            logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(message)s")
            try:
                live(url, plan, number)
            except BaseException:  # noqa: BLE001
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        children.append(child)
    (HOME / "pids.new").write_text(json.dumps(children))
    (HOME / "pids.new").rename(HOME / "pids")
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    HOME = Path(sys.argv[1])
    main(sys.argv[2], json.loads(sys.argv[3]))
