"""Start the front: `python -m keelway.programs.front --listen HOST:PORT --control SOCKET --state FILE`."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from keelway.programs.front.edge import Limits
from keelway.programs.front.server import Front, Options
from keelway.programs.front.table import is_loopback

_PORT_MAX = 65535


def parse_options(arguments: Sequence[str]) -> Options:
    """Read the command line; exits with 2 and a sentence when it will not do."""
    parser = argparse.ArgumentParser(
        prog="keelway-front", description="Keep a port while releases change behind it."
    )
    parser.add_argument("--listen", required=True, metavar="HOST:PORT")
    parser.add_argument(
        "--public", action="store_true", help="allow an address that other machines can reach"
    )
    parser.add_argument(
        "--behind-proxy", action="store_true", help="keep X-Forwarded-* of a proxy before this one"
    )
    parser.add_argument("--control", required=True, type=Path, metavar="SOCKET")
    parser.add_argument("--state", required=True, type=Path, metavar="FILE")
    plain = Limits()
    parser.add_argument("--tick-seconds", type=_between(0.05, 3600.0), default=1.0)
    parser.add_argument("--history-seconds", type=_between(1.0, 7 * 86_400.0), default=90_000.0)
    parser.add_argument(
        "--connect-timeout-seconds", type=_between(0.05, 600.0), default=plain.connect_timeout_seconds
    )
    parser.add_argument(
        "--request-timeout-seconds", type=_between(0.05, 86_400.0), default=plain.request_timeout_seconds
    )
    parser.add_argument("--body-bytes-max", type=_between(0, 2**50), default=plain.body_bytes_max)
    parser.add_argument("--header-bytes-max", type=_between(512, 2**20), default=plain.header_bytes_max)
    parser.add_argument("--drain-seconds", type=_between(0.0, 3600.0), default=30.0)
    given = parser.parse_args(arguments)
    host, port = _address(parser, given.listen)
    if not is_loopback(host) and not given.public:
        parser.error(
            f"--listen {given.listen}: other machines can reach this address; add --public if they should"
        )
    limits = Limits(
        body_bytes_max=int(given.body_bytes_max),
        header_bytes_max=int(given.header_bytes_max),
        connect_timeout_seconds=given.connect_timeout_seconds,
        request_timeout_seconds=given.request_timeout_seconds,
        trusted_proxy=given.behind_proxy,
    )
    return Options(
        "127.0.0.1" if host == "localhost" else host,
        port,
        given.control,
        given.state,
        given.tick_seconds,
        given.history_seconds,
        given.drain_seconds,
        limits,
    )


def _address(parser: argparse.ArgumentParser, text: str) -> tuple[str, int]:
    """Split HOST:PORT, with brackets around an IPv6 address."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isascii() or not port.isdigit() or int(port) > _PORT_MAX:
        parser.error(f"--listen {text}: write HOST:PORT, for example 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def _between(low: float, high: float) -> Callable[[str], float]:
    """Make a reader of numbers within bounds."""

    def number(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low:g} and {high:g}")
        return value

    return number


async def _run(options: Options) -> None:
    """Serve until SIGTERM or SIGINT."""
    front = Front(options)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, front.stop)
    await front.run()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Choose uvloop where it is installed: about a third more requests a second."""
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    except ImportError:
        return None
    return factory


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one front and give its exit code."""
    options = parse_options(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    logging.getLogger("aiohttp").setLevel(logging.ERROR)
    logging.getLogger("aiohttp.websocket").setLevel(logging.CRITICAL)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(options))
    except OSError as error:
        sys.stderr.write(f"keelway-front: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
