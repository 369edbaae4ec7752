"""Carry out the steps of a play, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import acp

from keelway.programs.replay_agent import files, process
from keelway.programs.replay_agent.script.play import Play
from keelway.programs.replay_agent.voice import Voice, shell_words

_FLOOD_CHUNK_BYTES = 65_536


@dataclass
class Spent:
    """Add up what a session says it consumed."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


@dataclass
class Player:
    """Play in one session: its folder, its voice and what it consumed."""

    cwd: str
    voice: Voice
    spent: Spent = field(default_factory=Spent)
    allowed: bool = False
    """The client's answer to the latest question."""

    async def play(self, play: Play) -> str:
        """Carry out every step and return the reason to stop with."""
        self.allowed = False
        for step in play.steps:
            if step.delay_seconds:
                await asyncio.sleep(step.delay_seconds)
            if step.if_allowed and not self.allowed:
                continue
            await _STEPS[step.do](self, **step.fields)
        return play.stop

    async def say(self, text: str) -> None:
        """Send a piece of the answer."""
        await self.voice.say(text)

    async def think(self, text: str) -> None:
        """Send a piece of thought."""
        await self.voice.think(text)

    async def plan(self, entries: list[str], done: int) -> None:
        """Send a plan."""
        await self.voice.plan(entries, done)

    async def read(self, path: str) -> None:
        """Read a file and show it."""
        await self.voice.call("read", f"Read {path}", {"path": path}, partial(files.read, self.cwd, path))

    async def edit(self, path: str, text: str) -> None:
        """Write a file as a whole."""
        await self.voice.call("edit", f"Edit {path}", {"path": path}, partial(self._write, path, text))

    async def replace(self, path: str, old: str, new: str, count: int) -> None:
        """Replace a text in a file that must hold it exactly so often."""
        act = partial(self._replace, path, old, new, count)
        await self.voice.call("edit", f"Replace in {path}", {"path": path}, act)

    async def delete(self, path: str) -> None:
        """Remove a file."""
        await self.voice.call(
            "delete", f"Delete {path}", {"path": path}, partial(files.delete, self.cwd, path)
        )

    async def run(self, argv: list[str], timeout_seconds: float) -> None:
        """Run a program in the folder and show what it said."""
        act = partial(process.run, argv, self.cwd, timeout_seconds)
        await self.voice.call("execute", shell_words(argv), {"command": argv}, act)

    async def ask(self, title: str, kind: str, path: str | None, argv: list[str] | None) -> None:
        """Ask for permission and remember the answer."""
        given: dict[str, Any] = {"path": path} if path is not None else {"command": argv}
        self.allowed = await self.voice.ask(kind, title, given)
        if not self.allowed:
            await self.voice.say(f"Permission refused: {title}\n")

    async def write_outside(self, path: str, text: str) -> None:
        """Try to write where nothing may be written, and say what happened."""
        act = partial(files.write, files.outside(self.cwd, path), text)
        worked = await self.voice.call("edit", f"Write {path}", {}, act)
        await self.voice.say(f"Writing outside {'worked' if worked else 'failed'}: {path}\n")

    async def usage(self, input_tokens: int, output_tokens: int, cost_usd: float) -> None:
        """Report consumption on top of what was reported before."""
        self.spent.input_tokens += input_tokens
        self.spent.output_tokens += output_tokens
        self.spent.cost_usd = round(self.spent.cost_usd + cost_usd, 9)
        await self.voice.usage(self.spent.input_tokens + self.spent.output_tokens, self.spent.cost_usd)

    async def fail(self, code: int, message: str, data: dict[str, Any] | None) -> None:
        """Answer the prompt with an error.

        Raises:
            RequestError: always; it is the answer.
        """
        raise acp.RequestError(code, message, data)

    async def hang(self, seconds: float, deaf: bool) -> None:
        """Do nothing for a while; a deaf one does not even listen."""
        if deaf:
            process.hang_deaf(seconds)
        await asyncio.sleep(0 if deaf else seconds)

    async def crash(self, exit_code: int) -> None:
        """Leave without an answer."""
        await asyncio.sleep(0)
        process.crash(exit_code)

    async def spawn_daemon(self, path: str, seconds: float) -> None:
        """Leave a process behind that goes on writing a file."""
        act = partial(self._spawn, path, seconds)
        await self.voice.call("execute", "Start a daemon", {"command": ["daemon", path]}, act)

    async def flood(self, bytes: int) -> None:  # noqa: A002 - the key of the script
        """Send so much text."""
        left = bytes
        while left > 0:
            await self.voice.say("x" * min(left, _FLOOD_CHUNK_BYTES))
            left -= _FLOOD_CHUNK_BYTES

    async def no_change(self) -> None:
        """Say that nothing was done."""
        await self.voice.say("Nothing needed to be changed.\n")

    def _write(self, path: str, text: str) -> Any:
        place = files.inside(self.cwd, path)
        old = files.read(self.cwd, path) if place.is_file() else None
        files.write(place, text)
        return acp.tool_diff_content(str(place), text, old)

    def _replace(self, path: str, old: str, new: str, count: int) -> Any:
        text = files.replaced(files.read(self.cwd, path), old, new, count, path)
        return self._write(path, text)

    def _spawn(self, path: str, seconds: float) -> str:
        place = files.inside(self.cwd, path)
        files.write(place, "0\n")
        process.spawn_daemon(place, self.cwd, seconds)
        return "a daemon writes on"


_STEPS: dict[str, Callable[..., Awaitable[None]]] = {
    "say": Player.say,
    "think": Player.think,
    "plan": Player.plan,
    "read": Player.read,
    "edit": Player.edit,
    "replace": Player.replace,
    "delete": Player.delete,
    "run": Player.run,
    "ask": Player.ask,
    "write_outside": Player.write_outside,
    "usage": Player.usage,
    "fail": Player.fail,
    "hang": Player.hang,
    "crash": Player.crash,
    "spawn_daemon": Player.spawn_daemon,
    "flood": Player.flood,
    "no_change": Player.no_change,
}
