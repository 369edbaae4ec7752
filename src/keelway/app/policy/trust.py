"""Record under which set-up of the agent each task began, and how far that set-up was trusted then."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from keelway.app.config import Config
from keelway.app.policy.setup import setup_of
from keelway.core.autonomy.ladder import Setup, Standing, Step, end_of, standing_after
from keelway.core.errors import KeelwayError
from keelway.core.policy import Policy
from keelway.ports.ledger import TaskRow

_KEY = "setup:"
ENDS_MAX = 500
"""So many of the latest tasks of a set-up are looked at."""


class Book(Protocol):
    """Keep named values, and know tasks."""

    def state(self, key: str, default: str = "") -> str:
        """Return a value."""
        ...

    def states(self) -> dict[str, str]:
        """Return every value by its key."""
        ...

    def set_state(self, key: str, value: str) -> None:
        """Keep a value; the audit trail holds it as well."""
        ...

    def find(self, task: str) -> TaskRow:
        """Return a task."""
        ...


@dataclass(frozen=True)
class Trust:
    """Say how far the present set-up of the agent is trusted."""

    config: Config
    book: Book

    @cached_property
    def setup(self) -> Setup:
        """Return the present set-up, as it is when first asked for."""
        return setup_of(self.config)

    def standing(self, policy: Policy) -> Standing:
        """Return where the present set-up stands by the ends of its tasks."""
        if not (policy.autonomy.asked_first or policy.autonomy.low_first):
            return standing_after((), policy.autonomy)
        rows = sorted(self._rows(), key=lambda row: row.task.number)[-ENDS_MAX:]
        ends = (end_of(row.status, row.code) for row in rows)
        return standing_after((end for end in ends if end is not None), policy.autonomy)

    def begin(self, task: str, policy: Policy, *, by_recipe: bool) -> None:
        """Record the set-up that a task begins under; a recipe needs no agent and so has none."""
        if by_recipe:
            return
        kept = {"digest": self.setup.digest, "step": self.standing(policy).step.value}
        self.book.set_state(f"{_KEY}{task}", json.dumps(kept, sort_keys=True))

    def step_of(self, task: str) -> Step:
        """Return the step that a task began on; one without a record is as the policy says."""
        kept = json.loads(self.book.state(f"{_KEY}{task}") or "{}")
        return Step(kept.get("step", Step.POLICY.value))

    def _rows(self) -> list[TaskRow]:
        mine = [
            key.removeprefix(_KEY)
            for key, value in self.book.states().items()
            if key.startswith(_KEY) and json.loads(value).get("digest") == self.setup.digest
        ]
        found = []
        for task in mine:
            try:
                found.append(self.book.find(task))
            except KeelwayError:  # a task that is kept no longer says nothing
                continue
        return found
