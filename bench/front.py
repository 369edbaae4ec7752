"""Measure what the front costs: requests a second and latency, direct and through it, in interleaved rounds.

    python bench/front.py --seconds 5 [--connections 16] [--rounds 3] [--json] [--wrk]

One release process (aiohttp, a small JSON answer), one front process, and a raw client in this process, all on
loopback. Rounds alternate between direct and front, so that noise of the machine meets both alike.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REQUEST = b"GET /items/42 HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n"
RELEASE = """
import sys
from aiohttp import web
async def answer(request):
    return web.json_response({"id": 42, "name": "a small answer", "tags": ["one", "two"]})
app = web.Application()
app.router.add_get("/items/{id}", answer)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
"""
SECONDS_MAX, CONNECTIONS_MAX, ROUNDS_MAX = 120.0, 256, 20
START_SECONDS = 15.0


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_for(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Control(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("front")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(self._path))


def order(control: Path, method: str, path: str, body: object = None) -> dict:
    wire = Control(control)
    wire.request(method, path, body=None if body is None else json.dumps(body))
    answer = wire.getresponse()
    value = json.loads(answer.read())
    wire.close()
    if answer.status != 200:
        raise SystemExit(f"the front refused {method} {path}: {value}")
    return value


@contextmanager
def processes() -> Iterator[tuple[int, int, Path]]:
    """Start a release and a front before it; give both ports and the control socket."""
    with tempfile.TemporaryDirectory(prefix="kwb-") as folder:
        home, release_port, front_port = Path(folder), free_port(), free_port()
        control = home / "control"
        started = [subprocess.Popen([sys.executable, "-c", RELEASE, str(release_port)])]
        command = [sys.executable, "-m", "keelway.programs.front", "--listen", f"127.0.0.1:{front_port}"]
        command += ["--control", str(control), "--state", str(home / "state.json")]
        started.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        try:
            wait_for(release_port)
            wait_for(front_port)
            backends = {"bench": {"url": f"http://127.0.0.1:{release_port}", "weight": 100}}
            order(control, "PUT", "/routes", {"epoch": 1, "backends": backends})
            yield release_port, front_port, control
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(START_SECONDS)


async def connection(port: int, until: float, latencies: list[float]) -> None:
    """Send one request after the other on one kept connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while (began := time.perf_counter()) < until:
            writer.write(REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise SystemExit(f"not a 200: {head[:80]!r}")
            found = re.search(rb"(?i)content-length: (\d+)", head)
            if found is None:
                raise SystemExit("an answer without a length")
            await reader.readexactly(int(found[1]))
            latencies.append((time.perf_counter() - began) * 1000.0)
    finally:
        writer.close()


async def load(port: int, connections: int, seconds: float) -> list[float]:
    latencies: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(connection(port, until, latencies) for _ in range(connections)))
    return latencies


def summary(rounds: list[list[float]], seconds: float) -> dict[str, float]:
    """Give the median round's rate and the quantiles of all requests in milliseconds."""
    everything = sorted(latency for one in rounds for latency in one)
    cuts = statistics.quantiles(everything, n=100, method="inclusive")
    return {
        "requests": len(everything),
        "requests_per_second": round(statistics.median(len(one) / seconds for one in rounds), 1),
        "p50_ms": round(cuts[49], 3),
        "p99_ms": round(cuts[98], 3),
    }


def wrk_rate(port: int, connections: int, seconds: float) -> float:
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{max(1, round(seconds))}s",
        f"http://127.0.0.1:{port}/items/42",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30)
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    return float(found[1]) if found else 0.0


def measure(options: argparse.Namespace) -> dict:
    each = options.seconds / options.rounds
    rounds: dict[str, list[list[float]]] = {"direct": [], "front": []}
    with processes() as (release_port, front_port, control):
        ports = {"direct": release_port, "front": front_port}
        for port in ports.values():
            asyncio.run(load(port, options.connections, 0.3))
        for _ in range(options.rounds):
            for name, port in ports.items():
                rounds[name].append(asyncio.run(load(port, options.connections, each)))
        counted = order(control, "GET", "/counters")["releases"]["bench"]
        if counted["requests"] != counted["s2xx"]:
            raise SystemExit(f"the front counted failures: {counted}")
        result: dict = {name: summary(found, each) for name, found in rounds.items()}
        if options.wrk and shutil.which("wrk"):
            result["wrk"] = {name: wrk_rate(port, options.connections, each) for name, port in ports.items()}
    direct, front = result["direct"], result["front"]
    result["ratio"] = {
        key: round(front[key] / direct[key], 3) for key in ("requests_per_second", "p50_ms", "p99_ms")
    }
    result["setting"] = {
        "seconds": options.seconds,
        "connections": options.connections,
        "rounds": options.rounds,
    }
    result["setting"] |= {"cpus": os.cpu_count(), "python": sys.version.split()[0]}
    return result


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="for each of direct and front")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--wrk", action="store_true", help="also ask wrk, where it is installed")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    bounds = (
        (options.seconds, SECONDS_MAX),
        (options.connections, CONNECTIONS_MAX),
        (options.rounds, ROUNDS_MAX),
    )
    if any(not 0 < value <= most for value, most in bounds):
        parser.error(
            f"at most {SECONDS_MAX:.0f} seconds, {CONNECTIONS_MAX} connections and {ROUNDS_MAX} rounds"
        )
    result = measure(options)
    if options.json:
        print(json.dumps(result, indent=2))
        return 0
    print(f"{'':8}{'requests/s':>12}{'p50 ms':>10}{'p99 ms':>10}")
    for name in ("direct", "front", "ratio"):
        row = result[name]
        print(f"{name:8}{row['requests_per_second']:>12}{row['p50_ms']:>10}{row['p99_ms']:>10}")
    for name, rate in result.get("wrk", {}).items():
        print(f"wrk {name}: {rate:.0f} requests/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
