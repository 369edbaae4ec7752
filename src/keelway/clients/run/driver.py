"""Drive one kind of agent: find out whether it starts, let it work, end it."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path

from keelway.clients.cage.cage import CageFacts
from keelway.clients.files import remove_tree, write_atomic
from keelway.clients.pump import BoundedOutput
from keelway.clients.run.launch import Launch
from keelway.clients.run.room import Live, Room, ask_to_end, clear, rooms
from keelway.clients.run.stage import Stage
from keelway.clients.run.talk import Talk, Tongue
from keelway.clients.run.transcript import Redactor, Transcript
from keelway.clients.run.turn import Broken, End, Found, Limits, Order, Spent, Turn
from keelway.clients.run.watch import Watch
from keelway.clients.shell import Command, create_time, end_piped, open_piped
from keelway.core.errors import KeelwayError

_STDERR_BYTES_MAX = 200_000
_CHUNK_BYTES = 65_536
_LEAVE_SECONDS = 0.5
_POLL_SECONDS = 0.01
_DETAIL_CHARS_MAX = 1_000
_LAUNCH_FAILED = 125
"""Exit code of the launcher when there is no command that it could become."""
_PROBE = Limits(wall_seconds=30.0, silence_seconds=30.0, grace_seconds=0.5)


@dataclass
class _Run:
    """Hold the parts of a turn that is under way."""

    order: Order
    live: Live
    process: asyncio.subprocess.Process
    talk: Talk
    watch: Watch
    transcript: Transcript
    stderr: BoundedOutput = field(default_factory=lambda: BoundedOutput(_STDERR_BYTES_MAX))
    complaints: asyncio.Task[None] | None = None


class Driver:
    """Start an agent per turn and see to it that nothing of it survives the turn."""

    def __init__(self, launch: Launch, tongue: Tongue) -> None:
        self._launch = launch
        self._tongue = tongue
        self._root = Path(launch.run_root)

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

    def fence(self) -> CageFacts:
        """Say what runs are put behind on this machine."""
        facts, fence = self._launch.fence.cage.facts(), self._launch.fence
        if not fence.open_places:
            return facts
        return replace(facts, trusted_only=True, missing=(*facts.missing, *fence.open_places))

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
        texts, redactor = Room(self._root, task, role, attempt).texts(), Redactor(self._launch.redact)
        return [(name, _storable(redactor.text(text))) for name, text in texts]

    def cancel(self, task: str) -> bool:
        """End the runs of a task, whichever process drives them; tell whether there was one."""
        if self._launch.fence.gate is not None:
            with contextlib.suppress(KeelwayError):  # a gateway that is gone lets nobody pass
                self._launch.fence.gate.revoke(task)
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
        transcript = Transcript(room.transcript, Redactor(self._launch.redact))
        transcript.note("started", agent=self._launch.name, task=order.task, attempt=order.attempt)
        stage = Stage(self._launch, order, room)
        run, code, hit = None, None, ""
        try:
            command = await asyncio.to_thread(stage.set_up, live.marker, greet_only=greet_only)
            transcript.redactor = Redactor((*self._launch.redact, *stage.secrets))
            run = await self._start(stage, live, transcript, command)
            room.record(run.live)
            stop, detail = await self._talk(run, stage.cwd, greet_only=greet_only)
            code = await _leave(run)
        except OSError as error:
            stop, detail = End.NOT_STARTED, f"{self._launch.argv[0]}: {error}"
        except KeelwayError as error:
            stop, detail = End.NOT_STARTED, f"{error.message} Next: {error.hint}"
        finally:
            left = "" if run is None else await self._end(run, room)
            hit, kept = await asyncio.to_thread(_struck, stage)
            left = " ".join(filter(None, (left, kept)))
            room.leave(live)
            transcript.note("ended", exit_code=code, left=left, hit=hit)
            transcript.close()
        stop, detail = _explained(stop, detail, code, hit, stage)
        known = (run.talk.agent, run.talk.version) if run else ("", "")
        stated = known if known[0] else (self._launch.name, known[1] or self._launch.version)
        account = run.talk.account if run else None
        turn = Turn(
            stop=stop,
            text=_storable(transcript.redactor.text(account.text)) if account else "",
            usage=account.spent if account else Spent(),
            metered=stage.purse.close() if stage.purse else None,
            tool_calls=account.tool_calls if account else 0,
            permissions_refused=account.permissions_refused if account else 0,
            transcript=str(room.transcript),
            seconds=time.monotonic() - started,
            exit_code=code,
            agent=_storable(" ".join(filter(None, stated))) if run else "",
            detail=_detail(stop, detail, left, run, transcript.redactor),
        )
        return known, turn

    async def _start(self, stage: Stage, live: Live, transcript: Transcript, command: Command) -> _Run:
        order = stage.order
        process = await open_piped(command)
        live = replace(live, pid=process.pid, started_at=create_time(process.pid))
        talk = self._tongue(process, transcript, order, str(stage.room.home))
        if talk.leaves and process.stdin:
            process.stdin.write(command.stdin)
            process.stdin.close()
        watch = Watch(order.limits, process, talk, stage.room.cancelled, stage.over, stage.purse)
        run = _Run(order, live, process, talk, watch, transcript)
        run.complaints = asyncio.create_task(_collect(run))
        return run

    async def _talk(self, run: _Run, cwd: str, *, greet_only: bool) -> tuple[End, str]:
        async def talk() -> End:
            if not greet_only:
                return await run.talk.work(cwd, run.order.prompt)
            await run.talk.greet()
            return End.COMPLETED

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
        if broken.end is End.CRASHED and run.talk.strange:
            return End.PROTOCOL_ERROR, "Nothing that the agent printed was a protocol message."
        return broken.end, broken.detail

    async def _end(self, run: _Run, room: Room) -> str:
        await run.talk.close()
        await _settle(run)
        left = ""
        try:
            if not await end_piped(run.process, 0, run.live.marker):
                left = "Processes of the run could not be ended."
        except TimeoutError:
            left = "A process that left the run still holds its pipes."
        text = run.transcript.redactor.text(run.stderr.bytes().decode(errors="replace"))
        await asyncio.to_thread(write_atomic, room.stderr, text.encode(), 0o600)
        return left


def _struck(stage: Stage) -> tuple[str, str]:
    """Return what a run hit and what of its stage could not be taken back."""
    try:
        return stage.strike(), ""
    except (OSError, KeelwayError) as error:
        return "", f"What the run was put behind could not be taken back: {error}"


def _explained(stop: End, detail: str, code: int | None, hit: str, stage: Stage) -> tuple[End, str]:
    """Return why a run ended after what the launcher, the cage and the gateway know of it."""
    if stop is End.CRASHED and code == _LAUNCH_FAILED:
        return End.NOT_STARTED, ""
    if hit and stop is not End.LIMIT_RESOURCES:
        return End.LIMIT_RESOURCES, f"The run needed more {hit} than it may have. {detail}"
    cause = stage.purse.cause(stop) if stage.purse else None
    return (cause.end, f"{cause.detail} {detail}") if cause else (stop, detail)


def _detail(stop: End, detail: str, left: str, run: _Run | None, redactor: Redactor) -> str:
    last = ""
    if run and stop in {End.CRASHED, End.PROTOCOL_ERROR, End.NOT_STARTED}:
        lines = run.stderr.bytes().decode(errors="replace").strip().splitlines()
        last = f"It said: {lines[-1]}" if lines else ""
    said = redactor.text(" ".join(filter(None, (detail, left, last))))
    return _storable(said)[:_DETAIL_CHARS_MAX]


def _storable(text: str) -> str:
    """Return the text without what databases and UTF-8 refuse: null characters and half surrogate pairs."""
    return text.replace("\0", "").encode(errors="replace").decode()


async def _stop(run: _Run, task: asyncio.Task[End]) -> None:
    """Ask the agent to stop and give it the grace to say so."""
    if run.talk.fault or run.process.returncode is not None:
        return
    with contextlib.suppress(TimeoutError, Broken):
        async with asyncio.timeout(run.order.limits.grace_seconds):
            await run.talk.cancel()
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
