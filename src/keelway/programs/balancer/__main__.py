"""Keep a balancer: `python -m keelway.programs.balancer --kind haproxy --binary FILE --listen HOST:PORT ...`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from keelway.programs.balancer.child import Child
from keelway.programs.balancer.engine import Engine
from keelway.programs.balancer.haproxy.engine import HaproxyEngine
from keelway.programs.balancer.haproxy.paper import Paper as HaproxyPaper
from keelway.programs.balancer.keeper import Keeper
from keelway.programs.balancer.options import Options
from keelway.programs.balancer.traefik.engine import TraefikEngine
from keelway.programs.balancer.traefik.paper import Paper as TraefikPaper
from keelway.programs.front.server import raise_file_limit
from keelway.programs.front.table import is_loopback

_CONNECTIONS_MAX = 10_000
_FILES_SPARE = 200


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; exits with 2 and a sentence when it will not do."""
    parser = argparse.ArgumentParser(
        prog="keelway-balancer", description="Keep a balancer of others in the place of the front."
    )
    parser.add_argument("--kind", required=True, choices=("haproxy", "traefik"))
    parser.add_argument("--binary", required=True)
    parser.add_argument("--listen", required=True, metavar="HOST:PORT")
    parser.add_argument("--control", required=True, type=Path, metavar="SOCKET")
    parser.add_argument("--state", required=True, type=Path, metavar="FILE")
    parser.add_argument("--tick-seconds", type=float, default=1.0)
    given = parser.parse_args(arguments)
    host, colon, port = given.listen.rpartition(":")
    if not colon or not port.isdigit() or not is_loopback(host.strip("[]")):
        parser.error(f"--listen {given.listen}: write HOST:PORT of this machine, for example 127.0.0.1:8080")
    given.host, given.port = host.strip("[]"), int(port)
    return given


def make(given: argparse.Namespace) -> Keeper:
    """Put a keeper together for one kind of balancer."""
    options = Options(given.host, given.port, given.control, given.state, given.tick_seconds)
    folder = given.state.parent
    folder.mkdir(parents=True, exist_ok=True)
    child = Child(folder / f"{given.kind}.process", folder / f"{given.kind}.log")
    return Keeper(options, _engine(given, options, child), child)


def _engine(given: argparse.Namespace, options: Options, child: Child) -> Engine:
    folder, place = options.state.parent, (options.host, options.port)
    if given.kind == "traefik":
        paper = TraefikPaper(folder, *place, options.drain_seconds)
        return TraefikEngine(given.binary, paper, lambda: child.pid)
    # HAProxy binds it under a name that is ten bytes longer first: it has to fit wherever the control socket does.
    socket = options.control.parent / "ha"
    sheet = HaproxyPaper(folder, socket, *place, connections(), options.drain_seconds)
    return HaproxyEngine(given.binary, sheet)


def connections() -> int:
    """Return how many users the file limit allows at a time; each takes two descriptors."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    allowed = _CONNECTIONS_MAX if hard == resource.RLIM_INFINITY else (hard - _FILES_SPARE) // 2
    return max(100, min(_CONNECTIONS_MAX, allowed))


async def _run(keeper: Keeper) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, keeper.stop)
    await keeper.run()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one keeper and give its exit code."""
    given = parse(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    raise_file_limit()
    try:
        asyncio.run(_run(make(given)))
    except OSError as error:
        sys.stderr.write(f"keelway-balancer: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
