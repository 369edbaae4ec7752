"""Count what is spent, hold back what is under way, and say which bound is reached."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from keelway.clients.gateway.values import Allowance, Grant, Metered

COST, TOKENS, DAY, PROJECT, REVOKED = "cost", "tokens", "day", "project", "revoked"
_SAME_USD = 1e-9


@dataclass(slots=True, eq=False)
class Purse:
    """Hold one bound: what was left when it was read last, and what has come since.

    ``left`` does not know what was finished but not yet booked when it was read; ``base`` does.
    """

    name: str
    left: float = math.inf
    base: float = 0.0
    """How much of ``finished`` is sure to be in ``left``."""
    finished: float = 0.0
    booked: float = 0.0
    claimed: float = 0.0
    """What the requests under way hold back."""
    running: float = 0.0
    """What they have used so far."""

    @property
    def rest(self) -> float:
        """Return what is left after every request that has ended."""
        return self.left - (self.finished - self.base)

    @property
    def spent(self) -> bool:
        """Tell whether nothing is left."""
        return self.rest <= 0

    @property
    def room(self) -> bool:
        """Tell whether something is left that nobody holds back."""
        return self.rest - self.claimed > 0

    @property
    def passed(self) -> bool:
        """Tell whether what runs has gone past the bound already."""
        return self.rest - self.running < 0

    @property
    def settled(self) -> bool:
        """Tell whether nothing runs and everything is booked."""
        return self.claimed <= _SAME_USD and abs(self.finished - self.booked) <= _SAME_USD


@dataclass(slots=True, eq=False)
class Claim:
    """Hold back money and tokens for one request under way, and follow what it really uses."""

    money: tuple[Purse, ...]
    tokens: Purse
    held_usd: float
    held_tokens: int
    usd: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    over: bool = False

    def __post_init__(self) -> None:
        for purse in self.money:
            purse.claimed += self.held_usd
        self.tokens.claimed += self.held_tokens

    def follow(self, usd: float, input_tokens: int, output_tokens: int) -> str:
        """Note what the request has used so far; return the name of a bound that is passed by that."""
        self._move(usd, input_tokens + output_tokens)
        self.usd, self.input_tokens, self.output_tokens = usd, input_tokens, output_tokens
        return next((purse.name for purse in (*self.money, self.tokens) if purse.passed), "")

    def settle(self, usd: float, tokens: int) -> None:
        """Give back what was held and count what was used, once."""
        if self.over:
            return
        self.over = True
        self._move(0.0, 0)
        for purse in self.money:
            purse.claimed -= self.held_usd
            purse.finished += usd
        self.tokens.claimed -= self.held_tokens
        self.tokens.finished += tokens
        self.usd, self.input_tokens, self.output_tokens = 0.0, 0, 0

    def _move(self, usd: float, tokens: int) -> None:
        for purse in self.money:
            purse.running += usd - self.usd
            purse.claimed += max(usd, self.held_usd) - max(self.usd, self.held_usd)
        before = self.input_tokens + self.output_tokens
        self.tokens.running += tokens - before
        self.tokens.claimed += max(tokens, self.held_tokens) - max(before, self.held_tokens)


@dataclass(slots=True, eq=False)
class Account:
    """Count one pass."""

    grant: Grant
    money: tuple[Purse, ...]
    """The grant's own bound, then those of its task, the day and the project."""
    tokens: Purse
    metered: Metered = field(default_factory=Metered)
    claims: set[Claim] = field(default_factory=set)
    revoked: bool = False

    @property
    def shared(self) -> tuple[Purse, ...]:
        """Return the bounds that others count for too: of the task, the day and the project."""
        return self.money[1:]

    def marks(self) -> tuple[float, ...]:
        """Return how much was booked, to be taken before an allowance is read."""
        return tuple(purse.booked for purse in self.shared)

    def read(self, allowance: Allowance, marks: tuple[float, ...]) -> None:
        """Take over what the book says is left."""
        left = (allowance.task_usd, allowance.day_usd, allowance.project_usd)
        for purse, usd, base in zip(self.shared, left, marks, strict=True):
            # What is no number is no permission.
            purse.left, purse.base = 0.0 if math.isnan(usd) else usd, base

    def spent(self) -> str:
        """Return the name of a bound of which nothing is left, empty when there is none."""
        return next((purse.name for purse in (*self.money, self.tokens) if purse.spent), "")

    def room(self) -> bool:
        """Tell whether every bound has something left that nobody holds back."""
        return all(purse.room for purse in (*self.money, self.tokens))

    def claim(self, usd: float, tokens: int) -> Claim:
        """Hold back money and tokens for one request."""
        claim = Claim(self.money, self.tokens, usd, tokens)
        self.claims.add(claim)
        return claim

    def settle(self, claim: Claim, usd: float, used: tuple[int, int, int]) -> None:
        """Count a request that has ended: its cost, and its input, output and cached tokens."""
        self.claims.discard(claim)
        claim.settle(usd, used[0] + used[1])
        now = self.metered
        self.metered = replace(
            now,
            input_tokens=now.input_tokens + used[0],
            output_tokens=now.output_tokens + used[1],
            cached_tokens=now.cached_tokens + used[2],
            cost_usd=now.cost_usd + usd,
            requests=now.requests + 1,
        )

    def owe(self, usd: float) -> None:
        """Count what an earlier life of the run used and is being booked only now."""
        for purse in self.shared:
            purse.finished += usd

    def revoke(self) -> None:
        """Refuse everything from now on."""
        self.revoked = True
        self.refuse(REVOKED)

    def refuse(self, reason: str) -> None:
        """Remember why the last request was refused."""
        self.metered = replace(self.metered, refused=reason)

    def fail(self, failure: str) -> None:
        """Remember how the last request failed at the provider, or that it did not."""
        self.metered = replace(self.metered, failure=failure)

    def look(self) -> Metered:
        """Return what has been used, what runs at this moment included."""
        now, running = self.metered, tuple(self.claims)
        return replace(
            now,
            input_tokens=now.input_tokens + sum(claim.input_tokens for claim in running),
            output_tokens=now.output_tokens + sum(claim.output_tokens for claim in running),
            cost_usd=now.cost_usd + sum(claim.usd for claim in running),
        )


class Meter:
    """Own the bounds that several passes share."""

    def __init__(self) -> None:
        self._day, self._project = Purse(DAY), Purse(PROJECT)
        self._tasks: dict[str, Purse] = {}

    def account(self, grant: Grant) -> Account:
        """Make the account of a pass."""
        task = self._tasks.setdefault(grant.task, Purse(COST))
        own = Purse(COST, grant.cost_usd_max or math.inf)
        return Account(
            grant, (own, task, self._day, self._project), Purse(TOKENS, grant.tokens_max or math.inf)
        )

    def booked(self, task: str, usd: float) -> None:
        """Note that a cost stands in the book."""
        for purse in (self._tasks.get(task), self._day, self._project):
            if purse is not None:
                purse.booked += usd

    def leave(self, task: str) -> None:
        """Forget a task that has no pass any more, once nothing of it is open."""
        purse = self._tasks.get(task)
        if purse is not None and purse.settled:
            del self._tasks[task]
