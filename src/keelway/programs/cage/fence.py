"""Put Landlock and a filter of system calls around this process and become the command of a run.

Started as ``python -I -S fence.py -- command``. The specification, which ``spec.py`` reads:

- ``env``: the exact environment of the command
- ``limits``: resource limits by name, such as ``{"FSIZE": 1000}``
- ``groups``: ``cgroup.procs`` files of the control groups to enter first
- ``nice``: by how much to step back behind other programs
- ``uid``: user to become, where we are root; 0 stays
- ``reads``, ``writes``, ``devices``: paths that may be read, written, used as devices
- ``ports``: TCP ports that may be connected to

``fence.py --ask`` prints what the kernel can do, as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).parents[3]))

from keelway.programs.cage import landlock, privilege, seccomp
from keelway.programs.cage.spec import hold, read_spec

_OWN_FDS = 3
_FAILED = 125


def main() -> NoReturn:
    """Read the specification, carry it out and become the command."""
    if sys.argv[1:] == ["--ask"]:
        sys.stdout.write(json.dumps({"landlock": landlock.version(), "seccomp": seccomp.supported()}) + "\n")
        sys.exit(0)
    parent = os.getppid()
    spec, argv = read_spec(), sys.argv[2:]
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # the interpreter ignores them
    os.closerange(_OWN_FDS, os.sysconf("SC_OPEN_MAX"))
    try:
        _fence(spec, parent)
        os.execvpe(argv[0], argv, spec["env"])  # noqa: S606 - no shell is wanted
    except (OSError, IndexError) as error:
        named = argv[0] if argv else "the command"
        sys.stderr.write(f"keelway: {named} could not be started behind the fence: {error}\n")
        os._exit(_FAILED)


def _fence(spec: dict[str, Any], parent: int) -> None:
    """Give up one thing after the other, each while what it needs is still there."""
    for group in spec.get("groups", ()):
        Path(group).write_text("0")
    Path("/proc/self/oom_score_adj").write_text("1000")
    os.nice(spec.get("nice", 0))
    hold(spec.get("limits", {}))
    rules = landlock.Rules(*(tuple(spec.get(name, ())) for name in ("reads", "writes", "devices", "ports")))
    filter_ = seccomp.program(alone=True) if seccomp.supported() else b""
    abi = landlock.version()
    if not abi:
        raise OSError(0, "this kernel has no Landlock")
    privilege.shut_the_way_back()
    if os.geteuid() == 0 and spec.get("uid", 0):
        privilege.become(spec["uid"])
    privilege.drop_capabilities()
    privilege.end_with_parent(parent)
    landlock.restrict(rules, abi)
    if filter_:
        seccomp.restrict(filter_)


if __name__ == "__main__":
    main()
