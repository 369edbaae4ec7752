"""Write the page of every key of ``keelway.toml`` from the classes that read it."""

from __future__ import annotations

import json
from dataclasses import MISSING, is_dataclass
from typing import Any, get_type_hints

from keelway.app.reference.source import cell, one_line, settings_of
from keelway.app.sections import ConfigFile

_INTRO = """# Configuration

Every key of `keelway.toml`, which lies at the top of your repository. Unknown keys, missing ones and values of
another kind are errors with the name of the key; `keelway doctor` checks the file, `keelway init` writes a first one.
It is read from your own work tree when the control plane starts, its `[policy]` from the base branch when a task begins
([whose policy a task has](../how-to/one-policy.md#whose-policy-a-task-has)); a patch of an agent that touches it is refused.

Commands are lists of words and run without a shell. Where a text may hold `{data}`, `{release}`, `{environment}`,
`{log}` or `{port}`, they are filled in for each environment.
"""
_KINDS = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "tuple[str, ...]": "list of texts",
    "dict[str, str]": "table of texts",
    "dict[str, tuple[float, ...]]": "table of lists of numbers",
    "TargetSpec": "table, as `[target]`",
}
_DEEP = "target"
"""The section whose tables within tables are written out."""


def page(_present: str) -> str:
    """Return the page."""
    hints = get_type_hints(ConfigFile)
    return "\n".join(
        [_INTRO, *(_section(setting.name, hints[setting.name]) for setting in settings_of(ConfigFile))]
    )


def _section(name: str, hint: Any) -> str:
    if name == "policy":
        return "## [policy]\n\nTable `policy`: every threshold, see [policy](policy.md).\n"
    many = getattr(hint, "__origin__", None) is tuple
    kind = hint.__args__[0] if many else hint
    deep = "###" if "." in name else "##"
    head = [
        f"{deep} {'[[' + name + ']]' if many else '[' + name + ']'}",
        "",
        f"Table `{name}`: {one_line(kind.__doc__)}",
        "",
    ]
    if many:
        head += [f"There may be several; each begins with `[[{name}]]`.", ""]
    rows = [
        f"| `{setting.name}` | {_kind(setting.kind)} | {_default(setting.default)} | {cell(setting.sentence)} |"
        for setting in settings_of(kind)
    ]
    inner = get_type_hints(kind)
    below = [
        _section(f"{name}.{setting.name}", inner[setting.name])
        for setting in settings_of(kind)
        if name.partition(".")[0] == _DEEP and _is_table(inner[setting.name])
    ]
    return "\n".join([*head, "| key | kind | default | meaning |", "|---|---|---|---|", *rows, "", *below])


def _is_table(hint: Any) -> bool:
    """Tell whether a setting is a table of settings itself, or a list of such."""
    return is_dataclass(hint) or any(is_dataclass(each) for each in getattr(hint, "__args__", ()))


def _kind(written: str) -> str:
    return _KINDS.get(written, f"`{written}`")


def _default(value: Any) -> str:
    if value is MISSING:
        return "required"
    if is_dataclass(value):
        return "its own defaults"
    return f"`{json.dumps(value)}`"
