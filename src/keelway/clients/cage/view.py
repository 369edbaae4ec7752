"""Say what can be seen inside a cage: the arguments of bubblewrap."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from keelway.clients.cage.cage import Inside
from keelway.clients.cage.start import limits, program, python
from keelway.core.errors import YourFault

SOCKETS = "/run/keelway"
"""Folder inside in which the Unix sockets of the relays stand."""
HOST_NAME = "keelway"

_ETC = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "os-release", "mime.types"),
    *("ssl/certs", "ssl/openssl.cnf", "ca-certificates", "pki", "services", "protocols", "debian_version"),
)
_LINKED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_NEVER = ("/", "/proc", "/sys", "/dev", "/run", "/tmp")  # noqa: S108 - shown whole they would hide ours
_PRIVATE = ("/tmp", "/dev/shm")  # noqa: S108 - made empty inside

_ADDED = ("PWD", "LC_CTYPE")
"""Variables that bubblewrap and the interpreter set on the way."""

Argument = str | dict[str, str]


@dataclass(frozen=True)
class Fence:
    """Hold what is the same for every run of a machine."""

    uid: int
    proc_sys: bool
    """Whether ``/proc/sys`` can be bound read-only."""
    reads: tuple[str, ...]
    """Host paths that every run may read."""


def arguments(inside: Inside, fence: Fence) -> list[Argument]:
    """Return everything but the command and its environment.

    Raises:
        YourFault: a path cannot be shown, or is not there.
    """
    size = inside.bounds.temporary_bytes_max
    made: list[Argument] = ["--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent"]
    made += ["--new-session", "--cap-drop", "ALL", "--clearenv", "--hostname", HOST_NAME]
    made += [*_system(), *_names(fence.uid, inside.home), "--proc", "/proc"]
    if fence.proc_sys:
        made += ["--ro-bind", {"from": "/proc/sys"}, "/proc/sys"]
    made += ["--dev", "/dev"]
    for place in _PRIVATE:
        made += [*(("--size", str(size)) if size else ()), "--perms", "1777", "--tmpfs", place]
    for path, how in _binds(inside, fence):
        made += [how, {"from": path}, path]
    for port, path in inside.relays.items():
        made += ["--ro-bind", {"from": path}, f"{SOCKETS}/{port}.sock"]
    if not _in(inside.cwd, filter(None, (inside.home, inside.workspace))):
        made += ["--dir", inside.cwd]
    made += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", inside.cwd]
    return made


def own_places() -> tuple[str, ...]:
    """Return where our interpreter and our own programs lie, which every run may read."""
    package = Path(program("relay")).parents[2]
    return tuple(dict.fromkeys((sys.base_prefix, sys.prefix, str(package))))


def _system() -> Iterable[Argument]:
    yield from ("--ro-bind", {"from": "/usr"}, "/usr")
    for name in _LINKED:
        place = Path("/", name)
        if place.is_symlink():
            yield from ("--symlink", str(place.readlink()), str(place))
        elif place.is_dir():
            yield from ("--ro-bind", {"from": str(place)}, str(place))
    for name in _ETC:
        if (place := Path("/etc", name)).exists():
            yield from ("--ro-bind", {"from": str(place)}, str(place))


def _names(uid: int, home: str) -> Iterable[Argument]:
    """Give the user a name; programs ask for it, and the host's own list is nobody's business."""
    people = f"root:x:0:0:root:/:/bin/sh\nagent:x:{uid}:{uid}:agent:{home}:/bin/sh\n"
    people += "nobody:x:65534:65534:nobody:/:/bin/false\n"
    texts = {
        "passwd": people,
        "group": f"root:x:0:\nagent:x:{uid}:\nnogroup:x:65534:\n",
        "hosts": "127.0.0.1 localhost\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    }
    for name, text in texts.items():
        yield from ("--perms", "0444", "--file", {"text": text}, f"/etc/{name}")


def _binds(inside: Inside, fence: Fence) -> list[tuple[str, str]]:
    """Return every further path and how it is bound, outer folders before inner ones."""
    own = tuple(filter(None, (inside.workspace, inside.home)))
    given = dict.fromkeys((*fence.reads, *inside.reads))
    insist((*given, *own))
    ways = {path: "--ro-bind" for path in given if _below(path, own) or not _below(path, ("/usr", *given))}
    if inside.workspace:
        ways[inside.workspace] = "--bind" if inside.writes else "--ro-bind"
    ways[inside.home] = "--bind"
    return sorted(ways.items(), key=lambda way: len(Path(way[0]).parts))


def insist(paths: Sequence[str]) -> None:
    """Refuse paths that cannot be shown inside.

    Raises:
        YourFault: a path is not absolute and plain, is not there, or would show the whole machine.
    """
    for path in paths:
        place = Path(path)
        if not place.is_absolute() or ".." in place.parts or str(place) != path or path in _NEVER:
            raise YourFault(
                "cage_path_refused",
                f"{path!r} cannot be shown inside a sandbox.",
                "name absolute folders without . and .. in them, not the whole machine",
            )
        if not place.exists():
            raise YourFault("cage_path_missing", f"{path} is not there.", "correct read under [sandbox]")


def _below(path: str, others: Iterable[str]) -> bool:
    """Tell whether a place shows already, as a part of another."""
    return _in(path, (other for other in others if other != path))


def _in(path: str, places: Iterable[str]) -> bool:
    return any(Path(path).is_relative_to(place) for place in places)


def relayed(inside: Inside) -> tuple[str, ...]:
    """Return the command that runs the command of the run inside: ports, bounds of its own, exact environment."""
    words = [*python(), program("relay")]
    for port in inside.relays:
        words += ["--relay", f"{port}={SOCKETS}/{port}.sock"]
    for path, port in inside.doors.items():
        words += ["--door", f"{port}={path}"]
    bounds = limits(inside.bounds)
    if inside.bounds.processes_max:
        bounds["NPROC"] = inside.bounds.processes_max
    for name, value in bounds.items():
        words += ["--limit", f"{name}={value}"]
    for name in _ADDED:
        words += ["--unset", name] if name not in inside.env else []
    return (*words, "--", *inside.argv)
