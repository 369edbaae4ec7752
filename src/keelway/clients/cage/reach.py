"""Tell whether another user could get to a file, by the modes that everybody can see."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path

_READ, _ENTER = 0o4, 0o1


def reaches(uid: int, read: Iterable[str], entered: Iterable[str]) -> bool:
    """Tell whether a user without further groups can read some places and enter others; none may be missing."""
    try:
        return all(_may(uid, Path(path), _READ) for path in read) and all(
            _may(uid, Path(path), _ENTER) for path in entered
        )
    except OSError:
        return False


def _may(uid: int, path: Path, wanted: int) -> bool:
    """Tell whether a right is given, and that of entering every folder above."""
    real = path.resolve(strict=True)
    return all(_has(uid, above, _ENTER) for above in real.parents) and _has(uid, real, wanted)


def _has(uid: int, path: Path, wanted: int) -> bool:
    found = path.stat()
    wanted |= _ENTER if stat.S_ISDIR(found.st_mode) else 0
    mine = 6 if found.st_uid == uid else 3 if found.st_gid == uid else 0
    return (found.st_mode >> mine) & wanted == wanted
