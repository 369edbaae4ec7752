"""Drive one run in a cage as the driver of agents does; as a program, do so for somebody else.

As a program it reads a run from standard input and writes what was seen to standard output, both as JSON, so
that tests of root can see what happens where Keelway is an ordinary user.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field

from keelway.clients.cage import Bounds, Cage, CageFacts, Inside, Settings, choose_cage

POLL_SECONDS = 0.1
OUTPUT_BYTES_MAX = 1_000_000


@dataclass(frozen=True)
class Seen:
    """State how a run went."""

    exit_code: int
    stdout: str
    stderr: str
    seconds: float
    over: str
    """Bound for which it was ended."""
    hit: str
    """What ``release`` said."""
    output_bytes: int


@dataclass
class Pipe:
    """Count what comes out of a pipe and keep the beginning."""

    kept: bytearray = field(default_factory=bytearray)
    bytes: int = 0

    def drain(self, pipe) -> None:
        while chunk := pipe.read1(65_536):
            self.bytes += len(chunk)
            self.kept += chunk[: max(0, OUTPUT_BYTES_MAX - len(self.kept))]


def drive(cage: Cage, inside: Inside, seconds: float, stdin: bytes = b"", output_max: int = 1 << 60) -> Seen:
    """Start a run, watch it, end it when it is over its bounds or its time, and release it."""
    outside = cage.wrap(inside)
    started = time.monotonic()
    over = ""
    try:
        process = subprocess.Popen(
            outside.argv,
            cwd=outside.cwd,
            env=dict(outside.env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        pipes = [Pipe(), Pipe()]
        threads = [
            threading.Thread(target=pipe.drain, args=[source], daemon=True)
            for pipe, source in zip(pipes, (process.stdout, process.stderr), strict=True)
        ]
        for thread in threads:
            thread.start()
        try:
            process.stdin.write(stdin)
            process.stdin.close()
        except BrokenPipeError:
            pass
        while process.poll() is None and not over:
            time.sleep(POLL_SECONDS)
            over = cage.over(inside)
            if not over and time.monotonic() - started > seconds:
                over = "time"
            if not over and sum(pipe.bytes for pipe in pipes) > output_max:
                over = "output"
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        code = process.wait(10)
        for thread in threads:
            thread.join(10)
        process.stdout.close()
        process.stderr.close()
    finally:
        hit = cage.release(inside)
    out, err = (pipe.kept.decode(errors="replace") for pipe in pipes)
    total = sum(pipe.bytes for pipe in pipes)
    return Seen(code, out, err, time.monotonic() - started, over, hit, total)


def main() -> None:
    told = json.load(sys.stdin)
    cage = choose_cage(told["cage"], Settings(**told["settings"]))
    if "inside" not in told:
        json.dump(asdict(cage.facts()), sys.stdout)
        return
    given = told["inside"]
    given |= {name: tuple(given[name]) for name in ("argv", "reads")}
    given["relays"] = {int(port): path for port, path in given["relays"].items()}
    given["bounds"] = Bounds(**given["bounds"])
    seen = drive(cage, Inside(**given), told["seconds"], told["stdin"].encode(), told["output_max"])
    json.dump(asdict(seen), sys.stdout)


def facts_from(text: str) -> CageFacts:
    """Read what the program said of a cage."""
    told = json.loads(text)
    return CageFacts(**(told | {"missing": tuple(told["missing"])}))


if __name__ == "__main__":
    main()
