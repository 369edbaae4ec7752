"""Turn this process into the command of a run, after everything that only the host side can do.

Started as ``python -I -S launch.py -- command``. The specification is JSON in the environment, in parts named
``KEELWAY_CAGE_0`` and so on, because the environment, unlike the arguments, is no business of other users:

- ``env``: the exact environment of the command
- ``limits``: resource limits by name, such as ``{"FSIZE": 1000}``
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any, NoReturn

_PREFIX = "KEELWAY_CAGE_"
_OWN_FDS = 3
_FAILED = 125


def main() -> NoReturn:
    """Read the specification, carry it out and become the command."""
    spec, argv = _read_spec(), sys.argv[2:]
    os.closerange(_OWN_FDS, os.sysconf("SC_OPEN_MAX"))
    try:
        hold(spec.get("limits", {}))
        os.execvpe(argv[0], argv, spec["env"])  # noqa: S606 - the one purpose of this program
    except OSError as error:
        sys.stderr.write(f"keelway: {argv[0] if argv else 'the command'} could not be started: {error}\n")
        os._exit(_FAILED)


def hold(limits: dict[str, int]) -> None:
    """Lower resource limits; one that already is lower stays."""
    for name, wanted in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (value, value))


def _read_spec() -> dict[str, Any]:
    parts: list[str] = []
    while (part := os.environ.get(f"{_PREFIX}{len(parts)}")) is not None:
        parts.append(part)
    found: dict[str, Any] = json.loads("".join(parts))
    return found


if __name__ == "__main__":
    main()
