"""Write the page of every command from the commands themselves."""

from __future__ import annotations

from typing import Any

import typer

from keelway.app.reference.source import cell

FILE = "cli.md"
_INTRO = """# Commands

Every command prints text for people, or one JSON document with `--json`; progress goes to standard error. Off a
terminal there is no colour and no redrawing, and a command that would ask needs `--yes`. A task is named `T-142`,
`142` or `@last`. `keelway -C DIR ...` is about the project at or above a directory; `KEELWAY_HOME` moves its state.

Without a control plane `status`, `tasks`, `show`, `plan`, `explain`, `logs`, `releases` and `audit` answer from the
book, and `freeze` and `unfreeze` work with everything down. `keelway --install-completion` sets up your shell.

| exit code | meaning |
|---|---|
| 0 | done; a followed task is live |
| 1 | failed, rolled back, or nobody answers |
| 2 | usage: the command line, the configuration or the repository needs a correction |
| 3 | a gate said no |
| 5 | refused by policy |
| 8 | waits for a person |
| 130 | you pressed Ctrl-C; what was started goes on |
"""


def page(app: typer.Typer) -> str:
    """Return the page."""
    group: Any = typer.main.get_command(app)
    return "\n".join([_INTRO, *(_command(name, command) for name, command in _all(group))])


def _all(group: Any, before: str = "") -> list[tuple[str, Any]]:
    """Return every command with its words; those of a group follow its name."""
    found = []
    for name in sorted(group.commands):
        command = group.commands[name]
        inner = hasattr(command, "commands")
        found += _all(command, f"{before}{name} ") if inner else [(f"{before}{name}", command)]
    return found


def _command(name: str, command: Any) -> str:
    shown = [entry for entry in command.params if entry.name != "help" and not entry.hidden]
    arguments = [entry for entry in shown if entry.param_type_name == "argument"]
    words = " ".join(_word(entry) for entry in arguments)
    usage = f"    keelway {name}{' ' + words if words else ''}{' [OPTIONS]' if len(shown) > len(arguments) else ''}"
    rows = [f"| {_names(entry)} | {cell(entry.help or '')} |" for entry in shown]
    table = ["| argument or option | meaning |", "|---|---|", *rows, ""] if rows else []
    return "\n".join([f"## keelway {name}", "", (command.help or "").strip(), "", usage, "", *table])


def _word(entry: Any) -> str:
    name = str(entry.name).upper()
    return name if entry.required else f"[{name}]"


def _names(entry: Any) -> str:
    if entry.param_type_name == "argument":
        return f"`{str(entry.name).upper()}`"
    return ", ".join(f"`{name}`" for name in (*entry.opts, *entry.secondary_opts))
