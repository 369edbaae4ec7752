"""Messages into a file of the home that people and the status page read."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from keelway.core.codec import to_json
from keelway.core.errors import TheirFault
from keelway.ports.channel import Message, Notifier

NAME = "messages.jsonl"
FILE_BYTES_MAX = 16 * 1024 * 1024
"""At this size the file becomes ``messages.jsonl.1`` and a new one begins."""

_BODY_CHARS = 64 * 1024

log = logging.getLogger("keelway.messages")


class ConsoleNotifier:
    """Append every message to ``messages.jsonl`` and log its subject."""

    def __init__(self, home: str) -> None:
        self._path = Path(home) / NAME

    def tell(self, message: Message, *, key: str) -> None:
        """Append a message once per key.

        Raises:
            TheirFault: the file cannot be written (``not_delivered``).
        """
        entry = {"key": key, "at": datetime.now(UTC).isoformat(), **to_json(message)}
        entry["body"] = message.body[:_BODY_CHARS]
        try:
            with FileLock(f"{self._path}.lock", timeout=10):
                if not self._append(entry, key):
                    return
        except OSError as error:
            raise TheirFault(
                "not_delivered",
                f"{self._path} cannot be written: {error}.",
                "free space or correct its rights",
            ) from error
        log.log(logging.WARNING if message.urgent else logging.INFO, "to %s: %s", message.to, message.subject)

    def _append(self, entry: dict[str, object], key: str) -> bool:
        """Write a line unless the file has one of the same key; tell which."""
        if self._path.is_file() and self._path.stat().st_size > FILE_BYTES_MAX:
            self._path.replace(self._path.with_name(f"{NAME}.1"))
        with self._path.open("a+b") as file:
            self._path.chmod(0o600)
            file.seek(0)
            if any(_key(line) == key for line in file):
                return False
            file.seek(max(0, file.tell() - 1))
            torn = file.read(1) not in {b"", b"\n"}
            file.write((b"\n" if torn else b"") + json.dumps(entry).encode() + b"\n")
        return True


def _key(line: bytes) -> str:
    """Return the key of a line; a torn one has none."""
    try:
        return str(json.loads(line).get("key", ""))
    except (ValueError, AttributeError):
        return ""


_check: type[Notifier] = ConsoleNotifier
ADAPTER = ConsoleNotifier
