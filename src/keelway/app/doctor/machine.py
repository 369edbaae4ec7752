"""The machine: git, SQLite, the home and its disk."""

from __future__ import annotations

import os
import re
import sqlite3
from pathlib import Path

import psutil

from keelway.app.doctor.check import Check, fail, ok, warn
from keelway.app.home import Home
from keelway.clients.files import free_bytes
from keelway.clients.shell import Command, base_env, run

GIT_MIN = (2, 38)
"""The first git with ``merge-tree --write-tree``."""
SQLITE_WHOLE = (3, 42)
"""The first SQLite with ``unixepoch('subsec')``; below it the engine brings its own."""
FREE_BYTES_MIN = 1_000_000_000
_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "glusterfs"})
_VERSION = re.compile(r"(\d+)\.(\d+)")


def check_git() -> Check:
    """Find git and its version."""
    done = run(Command(("git", "--version"), "/", base_env("/nonexistent"), 10.0))
    found = _VERSION.search(done.stdout.decode("utf-8", "replace"))
    cure = f"install git {GIT_MIN[0]}.{GIT_MIN[1]} or newer"
    if done.exit_code != 0 or found is None:
        return fail("git", f"git cannot be run: {done.could_not_start or 'it says no version'}.", cure)
    version = (int(found[1]), int(found[2]))
    said = f"git is {found[0]}"
    return ok("git", f"{said}.") if version >= GIT_MIN else fail("git", f"{said}, which is too old.", cure)


def check_sqlite() -> Check:
    """Look at the SQLite that Python brought."""
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info >= SQLITE_WHOLE:
        return ok("sqlite", f"SQLite is {version}.")
    return ok("sqlite", f"SQLite is {version}; what it lacks for the engine is added by ours.")


def check_home(home: Home) -> tuple[Check, ...]:
    """Look whether the home can be written, lies on a disk of this machine and has space."""
    place = _nearest(home.root)
    if not os.access(place, os.W_OK | os.X_OK) or not place.is_dir():
        cure = f"make {place} writable, or set KEELWAY_HOME to a directory of yours"
        return (fail("home", f"{home.root} cannot be written.", cure),)
    return (_modes(home), _disk(place), _space(home, place))


def _nearest(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _modes(home: Home) -> Check:
    if not home.root.exists():
        return ok("home", f"{home.root} will be made.")
    if home.root.stat().st_mode & 0o077:
        return warn("home", f"{home.root} can be entered by others.", f"chmod 700 {home.root}")
    return ok("home", f"{home.root} is there, for its owner only.")


def _disk(place: Path) -> Check:
    mounts = [
        entry
        for entry in psutil.disk_partitions(all=True)
        if place.resolve().is_relative_to(entry.mountpoint)
    ]
    mount = max(mounts, key=lambda entry: len(entry.mountpoint), default=None)
    if mount is not None and mount.fstype in _REMOTE:
        sentence = f"The home lies on {mount.fstype}, where a database in use is not safe."
        return fail("disk", sentence, "set KEELWAY_HOME to a directory on a disk of this machine")
    return ok("disk", f"The home lies on {mount.fstype if mount else 'an unknown file system'}.")


def _space(home: Home, place: Path) -> Check:
    database = home.root / "keelway.sqlite"
    size = database.stat().st_size if database.is_file() else 0
    needed, free = max(FREE_BYTES_MIN, 2 * size), free_bytes(place)
    said = f"{free / 1e9:.1f} GB are free where the home is"
    if free < needed:
        return fail("space", f"{said}; {needed / 1e9:.1f} GB are needed.", f"free space below {place}")
    return ok("space", f"{said}.")
