"""The tools that the model is offered; each is announced, what changes anything is asked first, none raises."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keelway.programs.api_agent import command, files
from keelway.programs.api_agent.files import ToolFailed
from keelway.programs.api_agent.voice import Call, Voice

_TITLE_CHARS_MAX = 200
_GREP_SECONDS = 30.0
_GREP_NOTHING = 1
_STEPS_MAX = 50


@dataclass(frozen=True)
class Toolbox:
    """Act in one workspace for one session."""

    root: Path
    voice: Voice

    @classmethod
    def at(cls, folder: str, voice: Voice) -> Toolbox:
        """Return the tools for a folder, whose own links are followed once."""
        return cls(Path(folder).resolve(), voice)

    def tools(self, *, writes: bool) -> list[Callable[..., Awaitable[str]]]:
        """Return what a role may use."""
        reading: list[Callable[..., Awaitable[str]]] = [
            self.list_files,
            self.read,
            self.grep,
            self.update_plan,
        ]
        return [*reading, self.write, self.edit, self.shell] if writes else reading

    async def list_files(self, path: str = ".") -> str:
        """List the files below a folder of the workspace."""
        call = Call("search", f"List {path}", {"path": path}, self._place(path))
        return await self._act(call, lambda: files.listed(self.root, path))

    async def read(self, path: str, first_line: int = 1, lines: int = files.SHOWN_LINES_MAX) -> str:
        """Read a text file of the workspace, or some lines of it."""
        call = Call("read", f"Read {path}", {"path": path, "first_line": first_line}, self._place(path))
        return await self._act(call, lambda: files.read(self.root, path, first_line, lines))

    async def grep(self, pattern: str, path: str = ".") -> str:
        """Search files below a path for an extended regular expression; returns ``path:line:text``."""
        call = Call("search", f"Search {pattern!r}", {"pattern": pattern, "path": path}, self._place(path))
        return await self._act(call, lambda: self._grep(pattern, path))

    async def update_plan(self, steps: list[str], done: int = 0) -> str:
        """Note the steps of your work, and how many of them are done."""
        await self.voice.plan([step[:_TITLE_CHARS_MAX] for step in steps[:_STEPS_MAX]], done)
        return "Noted."

    async def write(self, path: str, content: str) -> str:
        """Write a whole file of the workspace; folders above it are made."""
        try:
            before = files.text_of(self.root, path) if files.inside(self.root, path).exists() else None
        except ToolFailed:
            before = None
        call = Call("edit", f"Write {path}", {"path": path}, self._place(path), (before, content))
        return await self._act(call, lambda: files.write(self.root, path, content), asks=True)

    async def edit(self, path: str, old_text: str, new_text: str) -> str:
        """Replace a text that occurs exactly once in a file of the workspace; read the file before."""
        call = Call("edit", f"Edit {path}", {"path": path}, self._place(path), (old_text, new_text))

        def act() -> str:
            text = files.replaced(files.text_of(self.root, path), old_text, new_text, path)
            return files.write(self.root, path, text)

        return await self._act(call, act, asks=True)

    async def shell(self, command: str, seconds_max: float = 120) -> str:
        """Run a shell command in the workspace; returns its exit code and what it printed."""
        call = Call("execute", command, {"command": command})
        return await self._act(call, lambda: self._shell(command, seconds_max), asks=True)

    async def _act(self, call: Call, act: Callable[[], Any], *, asks: bool = False) -> str:
        call.title = call.title[:_TITLE_CHARS_MAX]
        await self.voice.begin(call, asks=asks)
        try:
            if asks:
                await self._ask(call)
            done = act()
            text, worked = (done if isinstance(done, str) else await done), True
        except ToolFailed as failure:
            text, worked = f"Failed: {failure}", False
        await self.voice.end(call, text, worked=worked)
        return text

    async def _ask(self, call: Call) -> None:
        if not await self.voice.may(call):
            raise ToolFailed("Permission was refused. Do it in another way, or leave it.")

    async def _grep(self, pattern: str, path: str) -> str:
        place = files.inside(self.root, path).relative_to(self.root)
        argv = ["grep", "-rnIE", "--exclude-dir=.git", "--exclude-dir=node_modules", "-e", pattern, "--"]
        code, text = await command.run([*argv, str(place)], self.root, _GREP_SECONDS)
        if code > _GREP_NOTHING:
            raise ToolFailed(text.strip())
        return text or "[no match]"

    async def _shell(self, words: str, seconds_max: float) -> str:
        code, text = await command.run(["sh", "-c", words], self.root, seconds_max)
        if code:
            raise ToolFailed(f"exit {code}\n{text}")
        return f"exit 0\n{text}"

    def _place(self, path: str) -> str:
        return str(self.root / path)
