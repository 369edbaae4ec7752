"""Turn what a script wants done into a call of a tool that the agent offers."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from tests.agents.model_server.asked import Asked, Tool, ToolCall
from tests.agents.model_server.script import Answer, Call, Edit, Finish, Intent, Plan, Read, Run, Write

NAMES: Mapping[type, tuple[str, ...]] = {
    Read: ("read", "readfile", "view", "viewfile", "readfiles"),
    Write: ("write", "writefile", "createfile", "writetofile"),
    Edit: ("edit", "editfile", "replace", "strreplace", "replaceinfile", "editor"),
    Run: (
        *("bash", "shell", "execcommand", "shellcommand", "runshellcommand", "runcommand"),
        *("runcommands", "executecommand", "executebash", "terminal"),
    ),
    Plan: ("todowrite", "updateplan", "writetodos", "writeplan", "plan"),
    Answer: ("finalresult",),
    Finish: ("attemptcompletion", "submitandexit", "finish"),
}
"""Names of tools by what they do, without case and punctuation; the first that is offered is called."""

ROLES = {
    "path": re.compile(r"^(absolute_?)?(file_?)?(path|name)$|^file$|^target_?file$", re.IGNORECASE),
    "text": re.compile(r"^(contents?|file_?text|text)$", re.IGNORECASE),
    "old": re.compile(r"^(old|search|find)", re.IGNORECASE),
    "new": re.compile(r"^(new|replace)", re.IGNORECASE),
    "command": re.compile(r"^(cmd|commands?|script)$", re.IGNORECASE),
}
SUBMIT = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
"""What an agent with a shell alone wants to see printed at the end."""
SPOKEN_EDITS = re.compile(r"SEARCH/REPLACE", re.IGNORECASE)
SPOKEN_COMMANDS = ("mswea_bash_command", "bash")
"""Names of the fenced blocks that an agent runs which ends by printing ``SUBMIT``, the more telling first."""


_STEP_WORDS = (("status", "pending"), ("priority", "medium"))


class NotOffered(Exception):
    """The agent offers nothing that could do what the script wants."""


def calls_for(does: tuple[Intent, ...], asked: Asked, place: str, mark: str) -> tuple[ToolCall, ...]:
    """Return the calls that do it; none for an end that needs no tool.

    Raises:
        NotOffered: no tool of the request fits.
    """
    made = []
    for number, intent in enumerate(does):
        found = _call(intent, asked, place)
        if found is not None:
            tool, arguments = found
            made.append(ToolCall(f"call_{mark}_{number}", tool.name, arguments, tool.kind))
    return tuple(made)


def spoken(does: tuple[Intent, ...], asked: Asked) -> str | None:
    """Return the intents as text for an agent that offers no tools but reads edits or commands from the text."""
    if reads_edits(asked):
        return "".join(_spoken_edit(intent) for intent in does)
    fence = next((name for name in SPOKEN_COMMANDS if f"```{name}\n" in asked.instructions), None)
    if fence and SUBMIT in asked.instructions:
        commands = [command for intent in does if (command := _spoken_command(intent))]
        return "".join(f"\n```{fence}\n{command}\n```\n" for command in commands)
    return None


def reads_edits(asked: Asked) -> bool:
    """Say whether the agent finds edits in the model's text."""
    return not asked.tools and bool(SPOKEN_EDITS.search(asked.instructions))


def example(schema: Mapping[str, Any]) -> Any:
    """Return a small value that fits a schema, as a model in a hurry would."""
    if "default" in schema:
        return schema["default"]
    if schema.get("enum"):
        return schema["enum"][0]
    for word in ("anyOf", "oneOf"):
        if schema.get(word):
            return example(schema[word][0])
    kind = _kind(schema)
    if kind == "object":
        known = schema.get("properties", {})
        return {name: example(known.get(name, {})) for name in schema.get("required", known)}
    return {"array": [], "boolean": False, "integer": 0, "number": 0, "null": None}.get(kind, "ok")


def _call(intent: Intent, asked: Asked, place: str) -> tuple[Tool, Mapping[str, Any] | str] | None:
    if isinstance(intent, Call):
        return next(
            (t for t in asked.tools if t.name == intent.tool), Tool(intent.tool, {})
        ), intent.arguments
    tool = _offered(NAMES[type(intent)], asked)
    if tool is not None:
        return tool, _arguments(intent, tool, place)
    if isinstance(intent, Edit | Write) and (patch := _offered(("applypatch",), asked)) is not None:
        return _patch(intent, patch)
    if isinstance(intent, Answer):
        return None
    if isinstance(intent, Finish):
        return _run(f"echo {SUBMIT}", asked) if SUBMIT in asked.instructions else None
    return _run(_command(intent), asked)


def _run(command: str, asked: Asked) -> tuple[Tool, Mapping[str, Any] | str]:
    tool = _offered(NAMES[Run], asked) or next((t for t in asked.tools if t.kind == "local_shell"), None)
    if tool is None:
        raise NotOffered(f"no tool among {[tool.name for tool in asked.tools]} runs {command!r}")
    return tool, _arguments(Run(command), tool, "")


def _offered(names: tuple[str, ...], asked: Asked) -> Tool | None:
    offered = {re.sub(r"[^a-z0-9]", "", tool.name.lower()): tool for tool in reversed(asked.tools)}
    return next((offered[name] for name in names if name in offered), None)


