"""A task that is stopped, a client that leaves, a pass that is closed, a gateway that is stopped."""

from __future__ import annotations

import http.client
import json
import os
import socket
import stat
import threading
import time
from pathlib import Path

import pytest
from tests.clients.gateway import speech
from tests.clients.gateway.provider import Reply, events, whole
from tests.clients.gateway.rig import (
    PATHS,
    PROVIDER_OF,
    STREAM_PATHS,
    Rig,
    asking,
    call,
    connect,
    make_rig,
    payloads,
    until,
)

from keelway.core.errors import OurFault, YourFault

CHAT = PATHS["openai-chat"]
WORDS = ("x" * 400,) * 5


opened_answers: list = []


@pytest.fixture(autouse=True)
def _close_what_was_opened():
    """Close each connection with its answer, which holds a file of its own."""
    yield
    while opened_answers:
        for each in opened_answers.pop():
            each.close()


def _streaming(rig: Rig, opened, dialect: str = "openai-chat"):
    """Begin a stream that hangs after a few words; return the connection and its answer."""
    make = {
        "openai-chat": speech.chat_events,
        "openai-responses": speech.response_events,
        "anthropic": speech.message_events,
        "gemini": speech.content_events,
    }[dialect]
    rig.provider.reply = lambda _: events(make(words=WORDS, end=False), hang=True)
    wire = connect(opened)
    body = json.dumps(asking(dialect, stream=True))
    headers = {"Authorization": f"Bearer {opened.token}", "Content-Type": "application/json"}
    wire.request("POST", STREAM_PATHS[dialect], body=body, headers=headers)
    answer = wire.getresponse()
    opened_answers.append((wire, answer))
    answer.readline()
    until(lambda: rig.gateway.look(opened.token), lambda seen: seen.output_tokens >= 500)
    return wire, answer


@pytest.mark.parametrize("dialect", sorted(PATHS))
def test_a_stopped_task_is_cut_off_at_once_and_for_good(rig: Rig, dialect: str, tmp_path: Path) -> None:
    opened, other = rig.open(PROVIDER_OF[dialect]), rig.open(task="T-2")
    wire, answer = _streaming(rig, opened, dialect)
    began = time.monotonic()
    assert rig.gateway.revoke("T-1") == 1
    rest = answer.read()
    assert time.monotonic() - began < 1.0
    assert rig.provider.gone.wait(5)
    last = payloads(rest)[-1]
    error = last["response"]["error"] if dialect == "openai-responses" else last["error"]
    assert "stopped" in error["message"]
    wire.close()
    for _ in range(2):
        assert call(opened, PATHS[dialect], asking(dialect)).status == 403
    metered = rig.gateway.look(opened.token)
    assert (metered.refused, metered.requests) == ("revoked", 1)
    assert metered.output_tokens >= 500
    assert rig.booked[0].estimated
    rig.provider.reply = lambda _: whole(speech.chat())
    assert call(other, CHAT, asking("openai-chat")).status == 200
    assert rig.open("openai", task="T-1").token != opened.token


def test_a_stopped_task_lets_go_of_what_waits_for_its_answer(rig: Rig) -> None:
    rig.provider.reply = lambda _: whole(speech.chat(), hang=True)
    opened = rig.open()
    answers: list = []
    thread = threading.Thread(target=lambda: answers.append(call(opened, CHAT, asking("openai-chat"))))
    thread.start()
    until(lambda: rig.provider.inflight, bool)
    rig.gateway.revoke("T-1")
    assert rig.gateway.look(opened.token).refused == "revoked"
    thread.join(5)
    assert answers[0].status == 403
    assert rig.gateway.revoke("T-9") == 0


def test_a_client_that_leaves_takes_its_request_along(rig: Rig) -> None:
    opened = rig.open()
    wire, _ = _streaming(rig, opened)
    wire.close()
    _.close()
    assert rig.provider.gone.wait(5), "the provider still sends"
    metered = rig.settled(opened)
    assert metered.output_tokens >= 500
    (entry,) = until(lambda: rig.booked, bool)
    assert (entry.status, entry.estimated) == (499, True)
    assert metered.failure == ""


def test_a_client_that_leaves_before_the_answer_pays_for_its_prompt(rig: Rig) -> None:
    rig.provider.reply = lambda _: whole(speech.chat(), hang=True)
    opened = rig.open()
    wire = connect(opened)
    body = json.dumps(asking("openai-chat", text="y" * 4_000))
    wire.request("POST", CHAT, body=body, headers={"Authorization": f"Bearer {opened.token}"})
    until(lambda: rig.provider.inflight, bool)
    wire.close()
    assert rig.provider.gone.wait(5)
    metered = rig.settled(opened)
    assert (metered.input_tokens >= 1_000, metered.output_tokens) == (True, 0)
    assert until(lambda: rig.booked, bool)[0].status == 499


def test_a_closed_pass_ends_what_it_has_under_way_and_is_booked(rig: Rig) -> None:
    opened = rig.open()
    wire, answer = _streaming(rig, opened)
    metered = rig.gateway.close(opened.token)
    assert metered.output_tokens >= 500
    assert rig.booked[0].cost_usd == metered.cost_usd > 0
    assert b"opens nothing" in answer.read()
    assert not os.path.lexists(opened.socket)
    wire.close()


