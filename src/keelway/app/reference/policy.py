"""Write the page of every threshold from the policy classes."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from keelway.app.reference.source import cell, one_line, settings_of
from keelway.core.policy import Policy

_INTRO = """# Policy

Every threshold, its default and what it bounds. In `keelway.toml` each group is a table `[policy.<group>]`;
what you leave out keeps its default. Units are in the names. An unknown key is an error.

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
        f"| `{setting.name}` | `{_shown(getattr(values, setting.name))}` | {cell(setting.sentence)} |"
        for setting in settings_of(kind)
    ]
    head = [
        f"{level} policy.{name}",
        "",
        one_line(kind.__doc__),
        "",
        "| setting | default | meaning |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows, "", *inner])


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
