"""Write the page of every threshold from the policy classes."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from keelway.app.reference.source import Setting, cell, one_line, settings_of
from keelway.core.policy import Policy
from keelway.core.policy.direction import direction_of

_INTRO = """# Policy

Every threshold, its default and what it bounds. In `keelway.toml` each group is a table `[policy.<group>]`;
what you leave out keeps its default. Units are in the names. An unknown key is an error.

An operator's file may bound every repository: see [one policy for all repositories](../how-to/one-policy.md). The column
"direction" says which way a repository may go from what that file states; `keelway policy explain` shows what is in force.

The digest of the whole policy is part of every approval: after a change of the policy a question is asked again.
"""


def page(_present: str) -> str:
    """Return the page."""
    policy = Policy()
    groups = [_group(setting.name, getattr(policy, setting.name)) for setting in settings_of(Policy)]
    return "\n".join([_INTRO, *groups])


def _group(name: str, values: Any, level: str = "##") -> str:
    kind = type(values)
    inner = [
        _group(f"{name}.{setting.name}", getattr(values, setting.name), "###")
        for setting in settings_of(kind)
        if is_dataclass(getattr(values, setting.name))
    ]
    rows = [
        f"| `{setting.name}` | `{_shown(getattr(values, setting.name))}` | {_stricter(f'{name}.{setting.name}', setting)} "
        f"| {cell(setting.sentence)} |"
        for setting in settings_of(kind)
    ]
    head = [
        f"{level} policy.{name}",
        "",
        one_line(kind.__doc__),
        "",
        "| setting | default | direction | meaning |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *rows, "", *inner])


def _stricter(key: str, setting: Setting) -> str:
    """Say which way a repository may go from what an operator states; a group has no way of its own."""
    return "each has its own" if is_dataclass(setting.default) else direction_of(key).sentence


def _shown(value: Any) -> str:
    """Write a default as TOML writes it."""
    if is_dataclass(value):
        names = [entry.name for entry in fields(value)]
        return "{ " + ", ".join(f"{name} = {_shown(getattr(value, name))}" for name in names) + " }"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(_shown(item) for item in value) + "]"
    if isinstance(value, str):
        return f'"{value}"'
    return f"{value:g}" if isinstance(value, float) and value.is_integer() else str(value)
