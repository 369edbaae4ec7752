"""A bound that is reached ends the run's requests: before they begin, in their middle, and when many run at once."""

from __future__ import annotations

import json
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.clients.gateway import speech
from tests.clients.gateway.provider import events, whole
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

from keelway.clients.gateway.values import Allowance, Entry, GatewayLimits

CHAT = PATHS["openai-chat"]
DIALECTS = sorted(PATHS)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_spent_budget_refuses_in_the_words_of_the_dialect(rig: Rig, dialect: str) -> None:
    opened = rig.open(PROVIDER_OF[dialect], cost_usd_max=0.000_001)
    assert call(opened, PATHS[dialect], asking(dialect)).status == 200
    for _ in range(3):
        answer = call(opened, PATHS[dialect], asking(dialect))
        assert answer.status == 402
        assert answer.headers["x-should-retry"] == "false"
        assert "budget is spent" in answer.body.decode()
        assert isinstance(answer.json["error"], dict)
    assert len(rig.provider.came) == 1
    metered = rig.gateway.close(opened.token)
    assert (metered.refused, metered.requests, metered.failure) == ("cost", 1, "")


@pytest.mark.parametrize(
    ("allowance", "name"),
    [
        (Allowance(task_usd=0.0), "cost"),
        (Allowance(day_usd=-0.5), "day"),
        (Allowance(project_usd=0.0), "project"),
        (Allowance(day_usd=math.nan), "day"),
    ],
)
def test_what_the_book_says_is_spent_is_refused_before_it_begins(
    rig: Rig, allowance: Allowance, name: str
) -> None:
    rig.allowance = allowance
    opened = rig.open()
    assert call(opened, CHAT, asking("openai-chat")).status == 402
    assert rig.provider.came == []
    assert rig.gateway.look(opened.token).refused == name


def test_tokens_are_a_bound_of_their_own(rig: Rig) -> None:
    opened = rig.open(tokens_max=1_060)
    assert call(opened, CHAT, asking("openai-chat")).status == 200
    assert call(opened, CHAT, asking("openai-chat")).status == 200  # ten were left
    assert call(opened, CHAT, asking("openai-chat")).status == 402
    assert rig.gateway.look(opened.token).refused == "tokens"


def test_a_book_that_cannot_be_read_lets_nothing_through(tmp_path, provider) -> None:
    def broken(_task: str) -> Allowance:
        raise RuntimeError("the disk is gone")

    rig = make_rig(tmp_path, provider, allowance=broken)
    try:
        opened = rig.open()
        answer = call(opened, CHAT, asking("openai-chat"))
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert "disk" not in answer.body.decode()
        assert provider.came == []
    finally:
        rig.gateway.stop()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_stream_is_cut_once_its_budget_is_passed(rig: Rig, dialect: str) -> None:
    make = {
        "openai-chat": speech.chat_events,
        "openai-responses": speech.response_events,
        "anthropic": speech.message_events,
        "gemini": speech.content_events,
    }[dialect]
    # Eighty pieces of a hundred tokens; the money is good for about ten of them.
    pieces = make(speech.Use(given=100, cached=0), words=("x" * 400,) * 80, end=False)
    rig.provider.reply = lambda _: events(pieces, pause_seconds=0.02, hang=True)
    each_usd = {"openai-chat": 2.0, "openai-responses": 2.0, "anthropic": 15.0, "gemini": 10.0}[dialect]
    limit_usd = 1_000 * each_usd / 1e6
    opened = rig.open(PROVIDER_OF[dialect], cost_usd_max=limit_usd)
    answer = call(opened, STREAM_PATHS[dialect], asking(dialect, stream=True))
    last = payloads(answer.body)[-1]
    error = last["response"]["error"] if dialect == "openai-responses" else last["error"]
    assert "budget is spent" in error["message"]
    metered = rig.gateway.look(opened.token)
    assert metered.refused == "cost"
    assert limit_usd <= metered.cost_usd < limit_usd * 1.3
    assert rig.booked[0].estimated
    assert rig.provider.gone.wait(5), "the provider still sends"
    assert call(opened, STREAM_PATHS[dialect], asking(dialect, stream=True)).status == 402


def test_a_stream_that_has_said_everything_is_not_cut(rig: Rig) -> None:
    rig.provider.reply = lambda _: events(speech.chat_events(speech.Use(made=1_000_000)))
    opened = rig.open(cost_usd_max=0.01)
    answer = call(opened, CHAT, asking("openai-chat", stream=True))
    assert answer.body.endswith(b"data: [DONE]\n\n")
    assert rig.gateway.look(opened.token).cost_usd > 1
    assert call(opened, CHAT, asking("openai-chat")).status == 402


