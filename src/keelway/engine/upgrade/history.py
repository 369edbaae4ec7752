"""Hold what a run did so far, verb by verb, in one form for every engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from keelway.engine.journal import Run


@dataclass(frozen=True)
class Kept:
    """Hold one verb of a run and what it gave back.

    ``value`` is plain JSON: the record of a step, the instant of ``now`` in ISO 8601, the
    message of ``receive``, ``[status, result, failure]`` of ``call``; otherwise nothing.
    """

    verb: str
    value: Any = None
    ended: bool = True
    """False for a verb that was begun and still waits."""
    position: int = 0
    """Number of its first record in its engine."""


@dataclass(frozen=True)
class History:
    """Hold one run: what it was asked, what it did so far, and how it ended if it did."""

    run: str
    kind: str
    """``story`` or ``stage``."""
    name: str
    payload: Any
    verbs: tuple[Kept, ...] = ()
    status: str = "running"
    result: Any = None

    def prefixes(self) -> Iterator[History]:
        """Return the same run at every earlier instant: after each verb, and in the midst of each that waits."""
        for count, kept in enumerate(self.verbs):
            yield replace(self, verbs=self.verbs[:count], status="running", result=None)
            if kept.ended and kept.verb.split(" ")[0] in {"call", "receive"}:
                begun = replace(kept, ended=False, value=None)
                yield replace(self, verbs=(*self.verbs[:count], begun), status="running", result=None)
        yield self


def history_of(run: Run) -> History:
    """Return the history of a run of the memory engine."""
    kept: list[Kept] = []
    for number, (name, text) in enumerate(run.steps):
        value, begun = json.loads(text), kept[-1] if kept else Kept("")
        verb = {"slept": "sleep", "received": "receive", "result": "call"}.get(name.split(" ")[0], "")
        if begun.verb.split(" ")[0] == verb and not begun.ended:
            kept[-1] = replace(begun, ended=True, value=_ended_value(verb, value))
        else:
            waits = name == "sleep" or name.startswith(("receive ", "call "))
            waits = waits and not isinstance(value, dict)
            kept.append(Kept(name, None if waits else value, not waits, number))
    return History(
        run.id,
        run.kind,
        run.name,
        json.loads(run.payload),
        tuple(kept),
        run.status,
        json.loads(run.result) if run.status == "done" else None,
    )


def _ended_value(verb: str, value: Any) -> Any:
    if verb == "call":
        status, result, failure = value
        return [status, json.loads(result), failure]
    return json.loads(value) if verb == "receive" else None
