"""Know what this user may fetch from registries, as its container client wrote it down."""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path

from keelway.clients.files import read_bounded
from keelway.core.errors import TheirFault

_BYTES_MAX = 1024 * 1024
_HUB, _HUB_KEY = "docker.io", "https://index.docker.io/v1/"

Keys = dict[str, dict[str, str]]


def registry_keys(path: Path | None = None) -> Keys:
    """Return user and password by registry, as ``docker login`` or ``podman login`` keep them in a file.

    What a credential helper keeps is not read; a file that cannot be read holds nothing.
    """
    try:
        said = json.loads(read_bounded(path or Path.home() / ".docker" / "config.json", _BYTES_MAX))
        entries = said.get("auths", {}).items()
    except (OSError, ValueError, AttributeError, TheirFault, RuntimeError):
        return {}
    found = {}
    for registry, entry in entries:
        try:
            user, _, password = base64.b64decode(str(entry["auth"])).decode().partition(":")
        except (KeyError, TypeError, binascii.Error, UnicodeDecodeError):
            continue
        name = _HUB if registry == _HUB_KEY else registry
        found[name] = {"username": user, "password": password, "serveraddress": registry}
    return found


def registry_of(image: str) -> str:
    """Return the registry that a name of an image leads to."""
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else _HUB


def encoded(value: object) -> str:
    """Return a value as engines take it in a header."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
