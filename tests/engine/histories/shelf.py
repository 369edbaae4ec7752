"""Keep recorded histories as JSON files, one folder per schema number, one file per life."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keelway.engine.upgrade.history import History, Kept

SHELF = Path(__file__).parent
BYTES_MAX = 160_000
"""Of one file; a life that needs more should be shorter."""

POOLED_CHARACTERS_MIN = 60


@dataclass(frozen=True)
class Volume:
    """Hold every run of one life under one schema."""

    schema: str
    life: str
    runs: tuple[History, ...]

    @property
    def path(self) -> Path:
        """Return where it is kept."""
        return SHELF / self.schema / f"{self.life}.json"

    def write(self) -> None:
        """Keep it; a part that occurs again and again is written once and then named."""
        pool = _Pool([_plain(run) for run in self.runs])
        runs = [pool.folded(_plain(run)) for run in self.runs]
        rows = ",\n".join(json.dumps(part, ensure_ascii=False) for part in pool.parts)
        told = ",\n".join(_run_text(run) for run in runs)
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(
            f'{{"schema": "{self.schema}", "life": "{self.life}",\n"parts": [\n{rows}],\n"runs": [\n{told}]}}\n'
        )


def volumes() -> Iterator[Volume]:
    """Return every recorded life, oldest schema first."""
    for path in sorted(SHELF.glob("*/*.json"), key=lambda path: (int(path.parent.name), path.name)):
        yield read(path)


def read(path: Path) -> Volume:
    """Return one recorded life."""
    kept = json.loads(path.read_text())
    parts: list[Any] = []
    for part in kept["parts"]:
        parts.append(_unfolded(part, parts))
    return Volume(kept["schema"], kept["life"], tuple(_run(_unfolded(run, parts)) for run in kept["runs"]))


def _plain(run: History) -> dict[str, Any]:
    verbs = [[kept.verb, kept.value, kept.ended] for kept in run.verbs]
    return {**vars(run), "verbs": verbs}


def _run(plain: dict[str, Any]) -> History:
    verbs = tuple(
        Kept(verb, value, ended, number) for number, (verb, value, ended) in enumerate(plain["verbs"])
    )
    return History(**{**plain, "verbs": verbs})


def _run_text(run: dict[str, Any]) -> str:
    verbs = run.pop("verbs")
    lines = ",\n".join(f"  {json.dumps(verb, ensure_ascii=False)}" for verb in verbs)
    return json.dumps(run, ensure_ascii=False)[:-1] + f', "verbs": [\n{lines}]}}'


class _Pool:
    """Name the parts of plain JSON that occur more than once, small ones before those that hold them."""

    def __init__(self, values: list[Any]) -> None:
        self._count: Counter[str] = Counter()
        for value in values:
            self._meet(value)
        self._place: dict[str, int] = {}
        self.parts: list[Any] = []

    def folded(self, value: Any) -> Any:
        """Return the value with names for its pooled parts."""
        key = _key(value)
        if key in self._place:
            return {"=": self._place[key]}
        if isinstance(value, dict):
            short: Any = {name: self.folded(part) for name, part in value.items()}
        elif isinstance(value, list):
            short = [self.folded(part) for part in value]
        else:
            short = value
        if key is None or self._count[key] <= 1:
            return short
        self._place[key] = len(self.parts)
        self.parts.append(short)
        return {"=": self._place[key]}

    def _meet(self, value: Any) -> None:
        key = _key(value)
        if key is not None:
            self._count[key] += 1
            if self._count[key] > 1:
                return
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            self._meet(part)


def _key(value: Any) -> str | None:
    if not isinstance(value, dict | list | str):
        return None
    text = json.dumps(value)
    return text if len(text) >= POOLED_CHARACTERS_MIN else None


def _unfolded(value: Any, parts: list[Any]) -> Any:
    if isinstance(value, list):
        return [_unfolded(part, parts) for part in value]
    if isinstance(value, dict):
        if value.keys() == {"="}:
            return parts[value["="]]
        return {name: _unfolded(part, parts) for name, part in value.items()}
    return value
