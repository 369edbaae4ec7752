"""Secrets by name: references travel, values never do."""

from __future__ import annotations

from typing import Protocol


class Vault(Protocol):
    """Resolve names to references that a supervisor can read at the last moment."""

    def reference(self, name: str) -> str:
        """Return the reference (``file:/path#NAME``) of a secret.

        Raises:
            YourFault: there is no such secret, or its file is readable by others.
        """
        ...

    def redact(self, text: str) -> str:
        """Replace every known secret value in a text by its name."""
        ...
