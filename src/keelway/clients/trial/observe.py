"""See on the host what an attack did, whatever the system told the attacker, and undo it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from keelway.clients.files import read_bounded
from keelway.clients.shell import Command, base_env, run
from keelway.clients.trial.yard import Yard
from keelway.core.cage.attack import Tried
from keelway.core.errors import KeelwayError

SETTING = Path("/proc/sys/kernel/printk_ratelimit_burst")
GROUPS = Path("/sys/fs/cgroup")
SETTING_USUAL = "10"
_OURS_FROM = 10_000
"""A setting from here on was made by a trial."""
CORE_BYTES = 123_904
ALTERED_MODE = 0o640
_REACHED = "reached"
_SAMPLE_BYTES = 4_096
_TEXT_BYTES_MAX = 4_000_000
_UNMOUNT_SECONDS = 10.0
_ENDING_SECONDS, _ENDING_STEP_SECONDS = 2.0, 0.05


@dataclass(frozen=True)
class Answer:
    """Hold what the attacker says of one attack."""

    taken: str = ""
    said: str = ""
    skipped: bool = False


@dataclass(frozen=True)
class Before:
    """Remember what is compared afterwards."""

    setting: str
    """Value of the kernel setting, empty where it cannot be read."""

    @classmethod
    def now(cls) -> Before:
        """Look at the machine as it is."""
        return cls(_text(SETTING).strip())


def observe(yard: Yard, answers: Mapping[str, Answer]) -> dict[str, Tried]:
    """Return for each attack that was carried out whether the host was reached."""
    seen, traces = yard.seen(), _traces(yard)
    return {
        name: Tried(
            name in seen
            or (name in traces and traces[name]())
            or yard.secret in answer.taken
            or answer.taken == _REACHED
            or (name in _DIGESTS and bool(answer.taken) and answer.taken in _DIGESTS[name]()),
            answer.said or "nothing of it reached the host",
            answer.skipped,
        )
        for name, answer in answers.items()
    }


def undo(yard: Yard, before: Before) -> None:
    """Take back what reached beyond the yard."""
    for process in _left_behind(yard):
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)
    mounted = yard.workspace / "mounted"
    if _is_mounted(mounted):
        run(Command(("umount", "--lazy", str(mounted)), "/", base_env("/"), _UNMOUNT_SECONDS))
    if _set_by(yard):
        usual = before.setting if int(before.setting or 0) < _OURS_FROM else SETTING_USUAL
        with contextlib.suppress(OSError):
            SETTING.write_text(usual)
    for group in _groups(yard):
        with contextlib.suppress(OSError):
            group.rmdir()


def _traces(yard: Yard) -> dict[str, Callable[[], bool]]:
    """Return what each attack leaves on the host when it gets through."""

    def wrote(path: Path, attack: str) -> bool:
        return f"{yard.nonce}:{attack}" in _text(path)

    second = yard.workspace / "second-name"
    return {
        "write_outside": lambda: wrote(yard.open / "made", "write_outside"),
        "change_outside": lambda: wrote(yard.open / "changed", "change_outside"),
        "remove_outside": lambda: not (yard.open / "removed").exists(),
        "symlink_write": lambda: wrote(yard.open / "linked", "symlink_write"),
        "hard_link": lambda: second.exists() and second.samefile(yard.open / "secret"),
        "alter_mode": lambda: stat.S_IMODE((yard.open / "moded").stat().st_mode) == ALTERED_MODE,
        "make_device": lambda: _is_device(yard.workspace / "device"),
        "mount_over": lambda: _is_mounted(yard.workspace / "mounted"),
        "alter_limits": lambda: _has_limit(yard),
        "outlive": lambda: _stays_behind(yard),
        "kernel_setting": lambda: _set_by(yard),
        "control_group": lambda: bool(_groups(yard)),
    }


def _shadow() -> tuple[str, ...]:
    try:
        return (hashlib.sha256(Path("/etc/shadow").read_bytes()).hexdigest(),)
    except OSError:
        return ()


def _disks() -> tuple[str, ...]:
    found = []
    for path in Path("/dev").iterdir():
        with contextlib.suppress(OSError):
            if stat.S_ISBLK(path.stat().st_mode):
                with path.open("rb") as stream:
                    found.append(hashlib.sha256(stream.read(_SAMPLE_BYTES)).hexdigest())
    return tuple(found)


_DIGESTS: dict[str, Callable[[], tuple[str, ...]]] = {"read_shadow": _shadow, "read_disk": _disks}
"""What a thief of something secret hands back instead of it."""


def _text(path: Path) -> str:
    """Return the text of a file that others could have put something else in the place of."""
    try:
        return read_bounded(path, _TEXT_BYTES_MAX).decode("utf-8", "replace")
    except (OSError, KeelwayError):
        return ""


def _set_by(yard: Yard) -> bool:
    return _text(SETTING).strip() == str(_OURS_FROM + int(yard.nonce[-4:], 16))


def _is_device(path: Path) -> bool:
    try:
        return stat.S_ISCHR(path.lstat().st_mode)
    except OSError:
        return False


def _is_mounted(path: Path) -> bool:
    return any(row.split()[4] == str(path) for row in _text(Path("/proc/self/mountinfo")).splitlines())


def _has_limit(yard: Yard) -> bool:
    if yard.told is None:
        return False
    rows = _text(Path(f"/proc/{yard.told.victim_pid}/limits")).splitlines()
    return any(row.startswith("Max core file size") and str(CORE_BYTES) in row for row in rows)


def _stays_behind(yard: Yard) -> bool:
    """Tell whether a process is still there after a moment: the kernel ends a name space beside its parent's end."""
    deadline = time.monotonic() + _ENDING_SECONDS
    while _left_behind(yard):
        if time.monotonic() >= deadline:
            return True
        time.sleep(_ENDING_STEP_SECONDS)
    return False


def _left_behind(yard: Yard) -> list[psutil.Process]:
    mark = f"{yard.nonce}:outlive"
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if mark in process.cmdline() and process.pid != os.getpid():
                found.append(process)
    return found


def _groups(yard: Yard) -> list[Path]:
    try:
        folders = [GROUPS, *(path for path in GROUPS.iterdir() if path.is_dir())]
    except OSError:
        return []
    return [folder / yard.nonce for folder in folders if (folder / yard.nonce).is_dir()]
