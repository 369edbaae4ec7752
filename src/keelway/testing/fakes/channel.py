"""A notifier that keeps what it was told."""

from __future__ import annotations

from keelway.core.errors import TheirFault
from keelway.ports.channel import Message, Notifier


class FakeNotifier:
    """Keep ``messages`` in order, one per key; ``down`` makes every delivery fail."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.down = False
        self._keys: set[str] = set()

    def tell(self, message: Message, *, key: str) -> None:
        """Keep a message once per key."""
        if self.down:
            raise TheirFault("not_delivered", "The channel is down.")
        if key not in self._keys:
            self._keys.add(key)
            self.messages.append(message)


_check: type[Notifier] = FakeNotifier
