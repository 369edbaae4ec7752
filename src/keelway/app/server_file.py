"""The file in which a running control plane leaves its address and token, for its owner only."""

from __future__ import annotations

import contextlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from keelway.clients.files import read_bounded, write_atomic
from keelway.core.codec import from_json, to_json
from keelway.core.errors import KeelwayError

OWNER_ONLY = 0o600
TOKEN_BYTES = 32
BYTES_MAX = 10_000


@dataclass(frozen=True)
class Server:
    """Name a control plane: where it listens, and the secret that opens its door."""

    url: str
    token: str
    pid: int
    version: str
    started_at: datetime


def new_token() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def write(path: Path, server: Server) -> None:
    """Leave the address, whole or not at all.

    Raises:
        OSError: the home cannot be written.
    """
    write_atomic(path, json.dumps(to_json(server)).encode(), OWNER_ONLY)


def read(path: Path) -> Server | None:
    """Return what is left there, ``None`` when it is nothing that this version understands."""
    try:
        return from_json(Server, json.loads(read_bounded(path, BYTES_MAX)))
    except (OSError, KeelwayError):
        return None
    except Exception:  # noqa: BLE001 - whatever is wrong with the file, it names no server
        return None


def remove(path: Path, pid: int) -> None:
    """Take the file away when it is that of a process; a successor's file stays."""
    server = read(path)
    if server is not None and server.pid == pid:
        with contextlib.suppress(OSError):
            path.unlink()
