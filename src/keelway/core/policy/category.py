"""Where a person is needed whatever the risk: by what a change is about, and by how far the agent is trusted."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class CategoryPolicy:
    """Sort changes by what they are about, and say which kinds need a person whatever their risk."""

    never_auto_deploy: tuple[str, ...] = (
        "schema",
        "auth",
        "environment",
        "breaking API",
        "dependency",
        "security",
    )
    """Categories that wait before production for a person, even when their merge was automatic. The built-in names: `schema`,
    `auth`, `environment`, `breaking API`, `dependency`, `security`, `build`, `payment`, `user data`, `crypto`, `CORS`, `rate limit`."""
    always_review: tuple[str, ...] = ("payment", "user data", "crypto", "CORS", "rate limit")
    """Categories that are high risk wherever they show, so that a person reads every such change."""
    auto_safe: tuple[str, ...] = ("fix", "refactor", "docs")
    """Kinds of task that add nothing to the risk by themselves."""
    deploy_consent: str = "merge"
    """Whose yes counts for `never_auto_deploy`: ``plan`` takes a person's yes to a plan that shows the category, or to the
    merge; ``merge`` takes one to the merge; ``deploy`` asks anew before every such deployment."""
    paths: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Category to more path patterns that belong to it; a new name makes a new category."""


@dataclass(frozen=True)
class AutonomyPolicy:
    """Let a new set-up begin with a person beside it; with both counts at 0 every set-up is trusted at once."""

    asked_first: int = 0
    """Releases that have to hold while a person is asked about every plan and every merge, whatever the risk."""
    low_first: int = 0
    """Releases that have to hold after those, while nothing above low risk goes on alone."""
