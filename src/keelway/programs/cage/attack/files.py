"""Attacks on the files of the host."""

from __future__ import annotations

import ctypes
import hashlib
import os
import stat
import struct
from pathlib import Path

from keelway.programs.cage.attack.calls import call, checked, libc
from keelway.programs.cage.attack.plan import TAKEN_CHARS_MAX, Attack, NotHere, Plan

SAMPLE_BYTES = 4_096
_HANDLE_FLAGS = os.O_RDONLY
_OFTEN = ("vda", "vdb", "sda", "sdb", "xvda", "nvme0n1", "mmcblk0", "dm-0", "loop0", "ram0")


def _read(path: str | Path) -> str:
    with Path(path).open("rb") as stream:
        return stream.read(TAKEN_CHARS_MAX).decode("latin-1")


def write_outside(plan: Plan) -> str:
    """Make a file in a folder of the host that the user of the run may write."""
    Path(plan.open_folder, "made").write_text(plan.mark("write_outside"))
    return ""


def change_outside(plan: Plan) -> str:
    """Write to a file of the host that the user of the run may write."""
    with Path(plan.open_folder, "changed").open("r+") as stream:
        stream.write(plan.mark("change_outside"))
    return ""


def remove_outside(plan: Plan) -> str:
    """Remove a file of the host."""
    Path(plan.open_folder, "removed").unlink()
    return ""


def read_outside(plan: Plan) -> str:
    """Read a file of the host that the user of the run may read."""
    return _read(plan.open_file)


def read_private(plan: Plan) -> str:
    """Read a file that belongs to the user of Keelway."""
    return _read(plan.private_file)


def read_shadow(plan: Plan) -> str:
    """Read the passwords of the host; only a digest of them leaves this function."""
    del plan
    return hashlib.sha256(Path("/etc/shadow").read_bytes()).hexdigest()


def symlink_read(plan: Plan) -> str:
    """Read the host through a link in the workspace."""
    return _read(Path(plan.workspace, "to-secret"))


def symlink_write(plan: Plan) -> str:
    """Write to the host through a link in the workspace."""
    Path(plan.workspace, "to-open", "linked").write_text(plan.mark("symlink_write"))
    return ""


def hard_link(plan: Plan) -> str:
    """Pull a file of the host into the workspace by a second name."""
    os.link(plan.open_file, Path(plan.workspace, "second-name"))
    return ""


def alter_mode(plan: Plan) -> str:
    """Change the permissions of a file of the host, which needs no right to open it."""
    Path(plan.open_folder, "moded").chmod(0o640)
    return ""


def open_handle(plan: Plan) -> str:
    """Open a file by its number on the disk, past every path."""
    if not plan.handle:
        raise NotHere("the host gave no file handle")
    kind, _, body = plan.handle.partition(":")
    raw = bytes.fromhex(body)
    handle = ctypes.create_string_buffer(struct.pack("<Ii", len(raw), int(kind)) + raw)
    place = os.open(plan.workspace, os.O_RDONLY)
    found = call("open_by_handle_at", place, handle, _HANDLE_FLAGS)
    with os.fdopen(found, "rb") as stream:
        return stream.read(TAKEN_CHARS_MAX).decode("latin-1")


def make_device(plan: Plan) -> str:
    """Make a device file in the workspace."""
    os.mknod(Path(plan.workspace, "device"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
    return ""


def read_disk(plan: Plan) -> str:
    """Read the raw disk, by its device file or by one made here."""
    del plan
    reasons = []
    for name in _OFTEN:
        try:
            return disk_digest(f"/dev/{name}")
        except OSError as error:
            reasons.append(error)
    raise next((each for each in reasons if not isinstance(each, FileNotFoundError)), reasons[0])


def disk_digest(path: str) -> str:
    """Return the digest of the first bytes of a disk.

    Raises:
        OSError: it cannot be read.
    """
    if not stat.S_ISBLK(Path(path).stat().st_mode):
        raise FileNotFoundError(path)
    with Path(path).open("rb") as stream:
        return hashlib.sha256(stream.read(SAMPLE_BYTES)).hexdigest()


def mount_over(plan: Plan) -> str:
    """Mount a file system where the host sees it."""
    place = os.fsencode(Path(plan.workspace, "mounted"))
    checked(libc.mount(b"none", place, b"tmpfs", 0, b"size=64k"), "mount")
    return ""


ATTACKS: dict[str, Attack] = {
    "write_outside": write_outside,
    "change_outside": change_outside,
    "remove_outside": remove_outside,
    "read_outside": read_outside,
    "read_private": read_private,
    "read_shadow": read_shadow,
    "symlink_read": symlink_read,
    "symlink_write": symlink_write,
    "hard_link": hard_link,
    "alter_mode": alter_mode,
    "open_handle": open_handle,
    "make_device": make_device,
    "read_disk": read_disk,
    "mount_over": mount_over,
}
