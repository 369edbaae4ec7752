"""Hold every notifier to the same promises."""
# ruff: noqa: D102, S101  these are tests, shipped for the authors of adapters

from __future__ import annotations

from typing import Protocol

import pytest

from keelway.core.errors import TheirFault
from keelway.ports.channel import Message, Notifier

MESSAGE = Message("owner@cli", "It is live", "The body\nhas two lines: ü", task="T-1", urgent=True)


class Post(Protocol):
    """Give a notifier and the eyes of whoever reads."""

    notifier: Notifier

    def received(self) -> list[tuple[str, str]]:
        """Return subject and body of what has arrived, repeats of one delivery left out."""
        ...

    def cut(self) -> None:
        """Make delivery impossible."""
        ...


class NotifierTests:
    """Subclass it with one fixture: ``post``."""

    def test_a_message_arrives_once_per_key(self, post: Post) -> None:
        for _ in range(2):
            post.notifier.tell(MESSAGE, key="one")
        assert post.received() == [(MESSAGE.subject, MESSAGE.body)]
        post.notifier.tell(MESSAGE, key="two")
        assert len(post.received()) == len(("one", "two"))

    def test_a_lost_message_is_said(self, post: Post) -> None:
        post.cut()
        with pytest.raises(TheirFault):
            post.notifier.tell(MESSAGE, key="one")
