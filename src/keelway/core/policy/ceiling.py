"""Combine what an operator allows with what a repository asks for; a loosening is named, never applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

from keelway.core.codec import from_json, to_json
from keelway.core.policy.direction import direction_of, thresholds
from keelway.core.policy.policy import Policy

DEFAULT, OPERATOR, REPOSITORY = "default", "operator", "repository"

T = TypeVar("T")


@dataclass(frozen=True)
class Loosening:
    """Name a threshold that a repository sets looser than the operator allows."""

    key: str
    allowed: Any
    wanted: Any

    def __str__(self) -> str:
        way = direction_of(self.key).sentence
        return f"policy.{self.key} = {shown(self.wanted)}, where the operator allows {shown(self.allowed)} ({way})"


@dataclass(frozen=True)
class Combined:
    """Hold the policy in force and where each threshold that is not a default comes from."""

    policy: Policy
    sources: dict[str, str]
    loosened: tuple[Loosening, ...] = ()
    limits: Policy = field(default_factory=Policy)
    """What the operator allows, with defaults for what is not stated."""
    bound: frozenset[str] = frozenset()
    """The thresholds that have a ceiling."""


def policy_of(document: Mapping[str, Any]) -> Policy:
    """Return the policy that a table states; what it leaves out has its default.

    Raises:
        Exception: whatever ``cattrs`` raises for unknown or mistyped entries.
    """
    given = document.get("staging")
    if not isinstance(given, dict):
        return from_json(Policy, dict(document))
    own: dict[str, Any] = to_json(Policy().staging)  # staging has stricter defaults than its class
    return from_json(Policy, {**document, "staging": {**own, **given}})


def combine_policies(
    operator: Mapping[str, Any], repository: Mapping[str, Any], *, bind_defaults: bool = False
) -> Combined:
    """Lay what a repository states over what the operator states.

    Where both state a threshold the stricter one is in force, and a looser wish of the repository is
    returned as a loosening. With ``bind_defaults`` the defaults bind like stated values.

    Raises:
        Exception: whatever ``cattrs`` raises for unknown or mistyped entries of one of the tables.
    """
    allowed, wanted = policy_of(operator), policy_of(repository)
    bound, asked = set(stated(Policy(), operator)), set(stated(Policy(), repository))
    if bind_defaults:
        bound |= {key for key, _ in thresholds()}
    limits, wishes = dict(thresholds(allowed)), dict(thresholds(wanted))
    loosened = tuple(
        Loosening(key, limits[key], wishes[key])
        for key in sorted(bound & asked)
        if direction_of(key).loosens(limits[key], wishes[key])
    )
    taken = asked - {one.key for one in loosened}
    sources = dict.fromkeys(sorted(stated(Policy(), operator)), OPERATOR)
    sources |= {key: REPOSITORY for key in sorted(taken) if key not in sources or wishes[key] != limits[key]}
    policy = _with(allowed, {key: wishes[key] for key in taken})
    return Combined(policy, sources, loosened, allowed, frozenset(bound))


def clamped(policy: Policy, operator: Mapping[str, Any], *, bind_defaults: bool = False) -> Policy:
    """Return a policy in which nothing is looser than an operator allows by now.

    Raises:
        Exception: whatever ``cattrs`` raises for unknown or mistyped entries of the table.
    """
    limits, values = dict(thresholds(policy_of(operator))), dict(thresholds(policy))
    bound = set(limits) if bind_defaults else set(stated(Policy(), operator))
    looser = {key for key in bound if direction_of(key).loosens(limits[key], values[key])}
    return _with(policy, {key: limits[key] for key in looser})


def stated(kind: Any, document: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Yield the thresholds that a table states."""
    for entry in fields(kind):
        inner, key = getattr(kind, entry.name), f"{above}{entry.name}"
        if entry.name not in document:
            continue
        if is_dataclass(inner):
            yield from stated(inner, document[entry.name], f"{key}.")
        else:
            yield key


def shown(value: Any) -> str:
    """Write a value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f'"{name}" = {shown(entry)}' for name, entry in value.items()) + " }"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(shown, value)) + "]"
    return f"{value:g}" if isinstance(value, float) and value.is_integer() else str(value)


def _with(value: T, changes: Mapping[str, Any], above: str = "") -> T:
    """Return a policy in which some thresholds have another value."""
    fresh: dict[str, Any] = {}
    for entry in fields(value):  # type: ignore[arg-type]
        inner, key = getattr(value, entry.name), f"{above}{entry.name}"
        if is_dataclass(inner):
            fresh[entry.name] = _with(inner, changes, f"{key}.")
        elif key in changes:
            fresh[entry.name] = changes[key]
    return replace(value, **fresh)  # type: ignore[type-var]
