"""How long a way back takes: from the decision until the release before answers its probes again.

    python bench/rollback.py [--rounds 3] [--traffic front haproxy traefik] [--json]

The whole of it: durable engine, book, supervisor, balancer and releases as real processes; a user asks all the time,
and the release before is still warm, as it is until the new one has passed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.walks.tiny import config, free_ports, git, make_repository  # noqa: E402

from keelway.app.bootstrap import App, build  # noqa: E402
from keelway.app.commands import Commands  # noqa: E402
from keelway.app.config import load_config  # noqa: E402
from keelway.app.home import Home  # noqa: E402
from keelway.core.errors import YourFault  # noqa: E402
from keelway.core.model.project import PRODUCTION  # noqa: E402
from keelway.core.model.task import OWNER  # noqa: E402

ROUNDS_MAX, WAIT_SECONDS_MAX = 50, 60.0
KINDS = ("front", "haproxy", "traefik")
LIMIT_SECONDS = 3.0


class User(threading.Thread):
    """Ask all the time and keep what failed."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.url, self.over, self.asked, self.failed = (
            f"http://127.0.0.1:{port}/hello",
            threading.Event(),
            0,
            0,
        )

    def run(self) -> None:
        while not self.over.wait(0.01):
            self.asked += 1
            try:
                with urllib.request.urlopen(self.url, timeout=10) as answer:
                    answer.read()
            except OSError:
                self.failed += 1


@contextmanager
def running(kind: str) -> Iterator[tuple[App, Commands, Path, User]]:
    """Wire a small project on a home of its own, and end everything afterwards."""
    with tempfile.TemporaryDirectory(prefix="kwb-") as folder:
        repository, ports = make_repository(Path(folder)), free_ports(2)
        path = repository / "keelway.toml"
        path.write_text(config(ports) + f'\n[traffic]\nuse = "{kind}"\n')
        git(repository, "add", "-A")
        git(repository, "commit", "-q", "-m", "Deliver")
        app = build(load_config(path), Home(Path(folder) / "h"))
        engine = app.runtime()
        user = User(ports[1])
        try:
            app.doors.target.ensure()
            app.launch(engine)
            yield app, Commands(app, engine), repository, user
        finally:
            user.over.set()
            engine.close()
            app.doors.target.stop_all(5.0)
            app.close()


def wait(engine: object, run: str) -> None:
    until = time.monotonic() + WAIT_SECONDS_MAX
    while (status := engine.status(run)) not in {"done", "failed"}:
        if time.monotonic() > until:
            raise SystemExit(f"an order hangs in {status}")
        time.sleep(0.02)
    if status == "failed":
        raise SystemExit("an order failed")


def deploy(commands: Commands, repository: Path, number: int) -> None:
    (repository / "number").write_text(str(number))
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", f"Number {number}")
    wait(commands.runtime, commands.deploy(PRODUCTION, "main", OWNER).run)


def go_back(app: App, commands: Commands) -> tuple[float, float]:
    """Return the seconds until all traffic was back, and until the probes were answered well twice."""
    wait(commands.runtime, commands.rollback(PRODUCTION, OWNER).run)
    newest = app.ledger.deployments(PRODUCTION)[0].figures
    if not newest.get("back_verified"):
        raise SystemExit(f"the way back was not verified: {newest}")
    return float(newest["back_traffic_seconds"]), float(newest["back_seconds"])


def measure(kind: str, rounds: int) -> dict[str, object]:
    """Take one release back in a stack of its own for each round: what was taken back is barred afterwards."""
    found: list[tuple[float, float]] = []
    asked = failed = 0
    for _ in range(rounds):
        with running(kind) as (app, commands, repository, user):
            deploy(commands, repository, 0)
            user.start()
            deploy(commands, repository, 1)
            found.append(go_back(app, commands))
            user.over.set()
            user.join()
            asked, failed = asked + user.asked, failed + user.failed
    return {
        "requests": asked,
        "failed": failed,
        "traffic_seconds_median": round(statistics.median(one for one, _ in found), 3),
        "healthy_seconds_median": round(statistics.median(one for _, one in found), 3),
        "healthy_seconds_max": round(max(one for _, one in found), 3),
        "within_limit": max(one for _, one in found) <= LIMIT_SECONDS,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--traffic", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not 0 < options.rounds <= ROUNDS_MAX:
        parser.error(f"--rounds: from 1 to {ROUNDS_MAX}")
    report: dict[str, object] = {}
    for kind in options.traffic:
        try:
            report[kind] = measure(kind, options.rounds)
        except YourFault as fault:
            report[kind] = f"not measured: {fault.message} {fault.hint}"
    if options.json:
        print(json.dumps(report))
    else:
        print("way back, target process, whole stack (decision to two good answers of every probe)")
        for kind, found in report.items():
            print(f"  {kind}: {found}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
