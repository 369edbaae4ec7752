"""Secrets in a file of the home that only its owner can read."""

from __future__ import annotations

from pathlib import Path

from keelway.clients.secret_file import read_secrets
from keelway.core.errors import YourFault
from keelway.ports.vault import Vault

NAME = "secrets.env"
_CHARS_MIN = 4
"""Shorter values would blacken half of every text."""


class FileVault:
    """Keep secrets as ``NAME=value`` lines in ``secrets.env``, mode 0600."""

    def __init__(self, home: str) -> None:
        self._path = Path(home).resolve() / NAME

    def reference(self, name: str) -> str:
        """Return the reference of a secret.

        Raises:
            YourFault: there is no such secret, or its file is readable by others.
        """
        if name not in read_secrets(self._path):
            raise YourFault("no_secret", f"There is no secret {name!r}.", f"add {name}=value to {self._path}")
        return f"file:{self._path}#{name}"

    def redact(self, text: str) -> str:
        """Replace every known secret value by its name; a vault that cannot be read gives no text at all."""
        if not self._path.exists():
            return text
        try:
            secrets = read_secrets(self._path)
        except YourFault as error:
            return f"[text withheld: {error.code}]"
        for name, value in sorted(secrets.items(), key=lambda entry: len(entry[1]), reverse=True):
            if len(value) >= _CHARS_MIN:
                text = text.replace(value, f"[{name}]")
        return text


_check: type[Vault] = FileVault
ADAPTER = FileVault
