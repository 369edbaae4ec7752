"""Name where releases, data, sockets and logs of a project lie, so that all who look for them agree."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from keelway.clients.files import write_atomic
from keelway.core.errors import OurFault, TheirFault

SOCKET_BYTES_MAX = 107
"""Longest path of a Unix socket on Linux: ``sun_path`` of unix(7) without its closing NUL."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Places:
    """Name the places of one project below its home; nothing is made here but the folder of sockets."""

    home: Path

    def releases(self, environment: str) -> Path:
        """Return the folder of an environment's releases."""
        return self.home / "releases" / plain(environment)

    def release(self, environment: str, release: str) -> Path:
        """Return the folder of one release."""
        return self.releases(environment) / plain(release)

    def data(self, environment: str) -> Path:
        """Return the folder of an environment's data, ``{data}`` in the configuration."""
        return self.home / "data" / plain(environment)

    def logs(self, environment: str, release: str) -> Path:
        """Return the folder of what the processes of a release print."""
        return self.home / "logs" / plain(environment) / plain(release)

    def front(self, environment: str) -> Path:
        """Return the folder of an environment's front."""
        return self.home / "front" / plain(environment)

    def front_socket(self, environment: str) -> Path:
        """Return the control socket of an environment's front."""
        return self._short(f"front/{plain(environment)}/control.sock")

    def supervisor(self) -> Path:
        """Return the home of the supervisor, with its socket in it."""
        return self._short("supervisor/supervisor.sock").parent

    def gateway(self) -> Path:
        """Return the folder of the model gateway's sockets, each in a folder of its own."""
        return self._short("gateway/000000000000/api").parent.parent

    def fill(self, text: str, environment: str, **more: str) -> str:
        """Replace ``{data}``, ``{environment}`` and more names in a configured text; other braces stay."""
        values = {"data": str(self.data(environment)), "environment": environment, **more}
        return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)

    def _short(self, name: str) -> Path:
        """Return a place below the home, or below the folder of sockets when the home's path is too long."""
        path = self.home / name
        if len(os.fsencode(path)) <= SOCKET_BYTES_MAX:
            return path
        return self._socket_folder() / name

    def _socket_folder(self) -> Path:
        """Return a short private folder in place of a long home, and write down which it is.

        Raises:
            TheirFault: somebody else owns a folder of this name.
        """
        record = self.home / "sockets.path"
        if record.exists():
            folder = Path(record.read_text("utf-8").strip())
        else:
            name = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
            folder = Path(tempfile.gettempdir()) / f"keelway-{name}"
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
            raise TheirFault(
                "sockets_not_private",
                f"{folder} must be a folder that only we can enter, and it is not.",
                "remove it, or choose a shorter KEELWAY_HOME",
            )
        if not record.exists():
            write_atomic(record, f"{folder}\n".encode(), 0o600)
        return folder


def plain(name: str) -> str:
    """Return a name that cannot lead out of its folder.

    Raises:
        OurFault: it has other characters than letters, digits, dots, dashes and underscores, or too many.
    """
    if not _NAME.fullmatch(name):
        raise OurFault("name_not_plain", f"{name!r} is no plain name for an environment or a release.")
    return name
