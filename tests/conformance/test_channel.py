"""The fake, the console and the webhook keep the same promises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adapters.channel.receiver import SECRET, Receiver, receiving

from keelway.adapters.channel.console import ConsoleNotifier
from keelway.adapters.channel.webhook import WebhookNotifier
from keelway.testing.conformance.channel import NotifierTests, Post
from keelway.testing.fakes.channel import FakeNotifier


class _FakePost:
    def __init__(self) -> None:
        self.notifier = FakeNotifier()

    def received(self) -> list[tuple[str, str]]:
        return [(message.subject, message.body) for message in self.notifier.messages]

    def cut(self) -> None:
        self.notifier.down = True


class _ConsolePost:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.notifier = ConsoleNotifier(str(home))

    def received(self) -> list[tuple[str, str]]:
        lines = (self.home / "messages.jsonl").read_text().splitlines()
        return [(entry["subject"], entry["body"]) for entry in map(json.loads, lines)]

    def cut(self) -> None:
        (self.home / "messages.jsonl").mkdir()


class _WebhookPost:
    def __init__(self, receiver: Receiver, folder: Path) -> None:
        self.receiver = receiver
        path = folder / "secrets.env"
        path.write_text(f"HOOK={SECRET}\n")
        path.chmod(0o600)
        self.notifier = WebhookNotifier(f"{receiver.url}/hook?team=1", f"file:{path}#HOOK")

    def received(self) -> list[tuple[str, str]]:
        bodies = {got.delivery: json.loads(got.body) for got in self.receiver.got}
        return [(body["subject"], body["body"]) for body in bodies.values()]

    def cut(self) -> None:
        self.receiver.status = 500


class TestFakeNotifier(NotifierTests):
    @pytest.fixture
    def post(self) -> Post:
        return _FakePost()


class TestConsoleNotifier(NotifierTests):
    @pytest.fixture
    def post(self, tmp_path: Path) -> Post:
        (tmp_path / "home").mkdir()
        return _ConsolePost(tmp_path / "home")


class TestWebhookNotifier(NotifierTests):
    @pytest.fixture
    def post(self, tmp_path: Path) -> Iterator[Post]:
        with receiving() as receiver:
            yield _WebhookPost(receiver, tmp_path)
