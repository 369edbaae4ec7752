"""Carry the battery out twice: without a cage, to see that the attacks work, and inside."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from keelway.clients.cage.cage import Bounds, Cage, Inside
from keelway.clients.cage.start import program, python
from keelway.clients.shell import Command, Done, run
from keelway.clients.trial.observe import Answer, Before, observe, undo
from keelway.clients.trial.yard import Yard
from keelway.core.cage.attack import Tried

SECONDS_MAX = 120.0
_ERROR_CHARS_MAX = 500
_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Subject:
    """Name what is tried."""

    cage: Cage
    uid: int
    """User that the cage drops to where we are root; what it could do is what has to be held."""
    python: tuple[str, ...] = ()
    """Interpreter inside; ours, if empty."""


@dataclass(frozen=True)
class Observed:
    """Hold what was seen from the host."""

    fenced: dict[str, Tried]
    control: dict[str, Tried]
    trouble: str = ""
    """Why the battery came to no end inside."""


def try_cage(subject: Subject, tell: Callable[[str], None]) -> Observed:
    """Attack the host without a cage and with one.

    Raises:
        YourFault: the cage cannot hold the battery.
        TheirFault: the target of the attacks does not start.
    """
    tell("attacking without a cage, to see that the attacks work here")
    control: dict[str, Tried] = {}
    fenced: dict[str, Tried] = {}
    trouble = ""
    for uid in _victims(subject.uid):
        control = _merged(control, _phase(subject, uid, None)[0])
    for uid in _victims(subject.uid):
        tell(
            f"attacking from inside the cage {subject.cage.name}{f', a victim of user {uid}' if uid else ''}"
        )
        found, wrong = _phase(subject, uid, subject.cage)
        fenced, trouble = _merged(fenced, found), trouble or wrong
    return Observed(fenced, control, trouble)


def _victims(uid: int) -> tuple[int, ...]:
    """Return the users who are attacked, one after the other: that a user is another one is no fence."""
    return (0, uid) if uid and os.geteuid() == 0 else (0,)


def _merged(before: dict[str, Tried], now: dict[str, Tried]) -> dict[str, Tried]:
    """Let an attack that got through once have got through."""
    merged = {**before}
    for name, tried in now.items():
        known = merged.get(name)
        if known is None or (tried.reached and not known.reached) or (known.skipped and not tried.skipped):
            merged[name] = tried
    return merged


def _phase(subject: Subject, uid: int, cage: Cage | None) -> tuple[dict[str, Tried], str]:
    """Attack one yard, without a cage as the user of the victim."""
    yard, before = Yard(uid, subject.uid, python(), program("attack/victim")), Before.now()
    try:
        yard.lay_out()
        if cage is None:
            answers, trouble = _attack(yard, _bare(yard, *(("--as", str(uid)) if uid else ())))
        else:
            answers, trouble = _attack_from(yard, cage, subject.python)
        return observe(yard, answers), trouble
    finally:
        undo(yard, before)
        yard.clear()


def _bare(yard: Yard, *more: str) -> Command:
    argv = (*python(), program("attack/battery"), str(yard.tools / "plan.json"), *more)
    return Command(argv, str(yard.workspace), {"PATH": _PATH, "HOME": str(yard.home)}, SECONDS_MAX)


def _attack_from(yard: Yard, cage: Cage, within: tuple[str, ...]) -> tuple[dict[str, Answer], str]:
    inside = Inside(
        argv=(*(within or python()), program("attack/battery"), str(yard.tools / "plan.json")),
        env={"PATH": _PATH, "HOME": str(yard.home)},
        cwd=str(yard.workspace),
        home=str(yard.home),
        workspace=str(yard.workspace),
        reads=(str(yard.tools), *library(ours=not within)),
        ports=(yard.allowed_port,),
        bounds=Bounds(),
    )
    outside = cage.wrap(inside)
    try:
        return _attack(yard, Command(outside.argv, outside.cwd, outside.env, SECONDS_MAX))
    finally:
        cage.release(inside)


def library(*, ours: bool) -> tuple[str, ...]:
    """Return what our programs need to run inside: their own files, and the interpreter if it is ours."""
    root = str(Path(program("attack/battery")).parents[4])
    return (root, *((os.path.realpath(sys.base_prefix),) if ours else ()))


def _attack(yard: Yard, command: Command) -> tuple[dict[str, Answer], str]:
    """Start the battery as a careless program would, and read what it hands back."""
    baited = (*python(), program("attack/bait"), str(yard.bait), "--", *command.argv)
    done = run(
        replace(
            command,
            argv=baited,
            env={**command.env, "KEELWAY_BAIT": yard.secret},
            output_bytes_max=50_000_000,
        )
    )
    answers = _answers(done.stdout)
    return answers, "" if done.passed else _trouble(done)


def _answers(output: bytes) -> dict[str, Answer]:
    found = {}
    for row in output.decode("utf-8", "replace").splitlines():
        try:
            told: dict[str, Any] = json.loads(row)
            found[str(told["attack"])] = Answer(
                str(told.get("taken", "")), str(told.get("said", "")), bool(told.get("skipped"))
            )
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _trouble(done: Done) -> str:
    if done.could_not_start:
        return done.could_not_start
    if done.timed_out:
        return f"it took more than {SECONDS_MAX:.0f} s"
    said = done.stderr.decode("utf-8", "replace").strip()[-_ERROR_CHARS_MAX:]
    return said or f"it ended with {done.exit_code}"
