"""Keep one process: start it, watch it, start it again by its policy, and end it when told."""

from __future__ import annotations

import asyncio
import logging
import math
import signal
import subprocess
import time
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from pathlib import Path

from keelway.programs.supervisor.backoff import next_delay_seconds, recent
from keelway.programs.supervisor.process.ending import Ending, StillAlive
from keelway.programs.supervisor.process.logfile import tail
from keelway.programs.supervisor.process.secret import hide, resolve
from keelway.programs.supervisor.process.spawn import create_time, spawn, usage
from keelway.programs.supervisor.process.table import Identity
from keelway.programs.supervisor.process.watch import until_ended
from keelway.programs.supervisor.refusal import Refusal
from keelway.programs.supervisor.spec import digest
from keelway.programs.supervisor.state import Row

ERROR_BYTES_MAX = 2048
CLEAR_UP_SECONDS_MAX = 2.0
RETRY_SECONDS = 1.0

UNSEEN_END = "it ended while no supervisor watched, so its exit code is unknown"
UNSEEN_START = "the supervisor ended while it was about to start, so whether it ran is unknown"

log = logging.getLogger("keelway.supervisor")


class Keeper:
    """Own one row and the process behind it; ``note`` writes the row down and never fails."""

    def __init__(self, process_id: str, row: Row, note: Callable[[], None]) -> None:
        self.process_id = process_id
        self.row = row
        self.adopted = False
        self.killed = False
        self._note = note
        self._child: subprocess.Popen[bytes] | None = None
        self._identity: Identity | None = None
        self._life: asyncio.Task[None] | None = None
        self._stop_wanted = asyncio.Event()
        self._stop_at = math.inf
        self._delay_seconds = 0.0
        self._restarts_at: tuple[float, ...] = ()

    @property
    def mark(self) -> str:
        """Give the value by which the process and what it starts can be found again."""
        return f"{self.process_id}:{self.row.nonce}"

    def start(self, secrets: Mapping[str, str]) -> None:
        """Start the process and note its number; the row must be on disk already.

        Raises:
            Refusal: the process cannot be started.
        """
        self._child, identity = spawn(self.row.spec, secrets, self.mark)
        self._settle(identity, time.time())
        log.info("started %s as pid %d", self.process_id, identity.pid)

    def adopt(self, identity: Identity) -> None:
        """Take over a process that an earlier supervisor started."""
        self.adopted = True
        self._settle(identity, self.row.started_at or time.time())
        log.info("adopted %s, pid %d", self.process_id, identity.pid)

    def begin(self) -> None:
        """Begin to watch, from whatever phase the row is in."""
        self._lead(self._live())

    def begin_again(self) -> None:
        """Begin with a process that ended while nobody watched: clear up after it, then follow its policy."""
        known = self.row.pid is not None
        self._reap()  # the number may belong to someone else by now, so it is not even shown
        self.row.phase = "backoff"
        self._lead(self._live_again(UNSEEN_END if known else UNSEEN_START))

    def begin_stop(self, deadline_seconds: float) -> None:
        """Ask for the end without waiting for it; a deadline that is already nearer stays."""
        self._stop_at = min(self._stop_at, asyncio.get_running_loop().time() + deadline_seconds)
        self._stop_wanted.set()

    async def stop(self, deadline_seconds: float) -> None:
        """End the process and its family; a second call joins the first and can only bring the deadline nearer.

        Raises:
            Refusal: 500 when something survives SIGKILL.
        """
        self.begin_stop(deadline_seconds)
        while self.row.phase != "stopped":
            life = self._life
            if life is None or life.done():
                life = self._lead(self._end())
            await asyncio.shield(life)

    async def let_go(self) -> None:
        """Stop watching and leave the process alone: the next supervisor adopts it."""
        if self._life is not None:
            life, self._life = self._life, None
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)

    def view(self) -> dict[str, object]:
        """Give what may be shown of the process; environment and secrets are no part of it."""
        row, identity = self.row, self._identity
        used = usage(identity) if identity else {"rss_bytes": None, "cpu_seconds": None, "fds": None}
        return {
            "id": self.process_id,
            "state": row.phase,
            "pid": row.pid,
            **row.model_dump(include={"create_time", "started_at", "restarts", "exit_code", "last_error"}),
            "labels": row.spec.labels,
            "adopted": self.adopted,
            "digest": digest(row.spec),
            "epoch": row.spec.epoch,
            **used,
        }

    def _settle(self, identity: Identity, started_at: float) -> None:
        self._identity = identity
        row = self.row
        row.pid, row.born, row.started_at = identity.pid, identity.born, started_at
        row.create_time = create_time(identity)
        row.phase = "stopping" if row.phase == "stopping" else "running"

    def _lead(self, steps: Coroutine[None, None, None]) -> asyncio.Task[None]:
        self._life = asyncio.create_task(steps, name=f"life of {self.process_id}")
        self._life.add_done_callback(self._say_failure)
        return self._life

    def _say_failure(self, life: asyncio.Task[None]) -> None:
        if not life.cancelled() and (error := life.exception()) is not None:
            self.row.last_error = f"the supervisor stumbled: {error}"
            log.error("%s could not be watched or ended", self.process_id, exc_info=error)
            asyncio.get_running_loop().call_later(RETRY_SECONDS, self._resume, life)

    def _resume(self, failed: asyncio.Task[None]) -> None:
        if self._life is failed and not self._stop_wanted.is_set():
            self.begin()

    async def _live(self) -> None:
        while not self._stop_wanted.is_set():
            if self._identity is not None:
                await self._first_of(until_ended(self._identity))
                if self._stop_wanted.is_set():
                    break
                if not await self._clear_up():
                    return
                self._judge_end(self._reap())
            if self.row.phase != "backoff":
                return
            await self._first_of(asyncio.sleep(self._delay_seconds))
            if not self._stop_wanted.is_set():
                self._start_again()
        await self._end()

    async def _live_again(self, why: str) -> None:
        if await self._clear_up():
            self._judge_end(None, why)
            await self._live()

    async def _first_of(self, other: Coroutine[None, None, None]) -> None:
        waits = (asyncio.create_task(other), asyncio.create_task(self._stop_wanted.wait()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if waits[0].done():
                waits[0].result()  # a watch that failed must not pass for an ended process
        finally:
            for one in waits:
                one.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _clear_up(self) -> bool:
        """End what the process left behind, so that ports are free and nothing answers for it."""
        until = asyncio.get_running_loop().time() + min(self.row.spec.stop_seconds, CLEAR_UP_SECONDS_MAX)
        try:
            await Ending(self._identity, self.mark, lambda: min(until, self._stop_at)).run()
        except StillAlive as error:
            self._reap()
            self._fail(f"{error}; it is not started again beside them")
            return False
        return True

    def _reap(self) -> int | None:
        code = None
        if self._child is not None:
            code = self._child.wait()  # ended already, so this returns at once
        self._child = self._identity = None
        self.row.pid = self.row.born = self.row.create_time = None
        self.row.exit_code = code
        return code

    def _judge_end(self, code: int | None, why: str = "") -> None:
        spec, reason = self.row.spec, why or describe_end(code)
        if spec.restart == "never":
            if code == 0:
                self.row.phase, self.row.last_error = "stopped", None
                self._note()
            else:
                self._fail(f"{reason}; its policy is never to restart")
            return
        self._restarts_at = recent(self._restarts_at, time.monotonic(), spec.restart_window_seconds)
        delay_seconds = next_delay_seconds(len(self._restarts_at), spec.restarts_max)
        if delay_seconds is None:
            self._fail(
                f"{reason}; {spec.restarts_max} restarts within {spec.restart_window_seconds:g} s are used up"
            )
            return
        self._delay_seconds = delay_seconds
        self.row.phase, self.row.last_error = "backoff", self._explain(reason)
        log.warning("%s: %s; next start in %g s", self.process_id, reason, delay_seconds)
        self._note()

    def _start_again(self) -> None:
        self._restarts_at += (time.monotonic(),)
        self.row.restarts += 1
        self.row.phase = "starting"
        self.adopted = False
        self._note()  # a full disk must not keep the application down, so a failure here does not stop us
        try:
            self.start(resolve(self.row.spec.secrets))
        except Refusal as error:
            self._judge_end(None, error.message)
        else:
            self._note()

    def _fail(self, reason: str) -> None:
        log.error("%s failed: %s", self.process_id, reason)
        self.row.phase, self.row.last_error = "failed", self._explain(reason)
        self._note()

    async def _end(self) -> None:
        if self.row.phase == "stopped":
            return
        self.row.phase = "stopping"
        self._note()
        try:
            self.killed = await Ending(self._identity, self.mark, lambda: self._stop_at).run()
        except StillAlive as error:
            raise still_alive(self.process_id, error) from None
        if self.row.pid is not None:
            self._reap()
        self.row.phase = "stopped"
        self._note()
        log.info("stopped %s%s", self.process_id, " by SIGKILL" if self.killed else "")

    def _explain(self, reason: str) -> str:
        """Add the log's last lines to the reason, within the limit and without any secret."""
        room = ERROR_BYTES_MAX - len(reason.encode()) - 20
        if room <= 0:
            return reason.encode()[:ERROR_BYTES_MAX].decode(errors="ignore")
        try:
            values = resolve(self.row.spec.secrets).values()
        except Refusal:
            return f"{reason}. Its log is not shown: the secrets to leave out cannot be read."
        # A secret cut at the front would not be recognised, so as much as the longest one is dropped there.
        margin = max((len(value.encode()) for value in values), default=0)
        text, cut = tail(Path(self.row.spec.log_path), room + margin)
        shown = hide(text, values)[margin if cut else 0 :]
        last = shown.encode()[-room:].decode(errors="ignore").strip()
        return f"{reason}. Last lines: {last}" if last else reason


def describe_end(code: int | None) -> str:
    """Say how a process ended, from its exit code; negative codes are signals."""
    if code is None:
        return "it ended; its exit code is unknown because another supervisor started it"
    if code >= 0:
        return f"it ended with exit code {code}"
    try:
        return f"it was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"it was ended by signal {-code}"


def still_alive(process_id: str, error: StillAlive) -> Refusal:
    """Say that an ending did not succeed and which processes are left."""
    return Refusal(
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        code="still_alive",
        message=f"{process_id} could not be ended: {error}.",
        hint="see what the processes wait for (ps -o pid,stat,wchan), then stop it again",
        facts={"id": process_id, "pids": error.pids},
    )
