"""Many tasks of mixed acts at once: what each is, what its agent does, and how it has to end."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.crash.life import BAD_FILE
from tests.workflows.world import PLAN

from keelway.ports.agent import Assignment, Effort, Stop

KINDS = ("b", "c", "question", "red", "abort")
"""Goes live; fails under traffic; its plan waits for a person; never passes its checks; is aborted on its way."""

ENDS = {
    "b": {"deployed"},
    "question": {"deployed"},
    "c": {"rolled_back"},
    "red": {"failed"},
    "abort": {"aborted", "rolled_back", "deployed"},
}
"""How each may end; an abort may come too late, or while production is watched."""

_MEDIUM_LINES = 200


def drawn(seed: int, count: int) -> list[str]:
    """Draw the kinds of so many tasks, each kind at least once when there is room."""
    dice = random.Random(seed)
    kinds = [KINDS[number % len(KINDS)] for number in range(count)]
    dice.shuffle(kinds)
    return kinds


class Cast(Mapping[tuple[str, int], Any]):
    """Answer every assignment by the number in the name of its task."""

    def __init__(self, kinds: list[str]) -> None:
        self._kinds = kinds

    def __getitem__(self, key: tuple[str, int]) -> Callable[[Assignment], Effort]:
        return self._plan if key[0] == "plan" else self._develop

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(())

    def __len__(self) -> int:
        return len(self._kinds)

    def _plan(self, assignment: Assignment) -> Effort:
        number, kind = self._of(assignment)
        plan = {**PLAN, "title": f"Answer with {number}", "create": sorted(files(number, kind))}
        if kind == "question":
            plan["lines_estimate"] = _MEDIUM_LINES
        return Effort(Stop.COMPLETED, json.dumps(plan))

    def _develop(self, assignment: Assignment) -> Effort:
        number, kind = self._of(assignment)
        wrong = kind == "red" or (kind == "b" and assignment.attempt == 1)
        for name, text in files(number, kind).items():
            path = Path(assignment.workspace) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + ("# fails lint\n" if wrong and name.startswith("number") else ""))
        return Effort(Stop.COMPLETED, "Done.")

    def _of(self, assignment: Assignment) -> tuple[int, str]:
        number = int(assignment.task.partition("-")[2].partition("-")[0])
        return number, self._kinds[number - 1]


def files(number: int, kind: str) -> dict[str, str]:
    """Return what a task of a kind adds; no two tasks touch the same file, but those that fail under traffic."""
    module = f"number_{number}"
    test = f"from pathlib import Path\n\n\ndef test_{module}():\n    assert '{module}' in Path('{module}.py').read_text()\n"
    added = {f"{module}.py": f"{module} = {number}\n", f"tests/test_{module}.py": test}
    return {**added, BAD_FILE: f"{number} fails under traffic\n"} if kind == "c" else added
