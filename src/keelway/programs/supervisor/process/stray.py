"""Find and end processes that this home started but that no row knows: its state file was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from keelway.programs.supervisor.process.ending import Ending
from keelway.programs.supervisor.process.table import Entry, Identity, alive


class Strays:
    """Hold them by the id they were started under; found once, at the start, for later none can arise."""

    def __init__(self, marked: Mapping[str, Sequence[Entry]], origin: str) -> None:
        self._by_id: dict[str, tuple[Identity, ...]] = {}
        for mark, entries in marked.items():
            process_id, _, nonce = mark.partition(":")
            if nonce.startswith(origin):
                self._by_id[process_id] = self._by_id.get(process_id, ()) + tuple(
                    one.identity for one in entries
                )

    def pids(self, process_id: str) -> list[int]:
        """Give the numbers of those that still run under the id."""
        return [one.pid for one in self._by_id.get(process_id, ()) if alive(one)]

    def shown(self) -> list[dict[str, object]]:
        """List all that still run."""
        return [{"id": key, "pid": pid} for key in sorted(self._by_id) for pid in self.pids(key)]

    async def end(self, process_id: str, deadline_seconds: float) -> bool:
        """End all of one id with their descendants; say whether a kill was needed.

        Raises:
            StillAlive: something survives SIGKILL.
        """
        until = asyncio.get_running_loop().time() + deadline_seconds
        return await Ending(None, "", lambda: until, frozenset(self._by_id.get(process_id, ()))).run()
