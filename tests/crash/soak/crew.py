"""Three workers share tasks; the busiest is killed: ``crew.py TEMPLATE FOLDER SEED TASKS STORE``. See FOLDER/crew.json."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text
from tests.crash.control import begun
from tests.crash.soak.cast import drawn
from tests.crash.soak.tend import tend

WORKERS = ("one", "two", "three")
BUSY_SECONDS_MAX, TAKE_OVER_SECONDS_MAX = 120.0, 120.0


def crew(folder: Path, seed: int, count: int) -> dict[str, Any]:
    """Let three workers begin, kill the busiest, and measure when the last of its runs is somebody else's."""
    kinds, began = drawn(seed, count), time.monotonic()
    children = {name: begun(folder, tend, kinds, seed, name) for name in WORKERS}
    database = create_engine((folder / "store").read_text())
    busiest = _busiest(database)
    victim = next(name for name, child in children.items() if f"-{child}-" in f"-{busiest}-")
    os.kill(children[victim], signal.SIGKILL)
    left = _runs_of(database, busiest)
    killed, taken = time.monotonic(), None
    while taken is None and time.monotonic() - killed < TAKE_OVER_SECONDS_MAX:
        if not _runs_of(database, busiest):
            taken = time.monotonic() - killed
        time.sleep(0.1)
    order = [victim, *(name for name in WORKERS if name != victim)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(children[name], 0)[1]) for name in order]
    return {
        "codes": codes,
        "left_behind": left,
        "taken_over_seconds": taken,
        "seconds": time.monotonic() - began,
    }


def _busiest(database: Engine) -> str:
    """Wait until every worker has something under way, and name the one with most stages."""
    deadline = time.monotonic() + BUSY_SECONDS_MAX
    while time.monotonic() < deadline:
        with database.connect() as connection:
            rows = connection.execute(
                text("select executor_id from dbos.workflow_status where status = 'PENDING'")
            )
            busy = Counter(str(row[0]) for row in rows)
        if len(busy) == len(WORKERS):
            return busy.most_common(1)[0][0]
        time.sleep(0.1)
    raise TimeoutError(f"the work was never shared: {busy}")


def _runs_of(database: Engine, executor: str) -> int:
    statement = text(
        "select count(*) from dbos.workflow_status where status = 'PENDING' and executor_id = :who"
    )
    with database.connect() as connection:
        return int(connection.execute(statement, {"who": executor}).scalar_one())


def main(words: list[str]) -> None:
    """Work in a copy of a prepared folder."""
    template, folder, (seed, count), store = words[0], Path(words[1]), map(int, words[2:4]), words[4]
    shutil.copytree(template, folder, dirs_exist_ok=True)
    (folder / "store").write_text(store)
    (folder / "crew.json").write_text(json.dumps(crew(folder, seed, count)))


if __name__ == "__main__":
    main(sys.argv[1:])
