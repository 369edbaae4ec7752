"""Keep the token that a scraper shows: it stays the same over restarts, and opens the figures only."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from keelway.clients.files import read_bounded, write_atomic
from keelway.core.errors import TheirFault, YourFault

NAME = "metrics.token"
_BYTES_MAX = 200
_OWNER_ONLY = 0o600
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,128}")


def scrape_token(home: Path) -> str:
    """Return the token in the file of the home, made at the first time, readable by its owner only.

    Raises:
        YourFault: the file cannot be read or written, or what stands in it is too short to be a secret.
    """
    path = home / NAME
    try:
        if not path.exists():
            write_atomic(path, secrets.token_urlsafe(32).encode(), _OWNER_ONLY)
        token = read_bounded(path, _BYTES_MAX).decode("ascii").strip()
    except (OSError, TheirFault, UnicodeDecodeError) as error:
        raise _unusable(path, f"cannot be used: {error}") from error
    if _TOKEN.fullmatch(token) is None:
        raise _unusable(path, "holds no token of 32 to 128 letters, digits, - or _")
    return token


def _unusable(path: Path, why: str) -> YourFault:
    return YourFault("metrics_token", f"{path} {why}.", f"rm {path}, then keelway up")
