"""Run every attack in a process of its own and hand back what each took and how it was refused.

Started inside a cage as ``python -I -S battery.py PLAN``, and without one to see that the attacks work; there with
``--as UID`` to attack as another user. Each answer is one line of JSON on standard output.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4]))

from keelway.programs.cage.attack import files, kernel, network, processes
from keelway.programs.cage.attack.calls import libc
from keelway.programs.cage.attack.plan import (
    TAKEN_CHARS_MAX,
    Attack,
    NotHere,
    Plan,
    read_plan,
)

ATTACKS: dict[str, Attack] = {**files.ATTACKS, **processes.ATTACKS, **network.ATTACKS, **kernel.ATTACKS}
SECONDS_MAX = 5.0
_ANSWER_BYTES_MAX = 500_000
_SET_DUMPABLE = 4
_USAGE = 2


def main() -> int:
    """Carry the whole battery out."""
    given = sys.argv[1:]
    if not given:
        return _USAGE
    plan = read_plan(given[0])
    if given[1:2] == ["--as"]:
        _become(int(given[2]))
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # a number of the host may be one of ours in here
    for name, attack in ATTACKS.items():
        sys.stdout.write(json.dumps({"attack": name, **_apart(attack, plan)}) + "\n")
        sys.stdout.flush()
    return 0


def _become(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0)


def _apart(attack: Attack, plan: Plan) -> dict[str, object]:
    """Try one attack in a child, so that what it breaks is its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _write_all(writer, json.dumps(_tried(attack, plan)).encode())
        os._exit(0)
    os.close(writer)
    answer = _read_until(reader, time.monotonic() + SECONDS_MAX)
    os.close(reader)
    _end(child)
    try:
        told: dict[str, object] = json.loads(answer)
    except ValueError:
        told = {"taken": "", "said": f"it ended without an answer within {SECONDS_MAX:.0f} s"}
    return told


def _tried(attack: Attack, plan: Plan) -> dict[str, object]:
    try:
        taken = attack(plan)
    except NotHere as reason:
        return {"taken": "", "said": str(reason), "skipped": True}
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        return {"taken": "", "said": f"{type(error).__name__}: {error}"[:300]}
    return {"taken": taken[: 20 * TAKEN_CHARS_MAX], "said": ""}


def _write_all(place: int, data: bytes) -> None:
    while data:
        data = data[os.write(place, data) :]


def _read_until(place: int, deadline: float) -> bytes:
    answer = b""
    while len(answer) < _ANSWER_BYTES_MAX:
        ready, _, _ = select.select([place], [], [], max(0.0, deadline - time.monotonic()))
        part = os.read(place, 65_536) if ready else b""
        if not part:
            break
        answer += part
    return answer


def _end(child: int) -> None:
    for _ in range(100):
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


if __name__ == "__main__":
    sys.exit(main())
