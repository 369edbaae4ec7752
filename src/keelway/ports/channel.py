"""How people are told and asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Message:
    """Hold one message to a person."""

    to: str
    """Channel address of the requester, such as ``owner@cli``."""
    subject: str
    body: str
    task: str = ""
    urgent: bool = False
    question: str = ""
    """Id of the question that the message asks; empty when it only tells."""


class Notifier(Protocol):
    """Deliver messages; a failed delivery never stops a pipeline."""

    def tell(self, message: Message, *, key: str) -> None:
        """Deliver a message once per key.

        Raises:
            TheirFault: it could not be delivered.
        """
        ...
