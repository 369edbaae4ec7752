"""Live lives of stories on the durable engine and die at named points: ``crash_child.py HOME POINT [HOME POINT ...]``.

Each pair lives twice, each time in a forked process of its own: the first dies at the point
and disarms it by deleting HOME/armed, the second passes it. Effects leave lines in
HOME/effects, the results are in HOME/results.json, how each life ended in HOME/ends.json.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

from keelway.engine.durable import DbosEngine
from keelway.ports.engine import Queue

HOME, POINT = Path(), ""
QUEUES = (Queue("dev", 1),)


def die(point):
    """Kill this process the hard way if this is the appointed point."""
    if point == POINT and (HOME / "armed").exists():
        (HOME / "armed").unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def effect(name):
    """Leave a line behind, with a point before and after it."""

    def leave():
        die(f"before {name}")
        handle = os.open(HOME / "effects", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(handle, f"{name}\n".encode())
        os.close(handle)
        die(f"after {name}")
        return name

    return leave


def build(engine, payload):
    die("stage begun")
    told = [engine.step("make", effect("make"))]
    threading.Timer(0.1, die, ["stage asleep"]).start()
    engine.sleep(5 if POINT == "stage asleep" else 0.25)
    told.append(engine.step("test", effect("test")))
    die("stage ending")
    return [payload, *told]


async def deliver(conductor, payload):
    told = [await conductor.step("plan", effect("plan"))]
    threading.Timer(0.2, die, ["story parked"]).start()
    told.append(await conductor.receive("answer", 30))
    die("answer received")
    told.append(await conductor.call("dev", "build", "build-1", payload))
    die("stage ended")
    await conductor.start("watch", "T2", payload, 1.0)
    die("watch delayed")
    told.append(await conductor.step("merge", effect("merge")))
    die("story ending")
    return told


async def watch(conductor, payload):
    die("watch begun")
    return await conductor.step("watch", effect("watch"))


class Engine(DbosEngine):
    """Die between a start and its record, and between an answer and the wake-up by it."""

    def enqueue(self, story, run, payload, delay_seconds):
        super().enqueue(story, run, payload, delay_seconds)
        if run == "T2":
            die("watch enqueued")


def live():
    engine = Engine(f"sqlite:///{HOME}/engine.db", HOME, poll_seconds=0.05)
    engine.launch({"deliver": deliver, "watch": watch}, {"build": build}, QUEUES)
    engine.start("deliver", "T1", {"n": 1})
    die("started")
    begin = time.monotonic()
    while engine.status("T1") != "done" or engine.status("T2") != "done":
        parked = POINT == "story parked" and (HOME / "armed").exists()
        if time.monotonic() - begin > 0.4 and not parked and not (HOME / "answered").exists():
            engine.send("T1", "answer", "yes")
            (HOME / "answered").touch()
            die("answer sent")
        if time.monotonic() - begin > 40 or "failed" in (engine.status("T1"), engine.status("T2")):
            sys.exit(
                f"{engine.status('T1')} {engine.failure('T1')} {engine.status('T2')} {engine.failure('T2')}"
            )
        time.sleep(0.02)
    (HOME / "results.json").write_text(json.dumps([engine.result("T1"), engine.result("T2")]))
    engine.close()


def in_a_process_of_its_own(home, point):
    """Live once and say how the process ended: 0, 1 or minus the signal."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    globals().update(HOME=home, POINT=point)
    os.dup2(os.open(home / "stderr", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    try:
        live()
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    for place, name in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        ends = [in_a_process_of_its_own(Path(place), name) for _ in range(2)]
        (Path(place) / "ends.json").write_text(json.dumps(ends))
