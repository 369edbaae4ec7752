"""Open sockets that only this machine, or only one run of an agent, can reach."""

from __future__ import annotations

import os
import secrets
import socket
import time
from pathlib import Path

from keelway.clients.files import remove_tree
from keelway.clients.places import SOCKET_BYTES_MAX
from keelway.core.errors import YourFault

_YOUNG_SECONDS = 60.0


def loopback_port() -> socket.socket:
    """Bind a free port that only this machine can reach."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    opened.bind(("127.0.0.1", 0))
    return opened


def unix_socket(parent: Path, name: str, uid: int) -> tuple[socket.socket, Path]:
    """Bind a Unix socket in a folder of its own, for us and, when we are root, for one other user.

    The socket belongs to that user with mode 0600, and the folder lets pass whoever knows its name.

    Raises:
        YourFault: the path is too long for a Unix socket.
    """
    folder = parent / secrets.token_hex(6)
    path = folder / name
    if len(os.fsencode(path)) > SOCKET_BYTES_MAX:
        raise YourFault(
            "socket_path_too_long",
            f"{path} is longer than the {SOCKET_BYTES_MAX} bytes of a Unix socket's path.",
            "choose a shorter KEELWAY_HOME",
        )
    folder.mkdir(parents=True, mode=0o700)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        opened.bind(str(path))
        path.chmod(0o600)
        if uid >= 0 and os.geteuid() == 0:
            os.chown(path, uid, -1)
            parent.chmod(0o711)
            folder.chmod(0o711)
    except OSError:
        opened.close()
        remove_tree(folder, parent)
        raise
    return opened, path


def sweep(parent: Path, name: str) -> None:
    """Remove the sockets of this name that an earlier life left behind, with their folders.

    One that another process has bound a moment ago and does not listen at yet is left alone.
    """
    for path in parent.glob(f"*/{name}"):
        try:
            if time.time() - path.lstat().st_mtime < _YOUNG_SECONDS:
                continue
        except OSError:
            continue
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knock:
            try:
                knock.connect(str(path))
            except ConnectionRefusedError:
                remove_tree(path.parent, parent)
            except OSError:
                continue
