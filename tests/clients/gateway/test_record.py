"""The log of a run says what was asked and what it cost, and a crash loses no cost."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from tests.clients.gateway import speech
from tests.clients.gateway.provider import events, whole
from tests.clients.gateway.rig import PATHS, Rig, asking, call, connect, log_lines, make_rig, until

from keelway.clients.gateway.record import log as record
from keelway.clients.gateway.record.log import Mask, RequestLog, left_open
from keelway.clients.gateway.values import Entry, Grant
from keelway.core.errors import YourFault

CHAT = PATHS["openai-chat"]
GRANT = Grant("T-1", "dev", 1, "opencode", "openai")


def test_a_request_leaves_its_beginning_its_end_and_its_booking(rig: Rig, tmp_path: Path) -> None:
    path = tmp_path / "run" / "requests.jsonl"
    opened = rig.open(log_path=str(path))
    secret = "the text of a prompt"
    call(opened, CHAT, asking("openai-chat", text=secret))
    call(opened, "/openai/v1/files", {})
    rig.gateway.close(opened.token)
    began, ended, *rest = log_lines(path)
    assert (began["event"], began["model"], began["path"]) == ("began", "gpt-5-mini", "/chat/completions")
    assert (ended["event"], ended["status"], ended["input_tokens"]) == ("ended", 200, 1_000)
    assert ended["cost_usd"] == rig.booked[0].cost_usd
    assert began["id"] == ended["id"] == rig.booked[0].id
    assert {line["event"] for line in rest} == {"booked", "refused"}
    assert secret not in path.read_text()
    assert opened.token not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert left_open(str(path), GRANT) == ()


def test_what_a_crash_left_open_is_booked_by_the_next_life(tmp_path: Path, provider) -> None:
    """One gateway dies with one request ended and not booked, and another under way."""
    path = tmp_path / "requests.jsonl"

    def dying(_entry: Entry) -> None:
        raise RuntimeError("the book is gone")

    first = make_rig(tmp_path / "a", provider, book=dying)
    opened = first.open(log_path=str(path))
    call(opened, CHAT, asking("openai-chat"))
    provider.reply = lambda _: whole(speech.chat(), hang=True)
    wire = connect(opened)
    headers = {"Authorization": f"Bearer {opened.token}"}
    wire.request("POST", CHAT, body=json.dumps(asking("openai-chat")), headers=headers)
    until(
        lambda: len([line for line in log_lines(path) if line["event"] == "began"]), lambda found: found == 2
    )
    crashed = path.read_text()
    first.gateway.stop()
    wire.close()
    path.write_text(crashed)

    second = make_rig(tmp_path / "b", provider)
    again = second.open(log_path=str(path))
    until(lambda: second.booked, lambda found: len(found) == 2)
    ended, lost = second.booked
    assert (ended.input_tokens, ended.output_tokens, ended.estimated) == (1_000, 50, False)
    assert (lost.estimated, lost.cost_usd > 0, "gateway ended meanwhile" in lost.note) == (True, True, True)
    assert (lost.task, lost.role, lost.attempt, lost.model) == ("T-1", "dev", 1, "gpt-5-mini")
    second.gateway.close(again.token)
    third = second.open(log_path=str(path))
    second.gateway.close(third.token)
    assert len(second.booked) == 2
    second.gateway.stop()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}\n",
        "[]\nnull\n",
        '{"event": "ended", "id": "x"}\n',
        '{"event": "began", "id": "x"}\n',
        '{"event": "beg',
        "\0",
    ],
)
def test_a_log_that_is_damaged_is_read_as_far_as_it_goes(tmp_path: Path, text: str) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_text(text)
    assert left_open(str(path), GRANT) == ()
    assert left_open(str(tmp_path / "none"), GRANT) == left_open("", GRANT) == ()


def test_a_log_is_bounded_and_follows_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "BYTES_MAX", 1_000)
    log = RequestLog(str(tmp_path / "log"))
    for _ in range(100):
        log.note("x", text="y" * 50)
    log.close()
    log.close()
    log.note("x")
    assert (tmp_path / "log").stat().st_size < 1_100
    assert [*log_lines(tmp_path / "log")][-1] == {"event": "log_full"}
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(YourFault, match="request_log_unwritable"):
        RequestLog(str(tmp_path / "link"))


def test_a_stream_that_was_cut_is_logged_with_its_reason(rig: Rig, tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    pieces = speech.chat_events(words=("x" * 400,) * 50, end=False)
    rig.provider.reply = lambda _: events(pieces, pause_seconds=0.005, hang=True)
    opened = rig.open(log_path=str(path), cost_usd_max=0.001)
    call(opened, CHAT, asking("openai-chat", stream=True))
    rig.gateway.close(opened.token)
    (ended,) = (line for line in log_lines(path) if line["event"] == "ended")
    assert "budget is spent" in ended["error"]
    assert ended["estimated"]
    assert ended["first_byte_seconds"] > 0


@pytest.mark.parametrize("key", ["sk-abc", 'k"\\/ey+=', "", "abc"])
def test_a_mask_hides_a_key_in_every_form(key: str) -> None:
    mask, shown = Mask(key), json.dumps({"error": f"wrong key {key}!"})
    hidden = len(key) >= 4
    assert (key in mask.text(f"x {key} y")) is not hidden or not key
    assert json.loads(mask.text(shown))["error"] == (f"wrong key {'[key]' if hidden else key}!")
    assert mask.raw(shown.encode()) == mask.text(shown).encode()
    assert mask.held(b"nothing of it here:") == 0
    if hidden:
        assert mask.held(b"x " + key[:3].encode()) == 3
