"""Lend folders to the user of a cage, and take them back without what could harm us."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from keelway.clients.cage.hold.walk import Entry, Walk, chmod

_SPECIAL = stat.S_ISUID | stat.S_ISGID


def lend(root: Path, uid: int) -> None:
    """Make a tree private to a user; 0 leaves the owner as it is.

    A file with a second name gets a body of its own first: the other name may lie outside, for example in a
    package cache that other tasks read.

    Raises:
        OSError: something of it is not ours to give.
    """
    for entry in Walk(root, open_up=True):
        if entry.plain and entry.status.st_nlink > 1:
            _part(entry)
        if uid:
            os.chown(entry.name, uid, uid, dir_fd=entry.folder, follow_symlinks=False)


def take_back(root: Path) -> None:
    """Own a tree again, after the last process inside has ended.

    Rights to become another user are taken off before the owner changes; folders are opened up for us. What lies
    too deep for a walk, or never was the cage's, stays as it is.
    """
    uid, gid = os.geteuid(), os.getegid()
    for entry in Walk(root, open_up=True):
        try:
            if entry.status.st_mode & _SPECIAL and not stat.S_ISLNK(entry.status.st_mode):
                now = os.stat(entry.name, dir_fd=entry.folder, follow_symlinks=False).st_mode
                chmod(entry, stat.S_IMODE(now) & ~_SPECIAL)
            if uid == 0 and (entry.status.st_uid, entry.status.st_gid) != (uid, gid):
                os.chown(entry.name, uid, gid, dir_fd=entry.folder, follow_symlinks=False)
        except (FileNotFoundError, PermissionError):
            continue


def _part(entry: Entry) -> None:
    """Replace one name of a file by a copy of it."""
    copy = f".keelway-{os.getpid()}-{entry.status.st_ino}"
    flags = os.O_NOFOLLOW | os.O_CLOEXEC
    old = os.open(entry.name, os.O_RDONLY | flags, dir_fd=entry.folder)
    with os.fdopen(old, "rb") as source:
        new = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | flags, 0o600, dir_fd=entry.folder)
        with os.fdopen(new, "wb") as target:
            shutil.copyfileobj(source, target)
            os.fchmod(target.fileno(), stat.S_IMODE(entry.status.st_mode))
            os.fchown(target.fileno(), entry.status.st_uid, entry.status.st_gid)
            target.flush()
            times = (entry.status.st_atime_ns, entry.status.st_mtime_ns)
            os.utime(target.fileno(), ns=times)
    os.rename(copy, entry.name, src_dir_fd=entry.folder, dst_dir_fd=entry.folder)
