"""What each agent has really been run through, as the tests of the agents left it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path

from keelway.clients.files import write_atomic
from keelway.core.codec import from_json, to_json

FILE_NAME = "proven.json"

CASES: dict[str, str] = {
    "task": "completes a task: reads, edits, writes, runs the test",
    "metered": "is metered by the gateway to the token",
    "rejected write": "a rejected write never lands",
    "outside": "a write outside the workspace is blocked",
    "cancel": "a cancelled run leaves no process after 2 s",
    "wrong key": "a wrong key ends as `auth_error`",
    "silent": "a silent model ends as `limit_silence`",
    "budget": "a budget is cut in the middle of a run",
    "key": "the real key is nowhere in the sandbox",
}
"""Case to what was seen."""


@dataclass(frozen=True)
class Proven:
    """Say what one agent was seen to do, with a scripted model in place of a real one."""

    version: str
    cage: str
    cases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Book:
    """Hold the results of the agents that were run."""

    agents: dict[str, Proven] = field(default_factory=dict)


def path() -> Path:
    """Return where the results lie."""
    return Path(str(files("keelway.app.agents") / FILE_NAME))


def proven() -> dict[str, Proven]:
    """Return the results by the name of the agent."""
    return from_json(Book, json.loads(path().read_text("utf-8"))).agents


def keep(seen: dict[str, Proven], tried: dict[str, set[str]]) -> None:
    """Write down new results; those of agents and cases that were not tried this time stay.

    Args:
        seen: what was seen, by agent.
        tried: the cases that were tried, by agent: one that was tried and not seen is taken back.
    """
    agents = proven()
    for name, new in seen.items():
        old = agents.get(name, new)
        stay = set(old.cases) - tried[name] if (old.version, old.cage) == (new.version, new.cage) else set()
        agents[name] = replace(new, cases=tuple(sorted(stay | set(new.cases))))
    text = json.dumps(to_json(Book(dict(sorted(agents.items())))), indent=2, sort_keys=True) + "\n"
    write_atomic(path(), text.encode())
