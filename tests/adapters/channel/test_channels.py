"""What the console writes and how the webhook signs."""

from __future__ import annotations

import hashlib
import hmac
import json
import stat
import threading
from pathlib import Path

import pytest
from tests.adapters.channel.receiver import SECRET, receiving

from keelway.adapters.channel.console import ConsoleNotifier
from keelway.adapters.channel.webhook import WebhookNotifier
from keelway.core.errors import TheirFault, YourFault
from keelway.testing.conformance.channel import MESSAGE


def reference(folder: Path) -> str:
    path = folder / "secrets.env"
    path.write_text(f"HOOK={SECRET}\n")
    path.chmod(0o600)
    return f"file:{path}#HOOK"


def test_the_webhook_signs_the_bytes_it_sends(tmp_path: Path) -> None:
    with receiving() as receiver:
        notifier = WebhookNotifier(f"{receiver.url}/hook?team=1", reference(tmp_path))
        notifier.tell(MESSAGE, key="one")
        notifier.tell(MESSAGE, key="one")
    first, again = receiver.got
    assert first.path == "/hook?team=1"
    assert first.signature == "sha256=" + hmac.new(SECRET.encode(), first.body, hashlib.sha256).hexdigest()
    assert first.delivery == again.delivery
    assert json.loads(first.body)["key"] == "one"
    assert json.loads(first.body)["body"] == MESSAGE.body


def test_nobody_there_and_bad_addresses_are_said(tmp_path: Path) -> None:
    with receiving() as receiver:
        url = receiver.url
    with pytest.raises(TheirFault):
        WebhookNotifier(url, reference(tmp_path)).tell(MESSAGE, key="one")
    for wrong in ("ftp://x", "nowhere", "http://"):
        with pytest.raises(YourFault):
            WebhookNotifier(wrong, reference(tmp_path))


def test_the_console_survives_a_torn_line_and_keeps_to_itself(tmp_path: Path) -> None:
    path = tmp_path / "messages.jsonl"
    path.write_bytes(b'{"key": "torn", "sub')
    notifier = ConsoleNotifier(str(tmp_path))
    notifier.tell(MESSAGE, key="one")
    notifier.tell(MESSAGE, key="one")
    notifier.tell(MESSAGE, key="torn")
    lines = path.read_bytes().splitlines()
    assert [json.loads(line)["key"] for line in lines[1:]] == ["one", "torn"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_one_key_from_many_threads_is_one_line(tmp_path: Path) -> None:
    threads = [
        threading.Thread(target=ConsoleNotifier(str(tmp_path)).tell, args=(MESSAGE,), kwargs={"key": key})
        for key in ("a", "b") * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    keys = [json.loads(line)["key"] for line in (tmp_path / "messages.jsonl").read_text().splitlines()]
    assert sorted(keys) == ["a", "b"]


def test_urgent_messages_are_warnings(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ConsoleNotifier(str(tmp_path)).tell(MESSAGE, key="one")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert MESSAGE.subject in caplog.text