def test_what_runs_is_seen_while_it_runs(rig: Rig) -> None:
    pieces = speech.chat_events(words=("x" * 4_000,) * 3, end=False)
    rig.provider.reply = lambda _: events(pieces, hang=True)
    opened = rig.open()
    wire = connect(opened)
    body = json.dumps(asking("openai-chat", stream=True))
    wire.request("POST", CHAT, body=body, headers={"Authorization": f"Bearer {opened.token}"})
    metered = until(lambda: rig.gateway.look(opened.token), lambda seen: seen.output_tokens >= 3_000)
    assert (metered.requests, metered.cost_usd > 3_000 * 2.0 / 1e6) == (0, True)
    wire.close()


def test_parallel_requests_do_not_pass_the_bound_together(rig: Rig) -> None:
    """Money for three answers: of ten at once those wait that the rest of the money is not enough for."""
    use = speech.Use(given=1_000, made=4_000, cached=0)
    rig.provider.reply = lambda _: whole(speech.chat(use), pause_seconds=0.2)
    each_usd = (1_000 * 0.25 + 4_000 * 2.0) / 1e6
    opened = rig.open(cost_usd_max=3 * each_usd)
    body = asking("openai-chat", text="y" * 4_000) | {"max_tokens": 4_000}
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: call(opened, CHAT, body), range(10)))
    statuses = sorted(answer.status for answer in answers)
    assert statuses[:3] == [200] * 3
    assert statuses[-6:] == [402] * 6
    metered = rig.gateway.close(opened.token)
    assert metered.cost_usd <= 4 * each_usd  # at most one more than there was money for
    assert rig.provider.inflight_max <= 4


def test_the_day_is_shared_by_the_passes(tmp_path, provider) -> None:
    """Entries that the book has not taken yet count all the same."""
    go = threading.Event()

    def slow(_entry: Entry) -> None:
        go.wait(10)

    rig = make_rig(tmp_path, provider, book=slow)
    try:
        rig.allowance = Allowance(day_usd=0.000_3)  # one answer costs 0.00026
        first, second = rig.open(task="T-1"), rig.open(task="T-2")
        assert call(first, CHAT, asking("openai-chat")).status == 200
        assert call(second, CHAT, asking("openai-chat")).status == 200
        assert call(first, CHAT, asking("openai-chat")).status == 402
        assert rig.gateway.look(first.token).refused == "day"
    finally:
        go.set()
        rig.gateway.stop()


def test_a_request_waits_for_money_that_others_hold_and_gives_up_in_time(tmp_path, provider) -> None:
    limits = GatewayLimits(wait_seconds_max=0.3)
    rig = make_rig(tmp_path, provider, limits=limits)
    try:
        rig.provider.reply = lambda _: whole(speech.chat(), pause_seconds=1.0)
        opened = rig.open(cost_usd_max=0.001)
        body = asking("openai-chat") | {"max_tokens": 4_000}
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(call, opened, CHAT, body)
            until(lambda: rig.provider.inflight, bool)
            began = time.monotonic()
            answer = call(opened, CHAT, body)
            assert (answer.status, answer.headers["retry-after"]) == (429, "5")
            assert time.monotonic() - began < 0.9
            assert first.result().status == 200
        assert rig.gateway.look(opened.token).refused == ""
    finally:
        rig.gateway.stop()


def test_too_many_requests_of_one_run_at_a_time_are_told_to_wait(tmp_path, provider) -> None:
    rig = make_rig(tmp_path, provider, limits=GatewayLimits(requests_max=2))
    try:
        rig.provider.reply = lambda _: whole(speech.chat(), pause_seconds=0.5)
        opened = rig.open()
        with ThreadPoolExecutor(5) as pool:
            answers = list(pool.map(lambda _: call(opened, CHAT, asking("openai-chat")), range(5)))
        assert sorted(answer.status for answer in answers) == [200, 200, 429, 429, 429]
    finally:
        rig.gateway.stop()


def test_a_book_that_fails_once_is_asked_again_with_the_same_id(tmp_path, provider) -> None:
    seen: list[str] = []

    def moody(entry: Entry) -> None:
        seen.append(entry.id)
        if len(seen) == 1:
            raise RuntimeError("locked")

    rig = make_rig(tmp_path, provider, book=moody)
    opened = rig.open()
    call(opened, CHAT, asking("openai-chat"))
    rig.gateway.stop()
    assert len(seen) == 2
    assert seen[0] == seen[1]
