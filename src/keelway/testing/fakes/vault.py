"""Secrets in memory."""

from __future__ import annotations

from keelway.core.errors import YourFault
from keelway.ports.vault import Vault


class FakeVault:
    """Keep ``values`` by name."""

    def __init__(self, values: dict[str, str] | None = None) -> None:
        self.values = values if values is not None else {}

    def reference(self, name: str) -> str:
        """Return a reference of the right form that leads nowhere."""
        if name not in self.values:
            raise YourFault("no_secret", f"There is no secret {name!r}.")
        return f"file:/fake/secrets.env#{name}"

    def redact(self, text: str) -> str:
        """Replace every value by its name."""
        for name, value in sorted(self.values.items(), key=lambda entry: len(entry[1]), reverse=True):
            if value:
                text = text.replace(value, f"[{name}]")
        return text


_check: type[Vault] = FakeVault
