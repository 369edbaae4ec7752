"""Turn this process into the command of a run, after everything that only the host side can do.

Started as ``python -I -S launch.py -- command``. The specification, which ``spec.py`` reads:

- ``env``: the exact environment of the command
- ``limits``: resource limits by name, such as ``{"FSIZE": 1000}``
- ``groups``: ``cgroup.procs`` files of the control groups to enter first
- ``nice``: by how much to step back behind other programs; the command is also the first to end when memory is out
- ``fence``: what bubblewrap is started with, if it is: ``program``, ``args`` and ``uid``. An argument may be
  ``{"from": path}``, a place on the host, or ``{"text": "..."}``, which becomes a descriptor to read it from.
  With a ``uid``, for which we have to be root, the places are first bound below a folder that everybody may enter,
  in a mount name space of our own: what lies under a folder of somebody's own can be bound, and nothing else of it
  is opened to the user that we become.
"""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import sys

sys.path.insert(0, os.path.abspath(f"{__file__}/../../../.."))

from keelway.programs.cage import seccomp
from keelway.programs.cage.spec import hold, read_spec, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

_OWN_FDS = 3
_FAILED = 125
_STAGES = ("/mnt", "/run", "/tmp")  # noqa: S108 - covered by a file system that only we see
_CLONE_NEWNS = 0x20000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38


class Refused(Exception):
    """Say why the command was not started."""


def main() -> NoReturn:
    """Read the specification, carry it out and become the command."""
    parent = os.getppid()
    spec, argv = read_spec(), sys.argv[2:]
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # the interpreter ignores them
    os.closerange(_OWN_FDS, os.sysconf("SC_OPEN_MAX"))
    try:
        join(spec.get("groups", []))
        os.nice(spec.get("nice", 0))
        hold(spec.get("limits", {}))
        if "fence" in spec:
            _become_fenced(spec["fence"], spec["env"], argv, parent)
        os.execvpe(argv[0], argv, spec["env"])  # noqa: S606 - the one purpose of this program
    except (OSError, Refused) as error:
        sys.stderr.write(f"keelway: {argv[0] if argv else 'the command'} could not be started: {error}\n")
        sys.stderr.flush()
        os._exit(_FAILED)


def join(groups: list[str]) -> None:
    """Enter control groups, and be the first to go when the machine is out of memory."""
    for procs in groups:
        write(procs, "0")
    try:
        write("/proc/self/oom_score_adj", "1000")
    except OSError:
        return  # some containers forbid it


def _become_fenced(fence: dict[str, Any], env: dict[str, str], argv: list[str], parent: int) -> NoReturn:
    uid, args = fence["uid"], fence["args"]
    for name, value in env.items():
        args += ["--setenv", name, value]
    places = sorted({arg["from"] for arg in args if isinstance(arg, dict) and "from" in arg})
    staged = stage(places) if uid else {place: place for place in places}
    if uid:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    libc("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise Refused("whoever started it is gone")
    for place, path in staged.items():
        _insist_readable(place, path)
    words = [_word(arg, staged) for arg in args]
    if seccomp.supported():
        words += ["--seccomp", str(_descriptor(seccomp.program(alone=False)))]
    arguments = _descriptor("\0".join(words).encode(errors="surrogateescape") + b"\0")
    os.chdir("/")
    # The environment of the fence itself can be read inside, as that of process 1.
    env = {name: os.environ[name] for name in ("PATH", "KEELWAY_RUN") if name in os.environ}
    command = [fence["program"], "--args", str(arguments), "--", *argv]
    os.execve(command[0], command, env)  # noqa: S606 - the one purpose of this program


def stage(places: list[str]) -> dict[str, str]:
    """Bind places below a folder that everybody may enter and only we see; return where each of them is."""
    libc("unshare", _CLONE_NEWNS)
    libc("mount", None, b"/", None, _MS_REC | _MS_PRIVATE, None)
    # Opened before the stage covers what may lie beneath it.
    opened = {place: os.open(place, os.O_PATH | os.O_CLOEXEC) for place in places}
    folder = next(path for path in _STAGES if os.path.isdir(path))
    flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    libc("mount", b"keelway", folder.encode(), b"tmpfs", flags, b"mode=0755,size=1m")
    staged = {}
    for number, (place, descriptor) in enumerate(opened.items()):
        staged[place] = f"{folder}/{number}"
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            os.mkdir(staged[place])
        else:
            write(staged[place], "")
        source, target = f"/proc/self/fd/{descriptor}".encode(), staged[place].encode()
        libc("mount", source, target, None, _MS_BIND | _MS_REC, None)
        os.close(descriptor)
    return staged


def libc(name: str, *arguments: Any) -> None:
    """Call a function of the C library.

    Raises:
        OSError: it failed.
    """
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    if function(*(ctypes.c_ulong(word) if isinstance(word, int) else word for word in arguments)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _insist_readable(place: str, path: str) -> None:
    found = os.stat(path)
    wanted = os.R_OK | os.X_OK if stat.S_ISDIR(found.st_mode) else os.R_OK
    if stat.S_ISSOCK(found.st_mode):
        wanted = os.W_OK
    if not os.access(path, wanted):
        raise Refused(
            f"{place} cannot be read by user {os.getuid()}; let others read it, or name another place"
        )


def _word(argument: Any, staged: dict[str, str]) -> str:
    if isinstance(argument, str):
        return argument
    if "from" in argument:
        return staged[argument["from"]]
    return str(_descriptor(argument["text"].encode()))


def _descriptor(data: bytes) -> int:
    """Return a descriptor, open across ``exec``, from which data can be read."""
    descriptor = os.memfd_create("keelway", 0)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


if __name__ == "__main__":
    main()
