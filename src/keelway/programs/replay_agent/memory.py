"""Remember across restarts which play was played for which task."""

from __future__ import annotations

import json
from pathlib import Path

from keelway.programs.replay_agent.script.play import Cue

_LINES_MAX = 100_000


class Memory:
    """Keep one JSON line per turn in the state folder, or in memory when there is none."""

    def __init__(self, folder: Path | None) -> None:
        self._file = folder / "played.jsonl" if folder else None
        self._lines: list[dict[str, object]] = []
        if folder:
            folder.mkdir(parents=True, exist_ok=True)

    def played(self, task: str, number: int) -> int:
        """Count the turns in which a play was begun for a task."""
        return sum(1 for line in self._read() if line.get("task") == task and line.get("play") == number)

    def begin(self, cue: Cue, number: int) -> None:
        """Record that a play begins; also a turn that crashes then counts as played."""
        line = {"task": cue.task, "role": cue.role, "attempt": cue.attempt, "play": number}
        if self._file is None:
            self._lines.append(dict(line))
            return
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _read(self) -> list[dict[str, object]]:
        if self._file is None:
            return self._lines
        try:
            text = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        return [line for line in map(_object, text.splitlines()[-_LINES_MAX:]) if line]


def _object(line: str) -> dict[str, object]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