def _arguments(intent: Intent, tool: Tool, place: str) -> Mapping[str, Any] | str:
    if isinstance(intent, Run) and tool.kind == "local_shell":
        return {"type": "exec", "command": ["bash", "-lc", intent.command], "env": {}}
    if isinstance(intent, Answer):
        return dict(intent.value)
    known: Mapping[str, Any] = tool.schema.get("properties", {})
    chosen = _planned(intent, known) if isinstance(intent, Plan) else _filled(_wanted(intent, place), known)
    left = {
        name: example(known.get(name, {})) for name in tool.schema.get("required", ()) if name not in chosen
    }
    return {**chosen, **left}


def _wanted(intent: Intent, place: str) -> dict[str, str]:
    match intent:
        case Read(path):
            return {"path": _below(place, path)}
        case Write(path, text):
            return {"path": _below(place, path), "text": text}
        case Edit(path, old, new):
            return {"path": _below(place, path), "old": old, "new": new}
        case Run(command):
            return {"command": command}
    return {}


def _filled(wanted: dict[str, str], known: Mapping[str, Any]) -> dict[str, Any]:
    """Lay the wanted values on the properties that take them, wherever the agent's schema has them."""
    chosen: dict[str, Any] = {}
    for role, value in wanted.items():
        name = next(
            (name for name, sub in known.items() if ROLES[role].search(name) and _takes_text(sub)), None
        )
        if name is not None:
            chosen[name] = _shaped(value, known[name], name)
    if len(chosen) < len(wanted):
        left = {role: value for role, value in wanted.items() if role != "path" or not chosen}
        for name, sub in known.items():
            items = sub.get("items", {}) if _kind(sub) == "array" else {}
            if left and _kind(items) == "object" and (inner := _filled(left, items.get("properties", {}))):
                chosen[name] = [inner]
                break
    return chosen


def _shaped(value: str, schema: Mapping[str, Any], name: str) -> Any:
    if _kind(schema) != "array":
        return value
    return [value] if name.endswith("s") else ["bash", "-lc", value]


def _takes_text(schema: Mapping[str, Any]) -> bool:
    if _kind(schema) == "array":
        return _kind(schema.get("items", {})) in {"string", ""}
    return _kind(schema) in {"string", ""} or any(
        _kind(kind) == "string" for kind in schema.get("anyOf", schema.get("oneOf", ()))
    )


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "")
    return str(kind[0] if isinstance(kind, list) else kind).lower()


def _planned(intent: Plan, known: Mapping[str, Any]) -> dict[str, Any]:
    for name, sub in known.items():
        items = sub.get("items", {})
        if _kind(sub) == "array" and _kind(items) == "object":
            return {name: [_step(step, number, items) for number, step in enumerate(intent.steps)]}
        if _kind(sub) == "array":
            return {name: list(intent.steps)}
    return {name: "\n".join(intent.steps) for name, sub in known.items() if _kind(sub) == "string"}


def _step(step: str, number: int, schema: Mapping[str, Any]) -> dict[str, Any]:
    known = schema.get("properties", {})
    made = {name: step for name, sub in known.items() if _kind(sub) == "string" and not sub.get("enum")}
    made |= {name: value for name, value in (("id", str(number + 1)), *_STEP_WORDS) if name in made}
    left = {name: example(known[name]) for name in schema.get("required", ()) if name not in made}
    return {**made, **left}


def _patch(intent: Edit | Write, tool: Tool) -> tuple[Tool, Mapping[str, Any] | str]:
    if isinstance(intent, Write):
        head, lines = f"*** Add File: {intent.path}", [f"+{line}" for line in intent.text.splitlines()]
    else:
        lines = ["@@", *(f"-{line}" for line in intent.old.splitlines())]
        head, lines = (
            f"*** Update File: {intent.path}",
            [*lines, *(f"+{line}" for line in intent.new.splitlines())],
        )
    patch = "\n".join(["*** Begin Patch", head, *lines, "*** End Patch", ""])
    return tool, patch if tool.kind == "custom" else {
        next(iter(tool.schema.get("properties", {"input": {}}))): patch
    }


def _command(intent: Intent) -> str:
    match intent:
        case Read(path):
            return f"cat {shlex.quote(path)}"
        case Write(path, text):
            return f"cat > {shlex.quote(path)} <<'END_OF_FILE'\n{text.rstrip()}\nEND_OF_FILE"
        case Edit(path, old, new):
            quoted = json.dumps([path, old, new])
            return f"python3 - <<'END_OF_EDIT'\npath, old, new = {quoted}\ntext = open(path).read()\nopen(path, 'w').write(text.replace(old, new, 1))\nEND_OF_EDIT"
        case Run(command):
            return command
        case Plan(steps):
            return f"echo {shlex.quote('plan: ' + '; '.join(steps))}"
    raise NotOffered(f"no command does {intent}")


def _spoken_command(intent: Intent) -> str:
    if isinstance(intent, Finish):
        return f"echo {SUBMIT}"
    return "" if isinstance(intent, Answer | Call) else _command(intent)


def _spoken_edit(intent: Intent) -> str:
    block: Callable[[str, str, str], str] = lambda path, old, new: (
        f"\n{path}\n```\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n```\n"
    )
    match intent:
        case Edit(path, old, new):
            return block(path, old + "\n", new + "\n")
        case Write(path, text):
            return block(path, "", text)
    return ""


def _below(place: str, path: str) -> str:
    return path if path.startswith("/") or not place else f"{place.rstrip('/')}/{path}"
