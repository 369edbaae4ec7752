"""Lay out what is attacked: files of every kind, and a victim that listens; and tidy it up again."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keelway.clients.files import remove_tree
from keelway.clients.shell import create_time, end_tree, start_detached
from keelway.core.errors import TheirFault

_READY_SECONDS = 20.0
_POLL_SECONDS = 0.02
_LOG_BYTES_MAX = 1_000_000
_RAISES = 0o4755


@dataclass(frozen=True)
class Told:
    """Say what stands where, for the battery and for whoever looks afterwards."""

    plan: dict[str, Any]
    secret: str
    victim_pid: int
    victim_started_at: float


class Yard:
    """Own one folder that is attacked once; everything but the workspace belongs to the user of the victim."""

    def __init__(self, uid: int, other: int, python: tuple[str, ...], victim: str) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="keelway-trial-"))
        self.root.chmod(0o755)
        self.uid, self._other = (uid, other) if os.geteuid() == 0 else (0, 0)
        self.nonce, self.secret = f"keelway-{secrets.token_hex(8)}", secrets.token_hex(16)
        self.open, self.private = self.root / "open", self.root / "private"
        self.tools, self.workspace, self.home = (
            self.root / "tools",
            self.root / "workspace",
            self.root / "home",
        )
        self.bait, self.log = self.private / "secret", self.private / "seen.log"
        self._python, self._victim = python, victim
        self.told: Told | None = None

    def lay_out(self) -> Told:
        """Make everything and start the victim.

        Raises:
            TheirFault: the victim does not come up.
        """
        for folder, mode in ((self.open, 0o700), (self.private, 0o700), (self.tools, 0o755)):
            folder.mkdir()
            folder.chmod(mode)
        for folder in (self.workspace, self.home, self.workspace / "mounted"):
            folder.mkdir()
        for path, text in (
            (self.open / "secret", self.secret),
            (self.open / "changed", "unchanged"),
            (self.open / "removed", "still here"),
            (self.open / "moded", ""),
        ):
            path.write_text(text)
            self._share(path, 0o660)
        self._share(self.open, 0o770)
        self.bait.write_text(self.secret)
        self.bait.chmod(0o600)
        (self.workspace / "to-secret").symlink_to(self.open / "secret")
        (self.workspace / "to-open").symlink_to(self.open)
        if os.geteuid() == 0:
            self._make_raising()
        self.told = self._start_victim()
        (self.tools / "plan.json").write_text(json.dumps(self.told.plan))
        return self.told

    @property
    def allowed_port(self) -> int:
        """Return the port that a run may connect to."""
        return int(self.told.plan["allowed_port"]) if self.told else 0

    def seen(self) -> set[str]:
        """Return the attacks that reached the victim."""
        return set(self._lines()[1:])

    def clear(self) -> None:
        """End the victim and remove everything."""
        if self.told is not None:
            end_tree(self.told.victim_pid, self.told.victim_started_at, 0)
            with contextlib.suppress(OSError):
                Path(self.told.plan["shared_file"]).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            remove_tree(self.root, self.root.parent)

    def _share(self, path: Path, mode: int) -> None:
        """Let the victim own something, and whoever is in a cage use it too; nobody else of the machine."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self._other or self.uid)
        path.chmod(mode)

    def _make_raising(self) -> None:
        """Make a program that makes its caller root, as ``su`` is one, but does nothing with it."""
        found = shutil.which("id")
        if found:
            shutil.copyfile(found, self.tools / "id")
            (self.tools / "id").chmod(_RAISES)

    def _start_victim(self) -> Told:
        spec = {
            "nonce": self.nonce,
            "secret": self.secret,
            "uid": self.uid,
            "open_folder": str(self.open),
            "open_file": str(self.open / "secret"),
        }
        path = self.private / "spec.json"
        path.write_text(json.dumps(spec))
        argv = (*self._python, self._victim, str(path), self.secret)
        pid = start_detached(argv, str(self.root), {"KEELWAY_BAIT": self.secret}, str(self.log))
        deadline = time.monotonic() + _READY_SECONDS
        while not (lines := self._lines()):
            if time.monotonic() > deadline:
                raise TheirFault("victim_silent", f"The target of the attacks did not start: {self._said()}")
            time.sleep(_POLL_SECONDS)
        try:
            places: dict[str, Any] = json.loads(lines[0])
        except ValueError:
            raise TheirFault(
                "victim_silent", f"The target of the attacks did not start: {self._said()}"
            ) from None
        plan = {
            "nonce": self.nonce,
            "uid": self._other,
            "workspace": str(self.workspace),
            "open_folder": str(self.open),
            "open_file": str(self.open / "secret"),
            "private_file": str(self.bait),
            "tools": str(self.tools),
            **places,
        }
        return Told(plan, self.secret, pid, create_time(pid))

    def _lines(self) -> list[str]:
        text = self._said()
        return text[: text.rfind("\n") + 1].splitlines()

    def _said(self) -> str:
        try:
            with self.log.open("rb") as stream:
                return stream.read(_LOG_BYTES_MAX).decode("utf-8", "replace")
        except OSError:
            return ""
