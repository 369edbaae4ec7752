"""Run the supervisor: ``python -m keelway.programs.supervisor --home DIR``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path

from aiohttp import web

from keelway.programs.supervisor.control import Control
from keelway.programs.supervisor.fleet import Fleet
from keelway.programs.supervisor.home import (
    SOCKET_NAME,
    HomeRefused,
    HomeTaken,
    listen,
    lock,
    open_log,
    prepare,
)
from keelway.programs.supervisor.state import NewerState

EXIT_TAKEN = 75  # EX_TEMPFAIL of sysexits(3)
EXIT_REFUSED = 78  # EX_CONFIG
LEAVE_SECONDS_MAX = 2.0

log = logging.getLogger("keelway.supervisor")


def main() -> int:
    """Claim the home and serve until told to leave; give the exit code."""
    parser = argparse.ArgumentParser(
        prog="keelway-supervisor", description="Keep processes running across restarts."
    )
    parser.add_argument("--home", type=Path, required=True, help="folder for the socket, state, lock and log")
    home: Path = parser.parse_args().home
    try:
        home = prepare(home)
        lock(home)
        stand_alone()
        open_log(home)
        asyncio.run(serve(home))
    except HomeTaken as error:
        return say(error, EXIT_TAKEN)
    except (HomeRefused, NewerState) as error:
        return say(error, EXIT_REFUSED)
    return 0


def say(error: Exception, code: int) -> int:
    """Put one line on standard error and give the exit code back."""
    sys.stderr.write(f"keelway supervisor: {error}\n")
    return code


def stand_alone() -> None:
    """Leave the starter's session, so that its end, its terminal and its group signals do not reach us."""
    with contextlib.suppress(
        PermissionError
    ):  # a group leader (started by a shell) cannot leave, and need not
        os.setsid()
    for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:  # those two, Python gives back
        if signal.getsignal(number) is signal.SIG_IGN:  # as for a shell's background job
            signal.signal(number, signal.SIG_DFL)  # else it would stay ignored in every child
    signal.signal(signal.SIGHUP, lambda *_: None)


async def serve(home: Path) -> None:
    """Adopt what lives, answer on the socket, and on SIGTERM leave without touching any process."""
    leave = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave.set)
    fleet = Fleet(home / "state.json")
    fleet.open()
    runner = web.AppRunner(Control(fleet, leave).app(), access_log=None, shutdown_timeout=LEAVE_SECONDS_MAX)
    await runner.setup()
    await web.SockSite(runner, listen(home)).start()
    log.info("serving %s as pid %d", home, os.getpid())
    ticking = asyncio.create_task(fleet.tick_forever())
    try:
        await leave.wait()
    finally:
        fleet.closing = True
        ticking.cancel()
        await runner.cleanup()
        await fleet.let_go()
        (home / SOCKET_NAME).unlink(missing_ok=True)
        log.info("left; the kept processes run on")


if __name__ == "__main__":
    sys.exit(main())
