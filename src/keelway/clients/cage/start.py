"""Hand a run over to our launcher, without its secrets showing in the list of processes."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.util import find_spec
from typing import Any

from keelway.clients.cage.cage import Bounds, Inside, Outside
from keelway.clients.process_tree import MARKER
from keelway.core.errors import OurFault

_PART_CHARS_MAX = 100_000
"""Linux takes no environment variable above 128 KiB."""
_PATH = "/usr/local/bin:/usr/bin:/bin"


def program(name: str) -> str:
    """Return the path of one of our programs; programs are started, never imported.

    Raises:
        OurFault: the installation lacks it.
    """
    spec = find_spec("keelway")
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise OurFault("program_missing", f"The program {name} is not part of this installation.")
    return f"{places[0]}/programs/cage/{name}.py"


def python() -> tuple[str, ...]:
    """Return the interpreter and the words that make it see its own library and nothing else."""
    return (str(getattr(sys, "_base_executable", "") or sys.executable), "-I", "-S")


def limits(bounds: Bounds) -> dict[str, int]:
    """Return the resource limits that each process can be held to without regard to the others."""
    return {"CORE": 0} | ({"FSIZE": bounds.file_bytes_max} if bounds.file_bytes_max else {})


def mark_of(inside: Inside) -> str:
    """Return the mark by which the processes of a run are found from outside."""
    return inside.env.get(MARKER) or f"cage-{sha256(inside.home.encode()).hexdigest()[:16]}"


def launch(
    inside: Inside, spec: Mapping[str, Any], argv: Sequence[str] = (), start: str = "launch"
) -> Outside:
    """Return what starts one of our programs with a specification and, in the end, the command.

    Args:
        inside: the run; its mark is left in sight, so that its processes are found.
        spec: what the launcher does, see ``programs/cage/launch.py``.
        argv: the command, if it is not the one of the run.
        start: the program: ``launch``, or one that reads its specification in the same way.
    """
    text = json.dumps({"env": dict(inside.env), **spec})
    parts = [text[at : at + _PART_CHARS_MAX] for at in range(0, len(text), _PART_CHARS_MAX)]
    env = {"PATH": _PATH, MARKER: mark_of(inside)}
    env |= {f"KEELWAY_CAGE_{number}": part for number, part in enumerate(parts)}
    return Outside((*python(), program(start), "--", *(argv or inside.argv)), env, inside.cwd)
