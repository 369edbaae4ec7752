"""Drive one kind of agent: find out whether it starts, let it work, end it."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path

from keelway.clients.acp.account import Account
from keelway.clients.acp.permission import Rights
from keelway.clients.acp.room import Live, Room, ask_to_end, clear, rooms
from keelway.clients.acp.session import Session
from keelway.clients.acp.transcript import Redactor, Transcript
from keelway.clients.acp.turn import Broken, End, Found, Launch, Limits, Order, Turn
from keelway.clients.acp.watch import Watch
from keelway.clients.acp.wire import Wire
from keelway.clients.files import remove_tree, write_atomic
from keelway.clients.pump import BoundedOutput
from keelway.clients.shell import MARKER, Command, create_time, end_piped, open_piped

_PATH = "/usr/local/bin:/usr/bin:/bin"
_PIPE_BYTES = 1_048_576
_STDERR_BYTES_MAX = 200_000
_CHUNK_BYTES = 65_536
_LEAVE_SECONDS = 0.5
_POLL_SECONDS = 0.01
_DETAIL_CHARS_MAX = 1_000
_PROBE = Limits(wall_seconds=30.0, silence_seconds=30.0, grace_seconds=0.5)


@dataclass
class _Run:
    """Hold the parts of a turn that is under way."""

    order: Order
    live: Live
    process: asyncio.subprocess.Process
    wire: Wire
    session: Session
    watch: Watch
    account: Account
    transcript: Transcript
    stderr: BoundedOutput = field(default_factory=lambda: BoundedOutput(_STDERR_BYTES_MAX))
    complaints: asyncio.Task[None] | None = None


class Driver:
    """Start an agent per turn and see to it that nothing of it survives the turn."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._root = Path(launch.run_root)
        self._redactor = Redactor(launch.redact)

    def probe(self) -> Found:
        """Start the agent, exchange greetings and end it."""
        order = Order(f"probe-{uuid.uuid4().hex[:12]}", "probe", 0, "", "", _PROBE, writes=False)
        room = Room(self._root, order.task, order.role, order.attempt)
        try:
            found, turn = asyncio.run(self._turn(order, room, greet_only=True))
        finally:
            remove_tree(room.folder, self._root)
        agent, version = found
        return Found(turn.stop is End.COMPLETED, agent, version, turn.detail)

    def work(self, order: Order) -> Turn:
        """Carry out one turn; first end what an earlier run of the same order left.

        Raises:
            OurFault: task or role cannot name a folder.
        """
        room = Room(self._root, order.task, order.role, order.attempt)
        return asyncio.run(self._turn(order, room))[1]

    def record(self, task: str, role: str, attempt: int) -> list[tuple[str, str]]:
        """Return name and content of what a run left in writing, without secret values.

        Raises:
            OurFault: task or role cannot name a folder.
        """
        texts = Room(self._root, task, role, attempt).texts()
        return [(name, _storable(self._redactor.text(text))) for name, text in texts]

    def cancel(self, task: str) -> bool:
        """End the runs of a task, whichever process drives them; tell whether there was one."""
        found = [(folder, live) for folder, live in rooms(self._root) if live.task == task]
        for folder, live in found:
            ask_to_end(folder, live)
        return bool(found)

    def reap(self) -> int:
        """End the runs whose driver died; return how many there were. Live runs are left alone."""
        orphans = [(folder, live) for folder, live in rooms(self._root) if not live.driven]
        for folder, live in orphans:
            clear(folder, live)
        return len(orphans)

    async def _turn(
        self, order: Order, room: Room, *, greet_only: bool = False
    ) -> tuple[tuple[str, str], Turn]:
        started = time.monotonic()
        live = await asyncio.to_thread(room.enter, order.limits.grace_seconds)
        transcript = Transcript(room.transcript, self._redactor)
        transcript.note("started", agent=self._launch.name, task=order.task, attempt=order.attempt)
        run, code = None, None
        try:
            run = await self._start(order, room, live, transcript)
            room.record(run.live)
            stop, detail = await self._talk(run, _cwd(order, room), greet_only=greet_only)
            code = await _leave(run)
        except OSError as error:
            stop, detail = End.NOT_STARTED, f"{self._launch.argv[0]}: {error}"
        finally:
            left = "" if run is None else await self._end(run, room)
            room.leave(live)
            transcript.note("ended", exit_code=code, left=left)
            transcript.close()
        account = run.account if run else Account()
        known = (run.session.agent, run.session.version) if run else ("", "")
        turn = Turn(
            stop=stop,
            text=_storable(self._redactor.text(account.text)),
            usage=account.spent,
            tool_calls=len(account.calls),
            permissions_refused=account.permissions_refused,
            transcript=str(room.transcript),
            seconds=time.monotonic() - started,
            exit_code=code,
            agent=_storable(" ".join(filter(None, known))),
            detail=self._detail(stop, detail, left, run),
        )
        return known, turn

    async def _start(self, order: Order, room: Room, live: Live, transcript: Transcript) -> _Run:
        cwd = _cwd(order, room)
        if not Path(cwd).is_dir():  # noqa: ASYNC240 - one stat
            raise FileNotFoundError(f"the workspace {cwd} does not exist")
        env = {"PATH": _PATH, "LANG": "C.UTF-8"} | dict(self._launch.env)
        env |= {"HOME": str(room.home), MARKER: live.marker}
        process = await open_piped(Command(self._launch.argv, cwd, env, 0.0, _PIPE_BYTES))
        live = replace(live, pid=process.pid, started_at=create_time(process.pid))
        account = Account()
        wire = Wire(process, transcript, order.limits.output_bytes_max, account.hear)
        session = Session(wire, account, transcript, Rights(order.workspace, order.writes, order.protected))
        watch = Watch(order.limits, process, wire, account, room.cancelled)
        run = _Run(order, live, process, wire, session, watch, account, transcript)
        run.complaints = asyncio.create_task(_collect(run))
        return run

    async def _talk(self, run: _Run, cwd: str, *, greet_only: bool) -> tuple[End, str]:
        async def talk() -> End:
            await run.session.greet()
            return End.COMPLETED if greet_only else await run.session.prompt(cwd, run.order.prompt)

        task = asyncio.create_task(talk())
        try:
            broken = await run.watch.until(task)
            if broken is None:
                return await task, ""
            run.transcript.note("limit", stop=broken.end, detail=broken.detail)
            await _stop(run, task)
        except Broken as error:
            broken = error
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if broken.end is End.CRASHED and run.wire.strange:
            return End.PROTOCOL_ERROR, "Nothing that the agent printed was a protocol message."
        return broken.end, broken.detail

    async def _end(self, run: _Run, room: Room) -> str:
        await run.session.close()
        await _settle(run)
        left = ""
        try:
            if not await end_piped(run.process, 0, run.live.marker):
                left = "Processes of the run could not be ended."
        except TimeoutError:
            left = "A process that left the run still holds its pipes."
        text = self._redactor.text(run.stderr.bytes().decode(errors="replace"))
        await asyncio.to_thread(write_atomic, room.stderr, text.encode(), 0o600)
        return left

    def _detail(self, stop: End, detail: str, left: str, run: _Run | None) -> str:
        last = ""
        if run and stop in {End.CRASHED, End.PROTOCOL_ERROR}:
            lines = run.stderr.bytes().decode(errors="replace").strip().splitlines()
            last = f"It said: {lines[-1]}" if lines else ""
        said = self._redactor.text(" ".join(filter(None, (detail, left, last))))
        return _storable(said)[:_DETAIL_CHARS_MAX]


