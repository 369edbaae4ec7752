"""The repository's own policy as the protected base branch has it; a task keeps that of its start."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Protocol

from keelway.app.config import FILE_NAME, Config, parse_toml, read_policy
from keelway.app.policy.operator import combined_under
from keelway.app.policy.trust import Trust
from keelway.core.autonomy.ladder import Step, limited
from keelway.core.model.task import Task
from keelway.core.policy import Policy
from keelway.core.policy.ceiling import clamped, combine_policies
from keelway.core.policy.mark import policy_mark
from keelway.core.words.text import short

_KEY = "policy:"


class Branches(Protocol):
    """Read files of commits."""

    def head(self, branch: str) -> str:
        """Return the commit of a branch."""
        ...

    def read(self, sha: str, path: str) -> str:
        """Return the text of a file in a commit, empty when it is not there."""
        ...


class Book(Protocol):
    """Keep named values."""

    def state(self, key: str, default: str = "") -> str:
        """Return a value."""
        ...

    def set_state(self, key: str, value: str) -> None:
        """Keep a value; the audit trail holds it as well."""
        ...


@dataclass(frozen=True)
class Pin:
    """Hold what a base commit states, and the policy that follows from it under the ceilings."""

    base_sha: str
    stated: dict[str, Any]
    mark: str
    policy: Policy


@dataclass
class Policies:
    """Say which policy holds for whom."""

    config: Config
    book: Book
    forge: Branches
    trust: Trust
    _known: dict[str, Pin] = field(default_factory=dict)
    _steps: dict[str, Step] = field(default_factory=dict)

    @property
    def by_hand(self) -> bool:
        """Tell whether whoever started Keelway gave a policy of their own, which then holds for every task."""
        own = combine_policies(
            self.config.ceiling.stated, self.config.stated, bind_defaults=self.config.ceiling.bind_defaults
        )
        return own.policy != self.config.policy

    def at_base(self) -> Pin | None:
        """Return the policy of the base branch as it is now; ``None`` when the base has no configuration.

        Raises:
            YourFault: it is broken there, or looser than the operator allows; or the agent's profile is broken.
        """
        self.trust.setup  # noqa: B018 - what cannot be known is told before a task is opened
        if self.by_hand:
            return None
        branch = self.config.project.branches.integration
        sha = self.forge.head(branch)
        text = self.forge.read(sha, FILE_NAME)
        if not text:
            return None
        where = f"{FILE_NAME} of {branch} ({short(sha)})"
        stated = read_policy(where, parse_toml(where, text.encode()))
        policy = combined_under(self.config.ceiling, stated, where).policy
        return Pin(sha, stated, policy_mark(text), policy)

    def begin(self, task: Task, pin: Pin | None) -> None:
        """Let a task keep a policy until its end, and record the set-up of the agent that it begins under."""
        policy = self.config.policy
        if pin is not None:
            policy = pin.policy
            ceiling = self.config.ceiling
            kept = {
                "base": pin.base_sha,
                "stated": pin.stated,
                "mark": pin.mark,
                "operator": ceiling.stated,
                "bind_defaults": ceiling.bind_defaults,
                "digest": policy.digest,
            }
            self.book.set_state(f"{_KEY}{task.id}", json.dumps(kept, sort_keys=True))
        self.trust.begin(task.id, policy, by_recipe=bool(task.request.recipe))

    def pinned(self, task: str) -> Pin | None:
        """Return what a task keeps, ``None`` when it has the policy of whoever started Keelway.

        A ceiling that was lowered meanwhile holds at once; what the task keeps above it does not.
        """
        if task not in self._known:
            kept = json.loads(self.book.state(f"{_KEY}{task}") or "null")
            if kept is None:
                return None
            begun = combine_policies(kept["operator"], kept["stated"], bind_defaults=kept["bind_defaults"])
            now = self.config.ceiling
            policy = clamped(begun.policy, now.stated, bind_defaults=now.bind_defaults)
            self._known[task] = Pin(kept["base"], kept["stated"], kept["mark"], policy)
        return self._known[task]

    def of(self, task: str) -> Policy:
        """Return the policy that holds for a task, with no more going on alone than its set-up had earned."""
        pin = self.pinned(task)
        if task not in self._steps:
            self._steps[task] = self.trust.step_of(task)
        return limited(self.config.policy if pin is None else pin.policy, self._steps[task])
