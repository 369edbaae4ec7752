"""Read a script file and say exactly which key is wrong."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from keelway.programs.replay_agent.script.grammar import COMMON, PLAY, PLAYS_MAX, STEPS, STEPS_MAX, Field
from keelway.programs.replay_agent.script.play import Play, Script, Step

SCRIPT_BYTES_MAX = 10_000_000


class ScriptRefused(ValueError):
    """Report the first fault of a script: where it is, what is wrong, what would be right."""


def load(path: Path) -> Script:
    """Read a script file.

    Raises:
        ScriptRefused: the file cannot be read, is no JSON or breaks the grammar.
    """
    try:
        with path.open("rb") as file:
            data = file.read(SCRIPT_BYTES_MAX + 1)
    except OSError as error:
        raise ScriptRefused(f"{path}: {error.strerror}") from error
    if len(data) > SCRIPT_BYTES_MAX:
        raise ScriptRefused(f"{path}: larger than {SCRIPT_BYTES_MAX} bytes")
    try:
        return parse(json.loads(data))
    except ScriptRefused as error:
        raise ScriptRefused(f"{path}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ScriptRefused(f"{path}: not JSON: {error}") from error


def parse(plain: Any) -> Script:
    """Turn the plain form of a script into the script.

    Raises:
        ScriptRefused: it breaks the grammar.
    """
    script = _object(plain, "script")
    _known(script, {"plays"}, "script")
    plays = _list(script.get("plays"), "plays", 1, PLAYS_MAX)
    return Script(tuple(_play(play, number) for number, play in enumerate(plays)))


def _play(plain: Any, number: int) -> Play:
    where = f"plays[{number}]"
    values = _fields(_object(plain, where), PLAY, where)
    steps = tuple(_step(step, f"{where}.steps[{index}]") for index, step in enumerate(values.pop("steps")))
    asked = False
    for index, step in enumerate(steps):
        if step.if_allowed and not asked:
            raise ScriptRefused(f'{where}.steps[{index}].if_allowed: no "ask" step comes before it')
        asked = asked or step.do == "ask"
    return Play(number=number, steps=steps, **values)


def _step(plain: Any, where: str) -> Step:
    step = _object(plain, where)
    kind = step.get("do")
    if not isinstance(kind, str) or kind not in STEPS:
        raise ScriptRefused(f"{where}.do: {_unknown(kind, STEPS)}")
    values = _fields(step, COMMON | STEPS[kind], where)
    if kind == "ask" and (values["path"] is None) == (values["argv"] is None):
        raise ScriptRefused(f'{where}: "ask" needs either "path" or "argv"')
    common = {name: values.pop(name) for name in COMMON}
    return Step(common["do"], values, common["delay_seconds"], common["if_allowed"])


def _fields(plain: dict[str, Any], fields: dict[str, Field], where: str) -> dict[str, Any]:
    _known(plain, fields, where)
    values: dict[str, Any] = {}
    for name, field in fields.items():
        spot = f"{where}.{name}"
        if name in plain and not (plain[name] is None and field.nullable):
            values[name] = _CHECKS[field.kind](plain[name], spot, field)
        elif field.required:
            raise ScriptRefused(f"{spot}: missing")
        else:
            values[name] = field.default
    return values


def _known(plain: dict[str, Any], names: Collection[str], where: str) -> None:
    for key in plain:
        if key not in names:
            raise ScriptRefused(f"{where}.{key}: {_unknown(key, names)}")


def _unknown(word: Any, names: Collection[str]) -> str:
    near = difflib.get_close_matches(str(word), names, n=1)
    return f"unknown {json.dumps(word)[:60]}; " + (
        f'did you mean "{near[0]}"?' if near else f"known: {', '.join(sorted(names))}"
    )


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ScriptRefused(f"{where}: expected an object, got {_name(value)}")
    return value


def _list(value: Any, where: str, least: float, most: float) -> list[Any]:
    if not isinstance(value, list):
        raise ScriptRefused(f"{where}: expected a list, got {_name(value)}")
    if not least <= len(value) <= most:
        raise ScriptRefused(f"{where}: expected {least:g} to {most:g} entries, got {len(value)}")
    return value


def _text(value: Any, where: str, field: Field) -> str:
    if not isinstance(value, str):
        raise ScriptRefused(f"{where}: expected text, got {_name(value)}")
    if field.choices and value not in field.choices:
        raise ScriptRefused(f"{where}: {_unknown(value, field.choices)}")
    return value


def _texts(value: Any, where: str, field: Field) -> list[str]:
    entries = _list(value, where, field.least, STEPS_MAX)
    return [_text(entry, f"{where}[{index}]", field) for index, entry in enumerate(entries)]


def _number(value: Any, where: str, field: Field) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ScriptRefused(f"{where}: expected a number, got {_name(value)}")
    if not field.least <= value <= field.most:
        raise ScriptRefused(f"{where}: expected {field.least:.15g} to {field.most:.15g}, got {value}")
    return value


def _whole(value: Any, where: str, field: Field) -> int:
    if not isinstance(value, int):
        raise ScriptRefused(f"{where}: expected a whole number, got {_name(value)}")
    return int(_number(value, where, field))


def _flag(value: Any, where: str, _field: Field) -> bool:
    if not isinstance(value, bool):
        raise ScriptRefused(f"{where}: expected true or false, got {_name(value)}")
    return value


def _steps(value: Any, where: str, _field: Field) -> list[Any]:
    return _list(value, where, 0, STEPS_MAX)


def _name(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")


_CHECKS: dict[str, Callable[[Any, str, Field], Any]] = {
    "text": _text,
    "texts": _texts,
    "whole": _whole,
    "number": _number,
    "flag": _flag,
    "object": lambda value, where, _field: _object(value, where),
    "steps": _steps,
}
