"""Park many stories on a worker and measure what they cost: ``park_child.py HOME URL COUNT SECONDS``.

Starts what is not yet there, waits until all of them are parked, measures for some seconds and
writes HOME/parked.json; then it waits to be killed. With COUNT 0 it answers all and waits for their end.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import psutil

from keelway.engine.crew import Crew, this_worker
from keelway.engine.durable import DbosEngine
from keelway.store.roster import open_roster

RUNS = 1000


async def parked(conductor, payload):
    return await conductor.receive("answer", 86_400)


def until(condition):
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > 200:
            sys.exit("the condition never held")
        time.sleep(0.2)
    return time.monotonic() - begin


def main(home, url, count, seconds):
    home.mkdir(exist_ok=True)
    begin = time.monotonic()
    crew = Crew(this_worker(("all",)), open_roster(url), 2.0, 10.0) if url.startswith("postgresql") else None
    engine = DbosEngine(url, home, crew)
    engine.launch({"parked": parked}, {}, ())
    for number in range(count):
        engine.start("parked", f"T{number}", {"n": number})
    expected = count or RUNS
    until(lambda: len(engine._life.board.everybody()) == expected)
    told = {"seconds_until_parked": time.monotonic() - begin}
    if count == 0:
        for number in range(RUNS):
            engine.send(f"T{number}", "answer", number)
        told["seconds_until_answered"] = until(lambda: not engine._life.board.everybody())
        until(lambda: all(engine.status(f"T{number}") == "done" for number in (0, RUNS // 2, RUNS - 1)))
        told["results"] = [engine.result(f"T{number}") for number in range(0, RUNS, 37)]
        engine.close()
    else:
        time.sleep(5)
        me = psutil.Process()
        before, start = me.cpu_times(), time.monotonic()
        time.sleep(seconds)
        after = me.cpu_times()
        spent = after.user + after.system - before.user - before.system
        told |= {
            "core_share": spent / (time.monotonic() - start),
            "resident_mb": me.memory_info().rss / 2**20,
        }
        told["threads"] = me.num_threads()
    (home / "parked.new").write_text(json.dumps(told))
    (home / "parked.new").rename(home / f"parked-{count}.json")
    while count:
        time.sleep(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
