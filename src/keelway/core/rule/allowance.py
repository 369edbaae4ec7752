"""What may still be spent: the caps of stage, task, day and project, and what people allowed beyond them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from keelway.core.codec import digest
from keelway.core.model.role import ROLE_OF, Stage
from keelway.core.policy import Policy
from keelway.core.rule.budget import budget_of

USD, TOKENS = "USD", "tokens"
SPEND = "spend"
"""What a person is asked to allow once a cap bites."""


@dataclass(frozen=True)
class Bounds:
    """Hold the caps in force as plain numbers; ``None`` is no bound."""

    stage_usd: float | None = None
    task_usd: float | None = None
    task_tokens: int | None = None
    day_usd: float | None = None
    project_usd: float | None = None
    extra_share: float = 0.5
    """How much more one yes allows, as a share of the cap."""
    role: str = ""
    """Role whose budget bounds the stage."""


@dataclass(frozen=True)
class Raise:
    """Record that a person let a task go beyond a cap."""

    cap: str
    scope: str
    until: float
    """The task's own spending, within the cap's scope, up to which it may go."""


@dataclass(frozen=True)
class Spending:
    """State what was spent at the moment of looking."""

    stage: str = ""
    day: str = ""
    """Day in UTC, such as ``2026-01-31``."""
    stage_usd: float = 0.0
    task_usd: float = 0.0
    task_tokens: int = 0
    task_day_usd: float = 0.0
    """The task's own part of the day."""
    day_usd: float = 0.0
    """The day of all tasks together."""
    project_usd: float = 0.0
    """All tasks ever."""
    raises: tuple[Raise, ...] = ()
    asked: tuple[str, ...] = ()
    """Open questions whether the task may spend more."""


@dataclass(frozen=True)
class Cap:
    """Hold one cap with what was spent against it."""

    name: str
    """``stage``, ``task``, ``tokens``, ``day`` or ``project``."""
    scope: str
    """Stage or day that it is about, else empty."""
    unit: str
    setting: str
    """Where it is configured."""
    limit: float
    used: float
    """What all spent against it."""
    own: float
    """The task's part of that."""
    more: float
    """What one yes allows on top of the task's part; zero when nobody may allow more."""
    until: float = 0.0
    raised: int = 0

    @property
    def left(self) -> float:
        """Return what the task may still spend."""
        return max(0.0, self.limit - self.used, self.until - self.own)

    @property
    def terms(self) -> tuple[str, str, float, int]:
        """Return what a question about it is about: another limit or a further raise is another question."""
        return self.name, self.scope, self.limit, self.raised

    @property
    def in_force(self) -> float:
        """Return the limit that the task meets, what people allowed included."""
        return max(self.limit, self.until + self.used - self.own) if self.raised else self.limit


@dataclass(frozen=True)
class Allowance:
    """State how much a task may still spend; ``None`` is no bound."""

    task_usd: float | None = None
    day_usd: float | None = None
    project_usd: float | None = None

    @property
    def usd(self) -> float | None:
        """Return the tightest of them."""
        known = [usd for usd in (self.task_usd, self.day_usd, self.project_usd) if usd is not None]
        return min(known, default=None)


def bounds_of(policy: Policy, stage: str = "") -> Bounds:
    """Return the caps of a policy; without a stage only those that any run of a task meets."""
    budget, gateway = policy.budget, policy.gateway
    role = ROLE_OF[Stage(stage)] if stage in set(Stage) else None
    return Bounds(
        stage_usd=None if role is None else budget_of(policy, role).cost_usd_max,
        task_usd=budget.task_cost_usd_max or None,
        task_tokens=budget.task_tokens_max or None,
        day_usd=gateway.day_usd_max or None,
        project_usd=gateway.project_usd_max or None,
        extra_share=budget.extra_share,
        role="" if role is None else role.value,
    )


def caps_of(bounds: Bounds, spending: Spending) -> tuple[Cap, ...]:
    """Put what was spent against each cap in force."""
    role, now = bounds.role, spending
    rows = (
        ("stage", now.stage, USD, f"budget.{role}.cost_usd_max", bounds.stage_usd, now.stage_usd, None),
        ("task", "", USD, "budget.task_cost_usd_max", bounds.task_usd, now.task_usd, None),
        ("tokens", "", TOKENS, "budget.task_tokens_max", bounds.task_tokens, now.task_tokens, None),
        ("day", now.day, USD, "gateway.day_usd_max", bounds.day_usd, now.day_usd, now.task_day_usd),
        ("project", "", USD, "gateway.project_usd_max", bounds.project_usd, now.project_usd, now.task_usd),
    )
    caps = []
    for name, scope, unit, setting, limit, used, part in rows:
        if limit is None:
            continue
        allowed = [each.until for each in now.raises if (each.cap, each.scope) == (name, scope)]
        more = max(0.0, limit * bounds.extra_share)
        own = float(used if part is None else part)
        until = max(allowed, default=0.0)
        caps.append(
            Cap(
                name,
                scope,
                unit,
                f"policy.{setting}",
                float(limit),
                float(used),
                own,
                float(round(more)) if unit == TOKENS else more,
                until,
                len(allowed),
            )
        )
    return tuple(caps)


def allowance_of(bounds: Bounds, spending: Spending) -> Allowance:
    """Return what a task may still spend of its own, of the day and of the project."""
    left = {cap.name: cap.left for cap in caps_of(bounds, spending)}
    return Allowance(left.get("task"), left.get("day"), left.get("project"))


def run_limits(caps: Iterable[Cap]) -> tuple[float, int]:
    """Return what one run may use in US dollars and in tokens; zero is no limit."""
    caps = tuple(caps)
    usd = [cap.left for cap in caps if cap.unit == USD]
    tokens = [cap.left for cap in caps if cap.unit == TOKENS]
    return min(usd, default=0.0), int(min(tokens, default=0.0))


def bitten(
    caps: Iterable[Cap], *, cut: bool = False, asked: Collection[tuple[str, str, float, int]] = ()
) -> tuple[Cap, ...]:
    """Return the caps of which nothing is left.

    Args:
        caps: from ``caps_of``.
        cut: a run was ended by a cap although something seems to be left; then the tightest counts.
        asked: terms of caps about which a person was asked; they bite until they are raised or altered.
    """
    caps = tuple(caps)
    found = tuple(cap for cap in caps if cap.left <= 0 or cap.terms in asked)
    if found or not cut or not caps:
        return found
    return (min(caps, key=lambda cap: cap.left / cap.limit if cap.limit > 0 else 0.0),)


def terms_digest(caps: Iterable[Cap]) -> str:
    """Return the digest of what is asked for: each cap, how much more, and for the how manieth time."""
    return digest([[*cap.terms, cap.more] for cap in caps])


def raise_of(cap: Cap) -> Raise:
    """Return what a yes changes: the task may spend so much more from where it stands."""
    return Raise(cap.name, cap.scope, cap.own + cap.more)
