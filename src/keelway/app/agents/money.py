"""Between the model gateway and the book: what each request cost goes in, what may still be spent comes out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from keelway.app.agents.fence import user_of
from keelway.app.agents.gateway import make_gateway
from keelway.app.config import Config
from keelway.app.home import Home
from keelway.clients.gateway.gateway import Gateway
from keelway.clients.gateway.values import Allowance, Entry
from keelway.core.errors import YourFault
from keelway.core.model.usage import UsageEntry, UsageSource
from keelway.core.policy import Policy
from keelway.core.rule.allowance import allowance_of, bounds_of
from keelway.ports.ledger import Ledger
from keelway.ports.vault import Vault


@dataclass(frozen=True)
class Money:
    """Let a gateway read and write the book under a policy; both verbs may be called from any thread."""

    ledger: Ledger
    policy: Policy

    def book(self, entry: Entry) -> None:
        """Book a request once; what no task of ours asked for counts for the day and the project all the same.

        Raises:
            TheirFault: the book cannot be written; the gateway tries again.
        """
        booked = UsageEntry(
            f"gateway/{entry.id}",
            entry.task,
            entry.role,
            entry.attempt,
            entry.at,
            UsageSource.METERED,
            agent=entry.agent,
            provider=entry.provider,
            model=entry.model,
            input_tokens=entry.input_tokens,
            output_tokens=entry.output_tokens,
            cached_tokens=entry.cached_tokens,
            cost_usd=entry.cost_usd,
            estimated=entry.estimated,
            status=f"{entry.status} {entry.note}".rstrip(),
            seconds=entry.seconds,
        )
        try:
            self.ledger.book_usage(booked)
        except YourFault:  # a probe or a trial: it cost something, and there is no such task
            self.ledger.book_usage(replace(booked, task=""))

    def allowance(self, task: str) -> Allowance:
        """Return what a task may still spend of its own, of the day and of the project.

        Raises:
            TheirFault: the book cannot be read; the gateway refuses then.
        """
        left = allowance_of(bounds_of(self.policy), self.ledger.spending(task))
        return Allowance(_usd(left.task_usd), _usd(left.day_usd), _usd(left.project_usd))


def gateway_of(config: Config, home: Home, vault: Vault, ledger: Ledger) -> Gateway | None:
    """Return the gateway of a project with the book behind it, None when no provider is configured."""
    money, user = Money(ledger, config.policy), user_of(config.file.sandbox)
    return make_gateway(config, home, vault, book=money.book, allowance=money.allowance, uid=user)


def _usd(left: float | None) -> float:
    return math.inf if left is None else left
