"""Ten tasks of a Prefect flow with persisted results, on a Prefect server of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

START_SECONDS = 90.0


def settings(url: str, home: str, port: int) -> dict[str, str]:
    """Return what tells server and client apart from every other Prefect on this machine."""
    database = url.replace("sqlite:", "sqlite+aiosqlite:").replace("+psycopg", "+asyncpg")
    return {
        "PREFECT_HOME": home,
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_API_DATABASE_CONNECTION_URL": database,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }


def start_server(port: int) -> subprocess.Popen[bytes]:
    """Start the server in this process group and wait until it is healthy."""
    argv = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen([*argv, "--no-ui"], stdout=sys.stderr, stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=2):
                return server
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("the Prefect server did not start") from None
            time.sleep(0.2)


def main() -> None:
    """Serve turns on the database of the first argument, with a home of the second one."""
    url, home = sys.argv[1], sys.argv[2]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])
    Path(home).mkdir(parents=True, exist_ok=True)
    os.environ.update(settings(url, home, port))
    server = start_server(port)
    try:
        from prefect import flow, task
        from turn import STEPS, Stamps, serve

        stamps = Stamps()

        @task(persist_result=True)
        def step(name: str, number: int) -> dict[str, int]:
            return stamps.note(name, number)

        @flow(persist_result=True)
        def work(name: str) -> int:
            return sum(step(name, number)["step"] for number in range(STEPS))

        serve(work, stamps)
    finally:
        server.terminate()
        server.wait(20)


if __name__ == "__main__":
    main()