def _storable(text: str) -> str:
    """Return the text without what databases and UTF-8 refuse: null characters and half surrogate pairs."""
    return text.replace("\0", "").encode(errors="replace").decode()


def _cwd(order: Order, room: Room) -> str:
    return order.workspace or str(room.empty)


async def _stop(run: _Run, task: asyncio.Task[End]) -> None:
    """Ask the agent to stop and give it the grace to say so."""
    if run.wire.fault or run.process.returncode is not None:
        return
    with contextlib.suppress(TimeoutError, Broken):
        async with asyncio.timeout(run.order.limits.grace_seconds):
            await run.session.cancel()
            await task


async def _leave(run: _Run) -> int | None:
    """Close the agent's input and wait a moment for it to leave; return its exit code if it did."""
    if run.process.stdin:
        run.process.stdin.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(run.process.wait(), _LEAVE_SECONDS)
    return run.process.returncode


async def _settle(run: _Run) -> None:
    """Take the last complaints and let go of the pipe they came by."""
    if run.complaints:
        gone = run.process.returncode is not None
        await asyncio.wait({run.complaints}, timeout=_LEAVE_SECONDS if gone else _POLL_SECONDS)
        run.complaints.cancel()
        await asyncio.gather(run.complaints, return_exceptions=True)


async def _collect(run: _Run) -> None:
    while run.process.stderr and (chunk := await run.process.stderr.read(_CHUNK_BYTES)):
        run.stderr.add(chunk)
