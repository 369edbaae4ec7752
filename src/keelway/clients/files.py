"""Touch files so that a crash leaves the old or the new content, never half of it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from keelway.core.errors import OurFault, TheirFault

_CHUNK_BYTES = 1024 * 1024


def write_atomic(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace a file as a whole and make it durable: temporary file, fsync, rename, fsync of the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Make the content of a file durable that a program has written."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make renames and removals in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def free_bytes(path: Path) -> int:
    """Return how many bytes may still be written where ``path`` is, or will be."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return shutil.disk_usage(path).free


def read_bounded(path: Path, bytes_max: int) -> bytes:
    """Return a regular file that is no symlink and not larger than the bound.

    Raises:
        FileNotFoundError: there is no such file.
        TheirFault: it is something else than a regular file, or too large.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise TheirFault("file_refused", f"{path} was not opened: {error.strerror}.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise TheirFault("file_refused", f"{path} is not a regular file.")
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(bytes_max + 1)
    if len(data) > bytes_max:
        raise TheirFault("file_too_large", f"{path} is larger than {bytes_max} bytes.")
    return data


def remove_tree(path: Path, root: Path) -> None:
    """Remove a file or a folder below ``root``; links are removed, not followed; nothing there is fine.

    Raises:
        OurFault: the path is not strictly below the root.
        OSError: something could not be removed.
    """
    parent = path.parent.resolve()
    target, top = parent / path.name, root.resolve()
    if path.name in {"", ".", ".."} or top not in target.parents:
        raise OurFault("outside_root", f"{path} is not below {root}, so it was not removed.")
    if not os.path.lexists(target):
        return
    if target.is_symlink() or not target.is_dir():
        target.unlink()
        return
    with contextlib.suppress(OSError):
        shutil.rmtree(target)
    if os.path.lexists(target):
        _open_up(target)
        shutil.rmtree(target)


def _open_up(folder: Path) -> None:
    """Give ourselves the rights that a program took from its own folders."""
    folder.chmod(0o700)
    for name, folders, _files in os.walk(folder):
        for child in folders:
            inner = Path(name) / child
            if not inner.is_symlink():
                inner.chmod(0o700)