def test_a_stopped_gateway_has_booked_everything_and_listens_nowhere(rig: Rig) -> None:
    opened = rig.open()
    wire, _ = _streaming(rig, opened)
    rig.gateway.stop()
    rig.gateway.stop()
    assert rig.booked[0].output_tokens >= 500
    assert not os.path.lexists(opened.socket)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(opened.url.rpartition(":")[2])), timeout=5)
    for use in (lambda: rig.gateway.look(opened.token), rig.open):
        with pytest.raises(OurFault, match="gateway"):
            use()
    assert rig.gateway.revoke("T-1") == 0
    until(
        lambda: [each.name for each in threading.enumerate() if each.name.startswith("gateway")],
        lambda n: not n,
    )
    wire.close()


def test_a_gateway_that_was_never_used_opens_nothing(tmp_path: Path, provider) -> None:
    rig = make_rig(tmp_path, provider)
    assert rig.gateway.revoke("T-1") == 0
    assert not (tmp_path / "gw").exists()
    rig.gateway.stop()


def test_the_socket_is_for_its_owner_only(rig: Rig) -> None:
    opened = rig.open()
    facts = Path(opened.socket).stat()
    assert (stat.S_IMODE(facts.st_mode), facts.st_uid) == (0o600, os.geteuid())
    assert stat.S_IMODE(Path(opened.socket).parent.stat().st_mode) == 0o700
    assert opened.token not in repr(opened)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a socket away")
def test_root_gives_the_socket_to_the_user_of_the_sandbox(tmp_path: Path, provider) -> None:
    rig = make_rig(tmp_path, provider, uid=65_532)
    try:
        opened = rig.open()
        facts = Path(opened.socket).stat()
        assert (stat.S_IMODE(facts.st_mode), facts.st_uid) == (0o600, 65_532)
        for folder in Path(opened.socket).parents[:2]:
            assert stat.S_IMODE(folder.stat().st_mode) == 0o711
        assert call(opened, CHAT, asking("openai-chat"), over_socket=True).status == 200
    finally:
        rig.gateway.stop()


def test_sockets_of_an_earlier_life_are_swept_and_living_ones_stay(tmp_path: Path, provider) -> None:
    rig = make_rig(tmp_path, provider)
    living = rig.open()
    dead = tmp_path / "gw" / "dead" / "api"
    dead.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(dead))
    young = tmp_path / "gw" / "young" / "api"
    young.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(young))
    os.utime(dead, (1, 1))
    second = make_rig(tmp_path, provider)
    second.open()
    assert not dead.parent.exists()
    assert young.exists()
    assert call(living, CHAT, asking("openai-chat"), over_socket=True).status == 200
    second.gateway.stop()
    rig.gateway.stop()


def test_a_path_that_is_too_long_for_a_socket_is_an_error_with_a_cure(tmp_path: Path, provider) -> None:
    rig = make_rig(tmp_path / ("d" * 90), provider)
    with pytest.raises(YourFault, match="KEELWAY_HOME"):
        rig.open()
    rig.gateway.stop()


def test_a_stream_that_is_no_event_stream_ends_broken_when_it_is_cut(rig: Rig) -> None:
    text = json.dumps(speech.content_pieces(words=WORDS, end=False))[:-1].encode()
    rig.provider.reply = lambda _: Reply(pieces=[text], hang=True)
    opened = rig.open("gemini")
    wire = connect(opened)
    headers = {"x-goog-api-key": opened.token}
    wire.request(
        "POST", STREAM_PATHS["gemini"].partition("?")[0], body=json.dumps(asking("gemini")), headers=headers
    )
    answer = wire.getresponse()
    opened_answers.append((wire, answer))
    assert answer.read(10) == text[:10]
    rig.gateway.revoke("T-1")
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        answer.read()
    assert rig.settled(opened).output_tokens >= 500


def test_a_client_that_takes_nothing_holds_nobody_up(rig: Rig) -> None:
    rig.provider.reply = lambda _: events(speech.chat_events(words=("x" * 100_000,) * 200))
    opened = rig.open()
    wire = connect(opened)
    body = json.dumps(asking("openai-chat", stream=True))
    wire.request("POST", CHAT, body=body, headers={"Authorization": f"Bearer {opened.token}"})
    until(lambda: rig.gateway.look(opened.token), lambda seen: seen.output_tokens > 0)
    other = rig.open(task="T-2")
    rig.provider.reply = lambda _: whole(speech.chat())
    assert call(other, CHAT, asking("openai-chat")).status == 200
    began = time.monotonic()
    rig.gateway.revoke("T-1")
    rig.gateway.close(opened.token)
    assert time.monotonic() - began < 6.0
    wire.close()


def test_a_gateway_that_cannot_start_says_so(tmp_path: Path, provider) -> None:
    (tmp_path / "gw").write_text("a file where the folder should be")
    rig = make_rig(tmp_path, provider)
    for _ in range(2):
        with pytest.raises(OurFault, match="did not start"):
            rig.open()
    rig.gateway.stop()
