"""What goes wrong at the provider is passed on as it is, named, and not billed; the key is seen nowhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.clients.gateway import speech
from tests.clients.gateway.provider import KEY, Reply, events, whole
from tests.clients.gateway.rig import (
    PATHS,
    PROVIDER_OF,
    STREAM_PATHS,
    Rig,
    asking,
    call,
    make_rig,
    payloads,
    until,
)

from keelway.clients.gateway.values import GatewayLimits
from keelway.core.errors import YourFault

CHAT = PATHS["openai-chat"]
WORDS = ("word ",)


def test_a_wrong_key_is_named(rig: Rig) -> None:
    wrong = {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}
    rig.provider.reply = lambda _: whole(wrong, status=401)
    opened = rig.open()
    answer = call(opened, CHAT, asking("openai-chat"))
    assert (answer.status, answer.json) == (401, wrong)
    metered = rig.gateway.look(opened.token)
    assert (metered.failure, metered.cost_usd, metered.input_tokens) == ("auth", 0, 0)
    rig.provider.reply = lambda _: whole(speech.chat())
    call(opened, CHAT, asking("openai-chat"))
    assert rig.gateway.look(opened.token).failure == ""


def test_a_key_that_cannot_be_read_is_named_and_asks_nobody(rig: Rig) -> None:
    def lost() -> str:
        raise YourFault("no_secret", "There is no secret 'openai'.")

    rig.key = lost
    opened = rig.open()
    answer = call(opened, CHAT, asking("openai-chat"))
    assert (answer.status, answer.json["error"]["code"]) == (401, "keelway_no_key")
    assert rig.gateway.look(opened.token).failure == "auth"
    assert rig.provider.came == []


def test_a_provider_without_a_key_is_sent_none(rig: Rig) -> None:
    opened = rig.open("local")
    assert call(opened, CHAT, asking("openai-chat")).status == 200
    assert "authorization" not in rig.provider.came[0].headers
    metered = rig.gateway.close(opened.token)
    assert (metered.cost_usd, metered.input_tokens) == (0, 1_000)  # a price of zero that was configured


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
def test_a_provider_in_trouble_is_passed_on_with_its_advice(rig: Rig, status: int) -> None:
    trouble = {"error": {"message": "later"}}
    rig.provider.reply = lambda _: whole(
        trouble, status=status, headers={"Retry-After": "7", "X-Request-Id": "r"}
    )
    opened = rig.open()
    for _ in range(3):
        answer = call(opened, CHAT, asking("openai-chat"))
        assert (answer.status, answer.json) == (status, trouble)
        assert (answer.headers["retry-after"], answer.headers["x-request-id"]) == ("7", "r")
    metered = rig.gateway.look(opened.token)
    assert (metered.failure, metered.cost_usd, metered.requests) == ("provider", 0, 3)
    rig.provider.reply = lambda _: whole(speech.chat())
    call(opened, CHAT, asking("openai-chat"))
    metered = rig.gateway.close(opened.token)
    assert (metered.failure, metered.input_tokens) == ("", 1_000)  # one answer, one bill
    assert [entry.cost_usd > 0 for entry in rig.booked] == [False] * 3 + [True]


@pytest.mark.parametrize("dialect", sorted(PATHS))
def test_a_provider_that_says_nothing_is_given_up(rig: Rig, dialect: str) -> None:
    rig.provider.reply = lambda _: whole({}, hang=True)
    opened = rig.open(PROVIDER_OF[dialect])
    answer = call(opened, PATHS[dialect], asking(dialect))
    assert answer.status == 504
    assert "sent nothing for 0.5 s" in answer.json["error"]["message"]
    metered = rig.gateway.look(opened.token)
    assert (metered.failure, metered.input_tokens > 0) == ("silent", True)
    assert rig.booked[0].estimated


@pytest.mark.parametrize("dialect", sorted(PATHS))
def test_a_stream_that_falls_silent_is_given_up(rig: Rig, dialect: str) -> None:
    make = {
        "openai-chat": speech.chat_events,
        "openai-responses": speech.response_events,
        "anthropic": speech.message_events,
        "gemini": speech.content_events,
    }[dialect]
    rig.provider.reply = lambda _: events(make(end=False), hang=True)
    opened = rig.open(PROVIDER_OF[dialect])
    answer = call(opened, STREAM_PATHS[dialect], asking(dialect, stream=True))
    assert b"The " in answer.body
    assert "sent nothing" in str(payloads(answer.body)[-1])
    assert rig.gateway.look(opened.token).failure == "silent"
    (entry,) = until(lambda: rig.booked, bool)
    assert (entry.status, entry.estimated) == (504, True)


def test_a_stream_that_breaks_off_is_metered_and_said(rig: Rig) -> None:
    rig.provider.reply = lambda _: events(speech.chat_events(words=("x" * 400,), end=False), break_off=True)
    opened = rig.open()
    answer = call(opened, CHAT, asking("openai-chat", stream=True))
    assert "was lost" in payloads(answer.body)[-1]["error"]["message"]
    metered = rig.gateway.look(opened.token)
    assert (metered.failure, metered.output_tokens >= 100) == ("provider", True)


def test_a_provider_that_takes_for_ever_is_given_up(tmp_path: Path, provider) -> None:
    limits = GatewayLimits(request_seconds_max=0.5)
    rig = make_rig(tmp_path, provider, limits=limits)
    try:
        provider.reply = lambda _: events(speech.chat_events(words=WORDS * 20, end=False), pause_seconds=0.05)
        opened = rig.open()
        answer = call(opened, CHAT, asking("openai-chat", stream=True))
        assert "did not answer in time" in payloads(answer.body)[-1]["error"]["message"]
        assert rig.gateway.look(opened.token).failure == "provider"
    finally:
        rig.gateway.stop()


def test_an_answer_that_is_no_json_is_passed_on_and_estimated(rig: Rig) -> None:
    rig.provider.reply = lambda _: Reply(body=b"<html>hello</html>" * 100, kind="text/html")
    opened = rig.open()
    assert call(opened, CHAT, asking("openai-chat")).body.startswith(b"<html>")
    metered = rig.gateway.close(opened.token)
    assert metered.output_tokens >= 400
    assert rig.booked[0].estimated


def test_a_fault_of_ours_is_told_in_the_dialect_and_logged(rig: Rig, caplog) -> None:
    def broken() -> str:
        return None  # type: ignore[return-value]

    rig.key = broken
    opened = rig.open("anthropic")
    answer = call(opened, PATHS["anthropic"], asking("anthropic"))
    assert (answer.status, answer.json["error"]["type"]) == (500, "api_error")
    assert "failed in the gateway" in caplog.text


def test_an_error_inside_a_stream_is_passed_on_and_named(rig: Rig) -> None:
    wrong = speech.sse(
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "error"
    )
    rig.provider.reply = lambda _: events([*speech.message_events(end=False), wrong])
    opened = rig.open("anthropic")
    answer = call(opened, PATHS["anthropic"], asking("anthropic", stream=True))
    assert answer.body.endswith(wrong)
    assert rig.gateway.look(opened.token).failure == "provider"


def test_a_provider_that_is_not_there(rig: Rig) -> None:
    opened = rig.open("nobody")
    answer = call(opened, CHAT, asking("openai-chat"))
    assert answer.status == 502
    metered = rig.gateway.close(opened.token)
    assert (metered.failure, metered.cost_usd, metered.input_tokens) == ("provider", 0, 0)
    assert rig.booked == []


def test_a_redirect_is_not_followed(rig: Rig) -> None:
    away = {"Location": f"{rig.provider.url}/v1/elsewhere"}
    rig.provider.reply = lambda _: Reply(status=307, headers=away)
    opened = rig.open()
    answer = call(opened, CHAT, asking("openai-chat"))
    assert answer.status == 502
    assert "location" not in answer.headers
    assert len(rig.provider.came) == 1


def test_an_answer_that_is_too_large_is_not_taken(tmp_path: Path, provider) -> None:
    rig = make_rig(tmp_path, provider, limits=GatewayLimits(answer_bytes_max=10_000, event_bytes_max=10_000))
    try:
        provider.reply = lambda _: whole(speech.chat(words=("x" * 20_000,)))
        opened = rig.open()
        assert call(opened, CHAT, asking("openai-chat")).status == 502
        provider.reply = lambda _: events([b"data: " + b"x" * 20_000])
        answer = call(opened, CHAT, asking("openai-chat", stream=True))
        assert "sent too much" in payloads(answer.body)[-1]["error"]["message"]
        assert rig.gateway.look(opened.token).failure == "provider"
    finally:
        rig.gateway.stop()


def test_the_key_comes_back_nowhere(rig: Rig, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever way a provider echoes it: in errors, headers, events, pieces of a stream."""
    caplog.set_level(0)
    log = tmp_path / "requests.jsonl"
    opened = rig.open(log_path=str(log))
    said = {"error": {"message": f"Incorrect API key provided: {KEY}."}}
    seen = []
    echoes = {"X-Echo": f"Bearer {KEY}"}
    for reply in (
        whole(said, status=401, headers=echoes),
        whole(speech.chat(words=(f"your key is {KEY}",)), headers=echoes),
        events([speech.sse(said), *speech.chat_events(words=(KEY, f"{KEY}{KEY}"))], headers=echoes),
        events([f"data: {KEY[:9]}".encode(), f"{KEY[9:]}\n\n".encode()]),
    ):
        rig.provider.reply = lambda _, reply=reply: reply
        answer = call(opened, CHAT, asking("openai-chat", stream=reply.pieces is not None))
        seen.append(f"{answer.headers} {answer.body!r}")
    gemini = rig.open("gemini", log_path=str(log))
    pieces = [b'[{"text": "', *(KEY[at : at + 5].encode() for at in range(0, len(KEY), 5)), b'"}]']
    rig.provider.reply = lambda _: Reply(pieces=pieces)
    answer = call(gemini, STREAM_PATHS["gemini"].partition("?")[0], asking("gemini"))
    assert json.loads(answer.body) == [{"text": "[key]"}]
    seen += [answer.body.decode(), log.read_text(), caplog.text, str(rig.booked)]
    assert "[key]" in seen[0]
    assert all(KEY not in text for text in seen)
    assert all(KEY in str(came.headers) for came in rig.provider.came)
    assert all(opened.token not in text for text in seen[-3:])
